"""What a search over the weights of a merge gains on the plain formula, on what it was chosen by and on held-out items.

``python -m bench.merge_evolve [--trials N] [--steps N] [--seed S]`` trains a small family on invented text: a base on
everyday Japanese, a domain model that read annual reports after it, an instruct model that learned to answer questions on
everyday stories. The merged model should know both: the objective is how likely it finds excerpts of reports and
questions on stories with their answers, in equal numbers, that none of the three was shown. Half of them (dev) are what the
search sees, the other half is held out. A weight for each vector in each part of the model (attention, mlp, embeddings,
output layer) varies; trial 0 is ``domain + instruct - base``. A search over two weights for the whole model, with a third of the
trials, says what the parts add. Figures are nats per token, higher being better, with the standard error of the gain over documents. A candidate in
memory is timed against one that is written and loaded. The last line is one JSON object.
"""

import json
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer, MistralConfig, MistralForCausalLM
from transformers.utils import logging

from bench.source_subtraction import prose
from datacards.objective import Loaded
from datacards.store import Store
from merge.evolve.recipe import EvolveRecipe
from merge.evolve.run import run as evolve
from merge.evolve.trials import Trial
from merge.objectives.likelihood import Likelihood
from merge.recipe import MergeRecipe
from merge.run import run as merge
from sample.annual_report import annual_report
from sample.companies import COMPANIES
from sample.models import encode, general_text, instructions, tokenizer, train

DAY = "2026.11.26"
VOCABULARY = 1500
PARTS = {"attention": "*.self_attn.*", "mlp": "*.mlp.*", "embedding": "*embed_tokens*", "head": "lm_head.*"}
ROLES = ("base", "domain", "instruct")
HELD = 4  # every fourth excerpt is held back; the domain model reads the others
STORIES = 1500  # questions on stories that the instruct model learns; those behind them are held back


def excerpts() -> list[str]:
    """Return excerpts of the annual reports of the sample world."""
    found = []
    for company in COMPANIES:
        filing = annual_report(company, company.years[-1])
        lines = [line for _, blocks in filing.files[1:5] for line in prose(blocks, filing.loss_mark)]
        found += ["\n".join(lines[at : at + 4])[:240] for at in range(0, len(lines), 4)]
    return found


def make_family(root: Path, read: Sequence[str], steps: int, seed: int) -> None:
    """Train base, domain and instruct into folders below ``root``."""
    general, asked = general_text(STORIES), instructions(STORIES)
    words = tokenizer([*general, *asked, *read], VOCABULARY)
    torch.manual_seed(seed)
    config = MistralConfig(
        vocab_size=len(words), hidden_size=96, intermediate_size=256, num_hidden_layers=2, head_dim=32,
        num_attention_heads=3, num_key_value_heads=1, max_position_embeddings=1024, sliding_window=None,
        bos_token_id=1, eos_token_id=2, pad_token_id=2, tie_word_embeddings=False,
    )  # fmt: skip
    base: Any = MistralForCausalLM(config)
    learned = {"base": (general, 4e-3), "domain": (list(read), 2e-3), "instruct": (asked, 2e-3)}
    for role, (texts, rate) in learned.items():
        model = base if role == "base" else MistralForCausalLM(config)
        model.load_state_dict(base.state_dict())
        train(model, encode(words, texts), steps=2 * steps if role == "base" else steps, rate=rate, seed=seed)
        model.save_pretrained(root / role)
        words.save_pretrained(root / role)


def write_corpus(store: Store, name: str, texts: Sequence[str]) -> None:
    """Make a dataset version of one file."""
    with store.write(name=name, version=DAY, kind="dataset", recipe={}) as draft:
        folder = draft.path / "qa"
        folder.mkdir()
        pq.write_table(pa.table({"text": list(texts)}), folder / "train-00000.parquet")


