"""What a package may look like outside of its numbers: folders, manifests, damage, audit reports, text blocks, styles."""

import io
import json
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from corpus.document import Capture, Document, Drop
from corpus.extract import xbrl
from corpus.extract.fidelity import in_order, number_fidelity
from corpus.extract.markup import parse_page
from corpus.extract.styles import Styles, settle
from tests.corpus.inline_packages import HEADER, STEM, archive
from tests.corpus.inline_packages import NAMESPACES as NS

AUDIT = "jpaud-aar-cn-001_E99999-000_2025-03-31_01_2025-06-20_ixbrl.htm"


def _page(body: str) -> bytes:
    return (
        f'<?xml version="1.0"?><html {NS}><head><title>秘</title></head><body>{body}</body></html>'.encode()
    )


def _extracted(files: dict[str, bytes]) -> list[Document | Drop]:
    capture = Capture(
        "https://example.com/S100AAAA",
        "edinet",
        datetime(2025, 7, 1, tzinfo=UTC),
        200,
        (),
        "a/b",
        archive(files),
        "PDL-1.0",
    )
    return xbrl.extract(capture)


def _text(body: str) -> str:
    document = _extracted({"PublicDoc/1_ixbrl.htm": _page(body)})[0]
    assert isinstance(document, Document)
    return document.text


def _tag(shown: str, attributes: str = 'unitRef="JPY" scale="0"') -> str:
    return f'<ix:nonFraction name="a:NetSales" contextRef="Y" {attributes}>{shown}</ix:nonFraction>'


def _manifest(*names: str) -> bytes:
    return ("<m><list>" + "".join(f"<ixbrl>{name}</ixbrl>" for name in names) + "</list></m>").encode()


# --- folders, order, damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["XBRL/{}/", "{}/", "S100AAAA/XBRL/{}/", "edinet_data/XBRL/{}/"])
def test_filing_and_audit_report_are_two_documents_whatever_the_folder(folder: str) -> None:
    public, audit = folder.format("PublicDoc"), folder.format("AuditDoc")
    found = _extracted(
        {
            f"{audit}{AUDIT}": _page("<p>監査</p>"),
            f"{public}0101010_{STEM}_ixbrl.htm": _page(f"{HEADER}<p>本文</p>"),
        }
    )
    assert [one.text for one in found if isinstance(one, Document)] == ["本文", "監査"]
    assert [one.meta["kind"] for one in found if isinstance(one, Document)] == ["filing", "audit_report"]
    assert [one.meta["edinet_code"] for one in found if isinstance(one, Document)] == ["E99999", "E99999"]


@pytest.mark.parametrize("folder", ["", "S100AAAA/", "a/b/"])
def test_a_package_without_folders_tells_audit_reports_by_their_names(folder: str) -> None:
    files = {
        f"{folder}{AUDIT}": _page("<p>監査</p>"),
        f"{folder}0101010_{STEM}_ixbrl.htm": _page("<p>本文</p>"),
    }
    assert [one.text for one in _extracted(files) if isinstance(one, Document)] == ["本文", "監査"]
    assert in_order(files, "AuditDoc") == [f"{folder}{AUDIT}"]


def test_attachments_are_no_filing() -> None:
    for folder in ("AttachDoc", "EnglishDoc"):
        (drop,) = _extracted({f"{folder}/1.htm": _page("<p>定款</p>")})
        assert isinstance(drop, Drop)
        assert drop.reason == "no_public_document"


def test_pages_in_folders_below_are_read_too() -> None:
    found = _extracted({"PublicDoc/1.htm": _page("<p>一</p>"), "PublicDoc/fuzoku/2.htm": _page("<p>二</p>")})
    assert isinstance(found[0], Document)
    assert found[0].text == "一\n\n二"


def test_the_manifest_orders_pages_and_what_it_does_not_name_comes_last() -> None:
    files = {f"PublicDoc/{n}_ixbrl.htm": _page(f"<p>{n}頁</p>") for n in "1234"}
    files["PublicDoc/manifest_PublicDoc.xml"] = _manifest("3_ixbrl.htm", "1_ixbrl.htm")
    found = _extracted(files)
    assert isinstance(found[0], Document)
    assert found[0].text.split("\n\n") == ["3頁", "1頁", "2頁", "4頁"]
    assert [name[10] for name in in_order(files, "PublicDoc")] == list("3124")


