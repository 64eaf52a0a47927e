"""What the bytes of a page or a PDF file say of the day on which they were last revised."""

import re
from collections.abc import Iterator
from datetime import date

from corpus.document import Capture, Drop
from corpus.encoding import decode
from corpus.extract.dates import all_dates
from corpus.extract.sniff import unpacked

_TAG = re.compile(
    r"<[a-z][^<>]{0,400}\b(?:article:modified_time|og:updated_time|dateModified|dcterms\.modified)[^<>]{0,400}>",
    re.IGNORECASE,
)
_LINKED_DATA = re.compile(r'"dateModified"\s*:\s*"([^"]{10,40})"')
_SAID = re.compile(r"(?:更新|改訂|改定|訂正|修正)(?:年月)?日(?:時)?(?:<[^<>]*>|[\s:：])*(.{8,60})")
_IN_NUMBERS = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})")
_PDF = re.compile(rb"/ModDate\s*\(D:(\d{4})(\d\d)(\d\d)|<xmp:ModifyDate>(\d{4})-(\d\d)-(\d\d)")


def revised_on(capture: Capture) -> date | None:
    """Return the latest day on which a body says that it was revised, None when it says nothing of it.

    Of a page: what it tells machines (Open Graph, schema.org, Dublin Core) and the line 更新日 and its like. Of a
    PDF file: ModDate (ISO 32000-1, 14.3.3) and xmp:ModifyDate, where they are not packed. The header
    Last-Modified is no part of the body, and tells of moves and rebuilds of a site, too: it is not asked.
    """
    body = unpacked(capture.body)
    if isinstance(body, Drop):
        return None
    found = _of_pdf(body) if body[:1024].lstrip().startswith(b"%PDF") else _of_page(decode(body, "").text)
    return max(found, default=None)


def _of_pdf(body: bytes) -> Iterator[date]:
    for match in _PDF.finditer(body):
        if day := _day(b"-".join(part for part in match.groups() if part).decode()):
            yield day


def _of_page(text: str) -> Iterator[date]:
    for said in (*_TAG.findall(text), *_LINKED_DATA.findall(text)):
        for match in _IN_NUMBERS.finditer(said):
            if day := _day(match[0]):
                yield day
    for line in _SAID.findall(text):
        yield from all_dates(_IN_NUMBERS.sub(r"\1年\2月\3日", line))[:1]


def _day(text: str) -> date | None:
    try:
        return date(*map(int, re.split(r"[/.-]", text)))
    except ValueError:
        return None
