"""What EDINET lists on each day of the sample world, as it was known on any later day: rows of 29 fields."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache

from sample.annual_report import amended_on, annual_report
from sample.companies import COMPANIES, JST, Company, Year, base36, doc_id, submission
from sample.filing import Filing
from sample.report_tables import term

#: The fields of one row, in the order of the API's specification (version 2, 3-1-2).
FIELDS = (
    "seqNumber",
    "docID",
    "edinetCode",
    "secCode",
    "JCN",
    "filerName",
    "fundCode",
    "ordinanceCode",
    "formCode",
    "docTypeCode",
    "periodStart",
    "periodEnd",
    "submitDateTime",
    "docDescription",
    "issuerEdinetCode",
    "subjectEdinetCode",
    "subsidiaryEdinetCode",
    "currentReportReason",
    "parentDocID",
    "opeDateTime",
    "withdrawalStatus",
    "docInfoEditStatus",
    "disclosureStatus",
    "xbrlFlag",
    "pdfFlag",
    "attachDocFlag",
    "englishDocFlag",
    "csvFlag",
    "legalStatus",
)
_FLAGS = frozenset(FIELDS[FIELDS.index("withdrawalStatus") :])

#: A Saturday: asked for like every other day, and empty.
WEEKEND = date(2025, 6, 28)
#: The day on which the duplicate report is withdrawn, one report is hidden and one row is corrected.
EVENTS = date(2026, 6, 25)
HIDDEN_FROM = datetime(2026, 6, 25, 17, 30, tzinfo=JST)

WITHDRAWN = "S100Z9X0"
WITHDRAWAL = "S100Z9X1"
AMENDED = "S100Z9X2"
EXPIRED = "S100Z9X3"
BROKEN = "S100Z9X4"

_BY_CODE = {company.edinet_code: company for company in COMPANIES}
_ORIGINAL = _BY_CODE["E90005"], _BY_CODE["E90005"].years[1]
_DUPLICATED = _BY_CODE["E90009"], _BY_CODE["E90009"].years[2]
_HIDDEN = _BY_CODE["E90021"], _BY_CODE["E90021"].years[1]
_EDITED = _BY_CODE["E90012"], _BY_CODE["E90012"].years[1]
_TRUNCATED = _BY_CODE["E90007"], _BY_CODE["E90007"].years[1]

#: Document IDs that behave unlike the others.
HIDDEN = doc_id(*_HIDDEN)
EDITED = doc_id(*_EDITED)
TRUNCATED = doc_id(*_TRUNCATED)

Row = dict[str, str | int | None]


@dataclass(frozen=True)
class Listed:
    """One line of a day's list: when it came to be, what it says, and the filing behind it, if any."""

    at: datetime
    row: Row
    filing: Filing | None = None


def _dates() -> tuple[date, ...]:
    days = {submission(company, year).date() for company in COMPANIES for year in company.years[1:]}
    return tuple(sorted(days | {WEEKEND, amended_on(*_ORIGINAL), EVENTS}))


#: Every day worth asking for: seven with filings and one Saturday without.
DATES = _dates()


def rows(day: date, now: datetime) -> list[Row]:
    """The rows of one day as the API gave them at a later moment, numbered from 1.

    Rows of today appear as they are filed; corrections of older rows show from the day after the event.
    """
    found = []
    for number, listed in enumerate(_listed().get(day, ()), 1):
        if listed.at > now:
            break
        row = {**listed.row, "seqNumber": number}
        if now.date() > EVENTS:
            row = _after_events(row)
        found.append(row)
    return found


def filing_of(name: str, now: datetime) -> Filing | None:
    """The filing behind a document ID, if it was on file at that moment and not withdrawn."""
    if name == WITHDRAWN and now.date() > EVENTS:
        return None
    listed = _filings().get(name)
    return listed.filing if listed and listed.at <= now else None


def row_of(name: str, now: datetime) -> Row | None:
    """The last row that lists a document ID at that moment."""
    found = [row for day in DATES for row in rows(day, now) if row["docID"] == name]
    return found[-1] if found else None


