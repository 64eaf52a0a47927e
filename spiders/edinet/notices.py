"""What the rows of all days say of documents of other days: withdrawn, hidden, disclosed again, edited.

A notice is a row of the day on which something happens; the document's own row, on the day of its disclosure, is
changed only in the night after (API specification, version 2, sections 3-1-2-3 to 3-1-2-5), and may not be read
again at all. So whether a document can still be had is a question to the lists of all days together.
"""

from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from spiders.edinet.api import JAPAN, DayList, Filing, raw_rows

_TELLING = (
    ("withdrawalStatus", ("1", "2")),
    ("docInfoEditStatus", ("1",)),
    ("disclosureStatus", ("1", "2", "3")),
)


class Notices:
    """The notices of a crawl; fed list by list, in the order of the days.

    ``withdrawn``: the day of the notice, and when it was filed, by the document that was withdrawn. ``hidden`` and
    ``lifted``: when the last notice says that non-disclosure began and ended. ``edited``: which documents are listed a
    second time with better fields. ``first``: the first row of a document that is withdrawn or listed again.
    """

    def __init__(self) -> None:
        self.withdrawn: dict[str, tuple[date, datetime | None]] = {}
        self.hidden: dict[str, datetime] = {}
        self.lifted: dict[str, datetime] = {}
        self.edited: set[str] = set()
        self.first: dict[str, tuple[date, Filing]] = {}
        self._marked: set[str] = set()  # documents whose own row says that they are withdrawn
        # The last word on the disclosure of a document: its moment, and whether it is "hidden".
        self._last: dict[str, tuple[datetime, bool]] = {}

    def read(self, day: date, body: bytes, read_at: datetime) -> None:
        """Take in the notices of the list of a day, which EDINET gave us at ``read_at`` (aware)."""
        night = read_at.astimezone(JAPAN).replace(hour=0, minute=0, second=0, microsecond=0)
        for row in raw_rows(body):
            if not (isinstance(row, dict) and any(row.get(name) in words for name, words in _TELLING)):
                continue
            try:
                self._take(day, Filing.model_validate(row), night)
            except ValidationError:  # it is named and counted when the list itself is read
                continue

    def _take(self, day: date, filing: Filing, night: datetime) -> None:
        name, at = filing.docID, filing.opeDateTime
        if filing.withdrawalStatus == "1" and filing.parentDocID:
            self.withdrawn[filing.parentDocID] = (day, filing.submitDateTime)
        if filing.withdrawalStatus == "2":
            self._marked.add(name)
        if filing.docInfoEditStatus == "1":
            self.edited.add(name)
        if (said := filing.disclosureStatus) == "0":
            return
        if at and said in ("1", "3"):
            dated = self.hidden if said == "1" else self.lifted
            dated[name] = max(at, dated.get(name, at))
        # The state of a document's own row is that of the night before it was read, whenever it began.
        word = (night if at is None or said == "2" else at, said != "3")
        self._last[name] = max(word, self._last.get(name, word))

    def remember(self, listed: DayList) -> None:
        """Keep the rows of documents that notices speak of, once all notices are read."""
        for filing in listed.filings:
            known = filing.docID in self.edited or filing.docID in self.withdrawn
            if known and filing.withdrawalStatus != "2":
                self.first.setdefault(filing.docID, (listed.day, filing))

    def gone(self, name: str) -> str:
        """Return why the document of that ID can no longer be had, by the rows of all days; "" when it can."""
        if name in self.withdrawn or name in self._marked:
            return "withdrawn"
        return "hidden" if self._last.get(name, (None, False))[1] else ""

    def known(self, name: str) -> tuple[date, dict[str, Any]]:
        """Return the first row of a withdrawn document and its day; without one the day of the notice, and nothing."""
        if name in self.first:
            day, filing = self.first[name]
            return day, filing.model_dump(mode="json")
        return self.withdrawn[name][0], {"docID": name}
