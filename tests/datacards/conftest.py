"""A store with one captures version and two datasets made from it, one on top of the other."""

import shutil
import subprocess
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
from tests.publishers import Publisher, forker

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


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store, made once, with a version that may be published, behind an older one."""
    made = Store(tmp_path_factory.mktemp("released") / "store")
    publishable(made, "2026.11.20", text="政策金利を据え置いた。")
    publishable(made, "2026.11.21")
    return made


@pytest.fixture
def release(store: Store, released: Store) -> Ref:
    """Return the newest of two versions in the store of this test."""
    shutil.copytree(released.root, store.root)
    return store.resolve("words@2026.11.21")


@pytest.fixture(scope="session")
def hub_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Serve a hub on loopback."""
    with serve(tmp_path_factory.mktemp("hub")) as server:
        yield server


@pytest.fixture
def hub(hub_server: Hub, tmp_path: Path) -> Hub:
    """Return a hub that holds nothing."""
    hub_server.calm()
    hub_server.folder = tmp_path / "hub"
    hub_server.folder.mkdir()
    return hub_server


@pytest.fixture(scope="session")
def hub_forker(
    hub_server: Hub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["subprocess.Popen[str]"]:
    """Start a process whose children publish to the hub."""
    with forker(hub_server.environment(tmp_path_factory.mktemp("home"))) as process:
        yield process


@pytest.fixture
def publishing(hub: Hub, hub_forker: "subprocess.Popen[str]", store: Store) -> Publisher:
    """Publish from the store to the hub, every time in a process of its own."""
    return Publisher(hub_forker, store)
