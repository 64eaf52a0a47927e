"""Merging: every method against mergekit 0.1.5 on the same models, weight by weight, and why they differ.

``python -m bench.merge_methods [--rows N] [--columns N]`` makes a base and three models that descend
from it, once stored in float32 and once in bfloat16, merges
them with every method through our engine and with mergekit (installed on first use), and compares the results, both
rounded to bfloat16. mergekit runs with float32 arithmetic (``dtype: float32, out_dtype: bfloat16``) and as most of
its recipes have it, all in bfloat16. Random methods are given the same random numbers on both sides. For each way:
the share of weights that differ, the largest difference in steps of bfloat16 and how far the results are apart, as a
share of how far ours is from the base.
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
from safetensors.torch import load_file, save_file

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
WAYS = {
    "float32": ("float32", "float32"),
    "bfloat16": ("bfloat16", "float32"),
    "default": ("bfloat16", "bfloat16"),
}
#: Methods that mergekit does not have; tests/merge/test_spectral.py holds them against LAPACK and torch.
ALONE = ("iso_c", "iso_cts", "tsv", "wudi")
SUMS = "float32 sums fall on the other side of a rounding now and then, bfloat16 sums often"
HALVES = "0.3 of a whole number of bfloat16 steps is often a half, which falls to either side"
LINE = "a vector of zeros: mergekit takes it to be at a right angle, ours goes straight"
TIES = "magnitudes tie at the border in bfloat16: mergekit's sort is unstable, ours takes the lowest place"
ELECTED = "where the elected sum is exactly 0 mergekit takes the positive sign, ours none"
L1 = "mergekit restores the sum of magnitudes, the paper (ours) divides by the probability"
EACH = f"{L1} of each element"
ALIKE = "mergekit weighs all models alike where the mean squares of the vectors are below 1e-6 in sum"
BLEND = "in bfloat16 mergekit rounds whole weights three times, each as coarse as the vectors are large"


@dataclass(frozen=True)
class Case:
    """One method on both sides: ours with its options, mergekit's with its parameters, for all and for each model.

    ``why`` says what the differences beyond the rounding of sums were found to come from; ``size`` is what the
    vectors are multiplied by.
    """

    merger: str
    options: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""
    shared: Mapping[str, Any] = field(default_factory=dict)
    each: Mapping[str, Sequence[float]] = field(default_factory=dict)
    roles: tuple[str, ...] = ROLES
    base: str = "base"
    draws: bool = False
    note: str = ""
    why: str = SUMS
    size: int = 1

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


PAIR = ("one", "two")
ONES = {"weight": (1.0, 1.0, 1.0)}
UNEVEN = (1.0, 0.5, 0.8)
WEIGHTS = dict(zip(ROLES, UNEVEN, strict=True))
HALF = {"density": (0.5, 0.5, 0.5)}

UNSCALED: dict[str, Any] = {"shared": {"rescale": False}, "draws": True, "note": "unscaled"}
SCALED: dict[str, Any] = {"shared": {"rescale": True}, "draws": True}
KEPT = {**ONES, **HALF}
CASES = (
    Case("linear", {"weights": WEIGHTS}, each={"weight": UNEVEN}, base=""),
    Case("task_arithmetic", {"weights": WEIGHTS}, each={"weight": UNEVEN}),
    Case("slerp", {"t": 0.3}, shared={"t": 0.3}, roles=PAIR, base="one", why=HALVES),
    Case("nuslerp", {"weights": {"two": 0.5}}, each={"weight": (1.0, 0.5)}, roles=PAIR, why=LINE),
    Case("model_stock", why=BLEND),
    Case("ties", {"weights": WEIGHTS}, shared={"normalize": True}, each={"weight": UNEVEN, **HALF}, why=TIES),
    Case("ties", {"normalize": False}, shared={"normalize": False}, each=KEPT, note="sum", why=TIES),
    Case("breadcrumbs", {"density": 0.5, "gamma": 0.05}, each={**KEPT, "gamma": (0.05,) * 3}, why=TIES),
    Case("dare_linear", {"rescale": False}, each=KEPT, **UNSCALED),
    Case("dare_linear", each=KEPT, **SCALED, why=L1),
    Case("dare_ties", {"rescale": False}, each=KEPT, **UNSCALED, why=ELECTED),
    Case("dare_ties", each=KEPT, **SCALED, why=L1),
    Case("della", {"rescale": False}, each=KEPT, **UNSCALED, why=f"ranks of ties; {ELECTED}"),
    Case("della", each=KEPT, **SCALED, why=EACH),
    Case("sce", {"select": 0.5}, shared={"select_topk": 0.5}, why=ALIKE),
    Case("sce", {"select": 0.5}, shared={"select_topk": 0.5}, note="x 10", size=10, why=f"ties; {ELECTED}"),
    Case("sce", shared={"select_topk": 1.0}, note="all x 10", size=10, why=ELECTED),
)


def make(folder: Path, rows: int, columns: int, scale: int) -> None:
    """Write the family twice: ``rows`` by ``columns`` in the widest layers, of the sizes that real vectors have."""
    torch.manual_seed(SEED)
    shapes = {"model.embed_tokens": (rows, columns), "model.norm": (columns,), "lm_head": (rows, columns)}
    for i in range(LAYERS):
        layer = f"model.layers.{i}"
        shapes |= {f"{layer}.self_attn.{part}_proj": (columns, columns) for part in "qkvo"}
        shapes |= {f"{layer}.mlp.{part}_proj": (rows, columns) for part in ("gate", "up")}
        shapes |= {f"{layer}.mlp.down_proj": (columns, rows)}
        shapes |= {f"{layer}.{part}_layernorm": (columns,) for part in ("input", "post_attention")}
    base = {f"{name}.weight": torch.randn(shape) * 0.02 + (len(shape) == 1) for name, shape in shapes.items()}
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
    return {
        name: tensor.to(torch.bfloat16).reshape(-1).view(torch.uint16).numpy()
        for path in folder.glob("*.safetensors")
        for name, tensor in load_file(path).items()
    }


@dataclass(frozen=True)
class Apart:
    """How two results differ: share of the weights, steps at most, distance over the distance from the base."""

    share: float
    steps: float
    distance: float

    def __str__(self) -> str:
        return f"{self.share:.4%}  {self.steps:.3g}  {self.distance:.1e}" if self.share else "equal"


def apart(
    one: Mapping[str, NDArray[np.uint16]],
    other: Mapping[str, NDArray[np.uint16]],
    base: Mapping[str, NDArray[np.uint16]],
) -> Apart:
    """Compare two results; a step is that of the largest of both numbers and the base's, as near zero all are small."""
    total = differing = 0
    steps = far = moved = 0.0
    for name in one:
        a, b, start = (_float64(model[name]) for model in (one, other, base))
        gap = np.abs(a - b)
        total += gap.size
        differing += int(np.count_nonzero(gap))
        largest = np.maximum(np.abs(start), np.maximum(np.abs(a), np.abs(b)))
        steps = max(steps, float((gap / np.exp2(np.frexp(largest)[1] - 8.0)).max(initial=0)))
        far += float(gap @ gap)
        moved += float((a - start) @ (a - start))
    return Apart(differing / max(total, 1), steps, float(np.sqrt(far / moved)) if moved else 0.0)


