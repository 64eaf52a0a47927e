"""Captures -> base documents in Markdown, or the reason why not: one module per kind of bytes, one table."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from corpus.document import Capture, Document, Drop, Span, day_in_japan
from corpus.extract import accounts, csv, html, pdf, taxonomy, wikitext, xbrl
from corpus.extract.ocr import Ocr
from corpus.extract.sniff import sniff, unpacked

#: Name of the kind of bytes (see ``corpus.extract.sniff``) -> who reads it.
READERS: Mapping[str, Callable[[Capture], list[Document | Drop]]] = {
    "html": html.extract,
    "pdf": pdf.extract,
    "wikitext": wikitext.extract,
    "company_list": csv.extract,
    "xbrl": xbrl.extract,
    "taxonomy": taxonomy.extract,
    "account_list": accounts.extract,
}


def extract(capture: Capture, ocr: Ocr | None = None) -> list[Document | Drop]:
    """Return the documents of a capture in reading order, with a Drop for each thing that gave none.

    Never empty: every capture is accounted for. Decides by the bytes, since headers and charsets lie. A capture
    that the spider kept with a problem stays a Drop under that name. ``ocr`` reads pages that have no text layer.
    """
    if drop := _set_aside(capture):
        return [drop]
    body = unpacked(capture.body)
    if isinstance(body, Drop):
        return [body]
    plain = capture if body is capture.body else replace(capture, body=body)
    kind = sniff(plain)
    if isinstance(kind, Drop):
        return [kind]
    found = (pdf.extract(plain, ocr) if kind == "pdf" else READERS[kind](plain)) or [
        Drop("nothing_found", kind)
    ]
    evidence = (Span(f"sha256:{capture.sha256}", 0, 0),)  # the body as fetched, also when it came compressed
    return [
        replace(one, made_from=evidence, available_at=one.published_at or day_in_japan(one.captured_at))
        if isinstance(one, Document)
        else one
        for one in found
    ]


def _set_aside(capture: Capture) -> Drop | None:
    if problem := capture.meta.get("problem"):
        return Drop(problem, capture.meta.get("problem_detail", ""))
    if not 200 <= capture.status < 300:
        moved = 300 <= capture.status < 400
        return Drop("redirect" if moved else "http_error", str(capture.status))
    address = urlsplit(capture.url)
    boj = capture.source.startswith("boj") or (address.hostname or "").rstrip(".").endswith("boj.or.jp")
    if capture.meta.get("kind") == "index":
        return Drop("index_page", capture.media_type)
    if boj and address.path.rstrip("/").endswith(("/index.htm", "/index.html")):
        return Drop("index_page", address.path)
    return None
