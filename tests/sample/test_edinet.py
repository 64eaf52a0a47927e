"""The sample EDINET API answers as the specification says: shapes, errors with status 200, mutating rows."""

import csv
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from zipfile import BadZipFile, ZipFile

import pytest

from sample import edinet_days as days
from sample.companies import COMPANIES, JST
from sample.edinet import DATES, KEY, respond, respond_codelist
from sample.http import Request, Response
from sample.world import serve

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=JST)
FIELDS = [
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
]


def _get(path: str, query: Mapping[str, str], now: datetime = NOW, key: str | None = KEY) -> Response:
    asked = {**query, **({"Subscription-Key": key} if key else {})}
    return respond(Request("edinet", f"/api/v2/{path}", asked, {}, now))


def _rows(day: date, now: datetime = NOW) -> list[dict[str, Any]]:
    body = json.loads(_get("documents.json", {"date": day.isoformat(), "type": "2"}, now).body)
    assert body["metadata"]["resultset"]["count"] == len(body["results"])
    rows: list[dict[str, Any]] = body["results"]
    return rows


def _annuals(now: datetime = NOW) -> list[dict[str, Any]]:
    chosen = ("010", "030000")
    return [r for day in DATES for r in _rows(day, now) if (r["ordinanceCode"], r["formCode"]) == chosen]


def _fetch(name: str, kind: str, now: datetime = NOW) -> Response:
    return _get(f"documents/{name}", {"type": kind}, now)


def test_a_list_has_the_shape_of_the_recorded_one(shared_data: Path) -> None:
    recorded = json.loads((shared_data / "edinet" / "json" / "documents_success.json").read_text("utf-8"))
    ours = json.loads(_get("documents.json", {"date": "2025-06-25", "type": "2"}).body)
    assert list(ours) == list(recorded)
    assert list(ours["metadata"]) == list(recorded["metadata"])
    assert ours["metadata"]["title"] == recorded["metadata"]["title"]
    for row in ours["results"]:
        assert list(row) == list(recorded["results"][0])


@pytest.mark.parametrize(
    ("name", "path", "key"),
    [
        ("auth_error", "documents.json", None),
        ("bad_request", "documents.json", KEY),
        ("not_found", "documents/S1000000", KEY),
    ],
)
def test_errors_are_the_recorded_ones(shared_data: Path, name: str, path: str, key: str | None) -> None:
    recorded = json.loads((shared_data / "edinet" / "json" / f"{name}.json").read_text("utf-8"))
    assert json.loads(_get(path, {"type": "1"}, key=key).body) == recorded


def test_every_row_has_exactly_29_fields_with_string_flags() -> None:
    for day in DATES:
        for number, row in enumerate(_rows(day), 1):
            assert list(row) == FIELDS
            assert row["seqNumber"] == number
            assert len(row["docID"]) == 8
            assert all(isinstance(row[field], str) for field in FIELDS[-9:])


def test_type_1_is_the_metadata_alone() -> None:
    body = json.loads(_get("documents.json", {"date": "2026-06-25"}).body)
    assert list(body) == ["metadata"]
    assert body["metadata"]["parameter"] == {"date": "2026-06-25", "type": "1"}
    assert body["metadata"]["processDateTime"] == "2026-11-21 00:00"


def test_the_days_hold_two_annual_reports_of_every_company_and_a_weekend_without_rows() -> None:
    assert len(DATES) == 8
    assert _rows(days.WEEKEND) == []
    assert len({row["docID"] for row in _annuals()}) == 2 * len(COMPANIES)
    assert {row["edinetCode"] for row in _annuals()} == {company.edinet_code for company in COMPANIES}


def test_document_type_120_alone_would_also_pick_funds_and_foreign_companies() -> None:
    rows = [row for day in DATES for row in _rows(day) if row["docTypeCode"] == "120"]
    others = {(row["ordinanceCode"], row["formCode"]) for row in rows} - {("010", "030000")}
    assert others == {("030", "07A000"), ("010", "080000")}


@pytest.mark.parametrize(
    "query",
    [{"date": "2026-13-01", "type": "2"}, {"date": "20260625"}, {"date": "2026-06-25", "type": "3"}, {}],
)
def test_a_wrong_parameter_is_status_200_with_a_400_inside(query: dict[str, str]) -> None:
    answer = _get("documents.json", query)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.body)["metadata"]["status"] == "400"


def test_a_future_day_is_a_bad_request_and_a_day_beyond_ten_years_is_not_found() -> None:
    later = (NOW + timedelta(days=1)).date().isoformat()
    assert json.loads(_get("documents.json", {"date": later}).body)["metadata"]["status"] == "400"
    assert json.loads(_get("documents.json", {"date": "2015-06-25"}).body)["metadata"]["status"] == "404"


