"""What the other rooms make of a version of questions: its lineage, its differences, its release, what opens it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import Store
from rephrase.run import run
from tests.datacards.diff.worlds import compare, rows_of, told
from tests.datacards.lineage.test_forward import counts, edges
from tests.datacards.lineage.traced_world import DAY, World
from tests.rephrase.asked_world import NAMES, address, recipe, serving
from tests.rephrase.test_asking import tokenizer
from tests.rephrase.test_takedown_replies import WRITTEN, base, every

WRAPPED = f"asked@{DAY}", f"again@{DAY}"


@pytest.fixture(scope="module")
def world(asked_root: Path) -> World:
    """Return the store, which nobody writes to, and the words to ask for lineages."""
    return World(Store(asked_root))


@pytest.mark.parametrize("form", WRITTEN)
def test_what_a_model_wrote_leads_back_to_the_capture(world: World, form: str) -> None:
    for row in every(world.store, "asked", form):
        told_ = world.json(row["id"])
        parent = row["made_from"][0]["id"]
        captured = base(world.store, row["title"][:4])["made_from"][0]["id"]
        assert {(row["id"], parent), (parent, captured)} <= edges(told_, "derived_from")
        assert (captured, row["url"]) in edges(told_, "fetched_from")


def test_an_address_leads_to_rephrasings_and_questions_and_never_to_the_logs(world: World) -> None:
    told_ = world.json(address(NAMES[0]), "--forward")
    texts, (asked, again) = f"texts@{DAY}", WRAPPED
    made = {
        f"{name}/{path.parent.name}/{path.name.split('-')[0]}"
        for name in WRAPPED
        for path in world.store.path(world.store.resolve(name)).glob("*/*.parquet")
    }
    found = counts(told_)
    assert {name.split("/")[1] for name in found} <= {"markdown", "qa", "multiple_choice", "dropped"}
    assert {name for name in found if "/dropped/" not in name} <= made | {f"{texts}/markdown/train"}
    easy = next(name for name in found if name.startswith(f"{asked}/markdown/"))
    assert found[easy] == 1
    assert (easy, f"{texts}/markdown/train") in edges(told_, "derived_from")
    assert f"{again}/markdown/train" in found
