"""Files made to harm whoever reads them: bombs, traps and lies in every format the corpus stage opens.

Small on disk, all authored here. A folder whose name holds a dot stands for the host that the file came from, so
that the readers of one publisher's pages meet them too.
"""

import bz2
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

_BOJ = "www.boj.or.jp/about/press/koen_2026"
_GLOSSARY = "e.example/glossary"
_DEEP = 100_000
_FILING = "XBRL/PublicDoc/0101010_honbun_jpcrp030000-asr-001_E00001-000_2026-03-31_01_2026-06-26_ixbrl.htm"
_MANIFEST = "XBRL/PublicDoc/manifest_PublicDoc.xml"
#: What patterns stumble over when it comes without end.
RUNS = {
    "spaces": " ", "wide_spaces": "\u3000", "no_break": "\xa0", "newlines": "\n", "breaks": "<br>", "digits": "1",
    "wide_digits": "１", "stops": "。", "dots": ".", "bars": "|", "hashes": "#", "parens": "(", "wide_parens": "（",
    "closing": "）", "brackets": "[", "corner": "【", "stars": "*", "dashes": "-", "commas": "，", "kana": "あ",
    "kanji": "金", "colons": "：", "dates": "2024年", "days": "1日、", "digit_space": "1 ", "year_space": "平成 ",
    "note": "[^1]", "note_mark": "（注1）", "at": "a@", "dotted": "a.", "hyphened": "03-", "quotes": "「", "slash": "/",
    "space_line": " \n", "tabs": "\t", "bullet": "・", "amp": "&amp;", "qa": "（問）", "wave": "〜", "percent": "1%",
    "middle": "日本銀行 ", "reading": "（あ", "crlf": "\r\n", "json": '{"', "comma_digits": "1,", "plus": "+", "ditto": "〃",
}  # fmt: skip


def files() -> dict[str, Callable[[], bytes]]:
    """Return what makes each file, by its path."""
    groups = (_archives, _xml, _pages, _runs, _wikitext, _pdfs, _lists, _bodies)
    return {name: make for group in groups for name, make in group().items()}


def write(folder: Path, chosen: Callable[[str], bool] = bool) -> None:
    """Write the chosen files below ``folder``; all, unless told otherwise."""
    for name, make in files().items():
        if chosen(name):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(make())


def _zip(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return out.getvalue()


def _archives() -> Mapping[str, Callable[[], bytes]]:
    zeros = bytes(70 << 20)
    return {
        "zip/bomb.zip": lambda: _zip((_FILING, zeros)),
        "zip/bomb_beside.zip": lambda: _zip((_FILING, b"<html/>"), ("XBRL/PublicDoc/images/a.png", zeros)),
        "zip/nested.zip": lambda: _nested(6),
        "zip/many.zip": lambda: _zip(*((f"XBRL/PublicDoc/{n}.htm", b"") for n in range(30_000))),
        "zip/overlapping.zip": lambda: _overlapping(1_500),
        "zip/lying_size.zip": lambda: _lying(_zip((_FILING, bytes(30 << 20)))),
        "zip/traversal.zip": lambda: _zip(("../../../../etc/cron.d/x", b"x"), (_FILING, b"<html/>")),
        "zip/absolute.zip": lambda: _zip(("/etc/passwd", b"x"), (_FILING, b"<html/>")),
        "zip/backslash.zip": lambda: _zip(("XBRL\\PublicDoc\\..\\..\\x.htm", b"x")),
        "zip/truncated.zip": lambda: _zip((_FILING, bytes(range(256)) * 999))[:-40],
        "zip/headless.zip": lambda: b"PK\x03\x04" + bytes(1 << 20),
        "zip/ends.zip": lambda: b"PK\x05\x06" * 250_000,
        "zip/filing_deep.zip": lambda: _filing("<div>" * _DEEP + "文" + "</div>" * _DEEP),
        "zip/filing_wide.zip": lambda: _filing("<p>額 <b>1</b></p>" * 200_000),
        "zip/filing_table.zip": lambda: _filing(
            "<table>" + "<tr><td colspan='100000' rowspan='65534'>1</td></tr>" * 3000 + "</table>"
        ),
        "zip/filing_cells.zip": lambda: _filing(
            f"<table>{('<tr>' + '<td>1</td>' * 600 + '</tr>') * 600}</table>"
        ),
        "zip/manifest_laughs.zip": lambda: _zip((_FILING, b"<html/>"), (_MANIFEST, _laughs("manifest"))),
    }


def _nested(levels: int) -> bytes:
    body = bytes(40 << 20)
    for level in range(levels):
        body = _zip(*((f"XBRL/PublicDoc/{level}_{n}.zip", body) for n in range(8)))
    return body


def _filing(inside: str) -> bytes:
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:ix="http://www.xbrl.org/2008/inlineXBRL"><body>{inside}</body></html>'
    )
    return _zip((_FILING, page.encode()))


