"""A rebuild may be killed at any moment; the next one goes on, and ends with the same version."""

import time
from pathlib import Path

import pytest

from datacards.rebuild.release import open_release
from datacards.rebuild.run import rebuild
from datacards.store import Store
from tests.datacards.rebuild.small import DAY
from tests.forked import Forks, forks

PATTERNS = (
    "recipes/*",
    ".work/stage-0/prepared/*/*/*/*.parquet",
    "markdown/.*.part",
    ".work/outcomes/0/*.parquet",
)


COMMAND = "from datacards.cli import main; main()"


def killed_at(forker: Forks, store: Path, pattern: str) -> bool:
    """Kill a run once a file is there; return whether it was still at work."""
    draft = store / ".drafts" / f"fin-public-rebuilt@{DAY}"
    program = forker.start(COMMAND, "rebuild", "fin-public", "--store", str(store))
    while program.alive() and not list(draft.glob(pattern)):
        time.sleep(0.002)
    alive = program.alive()
    program.kill()
    return alive


@pytest.mark.slow
def test_a_killed_rebuild_goes_on_and_ends_alike(released: Store, tmp_path: Path, made: Store) -> None:
    with forks("datacards.rebuild.cli", "corpus.rebuild.documents") as forker:
        killed = sum(killed_at(forker, released.root, pattern) for pattern in PATTERNS)
    assert killed >= 2
    ref = rebuild(open_release(released, "fin-public"), released)
    card = released.card(ref)
    assert card.counts["pointers_proven"] == card.counts["pointers"]
    assert released.verify(ref) == []
    other = Store(tmp_path / "whole")
    for name in made.root.iterdir():
        if name.name != ".drafts":
            (other.root / name.name).parent.mkdir(exist_ok=True)
            (other.root / name.name).symlink_to(name)
    whole = rebuild(open_release(other, "fin-public"), other)
    assert other.card(whole).content_digest == card.content_digest
