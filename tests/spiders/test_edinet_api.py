"""The contract with EDINET, held against recorded responses: rows are typed, errors are told from documents."""

import csv
import io
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from sample import edinet as sample
from spiders.edinet.api import Filing, Wanted, document_path, judge, list_path, read_list

JSON = "application/json; charset=utf-8"
ZIP = "application/octet-stream"


def packed(size: int = 1000) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("XBRL/PublicDoc/0101010_honbun.htm", bytes(range(256)) * size)
    return out.getvalue()


def recorded(shared_data: Path, name: str) -> bytes:
    return (shared_data / "edinet" / "json" / name).read_bytes()


def test_the_paths_hold_no_key() -> None:
    assert list_path(date(2024, 6, 27)) == "/api/v2/documents.json?date=2024-06-27&type=2"
    assert document_path("S100TVMA", "1") == "/api/v2/documents/S100TVMA?type=1"


def test_a_recorded_list_is_read_with_types(shared_data: Path) -> None:
    listed = read_list(recorded(shared_data, "documents_success.json"))
    first = listed.filings[0]
    assert (listed.day, listed.count, listed.unreadable) == (date(2025, 6, 27), len(listed.filings), ())
    assert (first.secCode, first.form, first.xbrlFlag, first.attachDocFlag) == (
        "330A0",
        "010/053000",
        True,
        False,
    )
    assert first.submitDateTime is not None
    assert first.submitDateTime.isoformat() == "2025-06-27T09:00:00+09:00"
    assert len(Filing.model_fields) == 29


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("auth_error.json", "unauthorized"),
        ("bad_request.json", "bad_request"),
        ("not_found.json", "not_found"),
        ("documents_success.json", ""),
    ],
)
def test_recorded_errors_are_told_by_their_body(shared_data: Path, name: str, problem: str) -> None:
    assert judge("list", 200, JSON, recorded(shared_data, name)) == problem
    assert judge("zip", 200, JSON, recorded(shared_data, name)) == (problem or "unexpected_type")


def test_every_row_of_five_real_days_is_a_filing(shared_data: Path) -> None:
    """4,000 real rows: nulls are None, flags are truth values, codes stay text."""
    counts = {}
    for path in sorted((shared_data / "edinet" / "doclist_csv").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            filings = [Filing.model_validate(row) for row in csv.DictReader(stream)]
        counts[path.stem] = len(filings)
        assert all(f.secCode is None or len(f.secCode) == 5 for f in filings)
    assert counts["2024-06-27"] == 2726
    with (shared_data / "edinet" / "doclist_csv" / "2024-06-27.csv").open(encoding="utf-8-sig") as stream:
        filings = [Filing.model_validate(row) for row in csv.DictReader(stream)]
    annual = [f for f in filings if f.docTypeCode == "120"]
    chosen = [f for f in annual if f.form == "010/030000"]
    assert len(annual) == 726
    assert 0 < len(chosen) < len(annual)  # type 120 alone would bring in investment trusts
    assert sum(f.gone == "withdrawal_notice" for f in filings) == 1


def test_a_row_that_cannot_be_read_is_set_aside_and_named() -> None:
    metadata = {"parameter": {"date": "2026-01-05"}, "resultset": {"count": 2}, "status": "200"}
    empty = dict.fromkeys(Filing.model_fields, None)
    rows = [{**empty, "seqNumber": 1, "docID": "S100AAAA"}, {**empty, "seqNumber": 2, "docID": "?"}]
    listed = read_list(json.dumps({"metadata": metadata, "results": rows}).encode())
    assert [filing.docID for filing in listed.filings] == ["S100AAAA"]
    assert [name for name, _ in listed.unreadable] == ["?"]


def test_an_unknown_field_does_not_stop_the_reader() -> None:
    row = {**dict.fromkeys(Filing.model_fields, None), "seqNumber": 1, "docID": "S100AAAA", "newFlag": "1"}
    assert Filing.model_validate(row).docID == "S100AAAA"


@pytest.mark.parametrize(
    ("wanted", "status", "kind", "body", "problem"),
    [
        ("zip", 200, ZIP, packed(), ""),
        ("zip", 200, "application/zip", packed(), ""),
        ("zip", 200, ZIP, packed()[:-100], "truncated_zip"),
        ("zip", 200, ZIP, packed()[: len(packed()) // 2], "truncated_zip"),
        ("zip", 200, ZIP, packed()[:60] + b"\0\0\0\0" + packed()[64:], "damaged_zip"),
        (
            "zip",
            200,
            ZIP,
            packed()[:75] + b"\xff" * 40 + packed()[115:],
            "damaged_zip",
        ),  # zlib itself gives up
        ("zip", 200, ZIP, b"", "damaged_zip"),
        ("zip", 200, "application/pdf", b"%PDF-1.7 ... %%EOF", "pdf_instead_of_zip"),
        ("zip", 200, "text/html; charset=utf-8", b"<html>sorry", "maintenance"),
        ("list", 200, "text/html", b"<html>sorry", "maintenance"),
        ("zip", 503, "text/html", b"<html>", "http_503"),
        ("zip", 200, JSON, b"{not json", "unexpected_type"),
        ("list", 200, JSON, b"{not json", "unreadable_list"),
        ("list", 200, JSON, b'{"metadata": ' + b"[" * 100_000, "unreadable_list"),
        ("list", 200, JSON, b'{"metadata": {"status": "200"}}', "unreadable_list"),
        ("list", 200, JSON, b'{"metadata": {"status": "500"}}', "server_error"),
        ("list", 200, ZIP, packed(), "unexpected_type"),
        ("pdf", 200, "application/pdf", b"%PDF-1.7\n%%EOF\n", ""),
        ("pdf", 200, "application/pdf", b"%PDF-1.7\n", "damaged_pdf"),
    ],
)
def test_a_response_is_judged_by_type_and_body(
    wanted: Wanted, status: int, kind: str, body: bytes, problem: str
) -> None:
    assert judge(wanted, status, kind, body) == problem


def test_an_archive_that_claims_to_unpack_to_too_much_is_refused() -> None:
    body = bytearray(packed())
    at = body.index(b"PK\x01\x02") + 24  # the size in the central directory
    body[at : at + 4] = (3 << 30).to_bytes(4, "little")
    assert judge("zip", 200, ZIP, bytes(body)) == "huge_zip"


def test_an_archive_of_too_many_members_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    assert judge("zip", 200, ZIP, out.getvalue()) == "huge_zip"


def test_the_sample_world_keeps_the_same_contract() -> None:
    assert sample.KEY == "sample-key"
    assert date(2025, 6, 28) in sample.DATES
