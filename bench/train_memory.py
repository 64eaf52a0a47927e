"""The memory that ``train plan`` foretells against the most that real training steps take, in one run.

``python -m bench.train_memory [--all]`` trains models of 20 to 140 million random weights for two steps each,
every one in a process of its own, with and without gradient checkpointing and the chunked loss, at 512 and 1024 tokens. On a
GPU the peak is that of torch's allocator, on a CPU that of the resident set, both beyond the start. With DeepSpeed's stages there are two processes, of which the first tells its peak.
``--all`` adds larger models and longer rows, several documents a row, several turns and stages in bfloat16.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.table import Table
from transformers.utils import logging

from bench.measures.train_peak import write_model
from train.plan.estimate import memory
from train.trainers.causal_lm import CausalLM

ALL = 1 << 30


@dataclass(frozen=True)
class Case:
    """One shape of a model and of its rows."""

    width: int
    layers: int
    length: int
    rows: int
    checkpointing: bool
    chunk: int = 256
    precision: str = "fp32"
    stage: int = 0
    documents: int = 1
    turns: int = 1

    @property
    def name(self) -> str:
        """What the table calls it."""
        words = [f"{self.width} x {self.layers}", f"{self.rows} x {self.length}", self.precision]
        words += ["checkpointing"] * self.checkpointing + ["plain loss"] * (self.chunk == ALL)
        words += [f"ZeRO-{self.stage}"] * bool(self.stage) + [f"{self.documents} documents a row"] * (
            self.documents > 1
        )
        return ", ".join(words + [f"{self.turns} turns"] * (self.turns > 1))

    @property
    def config(self) -> dict[str, Any]:
        """The config.json of the model."""
        return {
            "model_type": "qwen2", "vocab_size": 32_000, "hidden_size": self.width, "intermediate_size": self.width * 8 // 3 // 64 * 64,
            "num_hidden_layers": self.layers, "num_attention_heads": self.width // 64, "num_key_value_heads": self.width // 64,
            "max_position_embeddings": 2048, "tie_word_embeddings": False,
        }  # fmt: skip

    @property
    def options(self) -> CausalLM:
        """The options of the trainer."""
        shared = {"deepspeed": {"zero_stage": self.stage, "num_processes": 2}} if self.stage else {}
        return CausalLM.model_validate({
            "sequence_length": self.length, "rows_per_device": self.rows,
            "rows_per_step": self.rows * self.turns * (2 if self.stage else 1), "loss_chunk": self.chunk,
            "gradient_checkpointing": self.checkpointing, "precision": self.precision, **shared,
        })  # fmt: skip


CASES = (
    Case(512, 8, 512, 2, False),
    Case(512, 8, 512, 2, True),
    Case(512, 8, 1024, 1, True, chunk=ALL),
    Case(512, 8, 512, 1, True, precision="bf16"),
    Case(512, 8, 512, 1, False, stage=2),
    Case(512, 8, 512, 1, False, stage=3),
)
MORE = (
    Case(512, 8, 1024, 2, False),
    Case(512, 8, 512, 2, False, turns=2),
    Case(768, 12, 1024, 1, False),
    Case(768, 12, 1024, 1, True),
    Case(512, 8, 1024, 2, False, documents=16),
    Case(512, 8, 512, 2, False, stage=1),
    Case(512, 8, 512, 1, True, precision="bf16", stage=2),
    Case(512, 8, 512, 1, True, precision="bf16", stage=3),
)


def measured(case: Case) -> dict[str, Any]:
    """Return the peak and the start in bytes of real steps in processes of their own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_model(folder / "model", case.config)
        small = {**case.config, "num_hidden_layers": 1, "vocab_size": 256, "hidden_size": 64, "intermediate_size": 128,
                 "num_attention_heads": 1, "num_key_value_heads": 1}  # fmt: skip
        write_model(folder / "small", small)
        told = {
            "config": case.config, "options": case.options.model_dump(mode="json"), "steps": 2,
            "documents": case.documents,
        }  # fmt: skip
        (folder / "job.json").write_text(json.dumps(told), encoding="utf-8")
        command = [sys.executable, "-m", "bench.measures.train_peak", place]
        count = case.options.processes
        outs = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=one)
            for one in _environments(count)
        ]
        told_by = [process.communicate() for process in outs]
        if any(process.returncode for process in outs):
            raise click.ClickException(f"{case.name}: {told_by[0][1][-2000:]}")
        found: dict[str, Any] = json.loads(told_by[0][0].splitlines()[-1])
        return found


def _environments(count: int) -> list[dict[str, str]]:
    # One size from which memory is mapped and given back at once: the C library would let it grow, and keep what is free.
    base = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
    if count == 1:
        return [base]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {**base, "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        {**shared, "RANK": str(n), "LOCAL_RANK": str(n), "LOCAL_WORLD_SIZE": str(count)} for n in range(count)
    ]


@click.command()
@click.option("--all", "every", is_flag=True, help="More cases: takes four times as long.")
def main(every: bool) -> None:
    """Measure and print a table; the last line is one JSON object."""
    logging.disable_progress_bar()

    cuda = torch.cuda.is_available()
    table = Table("model, rows", "foretold MB", "measured MB", "error", box=None, header_style="bold")
    errors: dict[str, float] = {}
    device = ""
    for case in CASES + (MORE if every else ()):
        foretold = memory(case.config, case.options, cuda=cuda)
        allowances = sum(item.bytes for item in foretold.items if "allowance" in item.name)
        found = measured(case)
        device = found["device"]
        real, said = found["peak"] - found["start"], foretold.total - allowances
        errors[case.name] = said / real - 1
        table.add_row(case.name, f"{said / 1e6:,.0f}", f"{real / 1e6:,.0f}", f"{errors[case.name]:+.1%}")
        print(
            case.name,
            f"{said / 1e6:,.0f}",
            f"{real / 1e6:,.0f}",
            f"{errors[case.name]:+.1%}",
            file=sys.stderr,
        )
    Console(width=120).print(table)
    worst = max(errors.values(), key=abs)
    print(json.dumps({"device": device, "cases": len(errors), "worst_error": round(worst, 4),
                      "errors": {name: round(value, 4) for name, value in errors.items()}}))  # fmt: skip


if __name__ == "__main__":
    main()
