"""A run measures what it holds out, leaves out the steps it is told to, and records what it has read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.trained import Training, read_training
from tests.train.conftest import SENTENCES, loss_alone
from train.inputs import Inputs
from train.recipe import TrainRecipe
from train.run import run
from train.watch.again import asked_for, batches

Ask = Callable[..., TrainRecipe]
DAY = "2026.11.21"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with a version of two sources, and one of other text."""
    store = Store(tmp_path_factory.mktemp("watched") / "store")
    texts = ["".join(SENTENCES[i % 5] for i in range(n, n + n % 7 + 1)) for n in range(60)]
    versions = {
        "mixed": [(f"m{i}", text, "boj" if i % 3 else "edinet", f"https://example.jp/{i // 2}") for i, text in enumerate(texts)],
        "other": [(f"o{i}", f"朝は{i}時に起きて、散歩をした。", "stories", "") for i in range(20)],
        "third": [(f"t{i}", f"夜は{i}時に寝て、夢を見た。", "stories", "") for i in range(20)],
    }  # fmt: skip
    for name, rows in versions.items():
        with store.write(name=name, version=DAY, kind="dataset", recipe={}) as draft:
            (draft.path / "markdown").mkdir()
            columns = dict(
                zip(("id", "text", "source", "url"), map(list, zip(*rows, strict=True)), strict=True)
            )
            pq.write_table(pa.table(columns), draft.path / "markdown" / "train-00000.parquet")
    return store


def _lines(store: Store, ref: Ref, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (store.path(ref) / name).read_text(encoding="utf-8").splitlines()]


def _training(store: Store, ref: Ref) -> Training:
    found = read_training(store.path(ref))
    assert found
    return found


@pytest.fixture(scope="module")
def held(world: Store, base: Path) -> Ref:
    """Return a version trained with pages held out, other text measured and replayed text read."""
    asked = {
        "name": "held", "version": DAY, "base": str(base), "validation": {"share": 0.25, "every": 20}, "replay": {"share": 0.2},
        "mixture": [{"where": {"source": "edinet"}, "times": 2.5}],
        "options": {"sequence_length": 64, "rows_per_step": 4, "rows_per_device": 2, "epochs": 2, "learning_rate": 3e-3,
                    "precision": "fp32", "vector": "bf16", "trackers": ["tensorboard"]},
    }  # fmt: skip
    inputs = Inputs([f"mixed@{DAY}"], replay=[f"other@{DAY}"], validate=[f"third@{DAY}"])
    return run(TrainRecipe.model_validate(asked), inputs, world).ref


def test_held_out_text_is_measured_before_between_and_after(world: Store, held: Ref) -> None:
    lines = _lines(world, held, "validation.jsonl")
    steps = world.card(held).counts["steps"]
    assert [line["step"] for line in lines] == [0, *range(20, steps, 20), steps]
    assert set(lines[0]["losses"]) == {"boj", "edinet", "stories", f"third@{DAY}: stories"}
    assert all(lines[-1]["losses"][name] < lines[0]["losses"][name] for name in ("boj", "edinet"))
    told = {one.label: one for one in _training(world, held).held_out}
    assert told["boj"].before == lines[0]["losses"]["boj"]
    assert told["boj"].after == lines[-1]["losses"]["boj"]
    assert [one.measured_only for one in told.values()].count(True) == 1


def test_the_loss_of_a_source_is_that_of_its_documents_alone(world: Store, held: Ref, base: Path) -> None:
    """The first line against transformers on each document of the version that is measured whole."""
    path = world.path(Ref(name="third", version=DAY)) / "markdown/train-00000.parquet"
    alone, n = loss_alone(base, pq.read_table(path)["text"].to_pylist(), 64)
    first = _lines(world, held, "validation.jsonl")[0]
    assert first["losses"][f"third@{DAY}: stories"] == pytest.approx(alone, rel=1e-5)
    assert first["tokens"][f"third@{DAY}: stories"] == n


def test_the_record_counts_every_token_by_source_and_keeps_the_shares(world: Store, held: Ref) -> None:
    training, card = _training(world, held), world.card(held)
    assert sum(one.tokens for one in training.seen) == card.counts["tokens_seen"]
    tokens = {one.source: one.tokens for one in training.seen}
    documents = {one.source: one.documents for one in training.seen}
    assert tokens["stories"] / card.counts["tokens_seen"] == pytest.approx(0.2, abs=0.03)
    assert documents["edinet"] + documents["boj"] == 60 - card.drops["held_out"] + (20 - documents["stories"])
    assert [one.role for one in training.inputs] == ["corpus", "replay", "validate"]
    assert training.base == card.made_from[0]
    assert len(training.tokenizer) == 64
    assert [one.number for one in training.processes] == [1]
    assert not list(world.path(held).rglob("events.out*"))
    assert list((world.root / ".runs" / str(held)).rglob("events.out*"))


