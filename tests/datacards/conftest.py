"""A store with one captures version and two datasets made from it, one on top of the other."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpus import shards
from corpus.captures import SCHEMA
from corpus.document import Document, Format, Span
from datacards.card import Ref
from datacards.store import Store
from tests.datacards.releases import publishable
from tests.hub import Hub, serve

DIGESTS = ("a" * 64, "b" * 64)


def document(title: str, form: Format, *spans: Span) -> Document:
    """Return a small document."""
    return Document(
        text=f"{title}の本文です。", format=form, source="test", url="https://example.invalid/x", title=title,
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="出典：試験", redistribution=True,
        made_from=spans,
    )  # fmt: skip


@pytest.fixture
def family(store: Store) -> Store:
    """Return a store with a question about a page that was made from two captures."""
    rows = [
        {
            "url": f"https://example.invalid/{digest[0]}",
            "source": "test",
            "license": "PDL-1.0",
            "sha256": digest,
            "warc": "",
            "offset": 0,
        }
        for digest in DIGESTS
    ]
    page = document("[訂正] 金利[/]", "markdown", *(Span(f"sha256:{digest}", 0, 0) for digest in DIGESTS))
    question = document("問い", "qa", Span(page.id, 0, 2), Span(page.id, 3, 5))
    with store.write(name="pages", version="2026.11.21", kind="captures", recipe={}) as draft:
        shards.write(draft.path / "captures.parquet", rows, SCHEMA)
        draft.counts.update(captures=2, failed=0)
    made_from = [store.resolve("pages")]
    for name, one in (("texts", page), ("asked", question)):
        with store.write(
            name=name, version="2026.11.21", kind="dataset", recipe={}, made_from=made_from
        ) as draft:
            path = draft.path / one.format / "train-00000.parquet"
            shards.write(path, [shards.document_row(one)], shards.DOCUMENT)
            draft.rows[path.relative_to(draft.path).as_posix()] = 1
            draft.counts[f"documents_{one.format}"] = 1
        made_from = [store.resolve(name)]
    return store


@pytest.fixture
def release(store: Store) -> Ref:
    """Return a version that may be published, behind an older one."""
    publishable(store, "2026.11.20", text="政策金利を据え置いた。")
    return publishable(store, "2026.11.21")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Serve an empty hub on loopback."""
    with serve(tmp_path / "hub") as server:
        yield server
