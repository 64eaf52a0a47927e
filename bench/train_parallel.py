"""The paper's recipe at a thousandth of its size: one process against two that share the work by ZeRO.

``python -m bench.train_parallel [--stages 2,3] [--rows N] [--steps N] [--rate R] [--precision fp32|bf16]`` takes
``train/recipes/nekomata-14b.yaml``, a Qwen2 model of 14 million random parameters in place of 14 billion, a thousandth of the
steps and shorter rows, and trains it by the train stage in one process, then in two for every ZeRO stage named, on the same
corpus. The rows of a step are the same ones; sums are formed in another order. The table shows how far the curves and the final
weights are apart beside how far the training itself went. The last line is one JSON object; ``apart`` is the largest difference of a
loss in nats per token.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.utils import logging

from datacards.recipe import read_recipe
from datacards.store import Store
from sample.general import NAME, make_general
from sample.models import VERSION, general_text, tokenizer
from train.recipe import TrainRecipe
from train.run import run

RECIPE = Path(__file__).resolve().parent.parent / "train" / "recipes" / "nekomata-14b.yaml"
STEPS = 38  # of 37,600


def model(folder: Path) -> int:
    """Write a Qwen2 model of random weights and its tokenizer to ``folder``; return the number of its parameters."""
    words = tokenizer(general_text(500))
    words.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(words), hidden_size=384, intermediate_size=1024, num_hidden_layers=7, num_attention_heads=6,
        num_key_value_heads=6, max_position_embeddings=2048, eos_token_id=2, tie_word_embeddings=False,
    )  # fmt: skip
    made = Qwen2ForCausalLM(config)
    made.save_pretrained(folder)
    return sum(parameter.numel() for parameter in made.parameters())


@dataclass(frozen=True)
class Result:
    """What a run left: its losses by step, its final weights, and how many tokens it saw in a second."""

    losses: np.ndarray[Any, np.dtype[np.float64]]
    weights: Mapping[str, torch.Tensor]
    speed: float


def trained(store: Store, base: Path, name: str, options: Mapping[str, Any]) -> Result:
    """Train as the paper's recipe says but for ``options``."""
    paper = read_recipe(RECIPE, TrainRecipe)
    asked = {
        **paper.model_dump(),
        "name": name,
        "base": str(base),
        "formats": None,
        "options": {**paper.options, **options},
    }
    ref = run(TrainRecipe.model_validate(asked), [f"{NAME}@{VERSION}"], store).ref
    lines = (store.path(ref) / "loss.jsonl").read_text(encoding="utf-8").splitlines()
    weights = load_file(store.path(ref) / "model.safetensors")
    speed = store.card(ref).metrics["tokens_per_second"]
    return Result(np.array([json.loads(line)["loss"] for line in lines]), weights, speed)


def rms(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> float:
    """Return the root mean square of the differences of all weights."""
    total = sum(float((one[name].double() - other[name].double()).square().sum()) for name in one)
    return float(np.sqrt(total / sum(value.numel() for value in one.values())))


@click.command()
@click.option("--stages", default="2,3", help="ZeRO stages, with commas.")
@click.option("--steps", default=STEPS)
@click.option("--rows", default=24, help="Rows of a step.")
@click.option("--length", default=128, help="Tokens of a row.")
@click.option("--rate", default=5e-7, help="The learning rate; the paper's moves little in so few steps.")
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32")
def main(*, stages: str, steps: int, rows: int, length: int, rate: float, precision: str) -> None:
    """Compare one process with two."""
    logging.disable_progress_bar()
    asked = [int(stage) for stage in stages.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        store, base = Store(Path(folder) / "store"), Path(folder) / "base"
        n = model(base)
        make_general(store)
        options = {
            "sequence_length": length, "rows_per_step": rows, "rows_per_device": rows // 4, "max_steps": steps, "epochs": 50,
            "learning_rate": rate, "precision": precision, "save_every": 10 * steps, "gradient_checkpointing": False,
        }  # fmt: skip
        found = {0: trained(store, base, "one", {**options, "deepspeed": None})}
        for stage in asked:
            zero = {"zero_stage": stage, "num_processes": 2}
            found[stage] = trained(store, base, f"zero-{stage}", {**options, "deepspeed": zero})
        report(found, load_file(base / "model.safetensors"), n, rate)


def report(found: Mapping[int, Result], base: Mapping[str, torch.Tensor], n: int, rate: float) -> None:
    """Print the table and the last line."""
    one = found[0]
    way = rms(one.weights, base)
    table = Table(
        "run", "first loss", "last loss", "largest difference", "rms of weights apart", "tokens/s", box=None
    )
    apart: dict[str, float] = {}
    for stage, result in found.items():
        name = f"ZeRO-{stage}, 2 processes" if stage else "1 process"
        apart[f"zero_{stage}"] = float(np.abs(result.losses - one.losses).max())
        shares = rms(result.weights, one.weights)
        table.add_row(
            name, f"{result.losses[0]:.6f}", f"{result.losses[-1]:.6f}", f"{apart[f'zero_{stage}']:.2g}",
            f"{shares:.2g} ({shares / way:.2%} of the way)", f"{result.speed:,.0f}",
        )  # fmt: skip
    Console(width=140).print(table)
    steps: Sequence[float] = one.losses.tolist()
    print(f"{n:,} parameters, {len(steps)} steps at {rate:g}; the weights went {way:.2g} (rms)")
    apart.pop("zero_0")
    print(
        json.dumps(
            {"parameters": n, "steps": len(steps), "rate": rate, "apart": max(apart.values()), **apart}
        )
    )


if __name__ == "__main__":
    main()
