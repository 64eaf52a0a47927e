"""Near-duplicates: our whole stage against those of others, and how many of the removals are right.

``python -m bench.near_duplicates [DIR] [--peers datatrove,text-dedup] [--rounds N]`` reads documents from
``DIR/docs/*.parquet`` (doc_id, text) and what each was made from from ``DIR/truth.parquet`` (doc_id, base_id); without
DIR it makes a small corpus of its own. Every program takes the documents as Parquet, uses two workers and writes those
that stay; after a run of each on 200 documents, which compiles what is compiled once, all run in turn, ``rounds``
times. Figures are medians over the rounds; CPU seconds are those of all
processes of a program, the peak (2^20 bytes) is the largest sum of their proportional set sizes. A removal is right
when the document has an exact Jaccard similarity of 0.80 or more (sets of character 5-grams) with another one of its
family that is earlier or stays. A ratio is a peer's CPU seconds over ours.

datatrove runs at its defaults (14 bands of 8, unverified) with characters for words; text-dedup with xxh3 and our 16
bands of 8 (cheaper than its 250 permutations), Daft (``--peers daft``) with its own MinHash and the same bands, both
on texts whose characters are spaced beforehand, which is not counted. They are installed on first use.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench import Cost
from bench.peers.install import PeersMissingError, environment
from bench.peers.made import make
from bench.peers.removals import Quality, Truth, judge, read_truth
from bench.peers.supervise import CommandFailedError, supervised

PROGRAMS = Path(__file__).parent / "peers"
OURS = "ours"


class Run(NamedTuple):
    """The folders of one run: the corpus, its documents with characters spaced, what stays, what lies between."""

    corpus: Path
    spaced: Path
    out: Path
    work: Path


class Measured(NamedTuple):
    """What one run cost, and the documents that stayed."""

    cost: Cost
    kept: Sequence[int]


def ours(run: Run) -> list[str]:
    """Return the command of our stage; whoever changes how it is called changes it here."""
    call = "import sys, pathlib, bench.peers.ours as ours; ours.main(*map(pathlib.Path, sys.argv[1:]))"
    return ["-c", call, str(run.corpus / "docs"), str(run.out), str(run.work)]


def datatrove(run: Run) -> list[str]:
    program = str(PROGRAMS / "datatrove_minhash.py")
    return [program, str(run.corpus / "docs"), str(run.out), str(run.work)]


def text_dedup(run: Run) -> list[str]:
    files = ["--path", "parquet", "--data_files", f"{run.spaced}/*.parquet", "--split", "train"]
    folders = ["--cache_dir", str(run.work / "cache"), "--output", str(run.out)]
    bands = ["--hash_func", "xxh3", "--num_perm", "128", "--b", "16", "--r", "8", "--ngram", "5"]
    return ["-m", "text_dedup.minhash", *files, *folders, *bands, "--column", "text", "--num_proc", "2"]


def daft(run: Run) -> list[str]:
    return [str(PROGRAMS / "daft_minhash.py"), str(run.spaced), str(run.out)]


PEERS: Mapping[str, Callable[[Run], list[str]]] = {
    "datatrove": datatrove,
    "text-dedup": text_dedup,
    "daft": daft,
}
SPACED = {"text-dedup", "daft"}
WARM = 200  # documents of the run that is not counted


def measure(name: str, corpus: Path, spaced: Path) -> Measured:
    """Run one program once on the documents; raises CommandFailedError, PeersMissingError."""
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        run = Run(corpus, spaced, scratch / "out", scratch / "work")
        if name == OURS:
            command, variables = ours(run), os.environ | {"OMP_NUM_THREADS": "1"}
        else:
            command, variables = PEERS[name](run), environment(scratch)
        cost = supervised([sys.executable, *command], scratch / "log", variables)
        return Measured(cost, kept(run.out))


def kept(out: Path) -> list[int]:
    """Return the numbers of the documents that a program wrote, as Parquet or as Arrow streams."""
    tables = [pq.read_table(path, columns=["doc_id"]) for path in sorted(out.rglob("*.parquet"))]
    for path in sorted(out.rglob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            tables.append(pa.ipc.open_stream(file).read_all())
    return [int(one) for table in tables for one in table["doc_id"].to_pylist()]


def space(corpus: Path, out: Path) -> None:
    """Write the documents with a space between any two characters."""
    out.mkdir()
    for path in sorted((corpus / "docs").glob("*.parquet")):
        table = pq.read_table(path, columns=["doc_id", "text"])
        spaced = pa.array([" ".join(text) for text in table["text"].to_pylist()])
        pq.write_table(pa.table({"doc_id": table["doc_id"], "text": spaced}), out / path.name)


def figures(runs: Sequence[Measured], truth: Truth) -> tuple[dict[str, float], Quality]:
    """Return the medians of the costs and the quality of the last run, rounded for people."""
    quality = judge(truth, runs[-1].kept)
    row = {
        "cpu_s": round(statistics.median(run.cost.cpu for run in runs), 2),
        "wall_s": round(statistics.median(run.cost.wall for run in runs), 2),
        "peak_mb": round(statistics.median(run.cost.peak for run in runs), 1),
        "kept": len(runs[-1].kept),
        "precision": round(quality.precision, 4),
        "recall": round(quality.recall, 4),
    }
    return row, quality


def measure_all(
    corpus: Path, peers: Sequence[str], rounds: int
) -> tuple[dict[str, list[Measured]], dict[str, str]]:
    """Measure ours and the peers in turn; return the runs by name, and why those without any are left out.

    Ours must run: ClickException when it does not.
    """
    runs: dict[str, list[Measured]] = {name: [] for name in (OURS, *peers)}
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as place:
        tiny = Path(place) / "tiny"
        make(tiny, WARM)
        spaced = {tiny: Path(place) / "tiny-spaced", corpus: Path(place) / "spaced"}
        for one, out in spaced.items() if SPACED & set(peers) else ():
            space(one, out)
        for one, name in [(one, name) for one in (tiny, *[corpus] * rounds) for name in runs]:
            if name in left_out:
                continue
            try:
                found = measure(name, one, spaced[one])
            except (CommandFailedError, PeersMissingError) as error:
                if name == OURS:
                    raise click.ClickException(f"our own stage {error}") from error
                left_out[name] = str(error)
                click.echo(f"{name} is left out: {error}", err=True)
            else:
                runs[name].extend([found] if one == corpus else [])
    return {name: done for name, done in runs.items() if name not in left_out}, left_out


def compare(corpus: Path, peers: Sequence[str], rounds: int) -> dict[str, Any]:
    """Measure ours and the peers on a corpus, print the tables and return the figures."""
    truth = read_truth(corpus)
    runs, left_out = measure_all(corpus, peers, rounds)
    rows: dict[str, dict[str, float]] = {}
    qualities: dict[str, Quality] = {}
    for name, done in runs.items():
        rows[name], qualities[name] = figures(done, truth)
    show(rows, qualities)
    result: dict[str, Any] = {"documents": truth.documents, **rows[OURS]}
    for name in peers:
        if name in rows:
            pairs = zip(runs[name], runs[OURS], strict=True)
            key = name.replace("-", "_")
            result[f"ratio_{key}"] = round(statistics.median(a.cost.cpu / b.cost.cpu for a, b in pairs), 2)
            result[key] = rows[name]
    return result | ({"left_out": left_out} if left_out else {})


def show(rows: Mapping[str, Mapping[str, float]], qualities: Mapping[str, Quality]) -> None:
    """Print what each program cost, and the share of documents that went by their largest similarity."""
    cost = Table("near-duplicates", *rows[OURS], box=None, header_style="bold")
    for name, row in rows.items():
        cost.add_row(name, *(f"{value:,.4g}" if value < 1000 else f"{value:,.0f}" for value in row.values()))
    went = Table("went, by similarity", *qualities[OURS].by_bin, box=None, header_style="bold")
    for name, quality in qualities.items():
        went.add_row(name, *(f"{share:.3f}" for share in quality.by_bin.values()))
    for table in (cost, went):
        Console().print(table)


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--peers", default="datatrove,text-dedup", show_default=True, help=f"Any of {', '.join(PEERS)}, or none."
)
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--documents",
    default=5000,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many to make when no folder is given.",
)
def main(folder: Path | None, peers: str, rounds: int, documents: int) -> None:
    """Measure and print two tables; the last line is one JSON object."""
    names = [name for name in peers.split(",") if name and peers != "none"]
    if unknown := set(names) - set(PEERS):
        raise click.BadParameter(
            f"{', '.join(sorted(unknown))}; allowed are {', '.join(PEERS)}", param_hint="--peers"
        )
    with tempfile.TemporaryDirectory() as place:
        if folder is None:
            folder = Path(place) / "made"
            make(folder, documents)
        elif not (folder / "truth.parquet").is_file() or not list(folder.glob("docs/*.parquet")):
            raise click.BadParameter(f"{folder} holds no docs/*.parquet with truth.parquet beside docs")
        result = compare(folder, names, rounds)
    click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
