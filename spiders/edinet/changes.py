"""What has happened to listed filings since they were listed: withdrawn, hidden, edited, expired, as dated tombstones.

EDINET rewrites the lists of past days every night, and a row that is withdrawn or expired loses all its fields (API
specification, version 2, sections 3-1-2-2 to 3-1-2-5). A tombstone keeps what the row said before, when EDINET says
that it happened (``said_at``, Japanese time to the minute), and when we noticed (``noticed_at``, UTC).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from spiders.edinet.api import DayList, Filing
from spiders.edinet.notices import Notices

Tombstone = dict[str, Any]
#: After these a list no longer offers the document; ``edited`` and ``disclosed_again`` are changes it survives.
GONE = frozenset({"withdrawn", "hidden", "expired", "vanished"})
#: Words that may follow each other in turns: the last of them tells how a document stands.
_IN_TURNS = frozenset({"withdrawn", "hidden", "vanished", "disclosed_again"})
_IDENTITY = (
    "edinetCode", "secCode", "filerName", "ordinanceCode", "formCode", "docTypeCode", "periodStart", "periodEnd",
    "submitDateTime", "docDescription", "parentDocID",
)  # fmt: skip
_OWN = frozenset({"seqNumber", "opeDateTime", "withdrawalStatus", "docInfoEditStatus", "disclosureStatus"})
_Place = tuple[str, str, int]


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


def tombstones(
    before: DayList | None, after: DayList, noticed_at: datetime, notices: Notices
) -> list[Tombstone]:
    """Return what the list of one day says now that it did not say before (``before`` is None at the first look).

    A row that has expired before anyone looked says nothing, and gives none.
    """
    old = dict(_placed(before)) if before else {}
    found = []
    for place, filing in _placed(after):
        was = old.get(place)
        if filing != was and _news(filing, was):
            found.append(_tombstone(after.day, filing, was, noticed_at, notices))
    listed = {filing.docID for filing in after.filings} | {name for name, _ in after.unreadable}
    missing = [filing for (name, notice, _), filing in old.items() if not notice and name not in listed]
    return [*found, *(_row(after.day, ("vanished", ""), noticed_at, filing) for filing in missing)]


def _placed(listed: DayList) -> Iterator[tuple[_Place, Filing]]:
    """Yield the rows with what tells one from the others of its list.

    A document that is edited, hidden or disclosed again on its first day is listed twice there: by its own row and by
    a notice, which says when.
    """
    times: Counter[tuple[str, str]] = Counter()
    for filing in listed.filings:
        notice = ""
        if filing.opeDateTime:
            notice = "edited" if filing.docInfoEditStatus == "1" else ""
            notice = {"1": "hidden", "3": "lifted"}.get(filing.disclosureStatus, notice)
        times[filing.docID, notice] += 1
        yield (filing.docID, notice, times[filing.docID, notice]), filing


def _news(filing: Filing, old: Filing | None) -> bool:
    word = state(filing)
    if old is None:
        return bool(word) and (word != "expired" or filing.filerName is not None)
    over = word == "" and state(old) == "disclosed_again"  # it is as if nothing had happened
    return (word != state(old) and not over) or bool(_edits(filing, old))


def _edits(filing: Filing, old: Filing) -> dict[str, list[Any]]:
    """Return the fields that changed while the document stayed, as name -> [before, now]."""
    if state(filing) in GONE or filing.withdrawalStatus == "1":
        return {}
    now, was = filing.model_dump(mode="json"), old.model_dump(mode="json")
    return {name: [was[name], now[name]] for name in now if now[name] != was[name] and name not in _OWN}


def _tombstone(
    day: date, filing: Filing, was: Filing | None, noticed_at: datetime, notices: Notices
) -> Tombstone:
    what = state(filing) or ("disclosed_again" if was and state(was) == "hidden" else "edited")
    name, said = filing.docID, filing.opeDateTime
    if what == "withdrawn":
        said = notices.withdrawn.get(name, (day, None))[1]
    elif what in ("hidden", "disclosed_again"):
        said = said or (notices.hidden if what == "hidden" else notices.lifted).get(name)
    if was is None and filing.docInfoEditStatus == "1" and name in notices.first:
        was = notices.first[name][1]
    made = _row(day, (what, said.isoformat() if said else ""), noticed_at, was or filing)
    return {**made, "changes": _edits(filing, was) if was else {}}


def _row(day: date, what: tuple[str, str], noticed_at: datetime, was: Filing) -> Tombstone:
    return _made(day, what, noticed_at, was.model_dump(mode="json"))


def _made(day: date, what: tuple[str, str], noticed_at: datetime, known: Mapping[str, Any]) -> Tombstone:
    return {
        "docID": known["docID"],
        "date": day.isoformat(),
        "what": what[0],
        "said_at": what[1],
        "noticed_at": noticed_at.isoformat(timespec="seconds"),
        "was": {field: known[field] for field in _IDENTITY if known.get(field) is not None},
        "changes": {},
    }


def noticed(known: Iterable[Tombstone], noticed_at: datetime, notices: Notices) -> list[Tombstone]:
    """Return a tombstone for each withdrawn document that has none in ``known``: its own row was not read again."""
    told = {one["docID"] for one in known if one["what"] == "withdrawn"}
    found = []
    for name, (_, at) in notices.withdrawn.items():
        if name not in told:
            day, row = notices.known(name)
            found.append(_made(day, ("withdrawn", at.isoformat() if at else ""), noticed_at, row))
    return found


def told_before(folders: Iterable[Path], ledger: str) -> list[Tombstone]:
    """Return the tombstones in the ledgers of earlier versions, each once, in the order in which they were noticed.

    Versions may be finished out of order, and each holds what those before it told: no single one has all.
    """
    lines: dict[bytes, None] = {}
    for folder in folders:
        path = folder / ledger
        lines.update(dict.fromkeys(path.read_bytes().splitlines()) if path.is_file() else {})
    return sorted(map(json.loads, lines), key=_noticed_at)


def joined(earlier: Iterable[Tombstone], new: Iterable[Tombstone]) -> list[Tombstone]:
    """Return all tombstones, each event once: what was noticed first stays. ``earlier`` is in order of noticing.

    A filing may be hidden, disclosed again and hidden again. Where EDINET gives that no date of its own, the moment
    when we noticed has to do, so that the last word stays the last.
    """
    found: list[Tombstone] = []
    seen: set[tuple[str, ...]] = set()
    last: dict[str, tuple[datetime, str]] = {}
    told, now = list(earlier), list(new)
    for at, given in enumerate((*told, *now)):
        one, name, what = given, given["docID"], given["what"]
        event = (name, one["date"], what, one["said_at"], repr(one["changes"]))
        if event in seen:
            again = what in _IN_TURNS and last[name][1] != what
            if not again or (one["said_at"] and at < len(told)):
                continue
            one = {**given, "said_at": ""}
        seen.add(event)
        found.append(one)
        if what in _IN_TURNS:
            moment = datetime.fromisoformat(one["said_at"] or one["noticed_at"])
            last[name] = max((moment, what), last.get(name, (moment, what)), key=lambda word: word[0])
    return found


def _noticed_at(one: Tombstone) -> datetime:
    return datetime.fromisoformat(one["noticed_at"])
