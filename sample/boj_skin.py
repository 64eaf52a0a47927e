"""The two skins of the central bank's web site: the current one, heavy with navigation, and the old one.

The order, the class names and the comments of regions follow a saved page of the real site; all words are
the sample world's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sample.http import Response, page

SITE = "https://www.boj.or.jp"

#: Menu of the first level -> entries below it; in the current skin it precedes every page's text.
_MENU = {
    "日本銀行について": ("about", "概要 組織 歴代総裁 法令・規程 決算 業務 危機対応 講演・会見 見学 採用"),
    "金融政策": ("mopo", "枠組み 会合の運営 声明 議事要旨 主な意見 展望 調節の手段 国会報告"),
    "金融システム": ("finsys", "概観 考査・モニタリング 報告書 政策手段 セミナー 当局連携"),
    "決済・市場": ("paym", "決済の概要 資金決済 国債決済 電子決済 デジタル通貨 市場慣行"),
    "銀行券・国庫・国債": ("note_tfjgs", "銀行券 貨幣 偽造対策 国庫金 国債事務 損傷通貨"),
    "国際金融": ("intl_finance", "国際会議 協力 外国為替 国際収支"),
    "調査・研究": ("research", "報告書 論文 研究所 分析データ 会議 意識調査"),
    "統計": ("statistics", "通貨 市場 預金・貸出 資金循環 短観 物価 国際収支 決済 時系列検索"),
}
_MENU_EN = {
    "About the Bank": ("about", "Outline Organization Law Accounts Activities Speeches Tours Careers"),
    "Monetary Policy": ("mopo", "Framework Meetings Statements Minutes Opinions Outlook Operations Diet"),
    "Financial System": ("finsys", "Overview Examination Report Measures Seminars Coordination"),
    "Payments": ("paym", "Outline Funds Bonds Fintech Digital Markets"),
    "Research": ("research", "Reports Papers Institute Data Conferences Surveys"),
    "Statistics": ("statistics", "Currency Markets Deposits Flow Tankan Prices Balance Settlement Search"),
}
_WORDS = {
    "ja": {
        "skip": "このページの本文へ移動",
        "home": "ホーム",
        "menu": "メニューを開く",
        "close": "閉じる",
        "search": "検索",
        "path": "現在位置",
        "twin": '<a class="lang-link" href="{href}" lang="en">English</a>',
        "copy": "見本ページ。実在の講演・会見ではありません。（金蔵 サンプルワールド）",
        "top": "ページトップ",
        "address": "見本銀行　東京都見本区見本町１－１",
    },
    "en": {
        "skip": "Skip to main content",
        "home": "Home",
        "menu": "Open the menu",
        "close": "close",
        "search": "Search",
        "path": "current position",
        "twin": '<a class="lang-link" href="{href}" lang="ja">日本語</a>',
        "copy": "A sample page. Not a real speech or conference. (Kanagura sample world)",
        "top": "Page top",
        "address": "Sample Bank, 1-1 Mihon-cho, Mihon-ku, Tokyo",
    },
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page before it is dressed: title is plain text, heading and blocks are HTML."""

    path: str
    title: str
    heading: str
    blocks: tuple[str, ...]
    trail: tuple[tuple[str, str], ...] = ()
    language: str = "ja"
    twin: str = ""
    category: str = "about"


def current(sheet: Sheet) -> Response:
    """The skin since 2011: UTF-8, most bytes before the text, CRLF inside the content and LF around it."""
    words = _WORDS[sheet.language]
    prefix = "/en" if sheet.language == "en" else ""
    title = f"{escape(sheet.title)}  : 日本銀行 Bank of Japan"
    contents = "".join(
        f"<!-- [START] CONTENT_{number} -->{block}<!-- [END] CONTENT_{number} -->"
        for number, block in enumerate(sheet.blocks, start=1)
    )
    trail = "".join(f'<li><a href="{href}">{label}</a>&gt;</li>' for href, label in sheet.trail)
    twin = f'<p class="lang">{words["twin"].format(href=sheet.twin)}</p>' if sheet.twin else ""
    html = f"""<!DOCTYPE html><html lang="{sheet.language}">
<head prefix="og: http://ogp.me/ns# fb: http://ogp.me/ns/fb# article: http://ogp.me/ns/article#">
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8"><meta name="author" content="">
<meta name="description" content="">
<meta name="keywords" content="">
<title>{title}</title>
<link rel="stylesheet" type="text/css" href="/common2/css/wysiwyg.css">
<link rel="stylesheet" type="text/css" href="/common2/css/style.css">
<meta name="viewport" content="width=device-width,initial-scale=1.0">
<meta property="og:title" content="{title}">
<meta property="og:type" content="article">
<meta property="og:url" content="{SITE}{sheet.path}">
<meta property="og:site_name" content="Bank of Japan">
</head>
<body class="cate-{sheet.category} {sheet.language}">
<div class="block_skip"><a href="#contents">{words["skip"]}</a></div>
<div class="clear_fix">
<header id="header_area" class="lonav on" role="banner">
  <button id="menuBtn" aria-expanded="false" aria-controls="left_col">
    <img class="open" src="/common2/img/common/menu.png" alt="{words["menu"]}">
  </button>
  <div id="left_col">
    <!-- ▼▼　ヘッダー　▼▼-->
    <div id="header">
  <p class="logo gen-disp_pc"><a href="{prefix}/"><img src="/common2/img/common/logo.jpg" alt="日本銀行 Bank of Japan"></a></p>
  <ul class="lang"><li lang="ja"><a href="/">日本語</a></li><li><a href="/en/">English</a></li></ul>
</div>
    <!-- ▲▲　ヘッダー　▲▲-->
    <!-- ▼▼　ナビゲーション　▼▼ -->
    <nav id="glnav" aria-label="Main menu">
{_navigation(sheet.language, prefix)}
    </nav>
    <!-- ▲▲　ナビゲーション　▲▲ -->
    <!-- ▼▼　SNS　▼▼-->
    <aside role="complementary" id="sns"><ul><li><a class="img" href="/sns.htm"><img src="/common2/img/common/sns_x.gif" alt="x"></a></li></ul></aside>
    <!-- ▲▲　SNS　▲▲-->
  </div>
</header>
  <div id="right_col">
    <div id="overlay" class="off glnav-disp_non"></div>
    <aside role="complementary" id="main_v">
      <p class="main_v-title">{escape(sheet.trail[-1][1] if sheet.trail else words["home"])}</p>
      <form class="search_form" role="search"><input id="qs_keyword" name="search" type="text" title="{words["search"]}"></form>
        <!-- ▼▼　パンくずリスト　▼▼-->
        <nav id="topic_path" role="navigation" aria-label="{words["path"]}">
          <ul><li><a href="{prefix}/index.htm">{words["home"]}</a>&gt;</li>{trail}<li aria-current="page"><em>{escape(sheet.title)}</em></li></ul>
        </nav>
        <!-- ▲▲　パンくずリスト　▲▲-->
    </aside>
    <main id="contents">
      <h1>{sheet.heading}</h1>
      {twin}
      <!-- ▼▼　コンテンツ　▼▼-->
      <div class="outline mod_outer">
      {contents.replace(chr(10), chr(13) + chr(10))}
      </div>
      <!-- ▲▲　コンテンツ　▲▲-->
    </main>
    <!-- ▼▼　フッター　▼▼-->
    <footer id="footer"><p>{words["address"]}</p><ul class="nav"><li><a href="{prefix}/about/abouthp.htm">{words["home"]}</a></li></ul>
    <p id="copy">{words["copy"]}</p><a id="page_top" href="#">{words["top"]}</a></footer>
    <!-- ▲▲　フッター　▲▲-->
  </div>
</div>
</body>
</html>
"""
    return page(html.encode("utf-8"), "text/html")


