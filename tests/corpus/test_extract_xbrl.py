"""EDINET packages become text that shows what the pages show, and facts that stand where they say."""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from corpus.document import Capture, Document, Drop, Fact
from corpus.extract import extract as extract_any
from corpus.extract import fidelity
from corpus.extract.fidelity import false_numbers, is_whole, lost_numbers, number_fidelity
from corpus.extract.xbrl import extract
from sample.annual_report import annual_report
from sample.companies import COMPANIES, Company
from sample.xbrl import package

STEM = "jpcrp030000-asr-001_E99999-000_2025-03-31_01_2025-06-20"
NAMESPACES = (
    'xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" '
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
HEADER = """<div style="display: none"><ix:header><ix:hidden>
<ix:nonNumeric name="jpdei_cor:EDINETCodeDEI" contextRef="F">E99999</ix:nonNumeric>
<ix:nonNumeric name="jpdei_cor:FilerNameInJapaneseDEI" contextRef="F">見本株式会社</ix:nonNumeric>
<ix:nonFraction name="jpdei_cor:NumberOfSubmissionDEI" contextRef="F" unitRef="pure">1</ix:nonFraction>
</ix:hidden><ix:resources>
<xbrli:context id="Y"><xbrli:period><xbrli:startDate>2024-04-01</xbrli:startDate><xbrli:endDate>2025-03-31</xbrli:endDate>
</xbrli:period></xbrli:context>
<xbrli:context id="I"><xbrli:period><xbrli:instant>2025-03-31</xbrli:instant></xbrli:period></xbrli:context>
<xbrli:unit id="JPY"><xbrli:measure>iso4217:JPY</xbrli:measure></xbrli:unit>
<xbrli:unit id="pure"><xbrli:measure>xbrli:pure</xbrli:measure></xbrli:unit>
</ix:resources></ix:header></div>"""


def _page(body: str) -> bytes:
    head = "<head><title>秘</title><style>.gone{display:none}</style></head>"
    return f'\ufeff<?xml version="1.0"?>\n<html {NAMESPACES}>{head}<body>{body}</body></html>'.encode()


def _zip(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def _package(*pages: str) -> bytes:
    names = [f"010{n}010_honbun_{STEM}_ixbrl.htm" for n in range(len(pages))]
    listed = "".join(f"<ixbrl>{name}</ixbrl>" for name in names)
    files: dict[str, str | bytes] = {
        "XBRL/PublicDoc/manifest_PublicDoc.xml": f"<manifest><list><instance>{listed}</instance></list></manifest>"
    }
    return _zip(files | {f"XBRL/PublicDoc/{n}": _page(b) for n, b in zip(names, pages, strict=True)})


def _capture(body: bytes, url: str = "https://example.com/S100AAAA", **meta: str) -> Capture:
    return Capture(
        url=url,
        source="edinet_filings",
        fetched_at=datetime(2025, 7, 1, tzinfo=UTC),
        status=200,
        headers=(),
        media_type="application/octet-stream",
        body=body,
        license="PDL-1.0",
        meta=meta,
    )


def _filing(body: bytes, **meta: str) -> Document:
    document = extract(_capture(body, **meta))[0]
    assert isinstance(document, Document)
    return document


def _number(shown: str, concept: str = "NetSales", **attributes: str) -> str:
    given = {"contextRef": "Y", "unitRef": "JPY", "scale": "6", "decimals": "-6", **attributes}
    text = " ".join(f'{key}="{value}"' for key, value in given.items())
    return f'<ix:nonFraction name="jppfs_cor:{concept}" {text}>{shown}</ix:nonFraction>'


def _fact(body: str) -> Fact:
    (fact,) = _filing(_package(HEADER + body)).facts
    return fact


def test_a_tiny_package_whole() -> None:
    table = (
        "<table><tr><td>&#160;</td><td>当期</td></tr>"
        f"<tr><td>売上高</td><td><p>{_number('1,234')}</p></td></tr></table>"
    )
    document = _filing(
        _package(HEADER + "<h1>第一部&#160;【企業情報】</h1>", f"<h3>１【業績】</h3>{table}<p>　増収。</p>"),
        docID="S100AAAA",
        submitDateTime="2025-06-21 09:00",
        docDescription="有価証券報告書－第５期",
        secCode="99990",
    )
    assert document.text == (
        "# 第一部 【企業情報】\n\n### １【業績】\n\n|  | 当期 |\n| --- | --- |\n| 売上高 | 1,234 |\n\n増収。"
    )
    assert document.facts == (
        Fact(
            kind="amount",
            subject="見本株式会社",
            concept="NetSales",
            label="売上高",
            value="1,234",
            start=document.text.index("1,234"),
            end=document.text.index("1,234") + 5,
            number="1234000000",
            unit="JPY",
            period="2024-04-01/2025-03-31",
            decimals="-6",
            context="Y",
        ),
    )
    assert document.title == "見本株式会社 有価証券報告書－第５期"
    assert (document.event_at, document.published_at) == (date(2025, 3, 31), date(2025, 6, 21))
    assert (document.license, document.redistribution) == ("PDL-1.0", True)
    assert "https://example.com/S100AAAA" in document.attribution
    meta = document.meta
    assert (meta["kind"], meta["docID"], meta["edinet_code"], meta["sec_code"]) == (
        "filing",
        "S100AAAA",
        "E99999",
        "99990",
    )


def test_pages_come_in_the_order_of_the_manifest_and_missing_ones_are_named() -> None:
    manifest = "<m>" + "".join(f"<ixbrl>{n}_ixbrl.htm</ixbrl>" for n in ("2", "1", "9")) + "</m>"
    pages = {f"PublicDoc/{n}_ixbrl.htm": _page(f"<p>{n}頁</p>") for n in ("1", "2", "3")}
    document = _filing(_zip({"PublicDoc/manifest_PublicDoc.xml": manifest, **pages}))
    assert document.text == "2頁\n\n1頁\n\n3頁"
    assert document.meta["missing_pages"] == "9_ixbrl.htm"


def test_hidden_things_pictures_and_page_numbers_are_no_text() -> None:
    body = (
        '<p style="DISPLAY : none">隠</p><p class="gone">隠</p><p>見える<img alt="隠"/></p><p>－ 12 －</p>'
        "<script>隠()</script><p>次</p>"
    )
    assert _filing(_package(HEADER + body)).text == "見える\n\n次"


def test_nested_and_continued_blocks_are_read_once_and_joined() -> None:
    body = (
        '<ix:nonNumeric name="a:OuterTextBlock" contextRef="F" continuedAt="c1"><p>甲</p>'
        '<ix:nonNumeric name="b:InnerTextBlock" contextRef="F"><p>乙</p></ix:nonNumeric></ix:nonNumeric>'
        '<p>－1－</p><ix:continuation id="c1"><p>丙</p></ix:continuation><p>外</p>'
    )
    document = _filing(_package(HEADER + body))
    assert document.text == "甲\n\n乙\n\n丙\n\n外"
    blocks = {name: document.text[start:end] for name, start, end in json.loads(document.meta["blocks"])}
    assert blocks == {"OuterTextBlock": "甲\n\n乙\n\n丙", "InnerTextBlock": "乙"}


def test_a_loss_is_shown_with_its_mark_and_counted_below_zero() -> None:
    fact = _fact(f"<p>△{_number('178,788', sign='-')}</p>")
    assert (fact.value, fact.number) == ("△178,788", "-178788000000")
    fact = _fact(f"<p>({_number('12.3', sign='-', scale='-2')})</p>")
    assert (fact.value, fact.number) == ("(12.3)", "-0.123")


@pytest.mark.parametrize(
    ("shown", "attributes", "number"),
    [
        ("1,234,567", {"scale": "3"}, "1234567000"),
        ("8.20", {"scale": "-2"}, "0.0820"),
        ("１，２３４", {"scale": "0"}, "1234"),
        ("1.234,5", {"scale": "0", "format": "ixt:numcommadecimal"}, "1234.5"),
        ("12円34銭", {"scale": "0", "format": "ixt:numunitdecimal"}, "12.34"),
        ("－", {"scale": "6", "format": "ixt:zerodash"}, "0"),
        ("9" * 40, {"scale": "6"}, "9" * 40 + "000000"),
        ("1", {"scale": "999999999"}, ""),
        ("未定", {}, ""),
    ],
)
def test_the_exact_value_follows_format_and_scale(
    shown: str, attributes: dict[str, str], number: str
) -> None:
    fact = _fact(f"<p>{_number(shown, **attributes)}</p>")
    assert (fact.value, fact.number) == (shown, number)


def test_digits_of_two_things_never_become_one_number() -> None:
    body = f"<p><ix:footnote>※2</ix:footnote>{_number('296,090')}</p><p>注<sup>1</sup>2023年</p>"
    document = _filing(_package(HEADER + f"<table><tr><td>甲</td><td>{body}</td></tr></table>"))
    assert "※2 296,090" in document.text
    assert "注¹ 2023年" in document.text
    assert all(is_whole(document.text, fact) for fact in document.facts)


def test_the_number_of_a_note_stays_raised_and_is_no_part_of_a_word_or_amount() -> None:
    body = (
        f"<p>出荷は4.7％減少<sup>8</sup>した。損失{_number('25,394')}<sup> ３ </sup>百万円</p>"
        "<p>売却<sup><span>1</span></sup>により、当期<sup>（注５）</sup></p>"
    )
    package = _package(HEADER + body)
    document = _filing(package)
    assert "4.7％減少⁸した。損失25,394 ³百万円\n\n売却¹により、当期（注５）" in document.text
    assert false_numbers(package, document) == lost_numbers(package, document) == []


def test_a_list_of_holders_names_its_numbers_by_column() -> None:
    rows = "".join(
        f"<tr><td>{name}</td><td>{_number(n, 'NumberOfSharesHeld')}</td><td>{_number(n, 'Ratio')}</td></tr>"
        for name, n in (("甲", "10"), ("乙", "20"))
    )
    head = "<tr><td>氏名</td><td>所有株式数(株)</td><td>割合(％)</td></tr>"
    facts = _filing(_package(f"{HEADER}<table>{head}{rows}</table>")).facts
    assert [fact.label for fact in facts] == ["所有株式数", "割合"] * 2


def test_entities_are_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("秘密")
    page = (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'
        f"<html {NAMESPACES}><body><p>甲&s;</p></body></html>"
    )
    assert "秘密" not in _filing(_zip({"PublicDoc/1_ixbrl.htm": page})).text


def test_a_broken_page_is_mended_and_named() -> None:
    page = _page("<p>甲</p><p>乙<br></p>")
    document = _filing(_zip({"PublicDoc/1_ixbrl.htm": page}))
    assert document.text.startswith("甲\n\n乙")
    assert document.meta["mended_pages"] == "1_ixbrl.htm"


def test_a_package_of_plain_html_is_read_without_facts() -> None:
    page = "<html><body><h1>【表紙】</h1><p>売上高は１億円。</body></html>".encode("cp932")
    document = _filing(_zip({"PublicDoc/0101010_honbun.htm": page}))
    assert document.text == "# 【表紙】\n\n売上高は１億円。"
    assert document.facts == ()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"PK\x03\x04" + bytes(50), "truncated_zip"),
        (_zip({"XBRL/PublicDoc/a.htm": bytes(9 * 2**20)}), "broken_zip"),
        (_zip({"AttachDoc/a.pdf": b"%PDF"}), "no_public_document"),
        (_zip({"XBRL/PublicDoc/1.htm": _page("<p> </p>")}), "empty_filing"),
        (b"<other/>", "broken_instance"),
        (b'{"StatusCode":401}', "broken_instance"),
    ],
)
def test_what_cannot_be_read_is_named(body: bytes, reason: str) -> None:
    if reason == "broken_zip":
        body = body.replace(b"XBRL/PublicDoc", b"../../PublicDoc"[:14])
    (drop,) = extract(_capture(body))
    assert isinstance(drop, Drop)
    assert drop.reason == reason


