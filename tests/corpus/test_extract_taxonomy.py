"""Taxonomy packages and the list of accounts: items by label, place and English, whatever is wrong with the rest."""

import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest

from corpus.document import Capture, Document, Drop
from corpus.extract import extract

XLINK = 'xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink"'
ROLE = "http://www.xbrl.org/2003/role/"
SCHEMA = """<xsd:schema targetNamespace="http://example.test/taxonomy/jpxx/2025-11-01/jpxx_cor"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xbrli="http://www.xbrl.org/2003/instance">
<xsd:element name="AssetsAbstract" id="jpxx_cor_AssetsAbstract" type="xbrli:stringItemType" abstract="true"/>
<xsd:element name="BalanceSheetLineItems" id="jpxx_cor_BalanceSheetLineItems" type="xbrli:stringItemType" abstract="true"/>
<xsd:element name="Nets" id="jpxx_cor_Nets" type="xbrli:monetaryItemType" abstract="false" xbrli:balance="debit" xbrli:periodType="instant"/>
<xsd:element name="OtherCA" id="jpxx_cor_OtherCA" type="xbrli:monetaryItemType" abstract="false" xbrli:balance="debit" xbrli:periodType="instant"/>
<xsd:element name="OtherSGA" id="jpxx_cor_OtherSGA" type="xbrli:monetaryItemType" abstract="false" xbrli:balance="debit" xbrli:periodType="duration"/>
<xsd:element name="Policy" id="jpxx_cor_Policy" type="nonnum:textBlockItemType" abstract="false"/>
<xsd:element name="Unlabeled" id="jpxx_cor_Unlabeled" type="xbrli:monetaryItemType" abstract="false"/>
</xsd:schema>"""
LABELS = {
    ("AssetsAbstract", "label"): "資産の部",
    ("BalanceSheetLineItems", "label"): "貸借対照表",
    ("Nets", "label"): "漁網",
    ("Nets", "documentation"): "漁に用いる網のうち、一年を超えて使うものをいいます。",
    ("OtherCA", "label"): "その他",
    ("OtherCA", "verboseLabel"): "その他、流動資産",
    ("OtherSGA", "label"): "その他",
    ("OtherSGA", "verboseLabel"): "その他、販売費及び一般管理費",
    ("Policy", "label"): "会計方針",
}
PARENTS = {"AssetsAbstract": "BalanceSheetLineItems", "Nets": "AssetsAbstract", "OtherCA": "AssetsAbstract"}


def _loc(name: str) -> str:
    return (
        f'<link:loc xlink:type="locator" xlink:href="../jpxx_cor.xsd#jpxx_cor_{name}" xlink:label="{name}"/>'
    )


def labels(said: Mapping[tuple[str, str], str], language: str = "ja") -> str:
    parts = [_loc(name) for name in dict.fromkeys(name for name, _ in said)]
    for number, ((name, role), text) in enumerate(said.items()):
        parts.append(
            f'<link:label xlink:type="resource" xlink:label="l{number}" xlink:role="{ROLE}{role}" xml:lang="{language}">{text}</link:label>'
            f'<link:labelArc xlink:type="arc" xlink:from="{name}" xlink:to="l{number}"/>'
        )
    return f"<link:linkbase {XLINK}><link:labelLink>{''.join(parts)}</link:labelLink></link:linkbase>"


def places(parents: Mapping[str, str]) -> str:
    parts = [_loc(name) for name in dict.fromkeys([*parents, *parents.values()])]
    parts += [
        f'<link:presentationArc xlink:type="arc" xlink:from="{parent}" xlink:to="{child}"/>'
        for child, parent in parents.items()
    ]
    return f"<link:linkbase {XLINK}><link:presentationLink>{''.join(parts)}</link:presentationLink></link:linkbase>"


PACKAGE = {
    "taxonomy/jpxx/2025-11-01/jpxx_cor_2025-11-01.xsd": SCHEMA,
    "taxonomy/jpxx/2025-11-01/label/jpxx_2025-11-01_lab.xml": labels(LABELS),
    "taxonomy/jpxx/2025-11-01/label/jpxx_2025-11-01_lab-en.xml": labels(
        {("Nets", "label"): "Fishing nets"}, "en"
    ),
    "taxonomy/jpxx/2025-11-01/r/cai/jpxx_cai_ac_2025-11-01_pre_bs.xml": places(PARENTS),
    "taxonomy/jpxx/2025-11-01/r/bk1/jpxx_bk1_ac_2025-11-01_pre_bs.xml": places({"Nets": "OtherCA"}),
    "taxonomy/jpxx/2025-11-01/deprecated/jpxx_dep_2025-11-01.xsd": SCHEMA.replace("Nets", "OldNets"),
}


