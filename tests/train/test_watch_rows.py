"""The documents behind a step are found again, of a finished run and of one that stopped, from versions alone."""

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.trained import Input, Training, write_training
from train.data.schedule import Schedule
from train.data.tokens import Tokens, read_tokens, tokenize
from train.inputs import Inputs
from train.recipe import TrainRecipe
from train.watch.again import asked_for
from train.watch.cli import command
from train.watch.rows import highest, row_losses, step_rows
from train.watch.spikes import Watcher, stopped

STEP = 3
FINISHED, STOPPED = "finished@2026.11.22", "stopped@2026.11.22"
TEXTS = ["日本銀行は、物価の安定を図るため、金融政策を決める。" * (i % 7 + 1) for i in range(40)]
OPTIONS = {"sequence_length": 64, "rows_per_step": 4, "rows_per_device": 2, "epochs": 2, "precision": "fp32"}


class _Line(NamedTuple):
    step: int
    loss: float
    lr: float
    grad_norm: float
    update_norm: float


class _StoppedError(Exception):
    """A run that was killed."""


def _recipe(label: str) -> TrainRecipe:
    name, _, version = label.partition("@")
    given = {"name": name, "version": version, "base": "./tiny", "options": OPTIONS, "seed": 5}
    return TrainRecipe.model_validate(given)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Store:
    """Return a store with a corpus, a run on it that has finished, and one that stopped."""
    made = Store(tmp_path_factory.mktemp("steps") / "store")
    ids = [f"d{i:02}" for i in range(40)]
    texts = [*TEXTS[:-1], "一行目\x1b[31m赤\n二行目"]
    columns = {"id": ids, "text": texts, "source": ["boj", "edinet"] * 20, "license": ["PDL-1.0"] * 40,
               "url": [f"https://example.invalid/{one}" for one in ids]}  # fmt: skip
    with made.write(name="words", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        path = draft.path / "markdown" / "train-00000.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=7)
    with made.write(name="asked", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "qa").mkdir()  # of a monitor, not of the training
        pq.write_table(pa.table({"id": ["q"], "text": ["問い"]}), draft.path / "qa" / "train-00000.parquet")
    _run(made, FINISHED, base, stop=False)
    with pytest.raises(_StoppedError):
        _run(made, STOPPED, base, stop=True)
    return made


def _run(store: Store, label: str, base: Path, *, stop: bool) -> None:
    """Leave what a run leaves whose step ``STEP`` was worst in its second row, without training."""
    recipe, corpus = _recipe(label), store.resolve("words")
    asked = {**recipe.model_dump(mode="json"), "base": "local:tiny@0"}
    inputs = [Ref(name="local:tiny", version="0"), corpus, store.resolve("asked")]
    with store.write(
        name=recipe.name, version=recipe.version, kind="checkpoint", recipe=asked, made_from=inputs
    ) as draft:
        _, schedule = _scheduled(store, base, draft.work)
        losses = (schedule.rows(STEP - 1).targets() * np.array([2.0, 9.5, 2.5, 2.25])).tolist()
        for name, line in (
            ("rows", {"losses": losses}),
            ("loss", {"loss": 4.0, "lr": 1e-5, "grad_norm": 1.5}),
        ):
            text = json.dumps({"step": STEP, **line}) + "\n"
            (draft.path / f"{name}.jsonl").write_text(text, encoding="utf-8")
        if stop:
            raise _StoppedError
        write_training(draft.path, Training(inputs=(Input(ref=corpus),)))
        for path in base.glob("*.json"):
            shutil.copyfile(path, draft.path / path.name)


def _scheduled(store: Store, base: Path, work: Path, *, epochs: int = 2) -> tuple[Tokens, Schedule]:
    """Return the tokens of the corpus and the order in which the runs read them."""
    given = Inputs(["words@2026.11.21"]).verified(store)
    tokenize(base, given.data(_recipe(FINISHED), store)[0], work)
    tokens = read_tokens(work)
    return tokens, Schedule.make(tokens, width=64, rows_per_step=4, epochs=epochs, seed=5)


def _asked(store: Store, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--store", str(store.root)])


@pytest.mark.parametrize("label", [FINISHED, STOPPED])
def test_a_step_of_a_finished_and_of_a_stopped_run_names_its_documents(
    base: Path, store: Store, tmp_path: Path, label: str
) -> None:
    _, schedule = _scheduled(store, base, tmp_path)
    rows = schedule.rows(STEP - 1)
    # The corpus is one file, whose row n is the document dn.
    ids = [f"d{row:02}" for row in rows.document[rows.starts[1] : rows.starts[2]].tolist()]
    done = _asked(store, label, str(STEP))
    assert done.exit_code == 0, done.output
    head, first = done.output.splitlines()[:2]
    assert head == f"step 3 of {label}: loss 4, rate 1e-05, gradient norm 1.5, 4 rows"
    assert first.startswith("row 2: loss 9.5000, ")
    told = done.output.split("row ")[1]
    assert {line.split()[0] for line in told.splitlines()[1:] if line.startswith("  d")} == set(ids)
    source = "boj" if int(ids[0][1:]) % 2 == 0 else "edinet"
    assert f"  {ids[0]} · markdown · {source} · " in told
    assert f" · PDL-1.0 · https://example.invalid/{ids[0]}\n    日本銀行は" in told
    few = _asked(store, label, str(STEP), "--rows", "1")
    assert few.output.count("row 2: ") == 1
    assert "row 1: " not in few.output


def test_rows_hold_every_token_of_a_step_and_the_beginnings_of_their_documents(
    base: Path, store: Store, tmp_path: Path
) -> None:
    """Over an epoch the pieces are all tokens of all documents, each once."""
    tokens, schedule = _scheduled(store, base, tmp_path, epochs=1)
    held: dict[str, list[tuple[int, int]]] = {}
    texts = dict(zip((f"d{i:02}" for i in range(39)), TEXTS, strict=False))
    for step in range(schedule.steps):
        for row in step_rows(tokens, schedule.rows(step), None):
            assert math.isnan(row.loss)
            assert row.tokens == sum(piece.tokens for piece in row.pieces) <= 64
            for piece in row.pieces:
                held.setdefault(piece.id, []).append((piece.begin, piece.tokens))
                assert piece.corpus == "words@2026.11.21"
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


def test_text_is_whole_and_steers_no_terminal(base: Path, store: Store, tmp_path: Path) -> None:
    _, schedule = _scheduled(store, base, tmp_path)
    where = [
        step for step in range(schedule.steps) for wanted in (6, 39) if wanted in schedule.rows(step).document
    ]
    found = "".join(_asked(store, FINISHED, str(step + 1), "--text").output for step in {*where[:6]})
    assert "\x1b" not in found
    assert "    一行目\ufffd[31m赤\n    二行目\n" in found
    assert f"    {TEXTS[6]}\n" in found


def test_the_highest_losses_come_first_and_what_is_no_number_before_them() -> None:
    assert highest([2.0, math.nan, 9.0, 2.0], 3) == [1, 2, 0]
    assert highest([], 3) == []


def test_losses_are_per_token_and_of_a_part_of_them_none_is_told(
    base: Path, store: Store, tmp_path: Path
) -> None:
    tokens, schedule = _scheduled(store, base, tmp_path)
    rows = schedule.rows(0)
    sums = (rows.targets() * 2.0).tolist()
    assert row_losses(rows, sums) == pytest.approx([2.0] * rows.n)
    assert all(math.isnan(loss) for loss in row_losses(rows, sums[:-1]))
    sums[1], sums[2] = math.nan, 9 * sums[2]
    verdict = Watcher(None).see(_Line(7, math.nan, 1e-5, 1.0, 1e-3))
    assert verdict
    message = stopped(
        verdict, step_rows(tokens, rows, sums, chosen=highest(row_losses(rows, sums), 2)), FINISHED
    ).message
    assert re.search(
        r"step 7: the loss is nan; .*highest losses: loss nan: d\d\d \((boj|edinet)\).*; loss 18: d\d\d ",
        message,
    )


def test_what_has_no_such_step_is_refused(store: Store) -> None:
    assert "is a version of kind 'dataset'" in _asked(store, "words@2026.11.21", "1").output
    assert "no version 'nobody'" in _asked(store, "nobody", "1").output
    name = STOPPED.partition("@")[0]
    assert f"{name}: has no finished version; runs that stopped: {STOPPED}" in _asked(store, name, "1").output
    assert "has no step 999; its steps are 1 to" in _asked(store, "finished", "999").output
    merged: dict[str, Any] = {"merger": "task_arithmetic"}
    with store.write(name="merged", version="2026.11.22", kind="checkpoint", recipe=merged) as draft:
        (draft.path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"merged@2026\.11\.22: was not trained by causal_lm"):
        asked_for(store, "merged")
