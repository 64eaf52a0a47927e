"""A small Wikipedia dump on the dumps host: pages in XML, tables in SQL, compressed, with their checksums."""

import bz2
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from html import escape

from sample.http import Request, Response, not_found, page, ranged, text
from sample.wikipedia_pages import WikiPage, number_of, pages
from sample.wikipedia_tables import tables

DATE = "20261101"

#: An older dump whose tables of links still have the form of MediaWiki 1.44: categories by title.
OLD_DATE = "20260901"

#: An older dump whose transfer stopped early: its bz2 stream ends inside an article, its checksum is another.
BROKEN_DATE = "20261001"

_DATES = (OLD_DATE, BROKEN_DATE, DATE)
_DUMP = "pages-articles.xml.bz2"
_JOBS = {
    "articlesdump": _DUMP, "categorylinkstable": "categorylinks.sql", "linktargettable": "linktarget.sql",
    "pagetable": "-page.sql",
}  # fmt: skip
_STREAM = 16  # parts of the XML in one bz2 stream: a file is many streams, one behind the other
_ROBOTS = "User-agent: *\nDisallow: /private/\n"
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


def respond(request: Request) -> Response:
    """The dumps host: an index, dated folders, and "latest" with the names that lead to the newest."""
    if request.path == "/robots.txt":
        return text(_ROBOTS)
    render = _site().get(request.path)
    return ranged(request, render()) if render is not None else not_found()


def addresses() -> tuple[str, ...]:
    """Every path that answers."""
    return tuple(_site())


@cache
def dump() -> bytes:
    """The whole dump, bzip2-compressed XML of the export schema 0.11; equal bytes every time."""
    parts = list(_xml())
    streams = ("".join(parts[at : at + _STREAM]).encode("utf-8") for at in range(0, len(parts), _STREAM))
    return b"".join(bz2.compress(stream, 9) for stream in streams)


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
        f"  <page>\n    <title>{escape(wiki_page.title)}</title>\n    <ns>{wiki_page.ns}</ns>\n    <id>{number_of(wiki_page)}</id>\n{redirect}"
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
        "/jawiki/": partial(_listing, "/jawiki/", (*(f"{date}/" for date in sorted(_DATES)), "latest/")),
    }
    for folder in (*_DATES, "latest"):
        dated = DATE if folder == "latest" else folder
        names = {
            f"jawiki-{folder}-{end}": partial(_file, end, dated)
            for end in (_DUMP, *tables(old=dated == OLD_DATE))
        } | {
            f"jawiki-{folder}-sha1sums.txt": partial(_sums, "sha1", dated),
            f"jawiki-{folder}-md5sums.txt": partial(_sums, "md5", dated),
            "dumpstatus.json": partial(_status, dated),
        }
        site[f"/jawiki/{folder}/"] = partial(_listing, f"/jawiki/{folder}/", tuple(names))
        site |= {f"/jawiki/{folder}/{name}": render for name, render in names.items()}
    return site


def files(date: str) -> dict[str, bytes]:
    """The files of one date by name, whole."""
    return {
        f"jawiki-{date}-{end}": body for end, body in {_DUMP: dump(), **tables(old=date == OLD_DATE)}.items()
    }


def _file(end: str, date: str) -> Response:
    body = files(date)[f"jawiki-{date}-{end}"]
    cut = date == BROKEN_DATE and end == _DUMP
    return page(body[: len(body) * 2 // 3] if cut else body, "application/octet-stream")


def _sums(algorithm: str, date: str) -> Response:
    """Checksums as the host lists them: of the whole file, also where the served one is damaged."""
    lines = [
        f"{hashlib.new(algorithm, body, usedforsecurity=False).hexdigest()}  {name}\n"
        for name, body in sorted(files(date).items())
    ]
    return text("".join(lines), "text/plain")


def _status(date: str) -> Response:
    about = {
        name: {
            "size": len(body),
            "url": f"/jawiki/{date}/{name}",
            "md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
            "sha1": hashlib.sha1(body, usedforsecurity=False).hexdigest(),
        }
        for name, body in files(date).items()
    }
    jobs = {
        job: {
            "status": "done",
            "updated": "2026-11-03 04:05:06",
            "files": {n: about[n] for n in about if end in n},
        }
        for job, end in _JOBS.items()
    }
    return text(json.dumps({"version": "0.8", "jobs": jobs}), "application/json")


def _listing(path: str, names: tuple[str, ...]) -> Response:
    rows = "".join(f'<a href="{name}">{name}</a>    03-Nov-2026 04:05\n' for name in names)
    return text(
        f'<html><head><title>Index of {path}</title></head><body><h1>Index of {path}</h1><hr><pre><a href="../">../</a>\n{rows}</pre></body></html>\n',
        "text/html",
    )
