"""The world of lineages, built once: the tests that only ask share it."""

import shutil
from pathlib import Path

import pytest

from datacards.store import Store
from tests.datacards.lineage.traced_world import World, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the store with the world in it."""
    return build(tmp_path_factory.mktemp("lineage") / "store").root


@pytest.fixture
def world(built: Path) -> World:
    """Return the world to ask; it must not be changed."""
    return World(Store(built))


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> World:
    """Return a copy of the world that may be changed."""
    shutil.copytree(built, tmp_path / "store")
    return World(Store(tmp_path / "store"))
