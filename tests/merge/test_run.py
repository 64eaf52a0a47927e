"""A merge recipe becomes a checkpoint version that says what it was made from."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from merge.cli import main
from merge.recipe import MergeRecipe
from merge.run import run


def _recipe(family: Path, **more: Any) -> MergeRecipe:
    named = {role: str(family / role) for role in ("base", "domain", "instruct")}
    return MergeRecipe.model_validate(
        {"name": "merged", "version": "2026.11.21", **named, "dtype": "float32", **more}
    )


def test_the_version_is_a_model_folder_with_its_similarity(family: Any, store: Store) -> None:
    root = family()
    made = run(_recipe(root), store)
    folder = store.path(made.ref)
    card = store.card(made.ref)
    assert store.verify(made.ref) == []
    assert [ref.name for ref in card.made_from] == ["local:base", "local:domain", "local:instruct"]
    assert set(card.metrics) == {"cosine_mean", "cosine_std", "cosine_max", "cosine_min", "cosine_whole"}
    rows = json.loads((folder / "similarity.json").read_text(encoding="utf-8"))
    assert len(rows) == card.counts["tensors"]
    assert {"tensor", "layer", "type", "norms", "unchanged", "pairs", "n"} <= set(rows[0])
    assert sum(row["n"] for row in rows) == card.counts["weights"]
    assert str(AutoModelForCausalLM.from_pretrained(folder, dtype="auto").dtype) == "torch.float32"
    assert AutoTokenizer.from_pretrained(folder)("金融")["input_ids"]


def test_the_card_names_no_folder_of_this_machine(family: Any, store: Store) -> None:
    """A local folder is recorded by its name and digest; where it lay is nobody's business."""
    root = family()
    made = run(_recipe(root), store)
    assert str(root) not in (store.path(made.ref) / "card.json").read_text(encoding="utf-8")


def test_the_same_recipe_again_does_nothing_and_another_one_is_refused(family: Any, store: Store) -> None:
    root = family()
    first = run(_recipe(root), store)
    again = run(_recipe(root), store)
    assert again.existed
    assert again.ref == first.ref
    with pytest.raises(UserError, match="differs in 'options'"):
        run(_recipe(root, options={"weights": {"domain": 0.5}}), store)


def test_an_option_that_the_method_lacks_is_named(family: Any, store: Store) -> None:
    with pytest.raises(UserError, match=r"task_arithmetic: unknown key 'lambda'.*weights"):
        run(_recipe(family(), options={"lambda": 1}), store)


def test_a_method_that_does_not_exist_is_answered_with_those_that_do(family: Any, store: Store) -> None:
    with pytest.raises(UserError, match=r"no plug-in named 'tias'.*linear.*task_arithmetic.*ties"):
        run(_recipe(family(), merger="tias"), store)


def test_differing_tokens_are_named(family: Any, store: Store) -> None:
    root = family()
    path = root / "domain" / "tokenizer.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["added_tokens"].append({**data["added_tokens"][0], "id": 299, "content": "<financial>"})
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match=r"'domain'.*'<financial>' at one row, 299"):
        run(_recipe(root), store)
    assert store.refs() == []


def test_differing_heads_are_named(family: Any, store: Store) -> None:
    root = family()
    path = root / "instruct" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "num_attention_heads": 4}), encoding="utf-8")
    with pytest.raises(UserError, match=r"the instruct model: config\.json has num_attention_heads = 4"):
        run(_recipe(root), store)


def test_a_changed_checkpoint_of_the_store_is_refused(family: Any, store: Store) -> None:
    root = family()
    made = run(_recipe(root), store)
    path = store.path(made.ref) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        UserError, match=r"merged@2026\.11\.21: does not verify: model\.safetensors has changed"
    ):
        run(_recipe(root, domain="merged@2026.11.21", version="2026.11.22"), store)


