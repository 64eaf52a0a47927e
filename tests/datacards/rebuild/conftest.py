"""One small release for all tests of rebuilding: making it takes seconds, copying it none."""

import shutil

import pytest

from datacards.store import Store
from tests.datacards.rebuild.small import NAMES, companies, conference, corpus, crawl, public, speeches


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Make captures, a corpus of them, and its release, which holds pointers alone."""
    store = Store(tmp_path_factory.mktemp("made") / "store")
    for name, captures in zip(NAMES, (speeches(), [conference()], [companies()]), strict=True):
        crawl(store, name, captures)
    public(store, str(corpus(store, NAMES)))
    return store


@pytest.fixture
def released(made: Store, store: Store) -> Store:
    """Return a copy of that store."""
    shutil.copytree(made.root, store.root)
    return store