def test_a_filing_that_lacks_pages_keeps_the_others_and_each_loss_is_counted() -> None:
    files = {
        "PublicDoc/1_ixbrl.htm": _page("<p>一</p>"),
        "PublicDoc/2_ixbrl.htm": b"",
        "PublicDoc/manifest_PublicDoc.xml": _manifest("1_ixbrl.htm", "2_ixbrl.htm", "3_ixbrl.htm"),
    }
    document, *drops = _extracted(files)
    assert isinstance(document, Document)
    assert document.text == "一"
    assert (document.meta["missing_pages"], document.meta["broken_pages"]) == ("3_ixbrl.htm", "2_ixbrl.htm")
    assert drops == [Drop("missing_page", "3_ixbrl.htm"), Drop("broken_page", "2_ixbrl.htm")]


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
def test_a_page_that_ends_early_keeps_what_is_there(cut: float) -> None:
    whole = _page(HEADER + "".join(f"<p>段落{n}は{_tag(f'{n},234')}円</p>" for n in range(1, 200)))
    document = _extracted({"PublicDoc/1_ixbrl.htm": whole[: int(len(whole) * cut)]})[0]
    assert isinstance(document, Document)
    assert document.meta["mended_pages"] == "1_ixbrl.htm"
    assert "段落7は7,234円" in document.text


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc-jp", "utf-16"])
def test_plain_html_of_before_xbrl_is_read_in_any_encoding(encoding: str) -> None:
    source = (
        "<HTML><HEAD><TITLE>秘</TITLE><STYLE><!-- .x{display:none} --></STYLE></HEAD><BODY><P CLASS=x>隠す"
        "<H2>第一部【企業情報】</H2><P>売上高は&nbsp;1,234百万円<BR>利益は△567百万円<TABLE><TR><TD>売上高<TD>1,234<TD>5,678"
        "<TR><TD>利益<TD>△567<TD>890</TABLE></BODY></HTML>"
    )
    document = _extracted({"PublicDoc/0101010.htm": source.encode(encoding)})[0]
    assert isinstance(document, Document)
    assert "| 売上高 | 1,234 | 5,678 |" in document.text
    assert "売上高は 1,234百万円\n利益は△567百万円" in document.text
    assert "隠す" not in document.text
    assert document.facts == ()


# --- text blocks -------------------------------------------------------------------------------------------------------


def _blocks(files: dict[str, bytes]) -> dict[str, list[str]]:
    document = _extracted(files)[0]
    assert isinstance(document, Document)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, start, end in json.loads(document.meta["blocks"]):
        found[name].append(document.text[start:end])
    return dict(found)


def test_a_block_that_goes_on_in_another_file_is_one() -> None:
    files = {
        "PublicDoc/1_ixbrl.htm": _page(
            '<ix:nonNumeric name="jpcrp_cor:NotesTextBlock" contextRef="Y" continuedAt="n1"><p>一</p></ix:nonNumeric>'
        ),
        "PublicDoc/2_ixbrl.htm": _page(
            '<ix:continuation id="n1" continuedAt="n2"><p>二</p></ix:continuation>'
        ),
        "PublicDoc/3_ixbrl.htm": _page('<ix:continuation id="n2"><p>三</p></ix:continuation><p>外</p>'),
    }
    assert _blocks(files) == {"NotesTextBlock": ["一\n\n二\n\n三"]}


def test_continuations_in_a_circle_end() -> None:
    body = '<ix:continuation id="a" continuedAt="b"><p>甲</p></ix:continuation><ix:continuation id="b" continuedAt="a">乙</ix:continuation>'
    assert _text(body) == "甲\n\n乙"


@pytest.mark.parametrize(
    "name",
    [
        "jpcrp_cor:ManagementAnalysisOfFinancialPositionOperatingResultsAndCashFlowsTextBlock",
        "jpcrp030000-asr_E99999-000:ManagementAnalysisOfFinancialPositionOperatingResultsAndCashFlowsTextBlock",
        "jpcrp_cor:OverviewOfBusinessResultsTextBlock",
        "jpsps_cor:BusinessRisksTextBlock",
        "jpcrp-esr_cor:ReasonForFilingTextBlock",
        "jpigp_cor:NotesSegmentInformationConsolidatedFinancialStatementsIFRSTextBlock",
    ],
)
def test_blocks_have_local_names_whichever_taxonomy_or_company_defines_them(name: str) -> None:
    files = {
        "PublicDoc/1_ixbrl.htm": _page(
            f'<ix:nonNumeric name="{name}" contextRef="Y"><p>甲</p></ix:nonNumeric>'
        )
    }
    assert _blocks(files) == {name.partition(":")[2]: ["甲"]}


def test_nested_blocks_stand_once_in_the_text_and_both_in_the_list() -> None:
    inner = '<ix:nonNumeric name="x:InnerTextBlock" contextRef="Y"><p>内</p></ix:nonNumeric>'
    files = {
        "PublicDoc/1_ixbrl.htm": _page(
            f'<ix:nonNumeric name="a:OuterTextBlock" contextRef="Y">{inner}<p>外</p></ix:nonNumeric>'
        )
    }
    assert _blocks(files) == {"OuterTextBlock": ["内\n\n外"], "InnerTextBlock": ["内"]}


