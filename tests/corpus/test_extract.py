"""The door of extraction: the bytes decide who reads, and every capture is accounted for."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpus.document import Capture, Document, Drop, Span
from corpus.extract import READERS, extract

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
PAGE = "<html><body><article><h1>金利</h1>" + "<p>金利は資金の価格であり、物価と景気の動きを映す。</p>" * 9


def _capture(body: bytes, url: str = "https://example.jp/a", status: int = 200, **more: str) -> Capture:
    return Capture(
        url=url,
        source="example",
        fetched_at=NOW,
        status=status,
        headers=(),
        media_type=more.pop("media_type", "text/html"),
        body=body,
        license="all-rights-reserved",
        meta=more,
    )


def _reasons(found: list[Document | Drop]) -> list[str]:
    return [one.reason for one in found if isinstance(one, Drop)]


def test_a_page_is_known_by_its_bytes_whatever_its_header_says() -> None:
    (document,) = extract(_capture(PAGE.encode(), media_type="text/plain"))
    assert isinstance(document, Document)
    assert document.title == "金利"


def test_a_page_where_a_file_was_promised_is_an_error_page() -> None:
    assert _reasons(extract(_capture(PAGE.encode(), media_type="application/pdf"))) == [
        "page_instead_of_file"
    ]


def test_a_document_names_the_whole_body_as_its_parent() -> None:
    capture = _capture(gzip.compress(PAGE.encode()), media_type="application/gzip")
    (document,) = extract(capture)
    assert isinstance(document, Document)
    assert document.made_from == (Span(f"sha256:{capture.sha256}", 0, 0),)
    assert document.captured_at == NOW


def test_a_gzip_body_of_several_members_is_read_whole() -> None:
    """RFC 1952, section 2.2."""
    half = len(PAGE) // 2
    body = gzip.compress(PAGE[:half].encode()) + gzip.compress(PAGE[half:].encode())
    (parted,), (whole,) = extract(_capture(body)), extract(_capture(PAGE.encode()))
    assert isinstance(parted, Document)
    assert isinstance(whole, Document)
    assert parted.text == whole.text


def test_a_problem_that_the_spider_saw_stays_its_reason() -> None:
    assert _reasons(extract(_capture(PAGE.encode(), problem="sha1_mismatch"))) == ["sha1_mismatch"]


@pytest.mark.parametrize(
    ("capture", "reason"),
    [
        (_capture(b""), "empty_body"),
        (_capture(b"gone", status=404), "http_error"),
        (_capture(b"", status=301), "redirect"),
        (_capture(PAGE.encode(), kind="index"), "index_page"),
        (_capture(b"User-agent: *", "https://example.jp/robots.txt", media_type="text/plain"), "robots_txt"),
        (_capture(b'{"metadata": {}, "results": []}', media_type="application/json"), "list"),
        (_capture(b'{"StatusCode": 401}', media_type="application/json"), "json"),
        (_capture(b'<?xml version="1.0"?><rss></rss>', media_type="text/xml"), "feed"),
        (_capture(b"\x89PNG\r\n\x1a\n", media_type="image/png"), "image"),
        (_capture(b"\xd0\xcf\x11\xe0", media_type="application/vnd.ms-excel"), "unknown_media_type"),
        (_capture(gzip.compress(PAGE.encode())[:-20]), "broken_gzip"),
        (_capture(gzip.compress(b"\x00" * (65 << 20))), "too_large"),
        (_capture(b"PK\x03\x04nothing"), "truncated_zip"),
        (_capture(b"BZh91AY&SY", media_type="application/x-bzip2"), "whole_dump"),
        (_capture(b"<mediawiki><page/></mediawiki>", media_type="application/xml"), "whole_dump"),
        (_capture(b"<page><title>", media_type="application/xml"), "broken_page"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_document_says_so(capture: Capture, reason: str) -> None:
    assert _reasons(extract(capture)) == [reason]


def test_the_table_names_every_kind_that_the_bytes_can_be() -> None:
    assert set(READERS) == {"html", "pdf", "xbrl", "wikitext", "company_list", "taxonomy", "account_list"}


def test_every_real_file_gives_a_document_or_a_reason(shared_data: Path) -> None:
    """All of the robustness inputs, none of which may raise."""
    paths = [
        path
        for folder in ("html", "encoding", "compressed", "boj", "lists", "edinet/json")
        for path in sorted((shared_data / folder).iterdir())
    ]
    found = {path.name: extract(_capture(path.read_bytes(), media_type="")) for path in paths}
    assert len(found) == len(paths) > 25
    assert all(found.values())
    reasons = {name: _reasons(result)[0] for name, result in found.items() if _reasons(result)}
    assert reasons["bomb-br.bin"] == "unknown_media_type"
    assert reasons["truncated-crc-error.gz"] == "broken_gzip"
    assert reasons["unexpected-eof.gz"] == "broken_gzip"
    assert reasons["EUC-JP__blog.kabu-navi.com.atom.xml"] == "feed"
    assert reasons["documents_success.json"] == "list"
    assert "jvndb.jvn.jp.html" not in reasons
