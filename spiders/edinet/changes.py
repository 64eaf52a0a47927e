"""What has happened to listed filings since they were listed: withdrawn, hidden, edited, expired, as dated tombstones.

EDINET rewrites the lists of past days every night, and a row that is withdrawn or expired loses all its fields (API
specification, version 2, sections 3-1-2-2 to 3-1-2-5). A tombstone keeps what the row said before, when EDINET says
that it happened (``said_at``, Japanese time to the minute), and when we noticed (``noticed_at``, UTC).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from spiders.edinet.api import DayList, Filing

Tombstone = dict[str, Any]
#: After these a list no longer offers the document; ``edited`` and ``disclosed_again`` are changes it survives.
GONE = frozenset({"withdrawn", "hidden", "expired", "vanished"})
_IDENTITY = (
    "edinetCode", "secCode", "filerName", "ordinanceCode", "formCode", "docTypeCode", "periodStart", "periodEnd",
    "submitDateTime", "docDescription", "parentDocID",
)  # fmt: skip
_OWN = frozenset({"seqNumber", "opeDateTime", "withdrawalStatus", "docInfoEditStatus", "disclosureStatus"})


def state(filing: Filing) -> str:
    """Return what a row says of its own document now, "" while nothing has happened to it."""
    if filing.withdrawalStatus == "2":
        return "withdrawn"
    if filing.disclosureStatus in ("1", "2"):
        return "hidden"
    if filing.legalStatus == "0" and filing.withdrawalStatus == "0":
        return "expired"
    if filing.disclosureStatus == "3":
        return "disclosed_again"
    return "edited" if filing.docInfoEditStatus != "0" else ""


class Notices:
    """What the rows of all days say of documents of other days; fed list by list, in the order of the days.

    ``withdrawn``: when a document was withdrawn. ``edited``: which documents are listed a second time with better
    fields. ``first``: the first row of each of these.
    """

    def __init__(self) -> None:
        self.withdrawn: dict[str, datetime] = {}
        self.edited: set[str] = set()
        self.first: dict[str, Filing] = {}

    def read(self, listed: DayList) -> None:
        """Take in the notices of one list."""
        for filing in listed.filings:
            if filing.withdrawalStatus == "1" and filing.parentDocID and filing.submitDateTime:
                self.withdrawn[filing.parentDocID] = filing.submitDateTime
            if filing.docInfoEditStatus == "1":
                self.edited.add(filing.docID)

    def remember(self, listed: DayList) -> None:
        """Keep the rows of documents that are listed again, once all notices are read."""
        for filing in listed.filings:
            if filing.docID in self.edited:
                self.first.setdefault(filing.docID, filing)


def tombstones(
    before: DayList | None, after: DayList, noticed_at: datetime, notices: Notices
) -> list[Tombstone]:
    """Return what the list of one day says now that it did not say before (``before`` is None at the first look).

    A row that has expired before anyone looked says nothing, and gives none.
    """
    old = {filing.docID: filing for filing in before.filings} if before else {}
    found = []
    for filing in after.filings:
        was = old.get(filing.docID)
        if _news(filing, was):
            notice = filing.docInfoEditStatus == "1" and was is None
            was = notices.first.get(filing.docID) if notice else was
            withdrawn = state(filing) == "withdrawn"
            said = notices.withdrawn.get(filing.docID) if withdrawn else filing.opeDateTime
            found.append(_tombstone(after, filing, was, said, noticed_at))
    listed = {filing.docID for filing in after.filings} | {name for name, _ in after.unreadable}
    missing = [filing for name, filing in old.items() if name not in listed]
    return [*found, *(_row(after, ("vanished", ""), noticed_at, filing) for filing in missing)]


def _news(filing: Filing, old: Filing | None) -> bool:
    word = state(filing)
    if old is None:
        return bool(word) and (word != "expired" or filing.filerName is not None)
    return word != state(old) or bool(_edits(filing, old))


def _edits(filing: Filing, old: Filing) -> dict[str, list[Any]]:
    """Return the fields that changed while the document stayed, as name -> [before, now]."""
    if state(filing) in GONE or filing.withdrawalStatus == "1":
        return {}
    now, was = filing.model_dump(mode="json"), old.model_dump(mode="json")
    return {name: [was[name], now[name]] for name in now if now[name] != was[name] and name not in _OWN}


def _tombstone(
    after: DayList, filing: Filing, was: Filing | None, said: datetime | None, noticed_at: datetime
) -> Tombstone:
    what = (state(filing) or "edited", said.isoformat() if said else "")
    made = _row(after, what, noticed_at, was or filing)
    return {**made, "changes": _edits(filing, was) if was else {}}


def _row(after: DayList, what: tuple[str, str], noticed_at: datetime, was: Filing) -> Tombstone:
    known = was.model_dump(mode="json")
    return {
        "docID": was.docID,
        "date": after.day.isoformat(),
        "what": what[0],
        "said_at": what[1],
        "noticed_at": noticed_at.isoformat(timespec="seconds"),
        "was": {field: known[field] for field in _IDENTITY if known[field] is not None},
        "changes": {},
    }


def joined(earlier: Iterable[Tombstone], new: Iterable[Tombstone]) -> list[Tombstone]:
    """Return all tombstones, each event once: what was noticed first stays."""
    found: dict[tuple[str, ...], Tombstone] = {}
    for one in (*earlier, *new):
        event = (one["docID"], one["date"], one["what"], one["said_at"], repr(one["changes"]))
        found.setdefault(event, one)
    return list(found.values())