# --- numbers and tables -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "attributes", "value", "number"),
    [
        ("1,<br/>234", "", "1,234", "1234"),
        ("1,234<sup>2</sup>", "", "1,234", "1234"),
        ("<sup>※2</sup>1,234", "", "1,234", "1234"),
        ("<span>1</span><span>,234</span>", "", "1,234", "1234"),
        ("△1,234", 'sign="-"', "△1,234", "-1234"),
        ("△1,234", "", "△1,234", "-1234"),
        ("12.3％", 'scale="-2"', "12.3％", "0.123"),
        ("5千", "", "5千", ""),
        ("－", 'xsi:nil="true"', "－", ""),
        ("1\u2009234", 'format="ixt:numdotdecimal"', "1\u2009234", "1234"),
        ("1,234&#8203;,567", "", "1,234,567", "1234567"),
        ("1 234,5", 'format="ixt:numcommadot"', "1 234,5", "1234.5"),
        ("\n   1,234\n  ", "", "1,234", "1234"),
    ],
)
def test_a_tagged_number_is_one_number_however_it_is_written(
    shown: str, attributes: str, value: str, number: str
) -> None:
    document = _extracted({"PublicDoc/1_ixbrl.htm": _page(f"<p>{_tag(shown, attributes)}</p>")})[0]
    assert isinstance(document, Document)
    (fact,) = document.facts
    assert (fact.value, fact.number) == (value, number)


def test_temporary_workers_in_brackets_are_not_named_as_the_employees_beside_them() -> None:
    temporary = _tag("21").replace("NetSales", "AverageNumberOfTemporaryWorkers")
    table = (
        '<table><tr><td>セグメントの名称</td><td colspan="2">従業員数（人）</td></tr>'
        f"<tr><td>その他</td><td>{_tag('134').replace('NetSales', 'NumberOfEmployees')}</td><td>（{temporary}）</td></tr></table>"
    )
    document = _extracted({"PublicDoc/1_ixbrl.htm": _page(table)})[0]
    assert isinstance(document, Document)
    assert [(fact.label, fact.value) for fact in document.facts] == [
        ("従業員数", "134"),
        ("平均臨時雇用者数", "21"),
    ]


def test_units_and_periods_of_a_table_stay_with_it() -> None:
    head = "前連結会計年度<br/>(自 2023年４月１日<br/>至 2024年３月31日)"
    table = (
        '<table><tr><td colspan="3" style="text-align:right">（単位：百万円）</td></tr>'
        f"<tr><td></td><td>{head}</td><td>{head.replace('前', '当').replace('3年４', '4年４').replace('4年３', '5年３')}</td></tr>"
        f"<tr><td>売上高</td><td>{_tag('1,234')}</td><td>{_tag('2,345')}</td></tr></table>"
    )
    assert _text(table) == (
        "（単位：百万円）\n\n|  | 前連結会計年度 (自 2023年４月１日 至 2024年３月31日) | 当連結会計年度 (自 2024年４月１日 至 2025年３月31日) |\n"
        "| --- | --- | --- |\n| 売上高 | 1,234 | 2,345 |"
    )


def test_a_table_inside_a_cell_of_a_list_of_officers_stays_in_its_row() -> None:
    career = "<table><tr><td>1988年４月</td><td>当社入社</td></tr><tr><td>2020年６月</td><td>当社取締役</td></tr></table>"
    table = f"<table><tr><td>氏名</td><td>略歴</td><td>株数</td></tr><tr><td>見本太郎</td><td>{career}</td><td>1,200</td></tr></table>"
    assert "| 見本太郎 | 1988年４月 当社入社 2020年６月 当社取締役 | 1,200 |" in _text(table)


def test_tables_set_side_by_side_by_a_table_are_two_tables() -> None:
    one = "<table><tr><td>{0}</td><td>1,234</td></tr><tr><td>計</td><td>5,678</td></tr></table>"
    text = _text(f"<table><tr><td>{one.format('資産')}</td><td>{one.format('負債')}</td></tr></table>")
    assert text.split("\n\n") == [
        f"| {name} | 1,234 |\n| --- | --- |\n| 計 | 5,678 |" for name in ("資産", "負債")
    ]


def test_cells_without_rows_are_a_row() -> None:
    assert _text("<table><td>売上高</td><td>1,234</td></table>").startswith("| 売上高 | 1,234 |")


