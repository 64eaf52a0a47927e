"""One vector for each source: kept, added in any subset, taken out again, and told apart in every card."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from datacards.card import Rights
from datacards.checkpoints import check_whole
from datacards.errors import UserError
from datacards.lineage.asked import asked
from datacards.lineage.back import backward
from datacards.lineage.text import text
from datacards.lineage.versions import graph
from datacards.recipe import read_recipe
from datacards.store import Store
from merge.recipe import MergeRecipe
from merge.run import run
from train.recipe import TrainRecipe
from train.run import run as train

DAY = "2026.11.21"
Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def halves(family: Any) -> Path:
    """Return a family whose weights are stored in bfloat16."""
    root: Path = family()
    return root


@pytest.fixture(scope="module")
def singles(family: Any) -> Path:
    """Return a family whose weights are stored in float32."""
    root: Path = family(dtype=torch.float32)
    return root


def _weights(folder: Path) -> Weights:
    return load_file(folder / "model.safetensors")


def _merge(store: Store, name: str, base: object, models: Mapping[str, object], **more: Any) -> Weights:
    named = {role: str(model) for role, model in models.items()}
    recipe = {"name": name, "version": DAY, "base": str(base), "models": named, "dtype": "float32", **more}
    return _weights(store.path(run(MergeRecipe.model_validate(recipe), store).ref))


def _vectors(store: Store, root: Path, dtype: str = "float32") -> dict[str, Weights]:
    """Keep what the two models of a family learned."""
    return {
        role: _merge(
            store, f"{role}-vector", root / "base", {role: root / other}, output="vector", dtype=dtype
        )
        for role, other in (("boj", "domain"), ("edinet", "instruct"))
    }


def _same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_vector_of_float32_and_the_base_give_the_model_to_the_bit(halves: Path, store: Store) -> None:
    _vectors(store, halves)
    for role, other in (("boj", "domain"), ("edinet", "instruct")):
        again = _merge(
            store, f"again-{role}", halves / "base", {role: f"{role}-vector@{DAY}"}, dtype="bfloat16"
        )
        assert _same(again, _weights(halves / other))


def test_float32_weights_come_back_to_the_bit_unless_they_all_but_vanished(
    singles: Path, store: Store, tmp_path: Path
) -> None:
    """Two numbers within a factor of two have an exact difference (Sterbenz); one near zero has lost digits to it."""
    far = shutil.copytree(singles / "domain", tmp_path / "far")
    torch.manual_seed(1)
    base = _weights(singles / "base")
    model = {
        name: torch.randn(value.shape) / 50 for name, value in base.items()
    }  # nothing of the base's digits
    save_file(model, far / "model.safetensors", metadata={"format": "pt"})
    _merge(store, "vector", singles / "base", {"far": far}, output="vector")
    again = _merge(store, "again", singles / "base", {"far": f"vector@{DAY}"})
    differ = n = 0
    for name, value in model.items():
        moved = (value - base[name]).abs()
        near = moved <= value.abs() / 2
        assert near.dim() == 1 or near.any()
        assert torch.equal(again[name][near], value[near])
        assert ((again[name] - value).abs() <= 2**-24 * (moved + value.abs())).all()
        differ, n = differ + int((again[name] != value).sum()), n + value.numel()
    assert 0 < differ < 0.5 * n


def test_a_vector_says_in_its_file_that_it_is_no_model(halves: Path, store: Store) -> None:
    vector = _vectors(store, halves)["boj"]
    folder = store.path(store.resolve("boj-vector"))
    with safe_open(folder / "model.safetensors", "np") as file:
        assert file.metadata()["kanagura"] == "task_vector"
    base, model = _weights(halves / "base"), _weights(halves / "domain")
    for name, value in vector.items():
        assert torch.equal(value, model[name].float() - base[name].float())
    with pytest.raises(UserError, match="the base model: is a task vector; a whole model"):
        _merge(store, "wrong", f"boj-vector@{DAY}", {"edinet": halves / "instruct"})
    with pytest.raises(
        UserError, match=r"boj-vector@2026\.11\.21: is a task vector; a whole model is needed"
    ):
        check_whole(f"boj-vector@{DAY}", folder)
    check_whole("base", halves / "base")


def test_a_source_that_is_left_out_is_not_there_to_the_bit(halves: Path, store: Store) -> None:
    """A subset of vectors is what one would have without the others; a weight of 0 leaves out as well."""
    _vectors(store, halves)
    names = {role: f"{role}-vector@{DAY}" for role in ("boj", "edinet")}
    both = _merge(store, "both", halves / "base", names)
    alone = _merge(store, "alone", halves / "base", {"edinet": names["edinet"]})
    zero = _merge(store, "zero", halves / "base", names, options={"weights": {"boj": 0.0}})
    assert _same(alone, zero)
    assert not _same(alone, both)
    assert _same({n: w.bfloat16() for n, w in alone.items()}, _weights(halves / "instruct"))


def test_subtraction_is_the_exact_difference_rounded_once(halves: Path, store: Store) -> None:
    vectors = _vectors(store, halves)
    names = {role: f"{role}-vector@{DAY}" for role in ("boj", "edinet")}
    for dtype in ("float32", "bfloat16"):
        both = _merge(store, f"both-{dtype}", halves / "base", names, dtype=dtype)
        less = _merge(
            store, f"less-{dtype}", f"both-{dtype}@{DAY}", {"boj": names["boj"]},
            options={"weights": {"boj": -1.0}},
        )  # fmt: skip
        alone = _merge(store, f"alone-{dtype}", halves / "base", {"edinet": names["edinet"]})
        for name, value in both.items():
            assert torch.equal(less[name], (value.double() - vectors["boj"][name].double()).float())
            # What is left of the source is the rounding of the stored sum.
            step = value.abs().max() * (2**-8 if dtype == "bfloat16" else 2**-23)
            assert (less[name] - alone[name]).abs().max() <= step


def test_a_vector_in_bfloat16_keeps_what_a_model_in_bfloat16_loses(singles: Path, store: Store) -> None:
    """The step of a stored weight of 0.02 is 1e-4; that of a difference of 1e-5 is 1e-7."""
    base, tiny = _weights(singles / "base"), {}
    vectors = _vectors(store, singles, dtype="bfloat16")
    small = _merge(
        store, "small", singles / "base", {"boj": f"boj-vector@{DAY}"}, options={"weights": {"boj": 0.01}}
    )
    for name, value in vectors["boj"].items():
        tiny[name] = float(
            (small[name] - base[name] - 0.01 * value.float()).norm() / (0.01 * value.float()).norm()
        )
    rounded = [
        float(((small[n].bfloat16().float() - small[n]).norm()) / (small[n] - base[n]).norm())
        for n in tiny if base[n].dim() == 2
    ]  # fmt: skip
    assert max(v for n, v in tiny.items() if base[n].dim() == 2) < 0.01
    assert min(rounded) > 1


def _corpus(store: Store) -> None:
    rows = [
        (f"{source}-{i}", source, license_, line * (i % 4 + 1))
        for source, license_, line in (
            ("boj_speeches", "BOJ-terms", "物価の安定が大切である。"),
            ("edinet", "PDL-1.0", "売上高は前期より増えた。"),
        )
        for i in range(24)
    ]
    ids, sources, licenses, texts = map(list, zip(*rows, strict=True))
    with store.write(name="fin", version=DAY, kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        table = pa.table({"id": ids, "source": sources, "license": licenses, "text": texts})
        pq.write_table(table, draft.path / "markdown" / "train-00000.parquet")
        draft.rights += [
            Rights(license=name, attribution="", redistribution=True, records=24)
            for name in ("BOJ-terms", "PDL-1.0")
        ]


def test_two_sources_from_training_to_a_merged_model_that_names_them(singles: Path, store: Store) -> None:
    _corpus(store)
    options = {
        "sequence_length": 64, "rows_per_step": 4, "rows_per_device": 4, "learning_rate": 3e-3, "precision": "fp32"
    }  # fmt: skip
    for role, source in (("boj", "boj_*"), ("edinet", "edinet")):
        recipe = {
            "name": f"{role}-cpt", "version": DAY, "base": str(singles / "base"), "only": {"source": source},
            "options": options,
        }  # fmt: skip
        train(TrainRecipe.model_validate(recipe), [f"fin@{DAY}"], store)
        _merge(store, f"{role}-vector", singles / "base", {"model": f"{role}-cpt@{DAY}"}, output="vector")
    names = {role: f"{role}-vector@{DAY}" for role in ("boj", "edinet")}
    _merge(store, "both", singles / "base", names)
    alone = _merge(store, "alone", singles / "base", {"edinet": names["edinet"]})
    card = store.card(store.resolve("alone"))
    assert [rights.license for rights in card.rights] == ["PDL-1.0"]
    assert {one.license for one in store.card(store.resolve("both")).rights} == {"BOJ-terms", "PDL-1.0"}
    model = _weights(store.path(store.resolve("edinet-cpt")))
    assert max(float((alone[name] - value).abs().max()) for name, value in model.items()) < 1e-8
    versions = graph(store)
    told = list(text(backward(store, versions, asked(store, versions, "both"))))
    for role, source in (("boj", "boj_*"), ("edinet", "edinet")):
        at = next(
            i for i, line in enumerate(told) if line.strip().startswith(f"{role}-vector@{DAY} checkpoint")
        )
        [trained] = [line for line in told if line.strip().startswith(f"{role}-cpt@{DAY}")]
        assert told.index(trained) > at
        assert trained.endswith(f", only source {source}")
    assert any(line.strip().startswith(f"fin@{DAY} dataset") for line in told)


@pytest.mark.parametrize("name", ["vector", "sources", "subtract"])
def test_the_recipes_of_the_house_are_valid(root: Path, name: str) -> None:
    recipe = read_recipe(root / f"merge/recipes/{name}.yaml", MergeRecipe)
    weights = recipe.options.get("weights", {})
    assert set(weights) <= set(recipe.checkpoints())
    assert recipe.output == ("vector" if name == "vector" else "model")


def test_the_recipe_that_trains_on_one_source_is_valid(root: Path) -> None:
    assert read_recipe(root / "train/recipes/source.yaml", TrainRecipe).only == {"source": ("boj_*",)}