def _float64(bits: NDArray[np.uint16]) -> NDArray[np.float64]:
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


@click.command()
@click.option("--rows", default=768, show_default=True, help="Rows of the widest layers, and tokens.")
@click.option("--columns", default=256, show_default=True, help="The hidden size; even.")
def main(rows: int, columns: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in {case.size for case in CASES}:
            make(folder / str(size), rows, columns, size)
        jobs = [
            {
                "config": case.config(folder / str(case.size) / kept, arithmetic),
                "out": str(folder / way / str(i)),
                "draws": case.draws,
            }
            for i, case in enumerate(CASES)
            for way, (kept, arithmetic) in WAYS.items()
        ]
        try:
            theirs(jobs, folder)
        except PeersMissingError as error:
            raise SystemExit(f"mergekit is not here: {error}") from error
        found = {case.name: compared(case, folder, i) for i, case in enumerate(CASES)}
        weights = sum(tensor.n for tensor in read_index(folder / "1" / "float32" / "base").values())
    show(found)
    figures = {
        case.name: {way: vars(one) for way, one in found[case.name].items()} | {"why": case.why}
        for case in CASES
    }
    click.echo(json.dumps({"mergekit": "0.1.5", "weights": weights, "methods": figures}))


def compared(case: Case, folder: Path, number: int) -> dict[str, Apart]:
    """Return how our result of one case differs from mergekit's, for each way."""
    family = folder / str(case.size)
    made = {kept: (ours(case, family / kept), stored(family / kept / "base")) for kept in STORED}
    results = {way: stored(folder / way / str(number)) for way in WAYS}
    return {way: apart(made[kept][0], results[way], made[kept][1]) for way, (kept, _) in WAYS.items()}


def show(found: Mapping[str, Mapping[str, Apart]]) -> None:
    """Print the table."""
    titles = {
        "float32": "stored float32",
        "bfloat16": "stored bfloat16",
        "default": "and computed in bfloat16",
    }
    table = Table("method", *(titles[way] for way in WAYS), "why", box=None, header_style="bold")
    for case in CASES:
        table.add_row(case.name, *(str(found[case.name][way]) for way in WAYS), case.why)
    Console(width=200).print(
        table, "each: weights that differ, steps at most, distance; mergekit has no", ", ".join(ALONE)
    )


if __name__ == "__main__":
    main()
