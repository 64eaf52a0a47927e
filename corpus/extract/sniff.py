"""What the bytes of a capture are, whatever its header says."""

import zlib
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from corpus.document import Capture, Drop
from corpus.extract import archive, csv, workbook

MAX_UNPACKED = 64 << 20  # bytes of one gzip body; a page that inflates to more is an attack
_FED = 4096  # bytes at first, then twice as many each time: many short members cost no copies of the whole
_HTML = (
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<meta ",
    b"<title",
    b"<h1",
    b"<div",
    b"<p>",
    b"<table",
)
_FEEDS = (b"<rss", b"<feed", b"<rdf:rdf", b"<sitemapindex", b"<urlset")
_ROOTS = ((b"<xbrli:xbrl", "xbrl"), (b"<xbrl ", "xbrl"))
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
_NAMED = archive.Limits(
    members=20_000
)  # of an archive that is only named; a taxonomy has more than a filing may
_FILES = ("application/pdf", "application/zip", "application/octet-stream", "application/x-zip-compressed")


def sniff(capture: Capture) -> str | Drop:
    """Return the name of the reader, a key of ``corpus.extract.READERS``, for a capture.

    A Drop says why no reader can use it: lists and indexes lead to documents and are none themselves.
    """
    body = capture.body
    if not body or body.startswith((b"BZh", b"<mediawiki")):
        whole = Drop("whole_dump", "its articles are captures of their own: crawl wikipedia")
        return whole if body else Drop("empty_body")
    if body.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(body)
    if body.startswith(b"<page>"):
        return "wikitext"
    if b"%PDF-" in body[:1024]:
        return "pdf"
    if body.startswith(_IMAGES):
        return Drop("image", capture.media_type)
    return _text(capture, body)


def _text(capture: Capture, body: bytes) -> str | Drop:
    head = body[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower().replace(b"\x00", b"")
    path = urlsplit(capture.url).path
    if listed := _listed(path, head):
        return listed
    if reader := next((reader for mark, reader in _ROOTS if mark in head), ""):
        return reader
    if any(mark in head for mark in _HTML) or "html" in capture.media_type:
        if capture.media_type in _FILES:
            return Drop("page_instead_of_file", f"{capture.media_type} was promised, a web page came")
        return "html"
    if "ＥＤＩＮＥＴコード".encode("cp932") in body[:4096] or csv.recognizes(body):
        return "company_list"
    return Drop("unknown_media_type", capture.media_type)


def _listed(path: str, head: bytes) -> Drop | None:
    """Return why a text that leads to documents is none itself."""
    if path.endswith("/robots.txt"):
        return Drop("robots_txt")
    if any(mark in head[:1024] for mark in _FEEDS):
        return Drop("feed")
    if head.startswith((b"{", b"[")):
        return Drop("list" if b'"results"' in head and b'"metadata"' in head else "json")
    return None


def _archive(body: bytes) -> str | Drop:
    try:
        names = archive.names(body, _NAMED)
    except archive.ArchiveError as error:
        return error.drop
    if any("XBRL_TO_CSV/" in name for name in names) and not any(map(_is_filing, names)):
        return Drop("filing_csv", "its cells are flattened text; the same filing's type 1 archive is read")
    for kind, holds in _ARCHIVES.items():
        if holds(names):
            return kind
    return Drop("unknown_archive", ", ".join(sorted(names)[:3]))


def _is_filing(name: str) -> bool:
    return "PublicDoc/" in name or name.endswith("manifest_PublicDoc.xml")


#: The reader of an archive -> whether its names are those that this reader reads; the first one counts.
_ARCHIVES: Mapping[str, Callable[[list[str]], bool]] = {
    "company_list": lambda names: any("EdinetcodeDlInfo" in name for name in names),
    "xbrl": lambda names: any(map(_is_filing, names)),
    "taxonomy": lambda names: all(any(name.endswith(end) for name in names) for end in ("_lab.xml", ".xsd")),
    "account_list": workbook.is_workbook,
}


def unpacked(body: bytes) -> bytes | Drop:
    """Return the body without gzip compression, within ``MAX_UNPACKED`` bytes; other bodies as they are."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    parts, left, at = [], MAX_UNPACKED, 0
    while body.startswith(b"\x1f\x8b", at):  # RFC 1952, section 2.2: several members are one text
        stream, size = zlib.decompressobj(wbits=31), _FED
        while not stream.eof and at < len(body):
            fed = body[at : at + size]
            try:
                parts.append(stream.decompress(fed, left))
            except zlib.error as error:
                return Drop("broken_gzip", str(error))
            left -= len(parts[-1])
            if stream.unconsumed_tail or not left:
                return Drop(
                    "too_large", f"a gzip body of {len(body)} bytes unpacks to more than {MAX_UNPACKED}"
                )
            at, size = at + len(fed) - len(stream.unused_data), 2 * size
        if not stream.eof:
            return Drop("broken_gzip", f"the stream ends early, after {MAX_UNPACKED - left} bytes")
    return b"".join(parts)