def older(sheet: Sheet, encoding: str) -> Response:
    """The skin before 2011, in tables; encoding is shift_jis or euc_jp and named in the page, not in HTTP."""
    name = {"shift_jis": "Shift_JIS", "euc_jp": "EUC-JP"}[encoding]
    trail = " &gt; ".join(
        [f'<a href="{href}">{label}</a>' for href, label in sheet.trail] + [escape(sheet.title)]
    )
    contents = "\r\n".join(sheet.blocks)
    html = f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">
<HTML LANG="{sheet.language}">
<HEAD>
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset={name}">
<TITLE>{escape(sheet.title)}：日本銀行 Bank of Japan</TITLE>
</HEAD>
<BODY BGCOLOR="#FFFFFF">
<TABLE WIDTH="760" BORDER="0" CELLPADDING="0"><TR><TD COLSPAN="2"><A HREF="/archive/index.htm"><IMG SRC="/archive/image/logo.gif" ALT="日本銀行"></A></TD></TR>
<TR><TD WIDTH="160" VALIGN="top">{"<BR>".join(f'<A HREF="/archive/{folder}/index.htm">{label}</A>' for label, (folder, _) in _MENU.items())}</TD>
<TD VALIGN="top">
<P CLASS="path"><a href="/archive/index.htm">ホーム</a> &gt; {trail}</P>
<DIV ID="contents-skip">
<H1>{sheet.heading}</H1>
{contents}
</DIV>
</TD></TR></TABLE>
<HR><P ALIGN="center"><FONT SIZE="-1">{_WORDS[sheet.language]["copy"]}</FONT></P>
</BODY></HTML>
"""
    return page(html.replace("\r\n", "\n").replace("\n", "\r\n").encode(encoding), "text/html")


def paragraphs(texts: Sequence[str]) -> str:
    """Running text as the current skin has it: an ideographic space opens every paragraph."""
    return "\n".join(f"<p>　{text}</p>" for text in texts)


def numbered(number: int, title: str, anchor: str) -> str:
    """A section heading with the duplicate numeral for screen readers that the real pages hide."""
    shown = chr(0xFF10 + number) if number < 10 else str(number)
    return (
        f'<h2 id="{anchor}"><span aria-hidden="true">{shown}．</span>'
        f'<span class="txt-hide">{number}.</span>{title}</h2>'
    )


def file_label(label: str, body: bytes) -> str:
    """The label of a link to a file, with its size as the real site shows it."""
    return f"{label} [PDF {max(1, round(len(body) / 1024)):,}KB]"


def _navigation(language: str, prefix: str) -> str:
    rows = ['      <ul class="glnav_ul">']
    for number, (label, (folder, entries)) in enumerate(
        (_MENU_EN if language == "en" else _MENU).items(), start=2
    ):
        rows += [
            "<li>",
            f'<button class="glnav-btn glnav1st" aria-expanded="false" aria-controls="glnav{number}">{label}</button>',
            '<div class="slide_box">',
            f'<ul id="glnav{number}" class="glnav1st_ul glnav-disp_non" aria-hidden="true">',
        ]
        rows += [
            f'<li><a class="glnav-link glnav2nd" href="{prefix}/{folder}/{chr(96 + place)}/index.htm">{entry}</a></li>'
            for place, entry in enumerate(entries.split(), start=1)
        ]
        rows += [
            f'<li><button class="glnav-btn_close glnav1st_close" aria-controls="glnav{number}">{_WORDS[language]["close"]}</button></li>',
            "</ul>",
            "</div>",
            "</li>",
        ]
    return "\n".join([*rows, "      </ul>"])
