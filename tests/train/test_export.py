"""What a training leaves: weights in a format, and its difference from the base, which a merge takes."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from datacards.card import Ref
from datacards.checkpoints import digest_of, resolve_checkpoint
from datacards.errors import UserError
from datacards.store import Store
from merge.recipe import MergeRecipe
from merge.run import run as merge
from train.recipe import TrainRecipe
from train.run import run
from train.trainers.causal_lm import CausalLM
from train.trainers.export import check, export
from train.trainers.stored import Sink

Ask = Callable[..., TrainRecipe]


def _weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def _correlation(one: dict[str, Tensor], two: dict[str, Tensor]) -> float:
    flat = [torch.cat([part[name].double().flatten() for name in sorted(one)]).numpy() for part in (one, two)]
    return float(np.corrcoef(*flat)[0, 1])


def test_at_small_rates_bf16_weights_lose_what_a_bf16_vector_keeps(
    ask: Ask, base: Path, corpus: Ref, store: Store
) -> None:
    """A step of 5e-7 is far below what a bfloat16 weight can hold; the difference by itself is not."""
    usual = {"learning_rate": 5e-7, "max_steps": 20}
    exact = run(ask(options=usual), [str(corpus)], store)
    rounded = run(
        ask(name="rounded", options={**usual, "weights": "bf16", "vector": "bf16"}), [str(corpus)], store
    )
    assert store.verify(rounded.ref) == []
    begun, masters = _weights(base), _weights(store.path(exact.ref))
    true = {name: value.double() - begun[name].double() for name, value in masters.items()}
    stored, vector = (_weights(store.path(rounded.ref) / part) for part in ("", "vector"))
    assert all(torch.equal(stored[name], value.bfloat16()) for name, value in masters.items())
    told = json.loads((store.path(rounded.ref) / "config.json").read_bytes())
    assert told["dtype"] == "bfloat16"
    before = {name: value.bfloat16() for name, value in begun.items()}
    lossy = {name: stored[name].double() - before[name].double() for name in stored}
    assert _correlation(lossy, true) < 0.7
    assert _correlation(vector, true) > 0.9999


@pytest.mark.parametrize("format_", ["fp32", "bf16"])
def test_merging_the_vector_is_merging_the_model_within_its_rounding(
    ask: Ask, base: Path, corpus: Ref, store: Store, format_: str
) -> None:
    options = {"max_steps": 3, "vector": format_, "learning_rate": 1e-4}
    ref = run(ask(options=options), [str(corpus)], store).ref
    with safe_open(store.path(ref) / "vector" / "model.safetensors", "pt") as file:
        said = file.metadata()
    assert said == {"format": "pt", "kanagura": "task_vector", "base": digest_of(base)}
    usual = {"version": "2026.11.21", "base": str(base), "dtype": "float32"}
    whole = MergeRecipe(name="whole", domain=str(ref), **usual)
    parts = MergeRecipe(name="parts", domain=f"{ref}/vector", **usual)
    a, b = (store.path(merge(recipe, store).ref) for recipe in (whole, parts))
    one, two, begun = _weights(a), _weights(b), _weights(base)
    for name, value in one.items():
        bound = 2.0**-8 if format_ == "bf16" else 2.0**-23
        room = (value - begun[name]).abs() * bound + value.abs() * 2.0**-23
        assert bool(((two[name] - value).abs() <= room).all()), name
    card = store.card(Ref(name="parts", version="2026.11.21"))
    assert card.recipe["domain"] == f"{ref}/vector"
    assert card.made_from[1] == ref


def test_a_part_that_is_not_there_is_told(ask: Ask, base: Path, corpus: Ref, store: Store) -> None:
    ref = run(ask(options={"max_steps": 1}), [str(corpus)], store).ref
    with pytest.raises(UserError, match=r"trained@2026\.11\.21 alone, which keeps no vector"):
        resolve_checkpoint(store, f"{ref}/vector")
    with pytest.raises(UserError, match="is no part of a checkpoint"):
        resolve_checkpoint(store, f"{ref}/../other")


def test_a_vector_is_no_base_to_train_on(ask: Ask, corpus: Ref, store: Store) -> None:
    ref = run(ask(options={"max_steps": 1, "vector": "bf16"}), [str(corpus)], store).ref
    with pytest.raises(UserError, match="is a task vector; a whole model is needed"):
        run(ask(name="further", base=f"{ref}/vector"), [str(corpus)], store)


def test_large_models_are_cut_into_files_that_an_index_finds(base: Path, tmp_path: Path) -> None:
    """Each tensor is written by itself, whatever the order they come in."""
    weights = _weights(base)
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    with Sink(tmp_path, shapes, "fp32", {"said": "so"}, shard=40_000) as sink:
        for name in sorted(weights, reverse=True):
            sink.write(name, weights[name])
    found = {
        name: value for path in tmp_path.glob("*.safetensors") for name, value in load_file(path).items()
    }
    assert found.keys() == weights.keys()
    assert all(torch.equal(value, weights[name]) for name, value in found.items())
    index = json.loads((tmp_path / "model.safetensors.index.json").read_bytes())
    assert set(index["weight_map"]) == set(weights)
    assert len(set(index["weight_map"].values())) == len(list(tmp_path.glob("*.safetensors"))) > 2


def test_a_tensor_that_was_never_written_is_no_result(base: Path, tmp_path: Path) -> None:
    weights = _weights(base)
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    first = dict(list(weights.items())[:3])
    with pytest.raises(ValueError, match="never written"):
        export(first.items(), shapes, base, tmp_path, weights="fp32", vector=None)


def test_names_that_the_base_does_not_store_are_told_before_training(base: Path, tmp_path: Path) -> None:
    shapes = {name: tuple(value.shape) for name, value in _weights(base).items()}
    strange = tmp_path / "strange"
    strange.mkdir()
    save_file(
        {f"other.{name}": value for name, value in _weights(base).items()}, strange / "model.safetensors"
    )
    check(CausalLM(), strange, shapes)
    with pytest.raises(UserError, match=r"the base does not store .* as it is trained"):
        check(CausalLM(vector="bf16"), strange, shapes)
