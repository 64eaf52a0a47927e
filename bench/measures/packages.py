"""EDINET packages as documents with facts, read as the corpus stage reads them: each in a process that may die."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.prepare import MEGABYTES, SECONDS
from corpus.sandbox import sandboxed

NOW = datetime(2026, 11, 21, tzinfo=UTC)
_SUFFIXES = (".zip", ".xbrl")


def inside(path: Path) -> list[Path]:
    """Return a file, or the packages and instances below a folder, in order."""
    if path.is_file():
        return [path]
    return sorted(one for one in path.rglob("*") if one.suffix.lower() in _SUFFIXES)


def documents(paths: Iterable[Path]) -> Iterator[tuple[Path, Document | Drop]]:
    """Yield what each file gives, in order: documents and the reasons why something gave none."""
    files = list(paths)
    found = sandboxed(extract, map(_capture, files), workers=1, seconds=SECONDS, megabytes=MEGABYTES)
    for path, result in zip(files, found, strict=True):
        for one in [result] if isinstance(result, Drop) else result:
            yield path, one


def _capture(path: Path) -> Capture:
    return Capture(
        url=f"https://files.example/{path.name}", source="edinet", fetched_at=NOW, status=200, headers=(),
        media_type="application/octet-stream", body=path.read_bytes(), license="PDL-1.0",
    )  # fmt: skip
