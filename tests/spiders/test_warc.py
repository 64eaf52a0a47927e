"""Captures survive: what is written is read back, a damaged record is named, a cut end is dropped."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from corpus.captures import INDEX, read_captures
from corpus.document import Capture
from corpus.shards import read
from datacards.errors import UserError
from spiders.records import Carried, Visit
from spiders.rows import Row
from spiders.warc import Segments


def capture(number: int, body: bytes | None = None, *, status: int = 200, **meta: str) -> Capture:
    return Capture(
        url=f"https://www.boj.or.jp/about/press/koen_2024/ko2401{number:02d}a.htm",
        source="boj_speeches",
        fetched_at=datetime(2026, 11, 21, 3, 0, number, 123456, tzinfo=UTC),
        status=status,
        headers=(("Content-Type", "text/html; charset=UTF-8"), ("Set-X", "a"), ("Set-X", "b")),
        media_type="text/html",
        body=f"<p>第{number}回の挨拶</p>".encode() * 50 if body is None else body,
        license="BOJ-terms",
        signals={"robots": "404: no rule"},
        meta={"speaker": "総裁 見本 太郎", **meta},
    )


def row_of(segments: Segments, number: int) -> Row:
    row = segments.rows.get(capture(number).url)
    assert row is not None
    return row


def version(
    root: Path, name: str, *visits: Visit | Capture | Carried, earlier: tuple[str, ...] = ()
) -> list[Row]:
    """Write a finished version below ``root``; return its index."""
    with Segments(root / name, earlier=[root / one for one in earlier]) as segments:
        for visit in visits:
            segments.carry(visit) if isinstance(visit, Carried) else segments.write(visit)
        segments.close(index=True)
    return list(read(root / name / INDEX))


def test_what_is_written_is_read_back_in_index_order(tmp_path: Path) -> None:
    wanted = [capture(n) for n in (3, 1, 2)]
    with Segments(tmp_path) as segments:
        for one in wanted:
            segments.write(one)
        segments.close(index=True)
    assert list(read_captures(tmp_path)) == sorted(wanted, key=lambda c: c.url)


def test_an_independent_reader_finds_valid_records_with_right_digests(tmp_path: Path) -> None:
    with Segments(tmp_path) as segments:
        for n in range(3):
            segments.write(capture(n))
    with (tmp_path / "warc" / "00000.warc.gz").open("rb") as stream:
        seen = []
        for record in ArchiveIterator(stream, check_digests="raise"):
            body = record.content_stream().read()
            seen.append((record.rec_type, record.rec_headers.get_header("WARC-Record-ID"), body))
            assert record.rec_headers.protocol == "WARC/1.1"
    assert [kind for kind, *_ in seen] == ["warcinfo", *["response", "metadata"] * 3]
    assert seen[1][2] == capture(0).body


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 3_000_000])
def test_a_body_of_any_size_comes_back_whole(tmp_path: Path, size: int) -> None:
    body = hashlib.shake_128(b"seed").digest(size)
    with Segments(tmp_path) as segments:
        segments.write(capture(1, body))
        segments.close(index=True)
    assert next(read_captures(tmp_path)).body == body


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(min_value=1, max_value=2000))
def test_a_cut_end_is_dropped_and_the_crawl_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    with Segments(folder) as segments:
        for n in range(4):
            segments.write(capture(n))
    path = folder / "warc" / "00000.warc.gz"
    path.write_bytes(path.read_bytes()[:-cut])
    with Segments(folder) as segments:
        kept = len(segments.rows)
        assert kept < 4
        for n in range(4):
            if segments.find(capture(n).url) is None:
                segments.write(capture(n))
        segments.close(index=True)
    assert list(read_captures(folder)) == [capture(n) for n in range(4)]


def test_segments_roll_and_are_all_read(tmp_path: Path) -> None:
    with Segments(tmp_path, roll=1000) as segments:
        for n in range(6):
            segments.write(capture(n))
        segments.close(index=True)
    assert len(list((tmp_path / "warc").iterdir())) > 2
    assert len(list(read_captures(tmp_path))) == 6


def test_equal_captures_give_equal_records(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with Segments(tmp_path / name) as segments:
            segments.write(capture(1))
            segments.close(index=True)
    rows = [list(read(tmp_path / name / INDEX)) for name in ("a", "b")]
    place = {"offset": 0, "about": 0}  # what stands in front is as long as its random name packs to
    assert [r | place for r in rows[0]] == [r | place for r in rows[1]]


def test_a_changed_byte_is_an_error_that_names_segment_and_offset(tmp_path: Path) -> None:
    with Segments(tmp_path) as segments:
        for n in range(2):
            segments.write(capture(n))
        segments.close(index=True)
        offset = row_of(segments, 1)["offset"]
    path = tmp_path / "warc" / "00000.warc.gz"
    data = bytearray(path.read_bytes())
    data[offset + 200] ^= 0xFF
    path.write_bytes(data)
    captures = read_captures(tmp_path)
    assert next(captures) == capture(0)
    with pytest.raises(UserError, match=rf"00000\.warc\.gz, record at offset {offset}"):
        next(captures)


def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    with Segments(tmp_path) as segments:
        segments.write(capture(0))
        segments.write(capture(1))
        segments.rows.put({**row_of(segments, 0), "offset": row_of(segments, 1)["offset"]})
        segments.close(index=True)
    with pytest.raises(UserError, match="not the record that the index lists"):
        list(read_captures(tmp_path))


def test_a_folder_without_index_is_no_captures_version(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no captures\.parquet"):
        list(read_captures(tmp_path))


def test_the_newest_capture_of_a_url_is_the_one_in_the_index(tmp_path: Path) -> None:
    with Segments(tmp_path) as segments:
        segments.write(capture(1, b"sorry", status=503, problem="http_503"))
        segments.write(capture(1))
        segments.close(index=True)
    assert list(read_captures(tmp_path)) == [capture(1)]


def test_an_unchanged_page_is_a_revisit_record_and_its_body_is_read_from_the_earlier_version(
    tmp_path: Path,
) -> None:
    old, later = capture(1), replace(capture(1), fetched_at=datetime(2026, 11, 22, tzinfo=UTC))
    told = replace(later, meta={"speaker": "総裁 見本 次郎"}, headers=(("ETag", '"2"'),))
    version(tmp_path, "2026.11.21", old, capture(2))
    (same, modified), again = (
        version(tmp_path, "2026.11.22", told, Visit(capture(2), "not_modified", (("Date", "x"),)), earlier=("2026.11.21",)),
        version(tmp_path, "2026.11.23", told, earlier=("2026.11.21", "2026.11.22")),
    )  # fmt: skip
    assert (same["state"], same["body_version"]) == (modified["state"], modified["body_version"])
    assert (same["state"], same["body_version"], same["etag"]) == ("unchanged", "2026.11.21", '"2"')
    assert (same["fetched_at"], same["seen_at"]) == (old.fetched_at, later.fetched_at)
    assert again[0]["body_version"] == "2026.11.21"  # never a chain: the body is one step away
    found = list(read_captures(tmp_path / "2026.11.22"))
    assert found == [replace(old, meta=told.meta), capture(2)]
    assert (tmp_path / "2026.11.22" / "warc").stat().st_size < 10_000
    with (tmp_path / "2026.11.22" / "warc" / "00000.warc.gz").open("rb") as stream:
        records = list(ArchiveIterator(stream, check_digests="raise"))
        kinds = [record.rec_type for record in records]
    assert kinds == ["warcinfo", "revisit", "metadata", "revisit", "metadata"]
    with (tmp_path / "2026.11.21" / "warc" / "00000.warc.gz").open("rb") as stream:
        identifiers = {record.rec_headers.get_header("WARC-Record-ID") for record in ArchiveIterator(stream)}
    for record, profile in ((records[1], "identical-payload-digest"), (records[3], "server-not-modified")):
        assert record.rec_headers.get_header("WARC-Profile").endswith(f"/revisit/{profile}")
        assert record.rec_headers.get_header("WARC-Refers-To") in identifiers


def test_a_carried_capture_is_one_metadata_record_and_keeps_what_was_known(tmp_path: Path) -> None:
    old = capture(1, docID="S100AAAA")
    version(tmp_path, "2026.11.21", old)
    item = Carried(old.url, "edinet", "PDL-1.0", {"parentDocID": "S100BBBB"})
    (row,) = version(tmp_path, "2026.11.22", item, earlier=("2026.11.21",))
    assert (row["state"], row["fetched_at"], row["seen_at"]) == ("carried", old.fetched_at, old.fetched_at)
    (found,) = read_captures(tmp_path / "2026.11.22")
    assert (found.body, found.signals, found.license) == (old.body, old.signals, "PDL-1.0")
    assert found.meta == {**old.meta, "parentDocID": "S100BBBB"}
    with pytest.raises(ValueError, match="no earlier version holds"):
        version(tmp_path, "2026.11.23", item)


def test_an_interrupted_version_remembers_what_was_unchanged_and_forgets_what_is_gone(tmp_path: Path) -> None:
    version(tmp_path, "2026.11.21", capture(1))
    earlier = [tmp_path / "2026.11.21"]
    with Segments(tmp_path / "2026.11.22", earlier=earlier) as segments:
        segments.write(Visit(capture(1), "not_modified"))
    with Segments(tmp_path / "2026.11.22", earlier=earlier) as segments:
        assert segments.find(capture(1).url) == capture(1)
        assert row_of(segments, 1)["state"] == "unchanged"
    with Segments(tmp_path / "2026.11.22") as segments:
        assert len(segments.rows) == 0


@pytest.mark.parametrize("held", ["../../elsewhere", "2026.11.20"])
def test_a_body_that_is_said_to_lie_elsewhere_is_not_read(tmp_path: Path, held: str) -> None:
    version(tmp_path, "2026.11.21", capture(1))
    with Segments(tmp_path / "2026.11.22", earlier=[tmp_path / "2026.11.21"]) as segments:
        earlier = segments.rows.get(capture(1).url, "earlier")
        assert earlier is not None
        segments.rows.put({**earlier, "body_version": held}, "earlier")
        segments.write(Visit(capture(1), "not_modified"))
        segments.close(index=True)
    with pytest.raises(UserError):
        list(read_captures(tmp_path / "2026.11.22"))
