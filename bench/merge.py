"""Merging: the streaming engine against the script that people write (three state dicts in memory, bf16).

``python -m bench.merge [--weights N] [--repeat R]`` makes three bf16 checkpoints of N weights and merges them.
The floor reads three files and writes one without any arithmetic. Also counted: the share of weights that differ
from float64 arithmetic rounded once.
"""

import json
import tempfile
from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file, save_file

from bench import Cost, measured

OURS = """
import sys
from pathlib import Path
from merge.mergers.engine import merge
from merge.mergers.task_arithmetic import TaskArithmetic
folder = Path(sys.argv[1])
roles = {role: folder / role for role in ("base", "domain", "instruct")}
out = folder / "ours"
out.mkdir(exist_ok=True)
merge(TaskArithmetic(), roles, out, dtype="BF16", shard_bytes=1 << 40, threads=1)
"""
SCRIPT = """
import sys
from pathlib import Path
from safetensors.torch import load_file, save_file
folder = Path(sys.argv[1])
base, domain, instruct = (load_file(folder / r / "model.safetensors") for r in ("base", "domain", "instruct"))
(folder / "script").mkdir(exist_ok=True)
save_file({k: domain[k] + instruct[k] - base[k] for k in base}, folder / "script" / "model.safetensors")
"""
FLOOR = """
import sys
from pathlib import Path
folder = Path(sys.argv[1])
(folder / "floor").mkdir(exist_ok=True)
with (folder / "floor" / "model.safetensors").open("wb") as out:
    for role in ("base", "domain", "instruct"):
        with (folder / role / "model.safetensors").open("rb") as stream:
            while block := stream.read(1 << 20):
                if role == "base":
                    out.write(block)
"""


def make(folder: Path, weights: int) -> None:
    """Write base, domain and instruct: the base and the base plus small vectors, in tensors of 1024 columns."""
    torch.manual_seed(0)
    rows = max(1, weights // 1024 // 8)
    base = {f"layers.{i}.weight": torch.randn(rows, 1024) * 0.02 for i in range(8)}
    for role, scale in {"base": 0.0, "domain": 1e-4, "instruct": 6e-4}.items():
        (folder / role).mkdir()
        moved = {name: (t + torch.randn_like(t) * scale).bfloat16() for name, t in base.items()}
        save_file(moved, folder / role / "model.safetensors")


def differing(folder: Path, name: str) -> float:
    """Return the share of weights of a result that differ from float64 arithmetic rounded once."""
    base, domain, instruct, made = (
        load_file(folder / role / "model.safetensors") for role in ("base", "domain", "instruct", name)
    )
    wrong = total = 0
    for key, tensor in base.items():
        exact = (
            tensor.double()
            + (domain[key].double() - tensor.double())
            + (instruct[key].double() - tensor.double())
        ).bfloat16()
        wrong += int((exact != made[key]).sum())
        total += tensor.numel()
    return wrong / total


@click.command()
@click.option("--weights", default=64_000_000, show_default=True)
@click.option("--repeat", default=3, show_default=True)
def main(weights: int, repeat: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, weights)
        costs: dict[str, list[Cost]] = {"floor": [], "ours": [], "script": []}
        for _ in range(repeat):  # interleaved, so that a busy moment of the machine hits all alike
            for kind, code in (("floor", FLOOR), ("ours", OURS), ("script", SCRIPT)):
                costs[kind].append(measured(code, [name]))
        wrong = {kind: differing(folder, kind) for kind in ("ours", "script")}
    figures = {
        kind: {
            "wall_s": float(np.median([c.wall for c in found])),
            "cpu_s": float(np.median([c.cpu for c in found])),
            "peak_mib": float(np.median([c.peak for c in found])),
        }
        for kind, found in costs.items()
    }
    table = Table("merge", "wall s", "CPU s", "peak MiB", "weights not exact", box=None, header_style="bold")
    for kind, row in figures.items():
        share = f"{wrong[kind]:.2%}" if kind in wrong else "-"
        table.add_row(kind, f"{row['wall_s']:.2f}", f"{row['cpu_s']:.2f}", f"{row['peak_mib']:,.0f}", share)
    Console().print(table)
    ratios = {f"script_over_ours_{k}": figures["script"][k] / figures["ours"][k] for k in figures["ours"]}
    told = {"weights": weights, **figures, "not_exact": wrong, **{k: round(v, 3) for k, v in ratios.items()}}
    click.echo(json.dumps(told))


if __name__ == "__main__":
    main()
