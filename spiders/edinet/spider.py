"""The spider of EDINET filings: day by day the list, then the documents of the chosen forms.

It needs a key: ``EDINET_API_KEY=... scrapy crawl edinet -a since=2026-06-20 -a until=2026-06-30``. Every day's list is
kept as a capture. Asked again on a later day, the lists tell what was withdrawn, hidden, edited or has expired
since (``tombstones.jsonl``), while a document that an earlier version holds is not downloaded again: a crawl of all
days, repeated every day, costs the lists and what is new.
"""

import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scrapy import Request
from scrapy.http import Response

from spiders.arguments import today
from spiders.base import CaptureSpider, Errand, Found
from spiders.edinet.about import about_filing, code_list_date
from spiders.edinet.api import (
    ARCHIVE_TYPES,
    JAPAN,
    DayList,
    Filing,
    Wanted,
    document_path,
    judge,
    list_head,
    list_path,
    read_list,
)
from spiders.edinet.arguments import EdinetArguments, yesterday
from spiders.edinet.changes import Tombstone, joined, noticed, told_before, tombstones
from spiders.edinet.notices import Notices
from spiders.records import Carried
from spiders.rows import Row

CODE_LIST = "/searchdocument/codelist/Edinetcode.zip"
TOMBSTONES = "tombstones"


