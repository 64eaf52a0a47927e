"""A small Wikipedia dump on the dumps host: articles in wikitext, compressed, with its lists of checksums."""

import bz2
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from html import escape

from sample.companies import COMPANIES, Company
from sample.http import Request, Response, not_found, page, text
from sample.prose import passages, table

DATE = "20261101"

#: An older dump whose transfer stopped early: its bz2 stream ends inside an article, its checksum is another.
BROKEN_DATE = "20261001"

COMPANY_ARTICLES = 10

_ARTICLES = tuple(f"wikipedia/{name}.txt" for name in ("policy", "markets", "firms", "others"))
_ROBOTS = "User-agent: *\nCrawl-delay: 1\nDisallow: /private/\n"
_EXPORT = "http://www.mediawiki.org/xml/export-0.11/"
_NAMESPACES = {
    -2: "メディア",
    -1: "特別",
    0: "",
    1: "ノート",
    2: "利用者",
    3: "利用者‐会話",
    4: "Wikipedia",
    5: "Wikipedia‐ノート",
    6: "ファイル",
    7: "ファイル‐ノート",
    8: "MediaWiki",
    9: "MediaWiki‐ノート",
    10: "Template",
    11: "Template‐ノート",
    12: "Help",
    13: "Help‐ノート",
    14: "Category",
    15: "Category‐ノート",
    100: "Portal",
    102: "プロジェクト",
    828: "モジュール",
}


@dataclass(frozen=True, slots=True)
class WikiPage:
    """One page of the dump; redirect is the title it leads to, or empty."""

    title: str
    ns: int
    text: str
    redirect: str = ""


def respond(request: Request) -> Response:
    """The dumps host: an index, two dated folders, and "latest" with the names that lead to the newest."""
    if request.path == "/robots.txt":
        return text(_ROBOTS)
    render = _site().get(request.path)
    return render() if render is not None else not_found()


def addresses() -> tuple[str, ...]:
    """Every path that answers."""
    return tuple(_site())


@cache
def pages() -> tuple[WikiPage, ...]:
    """The pages of the dump in its order: other namespaces first and between, as in a real one."""
    around = table("wikipedia/pages.toml")
    others = [WikiPage(row["title"], row["ns"], row["text"]) for row in around["page"]]
    categories = [
        WikiPage(f"Category:{name}", 14, "\n".join(f"[[Category:{parent}]]" for parent in parents))
        for name, parents in around["categories"].items()
    ]
    redirects = [
        WikiPage(title, 0, f"#REDIRECT [[{target}]]", target) for title, target in around["redirects"].items()
    ]
    articles = [WikiPage(title, 0, body) for title, body in passages(*_ARTICLES).items()]
    companies = [
        WikiPage(company.name.replace("株式会社", ""), 0, company_article(number, company))
        for number, company in enumerate(COMPANIES[::2][:COMPANY_ARTICLES])
    ]
    return (*others[:2], *articles, *redirects, *categories, *companies, *others[2:])


def company_article(number: int, company: Company) -> str:
    """An article on a sample company, from its record: infobox, prose, a table of its figures."""
    last = company.years[-1]
    rows = "\n".join(
        f"|-\n| {year.end.year}年{year.end.month}月期 || {year.net_sales // 1_000_000:,} || "
        f"{year.operating_income // 1_000_000:,} || {year.profit // 1_000_000:,} || {year.employees:,}"
        for year in company.years
    )
    place = re.split("(?<=[市区])", company.address)[0]
    name = company.name
    lead = f"'''{name}'''（{company.name_en}）は、{place}に本社を置く{company.industry}の企業である。"
    change = "増えた" if last.net_sales >= company.years[0].net_sales else "減った"
    trends = (
        f"{last.end.year}年{last.end.month}月期の連結{company.sales_name}は{_oku(last.net_sales)}、営業利益は{_oku(last.operating_income)}であった。2期前に比べ、{company.sales_name}は{change}。",
        f"連結従業員数は{last.employees:,}人である。{last.end.year}年{last.end.month}月期末の総資産は{_oku(last.total_assets)}、純資産は{_oku(last.net_assets)}となっている。",
        f"直近の通期では{_oku(last.profit)}の当期純利益を計上した。総資産は{_oku(last.total_assets)}で、2期前と比べて{company.sales_name}は{change}。",
    )
    return f"""{{{{基礎情報 会社
| 社名 = {name}
| 英文社名 = {company.name_en}
| 市場情報 = {{{{上場情報 | 見本取引所 | {company.sec_code[:4]}}}}}
| 本社所在地 = {company.address}
| 設立 = [[{company.founded}年]]
| 業種 = {company.industry}
}}}}
{lead}証券コードは{company.sec_code[:4]}<ref name="yuho">[[有価証券報告書]]による。</ref>。

== 概要 ==
{company.founded}年に創業した。{company.business}{trends[number % 3]}

== 業績 ==
{{| class="wikitable" style="text-align:right"
|+ 連結業績の推移（単位：百万円、人）
! 決算期 !! {company.sales_name} !! 営業利益 !! 当期純利益 !! 従業員数
{rows}
|}}

数値は有価証券報告書に記載された連結の額であり、百万円未満を切り捨てて示した<ref name="yuho" />。

== 沿革 ==
* [[{company.founded}年]] - 創業。
* {last.end.year}年 - {last.end.month}月期の決算を発表。

== 脚注 ==
{{{{Reflist}}}}

{{{{company-stub}}}}
[[Category:日本の企業]]
"""


@cache
def dump() -> bytes:
    """The whole dump, bzip2-compressed XML of the export schema 0.11; equal bytes every time."""
    return bz2.compress("".join(_xml()).encode("utf-8"), 9)


