"""The annual report of a sample company: its cover, chapters and identity, in reading order."""

from datetime import date
from decimal import Decimal

from sample import filing_text as words
from sample import report_tables as tables
from sample.companies import Company, Year, doc_id, submission
from sample.filing import (
    CRP,
    DEI,
    Block,
    Figure,
    Filing,
    Grid,
    Heading,
    Named,
    Part,
    Section,
    para,
    text_block,
)
from sample.story import day, person, pick, story

_NOW = "CurrentYear"


def annual_report(company: Company, year: Year, *, amends: str | None = None, name: str = "") -> Filing:
    """The report of one fiscal year; amends is the document ID of the report an amended one corrects.

    An amended report is filed 40 days later, corrects the research expense and says so in front.
    """
    submitted = submission(company, year).date()
    if amends:
        submitted = amended_on(company, year)
    before = company.years[company.years.index(year) - 1]
    files = (
        ("0000000_header", _cover(company, year, submitted, amended=bool(amends))),
        ("0101010_honbun", _overview(company, year, amended=bool(amends))),
        ("0102010_honbun", _situation(company, year, before, amended=bool(amends))),
        ("0103010_honbun", _facilities(company, year)),
        ("0104010_honbun", _company(company, year)),
        ("0105010_honbun", tables.balance_sheet(company, year, before)),
        ("0105020_honbun", tables.income_statement(company, year, before)),
        ("0106010_honbun", _shares_office(company, year)),
        ("0107010_honbun", _reference(company)),
    )
    dei = _dei(company, year, before, amends)
    return Filing(company, year, name or doc_id(company, year), submitted, files, dei, amends)


