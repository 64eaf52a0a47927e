"""What a small model learns of two financial sources, and what it forgets of everyday text meanwhile.

``python -m bench.train_forgetting [--steps N] [--rate R]`` makes the base model of the sample world, a corpus of two invented
sources (speeches and minutes of a central bank, annual reports of companies) and everyday stories that the base has not read,
and trains by the train stage four ways: all weights; all weights with a tenth of the tokens replayed from everyday text; the
same at a fifth; low-rank adapters. The figures are nats per token on documents that are held out, by source, before and after. With
``--store``, ``--corpus``, ``--base`` and ``--general`` it does the same on versions of a store. The last line is one JSON object.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from transformers.utils import logging

from bench.source_subtraction import A, B, corpus, texts
from datacards.store import Store
from sample.general import NAME, make_general
from sample.models import VERSION, make_base
from train.inputs import Inputs
from train.recipe import TrainRecipe
from train.run import run

WAYS: Mapping[str, Mapping[str, Any]] = {
    "all weights": {},
    "replay 10 %": {"replay": {"share": 0.1}},
    "replay 20 %": {"replay": {"share": 0.2}},
    "LoRA": {"lora": {"rank": 16, "alpha": 32}},
}


@dataclass(frozen=True)
class World:
    """Where the versions lie, and how long and how fast a model is trained on them."""

    store: Store
    corpus: str
    base: str
    general: str
    steps: int
    rate: float

    def losses(self, way: str) -> tuple[dict[str, float], dict[str, float]]:
        """Return the held-out losses by source before and after training in one of the ``WAYS``."""
        asked = dict(WAYS[way])
        lora = asked.pop("lora", None)
        options = {
            "sequence_length": 256, "rows_per_step": 8, "rows_per_device": 8, "epochs": 100, "max_steps": self.steps,
            "learning_rate": self.rate * (5 if lora else 1), "warmup_steps": min(5, self.steps - 1), "precision": "fp32",
            "save_every": 100_000, "lora": lora,
        }  # fmt: skip
        recipe = TrainRecipe.model_validate(
            {
                "name": f"forgetting-{list(WAYS).index(way)}",
                "version": VERSION,
                "base": self.base,
                "options": options,
                "validation": {"share": 0.15},
                **asked,
            }
        )
        more = (self.general,)
        inputs = Inputs([self.corpus], replay=more) if recipe.replay else Inputs([self.corpus], validate=more)
        ref = run(recipe, inputs, self.store).ref
        text = (self.store.path(ref) / "validation.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line)["losses"] for line in text.splitlines()]
        return lines[0], lines[-1]


def made(store: Store) -> dict[str, str]:
    """Make the invented versions in an empty store; return their names."""
    make_base(store)
    make_general(store)
    corpus(store, {source: some for source, some in texts().items() if source in (A, B)})
    return {"corpus": f"sources@{VERSION}", "base": f"sample-base@{VERSION}", "general": f"{NAME}@{VERSION}"}


@click.command()
@click.option("--store", "root", help="A store that holds the three versions; without it they are made.")
@click.option("--corpus", "corpus_")
@click.option("--base")
@click.option("--general")
@click.option("--steps", default=120)
@click.option("--rate", default=2e-3)
def main(*, root: str, steps: int, rate: float, **named: str) -> None:
    """Train four ways and compare."""
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(root or Path(folder) / "store")
        given = {name.rstrip("_"): text for name, text in named.items() if text}
        world = World(store, **(given if root else made(store)), steps=steps, rate=rate)
        found = {way: world.losses(way) for way in WAYS}
    report(found)


def report(found: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]]) -> None:
    """Print the table and the last line."""
    before = found["all weights"][0]
    table = Table("held out", "before", *found, box=None)
    for source, loss in before.items():
        after = [
            next((f"{value:.3f}" for name, value in ends.items() if _same(name, source)), "")
            for _, ends in found.values()
        ]
        table.add_row(source, f"{loss:.3f}", *after)
    Console(width=140).print(table)
    print(
        json.dumps(
            {way: {"before": dict(first), "after": dict(last)} for way, (first, last) in found.items()}
        )
    )


def _same(one: str, other: str) -> bool:
    """Say whether two labels name the same source: one that is only measured has its corpus in front."""
    return one.rpartition(" ")[2] == other.rpartition(" ")[2]


if __name__ == "__main__":
    main()
