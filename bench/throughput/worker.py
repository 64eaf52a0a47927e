"""One way of training, in a process of its own: ``python -m bench.throughput.worker KIND BASE DOCUMENTS``.

Every line it reads is a request ``{"length", "rows", "precision", "steps"}``, every line it writes what that run cost:
``seconds`` and ``cpu`` of the steps alone, ``rest_cpu`` of all else: loading, tokenizing, packing, checks, writing the model.
CPU seconds are those of the process, which count on a machine that others use too.
"""

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)
from transformers.utils import logging

from train.base import Shard, TrainData
from train.data.tokens import tokenize
from train.trainers.causal_lm import CausalLM
from train.trainers.loop import Job, Training

PADDED = 6  # documents at once
RATE = 1e-4


def main(kind: str, base: Path, documents: Path) -> None:
    """Answer requests until there are no more."""

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    told = sys.stdout
    sys.stdout = sys.stderr  # what libraries print must not mix with the answers
    for line in sys.stdin:
        _forget_peak()
        begun = time.process_time()
        answer = RUNS[kind](base, documents, json.loads(line))
        rest = time.process_time() - begun - answer["cpu"]
        print(json.dumps({**answer, "rest_cpu": rest, "peak_mib": _peak()}), file=told, flush=True)


class Clock(TrainerCallback):
    """Counts seconds and CPU seconds between its beginning and its end; a Trainer can tell it both."""

    def begin(self) -> None:
        """Start counting."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def end(self) -> None:
        """Stop counting."""
        self.cost = {"seconds": time.perf_counter() - self._wall, "cpu": time.process_time() - self._cpu}

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Start counting: the first step is next."""
        self.begin()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Stop counting: the last step is done."""
        self.end()


def ours(base: Path, documents: Path, asked: dict[str, Any]) -> dict[str, float]:
    """Train with this project's trainer: packed rows, documents apart."""

    trainer = CausalLM.model_validate(
        {
            "sequence_length": asked["length"], "rows_per_step": asked["rows"], "rows_per_device": asked["rows"],
            "learning_rate": RATE, "schedule": "constant", "precision": asked["precision"],
            "attention": asked["attention"], "save_every": 10**6, "spikes": None, "max_steps": asked["steps"],
        }
    )  # fmt: skip
    data = TrainData((Shard(documents, _digest(documents), "bench@1", "text"),))
    with tempfile.TemporaryDirectory() as folder:
        out, work = Path(folder, "out"), Path(folder, "work")
        out.mkdir()
        work.mkdir()
        tokenize(base, data, work)
        training, clock = Training(Job(trainer, base, out, work, 0)), Clock()
        training.engine.check()
        clock.begin()
        training.steps()
        clock.end()
        training.engine.export(base, out)
    return {"tokens": training.lines.kept[-1]["tokens"], "fill": training.order.fill, **clock.cost}


def padded(base: Path, documents: Path, asked: dict[str, Any]) -> dict[str, float]:
    """Train with transformers' Trainer on one document a row, filled up to the longest of six.

    A step comes after about as many tokens as one of the others has.
    """

    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    rows = [{"input_ids": row[: asked["length"]]} for row in _tokens(base, documents)]
    tokens = sum(len(row["input_ids"]) for row in rows)
    turns = max(1, round(asked["rows"] * asked["length"] * len(rows) / tokens / PADDED))
    collate = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    return _trainer(base, rows, collate, (PADDED, turns), asked)


def concatenated(base: Path, documents: Path, asked: dict[str, Any]) -> dict[str, float]:
    """Train with transformers' Trainer on all documents laid end to end and cut, which see each other; the rest is lost."""

    flat = np.concatenate(_tokens(base, documents))
    cut = flat[: len(flat) // asked["length"] * asked["length"]].reshape(-1, asked["length"])
    rows = [{"input_ids": row, "labels": row} for row in cut.tolist()]
    return _trainer(base, rows, default_data_collator, (asked["rows"], 1), asked)


RUNS = {"ours": ours, "padded": padded, "concatenated": concatenated}


def _tokens(base: Path, documents: Path) -> list[list[int]]:

    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    texts = pq.read_table(documents, columns=["text"])["text"].to_pylist()
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return [[*row, tokenizer.eos_token_id] for row in rows]


def _trainer(
    base: Path, rows: list[dict[str, Any]], collate: Any, batch: tuple[int, int], asked: dict[str, Any]
) -> dict[str, float]:
    """Return what the steps cost, on how many tokens, and the share of the places that held one: so many rows, so often, a step."""

    slots = tokens = 0

    def counted(examples: list[dict[str, Any]]) -> Any:
        nonlocal slots, tokens
        made = collate(examples)
        slots += made["input_ids"].numel()
        tokens += sum(len(one["input_ids"]) for one in examples)
        return made

    model = AutoModelForCausalLM.from_pretrained(base, dtype="float32", attn_implementation="sdpa")
    with tempfile.TemporaryDirectory() as folder:
        options = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=batch[0], gradient_accumulation_steps=batch[1],
            num_train_epochs=1, learning_rate=RATE, lr_scheduler_type="constant", optim="adamw_torch_fused",
            bf16=asked["precision"] == "bf16", save_strategy="no", logging_strategy="no", report_to=[],
            disable_tqdm=True, dataloader_pin_memory=False, use_cpu=asked["device"] == "cpu",
            max_steps=asked["steps"] or -1,
        )  # fmt: skip
        clock = Clock()
        trainer = Trainer(model, options, train_dataset=rows, data_collator=counted, callbacks=[clock])
        trainer.train()
        trainer.save_model()
    return {"tokens": tokens, "fill": tokens / slots, **clock.cost}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # see proc(5): resets VmHWM


def _peak() -> float:
    if torch.cuda.is_available():
        found = torch.cuda.max_memory_allocated() / 2**20
        torch.cuda.reset_peak_memory_stats()
        return found
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
