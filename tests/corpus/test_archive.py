"""Zip files from outside: honest ones are read whole, hostile and damaged ones are named."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from corpus.document import Drop
from corpus.extract.archive import ArchiveError, Limits, members, names


def _zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def _reason(body: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ArchiveError) as caught:
        members(body, limits=limits)
    assert caught.value.drop == Drop(caught.value.reason, caught.value.detail)
    assert caught.value.detail
    return caught.value.reason


def test_members_come_in_order_and_only_those_wanted() -> None:
    body = _zip({"b/2.txt": b"two", "a/1.txt": b"one", "a/1.png": b"image", "folder/": b""})
    assert list(members(body, lambda name: name.endswith(".txt")).items()) == [
        ("b/2.txt", b"two"),
        ("a/1.txt", b"one"),
    ]
    assert names(body) == ["b/2.txt", "a/1.txt", "a/1.png"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_zip_that_ends_early_is_truncated(share: float) -> None:
    body = _zip({"a.txt": bytes(range(256)) * 40, "b.txt": b"more"}, zipfile.ZIP_STORED)
    assert _reason(body[: int(len(body) * share)]) == "truncated_zip"


def test_a_real_package_cut_in_half_is_truncated(shared_data: Path) -> None:
    body = (shared_data / "edinet" / "type1_zip" / "S100U4EY.zip").read_bytes()
    assert _reason(body[: len(body) // 2]) == "truncated_zip"


@pytest.mark.parametrize("body", [b"", b'{"metadata": {"status": "404"}}', b"%PDF-1.7", b"PK\x05\x06short"])
def test_what_is_no_zip_is_broken(body: bytes) -> None:
    assert _reason(body) == "broken_zip"


def test_a_flipped_byte_is_found_by_its_checksum() -> None:
    body = bytearray(_zip({"a.txt": b"0123456789" * 10}, zipfile.ZIP_STORED))
    body[60] ^= 1
    assert _reason(bytes(body)) == "broken_zip"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "C:evil", "a\\..\\evil"])
def test_a_name_that_leaves_the_archive_is_refused(name: str) -> None:
    assert _reason(_zip({name: b"x"})) == "broken_zip"


@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile warns of what this test makes on purpose
def test_the_same_name_twice_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", b"one")
        archive.writestr("a.txt", b"two")
    assert _reason(buffer.getvalue()) == "broken_zip"


def test_unusual_packing_is_refused_before_it_is_unpacked() -> None:
    assert _reason(_zip({"a.txt": b"x" * 1000}, zipfile.ZIP_LZMA)) == "broken_zip"


def test_bombs_are_refused_by_ratio_by_size_and_by_number() -> None:
    assert _reason(_zip({"zeros": bytes(8 * 2**20)})) == "zip_bomb"
    small = Limits(members=3, member_bytes=100, total_bytes=150)
    assert _reason(_zip({"a": b"x" * 101}), small) == "zip_bomb"
    assert _reason(_zip({"a": b"x" * 90, "b": b"x" * 90}), small) == "zip_bomb"
    assert _reason(_zip({str(n): b"" for n in range(4)}), small) == "zip_bomb"


def test_a_size_that_lies_cannot_unpack_more_than_it_declares() -> None:
    honest = bytearray(_zip({"a.txt": b"x" * 5000}))
    at = honest.index(b"PK\x01\x02")
    honest[at + 24 : at + 28] = struct.pack("<I", 10)  # the size in the central directory
    assert _reason(bytes(honest)) == "broken_zip"