def _after_events(row: Row) -> Row:
    name = row["docID"]
    if name == WITHDRAWN:
        return {**_row(docID=WITHDRAWN, withdrawalStatus="2"), "seqNumber": row["seqNumber"]}
    if row["opeDateTime"] is None and name == HIDDEN:
        return {**row, "disclosureStatus": "2"}
    if row["opeDateTime"] is None and name == EDITED:
        return {**row, "docInfoEditStatus": "2"}
    return row


def _row(**known: str | None) -> Row:
    row: Row = {field: "0" if field in _FLAGS else None for field in FIELDS}
    return {**row, **known}


@cache
def _listed() -> dict[date, list[Listed]]:
    days: dict[date, list[Listed]] = {}
    for listed in sorted(_everything(), key=lambda listed: (listed.at, str(listed.row["docID"]))):
        days.setdefault(listed.at.date(), []).append(listed)
    return days


@cache
def _filings() -> dict[str, Listed]:
    """Filings by document ID; a notice row about an older filing has none of its own."""
    return {
        str(listed.row["docID"]): listed
        for day in _listed().values()
        for listed in day
        if listed.filing is not None
    }


def _everything() -> Iterator[Listed]:
    for company in COMPANIES:
        for year in company.years[1:]:
            annual = _annual(company, year)
            yield annual
            yield from _companions(company, year, annual.at)
    yield from _amended()
    yield from _events()
    for day in DATES:
        if day.weekday() < 5:
            yield from _others(day)


def _annual(company: Company, year: Year) -> Listed:
    return _report(company, year, annual_report(company, year), submission(company, year))


def _report(company: Company, year: Year, filing: Filing, at: datetime) -> Listed:
    title = "訂正有価証券報告書" if filing.amends else "有価証券報告書"
    start = year.start
    if (company, year) == _EDITED:
        start += timedelta(days=1)  # entered wrongly by the filer and corrected on the day of events
    row = _row(
        docID=filing.doc_id,
        ordinanceCode="010",
        formCode="030001" if filing.amends else "030000",
        docTypeCode="130" if filing.amends else "120",
        periodStart=start.isoformat(),
        periodEnd=year.end.isoformat(),
        submitDateTime=f"{at:%Y-%m-%d %H:%M}",
        docDescription=f"{title}－{term(company, year)}({start:%Y/%m/%d}－{year.end:%Y/%m/%d})",
        parentDocID=filing.amends,
        xbrlFlag="1",
        pdfFlag="1",
        attachDocFlag="0" if filing.amends else "1",
        englishDocFlag="1" if company.edinet_code == "E90010" else "0",
        csvFlag="0" if company.edinet_code == "E90023" and year.fiscal_year == 2024 else "1",
        legalStatus="1",
        **_filer(company),
    )
    return Listed(at, row, filing)


def _filer(company: Company) -> dict[str, str | None]:
    return {
        "edinetCode": company.edinet_code,
        "secCode": company.sec_code,
        "JCN": company.jcn,
        "filerName": company.name,
    }


def _companions(company: Company, year: Year, at: datetime) -> Iterator[Listed]:
    """The two reports filed with every annual report: confirmation (no XBRL) and internal control."""
    number = int(doc_id(company, year)[4:], 36)
    span = f"－{term(company, year)}({year.start:%Y/%m/%d}－{year.end:%Y/%m/%d})"
    for offset, title, ordinance, form, kind, flag in (
        (1, "確認書", "010", "042000", "135", "0"),
        (2, "内部統制報告書", "015", "010000", "235", "1"),
    ):
        later = at + timedelta(minutes=offset)
        row = _row(
            docID=f"S100{base36(number + offset)}",
            ordinanceCode=ordinance,
            formCode=form,
            docTypeCode=kind,
            submitDateTime=f"{later:%Y-%m-%d %H:%M}",
            docDescription=title + span,
            xbrlFlag=flag,
            pdfFlag="1",
            csvFlag=flag,
            legalStatus="1",
            **_filer(company),
        )
        yield Listed(later, row)


