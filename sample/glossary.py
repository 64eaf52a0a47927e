"""A glossary of finance terms on an exchange's web site: kana index, row index, one page for each term."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from html import escape

from sample.companies import COMPANIES, Company
from sample.http import Request, Response, not_found, page, text
from sample.prose import passages

#: Row of the kana table -> folder, label and the first signs of the readings it holds.
ROWS = {
    "a": ("あ行", "あいうえおぁぃぅぇぉ"),
    "ka": ("か行", "かきくけこがぎぐげご"),
    "sa": ("さ行", "さしすせそざじずぜぞ"),
    "ta": ("た行", "たちつてとだぢづでど"),
    "na": ("な行", "なにぬねの"),
    "ha": ("は行", "はひふへほばびぶべぼぱぴぷぺぽ"),
    "ma": ("ま行", "まみむめも"),
    "ya": ("や行", "やゆよ"),
    "ra": ("ら行", "らりるれろ"),
    "wa": ("わ行", "わをん"),
}

#: A crawler that follows links without reading robots.txt will come here.
DISALLOWED = "/glossary/search.html"

_ROBOTS = f"User-agent: *\nDisallow: {DISALLOWED}\nDisallow: /cgi-bin/\nAllow: /\n"
_MENU = {
    "株式・ETF・REIT等": "上場会社情報 新規上場 銘柄検索 売買制度 相場表 手数料",
    "先物・オプション": "指数先物 国債先物 商品先物 証拠金 限月 清算",
    "マーケット情報": "株価検索 統計情報 指数一覧 空売り集計 投資部門別売買状況 出来高",
    "規則・自主規制": "業務規程 上場審査 考査 売買審査 処分 パブリックコメント",
    "企業情報": "会社概要 沿革 役員 株主総会 採用 サステナビリティ",
    "イベント・学ぶ": "用語集 セミナー 見学 出前授業 動画 よくあるご質問",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One entry; paragraphs are plain text, industries name those whose sample companies are shown."""

    headword: str
    reading: str
    english: str
    paragraphs: tuple[str, ...]
    related: tuple[str, ...]
    industries: tuple[str, ...]


def respond(request: Request) -> Response:
    """The exchange's host: robots.txt with one forbidden page, and the glossary."""
    if request.path == "/robots.txt":
        return text(_ROBOTS)
    path = request.path + "index.html" if request.path.endswith("/") else request.path
    render = _site().get(path)
    return render() if render is not None else not_found()


@cache
def terms() -> dict[str, Term]:
    """Every term by the path of its page, in the order of the readings."""
    found: dict[str, Term] = {}
    written = passages(*(f"glossary/terms_{number}.txt" for number in (1, 2, 3)))
    ordered = sorted((_term(key, body) for key, body in written.items()), key=lambda term: term.reading)
    for row, (_, signs) in ROWS.items():
        held = [term for term in ordered if term.reading[0] in signs]
        for number, term in enumerate(held, start=1):
            found[f"/glossary/{row}/{number}.html"] = term
    if len(found) != len(written):
        raise ValueError("a reading begins with a sign that no row holds")
    return found


def related_companies(term: Term) -> tuple[Company, ...]:
    """The sample companies shown below a term."""
    return tuple(company for company in COMPANIES if company.industry in term.industries)


def term_page(path: str) -> Response:
    """The page of the term at a path."""
    return _term_page(path, terms()[path])


def addresses() -> tuple[str, ...]:
    """Every path that answers, the forbidden one among them."""
    return tuple(_site())


@cache
def _site() -> dict[str, Callable[[], Response]]:
    site: dict[str, Callable[[], Response]] = {
        "/index.html": _index,
        "/glossary/index.html": _index,
        DISALLOWED: _search,
    }
    for row in ROWS:
        site[f"/glossary/{row}/index.html"] = partial(_row_index, row)
    for path, term in terms().items():
        site[path] = partial(_term_page, path, term)
    return site


def _term(key: str, body: str) -> Term:
    headword, reading, english = key.split("|")
    lines = dict(line.split(": ", 1) for line in body.splitlines() if line.startswith(("関連: ", "業種: ")))
    prose = "\n".join(line for line in body.splitlines() if not line.startswith(("関連: ", "業種: ")))
    return Term(
        headword=headword,
        reading=reading,
        english=english.replace("_", " "),
        paragraphs=tuple(part.strip() for part in prose.split("\n\n") if part.strip()),
        related=tuple(lines.get("関連", "").split()),
        industries=tuple(lines.get("業種", "").split()),
    )


def _index() -> Response:
    rows = "\n".join(
        f'<li class="glossary-kana"><a href="/glossary/{row}/index.html">{label}</a></li>'
        for row, (label, _) in ROWS.items()
    )
    main = (
        f'<ul class="kana-list">\n{rows}\n</ul>\n<p class="note">用語の定義は学習のための要約です。'
        f'<a href="{DISALLOWED}">用語を検索する</a></p>'
    )
    return _dressed("用語集", [], main)