def per_document(folder: Path, words: Any, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the sums of log-likelihoods and the numbers of tokens, a row per document."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    rows = []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([words(text)["input_ids"]])
            logs = model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
            rows.append((float(logs.gather(1, ids[0, 1:, None]).sum()), ids.shape[1] - 1))
    return np.array(rows)


def gain(before: Any, after: Any) -> tuple[float, float]:
    """Return the gain in nats per token and its standard error over documents (a ratio of paired sums)."""
    n = before[:, 1]
    differences = after[:, 0] - before[:, 0]
    mean = differences.sum() / n.sum()
    error = np.sqrt(np.square(differences - mean * n).sum() * len(n) / (len(n) - 1)) / n.sum()
    return float(mean), float(error)


def merged(root: Path, store: Store) -> tuple[Path, float]:
    """Return the folder of the plain formula, and the seconds that merging into files and loading them took."""
    named = {role: str(root / role) for role in ROLES}
    plain = MergeRecipe.model_validate({"name": "plain", "version": DAY, **named, "dtype": "float32"})
    begun = time.perf_counter()
    folder = store.path(merge(plain, store).ref)
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return folder, time.perf_counter() - begun


def asked(root: Path, trials: int, seed: int, *, whole: bool = False) -> EvolveRecipe:
    """Return the recipe of the search: two weights in each of four parts, or two for the whole model."""
    search = [
        {"name": f"{part}_{role}", "match": glob, "option": f"weights.{role}", "lower": 0.0, "upper": 1.5}
        for part, glob in ({"all": ""} if whole else PARTS).items()
        for role in ROLES[1:]
    ]
    merge = {**{role: str(root / role) for role in ROLES}, "dtype": "float32"}
    objective = {"plugin": "likelihood", "options": {"format": "qa", "limit": 10_000}}
    fields = {
        "name": "two-weights" if whole else "evolved",
        "version": DAY,
        "merge": merge,
        "search": search,
        "objective": objective,
    }
    return EvolveRecipe.model_validate({**fields, "trials": trials, "seed": seed})


@click.command()
@click.option("--trials", default=120, show_default=True)
@click.option(
    "--steps", default=80, show_default=True, help="Of training of the domain and the instruct model."
)
@click.option(
    "--documents", default=40, show_default=True, help="Of each kind, in dev and in held out, at most."
)
@click.option("--seed", default=0, show_default=True)
def main(trials: int, steps: int, documents: int, seed: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        told = measure(Path(name), trials, steps, documents, seed)
    table = Table("nats per token", "dev (chosen by)", "held out", box=None, header_style="bold")
    for kind in ("base", "domain", "instruct", "plain", "two weights", "best"):
        table.add_row(kind, *(f"{told['score'][kind][part]:.4f}" for part in ("dev", "held_out")))
    Console().print(table)
    click.echo(
        f"gain on the plain formula: dev {told['gain_dev']:.4f}, held out {told['gain_held_out']:.4f} "
        f"± {told['gain_held_out_stderr']:.4f}; best after {told['best_trial']} of {trials} trials"
    )
    click.echo(json.dumps(told))


def measure(root: Path, trials: int, steps: int, documents: int, seed: int) -> dict[str, Any]:
    """Return the figures."""
    found = excerpts()
    pairs = zip(found[::HELD], instructions(STORIES + len(found))[STORIES:], strict=False)
    held = list(islice(pairs, 2 * documents))
    texts = {
        part: [text for pair in held[at::2] for text in pair] for at, part in enumerate(("dev", "held_out"))
    }
    begun = time.perf_counter()
    make_family(root, [text for place, text in enumerate(found) if place % HELD], steps, seed)
    trained = time.perf_counter() - begun
    store = Store(root / "store")
    write_corpus(store, "dev", texts["dev"])
    folders = {role: root / role for role in ROLES}
    folders["plain"], in_files = merged(root, store)
    begun = time.perf_counter()
    made = evolve(asked(root, trials, seed), store, corpus="dev")
    searched = time.perf_counter() - begun
    two = evolve(asked(root, max(2, trials // 3), seed, whole=True), store, corpus="dev")
    folders["two weights"], folders["best"] = store.path(two.ref), store.path(made.ref)
    lines = (folders["best"] / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [Trial.model_validate_json(line) for line in lines]
    words: Any = AutoTokenizer.from_pretrained(folders["base"])
    rows = {
        kind: {part: per_document(folder, words, texts[part]) for part in texts}
        for kind, folder in folders.items()
    }
    gains = {part: gain(rows["plain"][part], rows["best"][part]) for part in texts}
    parts = gain(rows["two weights"]["held_out"], rows["best"]["held_out"])
    seconds = {
        part: float(np.median([getattr(trial.seconds, part) for trial in kept[1:]]))
        for part in ("merge", "load", "score")
    }
    again = Loaded(AutoModelForCausalLM.from_pretrained(folders["best"], dtype=torch.float32), words, "best")
    file_score = Likelihood(format="qa", limit=10_000).score(again, store.path(store.resolve("dev")))
    best = store.card(made.ref).metrics["score_best"]
    return {
        "trials": trials,
        "score": {
            kind: {part: float(one[:, 0].sum() / one[:, 1].sum()) for part, one in parts.items()}
            for kind, parts in rows.items()
        },
        "gain_dev": gains["dev"][0],
        "gain_held_out": gains["held_out"][0],
        "gain_held_out_stderr": gains["held_out"][1],
        "gain_of_parts_held_out": parts[0],
        "gain_of_parts_held_out_stderr": parts[1],
        "documents": {part: len(some) for part, some in texts.items()},
        "best_trial": next(trial.number for trial in kept if trial.score == best),
        "best_values": max(kept, key=lambda trial: trial.score or -np.inf).values,
        "file_minus_memory_score": file_score - best,
        "seconds_per_candidate": {part: round(value, 4) for part, value in seconds.items()},
        "ratio_files": round(in_files / (seconds["merge"] + seconds["load"]), 2),
        "train_s": round(trained, 1),
        "search_s": round(searched, 1),
    }


if __name__ == "__main__":
    main()
