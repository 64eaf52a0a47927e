"""Merging: every method against mergekit 0.1.5 on the same models, weight by weight, and why they differ.

``python -m bench.merge_methods [--rows N] [--columns N] [--scale X]`` makes a base and three models that descend
from it, once stored in float32 and once in bfloat16, merges
them with every method through our engine and with mergekit (installed on first use), and compares the results, both
rounded to bfloat16. mergekit runs with float32 arithmetic (``dtype: float32, out_dtype: bfloat16``) and as most of
its recipes have it, all in bfloat16. Random methods are given the same random numbers on both sides. For each way:
the share of weights that differ, the largest difference in steps of bfloat16 (those of the larger number) and how far
the results are apart, as a share of how far ours is from the base.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from safetensors import safe_open
from safetensors.torch import save_file

from bench.peers.install import ROOT, PeersMissingError, environment
from datacards import plugins
from merge.base import Merger
from merge.files import read_index
from merge.plan import Input, Plan, Target
from merge.streaming.engine import merge
from merge.streaming.sinks import Memory

LOCK = "mergekit.lock"
SEED = 7
LAYERS = 2
ROLES = ("one", "two", "three")
#: How the models are stored -> their safetensors format.
STORED = {"float32": "F32", "bfloat16": "BF16"}
#: What is compared: how the models are stored, and in what mergekit computes.
WAYS = {"float32": ("float32", "float32"), "bfloat16": ("bfloat16", "float32"), "default": ("bfloat16", "bfloat16")}
ROUNDS = "only its bfloat16 arithmetic differs"
L1 = "mergekit rescales to the former sum of magnitudes, the paper divides by the probability"


@dataclass(frozen=True)
class Case:
    """One method on both sides: ours with its options, mergekit's with its parameters, for all and for each model."""

    merger: str
    options: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""
    shared: Mapping[str, Any] = field(default_factory=dict)
    each: Mapping[str, Sequence[float]] = field(default_factory=dict)
    roles: tuple[str, ...] = ROLES
    base: str = "base"
    draws: bool = False
    note: str = ""
    why: str = ROUNDS

    @property
    def name(self) -> str:
        """What the case is called: the method and what tells it from another case of the method."""
        return f"{self.merger} {self.note}".strip()

    def config(self, folder: Path, arithmetic: str) -> dict[str, Any]:
        """Return mergekit's recipe for the models of ``folder``."""
        models = [
            {
                "model": str(folder / role),
                "parameters": {name: values[i] for name, values in self.each.items()},
            }
            for i, role in enumerate(self.roles)
        ]
        asked = {
            "merge_method": self.method or self.merger,
            "models": models,
            "parameters": dict(self.shared),
            "dtype": arithmetic,
            "out_dtype": "bfloat16",
        }
        return asked | ({"base_model": str(folder / self.base)} if self.base else {})


ONES = {"weight": (1.0, 1.0, 1.0)}
UNEVEN = (1.0, 0.5, 0.8)
WEIGHTS = dict(zip(ROLES, UNEVEN, strict=True))
HALF = {"density": (0.5, 0.5, 0.5)}