def test_boxes_that_a_style_sheet_sets_in_rows_are_a_table() -> None:
    body = (
        "<style>div.r{display:table-row} .c{display:table-cell}</style>"
        '<div class="r"><div class="c">売上高</div><div class="c">1,234</div></div>'
        '<div class="r"><div class="c">利益</div><div class="c">567</div></div>'
    )
    assert _text(body) == "| 売上高 | 1,234 |\n| --- | --- |\n| 利益 | 567 |"


@pytest.mark.parametrize(
    "style", ["display:inline-block", "float:left", "position:absolute", "margin-left:3em"]
)
def test_boxes_beside_one_another_are_two_numbers(style: str) -> None:
    assert (
        _text(f'<p><span style="{style}">1,234</span><span style="{style}">5,678</span></p>') == "1,234 5,678"
    )


def test_spans_without_a_style_of_their_own_are_one_number() -> None:
    assert _text('<p><span style="color:red">1,2</span><span>34</span></p>') == "1,234"


# --- styles and names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sheet", "attributes", "seen"),
    [
        (".x{display:none}", 'class="a x"', False),
        ("p.x, .y {DISPLAY : none !important}", 'class="x"', False),
        ("#x{visibility:hidden}", 'id="x"', False),
        ("div.x{display:none}", 'class="x"', True),
        ("@media print{.x{display:none}}", 'class="x"', True),
        ("@media screen{.x{display:none}}", 'class="x"', False),
        ("/* .x{display:none} */", 'class="x"', True),
        ("@charset 'utf-8'; .x{display:none}", 'class="x"', False),
        (".x{display:none}", 'class="x" style="display:block"', True),
        ("", 'style="display:none"', False),
        ("", 'style="visibility: collapse;"', False),
        ("", "hidden=''", False),
        (".x{color:red}", 'class="x"', True),
    ],
)
def test_what_a_style_sheet_hides_is_not_displayed(sheet: str, attributes: str, seen: bool) -> None:
    root, _ = parse_page(
        f"<html><head><style>{sheet}</style></head><body><p {attributes}>甲</p>乙</body></html>".encode()
    )
    assert root is not None
    settle(root)
    body = "".join(str(part) for part in root.itertext("{*}p", "{*}body", "p", "body"))
    assert body == ("甲乙" if seen else "乙")


def test_an_own_style_wins_over_the_sheet() -> None:
    element = etree.fromstring('<p class="x" style="float:left"/>')
    assert Styles([".x{float:right;color:red}"]).of(element) == {"float": "left", "color": "red"}


def test_names_of_html_are_signs_and_references_to_control_characters_are_nothing() -> None:
    body = f"<p>{_tag('1,234')}&nbsp;5,678&thinsp;9&copy;&#5;&amp;&#51;</p>"
    assert _text(body) == "1,234 5,678\u20099©&3"
    (document, *_) = _extracted({"PublicDoc/1.htm": b"<p>a&#1;b&#x3;c"})
    assert isinstance(document, Document)
    assert document.text == "abc"


# --- against the instance of real filings -------------------------------------------------------------------------------


def test_every_fact_of_real_packages_equals_its_instance(shared_data: Path) -> None:
    """Number, unit, period and decimals, for each package that holds its own instance."""
    packages = 0
    for path in sorted((shared_data / "edinet").glob("*/*.zip")):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as zipped:
            names = [name for name in zipped.namelist() if name.endswith(".xbrl") and "AuditDoc" not in name]
            if not names:
                continue
            root = etree.fromstring(zipped.read(names[0]))
        stated = _stated(root)
        capture = Capture(
            "file:x", "edinet", datetime(2025, 1, 1, tzinfo=UTC), 200, (), "a/b", path.read_bytes(), "PDL-1.0"
        )
        document = xbrl.extract(capture)[0]
        assert isinstance(document, Document)
        shown = [
            (f.concept, f.context, Decimal(f.number), f.unit, f.period, f.decimals) for f in document.facts
        ]
        assert len(shown) > 900
        assert [one for one in shown if one not in stated] == []
        assert number_fidelity(path.read_bytes(), document).displayed == len(shown)
        packages += 1
    assert packages == 2


def _stated(root: etree._Element) -> set[tuple[str, str, Decimal, str, str, str]]:
    units = {
        one.get("id"): "/".join(str(part.text).partition(":")[2] for part in one.iter("{*}measure"))
        for one in root.iter("{*}unit")
    }
    periods = {
        one.get("id"): "/".join(
            str(part.text) for part in one.iter("{*}startDate", "{*}endDate", "{*}instant")
        )
        for one in root.iter("{*}context")
    }
    return {
        (
            etree.QName(one).localname,
            one.get("contextRef", ""),
            Decimal(one.text),
            units[one.get("unitRef")],
            periods[one.get("contextRef")],
            one.get("decimals", ""),
        )
        for one in root.iterchildren("{*}*")
        if one.get("unitRef") and one.text
    }