def test_a_wrong_key_has_the_other_error_shape() -> None:
    for key in (None, "wrong"):
        answer = _get("documents.json", {"date": "2026-06-25"}, key=key)
        assert (answer.status, json.loads(answer.body)["StatusCode"]) == (200, 401)


def test_outside_the_api_there_is_a_page_of_apology() -> None:
    answer = respond(Request("edinet", "/", {}, {}, NOW))
    assert answer.headers["Content-Type"].startswith("text/html")


def test_every_annual_report_downloads_as_a_zip_but_two() -> None:
    """One is cut off, one is hidden and comes as a PDF; all others hold an instance."""
    bad: dict[str, str] = {}
    for name in sorted({row["docID"] for row in _annuals()}):
        answer = _fetch(name, "1")
        if answer.headers["Content-Type"] != "application/octet-stream":
            bad[name] = answer.headers["Content-Type"]
            continue
        try:
            with ZipFile(BytesIO(answer.body)) as archive:
                assert any(member.endswith(".xbrl") for member in archive.namelist())
        except BadZipFile:
            bad[name] = "cut off"
    assert bad == {days.TRUNCATED: "cut off", days.HIDDEN: "application/pdf"}


def test_the_other_kinds_exist_where_the_flags_say_so() -> None:
    row = next(row for row in _annuals() if row["edinetCode"] == "E90010")
    assert _fetch(row["docID"], "2").body.startswith(b"%PDF-")
    for kind, folder in (("3", "AttachDoc/"), ("4", "EnglishDoc/"), ("5", "XBRL_TO_CSV/")):
        with ZipFile(BytesIO(_fetch(row["docID"], kind).body)) as archive:
            assert all(member.startswith(folder) for member in archive.namelist())
    plain = next(row for row in _annuals() if row["csvFlag"] == "0")
    assert json.loads(_fetch(plain["docID"], "5").body)["metadata"]["status"] == "404"
    assert json.loads(_fetch(plain["docID"], "4").body)["metadata"]["status"] == "404"


def test_the_csv_is_utf_16_with_glued_table_cells() -> None:
    """As from EDINET: quoted cells, CRLF, and the key figures run together."""
    row = next(
        row for row in _annuals() if row["edinetCode"] == "E90001" and row["periodEnd"] == "2026-03-31"
    )
    with ZipFile(BytesIO(_fetch(row["docID"], "5").body)) as archive:
        [name] = archive.namelist()
        body = archive.read(name)
    assert body.startswith(b"\xff\xfe")
    text = body.decode("utf-16")
    assert text.endswith('"\r\n')
    assert text.count("\n") == text.count("\r\n")
    rows = list(csv.reader(StringIO(text, newline=""), delimiter="\t"))
    assert rows[0] == [
        "要素ID",
        "項目名",
        "コンテキストID",
        "相対年度",
        "連結・個別",
        "期間・時点",
        "ユニットID",
        "単位",
        "値",
    ]
    values = {(cells[0], cells[2]): cells[8] for cells in rows[1:]}
    sales = [year.net_sales for year in COMPANIES[0].years]
    assert values["jpcrp_cor:NetSalesSummaryOfBusinessResults", "CurrentYearDuration"] == str(sales[2])
    block = values["jpcrp_cor:BusinessResultsOfGroupTextBlock", "FilingDateInstant"]
    assert "".join(f"{amount // 1_000_000:,}" for amount in sales) in block


def test_an_amended_report_names_its_parent() -> None:
    [row] = [row for day in DATES for row in _rows(day) if row["docTypeCode"] == "130"]
    parents = {parent["docID"]: parent for parent in _annuals()}
    assert parents[row["parentDocID"]]["edinetCode"] == row["edinetCode"] == "E90005"
    assert (row["ordinanceCode"], row["formCode"]) == ("010", "030001")
    assert row["docDescription"].startswith("訂正有価証券報告書－第")
    with ZipFile(BytesIO(_fetch(row["docID"], "1").body)) as archive:
        assert any("_02_2025-08-05" in member for member in archive.namelist())


def test_a_withdrawal_empties_the_row_from_the_day_after() -> None:
    before = datetime(2026, 6, 25, 18, 0, tzinfo=JST)
    after = before + timedelta(days=1)
    day = date(2026, 6, 19)
    [row] = [row for row in _rows(day, before) if row["docID"] == days.WITHDRAWN]
    assert row["filerName"] == "星屑電子株式会社"
    [gone] = [row for row in _rows(day, after) if row["docID"] == days.WITHDRAWN]
    assert gone["withdrawalStatus"] == "2"
    assert {field for field in FIELDS[:20] if gone[field] is not None} == {"seqNumber", "docID"}
    assert gone["seqNumber"] == row["seqNumber"]
    [notice] = [row for row in _rows(days.EVENTS, before) if row["docID"] == days.WITHDRAWAL]
    assert notice["parentDocID"] == days.WITHDRAWN
    assert notice["withdrawalStatus"] == "1"
    assert {field for field in FIELDS[:20] if notice[field] is not None} == {
        "seqNumber",
        "docID",
        "submitDateTime",
        "parentDocID",
    }
    assert json.loads(_fetch(days.WITHDRAWN, "1", after).body)["metadata"]["status"] == "404"


