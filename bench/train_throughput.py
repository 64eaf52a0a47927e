"""Training: our packed rows against transformers' Trainer with padding, and with documents run together.

``python -m bench.train_throughput [--size small] [--tokens 16384] [--documents FILE.parquet|NAME@VERSION ...] [--store DIR]
[--rounds 3] [--lengths 512,1024,2048] [--threads 2] [--precision fp32] [--attention auto] [--loss] [--gpu]`` trains one model
on the same documents in three ways, in turns, ``rounds`` times, each in a process that stays and has trained a step before:

ours: the trainer ``causal_lm`` through its own loop: best-fit rows, no document sees another
padded: transformers' Trainer, one document a row, filled up to the longest of six, steps of about as many tokens as the others'
concatenated: transformers' Trainer, documents laid end to end and cut into rows; they see each other, and the rest is lost

Forward, backward and AdamW's step count; loading, tokenizing, packing and writing the model are told apart (``rest_cpu``).
Tokens that fill rows do not count as trained on. Without ``--documents`` these are invented: 46 tokens long in the mean, few of them long. Ratios are medians over
the rounds of tokens a second of ours over those of the other (``ratio_*``); ``ratio_*_cpu`` is the same by CPU seconds,
for machines that others use too. The growth table has one round at every length. ``--loss`` measures the loss
over a large vocabulary instead; ``--gpu`` models in the shape of 1B and 7B, on a CUDA device.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.throughput import gpu, loss
from bench.throughput.data import SIZES, synthetic, texts_of, write_base, write_documents
from datacards.cli import store_option
from datacards.store import Store
from train.data import shards

KINDS = ("ours", "padded", "concatenated")
AT_ONCE = 4_096  # tokens that go through the model together, whatever the length of a row
Run = dict[str, float]


class Worker:
    """A process that trains in one way whenever it is asked to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, request: dict[str, Any]) -> Run:
        """Return what one run cost; raises ClickException where the process ended."""
        if self.process.stdin is None or self.process.stdout is None:
            raise ValueError("a worker is talked to through pipes")
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise click.ClickException("a way of training ended before it answered: its message stands above")
        found: Run = json.loads(line)
        return found