# --- the sample companies -------------------------------------------------------------------------------------


def _samples() -> list[Company]:
    return [COMPANIES[0], COMPANIES[14], COMPANIES[-1]]


@pytest.mark.parametrize("company", _samples(), ids=lambda company: str(company.edinet_code))
def test_sample_filings_keep_every_number(company: Company) -> None:
    body = package(annual_report(company, company.years[-1]))
    document = _filing(body)
    found = number_fidelity(body, document)
    assert found.displayed > 60
    assert found.share == 1.0
    assert false_numbers(body, document) == []
    assert all(fact.label and fact.number and fact.period for fact in document.facts)


# --- real filings ---------------------------------------------------------------------------------------------


@cache
def _real(path: Path) -> tuple[bytes, tuple[Document | Drop, ...]]:
    body = path.read_bytes()
    return body, tuple(extract_any(_capture(body, f"https://example.com/{path.name}")))


REAL = (
    "type1_zip/S100U4EY.zip",
    "type1_zip/S100TP3N_incomplete.zip",
    "type1_zip/X99001_fsa_sample_publicdoc.zip",
    "conformance/EC0124E_invalid01.zip",
    "conformance/EC1003E_invalid01.zip",
    "conformance/EC1011E_invalid01.zip",
    "conformance/EC5002E_invalid01.zip",
    "conformance/samples_2026_valid03.zip",
    "conformance/samples_2026_valid13.zip",
    "xbrl/TIS_2018.xbrl",
)


