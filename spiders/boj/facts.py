"""Puts together what lists and pages tell of a document of the Bank of Japan, before it is checked."""

from collections.abc import Mapping
from datetime import date

from spiders.boj.days import day_in
from spiders.boj.people import event
from spiders.boj.rows import Facts, Row
from spiders.boj.series import Series


def told_by_lists(series: Series, row: Row) -> dict[str, str]:
    """Return the fields of ``BojMeta`` that the merged row of a document tells; what is unknown is ""."""
    event_at, published_at = _dates(series, row)
    return {
        "kind": series.kind,
        "language": row.language,
        "title": row.title,
        "speaker": row.person.name,
        "role": row.person.role,
        "event": row.event if series.kind == "speech" else "",
        "event_at": event_at,
        "published_at": published_at,
    }


def told_by_page(series: Series, row: Row, facts: Facts, known: Mapping[str, str]) -> dict[str, str]:
    """Return ``known`` with what the page adds: a list is believed first, but seldom tells all."""
    said = dict(known)
    whole = f"{facts.title} {facts.subtitle}".strip()
    said.setdefault("title", facts.title if series.kind == "speech" else whole)
    name, role = facts.person
    if series.kind in ("speech", "press_conference") and said.get("role", role) == role:
        said |= {"role": role, "speaker": said.get("speaker") or name}
    if series.kind == "speech":
        said.setdefault("event", event(facts.subtitle))
    if series.kind == "press_conference":
        said.setdefault("event_at", _iso(_day_before(row._replace(title=whole, told=None))))
    return said


def _dates(series: Series, row: Row) -> tuple[str, str]:
    """Return the days of event and publication, "" for unknown."""
    named = _iso(row.first) if row.first == row.last else ""
    told = _iso(row.told)
    if series.dated == "publication":
        return _iso(_day_before(row)), named or told
    if series.dated == "event":
        return named or told, (told if named and told > named else "")
    return named or told, named or told


def _day_before(row: Row) -> date | None:
    """Return the day of what was published later: the title names it, without a year, else the row may."""
    for year in (row.first.year, row.first.year - 1):  # a conference of December is published in January
        if (day := day_in(row.title, year)) and day <= row.last:
            return day
    return row.told if row.told and row.told < row.first else None


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