def _overlapping(entries: int) -> bytes:
    """One kernel of zeros, and a directory in which many names point at it."""
    packed = zlib.compress(bytes(60 << 20), 9)[2:-4]
    crc = zlib.crc32(bytes(60 << 20))
    shared = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(packed), 60 << 20, 1, 0)
    local = b"PK\x03\x04" + shared + b"a" + packed
    directory = b"".join(
        b"PK\x01\x02"
        + struct.pack("<H", 20)
        + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(packed), 60 << 20, len(name), 0)
        + struct.pack("<HHHII", 0, 0, 0, 0, 0)
        + name
        for name in (f"XBRL/PublicDoc/{n}.htm".encode() for n in range(entries))
    )
    end = struct.pack("<HHHHIIH", 0, 0, entries, entries, len(directory), len(local), 0)
    return local + directory + b"PK\x05\x06" + end


def _lying(archive: bytes) -> bytes:
    """The same archive with a directory that declares ten bytes where there are millions."""
    at = archive.rfind(b"PK\x01\x02")
    return archive[: at + 24] + struct.pack("<I", 10) + archive[at + 28 :]


def _laughs(root: str) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return (
        f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY l0 "金">{entities}]><{root}>&l11;</{root}>'.encode()
    )


def _xml() -> Mapping[str, Callable[[], bytes]]:
    def outside(address: str) -> bytes:
        return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{address}">]><xbrl xmlns="http://www.xbrl.org/2003/instance">&e;</xbrl>'.encode()

    long = "金" * 100_000
    return {
        "xml/laughs.xbrl": lambda: _laughs("xbrl"),
        "xml/quadratic.xbrl": f'<!DOCTYPE xbrl [<!ENTITY a "{long}">]><xbrl>{"&a;" * 100_000}</xbrl>'.encode,
        "xml/outside_file.xbrl": lambda: outside("file:///etc/passwd"),
        "xml/outside_http.xbrl": lambda: outside("http://127.0.0.1:9/x"),
        "xml/deep.xbrl": lambda: b"<xbrl " + b">" + b"<a>" * _DEEP + b"</a>" * _DEEP + b"</xbrl>",
        "xml/attribute.xbrl": lambda: b'<xbrl a="' + b"a" * (12 << 20) + b'"/>',
        "xml/attributes.xbrl": lambda: (
            b"<xbrl " + b" ".join(b'a%d=""' % n for n in range(200_000)) + b"></xbrl>"
        ),
        "xml/laughs.html": lambda: (
            _laughs("html").replace(b"<html>", b"<html><body><p>").replace(b"</html>", b"</p></body></html>")
        ),
    }