def _step_documents(store: Store, ref: Ref, step: int) -> list[int]:
    """Return the numbers of the documents behind a step (from 1)."""
    with batches(store, asked_for(store, str(ref))) as (_, schedule):
        return [int(number) for number in schedule.rows(step - 1).document]


def test_no_page_is_both_held_out_and_trained_on(world: Store, held: Ref) -> None:
    """Two documents share each address: one that is measured has none of its page in any step."""
    with batches(world, asked_for(world, str(held))) as (tokens, schedule):
        rows = [schedule.rows(step) for step in range(schedule.steps)]
        trained = {int(number) for one in rows for number in one.document}
        measured = {int(number) for number in np.flatnonzero(tokens.held)}
        of_corpus = [file.corpus for file in tokens.files].index(f"mixed@{DAY}")
        first = int(tokens.starts[of_corpus])
    assert not trained & measured
    pages = [{(n - first) // 2 for n in some if first <= n < first + 60} for some in (trained, measured)]
    assert pages[1]
    assert not pages[0] & pages[1]
    assert world.card(held).drops["held_out"] > 0
    assert world.card(held).recipe["inputs"]["validate"] == [f"third@{DAY}"]


def test_the_vector_beside_the_weights_is_what_was_learned(world: Store, held: Ref, base: Path) -> None:
    after, before = load_file(world.path(held) / "model.safetensors"), load_file(base / "model.safetensors")
    vector = load_file(world.path(held) / "vector" / "model.safetensors")
    for name, value in vector.items():
        assert torch.equal(value, (after[name] - before[name].float()).bfloat16())


def test_a_step_that_is_left_out_is_measured_and_not_learned(ask: Ask, world: Store) -> None:
    options = {"max_steps": 4, "epochs": 1}
    plain = run(ask(name="plain", options=options), [f"mixed@{DAY}"], world).ref
    without = run(ask(name="without", options=options), [f"mixed@{DAY}"], world, skipped=[2]).ref
    one, other = (_lines(world, ref, "loss.jsonl") for ref in (plain, without))
    assert [line["batch"] for line in one] == [
        line["batch"] for line in other
    ]  # the same rows in the same order
    assert one[1]["loss"] == pytest.approx(other[1]["loss"], rel=1e-6)
    assert (other[1]["grad_norm"], other[1]["update_norm"]) == (0.0, 0.0)
    assert one[2]["loss"] != other[2]["loss"]
    assert _training(world, without).skipped == (2,)
    lost = _lines(world, without, "rows.jsonl")[1]["groups"]
    seen = {
        side: sum(one.tokens for one in _training(world, ref).seen)
        for side, ref in (("all", plain), ("less", without))
    }
    assert seen["all"] - seen["less"] == sum(lost.values())
    by_step = [set(_step_documents(world, plain, step)) for step in range(1, 5)]
    told = [sum(one.documents for one in _training(world, ref).seen) for ref in (plain, without)]
    assert told == [len(set.union(*by_step)), len(set.union(by_step[0], *by_step[2:]))]  # of 60
    with pytest.raises(UserError, match=r"--skip-step: 9; the run has 4 steps"):
        run(ask(name="late", options=options), [f"mixed@{DAY}"], world, skipped=[9])


def test_a_tenth_is_a_version_of_its_own_and_a_part_of_a_half(ask: Ask, world: Store) -> None:
    recipe = ask(options={"max_steps": 1, "epochs": 1})
    assert recipe.of_fraction(0.1).name == "trained-10pct"
    assert recipe.of_fraction(0.005).name == "trained-0.5pct"
    made = run(recipe.of_fraction(0.3), [f"mixed@{DAY}"], world).ref
    card = world.card(made)
    assert card.counts["documents"] + card.drops["fraction"] == 60
    assert 0 < card.counts["documents"] < 40


def test_a_version_has_one_role(ask: Ask, world: Store) -> None:
    with pytest.raises(UserError, match=r"other@2026\.11\.21: is given 2 times; each version has one role"):
        run(ask(), Inputs([f"mixed@{DAY}"], replay=[f"other@{DAY}"], validate=[f"other@{DAY}"]), world)
