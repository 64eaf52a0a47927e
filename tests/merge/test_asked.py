"""What a recipe asks is settled before a draft is begun, and stands in the card as it was asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from datacards.errors import UserError
from datacards.store import Store
from merge.plan import Model, Plan
from merge.recipe import MergeRecipe
from merge.run import copy_companions, run
from tests.merge.written import HIDDEN, WORDS, model

ROLES = ("base", "domain", "instruct")
HEAD = "lm_head.weight"


def _recipe(root: Path, **more: Any) -> MergeRecipe:
    named = {role: str(root / role) for role in ROLES if (root / role).is_dir()}
    return MergeRecipe.model_validate(
        {"name": "merged", "version": "2026.11.21", "dtype": "float32", **named, **more}
    )


def _three(root: Path, instruct: list[str] = WORDS) -> Path:
    for role in ROLES:
        model(root / role, instruct if role == "instruct" else WORDS)
    return root


def test_a_vector_that_would_lose_rows_is_refused_and_one_of_the_rows_of_the_base_is_not(
    tmp_path: Path, store: Store
) -> None:
    """The rows of new tokens are no difference from anything: base and result would be the same there."""
    root = _three(tmp_path, [*WORDS, "<|im_start|>"])
    recipe = _recipe(root, domain="", output="vector")
    with pytest.raises(
        UserError, match=r"lm_head\.weight.* would have rows that the base lacks.*tokenizer: base"
    ):
        run(recipe, store)
    assert not (store.root / ".drafts" / "merged@2026.11.21").exists()
    made = run(recipe.model_copy(update={"tokenizer": "base"}), store)
    head = load_file(store.path(made.ref) / "model.safetensors")[HEAD]
    assert head.shape == (len(WORDS), HIDDEN)
    told = json.loads((store.path(made.ref) / "merge.json").read_text(encoding="utf-8"))["notes"][-1]
    assert told == (
        "Inputs are stored as base F32, instruct F32; arithmetic was in float64; the difference from the base was rounded once to"
        " float32, to the nearest."
    )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"rules": [{"match": "*.nowhere"}]}, r"no tensor follows the rule '\*\.nowhere'"),
        ({"options": {"weights": {"law": 1}}}, "weights name 'law'"),
        ({"merger": "ties", "options": {"density": {"gradient": [0.5, 1.5]}}}, "density"),
    ],
)
def test_a_recipe_that_does_not_fit_begins_nothing(
    tmp_path: Path, store: Store, asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        run(_recipe(_three(tmp_path), **asked), store)
    assert not (store.root / ".drafts" / "merged@2026.11.21").exists()


def test_a_role_may_be_called_like_a_field_of_the_recipe(tmp_path: Path, store: Store) -> None:
    root = _three(tmp_path)
    models = {"rules": str(root / "domain"), "seed": str(root / "instruct")}
    recipe = _recipe(root, domain="", instruct="", models=models, seed=5)
    card = store.card(run(recipe, store).ref)
    assert (card.recipe["seed"], card.recipe["rules"]) == (5, [])
    assert {role: text.split("@")[0] for role, text in card.recipe["models"].items()} == {
        "rules": "local:domain",
        "seed": "local:instruct",
    }
    with pytest.raises(UserError, match="differs in 'seed'"):
        run(recipe.model_copy(update={"seed": 6}), store)


def test_every_config_within_the_config_says_the_new_number_format(tmp_path: Path) -> None:
    inner = {"torch_dtype": "float32", "vocab_size": 8}
    donor = Model(
        "base", tmp_path, {}, {"dtype": "float32", "text_config": inner, "llm_config": {"vocab_size": 8}}
    )
    out = tmp_path / "out"
    out.mkdir()
    copy_companions(donor, Plan([], 2), out, "bfloat16")
    assert json.loads((out / "config.json").read_text(encoding="utf-8")) == {
        "dtype": "bfloat16",
        "text_config": {"vocab_size": 8, "dtype": "bfloat16"},
        "llm_config": {"vocab_size": 8},
    }
