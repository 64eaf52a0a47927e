"""The spider of EDINET filings: day by day the list, then the documents of the chosen forms.

It needs a key: ``EDINET_API_KEY=... scrapy crawl edinet -a since=2026-06-20 -a until=2026-06-30``. Every day's
list is kept as a capture, so that what was listed can be compared later with what was listed then.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from scrapy import Request
from scrapy.http import Response

from spiders.base import Arguments, CaptureSpider, Day, Errand, Found, today
from spiders.edinet_api import (
    ARCHIVE_TYPES,
    DayList,
    Filing,
    Wanted,
    document_path,
    judge,
    list_path,
    read_list,
)

CODE_LIST = "/searchdocument/codelist/Edinetcode.zip"
ANNUAL, AMENDED = "010/030000", "010/030001"  # a company's annual report, and its amendment
META = (
    "docID", "edinetCode", "secCode", "filerName", "docDescription", "periodStart", "periodEnd",
    "submitDateTime", "docTypeCode", "formCode", "ordinanceCode", "parentDocID",
)  # fmt: skip


def _yesterday() -> date:
    return today() - timedelta(days=1)


def _listed(value: Any) -> Any:
    return tuple(sorted(value.split(","))) if isinstance(value, str) else value


Form = Annotated[str, Field(pattern=r"^\d{3}/[0-9A-Z]{6}$")]


class EdinetArguments(Arguments):
    """``since`` and ``until`` bound the day of disclosure, both included; no ``until`` means yesterday.

    Forms are ORDINANCE/FORM; the download ``type`` is 1 to 5.
    """

    since: Day = Field(default_factory=_yesterday)
    until: Day | None = None
    forms: Annotated[tuple[Form, ...], BeforeValidator(_listed)] = (ANNUAL, AMENDED)
    type: Literal["1", "2", "3", "4", "5"] = "1"
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
    asked: EdinetArguments

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name, **given)
        until = self.asked.until or max(self.asked.since, _yesterday())
        self.days = [self.asked.since + timedelta(days=n) for n in range((until - self.asked.since).days + 1)]
        self.lists: dict[date, DayList] = {}

    def first(self) -> Iterable[Request]:
        """Ask for the code list and for the list of every day."""
        if self.asked.codelist:
            url = self.addresses.url("edinet_codelist", CODE_LIST)
            yield self.ask(url, {"kind": "company_list", "title": "EDINETコードリスト", "language": "ja"})
        for day in self.days:
            about = {"kind": "index", "date": day.isoformat(), "language": "ja"}
            yield self.ask(self.addresses.url("edinet", list_path(day)), about, self._day, vital=True)

    def problem(self, response: Response, errand: Errand) -> str:
        """Judge a response by its Content-Type and its body: errors come with HTTP status 200."""
        kind = errand.about["kind"]
        wanted: Wanted = "list" if kind == "index" else "zip"
        if kind == "filing" and ARCHIVE_TYPES[self.asked.type] == "pdf":
            wanted = "pdf"
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        found = judge(wanted, response.status, content_type, response.body)
        if found == "unauthorized":
            self.give_up("EDINET", "the key was refused", "check EDINET_API_KEY, then run the same command")
        return found

    def _day(self, response: Response | None, errand: Errand) -> Found:
        if response is None:
            return
        listed = read_list(response.body)
        self.lists[listed.day] = listed
        # An edited document is listed again on a later day, with better fields: first all lists, then documents.
        if len(self.lists) == len(self.days):
            for filing in self._choose():
                path = document_path(filing.docID, self.asked.type)
                yield self.ask(self.addresses.url("edinet", path), about_filing(filing))

    def _choose(self) -> list[Filing]:
        chosen: dict[str, Filing] = {}
        for day, listed in sorted(self.lists.items()):
            skipped: Counter[str] = Counter()
            known = len(chosen)
            for filing in listed.filings:
                reason = self._passed_over(filing)
                if not reason and filing.docID in chosen:
                    reason = "listed_again"
                if not reason or reason == "listed_again":
                    chosen[filing.docID] = filing
                if reason:
                    skipped[reason] += 1
            for doc_id, why in listed.unreadable:
                skipped["unreadable"] += 1
                self.note("unreadable_rows", date=day.isoformat(), docID=doc_id, why=why)
            self._reconcile(day, listed.count, len(chosen) - known, skipped)
        return list(chosen.values())

    def _passed_over(self, filing: Filing) -> str:
        """Return why a row of a list is not fetched, "" for one that is."""
        if filing.gone:
            return filing.gone
        if filing.form not in self.asked.forms:
            return "other_form"
        return "" if filing.offers(self.asked.type) else "not_offered"

    def _reconcile(self, day: date, count: int, selected: int, skipped: Counter[str]) -> None:
        """Check that every row that EDINET counted was either selected or skipped for a reason."""
        total = selected + skipped.total()
        self.counts["days"] += 1
        self.counts["listed"] += count
        self.counts["selected"] += selected
        for reason, number in skipped.items():
            self.counts["skipped"] += number
            self.counts[f"skipped {reason}"] += number
        self.counts["unreconciled_days"] += count != total
        if count != total:
            self.logger.warning("%s: EDINET counts %d documents, its list holds %d", day, count, total)
        self.note(
            "days",
            date=day.isoformat(),
            listed=count,
            selected=selected,
            skipped=dict(sorted(skipped.items())),
        )

    def describe(self, response: Response, errand: Errand) -> Mapping[str, str]:
        """Say how a list counted itself."""
        if errand.about["kind"] != "index":
            return {}
        return {"count": str(read_list(response.body).count)}


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