def _oku(yen: int) -> str:
    """An amount as prose has it: 534億8,300万円."""
    ten_thousands = yen // 10_000
    oku, man = divmod(ten_thousands, 10_000)
    return f"{oku:,}億{man:,}万円" if oku else f"{man:,}万円"


def _xml() -> Iterator[str]:
    spaces = "".join(
        f'      <namespace key="{key}" case="first-letter"' + (f">{name}</namespace>\n" if name else " />\n")
        for key, name in _NAMESPACES.items()
    )
    yield (
        f'<mediawiki xmlns="{_EXPORT}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_EXPORT} http://www.mediawiki.org/xml/export-0.11.xsd" version="0.11" xml:lang="ja">\n'
        "  <siteinfo>\n    <sitename>Wikipedia</sitename>\n    <dbname>jawiki</dbname>\n"
        "    <base>https://ja.wikipedia.org/wiki/%E3%83%A1%E3%82%A4%E3%83%B3%E3%83%9A%E3%83%BC%E3%82%B8</base>\n"
        "    <generator>MediaWiki 1.46.0-wmf.1</generator>\n    <case>first-letter</case>\n"
        f"    <namespaces>\n{spaces}    </namespaces>\n  </siteinfo>\n"
    )
    for number, wiki_page in enumerate(pages(), start=1):
        yield _page_xml(number, wiki_page)
    yield "</mediawiki>\n"


def _page_xml(number: int, wiki_page: WikiPage) -> str:
    body = wiki_page.text.encode("utf-8")
    sha1 = _base36(hashlib.sha1(body, usedforsecurity=False).digest())
    redirect = f'    <redirect title="{escape(wiki_page.redirect)}" />\n' if wiki_page.redirect else ""
    minor = "      <minor />\n" if number % 4 == 0 else ""
    return (
        f"  <page>\n    <title>{escape(wiki_page.title)}</title>\n    <ns>{wiki_page.ns}</ns>\n    <id>{number * 37}</id>\n{redirect}"
        f"    <revision>\n      <id>{9_000_000 + number * 101}</id>\n      <parentid>{9_000_000 + number * 101 - 50}</parentid>\n"
        f"      <timestamp>2026-{number % 10 + 1:02}-{number % 27 + 1:02}T0{number % 10}:15:00Z</timestamp>\n"
        f"      <contributor>\n        <username>見本編集者{number % 7}</username>\n        <id>{1000 + number % 7}</id>\n      </contributor>\n"
        f"{minor}      <comment>/* 概要 */ 加筆</comment>\n      <origin>{9_000_000 + number * 101}</origin>\n"
        f"      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
        f'      <text bytes="{len(body)}" sha1="{sha1}" xml:space="preserve">{escape(wiki_page.text, quote=False)}</text>\n'
        f"      <sha1>{sha1}</sha1>\n    </revision>\n  </page>\n"
    )


def _base36(digest: bytes) -> str:
    number, signs = int.from_bytes(digest, "big"), ""
    while number:
        number, rest = divmod(number, 36)
        signs = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + signs
    return signs.rjust(31, "0")


@cache
def _site() -> dict[str, Callable[[], Response]]:
    site: dict[str, Callable[[], Response]] = {
        "/": partial(_listing, "/", ("jawiki/",)),
        "/jawiki/": partial(_listing, "/jawiki/", (f"{BROKEN_DATE}/", f"{DATE}/", "latest/")),
    }
    for folder, date in (("latest", "latest"), (DATE, DATE), (BROKEN_DATE, BROKEN_DATE)):
        dated = DATE if date == "latest" else date
        names = {
            f"jawiki-{date}-pages-articles.xml.bz2": partial(_dump_file, dated),
            f"jawiki-{date}-sha1sums.txt": partial(_sums, "sha1", dated),
            f"jawiki-{date}-md5sums.txt": partial(_sums, "md5", dated),
            "dumpstatus.json": partial(_status, dated),
        }
        site[f"/jawiki/{folder}/"] = partial(_listing, f"/jawiki/{folder}/", tuple(names))
        site |= {f"/jawiki/{folder}/{name}": render for name, render in names.items()}
    return site


def _dump_file(date: str) -> Response:
    body = dump()
    return page(body[: len(body) * 2 // 3] if date == BROKEN_DATE else body, "application/octet-stream")


def _sums(algorithm: str, date: str) -> Response:
    """Checksums as the host lists them: of the whole file, also where the served one is damaged."""
    digest = hashlib.new(algorithm, dump(), usedforsecurity=False).hexdigest()
    return text(f"{digest}  jawiki-{date}-pages-articles.xml.bz2\n", "text/plain")


def _status(date: str) -> Response:
    name = f"jawiki-{date}-pages-articles.xml.bz2"
    about = {
        "size": len(dump()),
        "url": f"/jawiki/{date}/{name}",
        "md5": hashlib.md5(dump(), usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(dump(), usedforsecurity=False).hexdigest(),
    }
    job = {"status": "done", "updated": "2026-11-03 04:05:06", "files": {name: about}}
    return text(json.dumps({"version": "0.8", "jobs": {"articlesdump": job}}), "application/json")


def _listing(path: str, names: tuple[str, ...]) -> Response:
    rows = "".join(f'<a href="{name}">{name}</a>    03-Nov-2026 04:05\n' for name in names)
    return text(
        f'<html><head><title>Index of {path}</title></head><body><h1>Index of {path}</h1><hr><pre><a href="../">../</a>\n{rows}</pre></body></html>\n',
        "text/html",
    )