CASES = (
    Case("linear", {"weights": WEIGHTS}, each={"weight": UNEVEN}, base=""),
    Case("task_arithmetic", {"weights": WEIGHTS}, each={"weight": UNEVEN}),
    Case("slerp", {"t": 0.3}, shared={"t": 0.3}, roles=("one", "two"), base="one"),
    Case(
        "nuslerp", {"weights": {"one": 1.0, "two": 0.5}}, each={"weight": (1.0, 0.5)}, roles=("one", "two")
    ),
    Case("ties", {"weights": WEIGHTS}, shared={"normalize": True}, each={"weight": UNEVEN, **HALF}),
    Case("ties", {"normalize": False}, shared={"normalize": False}, each={**ONES, **HALF}, note="sum"),
    Case(
        "dare_linear",
        {"rescale": False},
        shared={"rescale": False},
        each={**ONES, **HALF},
        draws=True,
        note="unscaled",
    ),
    Case("dare_linear", shared={"rescale": True}, each={**ONES, **HALF}, draws=True, why=L1),
    Case(
        "dare_ties",
        {"rescale": False},
        shared={"rescale": False},
        each={**ONES, **HALF},
        draws=True,
        note="unscaled",
    ),
    Case("dare_ties", shared={"rescale": True}, each={**ONES, **HALF}, draws=True, why=L1),
    Case(
        "della",
        {"rescale": False},
        shared={"rescale": False},
        each={**ONES, **HALF},
        draws=True,
        note="unscaled",
    ),
    Case("della", shared={"rescale": True}, each={**ONES, **HALF}, draws=True, why=L1),
    Case("breadcrumbs", {"density": 0.5, "gamma": 0.05}, each={**ONES, **HALF, "gamma": (0.05,) * 3}),
    Case("model_stock"),
    Case("sce", {"select": 0.5}, shared={"select_topk": 0.5}),
    Case("sce", {"select": 1.0}, note="all", shared={"select_topk": 1.0}),
)


def make(folder: Path, rows: int, columns: int, scale: float) -> None:
    """Write the family twice: ``rows`` by ``columns`` in the widest layers, of the sizes that real vectors have."""
    torch.manual_seed(SEED)
    shapes = {"model.embed_tokens": (rows, columns), "model.norm": (columns,), "lm_head": (rows, columns)}
    for i in range(LAYERS):
        layer = f"model.layers.{i}"
        shapes |= {f"{layer}.self_attn.{part}_proj": (columns, columns) for part in "qkvo"}
        shapes |= {f"{layer}.mlp.{part}_proj": (rows, columns) for part in ("gate", "up")}
        shapes |= {f"{layer}.mlp.down_proj": (columns, rows)}
        shapes |= {f"{layer}.{part}_layernorm": (columns,) for part in ("input", "post_attention")}
    base = {
        f"{name}.weight": torch.randn(shape) * 0.02 + (len(shape) == 1) for name, shape in shapes.items()
    }
    shared = {name: torch.randn_like(tensor) for name, tensor in base.items()}
    for role, size in {"base": 0.0, "one": 1e-4, "two": 6e-4, "three": 3e-4}.items():
        learned = {name: torch.randn_like(t) * 0.8 + shared[name] * 0.6 for name, t in base.items()}
        model = {name: tensor + scale * size * learned[name] for name, tensor in base.items()}
        for dtype in STORED:
            here = folder / dtype / role
            here.mkdir(parents=True)
            kept = {name: tensor.to(getattr(torch, dtype)) for name, tensor in model.items()}
            save_file(kept, here / "model.safetensors", metadata={"format": "pt"})
            (here / "config.json").write_text(json.dumps(_config(rows, columns, dtype)), encoding="utf-8")


def _config(rows: int, columns: int, dtype: str) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": columns,
        "intermediate_size": rows,
        "vocab_size": rows,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "tie_word_embeddings": False,
        "dtype": dtype,
    }


def ours(case: Case, folder: Path) -> dict[str, NDArray[np.uint16]]:
    """Return the bfloat16 bits of every tensor that our engine makes."""
    models = {role: read_index(folder / role) for role in ("base", *case.roles)}
    targets = [
        Target(name, tensor.shape, Input(tensor), {role: Input(models[role][name]) for role in case.roles})
        for name, tensor in models["base"].items()
    ]
    merger: Merger = plugins.make("kanagura.mergers", case.merger, dict(case.options))
    merger.check(case.roles)
    plan = Plan(targets, LAYERS)
    sink = Memory(plan, "BF16")
    merge(plan, {target.name: merger for target in targets}, sink, dtype="BF16", seed=SEED)
    return sink.arrays


