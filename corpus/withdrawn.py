"""Which captured filings may no longer be used: EDINET has withdrawn or hidden them since they were captured."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from datacards.lineage import read_jsonl

TOMBSTONES = "tombstones.jsonl"  # what the spider of EDINET writes beside its captures
#: A filing whose inspection period is over (``expired``) was public for all of it, and stays.
_ENDS = frozenset({"withdrawn", "hidden", "vanished"})


def withdrawn(folders: Iterable[Path]) -> dict[str, str]:
    """Return what the captures versions in ``folders`` know of filings that are withdrawn, hidden or gone, by docID.

    The last word on a filing counts: one that was hidden and is disclosed again may be used.
    """
    found = [one for folder in folders for one in read_jsonl(folder / TOMBSTONES)]
    last: dict[str, str] = {}
    for one in sorted(found, key=_moment):
        if one["what"] in _ENDS or (one["what"] == "disclosed_again" and last.get(one["docID"]) == "hidden"):
            last[one["docID"]] = one["what"]
    return {name: what for name, what in last.items() if what in _ENDS}


def _moment(one: Mapping[str, str]) -> tuple[datetime, datetime]:
    # What EDINET dates is in Japanese time, what we noticed in UTC: as text they would not be in order.
    noticed = datetime.fromisoformat(one["noticed_at"])
    return datetime.fromisoformat(one["said_at"]) if one["said_at"] else noticed, noticed
