"""Packing documents into rows: how full, how fast, with nothing lost, against TRL, concatenation and padding.

``python -m bench.packing [VERSION] [--store DIR] [--tokenizer FOLDER] [--width 2048] [--documents N] [--peer-documents N]``
packs the training documents of a dataset version, tokenized by the tokenizer of a model folder, or without a version 8.1
million made-up lengths of 46 tokens on average, none above 2048, the shape of the corpus of arXiv 2404.10555.

Ours is the CPU time from lengths to a packing in which any row can be asked for, then the time to the rows of the last
step of five epochs in a schedule that was made anew. TRL's ``pack_dataset``, ``bfd`` and ``bfd_split``, packs the first
``peer-documents`` of the same lengths; it moves the tokens, too, which ours leaves where they are until a step needs them: so ours is
timed on the same documents twice, once with every row laid out as a batch. ``useful`` is the share of places that hold a token. Padded: a row for
each document, long ones cut; padded_batch: 6 documents at a time, filled up to the longest of them; concatenated: end to
end, every row full, and ``cut`` is the share of documents that lie in more than one row. The last line is one JSON object.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.peers.install import ROOT, PeersMissingError, environment
from datacards.cli import store_option
from datacards.store import Store
from train.base import TrainData
from train.data import shards
from train.data.packing import Packed, batch
from train.data.schedule import Schedule
from train.data.tokens import File, Group, Tokens, read_tokens, tokenize

ROWS, EPOCHS = 24, 5
DEVICE = 6  # documents that are padded together


def made_up(documents: int, width: int) -> NDArray[np.int32]:
    """Return lengths like those of the corpus: most short, few long, 46 tokens on average."""
    drawn = np.random.default_rng(0).lognormal(2.96, 1.3, documents) + 2
    return np.minimum(width, drawn).astype(np.int32)


def bare(lengths: NDArray[np.int32]) -> Tokens:
    """Return documents of these lengths, whose tokens are their places."""
    offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    return Tokens(
        files=(File("", "made up", "", "", False, False, ""),),
        starts=np.array([0, len(lengths)]),
        flat=(np.arange(offsets[-1], dtype=np.uint32),),
        begins=offsets[[0, -1]],
        offsets=offsets[:-1],
        lengths=lengths,
        group=np.zeros(len(lengths), np.int16),
        groups=(Group("", "", ""),),
        times=np.ones(len(lengths), np.float32),
        held=np.zeros(len(lengths), bool),
        tokenizer="",
    )


def of_version(text: str, store: Store, tokenizer: Path) -> tuple[NDArray[np.int32], float]:
    """Return the lengths of the documents of a version and the CPU seconds that tokenizing took."""
    with tempfile.TemporaryDirectory() as work:
        data = TrainData(shards.trained(store, [store.verified(text, "dataset")], None))
        begun = time.process_time()
        tokenize(tokenizer, data, Path(work))
        cpu = time.process_time() - begun
        lengths = read_tokens(Path(work)).lengths
        return lengths[lengths > 0], cpu


def ours(tokens: Tokens, width: int) -> dict[str, Any]:
    """Return what our packing costs, leaves and holds; every row is asked for, and every token looked for in it."""
    n = len(tokens.lengths)
    begun = time.process_time()
    packed = Packed.of(np.arange(n, dtype=np.int32), tokens.lengths, width=width, seed=0)
    cpu = time.process_time() - begun
    total = int(tokens.lengths.sum(dtype=np.int64))
    begun = time.process_time()
    order = Schedule.make(tokens, width=width, rows_per_step=ROWS, epochs=EPOCHS, seed=0)
    order.rows(order.steps - 1)
    first = time.process_time() - begun
    steps = np.linspace(0, order.steps - 1, 200).astype(int).tolist()
    begun = time.process_time()
    for step in steps:
        order.rows(step)
    each = (time.process_time() - begun) / len(steps)
    used = np.zeros(n, np.int64)
    for begin in range(0, packed.n_rows, 4096):
        rows = packed.rows(np.arange(begin, min(begin + 4096, packed.n_rows)), tokens)
        np.add.at(used, rows.document, rows.length)
    return {
        "cpu": cpu, "rows": packed.n_rows, "useful": total / (packed.n_rows * width), "runs": len(packed.layout.runs),
        "lost_tokens": int(np.abs(used - tokens.lengths).sum()), "steps": order.steps,
        "last_step_seconds": first, "step_seconds": each,
    }  # fmt: skip


def laid_out(tokens: Tokens, width: int) -> dict[str, Any]:
    """Return the CPU seconds of our packing alone, and with every row laid out."""
    begun = time.process_time()
    packed = Packed.of(np.arange(len(tokens.lengths), dtype=np.int32), tokens.lengths, width=width, seed=0)
    alone = time.process_time() - begun
    for at in range(0, packed.n_rows, ROWS):
        rows = packed.rows(np.arange(at, min(at + ROWS, packed.n_rows)), tokens)
        batch(rows, tokens, slice(None), ROWS)
    return {"cpu": alone, "cpu_laid_out": time.process_time() - begun, "rows": packed.n_rows}


def peer(lengths: NDArray[np.int32], width: int, strategy: str) -> dict[str, Any]:
    """Return what TRL's function costs and leaves on these lengths; raises PeersMissingError."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "lengths.npy"
        np.save(path, lengths)
        words = [sys.executable, "-m", "bench.peers.trl_packing", str(path), str(width), strategy]
        variables = environment(Path(scratch), "trl.lock")
        variables["PYTHONPATH"] += f":{ROOT}"
        done = subprocess.run(
            words, env=variables, capture_output=True, text=True, check=False, timeout=900, cwd=ROOT
        )
    if done.returncode:
        raise PeersMissingError(f"trl failed: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    total = int(lengths.sum(dtype=np.int64))
    return told | {"useful": told["tokens"] / (told["rows"] * width), "lost_tokens": total - told["tokens"]}


def naive(lengths: NDArray[np.int32], width: int) -> dict[str, Any]:
    """Return the useful share of places without packing, and how many documents concatenation cuts."""
    wide = lengths.astype(np.int64)
    total = int(wide.sum())
    pieces = np.minimum(wide, width)
    longest = np.maximum.reduceat(pieces, np.arange(0, len(pieces), DEVICE))
    ends = np.cumsum(wide)
    return {
        "padded": total / (int((-(-wide // width)).sum()) * width),
        "padded_batch": int(pieces.sum()) / (int(longest.sum()) * DEVICE),
        "concatenated": total / (-(-total // width) * width),
        "cut": float(np.mean((ends - 1) // width != (ends - wide) // width)),
    }


@click.command()
@click.argument("version", required=False)
@store_option
@click.option("--tokenizer", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--width", default=2048, show_default=True)
@click.option("--documents", default=8_100_000, show_default=True, help="Of made-up lengths.")
@click.option("--peer-documents", default=100_000, show_default=True)
def main(
    *, version: str | None, root: str, tokenizer: Path | None, width: int, documents: int, peer_documents: int
) -> None:
    """Measure and print."""
    figures: dict[str, Any] = {}
    if version:
        if tokenizer is None:
            raise click.UsageError("a version is tokenized first: --tokenizer FOLDER")
        lengths, figures["tokenize_cpu"] = of_version(version, Store(root), tokenizer)
    else:
        lengths = made_up(documents, width)
    figures |= {"documents": len(lengths), "tokens": int(lengths.sum(dtype=np.int64)), "width": width}
    figures |= {"ours": ours(bare(lengths), width), "naive": naive(lengths, width)}
    few = lengths[:peer_documents]
    same = figures["ours_few"] = laid_out(bare(few), width)
    for strategy in ("bfd", "bfd_split"):
        try:
            figures[f"trl_{strategy}"] = theirs = peer(few, width, strategy)
        except PeersMissingError as error:
            click.echo(f"trl is left out: {error}", err=True)
            continue
        figures[f"ratio_{strategy}"] = round(theirs["cpu"] / same["cpu"], 2)
        figures[f"ratio_{strategy}_laid_out"] = round(theirs["cpu"] / same["cpu_laid_out"], 2)
    show(figures, len(few))
    click.echo(json.dumps({"packing": figures["ours"]["useful"], **figures}))


def show(figures: Mapping[str, Any], few: int) -> None:
    """Print the figures as a table."""
    table = Table(
        title=f"{figures['documents']:,} documents, {figures['tokens']:,} tokens, rows of {figures['width']:,}"
    )
    for name in ("", "documents", "rows", "useful", "tokens lost", "CPU s"):
        table.add_column(name, justify="left" if not name else "right")
    mine, naive_ = figures["ours"], figures["naive"]
    table.add_row("ours", f"{figures['documents']:,}", f"{mine['rows']:,}", f"{mine['useful']:.4%}", f"{mine['lost_tokens']:,}", f"{mine['cpu']:.2f}")  # fmt: skip
    same = figures["ours_few"]
    table.add_row("ours", f"{few:,}", f"{same['rows']:,}", "", "", f"{same['cpu']:.3f}")
    table.add_row(
        "ours, every row laid out", f"{few:,}", f"{same['rows']:,}", "", "", f"{same['cpu_laid_out']:.3f}"
    )
    for strategy in ("bfd", "bfd_split"):
        if theirs := figures.get(f"trl_{strategy}"):
            table.add_row(f"TRL {strategy}", f"{few:,}", f"{theirs['rows']:,}", f"{theirs['useful']:.4%}", f"{theirs['lost_tokens']:,}", f"{theirs['cpu']:.3f}")  # fmt: skip
    for name, told in (("padded", "padded to the width"), ("padded_batch", f"padded, {DEVICE} at a time"), ("concatenated", "concatenated")):  # fmt: skip
        cut = f"{naive_['cut']:.1%} of documents cut" if name == "concatenated" else ""
        table.add_row(told, "", "", f"{naive_[name]:.4%}", cut, "")
    Console(width=110).print(table)
    click.echo(
        f"the last of {mine['steps']:,} steps after {mine['last_step_seconds']:.2f} CPU s, a step in {1000 * mine['step_seconds']:.1f} ms"
    )


if __name__ == "__main__":
    main()
