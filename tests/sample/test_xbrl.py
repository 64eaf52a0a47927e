"""EDINET packages of the sample companies: real ZIP files whose tagged figures are the companies' own."""

from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import pytest
from lxml import etree

from sample.annual_report import annual_report
from sample.companies import COMPANIES, Company, Year
from sample.filing import Filing
from sample.xbrl import attachments, english, package

IX = ("{http://www.xbrl.org/2008/inlineXBRL}", "{http://www.xbrl.org/2013/inlineXBRL}")
FIELDS = {
    "NetSalesSummaryOfBusinessResults": "net_sales",
    "OperatingRevenue1SummaryOfBusinessResults": "net_sales",
    "OrdinaryIncomeLossSummaryOfBusinessResults": "ordinary_income",
    "ProfitLossAttributableToOwnersOfParentSummaryOfBusinessResults": "profit",
    "NetAssetsSummaryOfBusinessResults": "net_assets",
    "TotalAssetsSummaryOfBusinessResults": "total_assets",
    "NumberOfEmployees": "employees",
    "NetSales": "net_sales",
    "OperatingRevenue1": "net_sales",
    "OperatingIncome": "operating_income",
    "OrdinaryIncome": "ordinary_income",
    "ProfitLossAttributableToOwnersOfParent": "profit",
    "Assets": "total_assets",
    "NetAssets": "net_assets",
}


def _filing(company: Company, back: int = 0) -> Filing:
    return annual_report(company, company.years[-1 - back])


def _members(filing: Filing) -> dict[str, bytes]:
    with ZipFile(BytesIO(package(filing))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def _parse(body: bytes) -> etree._Element:
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


def _pages(members: dict[str, bytes]) -> list[etree._Element]:
    names = [name for name in members if name.startswith("XBRL/PublicDoc/0")]
    return [_parse(members[name]) for name in sorted(names)]


def _tagged(page: etree._Element, kind: str) -> list[etree._Element]:
    return [node for prefix in IX for node in page.iter(f"{prefix}{kind}")]


def _year(company: Company, filing: Filing, context: str) -> Year:
    back = 0 if context.startswith("Current") else int(context[5])
    return company.years[company.years.index(filing.year) - back]


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.edinet_code)
@pytest.mark.parametrize("back", [0, 1])
def test_every_displayed_figure_times_its_scale_is_the_figure_of_that_year(
    company: Company, back: int
) -> None:
    filing = _filing(company, back)
    found = set()
    for page in _pages(_members(filing)):
        for node in _tagged(page, "nonFraction"):
            name, context = node.get("name", "").partition(":")[2], node.get("contextRef", "")
            if name not in FIELDS or "_" in context:  # a dimension: not the consolidated total
                continue
            value = Decimal((node.text or "").replace(",", "")) * Decimal(10) ** int(node.get("scale", "0"))
            if node.get("sign") == "-":
                value = -value
            assert value == getattr(_year(company, filing, context), FIELDS[name]), (name, context)
            found.add((FIELDS[name], context[: context.index("Year")]))
    years = {"Current", "Prior1"} | ({"Prior2"} if back == 0 else set())
    assert {year for _, year in found} == years
    assert {field for field, year in found if year == "Current"} == set(FIELDS.values())


def test_a_loss_shows_the_filers_mark_before_a_tag_with_a_negative_sign() -> None:
    company = next(company for company in COMPANIES if company.years[-1].profit < 0)
    nodes = [n for page in _pages(_members(_filing(company))) for n in _tagged(page, "nonFraction")]
    losses = [node for node in nodes if node.get("sign") == "-"]
    assert losses
    for node in losses:
        parent = node.getparent()
        assert parent is not None
        assert (parent.text or "").endswith("▲")


def test_the_instance_holds_the_same_amounts_in_full_and_text_blocks_escaped_once() -> None:
    filing = _filing(COMPANIES[0])
    members = _members(filing)
    instance = _parse(members[f"XBRL/PublicDoc/{filing.stem}.xbrl"])
    sales = {
        node.get("contextRef"): node.text
        for node in instance.iter("{*}NetSalesSummaryOfBusinessResults")
        if "_" not in node.get("contextRef", "")
    }
    assert sales["CurrentYearDuration"] == str(filing.year.net_sales)
    assert len(sales) == 3
    [history] = instance.iter("{*}CompanyHistoryTextBlock")
    assert (history.text or "").startswith("<h3")
    assert "<ix:" not in (history.text or "")