def _amended() -> Iterator[Listed]:
    company, year = _ORIGINAL
    at = datetime.combine(amended_on(company, year), time(10, 12), JST)
    yield _report(company, year, annual_report(company, year, amends=doc_id(company, year), name=AMENDED), at)


def _events() -> Iterator[Listed]:
    company, year = _DUPLICATED
    first = submission(company, year)
    twice = replace(annual_report(company, year), doc_id=WITHDRAWN)
    yield _report(company, year, twice, first + timedelta(minutes=7))
    notice = _at(EVENTS, 16, 14)
    yield Listed(
        notice,
        _row(
            docID=WITHDRAWAL,
            submitDateTime=f"{notice:%Y-%m-%d %H:%M}",
            parentDocID=WITHDRAWN,
            withdrawalStatus="1",
        ),
    )
    hidden = _annual(*_HIDDEN).row
    began = f"{HIDDEN_FROM:%Y-%m-%d %H:%M}"
    yield Listed(HIDDEN_FROM, {**hidden, "opeDateTime": began, "disclosureStatus": "1"})
    edited = _annual(*_EDITED).row
    _, year = _EDITED
    span = f"－{term(*_EDITED)}({year.start:%Y/%m/%d}－{year.end:%Y/%m/%d})"
    at = _at(EVENTS, 15, 18)
    yield Listed(
        at,
        {
            **edited,
            "periodStart": year.start.isoformat(),
            "docDescription": f"有価証券報告書{span}",
            "opeDateTime": f"{at:%Y-%m-%d %H:%M}",
            "docInfoEditStatus": "1",
        },
    )
    yield Listed(_at(DATES[0], 9, 0), _row(docID=EXPIRED))


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), JST)


#: Rows of filers and kinds a reader of company annual reports must pass over:
#: title, ordinance, form, kind, EDINET code, filer, fund, XBRL flag.
_NOISE: tuple[tuple[str, str, str, str, str, str, str | None, str], ...] = (
    (
        "有価証券報告書（内国投資信託受益証券）",
        "030",
        "07A000",
        "120",
        "E91001",
        "虚空アセットマネジメント株式会社",
        "G90001",
        "1",
    ),
    (
        "有価証券報告書（内国投資信託受益証券）",
        "030",
        "07A000",
        "120",
        "E91001",
        "虚空アセットマネジメント株式会社",
        "G90002",
        "1",
    ),
    (
        "有価証券報告書",
        "010",
        "080000",
        "120",
        "E91002",
        "ファントム・アイランド・ホールディングス",
        None,
        "0",
    ),
    ("半期報告書", "010", "043A00", "160", "E91003", "株式会社髙砂架空①号", None, "0"),
    ("臨時報告書", "010", "053000", "180", "E90019", "銀嶺証券株式会社", None, "1"),
    ("変更報告書", "060", "010002", "350", "E91004", "霞　一郎", None, "1"),
)


def _others(day: date) -> Iterator[Listed]:
    for number, (title, ordinance, form, kind, code, filer, fund, flag) in enumerate(_NOISE):
        at = _at(day, 9 + number, 3 * number)
        name = f"S100{base36(int('Y000', 36) + day.toordinal() % 4000 * 10 + number)}"
        if kind == "180" and day == EVENTS:
            name = BROKEN
        yield Listed(
            at,
            _row(
                docID=name,
                edinetCode=code,
                filerName=filer,
                fundCode=fund,
                ordinanceCode=ordinance,
                formCode=form,
                docTypeCode=kind,
                submitDateTime=f"{at:%Y-%m-%d %H:%M}",
                docDescription=title,
                issuerEdinetCode="E90016" if kind == "350" else None,
                currentReportReason="第19条第2項第9号の2" if kind == "180" else None,
                xbrlFlag=flag,
                pdfFlag="1",
                csvFlag=flag,
                legalStatus="1",
            ),
        )
