"""How close subtracting what one source taught comes to never having trained on it.

``python -m bench.source_subtraction [--steps N] [--seed S]`` trains small models on two invented sources, A (speeches and
minutes of a central bank) and B (annual reports of companies), by the train stage, keeps what each source taught as a
vector by the merge stage, and takes A out again three ways: of vectors that were trained apart, of a model trained on
both at once, of a model trained on A first and then on B. Each result is held against a model that never saw A; how far
two such models are apart that read B in another order is the noise. KL is that of the next token on held-out text, in
nats; the distance of weights is in units of the way that training on B went. The last line is one JSON object:
``kept_kl`` is which share of the KL that A causes is left after subtraction (0: gone, 1: all is left).
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from rich.console import Console
from rich.table import Table
from transformers import MistralConfig, MistralForCausalLM
from transformers.utils import logging

from bench.measures.apart import Bits, Said, bits, distance, said, scores, windows
from datacards.store import Store
from merge.recipe import MergeRecipe
from merge.run import run as merge
from sample.annual_report import annual_report
from sample.companies import COMPANIES
from sample.filing import Block, Heading, Para, Section, shown
from sample.models import general_text, tokenizer
from sample.prose import passages
from train.recipe import TrainRecipe
from train.run import run as train

DAY = "2026.11.21"
CORPUS = f"sources@{DAY}"
BOJ = ("speeches/economy", "speeches/policy", "speeches/prices", "speeches/themes", "speeches/archive",
       "meetings/minutes", "meetings/opinions", "meetings/outlook", "meetings/questions", "meetings/archive")  # fmt: skip
A, B, GENERAL = "boj", "edinet", "general"
WIDTH, ROWS = 192, 8
HELD = 5  # every fifth document is held out
VOCABULARY = 1200
ALPHAS = (0.5, 0.75, 1.0, 1.25)


def prose(blocks: Sequence[Block], mark: str) -> Iterator[str]:
    """Yield headings and paragraphs of a filing."""
    for block in blocks:
        if isinstance(block, Section):
            yield from prose(block.blocks, mark)
        elif isinstance(block, Heading):
            yield block.text
        elif isinstance(block, Para):
            yield "".join(shown(part, mark) for part in block.parts)


def texts() -> dict[str, list[str]]:
    """Return the documents of each source, A and B about equally much."""
    boj = [text for name in BOJ for text in passages(f"{name}.txt").values()]
    filings = []
    for company in COMPANIES:
        filing = annual_report(company, company.years[-1])
        lines = [line for _, blocks in filing.files[1:5] for line in prose(blocks, filing.loss_mark)]
        filings += ["\n".join(lines[at : at + 8]) for at in range(0, len(lines), 8)]
    size = sum(map(len, boj))
    taken = [text for i, text in enumerate(filings) if sum(map(len, filings[: i + 1])) <= size]
    return {A: boj, B: taken, GENERAL: general_text(500)}


@dataclass(frozen=True)
class World:
    """A store with a corpus of three sources, and how models are made in it."""

    store: Store
    steps: int
    rate: float
    seed: int

    def path(self, name: str) -> Path:
        """Return the folder of a version of the day."""
        return self.store.path(self.store.resolve(f"{name}@{DAY}"))

    def train(self, name: str, base: str, only: Sequence[str], *, steps: int, more: int = 0, rate: float = 0) -> None:  # fmt: skip
        """Train on the sources ``only``; ``more`` is added to the seed, by which documents are put in order."""
        options = {
            "sequence_length": WIDTH, "rows_per_step": ROWS, "rows_per_device": ROWS, "epochs": 1000, "max_steps": steps,
            "learning_rate": rate or self.rate, "warmup_steps": min(5, steps - 1), "weight_decay": 0.1, "precision": "fp32",
            "save_every": 100_000,
        }  # fmt: skip
        recipe = TrainRecipe(
            name=name,
            version=DAY,
            base=base,
            only={"source": tuple(only)},
            options=options,
            seed=self.seed + more,
        )
        train(recipe, [CORPUS], self.store)

    def vector(self, name: str, model: str) -> None:
        """Keep what a model learned: the model less the base."""
        self._merge(name, f"base@{DAY}", {"a": f"{model}@{DAY}"}, output="vector")

    def merge(self, name: str, base: str, models: Mapping[str, float], *, dtype: str = "float32") -> None:
        """Add vectors, by name with their weights, to a model."""
        roles = {role.removesuffix("-vector"): weight for role, weight in models.items()}
        named = {role.removesuffix("-vector"): f"{role}@{DAY}" for role in models}
        self._merge(name, f"{base}@{DAY}", named, options={"weights": roles}, dtype=dtype)

    def _merge(self, name: str, base: str, models: Mapping[str, str], **more: Any) -> None:
        asked = {
            "name": name,
            "version": DAY,
            "base": base,
            "models": dict(models),
            "dtype": "float32",
            **more,
        }
        merge(MergeRecipe.model_validate(asked), self.store)


def corpus(store: Store, documents: Mapping[str, Sequence[str]]) -> None:
    """Write a dataset version of all sources; every fifth document of each is held out."""
    splits: dict[str, list[tuple[str, str, str]]] = {"train": [], "test": []}
    for source, some in documents.items():
        for i, text in enumerate(some):
            splits["test" if i % HELD == 0 else "train"].append((f"{source}-{i}", text, source))
    with store.write(name="sources", version=DAY, kind="dataset", recipe={"made_by": __name__}) as draft:
        (draft.path / "markdown").mkdir()
        for split, rows in splits.items():
            columns = dict(zip(("id", "text", "source"), map(list, zip(*rows, strict=True)), strict=True))
            pq.write_table(pa.table(columns), draft.path / "markdown" / f"{split}-00000.parquet")


def start(folder: Path, documents: Mapping[str, Sequence[str]]) -> Any:
    """Write a model with random weights to ``folder``; return its tokenizer, which knows all sources."""
    words = tokenizer([text for some in documents.values() for text in some], VOCABULARY)
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(words), hidden_size=96, intermediate_size=288, num_hidden_layers=4, head_dim=24,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, sliding_window=None,
        bos_token_id=1, eos_token_id=2, pad_token_id=2, tie_word_embeddings=False,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return words


def models(world: World, begin: Path) -> dict[str, str]:
    """Make all models by the two stages; return what each is, by name, the one that never saw A first."""
    n, base = world.steps, f"base@{DAY}"
    world.train("base", str(begin), [GENERAL], steps=4 * n, rate=4e-3)
    world.train("b", base, [B], steps=n)
    world.train("b-again", base, [B], steps=n, more=1)
    world.train("a", base, [A], steps=n)
    world.train("both", base, [A, B], steps=2 * n)
    world.train("then", f"a@{DAY}", [B], steps=n)
    for one in ("a", "b"):
        world.vector(f"{one}-vector", one)
    told = {"b": "never saw A", "b-again": "never saw A, B in another order", "base": "saw neither"}
    world.merge("added", "base", {"a-vector": 1, "b-vector": 1})
    world.merge("added-less", "added", {"a-vector": -1})
    told |= {"added": "vectors A + B", "added-less": "vectors A + B, less A"}
    for name, what in {"both": "A and B at once", "then": "A, then B"}.items():
        told[name] = what
        for alpha in ALPHAS:
            world.merge(f"{name}-{alpha}", name, {"a-vector": -alpha})
            told[f"{name}-{alpha}"] = f"{what}, less {alpha:g} A"
    return told


def exactness(world: World) -> dict[str, Bits]:
    """Return how exactly A leaves a sum of vectors: left out of the recipe, or subtracted from the stored model."""
    found = {}
    for dtype in ("float32", "bfloat16"):
        world.merge(f"only-b-{dtype}", "base", {"b-vector": 1}, dtype=dtype)
        world.merge(f"sum-{dtype}", "base", {"a-vector": 1, "b-vector": 1}, dtype=dtype)
        world.merge(f"back-{dtype}", f"sum-{dtype}", {"a-vector": -1}, dtype=dtype)
        never, back = world.path(f"only-b-{dtype}"), world.path(f"back-{dtype}")
        found[f"subtracted, {dtype}"] = bits(back, never, world.path("base"))
    found["left out, float32"] = bits(world.path("only-b-float32"), world.path("b"), world.path("base"))
    return found


@dataclass(frozen=True)
class Result:
    """What was measured of one model."""

    told: str
    said: dict[str, Said]
    distance: float


def measured(world: World, told: Mapping[str, str], words: Any, documents: Mapping[str, Sequence[str]]) -> dict[str, Result]:  # fmt: skip
    """Measure every model against the first, on held-out text of each source."""
    rows = {kind: windows(words, some[::HELD], WIDTH, 16) for kind, some in documents.items()}
    never, base = world.path("b"), world.path("base")
    reference = {kind: scores(never, some) for kind, some in rows.items()}
    return {
        name: Result(what, said(world.path(name), rows, reference), distance(world.path(name), never, base))
        for name, what in told.items()
    }


def table(found: Mapping[str, Result]) -> Table:
    """Return one line per model: losses, KL from the model that never saw A, distance of the weights."""
    kinds = (A, B, GENERAL)
    shown_ = Table("model", *(f"loss {kind}" for kind in kinds), *(f"KL {kind}" for kind in kinds), "distance", box=None)  # fmt: skip
    for one in found.values():
        losses = [f"{one.said[kind].loss:.3f}" for kind in kinds]
        apart = [f"{one.said[kind].kl:.4f}" for kind in kinds]
        shown_.add_row(one.told, *losses, *apart, f"{one.distance:.3f}")
    return shown_


def best(found: Mapping[str, Result], way: str) -> float:
    """Return the factor of A's vector after which a model is nearest to one that never saw A, by KL on A's text."""
    return min(ALPHAS, key=lambda alpha: found[f"{way}-{alpha}"].said[A].kl)


def verdict(found: Mapping[str, Result], exact: Mapping[str, Bits]) -> list[str]:
    """Say in plain words what the numbers say."""
    noise, lines = found["b-again"].said[A].kl, []
    less = exact["subtracted, float32"], exact["subtracted, bfloat16"]
    left = exact["left out, float32"]
    lines.append(
        f"Trained apart, a source is taken out by leaving its vector out: {1 - left.differ:.2%} of the weights are then those of the "
        f"model that never saw it, to the bit (largest difference {left.largest:.1e} of what B moved a weight by). Subtracted from the "
        f"stored sum, {less[0].differ:.1%} differ in float32, by at most {less[0].largest:.1e}, and {less[1].differ:.1%} in bfloat16, by at most "
        f"{less[1].largest:.2f}: rounding, nothing of the source."
    )
    added, joint = found["added"].said, found["both"].said
    lines.append(
        f"What that costs: the two vectors added give losses of {added[A].loss:.2f} on A, {added[B].loss:.2f} on B and {added[GENERAL].loss:.2f} on "
        f"general text; a model trained on both at once has {joint[A].loss:.2f}, {joint[B].loss:.2f} and {joint[GENERAL].loss:.2f}."
    )
    for way, what in (("both", "on both at once"), ("then", "on A first and B after")):
        before, alpha = found[way].said[A], best(found, way)
        after, plain = found[f"{way}-{alpha}"].said[A], found[f"{way}-1.0"].said[A]
        close = "no farther than" if after.kl <= noise else f"{after.kl / noise:,.0f} times as far off as"
        lines.append(
            f"Of a model trained {what}, subtracting A's vector leaves {plain.kl / before.kl:.0%} of the KL that A caused on A's text; "
            f"the best of {len(ALPHAS)} factors, {alpha:g}, leaves {after.kl / before.kl:.0%}. That is {close} a model that never saw A either and read B in another order. "
            f"The loss on A's text goes from {before.loss:.2f} to {after.loss:.2f}; never having seen A it is {found['b'].said[A].loss:.2f}."
        )
    return lines


def figures(found: Mapping[str, Result], exact: Mapping[str, Bits], seconds: float) -> dict[str, Any]:
    """Return what the last line holds."""
    ways = ("both", "then")
    return {
        "bench": "source_subtraction",
        "noise_kl": found["b-again"].said[A].kl,
        "kept_kl_apart": abs(found["added-less"].said[A].kl) / found["added"].said[A].kl,
        "kept_kl": {way: found[f"{way}-1.0"].said[A].kl / found[way].said[A].kl for way in ways},
        "kept_kl_best": {way: found[f"{way}-{best(found, way)}"].said[A].kl / found[way].said[A].kl for way in ways},
        "best_factor": {way: best(found, way) for way in ways},
        "differ": {name: one.differ for name, one in exact.items()},
        "largest": {name: one.largest for name, one in exact.items()},
        "loss_a": {name: one.said[A].loss for name, one in found.items()},
        "kl_a": {name: one.said[A].kl for name, one in found.items()},
        "distance": {name: one.distance for name, one in found.items()},
        "seconds": round(seconds, 1),
    }  # fmt: skip


@click.command()
@click.option(
    "--steps",
    type=click.IntRange(min=2),
    default=60,
    show_default=True,
    help="Optimizer steps on each source.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    default=2e-4,
    show_default=True,
    help="Learning rate on the sources.",
)
@click.option("--seed", default=0, show_default=True)
def main(steps: int, rate: float, seed: int) -> None:
    """Train on two sources, take one out again, and compare with never having trained on it."""
    logging.disable_progress_bar()
    torch.set_num_threads(1)  # the same sums in the same order on every machine
    console, began = Console(width=140, highlight=False), time.monotonic()
    documents = texts()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Store(Path(folder) / "store"), steps, rate, seed)
        corpus(world.store, documents)
        words = start(Path(folder) / "start", documents)
        told = models(world, Path(folder) / "start")
        exact = exactness(world)
        found = measured(world, told, words, documents)
    seconds = time.monotonic() - began
    console.print(table(found))
    for line in verdict(found, exact):
        console.print(f"\n{line}", soft_wrap=True)
    print(json.dumps(figures(found, exact, seconds)))


if __name__ == "__main__":
    main()
