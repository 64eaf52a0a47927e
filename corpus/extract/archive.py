"""Reading zip files from outside: limits on members, sizes and ratios, no path tricks, damage named."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from corpus.document import Drop

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Limits:
    """What an honest archive stays within. A filing holds at most 100 MB; real ones hold about 10 MB."""

    members: int = 2_000
    member_bytes: int = 64 * 2**20
    total_bytes: int = 256 * 2**20
    ratio: int = 200  # real filings reach 50; the deflate method ends at about 1,030
    ratio_from_bytes: int = 2**20  # below this size a high ratio is harmless


class ArchiveError(ValueError):
    """An archive that cannot be read, or must not be; ``reason`` is the word that cards count."""

    def __init__(self, reason: Literal["truncated_zip", "broken_zip", "zip_bomb"], detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")

    @property
    def drop(self) -> Drop:
        """The drop that sets the capture aside."""
        return Drop(self.reason, self.detail)


def _everything(_name: str) -> bool:
    return True


def members(
    body: bytes, wanted: Callable[[str], bool] = _everything, limits: Limits | None = None
) -> dict[str, bytes]:
    """Return the wanted files of a zip by name, in the archive's own order; directories are left out.

    Limits count every member, wanted or not, by the sizes the archive declares; what is unpacked never
    exceeds what was declared. Nothing is written to disk.

    Raises:
        ArchiveError: the zip ends early, is damaged, names a path outside itself, is encrypted, or is a bomb.
    """
    with _opened(body, limits or Limits()) as archive:
        infos = archive.infolist()
        return {i.filename: _read(archive, i) for i in infos if not i.is_dir() and wanted(i.filename)}


def names(body: bytes, limits: Limits | None = None) -> list[str]:
    """Return the names of the files in a zip without unpacking one; raises as ``members`` does."""
    with _opened(body, limits or Limits()) as archive:
        return [info.filename for info in archive.infolist() if not info.is_dir()]


@contextmanager
def _opened(body: bytes, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Give a checked archive; whatever the library raises meanwhile becomes an ArchiveError."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            _check(archive.infolist(), limits)
            yield archive
    except ArchiveError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, ValueError) as error:
        raise _named(body, error) from error


def _check(infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(infos) > limits.members:
        raise ArchiveError("zip_bomb", f"{len(infos)} members; at most {limits.members} are read")
    total, names = 0, set()
    for info in infos:
        total += info.file_size
        if info.file_size > limits.member_bytes or total > limits.total_bytes:
            raise ArchiveError("zip_bomb", f"{info.filename!r} brings the unpacked size to {total} bytes")
        if info.file_size > limits.ratio_from_bytes and info.file_size > limits.ratio * info.compress_size:
            raise ArchiveError(
                "zip_bomb", f"{info.filename!r} unpacks {info.compress_size} to {info.file_size} bytes"
            )
        if _escapes(info.orig_filename):
            raise ArchiveError("broken_zip", f"{info.orig_filename!r} names a path outside the archive")
        if info.filename in names:
            raise ArchiveError("broken_zip", f"{info.filename!r} is there twice")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise ArchiveError("broken_zip", f"{info.filename!r} is encrypted or packed by an unusual method")
        names.add(info.filename)


def _escapes(name: str) -> bool:
    """Whether a member's name could leave the folder it is unpacked into, on any system."""
    return (
        not name
        or name.startswith("/")
        or any(sign in name for sign in "\\:\0")
        or any(part == ".." for part in name.split("/"))
    )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        body = member.read(info.file_size + 1)
    if len(body) != info.file_size:
        raise ArchiveError(
            "broken_zip", f"{info.filename!r} unpacks to {len(body)} of {info.file_size} bytes"
        )
    return body


def _named(body: bytes, error: Exception) -> ArchiveError:
    """Tell an archive that lost its tail, where the directory lies, from one that is damaged or no archive."""
    if not body.startswith(b"PK"):
        return ArchiveError("broken_zip", f"no zip: it begins with {body[:16]!r}")
    directory_end = body.rfind(b"PK\x05\x06")  # a record of 22 bytes, if it is whole
    if body.startswith(b"PK\x03\x04") and (directory_end < 0 or len(body) - directory_end < 22):
        return ArchiveError("truncated_zip", f"{len(body)} bytes and no directory at the end")
    return ArchiveError("broken_zip", str(error))