def zipped(files: Mapping[str, str]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


def read(body: bytes) -> tuple[list[Document], list[Drop]]:
    capture = Capture(
        "https://example.test/TAXONOMY.zip", "edinet", datetime(2026, 11, 21, tzinfo=UTC), 200, (), "application/zip",
        body, "PDL-1.0",
    )  # fmt: skip
    found = extract(capture)
    return [one for one in found if isinstance(one, Document)], [
        one for one in found if isinstance(one, Drop)
    ]


def test_an_item_is_a_term_with_its_labels_and_where_it_stands() -> None:
    (nets, *others), drops = read(zipped(PACKAGE))
    note = LABELS["Nets", "documentation"]
    assert nets.text == (
        "# 漁網\n\n標準ラベル：漁網\n\n冗長ラベル：漁網\n\n英語ラベル：Fishing nets\n\n表示箇所：資産の部\n\n貸借区分：借方\n\n"
        f"期間・時点：時点\n\n{note}"
    )
    [fact] = nets.facts
    assert (fact.subject, fact.concept, nets.text[fact.start : fact.end]) == ("漁網", "definition", note)
    assert (nets.meta["kind"], nets.meta["element"], nets.published_at) == (
        "term",
        "jpxx_cor:Nets",
        date(2025, 11, 1),
    )
    assert nets.url == "https://example.test/TAXONOMY.zip#jpxx_cor_Nets"
    assert [one.title for one in others] == ["その他、流動資産", "その他、販売費及び一般管理費"]
    assert drops == []


def test_a_broken_part_is_named_and_the_rest_is_read() -> None:
    name = "taxonomy/jpxx/2025-11-01/r/cai/jpxx_cai_ac_2025-11-01_pre_bs.xml"
    documents, drops = read(zipped({**PACKAGE, name: "<link:linkbase"}))
    assert [one.title for one in documents][:1] == ["漁網"]
    assert drops == [Drop("broken_page", name)]


def test_parents_in_a_circle_and_entities_do_no_harm() -> None:
    circle = places({"Nets": "OtherCA", "OtherCA": "OtherSGA", "OtherSGA": "Nets"})
    bomb = '<!DOCTYPE x [<!ENTITY a "{}">]>'.format("a" * 1000) + labels({("Nets", "label"): "&a;" * 1000})
    name = "taxonomy/jpxx/2025-11-01/label/jpxx_2025-11-01_lab-en.xml"
    documents, _ = read(zipped({**PACKAGE, "x/jpxx_cai_ac_pre_bs.xml": circle, name: bomb}))
    assert all(one.n_chars < 300 for one in documents)


def test_a_package_without_items_says_so() -> None:
    documents, drops = read(zipped({"a_lab.xml": labels({}), "a.xsd": SCHEMA}))
    assert (documents, [drop.reason for drop in drops]) == ([], ["nothing_found"])


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER = ("科目分類", "標準ラベル（日本語）", "冗長ラベル（日本語）", "標準ラベル（英語）", "名前空間プレフィックス", "要素名", "periodType", "balance", "abstract", "depth")  # fmt: skip
ROWS = (
    ("-", "貸借対照表", "貸借対照表 [タイトル項目]", "Balance sheet", "jpxx_cor", "BalanceSheetAbstract", "duration", "", "true", "0"),
    ("-", "資産の部", "資産の部 [タイトル項目]", "Assets", "jpxx_cor", "AssetsAbstract", "duration", "", "true", "1"),
    ("A", "漁網", "漁網", "Fishing nets", "jpxx_cor", "Nets", "instant", "debit", "false", "2"),
)  # fmt: skip


def workbook(rows: tuple[tuple[str, ...], ...]) -> dict[str, str]:
    texts = list(dict.fromkeys(text for row in rows for text in row))
    shared = "".join(f'<si><t>{text}</t><rPh sb="0" eb="1"><t>ヨミ</t></rPh></si>' for text in texts)
    lines = "".join(
        f'<row r="{n}">'
        + "".join(
            f'<c r="{chr(65 + i)}{n}" t="s"><v>{texts.index(text)}</v></c>' for i, text in enumerate(row)
        )
        + "</row>"
        for n, row in enumerate(rows, start=1)
    )
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{relation}"><sheets><sheet name="一般商工業" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>',
    }


def test_the_list_of_accounts_gives_the_same_terms() -> None:
    title = ("貸借対照表　科目一覧", *[""] * 9)
    [nets], drops = read(zipped(workbook((title, HEADER, *ROWS))))
    assert nets.text == (
        "# 漁網\n\n標準ラベル：漁網\n\n冗長ラベル：漁網\n\n英語ラベル：Fishing nets\n\n表示箇所：貸借対照表 > 資産の部\n\n"
        "貸借区分：借方\n\n期間・時点：時点"
    )
    assert drops == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"xl/worksheets/sheet1.xml": "<worksheet"}, "unknown_columns"),
        ({"xl/workbook.xml": "no xml"}, "broken_zip"),
        ({"xl/sharedStrings.xml": "<sst/>"}, "unknown_columns"),
    ],
)
def test_another_or_a_broken_workbook_says_why(changes: dict[str, str], reason: str) -> None:
    documents, drops = read(zipped({**workbook((HEADER, *ROWS)), **changes}))
    assert (documents, [drop.reason for drop in drops]) == ([], [reason])


def test_a_bomb_is_no_taxonomy() -> None:
    documents, drops = read(zipped({**PACKAGE, "taxonomy/x_lab.xml": " " * 300_000_000}))
    assert (documents, [drop.reason for drop in drops]) == ([], ["zip_bomb"])


@pytest.mark.parametrize(
    ("file", "number", "titles"),
    [
        ("terms/JPPFS_20241101.zip", 3761, {"現金及び預金", "受取手形及び売掛金", "その他、無形固定資産"}),
        ("terms/edinet_account_list.xlsx", 3822, {"現金及び預金", "販売手数料"}),
    ],
)
def test_the_real_taxonomy_and_list(shared_data: Path, file: str, number: int, titles: set[str]) -> None:
    documents, drops = read((shared_data / file).read_bytes())
    assert len(documents) == len({one.title for one in documents}) == number
    assert titles <= {one.title for one in documents}
    assert drops == []
    assert all("place" in one.meta for one in documents)