def _row_index(row: str) -> Response:
    held = [(path, term) for path, term in terms().items() if path.startswith(f"/glossary/{row}/")]
    # some pages link by name alone, some from the root: both forms are met in the wild
    rows = "\n".join(
        f'<li><a href="{path if number % 2 else path.rsplit("/", 1)[1]}">{escape(term.headword)}</a>'
        f'<span class="kana">（{term.reading}）</span></li>'
        for number, (path, term) in enumerate(held)
    )
    label = ROWS[row][0]
    main = f'<h2 class="row-title">{label}</h2>\n<ul class="term-list">\n{rows}\n</ul>'
    return _dressed(f"用語集 {label}", [("/glossary/index.html", "用語集")], main)


def _term_page(path: str, term: Term) -> Response:
    row = path.split("/")[2]
    by_word = {other.headword: address for address, other in terms().items()}
    body = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in term.paragraphs)
    related = "\n".join(
        f'<li><a href="{by_word[word]}">{word}</a></li>' if word in by_word else f"<li>{word}</li>"
        for word in term.related
    )
    companies = "\n".join(
        f"<tr><td>{escape(company.name)}</td><td>{company.sec_code[:4]}</td><td>{company.industry}</td></tr>"
        for company in related_companies(term)
    )
    parts = [
        '<article class="glossary-detail">',
        f'<h1 class="page-title">{escape(term.headword)}</h1>',
        f'<p class="reading">（{term.reading}）</p>',
        f'<p class="english" lang="en">{escape(term.english)}</p>',
        f'<div class="description">\n{body}\n</div>',
    ]
    if related:
        parts.append(f'<h2>関連用語</h2>\n<ul class="related">\n{related}\n</ul>')
    if companies:
        parts.append(
            '<h2>関連銘柄</h2>\n<table class="stocks"><thead><tr><th>銘柄名</th><th>コード</th><th>業種</th></tr></thead>'
            f"<tbody>\n{companies}\n</tbody></table>"
        )
    if len(term.reading) % 3 == 0:
        parts.append(f'<p class="updated">更新日：2026年{len(term.reading) % 9 + 1}月1日</p>')
    parts.append("</article>")
    trail = [("/glossary/index.html", "用語集"), (f"/glossary/{row}/index.html", ROWS[row][0])]
    return _dressed(term.headword, trail, "\n".join(parts), main_has_title=True)


def _search() -> Response:
    return _dressed(
        "用語検索", [("/glossary/index.html", "用語集")], '<form><input type="text" name="q"></form>'
    )


def _dressed(
    title: str, trail: list[tuple[str, str]], main: str, *, main_has_title: bool = False
) -> Response:
    menu = "\n".join(
        f'<li class="nav-item"><a href="/menu{number}/index.html">{label}</a><div class="mega"><ul>'
        + "".join(
            f'<li><a href="/menu{number}/{place}.html">{entry}</a></li>'
            for place, entry in enumerate(entries.split(), start=1)
        )
        + "</ul></div></li>"
        for number, (label, entries) in enumerate(_MENU.items(), start=1)
    )
    crumbs = "".join(f'<li><a href="{href}">{label}</a></li>' for href, label in trail)
    heading = "" if main_has_title else f'<h1 class="page-title">{escape(title)}</h1>'
    html = f"""<!DOCTYPE html>
<html lang="ja">
<head>
<meta charset="utf-8">
<title>{escape(title)} | 見本取引所グループ</title>
<meta name="description" content="見本取引所グループの用語集です。">
<script>window.dataLayer = window.dataLayer || []; function gtag(){{dataLayer.push(arguments);}}</script>
<style>.mega{{display:none}} .kana{{color:#666}}</style>
</head>
<body>
<div id="cookie-banner" role="dialog"><p>当サイトでは、利便性の向上のためクッキーを使用しています。</p><button>同意する</button></div>
<header class="site-header"><a href="/index.html"><img src="/img/logo.svg" alt="見本取引所グループ"></a>
<form action="{DISALLOWED}"><input type="search" placeholder="サイト内検索"></form>
<ul class="font-size"><li>文字サイズ</li><li>小</li><li>中</li><li>大</li></ul>
<nav class="global"><ul>
{menu}
</ul></nav></header>
<nav class="breadcrumb"><ul><li><a href="/index.html">HOME</a></li>{crumbs}<li>{escape(title)}</li></ul></nav>
<div class="wrapper"><main id="readArea">
{heading}
{main}
</main>
<aside class="side"><h3>用語集</h3><ul>{"".join(f'<li><a href="/glossary/{row}/index.html">{label}</a></li>' for row, (label, _) in ROWS.items())}</ul>
<div class="banner"><a href="/event/1.html">初めての資産形成セミナー　申込受付中</a></div>
<div class="ranking"><h3>アクセスランキング</h3><ol><li>上場会社情報</li><li>相場表</li><li>休業日一覧</li></ol></div></aside></div>
<footer><ul><li><a href="/rules.html">サイトのご利用上の注意</a></li><li><a href="/privacy.html">個人情報保護方針</a></li><li><a href="/sitemap.html">サイトマップ</a></li></ul>
<p class="copyright">Copyright © 2026 見本取引所グループ（金蔵 サンプルワールド） All rights reserved.</p></footer>
</body>
</html>
"""
    return page(html.encode("utf-8"), "text/html; charset=utf-8")