def amended_on(company: Company, year: Year) -> date:
    """The Tuesday of the sixth week after the original report."""
    return date.fromordinal((submission(company, year).date().toordinal() - 2) // 7 * 7 + 44)


def research_expense(company: Company, year: Year, *, amended: bool = False) -> int:
    """Yen, in whole display units; the amended report corrects it upwards by three units."""
    rate = story(company).rd
    raw = year.net_sales * rate // 1000 // company.unit * company.unit
    return raw + 3 * company.unit if amended and raw else raw


def _cover(company: Company, year: Year, submitted: date, *, amended: bool) -> tuple[Block, ...]:
    surname, given = person(company, 0)
    period = f"{tables.term(company, year)}（自　{day(year.start)}　至　{day(year.end)}）"
    rows: tuple[tuple[str, str, str], ...] = (
        ("提出書類", "DocumentTitle", "訂正有価証券報告書" if amended else "有価証券報告書"),
        (
            "根拠条文",
            "ClauseOfStipulation",
            "金融商品取引法第24条の２第１項" if amended else "金融商品取引法第24条第１項",
        ),
        ("提出先", "PlaceOfFiling", "関東財務局長"),
        ("提出日", "FilingDate", submitted.isoformat()),
        ("事業年度", "FiscalYear", period),
        ("会社名", "CompanyName", company.name),
        ("英訳名", "CompanyNameInEnglish", company.name_en),
        ("代表者の役職氏名", "TitleAndNameOfRepresentative", f"代表取締役社長　{surname}　{given}"),
        ("本店の所在の場所", "AddressOfRegisteredHeadquarter", company.address),
    )
    cells: list[tuple[Part, ...]] = [("【表紙】", "")]
    for label, name, value in rows:
        is_date = name == "FilingDate"
        fact = Named(
            f"{CRP}:{name}CoverPage",
            "FilingDateInstant",
            value,
            day(submitted) if is_date else "",
            "ixt:dateyearmonthdaycjk" if is_date else "",
        )
        cells.append((f"【{label}】", fact))
    return (Grid(tuple(cells)),)


def _overview(company: Company, year: Year, *, amended: bool) -> tuple[Block, ...]:
    known = company.years[: company.years.index(year) + 1]
    blocks: list[Block] = []
    if amended:
        blocks += [
            Heading(2, "１ 【有価証券報告書の訂正報告書の提出理由】"),
            para(
                f"{day(submission(company, year).date())}に提出いたしました{tables.term(company, year)}有価証券報告書の"
                "記載事項の一部に誤りがありましたので、これを訂正するため、有価証券報告書の訂正報告書を提出するものであります。"
                "訂正箇所は、第２　事業の状況　６　研究開発活動における研究開発費の総額であります。"
            ),
        ]
    return (
        *blocks,
        Heading(1, "第一部 【企業情報】"),
        Heading(2, "第１ 【企業の概況】"),
        Heading(3, "１ 【主要な経営指標等の推移】"),
        text_block(
            "BusinessResultsOfGroup", Heading(4, "(1) 連結経営指標等"), tables.results(company, known)
        ),
        text_block(
            "BusinessResultsOfReportingCompany",
            Heading(4, "(2) 提出会社の経営指標等"),
            tables.own_results(company, known),
        ),
        words.history(company),
        words.business(company, year),
        tables.employees(company, year),
    )


def _situation(company: Company, year: Year, before: Year, *, amended: bool) -> tuple[Block, ...]:
    extended = company.edinet_code == "E90008" and year.fiscal_year == 2024
    prefix = f"jpcrp030000-asr_{company.edinet_code}-000" if extended else CRP
    broken = company.edinet_code == "E90015" and year.fiscal_year == 2025
    return (
        Heading(2, "第２ 【事業の状況】"),
        words.policy(company, year),
        words.sustainability(company, year),
        words.risks(company, broken=broken),
        words.analysis(company, year, before, prefix=prefix),
        text_block("CriticalContracts", Heading(3, "５ 【重要な契約等】"), para("該当事項はありません。")),
        words.research(company, year, research_expense(company, year, amended=amended)),
    )


def _facilities(company: Company, year: Year) -> tuple[Block, ...]:
    told = story(company)
    spent = year.net_sales * told.capex // 1000 // company.unit * company.unit
    fact = tables.amount(
        company, f"{CRP}:CapitalExpendituresOverviewOfCapitalExpendituresEtc", f"{_NOW}Duration", spent
    )
    return (
        Heading(2, "第３ 【設備の状況】"),
        text_block(
            "OverviewOfCapitalExpendituresEtc",
            Heading(3, "１ 【設備投資等の概要】"),
            para(
                "当連結会計年度の設備投資の総額は",
                fact,
                f"{company.unit_name}であり、主なものは{told.plant}の設備の更新であります。",
            ),
        ),
        text_block(
            "MajorFacilities",
            Heading(3, "２ 【主要な設備の状況】"),
            Grid(
                (
                    ("事業所名（所在地）", "セグメントの名称", "設備の内容"),
                    (told.plant, told.segments[0][0], "建物及び機械装置"),
                    (f"本社（{company.address}）", "全社共通", "事務所"),
                ),
                f"{day(year.end)}現在",
            ),
        ),
    )


def _company(company: Company, year: Year) -> tuple[Block, ...]:
    return (
        Heading(2, "第４ 【提出会社の状況】"),
        Heading(3, "１ 【株式等の状況】"),
        tables.shareholders(company, year),
        words.dividends(company, year, tables.dividend(company, year)),
        Heading(3, "４ 【コーポレート・ガバナンスの状況等】"),
        _officers(company),
    )


def _officers(company: Company) -> Section:
    roles = ("代表取締役社長", "取締役管理本部長", "取締役（社外）", "常勤監査役", "監査役（社外）")
    rows: list[tuple[Part, ...]] = [("役職名", "氏名", "略歴")]
    for number, role in enumerate(roles):
        surname, given = person(company, number)
        context = f"FilingDateInstant_jpcrp030000-asr_{company.edinet_code}-000Officer{number + 1}Member"
        joined = max(company.founded + 20, 1978 + pick(company.edinet_code, number, below=30))
        before = "当社入社" if number in {0, 1, 3} else "弁護士登録"
        rows.append(
            (
                Named(
                    f"{CRP}:OfficialTitleOrPositionInformationAboutDirectorsAndCorporateAuditors",
                    context,
                    role,
                ),
                Named(
                    f"{CRP}:NameInformationAboutDirectorsAndCorporateAuditors", context, f"{surname}　{given}"
                ),
                f"{joined}年４月　{before}\n{min(joined + 18, 2024)}年６月　当社{role}（現任）",
            )
        )
    return text_block(
        "InformationAboutOfficers",
        Heading(4, "(2) 【役員の状況】"),
        para("男性３名　女性２名　（役員のうち女性の比率40.0％）"),
        Grid(tuple(rows)),
    )


def _shares_office(company: Company, year: Year) -> tuple[Block, ...]:
    return (
        Heading(2, "第６ 【提出会社の株式事務の概要】"),
        text_block(
            "OverviewOfOperationalProceduresForShares",
            Grid(
                (
                    ("事業年度", f"{day(year.start)[5:]}から{day(year.end)[5:]}まで"),
                    ("定時株主総会", "３月中" if year.end.month == 12 else "６月中"),
                    ("１単元の株式数", "100株"),
                    ("公告掲載方法", "電子公告により行う。"),
                )
            ),
        ),
    )


def _reference(company: Company) -> tuple[Block, ...]:
    return (
        Heading(2, "第７ 【提出会社の参考情報】"),
        Heading(3, "１ 【提出会社の親会社等の情報】"),
        text_block(
            "InformationAboutParentCompanyEtcOfReportingCompany",
            para("当社は、金融商品取引法第24条の７第１項に規定する親会社等はありません。"),
        ),
    )


def _dei(company: Company, year: Year, before: Year, amends: str | None) -> tuple[Named | Figure, ...]:
    rows: tuple[tuple[str, str | None], ...] = (
        ("EDINETCode", company.edinet_code),
        ("FundCode", None),
        ("SecurityCode", company.sec_code),
        ("FilerNameInJapanese", company.name),
        ("FilerNameInEnglish", company.name_en),
        ("CabinetOfficeOrdinance", "企業内容等の開示に関する内閣府令"),
        ("DocumentType", "第三号様式"),
        ("AccountingStandards", "Japan GAAP"),
        ("WhetherConsolidatedFinancialStatementsArePrepared", "true"),
        ("CurrentFiscalYearStartDate", year.start.isoformat()),
        ("CurrentPeriodEndDate", year.end.isoformat()),
        ("TypeOfCurrentPeriod", "FY"),
        ("CurrentFiscalYearEndDate", year.end.isoformat()),
        ("PreviousFiscalYearStartDate", before.start.isoformat()),
        ("PreviousFiscalYearEndDate", before.end.isoformat()),
        ("AmendmentFlag", "true" if amends else "false"),
        ("IdentificationOfDocumentSubjectToAmendment", amends),
        ("ReportAmendmentFlag", "true" if amends else "false"),
        ("XBRLAmendmentFlag", "false"),
    )
    number = Figure(f"{DEI}:NumberOfSubmissionDEI", "FilingDateInstant", Decimal(2 if amends else 1), "pure")
    return (*(Named(f"{DEI}:{name}DEI", "FilingDateInstant", value) for name, value in rows), number)