def test_an_edited_document_is_listed_on_two_days_under_one_id() -> None:
    rows = [row for row in _annuals() if row["docID"] == days.EDITED]
    assert [row["docInfoEditStatus"] for row in rows] == ["2", "1"]
    assert [row["periodStart"] for row in rows] == ["2024-04-02", "2024-04-01"]
    assert rows[1]["opeDateTime"] == "2026-06-25 15:18"


def test_a_hidden_document_stays_listed_and_gives_a_pdf_whatever_is_asked() -> None:
    rows = [row for row in _annuals() if row["docID"] == days.HIDDEN]
    assert [row["disclosureStatus"] for row in rows] == ["2", "1"]
    for kind in ("1", "5"):
        answer = _fetch(days.HIDDEN, kind)
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.body.startswith(b"%PDF-")
    earlier = datetime(2026, 6, 24, 12, 0, tzinfo=JST)
    assert _fetch(days.HIDDEN, "1", earlier).headers["Content-Type"] == "application/octet-stream"


def test_an_expired_row_holds_nothing_but_its_number() -> None:
    [row] = [row for row in _rows(DATES[0]) if row["docID"] == days.EXPIRED]
    assert {field for field in FIELDS[:20] if row[field] is not None} == {"seqNumber", "docID"}
    assert {row[field] for field in FIELDS[20:]} == {"0"}


def test_the_list_of_today_grows_as_filings_arrive() -> None:
    morning = datetime(2026, 6, 25, 9, 30, tzinfo=JST)
    evening = morning.replace(hour=18)
    assert 0 < len(_rows(days.EVENTS, morning)) < len(_rows(days.EVENTS, evening))
    assert _rows(days.EVENTS, evening)[: len(_rows(days.EVENTS, morning))] == _rows(days.EVENTS, morning)


def test_a_server_error_comes_with_status_200_too() -> None:
    answer = _fetch(days.BROKEN, "1")
    assert (answer.status, json.loads(answer.body)["metadata"]["status"]) == (200, "500")


def test_the_code_list_is_cp932_with_the_date_and_count_on_its_first_line() -> None:
    path = "/searchdocument/codelist/Edinetcode.zip"
    with ZipFile(BytesIO(respond_codelist(Request("edinet_codelist", path, {}, {}, NOW)).body)) as archive:
        text = archive.read("EdinetcodeDlInfo.csv").decode("cp932")
    first, header, *rest = text.split("\r\n")
    assert first == "ダウンロード実行日,2026年11月21日現在,件数,28件"
    assert header.startswith("ＥＤＩＮＥＴコード,提出者種別,上場区分")
    rows = list(csv.reader(rest[:-1]))
    assert len(rows) == 28
    assert {len(row) for row in rows} == {13}
    listed = {row[0]: row for row in rows if row[2] == "上場"}
    assert len(listed) == len(COMPANIES)
    assert listed["E90016"][11] == "599A0"
    assert {company.industry for company in COMPANIES} == {row[10] for row in listed.values()}


def test_the_code_list_looks_like_the_real_one(shared_data: Path) -> None:
    real = (
        (shared_data / "edinet" / "codelist" / "EdinetcodeDlInfo_2024-07-21.csv").read_bytes().decode("cp932")
    )
    path = "/searchdocument/codelist/Edinetcode.zip"
    with ZipFile(BytesIO(respond_codelist(Request("edinet_codelist", path, {}, {}, NOW)).body)) as archive:
        ours = archive.read("EdinetcodeDlInfo.csv").decode("cp932")
    assert ours.split("\r\n")[1] == real.split("\r\n")[1]
    kinds = {row[1] for row in csv.reader(real.split("\r\n")[2:]) if row}
    assert {row[1] for row in csv.reader(ours.split("\r\n")[2:]) if row} <= kinds


def test_the_api_answers_over_http() -> None:
    with serve() as world:
        url = (
            f"{world.base_urls['edinet']}/api/v2/documents.json?date=2026-06-25&type=2&Subscription-Key={KEY}"
        )
        with urlopen(url) as answer:  # noqa: S310  (loopback)
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            assert len(json.load(answer)["results"]) == len(_rows(days.EVENTS))
