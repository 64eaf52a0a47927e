"""What EDINET did to captured filings since: withdrew or hid them, so that they may no longer be used, or edited a row."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from corpus.document import day_in_japan
from datacards.lineage import read_jsonl

TOMBSTONES = "tombstones.jsonl"  # what the spider of EDINET writes beside its captures
#: A filing whose inspection period is over (``expired``) was public for all of it, and stays.
_ENDS = frozenset({"withdrawn", "hidden", "vanished"})


class Edit(NamedTuple):
    """A field of a filing's row in EDINET's list, and what it said before and after."""

    field: str
    before: str | None
    after: str | None


def withdrawn(folders: Iterable[Path], as_of: date | None = None) -> dict[str, str]:
    """Return what the captures versions in ``folders`` know of filings that are withdrawn, hidden or gone, by docID.

    The last word on a filing counts: one that was hidden and is disclosed again may be used. With ``as_of`` it is
    the last word said by the end of that day in Japan; one without a moment of its own was said when it was noticed.
    """
    last: dict[str, str] = {}
    for one in _told(folders):
        if as_of and _day(one) > as_of:
            break
        if one["what"] in _ENDS or (one["what"] == "disclosed_again" and last.get(one["docID"]) == "hidden"):
            last[one["docID"]] = one["what"]
    return {name: what for name, what in last.items() if what in _ENDS}


def edited_later(folders: Iterable[Path], as_of: date) -> dict[str, tuple[Edit, ...]]:
    """Return what EDINET edited in the rows of filings after a day, by docID, the last edit first."""
    found: defaultdict[str, list[Edit]] = defaultdict(list)
    for one in reversed(_told(folders)):
        if _day(one) > as_of:
            found[one["docID"]] += [
                Edit(name, *map(_text, two)) for name, two in one.get("changes", {}).items()
            ]
    return {name: tuple(edits) for name, edits in found.items() if edits}


def _told(folders: Iterable[Path]) -> list[dict[str, Any]]:
    """Return all tombstones in the order in which things happened."""
    return sorted((one for folder in folders for one in read_jsonl(folder / TOMBSTONES)), key=_moment)


def _day(one: Mapping[str, Any]) -> date:
    return day_in_japan(_moment(one)[0])


def _moment(one: Mapping[str, Any]) -> tuple[datetime, datetime]:
    # What EDINET dates is in Japanese time, what we noticed in UTC: as text they would not be in order.
    noticed = datetime.fromisoformat(one["noticed_at"])
    return datetime.fromisoformat(one["said_at"]) if one["said_at"] else noticed, noticed


def _text(value: object) -> str | None:
    return None if value is None else str(value)
