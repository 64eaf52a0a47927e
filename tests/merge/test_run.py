"""A merge recipe becomes a checkpoint version that says what it was made from."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
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
        run(_recipe(root, options={"domain_weight": 0.5}), store)


def test_an_option_that_the_method_lacks_is_named(family: Any, store: Store) -> None:
    with pytest.raises(UserError, match=r"task_arithmetic: unknown key 'lambda'.*domain_weight"):
        run(_recipe(family(), options={"lambda": 1}), store)


def test_a_method_that_does_not_exist_is_answered_with_those_that_do(family: Any, store: Store) -> None:
    with pytest.raises(UserError, match=r"no plug-in named 'tias'.*linear, task_arithmetic"):
        run(_recipe(family(), merger="tias"), store)


def test_differing_tokens_are_named(family: Any, store: Store) -> None:
    root = family()
    path = root / "domain" / "tokenizer.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["added_tokens"].append({**data["added_tokens"][0], "id": 299, "content": "<financial>"})
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match=r"the domain model: its vocabulary differs.*'<financial>'"):
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


def test_no_domain_is_asked_for(family: Any, store: Store) -> None:
    with pytest.raises(UserError, match="--domain NAME@VERSION"):
        run(_recipe(family(), domain=""), store)


@pytest.mark.parametrize("path", ["merge/recipes/instruct.yaml", "sample/recipes/merge-sample.yaml"])
def test_the_recipes_of_the_house_are_valid(root: Path, path: str) -> None:
    assert read_recipe(root / path, MergeRecipe).merger == "task_arithmetic"