@pytest.mark.parametrize("name", REAL)
def test_real_filings_keep_every_number_and_make_none_up(name: str, shared_data: Path) -> None:
    body, documents = _real(shared_data / "edinet" / name)
    document = documents[0]
    assert isinstance(document, Document)
    assert number_fidelity(body, document).share >= 0.999
    assert false_numbers(body, document) == []
    if body.startswith(b"PK"):
        assert lost_numbers(body, document) == []
    for fact in document.facts:
        assert document.text[fact.start : fact.end] == fact.value
        assert is_whole(document.text, fact)
    assert [fact.start for fact in document.facts] == sorted(fact.start for fact in document.facts)
    assert document.event_at
    assert document.published_at
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", document.text)


@pytest.mark.parametrize("name", REAL[:3])
def test_every_displayed_fact_equals_the_instance_of_the_same_filing(name: str, shared_data: Path) -> None:
    """The filing's own .xbrl file, made by EDINET from the same pages, is the judge of scale and sign."""
    body, documents = _real(shared_data / "edinet" / name)
    document = documents[0]
    assert isinstance(document, Document)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        found = [n for n in archive.namelist() if n.endswith(".xbrl") and "AuditDoc" not in n]
        if not found:
            pytest.skip("this package lacks its instance")
        root = etree.fromstring(archive.read(found[0]))
    stated = {
        (etree.QName(one).localname, one.get("contextRef")): Decimal(one.text)
        for one in root.iterchildren("{*}*")
        if one.get("unitRef") and one.text
    }
    shown = {(fact.concept, fact.context): Decimal(fact.number) for fact in document.facts}
    assert shown == {key: stated[key] for key in shown}
    assert {key[0] for key in stated.keys() - shown.keys()} == {"NumberOfSubmissionDEI"}


