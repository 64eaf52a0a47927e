"""One article in the clothes of many sites: navigation, cookie notices, sharing, related pages and comments around it.

The words around an article are the same everywhere and are listed in CHROME, so that whoever extracts an article
can be asked whether any of them came along.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

#: Words that stand around an article and never in one.
CHROME = (
    "このサイトではクッキーを使用しています", "会員登録はこちら", "サイトマップ", "プライバシーポリシー", "アクセスランキング",
    "この記事をシェア", "あわせて読みたい", "無断転載を禁じます", "ご意見をお寄せください", "とても参考になりました",
    "前の記事：短観の見方", "メールマガジン登録", "採用情報",
)  # fmt: skip
_MENU = ("ホーム", "ニュース", "マーケット", "会社情報", "採用情報", "お問い合わせ", "サイトマップ")
_RELATED = (
    "長期金利の先行き、専門家の見方は分かれる",
    "地方銀行の決算、利ざや改善で増益",
    "新しいＮＩＳＡの使い方をやさしく解説",
    "円相場、介入警戒感から小動き",
)
_RANKING = (
    "一位　株価が最高値を更新",
    "二位　物価の見通しを読む",
    "三位　住宅ローンの選び方",
    "四位　決算発表の日程",
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of an article: its HTML and the text that a reader sees."""

    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """Title, the line under it, and the pieces in order."""

    title: str
    byline: str
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """What a faithful extraction says, a piece per paragraph."""
        return "\n\n".join([self.title, self.byline, *(piece.text for piece in self.pieces)])

    @property
    def html(self) -> str:
        """The pieces as a site would write them."""
        return "\n".join(piece.html for piece in self.pieces)


def paragraph(text: str, note: int = 0) -> Piece:
    """A paragraph, with a footnote mark before its last sign."""
    mark = f'<sup><a href="#fn{note}" id="r{note}">{note}</a></sup>' if note else ""
    return Piece(f"<p>{escape(text[:-1])}{mark}{escape(text[-1:])}</p>", text)


def heading(text: str, level: int = 2) -> Piece:
    """A heading of a section."""
    return Piece(f"<h{level}>{escape(text)}</h{level}>", text)


def ruby(before: str, word: str, reading: str, after: str) -> Piece:
    """A paragraph with a reading over one word; the reading is no part of the text."""
    html = f"<p>{before}<ruby>{word}<rp>（</rp><rt>{reading}</rt><rp>）</rp></ruby>{after}</p>"
    return Piece(html, f"{before}{word}{after}")


def listing(items: tuple[str, ...], *, numbered: bool = False, links: bool = False) -> Piece:
    """A list; with links, of other pages that the text speaks of."""
    tag = "ol" if numbered else "ul"
    rows = "".join(
        f'<li><a href="/doc/{n}.html">{escape(item)}</a></li>' if links else f"<li>{escape(item)}</li>"
        for n, item in enumerate(items)
    )
    return Piece(f"<{tag}>{rows}</{tag}>", "\n".join(items))


def pairs(rows: Mapping[str, str]) -> Piece:
    """A definition list."""
    html = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items())
    return Piece(f"<dl>{html}</dl>", "\n".join(f"{name}\n{value}" for name, value in rows.items()))


def grid(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], merged: str = "") -> Piece:
    """A table; ``merged`` is a first column's cell that spans all rows."""
    side = f'<td rowspan="{len(rows)}">{escape(merged)}</td>' if merged else ""
    first = "<th>区分</th>" if merged else ""
    html = f"<table><thead><tr>{first}{''.join(f'<th>{h}</th>' for h in head)}</tr></thead><tbody>"
    for number, row in enumerate(rows):
        html += f"<tr>{side if not number else ''}{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
    told = [
        " ".join([*(["区分"] if merged else []), *head]),
        *(" ".join([*([merged] if merged else []), *row]) for row in rows),
    ]
    return Piece(f"{html}</tbody></table>", "\n".join(told))


def footnotes(notes: tuple[str, ...]) -> Piece:
    """The notes at the end."""
    rows = "".join(
        f'<li id="fn{n}">{n} {escape(note)} <a href="#r{n}">↑</a></li>' for n, note in enumerate(notes, 1)
    )
    return Piece(f'<ol class="footnotes">{rows}</ol>', "\n".join(notes))


def _links(words: tuple[str, ...], tag: str = "li") -> str:
    return "".join(f'<{tag}><a href="/a/{n}.html">{word}</a></{tag}>' for n, word in enumerate(words))


