"""Two sites of a glossary and a profile: a bank's definition lists, a securities firm's kana index."""

from functools import cache, partial
from html import escape
from itertools import groupby

from sample.companies import COMPANIES
from sample.http import Response
from sample.institution_pages import (
    Kept,
    Pages,
    Skin,
    Term,
    company_rows,
    paragraphs,
    profile,
    robots,
    written,
)

BANK = Skin("玉響銀行", declared="utf-8", header="UTF-8")
SECURITIES = Skin("銀嶺証券株式会社", "cp932", declared="Shift_JIS")

_ROWS = {
    "a": ("あ行", "あいうえお"),
    "ka": ("か行", "かきくけこがぎぐげご"),
    "ta": ("た行", "たちつてとだぢづでど"),
}
MEMBERS = "/member/index.html"  # robots.txt forbids it


# -- the bank: definition lists behind an image map, a new session id in every link ---------------------------


@cache
def bank() -> Pages:
    """The bank's pages."""
    pages = {f"/glossary/{row}.html": partial(_bank_row, row) for row in _ROWS}
    return {
        **pages,
        "/index.html": _bank_index,
        "/glossary/index.html": _bank_index,
        "/company/profile.html": _bank_profile,
    }


def bank_kept() -> tuple[Kept, ...]:
    """One page for each row of the kana table, and the profile."""
    rows = (
        Kept(f"/glossary/{row}.html", f"金融用語集　{label}", "term") for row, (label, _) in _ROWS.items()
    )
    return (*rows, Kept("/company/profile.html", "会社概要", "profile"))


def _session(page: str) -> str:
    return f"?sid={hash_of(page):06x}"


def hash_of(text: str) -> int:
    """Return a number below 2**24 that follows from the text."""
    return sum(ord(sign) * 31**place for place, sign in enumerate(text)) % (1 << 24)


def _bank_index() -> Response:
    sid = _session("index")
    areas = "\n".join(
        f'<area shape="rect" coords="{left},0,{left + 80},40" href="/glossary/{row}.html{sid}" alt="{label}">'
        for left, (row, (label, _)) in zip(range(0, 240, 80), _ROWS.items(), strict=True)
    )
    main = (
        '<p><img src="/img/kana.gif" usemap="#kana" alt="五十音"></p>\n'
        f'<map name="kana">\n{areas}\n</map>\n<p><a href="/company/profile.html{sid}">会社概要</a>　'
        f'<a href="/glossary/{sid}">用語集のはじめ</a></p>'
    )
    return BANK.dressed("金融用語集", main)


def _bank_row(row: str) -> Response:
    label, signs = _ROWS[row]
    sid = _session(row)
    entries = "\n".join(
        f'<dt id="{hash_of(term.headword):x}">{escape(term.headword)}（{term.reading}）</dt>\n<dd>{escape(body)}</dd>'
        for term in written("bank")
        if term.reading[0] in signs
        for body in term.paragraphs
    )
    others = "　".join(f'<a href="{other}.html{sid}">{name}</a>' for other, (name, _) in _ROWS.items())
    return BANK.dressed(
        f"金融用語集　{label}", f'<p class="rows">{others}</p>\n<dl class="words">\n{entries}\n</dl>'
    )


def _bank_profile() -> Response:
    rows = {
        "商号": "株式会社玉響銀行（英文名　Tamayura Bank, Ltd.）",
        "本店所在地": "東京都中央区玉響町二丁目５番７号",
        "設立": "1927年（昭和2年）11月",
        "資本金": "312,500百万円（2026年3月末現在）",
        "代表者": "取締役頭取　水無瀬　航",
        "事業内容": "預金、貸出、内国為替及び外国為替業務を営み、国内132店舗と海外4拠点でお客さまの取引を支えています。",
        "従業員数": "8,215名（単体）",
    }
    return BANK.dressed(
        "会社概要",
        profile(rows, "　当行は、地域とともに歩む銀行として、資産形成と事業承継のご相談を承ります。"),
    )


# -- the securities firm: a kana index, a page for each term, CP932 that calls itself Shift_JIS ---------------


@cache
def securities() -> Pages:
    """The securities firm's pages."""
    return {
        "/robots.txt": robots("/member/"),
        "/index.html": _securities_index,
        "/yougo/index.html": _securities_index,
        MEMBERS: lambda: SECURITIES.dressed("会員ページ", "<p>会員の方だけがご覧になれます。</p>"),
        "/kaisha/gaiyou.html": _securities_profile,
        **{f"/yougo/row{sign}.html": partial(_securities_row, sign) for sign in _by_sign()},
        **{path: partial(_securities_term, path, term) for path, term in _securities_terms().items()},
    }


def securities_kept() -> tuple[Kept, ...]:
    """One page for each term, and the profile."""
    terms = (Kept(path, term.headword, "term") for path, term in _securities_terms().items())
    return (*terms, Kept("/kaisha/gaiyou.html", "会社概要", "profile"))


@cache
def _securities_terms() -> dict[str, Term]:
    ordered = sorted(written("securities"), key=lambda term: term.reading)
    return {f"/yougo/{number}.html": term for number, term in enumerate(ordered, start=1001)}


@cache
def _by_sign() -> dict[str, list[str]]:
    """The paths of the terms by the code of the first sign of their readings."""
    signs = groupby(_securities_terms().items(), key=lambda item: f"{ord(item[1].reading[0]):x}")
    return {sign: [path for path, _ in items] for sign, items in signs}


def _securities_index() -> Response:
    rows = "\n".join(
        f'<td><a href="/yougo/row{sign}.html">{chr(int(sign, 16))}</a></td>' for sign in _by_sign()
    )
    main = (
        f'<table class="kana"><tr>\n{rows}\n</tr></table>\n<p><a href="../kaisha/gaiyou.html">会社概要</a>　'
        f'<a href="{MEMBERS}">会員ページ</a></p>'
    )
    return SECURITIES.dressed("証券用語解説", main)


def _securities_row(sign: str) -> Response:
    terms = _securities_terms()
    rows = "\n".join(
        f'<li><a href="{path.rsplit("/", 1)[1]}#top">{escape(terms[path].headword)}</a></li>'
        for path in _by_sign()[sign]
    )
    return SECURITIES.dressed(
        f"証券用語解説　{chr(int(sign, 16))}", f'<ul>\n{rows}\n</ul>\n<p><a href="/yougo/">目次</a></p>'
    )


def _securities_term(path: str, term: Term) -> Response:
    by_word = {other.headword: address for address, other in _securities_terms().items()}
    related = "\n".join(f'<li><a href="{by_word[word]}">{word}</a></li>' for word in term.related)
    english = f'<p class="english">{escape(term.english)}</p>\n' if term.english else ""
    main = f"<p>（{term.reading}）</p>\n{english}{paragraphs(term.paragraphs)}\n<h2>関連用語</h2>\n<ul>\n{related}\n</ul>"
    return SECURITIES.dressed(term.headword, main)


def _securities_profile() -> Response:
    rows = company_rows(COMPANIES[18], "代表取締役社長　髙梨　志乃", "1944年（昭和19年）3月")
    return SECURITIES.dressed(
        "会社概要", profile(rows, "　①お客さま本位、②誠実な対話、③地域への貢献を経営の理念としています。")
    )