def test_the_command_overrides_the_recipe_and_says_what_it_made(
    family: Any, store: Store, tmp_path: Path
) -> None:
    root = family()
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: merged\nversion: 2026.11.21\nbase: nowhere\ninstruct: {root / 'instruct'}\n", encoding="utf-8"
    )
    arguments = [str(recipe), "--domain", str(root / "domain"), "--store", str(store.root)]
    missing = CliRunner().invoke(main, arguments)
    assert missing.exit_code == 1
    assert "no version 'nowhere'" in missing.output
    done = CliRunner().invoke(main, [*arguments, "--base", str(root / "base")])
    assert done.exit_code == 0, done.output
    assert "merged@2026.11.21" in done.output
    assert "cosine of the task vectors" in done.output
    assert "nothing to do" in CliRunner().invoke(main, [*arguments, "--base", str(root / "base")]).output


def test_a_model_beside_the_base_is_asked_for(family: Any, store: Store) -> None:
    with pytest.raises(UserError, match="--domain NAME@VERSION"):
        run(_recipe(family(), domain="", instruct=""), store)


def test_a_role_that_no_model_has_is_named(family: Any, store: Store) -> None:
    with pytest.raises(UserError, match="tokenizer names 'chat'; merged are: base, domain, instruct"):
        run(_recipe(family(), tokenizer="chat"), store)


def test_any_number_of_models_is_merged_by_roles_of_their_own(family: Any, store: Store) -> None:
    """Two vectors with the weights 1 and -1 cancel: what is left is the base, in every bit."""
    root = family()
    sources = {"boj": str(root / "domain"), "filings": str(root / "domain")}
    recipe = _recipe(root, domain="", instruct="", models=sources, options={"weights": {"filings": -1}})
    made = run(recipe, store)
    merged = load_file(store.path(made.ref) / "model.safetensors")
    wanted = load_file(root / "base" / "model.safetensors")
    assert all(torch.equal(value, wanted[name].float()) for name, value in merged.items())
    card = store.card(made.ref)
    assert [ref.name for ref in card.made_from] == ["local:base", "local:domain", "local:domain"]
    assert set(card.recipe["models"]) == {"boj", "filings"}


def test_a_vector_stands_for_the_model_it_was_taken_from(family: Any, store: Store) -> None:
    """Kept in float32 it gives the same merged model, in every bit."""
    root = family()
    vector = run(_recipe(root, name="vector", instruct="", output="vector"), store)
    by_vector = run(_recipe(root, domain=str(vector.ref), dtype="bfloat16"), store)
    by_model = run(_recipe(root, name="other", dtype="bfloat16"), store)
    files = [store.path(made.ref) / "model.safetensors" for made in (by_vector, by_model)]
    assert files[0].read_bytes() == files[1].read_bytes()
    told = "taken from a base with the digest"
    assert told not in (files[0].parent / "merge.json").read_text(encoding="utf-8")
    onto = run(_recipe(root, name="onto", base=str(root / "instruct"), domain=str(vector.ref)), store)
    assert told in (store.path(onto.ref) / "merge.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["merge/recipes/instruct.yaml", "sample/recipes/merge-sample.yaml"])
def test_the_recipes_of_the_house_are_valid(root: Path, path: str) -> None:
    assert read_recipe(root / path, MergeRecipe).merger == "task_arithmetic"


def test_what_was_decided_is_told_and_the_base_may_be_named_on_the_command_line_alone(
    family: Any, store: Store, tmp_path: Path
) -> None:
    root = family(added=["<|im_start|>"])
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: merged\nversion: 2026.11.21\n", encoding="utf-8")
    arguments = [str(recipe), "--store", str(store.root), "--instruct", str(root / "instruct")]
    assert "no base is named; the model that the others descend from; add --base" in (
        CliRunner().invoke(main, arguments).output
    )
    done = CliRunner().invoke(main, [*arguments, "--base", str(root / "base")])
    assert "1 token that the base lacks got the rows of the instruct model: '<|im_start|>'." in done.output
