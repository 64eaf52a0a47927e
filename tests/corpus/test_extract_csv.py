"""The EDINET code list: companies by industry, and facts that stand where they say."""

import zipfile
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest

from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.extract.csv import market_code
from sample import edinet
from sample.companies import COMPANIES
from sample.http import Request

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
PATH = "/searchdocument/codelist/Edinetcode.zip"


def _extract(body: bytes) -> tuple[list[Document], dict[str, str]]:
    found = extract(
        Capture(
            url=f"https://disclosure2dl.edinet-fsa.go.jp{PATH}",
            source="edinet",
            fetched_at=NOW,
            status=200,
            headers=(),
            media_type="application/zip",
            body=body,
            license="PDL-1.0",
            meta={"kind": "company_list"},
        )
    )
    return (
        [one for one in found if isinstance(one, Document)],
        {one.reason: one.detail for one in found if isinstance(one, Drop)},
    )


def _check_facts(documents: list[Document]) -> int:
    count = 0
    for document in documents:
        for fact in document.facts:
            assert document.text[fact.start : fact.end] == fact.value
            line = document.text[document.text.rindex("\n", 0, fact.start) + 1 :].partition("\n")[0]
            assert line.startswith(f"{fact.subject}, ")
            count += 1
    return count


def test_the_companies_of_the_sample_world_by_industry() -> None:
    response = edinet.respond_codelist(Request("edinet_codelist", PATH, {}, {}, NOW))
    documents, _ = _extract(response.body)
    assert {document.meta["industry"] for document in documents} >= {c.industry for c in COMPANIES}
    lines = {line for document in documents for line in document.text.split("\n")}
    for company in COMPANIES:
        assert f"{company.name}, {company.sec_code[:4]}, {company.industry}" in lines
    assert _check_facts(documents) == 2 * sum(int(d.meta["companies"]) for d in documents)
    assert all(document.meta["kind"] == "company_list" for document in documents)
    assert all(document.redistribution for document in documents)


def test_the_real_list(shared_data: Path) -> None:
    documents, drops = _extract((shared_data / "edinet/codelist/Edinetcode_20231031.zip").read_bytes())
    assert len(documents) == 34
    assert _check_facts(documents) == 7866
    assert drops == {"not_listed": "6736 filers"}
    assert documents[0].title == "上場会社一覧（水産・農林業）"
    assert "\nカネコ種苗株式会社, 1376, 水産・農林業\n" in documents[0].text
    assert documents[0].event_at == date(2023, 10, 31)
    text = "\n".join(document.text for document in documents)
    assert "髙" in text  # a character that strict Shift_JIS has not
    assert "�" not in text


EXCHANGE = """日付,コード,銘柄名,市場・商品区分,33業種コード,33業種区分,17業種コード,17業種区分,規模コード,規模区分
20250930,1301,霜月水産,プライム（内国株式）,50,水産・農林業,1,食品,7,TOPIX Small 2
20250930,130A,宵待バイオ,グロース（内国株式）,3250,医薬品,5,医薬品,-,-
20250930,1305,霜月上場投信,ETF・ETN,-,-,-,-,-,-
20250930,25935,冬至食品,プライム（内国株式）,3050,食料品,1,食品,7,TOPIX Small 2
20250930,12.0,桁違い商事,スタンダード（内国株式）,6050,卸売業,13,商社・卸売,-,-
20250930,1399
"""


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_the_list_of_an_exchange_is_read_by_its_columns(codec: str) -> None:
    documents, drops = _extract(EXCHANGE.encode(codec))
    lines = [line for document in documents for line in document.text.split("\n")[4:]]
    assert lines == [
        "霜月水産, 1301, 水産・農林業",
        "宵待バイオ, 130A, 医薬品",
        "冬至食品, 25935, 食料品",
    ]
    assert {document.event_at for document in documents} == {date(2025, 9, 30)}
    assert documents[0].text.startswith("# 上場会社一覧（水産・農林業）\n\n2025年9月30日現在\n")
    assert drops == {"no_industry": "1 issues", "broken_row": "2 rows"}
    assert _check_facts(documents) == 6


def test_other_tables_are_no_lists_of_companies() -> None:
    documents, drops = _extract("日付,コード,終値\n20250930,1301,3000\n".encode())
    assert (documents, set(drops)) == ([], {"unknown_media_type"})
    documents, drops = _extract(('コード,会社名,業種\n1301,"' + "あ" * 200_000).encode())
    assert (documents, set(drops)) == ([], {"broken_csv"})


def test_the_list_of_funds_is_another_list(shared_data: Path) -> None:
    _, drops = _extract((shared_data / "edinet/codelist/FundcodeDlInfo_2026-05-12.csv").read_bytes())
    assert set(drops) == {"unknown_columns"}


def test_codes_are_never_numbers() -> None:
    assert market_code("13760") == "1376"
    assert market_code("330A0") == "330A"
    assert market_code("25935") == "25935"  # preferred shares keep their fifth sign


def test_broken_lists_say_why() -> None:
    assert _extract(b"PK\x03\x04" + b"\x00" * 50)[0] == []
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        rows = '1,2\r\nＥＤＩＮＥＴコード,上場区分,提出者名,提出者業種,証券コード\r\n"E1","上場","甲","銀行業","83010"\r\n"E2","上場"\r\n'
        archive.writestr("EdinetcodeDlInfo.csv", rows.encode("cp932"))
    documents, drops = _extract(target.getvalue())
    assert documents == []
    assert set(drops) == {"unknown_columns"}
