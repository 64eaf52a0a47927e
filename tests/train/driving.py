"""Drives engines without a corpus: fixed rows in, losses out; as a program, in one of several processes.

``python -m tests.train.driving PLAN`` with RANK and WORLD_SIZE in the environment takes the cases of a plan in turn.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from train.data.packing import IGNORE, Batch
from train.trainers.causal_lm import CausalLM
from train.trainers.engine import Engine
from train.trainers.state import save

ROWS, WIDTH, VOCABULARY = 4, 24, 101


@dataclass(frozen=True)
class Case:
    """Steps from the state ``begin`` or from the base up to ``until``; a state after each of ``saves``.

    What a state was restored to is at once saved again in ``restored`` in the folder of the case.
    """

    name: str
    base: str
    work: str
    options: dict[str, Any]
    until: int
    saves: tuple[int, ...] = ()
    begin: str | None = None

    @classmethod
    def make(cls, root: Path, name: str, until: int, *, begin: Path | None = None, **options: Any) -> "Case":
        """Return a case that works in a folder of its own in ``root``, where the base is, with small options."""
        saves = options.pop("saves", (2,))
        return cls(
            name,
            str(root / "base"),
            str(root / name),
            small(**options),
            until,
            saves,
            str(begin) if begin else None,
        )


@dataclass(frozen=True)
class Done:
    """What came of a case; the model that it ended with is in ``out`` in its folder."""

    first: int
    losses: list[float] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    grad_norms: list[float] = field(default_factory=list)
    update_norms: list[float] = field(default_factory=list)
    measured: list[float] = field(default_factory=list)
    unchanged: float = 0.0


def small(**changed: Any) -> dict[str, Any]:
    """Return small options; two turns of one row on two processes."""
    usual = {
        "sequence_length": WIDTH, "rows_per_step": ROWS, "rows_per_device": 1, "learning_rate": 3e-3, "precision": "fp32",
        "keep": 9, "weight_decay": 0.1,
    }  # fmt: skip
    return {**usual, **changed}


def rows_of(step: int) -> Batch:
    """Return the rows of a step (from 0): each holds two documents, none as long as another."""
    draw = np.random.default_rng(step)
    ids = draw.integers(0, VOCABULARY, (ROWS, WIDTH))
    positions, labels = np.zeros_like(ids), np.full_like(ids, IGNORE)
    for row in range(ROWS):
        cut = 5 + 4 * row
        positions[row] = np.r_[np.arange(cut), np.arange(WIDTH - cut)]
        labels[row, : cut - 1], labels[row, cut:-1] = ids[row, 1:cut], ids[row, cut + 1 :]
    begins = np.append(np.flatnonzero(positions.ravel() == 0), positions.size)
    return Batch(ids, positions, labels, begins.astype(np.int32))


def odd_model(folder: Path) -> None:
    """Write a model of which two processes can halve hardly a tensor, its input and output tied."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=33, intermediate_size=45, num_hidden_layers=1, head_dim=16,
        num_attention_heads=3, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def _part(whole: Batch, at: int, n: int) -> Batch:
    ids, positions, labels = (a[at : at + n] for a in (whole.input_ids, whole.position_ids, whole.labels))
    begins = np.append(np.flatnonzero(positions.ravel() == 0), positions.size)
    return Batch(ids, positions, labels, begins.astype(np.int32))


def drive(case: Case) -> Done:
    """Run a case and return what came of it."""
    work = Path(case.work)
    if case.begin and os.environ.get("RANK", "0") == "0":
        shutil.copytree(case.begin, work / "steps" / Path(case.begin).name)
    asked = CausalLM.model_validate(case.options).on(int(os.environ.get("WORLD_SIZE", "1")))
    engine = Engine(asked, Path(case.base), work)
    done = Done(engine.saved.step if engine.saved else 0, unchanged=engine.unchanged(5e-7))
    if engine.saved:
        save(engine, work / "restored", done.first)
    n = asked.rows_per_device
    for step in range(done.first, case.until):
        whole = rows_of(step)
        targets = int((whole.labels != IGNORE).sum())
        engine.begin(asked.learning_rate * (1 - step / 20), seed=step)
        for turn in range(asked.turns):
            engine.turn(_part(whole, (turn * engine.world + engine.rank) * n, n), targets)
        stepped = engine.finish()
        done.losses.append(float(stepped.losses.sum()) / targets)
        done.rows.append(stepped.losses.tolist())
        done.grad_norms.append(stepped.grad_norm)
        done.update_norms.append(stepped.update_norm)
        if step + 1 in case.saves:
            save(engine, work, step + 1, keep=asked.keep)
    if engine.is_first:
        (work / "out").mkdir(parents=True)
    engine.wait()
    engine.export(Path(case.base), work / "out")
    done.measured.extend(engine.measure(_part(rows_of(99), engine.rank * n, n)).tolist())
    return done


def together(cases: Sequence[Case], folder: Path, processes: int = 2) -> dict[str, Done]:
    """Run cases in turn in the same processes and return what came of each."""
    folder.mkdir()
    plan = folder / "plan.json"
    plan.write_text(json.dumps([asdict(case) for case in cases]), encoding="utf-8")
    # They have met already when accelerate asks where.
    places = {
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "1",
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore::FutureWarning", "-m", "tests.train.driving", str(plan)],
            env={**os.environ, **places, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=Path(__file__).resolve().parents[2],
        )
        for rank in range(processes)
    ]
    try:
        assert [process.wait(timeout=300) for process in started] == [0] * processes
    finally:
        for process in started:
            process.kill()
    return {case.name: Done(**json.loads((folder / f"{case.name}.json").read_bytes())) for case in cases}


def main(plan: Path) -> None:
    """Take the cases of a plan in turn and write what came of each beside it."""
    from train.trainers.worker import _stay_on_gloo

    _stay_on_gloo()
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{plan}.meet", rank=rank, world_size=world
    )
    for asked in json.loads(plan.read_bytes()):
        done = drive(Case(**asked))
        if not rank:
            plan.with_name(f"{asked['name']}.json").write_text(json.dumps(asdict(done)), encoding="utf-8")
    torch.distributed.barrier()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # threads of native libraries can abort a slow goodbye
