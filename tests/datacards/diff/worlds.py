"""What tests of diffs share: versions compared with all reasons counted, and versions made by hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from corpus import shards
from corpus.document import Document
from datacards.card import Ref
from datacards.diff import Diff, Row, diff
from datacards.store import Store
from tests.corpus.test_run import page, sentences, speeches


def compare(store: Store, a: str, b: str) -> Diff:
    """Return the diff of two versions, in which nothing may be unexplained and every sum must hold."""
    found = diff(store, store.resolve(a), store.resolve(b))
    rows = list(found.rows())
    assert Counter(row[:3] for row in rows) == {one[:3]: one.rows for one in found.counts}
    for form in found.formats:
        came, left = found.number("added", form), found.number("removed", form)
        assert found.before.get(form, 0) + came - left == found.after.get(form, 0)
        assert all(row.id_a or row.id_b for row in rows)
    assert not [row for row in rows if row.reason == "unexplained"]
    return found


def told(found: Diff) -> dict[tuple[str, str, str], int]:
    """Return the counts of a diff by format, change and reason."""
    return {one[:3]: one.rows for one in found.counts}


def rows_of(found: Diff, form: str, reason: str) -> list[Row]:
    """Return the rows of a format that have a reason."""
    return [row for row in found.rows() if (row.format, row.reason) == (form, reason)]


def speech(number: int, seed: int = -1, *more: str) -> Any:
    """Return the capture of a speech; another seed is another text at the same address."""
    one = speeches(number + 1)[number]
    title = f"【講演】金融経済情勢 第{number}回"
    seed = seed if seed >= 0 else number * 10
    return replace(one, body=page(title, *(sentences(seed + part) for part in range(3)), *more))


def made(
    store: Store, version: str, files: dict[str, Sequence[Document]], *, name: str = "made", **more: Any
) -> Ref:
    """Write documents into the files of a dataset version."""
    request = {"kind": "dataset", "recipe": {"formats": ["markdown", "sections"]}, **more}
    with store.write(name=name, version=version, **request) as draft:
        for path, documents in files.items():
            rows = map(shards.document_row, documents)
            draft.rows[path] = shards.write(draft.path / path, rows, shards.DOCUMENT, group=7)
    return store.resolve(f"{name}@{version}")