def _page(inside: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html lang=ja><head><title>題</title>{head}</head><body><main id=contents><h1>題</h1>{inside}</main></body></html>".encode()


def _pages() -> Mapping[str, Callable[[], bytes]]:
    prose = "<p>金融市場では、長期金利が上昇し、株価は小幅に下落した。</p>" * 5
    made = {
        "deep_div": lambda: _page("<div>" * _DEEP + "文" * 200),
        "deep_span": lambda: _page("<p>" + "<span>" * _DEEP + "文" * 200),
        "deep_list": lambda: _page("<ul><li>項" * _DEEP),
        "deep_font": lambda: _page("<font><b>" * _DEEP + "文" * 200),
        "deep_table": lambda: _page("<table><tr><td>表" * 5_000),
        "deep_200": lambda: _page("<div>" * 200 + prose + "</div>" * 200),
        "deep_quote": lambda: _page("<blockquote>引" * 3_000),
        "wide": lambda: _page(prose * 5_000),
        "attribute": lambda: _page(prose + f"<p title='{'あ' * 3_000_000}'>末</p>"),
        "attributes": lambda: _page(prose + f"<p {' '.join(f'a{n}=1' for n in range(100_000))}>末</p>"),
        "class": lambda: _page(prose + f"<p class='{'a ' * 1_000_000}'>末</p>"),
        "style": lambda: _page(prose + f"<p style='{'display : ' * 300_000}'>末</p>"),
        "data_address": lambda: _page(prose + f"<img src='data:image/png;base64,{'A' * 10_000_000}'>"),
        "comments": lambda: _page(prose + "<!-- -->" * 300_000),
        "comment_open": lambda: _page(prose + "<!--" * 300_000),
        "script": lambda: _page(prose + "<script>" + "'</scrip" * 500_000),
        "colspan": lambda: _page(prose + "<table><tr><td colspan=100000 rowspan=100000>1</td></tr></table>"),
        "spans": lambda: _page(
            prose + "<table>" + "<tr><td colspan=1000 rowspan=0>1<td>2</tr>" * 2_000 + "</table>"
        ),
        "cells": lambda: _page(
            prose + "<table>" + ("<tr>" + "<td>1</td>" * 1000 + "</tr>") * 150 + "</table>"
        ),
        "rows": lambda: _page(prose + "<table>" + "<tr><td>甲</td><td>1</td></tr>" * 30_000 + "</table>"),
        "links": lambda: _page(prose + "<ul>" + "<li><a href=/a>甲</a></li>" * 30_000 + "</ul>"),
        "marks": lambda: _page(
            prose + "".join(f"<sup><a href=#n{n}>{n % 999}</a></sup>" for n in range(50_000))
        ),
        "notes": lambda: _page(
            prose
            + "".join(f"文<sup><a href=#n{n}>{n}</a></sup>" for n in range(999))
            + "".join(f"<p id=n{n}>{n} 注。</p>" for n in range(999))
        ),
        "same_note": lambda: _page("<p id=n>注。" + "<sup><a href=#n>1</a></sup>" * 30_000 + "</p>"),
        "ids": lambda: _page(prose + "<a id=a name=a href=#a>（1）</a>" * 50_000),
        "inline_blocks": lambda: _page("<span><p>文</p></span>" * 50_000),
        "tails": lambda: _page("文<sup>1</sup>" * 100_000),
        "terms": lambda: _page("<dl>" + "<dt>用語</dt><dd>意味をいいます。</dd>" * 30_000 + "</dl>"),
        "references": lambda: _page("&#x110000;&#0;&#xD800;&#999999999999;&bogus;&#x1F4B0;" * 10_000),
        "nul": lambda: _page(prose).replace("。".encode(), b"\x00\xe3\x80\x82"),
        "invalid": lambda: _page(prose) + b"\xff\xfe\xc0\x80" * 20_000,
        "half_invalid": lambda: b"\xe3\x81" * 100_000 + _page(prose),
        "utf7": lambda: _page(prose, "<meta charset=utf-7>"),
        "codec": lambda: _page(prose, "<meta charset=zlib_codec><meta charset=../../etc>"),
        "escapes": lambda: b"<p>" + b"\x1b$B" * 100_000,
        "frames": lambda: b"<html><frameset><frame src=a><frame src=b></frameset></html>",
        "headings": lambda: _page("<h2>甲</h2>" * 50_000),
        "title": lambda: _page(prose, f"<title>{'金' * 2_000_000}</title>"),
        "metas": lambda: _page(prose, "<meta name=a content=b>" * 100_000),
        "bidi": lambda: _page("<p>" + "\u202e\u2066\u200b" * 100_000 + "</p>"),
        "combining": lambda: _page("<p>か" + "\u3099" * 200_000 + "</p>"),
    }
    return {f"html/{name}.html": make for name, make in made.items()}


def _runs() -> Mapping[str, Callable[[], bytes]]:
    """Each sign 200,000 times: alone on a line, behind words, in title, heading, link and cell."""

    def page(text: str) -> bytes:
        return (
            f"<html><head><title>{text}</title></head><body><main id='contents'><h1>甲{text}乙</h1><h2>{text}</h2><p>{text}</p>"
            f"<p>金融{text}市場{text}。</p><ul><li>{text}<a href='#a'>{text}1</a><a href='b'>{text}[PDF {text}</a></ul>"
            f"<dl><dt>{text}</dt><dd>{text}</dd></dl><table><tr><td>{text}</td><td>{text}</td></tr></table>"
            f"<p>金利が上がった。物価も上がった。</p><sup>{text}</sup></main></body></html>"
        ).encode()

    places = {"runs": "html", _BOJ: "htm", _GLOSSARY: "html"}
    return {
        f"{place}/{name}.{ending}": lambda sign=sign: page(sign * (30_000 // len(sign)))  # type: ignore[misc]
        for name, sign in RUNS.items()
        for place, ending in places.items()
    }


def _wiki(text: str) -> bytes:
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return f"<page><title>題</title><ns>0</ns><id>7</id><revision><id>9</id><timestamp>2026-05-06T01:02:03Z</timestamp><text>{safe}</text></revision></page>".encode()


def _wikitext() -> Mapping[str, Callable[[], bytes]]:
    made = {
        "templates": "{{a|" * _DEEP + "文" + "}}" * _DEEP,
        "templates_open": "{{lang|ja|" * _DEEP,
        "parameters": "{{{a|" * _DEEP + "}}}" * _DEEP,
        "links": "[[a|" * _DEEP + "]]" * _DEEP,
        "tables": "{|\n|-\n| a\n" * 20_000 + "|}\n" * 20_000,
        "tables_open": "{|\n|-\n| colspan=100000 rowspan=100000 | a\n" * 20_000,
        "table_wide": "{|\n|-\n" + "| a || b || c\n" * 100_000 + "|}",
        "table_bars": "{|\n" + "|" * 300_000 + "\n|}",
        "table_spans": "{|\n" + "|-\n| colspan=1000 rowspan=1000 | a\n" * 5_000 + "|}",
        "refs": "<ref>" * _DEEP + "文",
        "ref_pairs": "文<ref name=a>注</ref><ref name=a/>" * 30_000,
        "nowiki": "<nowiki>" * _DEEP,
        "math": "<math>" * _DEEP + "x</math>",
        "comments": "<!--" * _DEEP,
        "headings": "== 甲 ==\n" * 50_000,
        "equals": "=" * 300_000,
        "apostrophes": "'" * 300_000,
        "lists": "*" * 100_000 + " 甲\n" + "".join("*" * n + "甲\n" for n in range(500)),
        "external": "[http://a " * _DEEP,
        "entities": "&amp;amp;" * _DEEP,
        "tags": "<a " * _DEEP,
        "switches": "__" * _DEEP,
        "categories": "[[Category:甲]]" * _DEEP,
        **{f"run_{name}": f"甲{sign * (100_000 // len(sign))}乙\n" * 3 for name, sign in RUNS.items()},
    }
    pages: dict[str, Callable[[], bytes]] = {
        f"wiki/{name}.xml": lambda text=text: _wiki(text)  # type: ignore[misc]
        for name, text in made.items()
    }
    return pages | {
        "wiki/deep.xml": lambda: b"<page>" + b"<a>" * _DEEP + b"</a>" * _DEEP + b"</page>",
        "wiki/laughs.xml": lambda: _laughs("page").replace(b'<?xml version="1.0"?>', b"<page>"),
        "wiki/cut.xml": lambda: _wiki("文" * 100)[:-50],
        "wiki/dump.bz2": lambda: bz2.compress(bytes(100 << 20)),
    }


def _pdf(objects: list[str], stream: bytes = b"") -> bytes:
    out = b"%PDF-1.7\n"
    places = []
    for number, text in enumerate(objects, start=1):
        places.append(len(out))
        body = text.encode("latin-1").replace(b"STREAM", b"stream\n" + stream + b"\nendstream")
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (len(places) + 1, table, len(places) + 1, len(out))
    )


def _pdf_page(
    content: bytes, packed: bool = False, box: str = "0 0 595 842", more: str = "", kids: str = "3 0 R"
) -> bytes:
    stream = zlib.compress(content, 9) if packed else content
    how = "/Filter/FlateDecode" if packed else ""
    return _pdf(
        [
            f"<</Type/Catalog/Pages 2 0 R{more}>>",
            f"<</Type/Pages/Kids[{kids}]/Count 1>>",
            f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
            f"<</Length {len(stream)}{how}>>STREAM",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ],
        stream,
    )


def _pdfs() -> Mapping[str, Callable[[], bytes]]:
    words = b"BT /F 9 Tf 50 800 Td (Interest rates rose.) Tj ET\n"
    return {
        "pdf/cycle.pdf": lambda: _pdf_page(words, kids="2 0 R 3 0 R"),
        "pdf/giant_box.pdf": lambda: _pdf_page(words, box="-1e9 -1e9 1e9 1e9"),
        "pdf/no_box.pdf": lambda: _pdf_page(words, box="0 0 0 0"),
        "pdf/nan_box.pdf": lambda: _pdf_page(words, box="nan inf a (b)"),
        "pdf/script.pdf": lambda: _pdf_page(words, more="/OpenAction<</S/JavaScript/JS(while(1){})>>"),
        "pdf/many_pages.pdf": lambda: _pdf_page(words, kids=" ".join(["3 0 R"] * 20_000)),
        "pdf/count.pdf": lambda: _pdf_page(words).replace(b"/Count 1", b"/Count 999999999"),
        "pdf/many_objects.pdf": lambda: _objects(200_000),
        "pdf/stream_bomb.pdf": lambda: _pdf_page(b" " * (200 << 20), packed=True),
        "pdf/text_bomb.pdf": lambda: _pdf_page(words * 40_000, packed=True),
        "pdf/lines_bomb.pdf": lambda: _pdf_page(
            b"".join(b"%d %d m %d %d l S\n" % (n % 500, n % 800, n % 499, n % 799) for n in range(100_000)),
            packed=True,
        ),
        "pdf/ruled_bomb.pdf": lambda: _pdf_page(
            b"".join(b"%d %d 3 3 re S\n" % (n % 200 * 3, n // 200 * 3) for n in range(40_000)) + words,
            packed=True,
        ),
        "pdf/deep_array.pdf": lambda: _pdf_page(words, more="/A" + "[" * 50_000 + "]" * 50_000),
        "pdf/deep_q.pdf": lambda: _pdf_page(b"q " * 1_000_000 + words, packed=True),
        "pdf/outline_cycle.pdf": _outline,
        "pdf/truncated.pdf": lambda: _pdf_page(words * 50)[:-400],
        "pdf/header.pdf": lambda: b"%PDF-1.7\n",
        "pdf/noise.pdf": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 4_000,
    }


def _objects(n: int) -> bytes:
    body = b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n<<>>\nendobj\n" % number for number in range(6, n))
    return body + _pdf_page(b"BT /F 9 Tf 50 800 Td (Rates rose.) Tj ET")[9:].replace(b"startxref", b"start")


def _outline() -> bytes:
    objects = [
        "<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        "<</First 5 0 R/Last 5 0 R/Count 9>>",
        "<</Title(a)/Parent 4 0 R/Next 5 0 R/First 5 0 R/Dest[3 0 R/Fit]>>",
    ]
    return _pdf(objects)


def _lists() -> Mapping[str, Callable[[], bytes]]:
    head = "ダウンロード実行日,2024年07月21日現在,件数,1件\r\nＥＤＩＮＥＴコード,提出者種別,上場区分,提出者名,提出者業種,証券コード\r\n"
    row = "E00001,内国法人,上場,見本水産株式会社,水産・農林業,13010\r\n"
    made = {
        "endless_line": head + "甲," * 4_000_000,
        "endless_cell": head + '"' + "甲" * 4_000_000,
        "quotes": head + '"' * 3_000_000,
        "rows": head + row * 100_000,
        "short_rows": head + "甲\r\n" * 500_000,
        "header": head.replace("証券コード", "証券コード" + ",甲" * 200_000) + row,
    }
    return {f"list/{name}.csv": lambda text=text: text.encode("cp932") for name, text in made.items()}  # type: ignore[misc]


def _bodies() -> Mapping[str, Callable[[], bytes]]:
    page = _page("<p>金融市場では、長期金利が上昇した。</p>" * 20)
    return {
        "body/gzip_bomb.html.gz": lambda: gzip.compress(bytes(1 << 20)) * 200,
        "body/gzip_twice.html.gz": lambda: gzip.compress(gzip.compress(bytes(200 << 20))),
        "body/gzip_members.html.gz": lambda: gzip.compress(b"") * 100_000 + gzip.compress(page),
        "body/gzip_cut.html.gz": lambda: gzip.compress(page * 50)[:-100],
        "body/gzip_page.html.gz": lambda: gzip.compress(page),
        "body/gzip_tail.html.gz": lambda: gzip.compress(page) + b"\x1f\x8b" + bytes(100_000),
        "body/brotli.html": lambda: bytes.fromhex("8bff7f800000") + bytes(100),
        "body/empty.html": lambda: b"",
        "body/byte.html": lambda: b"\xff",
        "body/zeros.bin": lambda: bytes(5 << 20),
        "body/noise.html": lambda: bytes(n * n * 7 % 251 for n in range(100_000)),
        "body/too_large.html": lambda: _page("<p>文</p>") + b" " * (21 << 20),
        "body/image.png": lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000),
        "body/json.json": lambda: b"[" * 1_000_000,
        "body/marks.html": lambda: b"\xef\xbb\xbf" * 100_000 + page,
        "body/wide.html": lambda: page.decode().encode("utf-16"),
        "body/wide_odd.html": lambda: page.decode().encode("utf-16")[:-1],
        "body/utf32.html": lambda: page.decode().encode("utf-32"),
    }