def test_a_real_filing_reads_like_the_page(shared_data: Path) -> None:
    _, documents = _real(shared_data / "edinet" / REAL[0])
    filing, audit = documents
    assert isinstance(filing, Document)
    assert isinstance(audit, Document)
    assert filing.meta["filer"] == audit.meta["filer"] == "株式会社ラクーンホールディングス"
    assert (filing.meta["sec_code"], filing.event_at) == ("30310", date(2024, 4, 30))
    assert audit.meta["kind"] == "audit_report"
    assert (
        "# 第一部 【企業情報】\n\n## 第１ 【企業の概況】\n\n### １ 【主要な経営指標等の推移】" in filing.text
    )
    row = "| 売上高 | (千円) | 3,477,670 | 4,364,721 | 4,789,984 | 5,320,983 | 5,808,066 |"
    assert row in filing.text
    assert "| 財務活動によるキャッシュ・フロー | (千円) | 2,969,966 | △1,972,456 |" in filing.text
    blocks = {name: filing.text[start:end] for name, start, end in json.loads(filing.meta["blocks"])}
    assert blocks["BusinessRisksTextBlock"].startswith("### ３ 【事業等のリスク】")
    sales = next(f for f in filing.facts if f.value == "5,808,066")
    assert (sales.label, sales.number, sales.unit) == ("売上高", "5808066000", "JPY")
    assert sales.period == "2023-05-01/2024-04-30"


def test_an_incomplete_package_says_what_it_lacks(shared_data: Path) -> None:
    _, documents = _real(shared_data / "edinet" / REAL[1])
    assert isinstance(documents[0], Document)
    assert documents[0].meta["missing_pages"].startswith("0105010_honbun")


def test_a_bare_instance_gives_facts_only_where_one_row_shows_them(shared_data: Path) -> None:
    _, documents = _real(shared_data / "edinet" / "xbrl" / "TIS_2018.xbrl")
    (document,) = documents
    assert isinstance(document, Document)
    assert len(document.facts) > 300
    sales = next(f for f in document.facts if f.concept == "NetSalesSummaryOfBusinessResults")
    assert sales.label == "売上高"
    assert all(
        document.text.count(line) == 1 for line in ("### ４【事業等のリスク】", "##### ①【連結貸借対照表】")
    )


def test_the_same_bytes_give_the_same_documents(shared_data: Path) -> None:
    body, documents = _real(shared_data / "edinet" / "conformance" / "EC5002E_invalid01.zip")
    again = extract_any(_capture(body, "https://example.com/EC5002E_invalid01.zip"))
    assert tuple(again) == documents


def test_the_csv_of_edinet_fuses_cells_and_our_text_does_not(shared_data: Path) -> None:
    """What the comparison stands on: type 5 glues table cells into numbers that nobody displayed."""
    csv_file = shared_data / "edinet" / "type5_zip" / "S100W523.zip"
    figures = fidelity.measure(csv_file)
    assert int(figures["false_csv"]) > 100
    _, documents = _real(shared_data / "edinet" / REAL[0])
    assert isinstance(documents[0], Document)
    assert fidelity.fused_numbers(documents[0].text) == []
