"""The documents behind a step are found again, of a finished run and of one that stopped, from versions alone."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from train.data.schedule import Schedule
from train.data.tokens import Tokens, read_tokens, tokenize
from train.recipe import TrainRecipe
from train.run import train_data
from train.watch.again import asked_for, batches
from train.watch.cli import command
from train.watch.rows import highest, row_losses, step_rows

Ask = Callable[..., TrainRecipe]
STEP = 3
TEXTS = ["日本銀行は、物価の安定を図るため、金融政策を決める。" * (i % 7 + 1) for i in range(40)]


@pytest.fixture
def corpus(store: Store) -> Ref:
    """Return a dataset version whose rows say everything of themselves, the last one more than it should."""
    ids = [f"d{i:02}" for i in range(40)]
    texts = [*TEXTS[:-1], "一行目\x1b[31m赤\n二行目"]
    columns = {"id": ids, "text": texts, "source": ["boj", "edinet"] * 20, "license": ["PDL-1.0"] * 40,
               "url": [f"https://example.invalid/{one}" for one in ids]}  # fmt: skip
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        pq.write_table(pa.table(columns), draft.path / "markdown" / "train-00000.parquet", row_group_size=7)
    return store.resolve("words@2026.11.21")


class _StoppedError(Exception):
    """A run that was killed."""


def _run(store: Store, recipe: TrainRecipe, corpus: Ref, base: Path, *, stop: bool) -> Tokens:
    """Leave what a run leaves that trained ``STEP`` steps and lost most in the second row of the last, without training."""
    asked = {**recipe.model_dump(mode="json"), "base": "local:tiny@0"}
    inputs = [Ref(name="local:tiny", version="0"), corpus]
    with store.write(name=recipe.name, version=recipe.version, kind="checkpoint", recipe=asked, made_from=inputs) as draft:  # fmt: skip
        tokenize(base, train_data(recipe, [corpus], store)[0], draft.work)
        tokens = read_tokens(draft.work)
        rows = _schedule(tokens, recipe).rows(STEP - 1)
        losses = (rows.targets() * np.array([2.0, 9.5, 2.5, 2.25])).tolist()
        for name, line in (
            ("rows", {"losses": losses}),
            ("loss", {"loss": 4.0, "lr": 1e-5, "grad_norm": 1.5}),
        ):
            (draft.path / f"{name}.jsonl").write_text(
                json.dumps({"step": STEP, **line}) + "\n", encoding="utf-8"
            )
        if stop:
            raise _StoppedError
        for path in base.glob("*.json"):
            shutil.copyfile(path, draft.path / path.name)
    return tokens


def _schedule(tokens: Tokens, recipe: TrainRecipe) -> Schedule:
    options = recipe.options
    return Schedule.make(
        tokens, width=options["sequence_length"], rows_per_step=options["rows_per_step"], epochs=options["epochs"],
        seed=recipe.seed,
    )  # fmt: skip


def _asked(store: Store, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--store", str(store.root)])


@pytest.mark.parametrize("stop", [False, True])
def test_a_step_of_a_finished_and_of_a_stopped_run_names_its_documents(
    ask: Ask, base: Path, corpus: Ref, store: Store, stop: bool
) -> None:
    recipe = ask(seed=5)
    if stop:
        with pytest.raises(_StoppedError):
            _run(store, recipe, corpus, base, stop=True)
    else:
        _run(store, recipe, corpus, base, stop=False)
    with batches(store, asked_for(store, "trained@2026.11.21")) as (tokens, schedule):
        rows = schedule.rows(STEP - 1)
        expected = [
            document.id for document in tokens.documents(rows.document[rows.starts[1] : rows.starts[2]])
        ]
    done = _asked(store, "trained@2026.11.21", str(STEP))
    assert done.exit_code == 0, done.output
    head, first = done.output.splitlines()[:2]
    assert head == "step 3 of trained@2026.11.21: loss 4, rate 1e-05, gradient norm 1.5, 4 rows"
    assert first.startswith("row 2: loss 9.5000, ")
    told = done.output.split("row ")[1]
    assert {line.split()[0] for line in told.splitlines()[1:] if line.startswith("  d")} == set(expected)
    assert f"  {expected[0]}  markdown  " in told
    assert f"PDL-1.0  https://example.invalid/{expected[0]}\n    日本銀行は" in told
    few = _asked(store, "trained@2026.11.21", str(STEP), "--rows", "1")
    assert few.output.count("row 2: ") == 1
    assert "row 1: " not in few.output


def test_rows_hold_every_token_of_a_step_and_the_beginnings_of_their_documents(
    ask: Ask, base: Path, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    """Over an epoch the pieces are all tokens of all documents, each once."""
    recipe = ask(options={"epochs": 1})
    tokenize(base, train_data(recipe, [corpus], store)[0], tmp_path)
    tokens = read_tokens(tmp_path)
    schedule = _schedule(tokens, recipe)
    held: dict[str, list[tuple[int, int]]] = {}
    texts = dict(zip((f"d{i:02}" for i in range(39)), TEXTS, strict=False))
    for step in range(schedule.steps):
        for row in step_rows(tokens, schedule.rows(step), None):
            assert math.isnan(row.loss)
            assert row.tokens == sum(piece.tokens for piece in row.pieces) <= 64
            for piece in row.pieces:
                held.setdefault(piece.id, []).append((piece.begin, piece.tokens))
                assert piece.corpus == str(corpus)
                assert piece.file == "markdown/train-00000.parquet"
                assert piece.id == f"d{piece.row:02}"
                if piece.id in texts:
                    assert texts[piece.id].startswith(piece.text)
    assert len(held) == 40
    for parts in held.values():
        ends = [begin + n for begin, n in sorted(parts)]
        assert [begin for begin, _ in sorted(parts)] == [0, *ends[:-1]]
    whole = step_rows(tokens, schedule.rows(0), None, chosen=[1], whole=True)
    assert [row.number for row in whole] == [2]
    assert all(texts.get(piece.id, piece.text) == piece.text for piece in whole[0].pieces)


def test_text_is_whole_and_steers_no_terminal(ask: Ask, base: Path, corpus: Ref, store: Store) -> None:
    _run(store, ask(options={"rows_per_step": 4, "sequence_length": 128}), corpus, base, stop=False)
    found = ""
    for step in range(1, 60):
        done = _asked(store, "trained@2026.11.21", str(step), "--text")
        if done.exit_code:
            break
        found += done.output
    assert "has no step" in done.output
    assert "\x1b" not in found
    assert "    一行目\ufffd[31m赤\n    二行目\n" in found
    assert f"    {TEXTS[6]}\n" in found


def test_the_highest_losses_come_first_and_what_is_no_number_before_them() -> None:
    assert highest([2.0, math.nan, 9.0, 2.0], 3) == [1, 2, 0]
    assert highest([], 3) == []


def test_losses_are_per_token_and_of_a_part_of_them_none_is_told(
    ask: Ask, base: Path, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    recipe = ask()
    tokenize(base, train_data(recipe, [corpus], store)[0], tmp_path)
    rows = _schedule(read_tokens(tmp_path), recipe).rows(0)
    sums = (rows.targets() * 2.0).tolist()
    assert row_losses(rows, sums) == pytest.approx([2.0] * len(rows))
    assert all(math.isnan(loss) for loss in row_losses(rows, sums[:-1]))


def test_what_has_no_steps_is_refused(ask: Ask, base: Path, corpus: Ref, store: Store) -> None:
    assert "is a version of kind 'dataset'" in _asked(store, str(corpus), "1").output
    assert "no version 'nobody'" in _asked(store, "nobody", "1").output
    merged: dict[str, Any] = {"merger": "task_arithmetic"}
    with store.write(name="merged", version="2026.11.22", kind="checkpoint", recipe=merged) as draft:
        (draft.path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"merged@2026\.11\.22: was not trained by causal_lm"):
        asked_for(store, "merged")
    _run(store, ask(), corpus, base, stop=False)
    assert "has no step 999; its steps are 1 to" in _asked(store, "trained", "999").output