@contextmanager
def worker(kind: str, base: Path, documents: Path, threads: int) -> Iterator[Worker]:
    """Yield a worker, ended afterwards."""
    command = [sys.executable, "-m", "bench.throughput.worker", kind, str(base), str(documents)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()


def measure(base: Path, documents: Path, options: dict[str, Any]) -> dict[int, dict[str, list[Run]]]:
    """Return the runs by length of the rows and way of training; the longest length has all rounds."""
    lengths: Sequence[int] = options["lengths"]
    asked = {name: options[name] for name in ("precision", "attention", "device")}
    found: dict[int, dict[str, list[Run]]] = {length: {kind: [] for kind in KINDS} for length in lengths}
    with ExitStack() as stack:
        workers = {
            kind: stack.enter_context(worker(kind, base, documents, options["threads"])) for kind in KINDS
        }
        for kind in KINDS:  # what a process does the first time only is no part of it
            workers[kind].ask({"length": lengths[0], "rows": 1, "steps": 1, **asked})
        rounds = [*lengths, *[lengths[-1]] * (options["rounds"] - 1)]
        for length in rounds:
            for kind in KINDS:
                rows = max(1, AT_ONCE // length)
                run = workers[kind].ask({"length": length, "rows": rows, "steps": None, **asked})
                found[length][kind].append(run)
                speed = run["tokens"] / run["seconds"]
                click.echo(
                    f"{length} {kind}: {speed:,.0f} tokens/s, {run['tokens'] / run['cpu']:,.0f} by CPU, "
                    f"{run['fill']:.2%} of the places used",
                    err=True,
                )
    return found


def speed(runs: Sequence[Run], by: str = "seconds") -> float:
    """Return the median of tokens a second, by the clock or by CPU seconds."""
    return statistics.median(run["tokens"] / run[by] for run in runs)


def ratio(runs: dict[str, list[Run]], other: str, by: str = "seconds") -> float:
    """Return the median over the rounds of how much faster ours is."""
    pairs = zip(runs["ours"], runs[other], strict=True)
    return statistics.median((a["tokens"] / a[by]) / (b["tokens"] / b[by]) for a, b in pairs)


def table(found: dict[int, dict[str, list[Run]]]) -> Table:
    """Return the runs as a table."""
    shown = Table(
        "row", "way", "tokens/s", "tokens/CPU s", "places used", "peak MiB", box=None, header_style="bold"
    )
    for length, kinds in found.items():
        for kind, runs in kinds.items():
            peak = max(run["peak_mib"] for run in runs)
            figures = (f"{speed(runs):,.0f}", f"{speed(runs, 'cpu'):,.0f}", f"{runs[0]['fill']:.2%}")
            shown.add_row(str(length), kind, *figures, f"{peak:,.0f}")
    return shown


def summary(found: dict[int, dict[str, list[Run]]]) -> dict[str, Any]:
    """Return the figures that the last line tells."""
    main_ = found[max(found)]
    told: dict[str, Any] = {"packing": round(main_["ours"][0]["fill"], 5)}
    for other in KINDS[1:]:
        told[f"ratio_{other}"] = round(ratio(main_, other), 2)
        told[f"ratio_{other}_cpu"] = round(ratio(main_, other, "cpu"), 2)
    told["tokens_per_second"] = {kind: round(speed(runs)) for kind, runs in main_.items()}
    told["rest_cpu"] = {
        kind: round(statistics.median(run["rest_cpu"] for run in runs), 2) for kind, runs in main_.items()
    }
    told["growth"] = {
        length: {
            kind: {"tokens_per_second": round(speed(runs)), "peak_mib": round(runs[0]["peak_mib"])}
            for kind, runs in kinds.items()
        }
        for length, kinds in found.items()
    }
    return told


@click.command()
@click.option("--size", type=click.Choice(sorted(SIZES)), default="small")
@click.option("--tokens", type=click.IntRange(min=4096), default=16_384, help="how many are trained on")
@click.option(
    "--documents",
    multiple=True,
    help="A Parquet file, or NAME@VERSION of a dataset: its texts in their order.",
)
@store_option
@click.option("--rounds", type=click.IntRange(min=1), default=3)
@click.option("--lengths", default="512,1024,2048", help="of the rows, rising; the last has all rounds")
@click.option("--threads", type=click.IntRange(min=1), default=len(os.sched_getaffinity(0)))
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32")
@click.option("--attention", default="auto", help="the kernel of ours")
@click.option("--loss", is_flag=True, help="measure the loss alone, over a large vocabulary")
@click.option("--gpu", is_flag=True, help="measure models in the shape of 1B and 7B on a CUDA device")
def main(**options: Any) -> None:
    """Measure and print a table; the last line is one JSON object."""
    if options["loss"] or options["gpu"]:
        shown, told = gpu.measure() if options["gpu"] else loss.measure(options["threads"])
    else:
        options["lengths"] = [int(word) for word in options["lengths"].split(",")]
        options["device"] = "cpu"
        shown, told = _three_ways(options)
    Console().print(shown)
    click.echo(json.dumps(told))


def _files(name: str, root: str) -> list[Path]:
    if Path(name).is_file():
        return [Path(name)]
    store = Store(root)
    return [shard.path for shard in shards.trained(store, [store.verified(name, "dataset")], None)]


def _three_ways(options: dict[str, Any]) -> tuple[Table, dict[str, Any]]:
    tokens = options["tokens"]
    paths = [path for name in options["documents"] for path in _files(name, options["root"])]
    with tempfile.TemporaryDirectory() as folder:
        base, documents = Path(folder, "base"), Path(folder, "documents.parquet")
        texts = texts_of(paths, tokens * 2) if paths else list(synthetic(tokens))
        write_documents(texts, documents)
        weights = write_base(base, options["size"], texts if paths else None)
        found = measure(base, documents, options)
    click.echo(
        f"{weights:,} weights, {len(texts):,} documents, {options['threads']} thread(s), {options['precision']}",
        err=True,
    )
    return table(found), {
        "weights": weights,
        "documents": len(texts),
        "threads": options["threads"],
        **summary(found),
    }


if __name__ == "__main__":
    main()
