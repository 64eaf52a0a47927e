"""What a reader could have had on a day: which captures were current then, and which of their documents were out.

Of one address in several captures it is the body that was fetched last by the end of the day that counts; if none
was fetched by then, the earliest one, whose documents count when they were published by then and it does not say that
it was revised since. Revisions of an article, and lists of companies, state their own moment: of them the newest
one stated by then counts, whenever it was fetched. A filing never changes; what EDINET's list says of it may.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpus.captures import INDEX, capture_of, said_at
from corpus.document import JAPAN, Capture, Document, Drop, day_in_japan
from corpus.extract import extract
from corpus.extract.ocr import Ocr
from corpus.times.revised import revised_on
from corpus.times.withdrawn import Edit

Row = dict[str, Any]

KEPT, SEEN_AGAIN, SUPERSEDED, SEEN_LATER, STATED_LATER = range(5)
_NAMES = {SUPERSEDED: "superseded", SEEN_LATER: "first_seen_later", STATED_LATER: "published_later"}
#: Why a capture, or a document of one, was not there on the day. What leaves for these reasons is kept aside as a
#: pointer, address and digest without text: a version as of a day must not hold what was written later.
REASONS = frozenset({*_NAMES.values(), "revised_later"})

_STATED = {
    "article": "revised_at",
    "company_list": "as_of",
}  # kind -> where meta states the body's own moment
_LASTING = ("filing", *_STATED)  # kinds whose bodies are never revised: what changes is a new document
_REVISION = "&oldid="  # of MediaWiki's permanent links: what is before it names the article
_COLUMNS = [
    "url",
    "source",
    "fetched_at",
    "seen_at",
    "status",
    "sha256",
    "license",
    "kind",
    "problem",
    "warc",
    "about",
]
#: Fields of an EDINET row that a capture's meta repeats under a name of all sources.
_ALSO = {"docDescription": "title", "periodEnd": "event_at", "submitDateTime": "published_at"}


@dataclass(frozen=True, slots=True)
class AsOf:
    """The end of ``day`` in Japan; ``strict`` takes only bodies fetched by then.

    ``edits`` are what EDINET changed later in its rows of filings, by docID, the last change first.
    """

    day: date
    strict: bool = False
    edits: Mapping[str, Sequence[Edit]] = field(default_factory=dict)

    def had(self, moment: datetime) -> bool:
        """Return whether a moment is not after the day."""
        return day_in_japan(moment) <= self.day


@dataclass(frozen=True, slots=True)
class Choice:
    """What is read of the captures version in ``folder``: ``codes`` has a code for each row of its index."""

    folder: Path
    codes: bytes

    @property
    def kept(self) -> int:
        """Number of captures that were current on the day, or may have been."""
        return self.codes.count(KEPT)

    @property
    def seen_again(self) -> int:
        """Number of captures whose body another one holds, which is read or left out in their place."""
        return self.codes.count(SEEN_AGAIN)

    @property
    def rows(self) -> list[int]:
        """Numbers of the rows that are kept, in order."""
        return [number for number, code in enumerate(self.codes) if code == KEPT]

    def keeps(self, row: int) -> bool:
        """Return whether the capture of a row was current on the day, or may have been."""
        return self.codes[row] == KEPT

    def left_out(self) -> Iterator[Row]:
        """Yield what the table of drops says of the captures that were not current: where they are, no more."""
        for row, code in zip(_rows(self.folder), self.codes, strict=True):
            if code not in (KEPT, SEEN_AGAIN):
                said = {name: row[name] for name in ("source", "url", "sha256", "license")}
                empty = {"detail": "", "document_id": "", "available_at": None, "title": "", "text": ""}
                yield {"reason": _NAMES[code], "stage": "as_of", **said, **empty}


def as_first_said(folder: Path, row: Row) -> Capture:
    """Return the capture of an index row as it was said when its body came, wherever that lies."""
    place = {"warc": row["body_warc"], "offset": row["body_offset"]} if row["body_version"] else {}
    return capture_of(folder.with_name(row["body_version"] or folder.name), row | place)


def choices(folders: Sequence[Path], then: AsOf) -> list[Choice]:
    """Return what is read of each of the captures versions in ``folders``, so that each body is read once.

    All indexes are read side by side in the order of their addresses: memory is a byte for each capture.
    """
    codes = [bytearray(pq.read_metadata(folder / INDEX).num_rows) for folder in folders]
    streams = [_placed(number, folder) for number, folder in enumerate(folders)]
    rows = heapq.merge(*streams, key=itemgetter("url"))
    for _, group in groupby(rows, key=lambda row: row["url"].partition(_REVISION)[0]):
        series: dict[str, list[Row]] = {}
        for row in group:
            series.setdefault(row["source"], []).append(row)
        for same in series.values():
            for row, code in judged_rows(same, then, lambda row: _stated(folders[row["version"]], row)):
                codes[row["version"]][row["number"]] = code
    return [Choice(folder, bytes(found)) for folder, found in zip(folders, codes, strict=True)]


def judged_rows(
    rows: Sequence[Row], then: AsOf, stated: Callable[[Row], datetime]
) -> Iterator[tuple[Row, int]]:
    """Yield each index row of one address with its code; ``stated`` gives the moment that a body states itself.

    Answers that are no documents (errors, redirects, what is kept aside) compete with nothing: an address that was
    lost for a while is still what it was.
    """
    bodies: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["fetched_at"], row["version"])):
        if row["problem"] or not 200 <= row["status"] < 300 or row["kind"] == "redirect":
            yield row, KEPT if then.had(row["fetched_at"]) else SEEN_LATER
        else:
            bodies.setdefault(row["sha256"], []).append(row)
    if not bodies:
        return
    codes = (_of_dated if any(row["kind"] in _STATED for row in rows) else _of_pages)(bodies, then, stated)
    for sha256, (first, *again) in bodies.items():
        strictly = then.strict and codes[sha256] == KEPT and not then.had(first["fetched_at"])
        yield first, SEEN_LATER if strictly else codes[sha256]
        yield from ((row, SEEN_AGAIN) for row in again)


def _of_pages(bodies: Mapping[str, list[Row]], then: AsOf, _: Callable[[Row], datetime]) -> dict[str, int]:
    """Return the code of each body, earliest first, of an address whose content may change."""
    seen = [
        (moment, number, sha256)
        for number, (sha256, rows) in enumerate(bodies.items())
        for row in rows
        for moment in (row["fetched_at"], row["seen_at"])
        if then.had(moment)
    ]
    if not seen:
        return {sha256: SEEN_LATER if number else KEPT for number, sha256 in enumerate(bodies)}
    codes = {
        sha256: SUPERSEDED if then.had(rows[0]["fetched_at"]) else SEEN_LATER
        for sha256, rows in bodies.items()
    }
    return {**codes, max(seen)[2]: KEPT}


def _of_dated(
    bodies: Mapping[str, list[Row]], then: AsOf, stated: Callable[[Row], datetime]
) -> dict[str, int]:
    """Return the code of each body of a series whose bodies state their own moment."""
    if len(bodies) == 1:
        return dict.fromkeys(bodies, KEPT)  # its document tells whether it was out
    moments = {sha256: (stated(rows[0]), number) for number, (sha256, rows) in enumerate(bodies.items())}
    codes = {
        sha256: SUPERSEDED if then.had(moment) else STATED_LATER for sha256, (moment, _) in moments.items()
    }
    usable = [
        sha256
        for sha256, rows in bodies.items()
        if codes[sha256] == SUPERSEDED and not (then.strict and not then.had(rows[0]["fetched_at"]))
    ]
    return {**codes, max(usable, key=moments.__getitem__): KEPT} if usable else codes


def _stated(folder: Path, row: Row) -> datetime:
    """Return the moment that a capture states of its body, else that in which it was fetched."""
    meta = said_at(folder, row["warc"], row["about"])["meta"]
    try:
        moment = datetime.fromisoformat(meta.get(_STATED.get(row["kind"], ""), ""))
    except ValueError:
        return row["fetched_at"]
    return moment if moment.tzinfo else moment.replace(tzinfo=JAPAN)


def _placed(version: int, folder: Path) -> Iterator[Row]:
    for number, row in enumerate(_rows(folder, _COLUMNS)):
        yield {**row, "version": version, "number": number}


def _rows(folder: Path, columns: list[str] | None = None) -> Iterator[Row]:
    with pq.ParquetFile(folder / INDEX) as file:
        for batch in file.iter_batches(1000, columns=columns):
            yield from batch.to_pylist()


def judged(capture: Capture, then: AsOf, ocr: Ocr | None = None) -> Iterator[Document | Drop]:
    """Yield the documents of a capture that a reader could have had, and a Drop for each thing that was not there.

    What is said of a capture that was fetched later, and none of whose documents was out, is not kept either.
    """
    capture = as_listed(capture, then.edits)
    fetched = then.had(capture.fetched_at)
    revised = None if fetched or capture.meta.get("kind") in _LASTING else revised_on(capture)
    read = extract(capture, ocr)
    found = [_judged(one, then, revised) if isinstance(one, Document) else one for one in read]
    out = fetched or any(isinstance(one, Document) for one in found)
    for one in found:
        told = out or isinstance(one, Document) or one.reason in REASONS
        yield one if told else Drop(_NAMES[SEEN_LATER])


def _judged(document: Document, then: AsOf, revised: date | None) -> Document | Drop:
    day = document.available_at
    if day is None or day > then.day:
        reason = _NAMES[STATED_LATER if document.published_at else SEEN_LATER]
        return Drop(reason, day.isoformat() if day else "")
    return Drop("revised_later", revised.isoformat()) if revised and revised > then.day else document


def as_listed(capture: Capture, edits: Mapping[str, Iterable[Edit]]) -> Capture:
    """Return the capture of a filing with what EDINET's list said of it before ``edits``, the last one first."""
    meta = dict(capture.meta)
    for edit in edits.get(meta.get("docID", ""), ()):
        if meta.get(edit.field) != edit.after:
            continue  # the list was read before this edit
        for name in (edit.field, _ALSO.get(edit.field, edit.field)):
            value = edit.before or ""
            meta[name] = value[:10] if name == "published_at" else value
    return capture if meta == capture.meta else replace(capture, meta=meta)