def theirs(jobs: Sequence[Mapping[str, Any]], scratch: Path) -> None:
    """Let mergekit do all jobs in one process of its own."""
    asked = scratch / "jobs.json"
    asked.write_text(json.dumps(jobs), encoding="utf-8")
    words = [sys.executable, "-m", "bench.peers.mergekit_methods", str(asked), str(SEED)]
    variables = environment(scratch, LOCK)
    done = subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mergekit failed:\n{done.stderr[-3000:]}")


def stored(folder: Path) -> dict[str, NDArray[np.uint16]]:
    """Return the bfloat16 bits of every tensor of a model folder."""
    found = {}
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118: no mapping
                found[name] = file.get_tensor(name).to(torch.bfloat16).reshape(-1).view(torch.uint16).numpy()
    return found


@dataclass(frozen=True)
class Apart:
    """How two results differ: share of the weights, steps of bfloat16 at most, distance over distance from the base."""

    share: float
    steps: float
    distance: float

    def __str__(self) -> str:
        return f"{self.share:.4%} {self.steps:.3g} {self.distance:.1e}" if self.share else "equal"


def apart(
    one: Mapping[str, NDArray[np.uint16]],
    other: Mapping[str, NDArray[np.uint16]],
    base: Mapping[str, NDArray[np.uint16]],
) -> Apart:
    """Compare two results; a step is that of the larger of the two numbers, so that signs near zero count little."""
    total = differing = 0
    steps = far = moved = 0.0
    for name, bits in one.items():
        a, b, start = (_float64(numbers[name]) for numbers in ({name: bits}, other, base))
        gap = np.abs(a - b)
        total += gap.size
        differing += int(np.count_nonzero(gap))
        step = np.exp2(np.frexp(np.maximum(np.abs(a), np.abs(b)))[1] - 8.0)
        steps = max(steps, float((gap / step).max(initial=0)))
        far += float(gap @ gap)
        moved += float((a - start) @ (a - start))
    return Apart(differing / max(total, 1), steps, float(np.sqrt(far / moved)) if moved else 0.0)


def _float64(bits: NDArray[np.uint16]) -> NDArray[np.float64]:
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


@click.command()
@click.option("--rows", default=768, show_default=True, help="Rows of the widest layers, and tokens.")
@click.option("--columns", default=256, show_default=True, help="The hidden size; even.")
@click.option("--scale", default=1.0, show_default=True, help="What the sizes of the vectors are multiplied by.")
def main(rows: int, columns: int, scale: float) -> None:
    """Measure and print a table; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, rows, columns, scale)
        jobs = [
            {
                "config": case.config(folder / kept, arithmetic),
                "out": str(folder / "out" / way / str(i)),
                "draws": case.draws,
            }
            for i, case in enumerate(CASES)
            for way, (kept, arithmetic) in WAYS.items()
        ]
        try:
            theirs(jobs, folder)
        except PeersMissingError as error:
            raise SystemExit(f"mergekit is not here: {error}") from error
        base = {kept: stored(folder / kept / "base") for kept in STORED}
        found: dict[str, dict[str, Apart]] = {}
        for i, case in enumerate(CASES):
            made = {kept: ours(case, folder / kept) for kept in STORED}
            found[case.name] = {
                way: apart(made[kept], stored(folder / "out" / way / str(i)), base[kept])
                for way, (kept, _) in WAYS.items()
            }
    show(found)
    weights = sum(len(bits) for bits in base["float32"].values())
    figures = {name: {way: vars(one) for way, one in ways.items()} for name, ways in found.items()}
    click.echo(json.dumps({"mergekit": "0.1.5", "weights": weights, "scale": scale, "methods": figures}))


def show(found: Mapping[str, Mapping[str, Apart]]) -> None:
    """Print the table."""
    table = Table("method", *(f"{way}" for way in WAYS), "why", box=None, header_style="bold")
    for case in CASES:
        ways = found[case.name]
        table.add_row(case.name, *(str(ways[way]) for way in WAYS), case.why)
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