class Edinet(CaptureSpider):
    """Filings of EDINET, chosen by ordinance and form, reconciled with each day's list."""

    name = "edinet"
    description = "Filings disclosed through EDINET with each day's list and the code list, as fetched"
    license = "PDL-1.0"
    bases = ("edinet", "edinet_codelist")
    keyed = ("edinet",)
    arguments = EdinetArguments
    transient = frozenset({"server_error", "maintenance", "truncated_zip", "damaged_zip", "wrong_day"})
    final = frozenset(
        {"not_found", "pdf_instead_of_zip", "http_404"}
    )  # a document that is listed, but not to be had
    asked: EdinetArguments

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name, **given)
        until = self.asked.until or max(self.asked.since, yesterday())
        self.days = [self.asked.since + timedelta(days=n) for n in range((until - self.asked.since).days + 1)]
        # Ten years of lists are 700,000 rows: they wait packed, and one day at a time is read.
        self.lists: dict[date, bytes] = {}
        self.as_it_was: set[date] = set()  # days whose list an earlier version holds byte for byte
        self.read_at: dict[date, datetime] = {}
        self.refused: set[date] = set()  # days whose list EDINET does not let us read
        self.all_read = False
        self.notices = Notices()
        self.chosen: dict[str, Filing] = {}
        self.ledger: dict[date, dict[str, Any]] = {}

    def first(self) -> Iterable[Request | Carried]:
        """Ask for the code list and for the list of every day, or take the latter from an earlier version."""
        if self.asked.codelist:
            url = self.addresses.url("edinet_codelist", CODE_LIST)
            yield self.ask(url, {"kind": "company_list", "title": "EDINETコードリスト", "language": "ja"})
        for day in self.days:
            about = {"kind": "index", "date": day.isoformat(), "language": "ja"}
            url = self._list_url(day)
            row = self.earlier(url)
            held = self.earlier_capture(url) if row and self._settled(day, row["fetched_at"]) else None
            if row and held:
                self._keep(day, held.body, row["seen_at"])
                self.counts["lists_taken_as_they_were"] += 1
                yield Carried(url, self.name, self.license, about)
            else:
                yield self.ask(url, about, self._day, vital=True, always=True)
        yield from self._documents_when_all_is_read()

    def probe(self) -> Request:
        """Return the request for the list of the first day."""
        about = {"kind": "index", "date": self.days[0].isoformat(), "language": "ja"}
        return self.ask(self._list_url(self.days[0]), about, self._day, vital=True)

    def documents_named(self, found: list[Any]) -> int:
        """Return how many lists could be read: on a holiday one names no document."""
        return len(self.lists)

    def _settled(self, day: date, fetched_at: datetime) -> bool:
        """Return whether a list need not be read again: it is old enough, and was read after its day was over."""
        back = self.asked.resync
        return (
            back is not None
            and day < today() - timedelta(days=back)
            and fetched_at.astimezone(JAPAN).date() > day
        )

    def problem(self, response: Response, errand: Errand) -> str:
        """Judge a response by its Content-Type and its body: errors come with HTTP status 200."""
        kind = errand.about["kind"]
        wanted: Wanted = "list" if kind == "index" else "zip"
        if kind == "filing" and ARCHIVE_TYPES[errand.about["type"]] == "pdf":
            wanted = "pdf"
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        found = judge(wanted, response.status, content_type, response.body)
        if found == "unauthorized":
            self.give_up("EDINET", "the key was refused", "check EDINET_API_KEY, then run the same command")
        if wanted == "list" and not found:
            day, _ = list_head(response.body)
            found = "" if day.isoformat() == errand.about["date"] else "wrong_day"
        return found

    def _day(self, response: Response | None, errand: Errand) -> Found:
        day = date.fromisoformat(errand.about["date"])
        if response is None:  # only what is not wanted gets here: any other failure ends the crawl
            self.refused.add(day)
        else:
            self._keep(day, response.body, datetime.now(UTC))
        yield from self._documents_when_all_is_read()

    def _list_url(self, day: date) -> str:
        return self.addresses.url("edinet", list_path(day))

    def _keep(self, day: date, body: bytes, read_at: datetime) -> None:
        self.lists[day], self.read_at[day] = zlib.compress(body, 1), read_at
        row = self.earlier(self._list_url(day))
        if row and row["sha256"] == hashlib.sha256(body).hexdigest():
            self.as_it_was.add(day)

    def _body(self, day: date) -> bytes:
        return zlib.decompress(self.lists[day])

    def _documents_when_all_is_read(self) -> Iterable[Request | Carried]:
        # A document may be listed again on a later day, or withdrawn: first all lists, then documents.
        if not self.all_read and len(self.lists) + len(self.refused) == len(self.days):
            self.all_read = True
            yield from self._documents()

    def _documents(self) -> Iterable[Request | Carried]:
        """Choose among the lists of all days, compare each with what it said before, and ask for what was chosen."""
        days = [day for day in self.days if day in self.lists]
        for day in days:
            self.notices.read(day, self._body(day), self.read_at[day])
        now, new = datetime.now(UTC), []
        for day in days:
            listed = read_list(self._body(day))
            self.notices.remember(listed)
            if day not in self.as_it_was:
                held = self.earlier_capture(self._list_url(day))
                new += tombstones(read_list(held.body) if held else None, listed, now, self.notices)
            yield from self._choose(day, listed)
        self._note_tombstones(new, now)
        for filing in self.chosen.values():
            for kind in self._types(filing):
                url = self.addresses.url("edinet", document_path(filing.docID, kind))
                yield self.ask_once(url, {**about_filing(filing), "type": kind})
            if filing.parentDocID:
                self._note_amendment(filing)

    def _note_amendment(self, filing: Filing) -> None:
        self.note(
            "amendments",
            docID=filing.docID,
            parentDocID=filing.parentDocID,
            form=filing.form,
            submitted=filing.submitDateTime.isoformat() if filing.submitDateTime else "",
            parent_here=filing.parentDocID in self.chosen,
        )

    def _note_tombstones(self, new: list[Tombstone], now: datetime) -> None:
        """Write down what happened to documents since their lists were last read, behind all that is known."""
        known = told_before(self.before, f"{TOMBSTONES}.jsonl")
        new += noticed([*known, *new], now, self.notices)
        for one in joined(known, new):
            self.note(TOMBSTONES, **one)
        self.counts.update(f"tombstones {one['what']}" for one in self.ledgers.get(TOMBSTONES, ()))

    def _expired(self, filing: Filing) -> list[Carried]:
        """Return what an earlier version holds of a filing that EDINET no longer keeps: it was public, and stays."""
        urls = [self.addresses.url("edinet", document_path(filing.docID, kind)) for kind in self.asked.types]
        about = {"kind": "filing"}
        return [Carried(url, self.name, self.license, about) for url in urls if self.earlier(url)]

    def _choose(self, day: date, listed: DayList) -> Iterable[Carried]:
        skipped: Counter[str] = Counter()
        selected = []
        for filing in listed.filings:
            reason = self._passed_over(filing)
            if reason == "expired" and (kept := self._expired(filing)):
                reason = "expired_kept"
                yield from kept
            if not reason and filing.docID in self.chosen:
                reason = "listed_again"
            elif not reason:
                selected.append(filing.docID)
            if reason in ("", "listed_again"):
                self.chosen[filing.docID] = filing
            if reason:
                skipped[reason] += 1
        for doc_id, why in listed.unreadable:
            skipped["unreadable"] += 1
            self.note("unreadable_rows", date=day.isoformat(), docID=doc_id, why=why)
        forms: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for filing in listed.filings:
            forms[filing.form][0] += 1
        for doc_id in selected:
            forms[self.chosen[doc_id].form][1] += 1
        self.ledger[day] = {
            "listed": listed.count,
            "selected": selected,
            "skipped": dict(sorted(skipped.items())),
            "forms": dict(sorted(forms.items())),
        }

    def _passed_over(self, filing: Filing) -> str:
        """Return why a row of a list is not fetched, "" for one that is."""
        # What has expired stays if an earlier version holds it, unless it was withdrawn or hidden.
        gone = "" if filing.gone == "expired" else filing.gone
        if gone := gone or self.notices.gone(filing.docID) or filing.gone:
            return gone
        if filing.form not in self.asked.forms:
            return "other_form"
        return "" if self._types(filing) else "not_offered"

    def _types(self, filing: Filing) -> list[str]:
        return [kind for kind in self.asked.types if filing.offers(kind)]

    def conclude(self, row: Callable[[str], Row | None]) -> None:
        """Check that every row that EDINET counted was stored, skipped for a reason, or failed for one."""
        for day, one in sorted(self.ledger.items()):
            failed: Counter[str] = Counter()
            for doc_id in one["selected"]:
                if why := self._failed(self.chosen[doc_id], row):
                    failed[why] += 1
            stored, skipped = len(one["selected"]) - failed.total(), sum(one["skipped"].values())
            reconciled = one["listed"] == stored + skipped + failed.total()
            if not reconciled:
                held = stored + skipped + failed.total()
                self.logger.warning(
                    "%s: EDINET counts %d documents, its list holds %d", day, one["listed"], held
                )
            self.counts.update(
                {
                    "days": 1,
                    "listed": one["listed"],
                    "selected": len(one["selected"]),
                    "stored": stored,
                    "not_stored": failed.total(),
                    "skipped": skipped,
                    "unreconciled_days": int(not reconciled),
                    "incomplete": int(not reconciled),
                    **{f"skipped {reason}": number for reason, number in one["skipped"].items()},
                }
            )
            said = {
                **one,
                "selected": len(one["selected"]),
                "stored": stored,
                "failed": dict(sorted(failed.items())),
            }
            self.note("days", date=day.isoformat(), reconciled=reconciled, **said)
        for day in sorted(self.refused):
            self.counts.update({"days": 1, "unreconciled_days": 1, "incomplete": 1})
            self.note("days", date=day.isoformat(), reconciled=False, listed=None, selected=0, stored=0)

    def _failed(self, filing: Filing, row: Callable[[str], Row | None]) -> str:
        """Return why a chosen filing is not stored in every type that was asked for, "" when it is."""
        for kind in self._types(filing):
            found = row(self.addresses.url("edinet", document_path(filing.docID, kind)))
            if found is None or found["problem"] or found["kind"] == "redirect":
                return str(found["problem"] or "redirected") if found else "not_captured"
        return ""

    def describe(self, response: Response, errand: Errand) -> Mapping[str, str]:
        """Say how a list counted itself, and of which day the code list is."""
        if errand.about["kind"] == "index":
            return {"count": str(list_head(response.body)[1])}
        return code_list_date(response.body) if errand.about["kind"] == "company_list" else {}