def semantic(article: Article) -> str:
    """HTML5 elements, each for what it is meant."""
    return f"""<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"><title>{article.title} | 金融の窓</title>
<meta property="og:title" content="{article.title}"><meta property="og:site_name" content="金融の窓"></head><body>
<div class="cookie-banner" role="dialog"><p>このサイトではクッキーを使用しています。詳しくはプライバシーポリシーをご覧ください。</p><button>同意する</button></div>
<header><p class="logo">金融の窓</p><nav><ul>{_links(_MENU)}</ul></nav></header>
<main><nav class="breadcrumb"><a href="/">ホーム</a> &gt; <a href="/n">ニュース</a></nav>
<article><header><h1>{article.title}</h1><p class="meta">{article.byline}</p></header>{article.html}
<div class="share"><p>この記事をシェア</p><ul>{_links(("X", "LINE", "はてな"))}</ul></div></article>
<section class="related"><h2>あわせて読みたい</h2><ul>{_links(_RELATED)}</ul></section></main>
<aside><h2>アクセスランキング</h2><ol>{_links(_RANKING)}</ol></aside>
<footer><ul>{_links(("サイトマップ", "プライバシーポリシー"))}</ul><p>記事の無断転載を禁じます。© 金融の窓</p></footer></body></html>"""


def blog(article: Article) -> str:
    """A weblog engine's theme: posts, widgets, comments, tags."""
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{article.title} - ある投資家の覚え書き</title></head>
<body class="single single-post has-sidebar"><div id="page" class="site"><div id="masthead"><p class="site-title"><a href="/">ある投資家の覚え書き</a></p>
<div class="menu-global"><ul id="menu-1">{_links(_MENU)}</ul></div></div><div id="content" class="site-content"><div id="primary" class="content-area">
<div id="post-42" class="post type-post hentry"><div class="entry-header"><h1 class="entry-title">{article.title}</h1><div class="entry-meta"><span>{article.byline}</span></div></div>
<div class="entry-content">{article.html}<div class="sharedaddy"><h3 class="sd-title">この記事をシェア</h3><ul>{_links(("Twitter", "Facebook"))}</ul></div>
<div id="jp-relatedposts" class="jp-relatedposts"><h3>あわせて読みたい</h3><p><a href="/1">{_RELATED[0]}</a></p><p><a href="/2">{_RELATED[1]}</a></p></div></div>
<div class="entry-footer">カテゴリー: <a href="/c">経済</a> タグ: <a href="/t">金利</a>、<a href="/t2">物価</a></div></div>
<div class="post-navigation"><a href="/p">前の記事：短観の見方</a> <a href="/n">次の記事：為替の見方</a></div>
<div id="comments" class="comments-area"><h2>2件のコメント</h2><ol><li><p>山田より：とても参考になりました。ありがとうございます。次の記事も楽しみにしています。</p></li>
<li><p>佐藤より：物価の部分がとくに参考になりました。長い文章を分かりやすくまとめてくださり感謝いたします。</p></li></ol><form><p>コメントを残す</p><textarea></textarea></form></div></div>
<div id="secondary" class="widget-area"><div class="widget"><h2>アクセスランキング</h2><ul>{_links(_RANKING)}</ul></div><div class="widget"><h2>プロフィール</h2><p>都内で働く会社員です。十年前から投資を始めました。会員登録はこちらからどうぞ。</p></div></div></div>
<div id="colophon"><p>Copyright 2026 ある投資家 All Rights Reserved.</p></div></div></body></html>"""


def tables(article: Article) -> str:
    """A site of 2002: everything in tables, no names, tags in capitals."""
    body = article.html.replace("<p>", "<P>　").replace("</p>", "</P>")
    return f"""<HTML><HEAD><TITLE>{article.title}</TITLE></HEAD><BODY BGCOLOR="#FFFFFF"><TABLE WIDTH=760 BORDER=0><TR><TD COLSPAN=2><IMG SRC="t.gif" ALT="見本証券">
