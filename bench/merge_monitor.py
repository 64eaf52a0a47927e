"""What a monitor of merges shows while a model is trained, and what it costs the training.

``python -m bench.merge_monitor [--steps N] [--every N] [--seed S]`` makes a small base that read everyday Japanese and an instruct
model that learned from it to answer questions on everyday stories, then trains the base on excerpts of annual reports with the
real trainer, once alone and once watched: at every saved state the instruct vector is merged in, and how likely the merged
and the unmerged model find held-out excerpts and questions with their answers, in equal numbers, is measured beside the
training (nats per token, higher is better; step 0 is the base, whose merge is the instruct model). The weights of the two
trainings must be the same to the bit, and the last score of the merged model that of the merge written to files. Seconds
are of one machine whose processors both share. The last line is one JSON object.
"""

import json
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from bench.merge_evolve import DAY, HELD, STORIES, excerpts, make_family, write_corpus
from datacards.monitor import MONITOR, Point, read_points
from datacards.objective import Loaded
from datacards.store import Store
from merge.objectives.likelihood import Likelihood
from merge.recipe import MergeRecipe
from merge.run import run as merge
from sample.models import instructions
from train.recipe import TrainRecipe
from train.run import run as train

OBJECTIVE = {"format": "qa", "limit": 10_000}


def asked(root: Path, name: str, *, steps: int, every: int, seed: int) -> TrainRecipe:
    """Return the recipe of one training on the reports."""
    options = {
        "sequence_length": 256, "rows_per_step": 4, "rows_per_device": 4, "epochs": 50, "max_steps": steps,
        "learning_rate": 2e-3, "warmup_steps": 4, "precision": "fp32", "save_every": every,
    }  # fmt: skip
    monitor = {
        "instruct": str(root / "instruct"),
        "dtype": "float32",
        "objective": {"plugin": "likelihood", "options": OBJECTIVE},
        "corpus": f"dev@{DAY}",
        "threads": 1,
    }
    fields = {"name": name, "version": DAY, "base": str(root / "base"), "options": options, "seed": seed}
    return TrainRecipe.model_validate(
        fields | ({"monitor": {"options": monitor}} if name == "watched" else {})
    )


def by_file(root: Path, store: Store, trained: Path) -> float:
    """Return the score of the merge that is written to files and loaded."""
    named = {"base": str(root / "base"), "domain": str(trained), "instruct": str(root / "instruct")}
    recipe = MergeRecipe.model_validate({"name": "merged", "version": DAY, **named, "dtype": "float32"})
    folder = store.path(merge(recipe, store).ref)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    loaded = Loaded(model.eval(), AutoTokenizer.from_pretrained(folder), "merged")
    return Likelihood.model_validate(OBJECTIVE).score(loaded, store.path(store.resolve("dev")))


def measure(root: Path, steps: int, every: int, documents: int, seed: int) -> dict[str, Any]:
    """Return the figures."""
    found = excerpts()
    read = [text for place, text in enumerate(found) if place % HELD]
    pairs = zip(found[::HELD], instructions(STORIES + len(found))[STORIES:], strict=False)
    held = [text for pair in islice(pairs, documents) for text in pair]
    make_family(root, read, 80, seed)
    store = Store(root / "store")
    write_corpus(store, "dev", held)
    write_corpus(store, "reports", read)
    seconds, folders = {}, {}
    for name in ("alone", "watched"):
        begun = time.perf_counter()
        recipe = asked(root, name, steps=steps, every=every, seed=seed)
        made = train(recipe, [f"reports@{DAY}"], store)
        seconds[name] = time.perf_counter() - begun
        folders[name] = store.path(made.ref)
    points: list[Point] = read_points(folders["watched"] / MONITOR)
    alone, watched = ((folder / "model.safetensors").read_bytes() for folder in folders.values())
    best = max(points, key=lambda point: point.scores.get("merged", float("-inf")))
    return {
        "steps": steps,
        "documents": len(held),
        "points": [point.model_dump() for point in points],
        "same_bits": alone == watched,
        "file_minus_memory_score": by_file(root, store, folders["watched"]) - points[-1].scores["merged"],
        "best_step_merged": best.step,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }


@click.command()
@click.option("--steps", default=120, show_default=True)
@click.option("--every", default=15, show_default=True, help="Steps between two saved states.")
@click.option("--documents", default=40, show_default=True, help="Held-out excerpts, and as many questions.")
@click.option("--seed", default=0, show_default=True)
def main(steps: int, every: int, documents: int, seed: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        told = measure(Path(name), steps, every, documents, seed)
    table = Table("step", "merged", "unmerged", "", box=None, header_style="bold")
    scores = [score for point in told["points"] for score in point["scores"].values()]
    low, high = min(scores), max(scores)
    for point in told["points"]:
        merged, unmerged = (point["scores"][kind] for kind in ("merged", "unmerged"))
        bar = [" "] * 41
        for sign, value in (("o", unmerged), ("#", merged)):
            bar[round(40 * (value - low) / max(high - low, 1e-9))] = sign
        table.add_row(str(point["step"]), f"{merged:.4f}", f"{unmerged:.4f}", "".join(bar))
    Console().print(table)
    click.echo("nats per token on held-out excerpts and questions; # merged, o unmerged")
    click.echo(json.dumps(told))


if __name__ == "__main__":
    main()
