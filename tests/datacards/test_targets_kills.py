"""Publishing is killed fifty times at every kind of target: no reader ever sees half a version, and the next run ends."""

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from datacards.card import Ref
from datacards.places import CARD
from datacards.store import Store
from tests.hub import Hub
from tests.publishers import Child, Publisher, forker
from tests.s3 import Request, Shelf

KILLS = 50
pytestmark = pytest.mark.slow


def points(steps: int) -> Iterator[tuple[int, bool]]:
    """Yield at which step to kill, and whether behind it: every step when they suffice, then some twice."""
    chosen = random.Random(1882)  # noqa: S311  the same points in every run
    numbers = [*range(1, steps + 1), *(chosen.randint(1, steps) for _ in range(KILLS))]
    for number in chosen.sample(numbers[: max(KILLS, steps)], KILLS):
        yield number, chosen.random() < 0.5


def number_of_files(store: Store, ref: Ref) -> str:
    return str(len(store.card(ref).files) + 1)


@pytest.fixture
def local(store: Store) -> Iterator[Publisher]:
    with forker({}) as process:
        yield Publisher(process, store)


def test_a_folder(store: Store, release: Ref, local: Publisher, tmp_path: Path) -> None:
    steps = int(local.run(release, str(tmp_path / "whole"))[4])
    killed = 0
    for turn, (number, _) in enumerate(points(steps)):
        out = tmp_path / f"out-{turn}"
        killed += local.run(release, str(out), number=number) == ("killed",)
        seen = Store(out)
        assert [ref for ref in seen.refs() if seen.verify(ref)] == []
        assert set(seen.root.glob("words/*")) <= {out / "words" / "2026.11.21"}
        assert local.run(release, str(out))[0] == "done"
        assert seen.verified("words", "dataset") == release
        assert local.run(release, str(out))[:3] == ("done", "0", number_of_files(store, release))
        shutil.rmtree(out)
    assert killed == KILLS


def whole(shelf: Shelf, place: str, release: Ref) -> bool:
    """Tell whether there is a card, and make sure that all is there when there is."""
    folder = f"{place}/words/2026.11.21"
    held = shelf.held()
    if f"{folder}/{CARD}" not in held:
        return False
    card = shelf.get(f"{folder}/{CARD}")
    assert hashlib.sha256(card).hexdigest() == release.digest
    for file in json.loads(card)["files"]:
        assert hashlib.sha256(shelf.get(f"{folder}/{file['path']}")).hexdigest() == file["sha256"]
    assert len([key for key in held if key.startswith(f"{folder}/")]) == len(json.loads(card)["files"]) + 1
    return True


def test_a_bucket(store: Store, release: Ref, shelf: Shelf) -> None:
    with forker({}) as process:
        publishing = Publisher(process, store)
        publishing.run(release, f"{shelf.address}/whole")
        steps, killed = len(shelf.server.requests), 0
        for turn, (number, behind) in enumerate(points(steps)):
            child, place = Child(), f"turn-{turn}"
            target = f"{shelf.address}/{place}"
            shelf.server.calm()
            shelf.server.kill(child, lambda _request: True, number, after=behind)  # type: ignore[arg-type]
            killed += publishing.run(release, target, child=child) == ("killed",)
            shelf.server.calm()
            whole(shelf, place, release)
            assert publishing.run(release, target)[0] == "done"
            assert whole(shelf, place, release)
            assert [key for key in shelf.held() if key.startswith(f"{place}/.")] == []
            assert publishing.run(release, target)[:3] == ("done", "0", number_of_files(store, release))
            for key in shelf.held():
                shelf.delete(key)
    assert killed >= KILLS - 5  # requests beside each other come in any number and order


def held(hub: Hub, name: str, revision: str) -> dict[str, str]:
    """Return the hashes of a revision's files."""
    repository = hub.repository("kinzo", name)
    paths = [path for path in repository.files(revision) if path != ".gitattributes"]
    return {path: hashlib.sha256(repository.read(revision, path)).hexdigest() for path in paths}


def listed(store: Store, ref: Ref) -> dict[str, str]:
    """Return the hashes that a revision of the version has."""
    return {file.path: file.sha256 for file in store.card(ref).files} | {CARD: store.digest(ref)}


def test_the_hub(hub: Hub, store: Store, release: Ref, publishing: Publisher) -> None:
    older = store.resolve("words@2026.11.20")
    before, after = listed(store, older), listed(store, release)
    publishing.run(older, "hf://datasets/kinzo/words")
    start = hub.folder / "start"
    shutil.copytree(hub.folder / "kinzo" / "words", start)
    hub.calm()
    publishing.run(release, "hf://datasets/kinzo/words")
    steps, killed = len(hub.requests), 0
    for turn, (number, behind) in enumerate(points(steps)):
        child, name = Child(), f"words-{turn}"
        shutil.copytree(start, hub.folder / "kinzo" / name)
        target = f"hf://datasets/kinzo/{name}"
        hub.calm()
        hub.kill(child, lambda _request: True, number, after=behind)  # type: ignore[arg-type]
        killed += publishing.run(release, target, child=child) == ("killed",)
        hub.calm()
        assert held(hub, name, "main") in (before, after)
        if "2026.11.21" in hub.repository("kinzo", name).state["tags"]:
            assert held(hub, name, "2026.11.21") == after
        assert publishing.run(release, target)[0] == "done"
        assert held(hub, name, "main") == held(hub, name, "2026.11.21") == after
        assert held(hub, name, "2026.11.20") == before
        assert len(hub.repository("kinzo", name).history("main")) == 3
        assert publishing.run(release, target)[:3] == ("done", "0", number_of_files(store, release))
    assert killed >= KILLS - 5


def changes(request: Request) -> bool:
    """Tell whether a request may change what the hub holds."""
    return request.method != "GET"


def test_an_older_version_beside_main_on_the_hub(
    hub: Hub, store: Store, release: Ref, publishing: Publisher
) -> None:
    """It takes other steps: a branch that stands only until the tag does."""
    older = store.resolve("words@2026.11.20")
    before, after = listed(store, older), listed(store, release)
    publishing.run(release, "hf://datasets/kinzo/words")
    start = hub.folder / "start"
    shutil.copytree(hub.folder / "kinzo" / "words", start)
    hub.calm()
    publishing.run(older, "hf://datasets/kinzo/words")
    for number in range(1, len([one for one in hub.requests if changes(one)]) + 1):
        child, name = Child(), f"words-{number}"
        shutil.copytree(start, hub.folder / "kinzo" / name)
        hub.calm()
        hub.kill(child, changes, number, after=True)  # type: ignore[arg-type]
        publishing.run(older, f"hf://datasets/kinzo/{name}", child=child)
        hub.calm()
        assert held(hub, name, "main") == after
        assert publishing.run(older, f"hf://datasets/kinzo/{name}")[0] == "done"
        assert held(hub, name, "2026.11.20") == before
        assert held(hub, name, "main") == after
        assert list(hub.repository("kinzo", name).state["branches"]) == ["main"]
