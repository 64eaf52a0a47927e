"""One way of training, in a process of its own: ``python -m bench.throughput.worker KIND BASE DOCUMENTS``.

Every line it reads is a request ``{"length", "rows", "precision"}``, every line it writes what that run cost. The clock
runs over the trainer's own loop alone: not over loading, tokenizing and packing. ``cpu`` is of the whole request, which
counts on a machine that others use too.
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
    TrainingArguments,
    default_data_collator,
)
from transformers.utils import logging

from train.base import Shard, TrainData
from train.trainers.causal_lm import CausalLM

PADDED = 6, 4  # documents at once and how often before a step: the 24 of the paper
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
        cpu = time.process_time() - begun
        print(json.dumps({**answer, "cpu": cpu, "peak_mib": _peak()}), file=told, flush=True)


def ours(base: Path, documents: Path, asked: dict[str, Any]) -> dict[str, float]:
    """Train with this project's trainer: packed rows, documents apart."""

    trainer = CausalLM.model_validate(
        {
            "sequence_length": asked["length"], "rows_per_step": asked["rows"], "rows_per_device": asked["rows"],
            "learning_rate": RATE, "schedule": "constant", "precision": asked["precision"],
            "attention": asked["attention"], "save_every": 10**6, "spikes": None,
        }
    )  # fmt: skip
    data = TrainData((Shard(documents, _digest(documents), "bench@1", "text"),))
    with tempfile.TemporaryDirectory() as folder:
        out, work = Path(folder, "out"), Path(folder, "work")
        out.mkdir()
        work.mkdir()
        trained = trainer.train(base=base, data=data, out=out, work=work, seed=0)
    metrics, tokens = trained.metrics, trained.counts["tokens_seen"]
    return {
        "tokens": tokens,
        "seconds": tokens / metrics["tokens_per_second"],
        "fill": metrics["packing_fill"],
    }


def padded(base: Path, documents: Path, asked: dict[str, Any]) -> dict[str, float]:
    """Train with transformers' Trainer on one document a row, filled up to the longest of its batch."""

    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    rows = [{"input_ids": row[: asked["length"]]} for row in _tokens(base, documents)]
    tokens = sum(len(row["input_ids"]) for row in rows)
    collate = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    seconds, slots = _trainer(base, rows, collate, PADDED, asked)
    return {"tokens": tokens, "seconds": seconds, "fill": tokens / slots}


def concatenated(base: Path, documents: Path, asked: dict[str, Any]) -> dict[str, float]:
    """Train with transformers' Trainer on all documents laid end to end and cut, which see each other; the rest is lost."""

    flat = np.concatenate(_tokens(base, documents))
    cut = flat[: len(flat) // asked["length"] * asked["length"]].reshape(-1, asked["length"])
    rows = [{"input_ids": row, "labels": row} for row in cut.tolist()]
    seconds, slots = _trainer(base, rows, default_data_collator, (asked["rows"], 1), asked)
    return {"tokens": cut.size, "seconds": seconds, "fill": cut.size / slots}


RUNS = {"ours": ours, "padded": padded, "concatenated": concatenated}


def _tokens(base: Path, documents: Path) -> list[list[int]]:

    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    texts = pq.read_table(documents, columns=["text"])["text"].to_pylist()
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return [[*row, tokenizer.eos_token_id] for row in rows]


def _trainer(
    base: Path, rows: list[dict[str, Any]], collate: Any, batch: tuple[int, int], asked: dict[str, Any]
) -> tuple[float, int]:
    """Return the seconds of the loop and how many places its batches had: so many rows, so many of them a step."""

    slots = 0

    def counted(examples: list[dict[str, Any]]) -> Any:
        nonlocal slots
        made = collate(examples)
        slots += made["input_ids"].numel()
        return made

    model = AutoModelForCausalLM.from_pretrained(base, dtype="float32", attn_implementation="sdpa")
    with tempfile.TemporaryDirectory() as folder:
        options = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=batch[0], gradient_accumulation_steps=batch[1],
            num_train_epochs=1, learning_rate=RATE, lr_scheduler_type="constant", optim="adamw_torch_fused",
            bf16=asked["precision"] == "bf16", save_strategy="no", logging_strategy="no", report_to=[],
            disable_tqdm=True, dataloader_pin_memory=False, use_cpu=asked["device"] == "cpu",
        )  # fmt: skip
        trained = Trainer(model, options, train_dataset=rows, data_collator=counted).train()
    return float(trained.metrics["train_runtime"]), slots


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