def test_the_manifest_names_every_page_in_reading_order() -> None:
    filing = _filing(COMPANIES[1])
    members = _members(filing)
    manifest = _parse(members["XBRL/PublicDoc/manifest_PublicDoc.xml"])
    listed = [
        node.text or "" for node in manifest.iter("{http://disclosure.edinet-fsa.go.jp/2013/manifest}ixbrl")
    ]
    assert [name[:7] for name in listed][:5] == ["0000000", "0101010", "0102010", "0103010", "0104010"]
    assert set(listed) == {Path(name).name for name in members if name.startswith("XBRL/PublicDoc/0")}
    assert all(before < after for before, after in pairwise(listed))


def test_files_are_named_and_encoded_as_edinet_does() -> None:
    filing = _filing(COMPANIES[0])
    stem = "jpcrp030000-asr-001_E90001-000_2026-03-31_01_2026-06-25"
    assert filing.stem == stem
    members = _members(filing)
    assert f"XBRL/PublicDoc/0102010_honbun_{stem}_ixbrl.htm" in members
    for name, body in members.items():
        if name.endswith("_ixbrl.htm"):
            assert body.startswith(b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>')
            assert b"<!DOCTYPE" not in body


def test_the_header_holds_the_identity_and_every_context_that_is_used() -> None:
    filing = _filing(COMPANIES[15])
    pages = _pages(_members(filing))
    identity = {
        node.get("name", ""): node.text
        for node in _tagged(pages[0], "nonNumeric")
        if node.get("name", "").startswith("jpdei_cor:")
    }
    assert identity["jpdei_cor:EDINETCodeDEI"] == "E90016"
    assert identity["jpdei_cor:SecurityCodeDEI"] == "599A0"
    assert identity["jpdei_cor:AmendmentFlagDEI"] == "false"
    defined = {node.get("id") for node in pages[0].iter("{http://www.xbrl.org/2003/instance}context")}
    units = {node.get("id") for node in pages[0].iter("{http://www.xbrl.org/2003/instance}unit")}
    used = [node for page in pages for kind in ("nonFraction", "nonNumeric") for node in _tagged(page, kind)]
    assert {node.get("contextRef") for node in used} <= defined
    assert {node.get("unitRef") for node in used} - {None} <= units


def test_text_blocks_are_nested_once_and_continued_once_in_the_whole_world() -> None:
    nested = continued = 0
    for company in COMPANIES:
        for page in _pages(_members(_filing(company))):
            blocks = [n for n in _tagged(page, "nonNumeric") if n.get("escape") == "true"]
            nested += sum(
                1
                for node in blocks
                for prefix in IX
                if next(node.iterancestors(f"{prefix}nonNumeric"), None) is not None
            )
            for start in (node for node in blocks if node.get("continuedAt")):
                [target] = _tagged(page, "continuation")
                assert target.get("id") == start.get("continuedAt")
                continued += 1
    assert nested == 3 * len(COMPANIES)
    assert continued == 1


def test_one_filer_copies_a_standard_element_under_its_own_prefix() -> None:
    company = COMPANIES[7]
    filing = _filing(company, back=1)
    names = [n.get("name", "") for p in _pages(_members(filing)) for n in _tagged(p, "nonNumeric")]
    [copy] = [name for name in names if name.startswith(filing.extension)]
    assert copy.endswith(":ManagementAnalysisOfFinancialPositionOperatingResultsAndCashFlowsTextBlock")
    schema = _members(filing)[f"XBRL/PublicDoc/{filing.stem}.xsd"]
    assert copy.partition(":")[2].encode() in schema


def test_an_amended_report_says_what_it_corrects() -> None:
    company = COMPANIES[4]
    filing = annual_report(company, company.years[1], amends="S100ZAAA", name="S100ZBBB")
    pages = _pages(_members(filing))
    flags = {n.get("name"): n.text for n in _tagged(pages[0], "nonNumeric")}
    assert flags["jpdei_cor:ReportAmendmentFlagDEI"] == "true"
    assert flags["jpdei_cor:IdentificationOfDocumentSubjectToAmendmentDEI"] == "S100ZAAA"
    assert "_02_" in filing.stem
    assert "訂正報告書の提出理由" in "".join(map(str, pages[1].itertext()))


def test_equal_filings_give_equal_bytes() -> None:
    company = COMPANIES[2]
    again = package.__wrapped__
    assert again(_filing(company)) == again(_filing(company))
    assert attachments(_filing(company)) == attachments(_filing(company))
    with ZipFile(BytesIO(english(_filing(company)))) as archive:
        assert archive.namelist() == ["EnglishDoc/0000000_summary.htm"]


def test_the_prose_agrees_with_the_tables() -> None:
    """Sales in the words of the analysis are those of the statement, in the company's unit."""
    for company in COMPANIES:
        year = company.years[-1]
        text = "".join(map(str, _pages(_members(_filing(company)))[2].itertext()))
        assert f"{year.net_sales // company.unit:,}{company.unit_name}" in text
        assert f"{year.net_assets // company.unit:,}{company.unit_name}" in text