<FONT SIZE=2><A HREF="/">ホーム</A>｜<A HREF="/n">ニュース</A>｜<A HREF="/m">マーケット</A>｜<A HREF="/s">サイトマップ</A></FONT></TD></TR>
<TR><TD WIDTH=160 VALIGN=top><FONT SIZE=2>{"".join(f'<A HREF="/{n}">{word}</A><BR>' for n, word in enumerate(_MENU + _RANKING))}</FONT></TD>
<TD WIDTH=600 VALIGN=top><FONT SIZE=5><B><H1>{article.title}</H1></B></FONT><P ALIGN=right>{article.byline}</P>{body}<HR><A HREF="#top">このページのトップへ</A></TD></TR>
<TR><TD COLSPAN=2 ALIGN=center><FONT SIZE=1>記事の無断転載を禁じます。Copyright (C) 2002 Mihon Securities. All rights reserved.</FONT></TD></TR></TABLE></BODY></HTML>"""


def hashed(article: Article) -> str:
    """A built front end: names without meaning, everything a div."""
    return f"""<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"><title>{article.title}｜経済日報デジタル</title></head><body><div id="__next"><div class="css-1x0aa"><div class="css-9qk2"><a href="/"><img alt="経済日報"></a>
<div class="css-77b1">{_links(_MENU, "span")}</div></div><div class="css-8ad1"><div class="css-3fk9"><div class="css-5551"><h1 class="css-0t1">{article.title}</h1><div class="css-kd88">{article.byline}</div></div>
<div class="css-b0dy">{article.html}</div><div class="css-zz1"><div class="css-q1">この記事をシェア</div><div>{_links(("投稿", "保存"), "span")}</div></div>
<div class="css-zz2"><div class="css-h3">あわせて読みたい</div>{"".join(f'<div class="css-c4rd"><a href="/{n}"><div>{word}</div><div>2026年11月{n + 1}日</div></a></div>' for n, word in enumerate(_RELATED))}</div></div>
<div class="css-s1de"><div class="css-h3">アクセスランキング</div>{_links(_RANKING, "div")}<div class="css-ml">メールマガジン登録</div></div></div>
<div class="css-f00t"><div>{_links(("会社情報", "採用情報", "プライバシーポリシー"), "span")}</div><div>© 経済日報　無断転載を禁じます</div></div></div></div>
<div class="css-ck1"><div>このサイトではクッキーを使用しています。ご利用を続けることで同意したものとみなします。</div><div>閉じる</div></div></body></html>"""


def government(article: Article) -> str:
    """A ministry: skip links, a path, a contents block, an enquiry desk at the end."""
    return f"""<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"><title>{article.title}：見本省</title></head><body><p id="skip"><a href="#main">本文へ移動</a></p>
<div id="header"><div id="logo"><a href="/">見本省</a></div><div id="font-size">文字サイズ<ul><li>小</li><li>中</li><li>大</li></ul></div><div id="gnavi"><ul>{_links(_MENU)}</ul></div></div>
<div id="wrap"><div id="topicpath"><a href="/">ホーム</a> &gt; <a href="/h">報道発表</a> &gt; {article.title}</div><div id="lnavi"><h2>報道発表</h2><ul>{_links(_RANKING)}</ul></div>
<div id="main"><div class="date-area"><p>{article.byline}</p></div><h1>{article.title}</h1><div class="section">{article.html}</div>
<div class="contact-box"><h2>ご意見・お問い合わせ</h2><p>このページについてのご意見をお寄せください。</p></div><p class="pagetop"><a href="#header">ページの先頭へ戻る</a></p></div></div>
<div id="footer"><ul>{_links(("サイトマップ", "プライバシーポリシー"))}</ul><address>見本省　〒100-0000 見本区見本町1-1</address></div></body></html>"""


def company(article: Article) -> str:
    """An investor-relations page whose heading stands in a banner outside of the text."""
    return f"""<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"><title>{article.title} | ニュースリリース | 見本銀行グループ</title></head><body class="l-body"><header class="l-header"><div class="l-header__logo">見本銀行グループ</div>
<div class="l-header__nav"><ul>{_links(_MENU)}</ul><p>会員登録はこちら</p></div></header><div class="p-hero"><h1 class="p-hero__title">{article.title}</h1></div><div class="l-contents"><div class="l-contents__inner">
<div class="c-release"><p class="c-release__date">{article.byline}</p><div class="c-release__body">{article.html}</div></div>
<div class="c-bnr"><ul>{_links(("投資信託のご案内", "住宅ローンのご相談"))}</ul></div><div class="c-back"><a href="/news/">ニュースリリース一覧へ戻る</a></div></div></div>
<div class="l-footer"><div class="l-footer__links">{_links(("個人のお客さま", "法人のお客さま", "採用情報", "プライバシーポリシー"), "span")}</div><small>Copyright © Mihon Bank Group. All Rights Reserved.</small></div></body></html>"""


#: Name -> what dresses an article.
SKINS: Mapping[str, Callable[[Article], str]] = {
    "semantic": semantic,
    "blog": blog,
    "tables": tables,
    "hashed": hashed,
    "government": government,
    "company": company,
}
