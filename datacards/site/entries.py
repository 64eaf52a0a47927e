"""The documents that a site shows: what each says of itself, how they hang together, and their texts in pieces."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from datacards.render.findings import FORMATS
from datacards.rights import allowed
from datacards.site.choice import Choice
from datacards.site.parts import Place, pick

WHOLE = 50_000  # characters: a text up to here is shown whole
HEAD = 20_000  # characters that are shown of a longer one, besides what was used of it
AROUND = 600  # characters before and behind what was used
SPANS = 50  # of one document
SHORT = 300  # characters of a value of ``meta``


class Span(NamedTuple):
    """Characters [start, end) of a parent."""

    id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One document without its text. ``open`` says that the text is shown, ``why`` that it may not be given on and the
    reason; ``companies`` are codes, ``day`` is ISO.
    """

    place: Place
    id: str
    version: str
    format: str
    source: str
    title: str
    section: str
    language: str
    day: str
    license: str
    open: bool
    why: str
    spans: tuple[Span, ...]
    companies: tuple[str, ...]
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entries:
    """The documents of one version in the order in which they are listed, newest first.

    ``children`` holds for every number of a document (number of what was made from it, start, end); ``names`` the
    names of companies by code.
    """

    rows: tuple[Entry, ...]
    numbers: Mapping[str, int]
    children: Mapping[int, tuple[tuple[int, int, int], ...]]
    names: Mapping[str, str]


def entries(choice: Choice, version: str, *, restricted: bool) -> Entries:
    """Return the chosen documents; the text of one that may not be given on is ``open`` only with ``restricted``."""
    names: dict[str, str] = {}
    rows = [
        _entry(place, row, choice, version, names, restricted=restricted)
        for place, row in pick(choice.parts, list(choice.places.values()), without={"text"})
    ]
    order = {name: place for place, name in enumerate(FORMATS)}
    rows.sort(key=lambda row: (row.title, row.id))
    rows.sort(key=lambda row: order.get(row.format, len(order)))
    rows.sort(key=lambda row: row.day, reverse=True)
    by_id = {row.id: row for row in rows}
    rows = [_with_companies(row, by_id) for row in rows]
    numbers = {row.id: number for number, row in enumerate(rows)}
    children: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, row in enumerate(rows):
        for span in row.spans:
            if span.id in numbers:
                children[numbers[span.id]].append((number, span.start, span.end))
    return Entries(
        tuple(rows),
        numbers,
        {n: tuple(sorted(c, key=lambda x: (x[1], x[2], x[0]))) for n, c in children.items()},
        names,
    )


def _entry(
    place: Place,
    row: Mapping[str, Any],
    choice: Choice,
    version: str,
    names: dict[str, str],
    *,
    restricted: bool,
) -> Entry:
    meta = _meta(row.get("meta"))
    why = _refused(row)
    text = "text_sha256" not in row  # a pointer has none, whoever asks
    code = meta.get("edinet_code") or meta.get("sec_code") or meta.get("filer") or ""
    if code:
        names[code] = max(names.get(code, ""), meta.get("filer", ""))
    owner = str(choice.parts[place.part].ref)
    told: dict[str, Any] = {
        name: _said(row.get(name)) for name in ("url", "published_at", "event_at", "captured_at")
    }
    told |= {
        "attribution": row.get("attribution") or "",
        "chars": row.get("n_chars") or 0,
        "cluster": row.get("cluster_size") or 1,
        "sha256": row.get("text_sha256") or "",
        "pointer": not text,
        "meta": [(k, v) for k, v in sorted(meta.items()) if len(v) <= SHORT] if restricted or not why else [],
    }
    return Entry(
        place=place,
        id=row["id"] or "",
        version="" if owner == version else owner,
        format=row["format"] or "",
        source=row["source"] or "",
        title=row["title"] or "",
        section=row.get("section") or "",
        language=row.get("language") or "",
        day=_said(row.get("available_at") or row.get("published_at")),
        license=row["license"] or "",
        open=text and (restricted or not why),
        why=why,
        spans=tuple(Span(s["id"], s["start"] or 0, s["end"] or 0) for s in (row["made_from"] or ())[:SPANS] if s and s["id"]),
        companies=(code,) if code else (),
        told=told,
    )  # fmt: skip


def _refused(row: Mapping[str, Any]) -> str:
    """Return why the text of a row may not be given to others, "" when it may: as when a release is published."""
    verdict = allowed(row["license"] or "", derived=row["format"] != "markdown")
    flag = "" if row["redistribution"] is True else "its record is marked as not to be given to others"
    return verdict.why or flag


def _meta(text: str | None) -> dict[str, str]:
    """Return the strings of a ``meta`` column; nothing when it holds no JSON object."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(k): v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return value.isoformat() if isinstance(value, date) else str(value or "")


def _with_companies(row: Entry, by_id: Mapping[str, Entry]) -> Entry:
    """Return a document that names no company with those of its parents: a question is about the filing's."""
    if row.companies:
        return row
    found: dict[str, None] = {}
    waiting, seen = [span.id for span in row.spans], {row.id}
    for name in waiting:  # it grows while it is read
        if name not in seen and (parent := by_id.get(name)):
            seen.add(name)
            found |= dict.fromkeys(parent.companies)
            waiting += [] if parent.companies else [span.id for span in parent.spans]
    return Entry(**{name: getattr(row, name) for name in Entry.__slots__} | {"companies": tuple(found)})


def texts(choice: Choice, found: Entries) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of the documents that are ``open``, in the order of the files, one at a time."""
    wanted = {row.place: number for number, row in enumerate(found.rows) if row.open}
    without = {"meta", "attribution", "made_from", "title", "url", "section"}
    for place, row in pick(choice.parts, list(wanted), without=without):
        yield wanted[place], row["text"] or ""


def pieces(text: str, used: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
    """Return (start, characters) of what is shown of a text: all of it, or its head and all that was ``used``."""
    if len(text) <= WHOLE:
        return [(0, text)]
    cuts: list[list[int]] = [[0, HEAD]]
    for start, end in sorted(used):
        low, high = max(start - AROUND, 0), min(end + AROUND, start + WHOLE, len(text))
        if low <= cuts[-1][1]:
            cuts[-1][1] = max(cuts[-1][1], high)
        elif low < high:
            cuts.append([low, high])
    return [(low, text[low:high]) for low, high in cuts]
