"""The spider of EDINET filings: day by day the list, then the documents of the chosen forms.

It needs a key: ``EDINET_API_KEY=... scrapy crawl edinet -a since=2026-06-20 -a until=2026-06-30``. Every day's list is
kept as a capture. Asked again on a later day, the lists tell what was withdrawn, hidden, edited or has expired
since (``tombstones.jsonl``), while a document that an earlier version holds is not downloaded again: a crawl of all
days, repeated every day, costs the lists and what is new.
"""

import io
import re
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from scrapy import Request
from scrapy.http import Response

from datacards.lineage import read_jsonl
from spiders.arguments import Arguments, Day, today
from spiders.base import CaptureSpider, Errand, Found
from spiders.edinet.api import (
    ARCHIVE_TYPES,
    JAPAN,
    DayList,
    Filing,
    Wanted,
    document_path,
    judge,
    list_path,
    read_list,
)
from spiders.edinet.changes import Notices, Tombstone, joined, tombstones
from spiders.records import Carried
from spiders.rows import Row

CODE_LIST = "/searchdocument/codelist/Edinetcode.zip"
ANNUAL, AMENDED = "010/030000", "010/030001"  # a company's annual report, and its amendment
TOMBSTONES = "tombstones"
META = (
    "docID", "edinetCode", "secCode", "filerName", "docDescription", "periodStart", "periodEnd",
    "submitDateTime", "docTypeCode", "formCode", "ordinanceCode", "parentDocID",
)  # fmt: skip
_AS_OF = re.compile(r"(\d{4})年 ?(\d{1,2})月 ?(\d{1,2})日現在,件数,(\d+)件")


def _yesterday() -> date:
    return today() - timedelta(days=1)


def _listed(value: Any) -> Any:
    return tuple(sorted({*value.split(",")})) if isinstance(value, str) else value


def _resync(value: Any) -> Any:
    return {"all": None}.get(value, value)


Form = Annotated[str, Field(pattern=r"^\d{3}/[0-9A-Z]{6}$")]
Type = Annotated[str, Field(pattern=r"^[1-5]$")]


class EdinetArguments(Arguments):
    """``since`` and ``until`` bound the day of disclosure, both included; no ``until`` means yesterday.

    Forms are ORDINANCE/FORM; the download ``types`` are out of 1 to 5. ``resync`` is how many days back a list that
    an earlier version holds is read again; older ones are taken as they were. Without it, all are read again.
    """

    since: Day = Field(default_factory=_yesterday)
    until: Day | None = None
    forms: Annotated[tuple[Form, ...], BeforeValidator(_listed)] = (ANNUAL, AMENDED)
    types: Annotated[tuple[Type, ...], BeforeValidator(_listed), Field(min_length=1)] = ("1",)
    resync: Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_resync)] = None
    codelist: Annotated[bool, BeforeValidator(lambda v: {"yes": True, "no": False}.get(v, v))] = True

    @model_validator(mode="after")
    def _ordered(self) -> "EdinetArguments":
        if self.until and self.since > self.until:
            raise ValueError(f"since={self.since} is after until={self.until}")
        return self


class Edinet(CaptureSpider):
    """Filings of EDINET, chosen by ordinance and form, reconciled with each day's list."""

    name = "edinet"
    description = "Filings disclosed through EDINET with each day's list and the code list, as fetched"
    license = "PDL-1.0"
    bases = ("edinet", "edinet_codelist")
    keyed = ("edinet",)
    arguments = EdinetArguments
    transient = frozenset({"server_error", "maintenance", "truncated_zip", "damaged_zip"})
    final = frozenset(
        {"not_found", "pdf_instead_of_zip", "http_404"}
    )  # a document that is listed, but not to be had
    asked: EdinetArguments

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name, **given)
        until = self.asked.until or max(self.asked.since, _yesterday())
        self.days = [self.asked.since + timedelta(days=n) for n in range((until - self.asked.since).days + 1)]
        # Ten years of lists are 700,000 rows: they wait packed, and one day at a time is read.
        self.lists: dict[date, bytes] = {}
        self.taken: set[date] = set()  # days whose list is that of an earlier version
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
            if held:
                self._keep(day, held.body)
                self.taken.add(day)
                self.counts["lists_taken_as_they_were"] += 1
                yield Carried(url, self.name, self.license, about)
            else:
                yield self.ask(url, about, self._day, vital=True)
        if len(self.lists) == len(self.days):
            yield from self._documents()

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
        return found

    def _day(self, response: Response | None, errand: Errand) -> Found:
        if response is None:
            return
        self._keep(date.fromisoformat(errand.about["date"]), response.body)
        # An edited document is listed again on a later day, with better fields: first all lists, then documents.
        if len(self.lists) == len(self.days):
            yield from self._documents()

    def _list_url(self, day: date) -> str:
        return self.addresses.url("edinet", list_path(day))

    def _keep(self, day: date, body: bytes) -> None:
        self.lists[day] = zlib.compress(body, 1)

    def _list(self, day: date) -> DayList:
        return read_list(zlib.decompress(self.lists[day]))

    def _documents(self) -> Iterable[Request | Carried]:
        """Choose among the lists of all days, compare each with what it said before, and ask for what was chosen."""
        notices, new = Notices(), []
        for day in self.days:
            notices.read(self._list(day))
        now = datetime.now(UTC)
        for day in self.days:
            listed = self._list(day)
            notices.remember(listed)
            held = None if day in self.taken else self.earlier_capture(self._list_url(day))
            if day not in self.taken:
                new += tombstones(read_list(held.body) if held else None, listed, now, notices)
            yield from self._choose(day, listed)
        self._note_tombstones(new)
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

    def _note_tombstones(self, new: list[Tombstone]) -> None:
        """Write down what happened to documents since their lists were last read, behind all that is known."""
        known = read_jsonl(self.before[-1] / f"{TOMBSTONES}.jsonl") if self.before else []
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
        if filing.gone:
            return filing.gone
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
            return {"count": str(read_list(response.body).count)}
        return code_list_date(response.body) if errand.about["kind"] == "company_list" else {}


def code_list_date(body: bytes) -> dict[str, str]:
    """Return ``as_of`` and ``count`` out of the first line of the code list in its ZIP, nothing if there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            name = next(name for name in archive.namelist() if name.lower().endswith(".csv"))
            with archive.open(name) as stream:
                line = stream.read(200).decode("cp932", "replace")
    except (
        zipfile.BadZipFile,
        StopIteration,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ):
        return {}
    if not (match := _AS_OF.search(line)):
        return {}
    year, month, day, count = map(int, match.groups())
    return {"as_of": f"{year}-{month:02}-{day:02}", "count": str(count)}


def about_filing(filing: Filing) -> dict[str, str]:
    """Return the meta of a filing's capture: the row's fields by their own names, and what all sources share."""
    row = filing.model_dump(mode="json")
    about = {name: str(row[name]) for name in META if row[name] is not None}
    submitted = filing.submitDateTime
    return {
        **about,
        "kind": "filing",
        "title": filing.docDescription or "",
        "language": "ja",
        "published_at": submitted.date().isoformat() if submitted else "",
        "event_at": filing.periodEnd.isoformat() if filing.periodEnd else "",
    }
