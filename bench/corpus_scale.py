"""A corpus of many short documents on one machine: time, memory and disk, from texts to a finished version.

``python -m bench.corpus_scale [--docs N[,N...]] [--bare] [--workers N] [--folder DIR]`` makes N documents of about 83
characters (70 % originals, 20 % near-duplicates of Jaccard 0.6 to 0.95, 10 % copies), puts each through the cleaning
steps and the signing of a corpus run, finds the duplicates, and writes a version in all formats with its index. The figures
tell the making of texts apart, which no corpus pays for. ``--bare`` leaves out what costs by the character. Several numbers of documents show how the cost grows.
"""

import json
import random
import shutil
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.peers.supervise import supervised
from corpus import shards
from corpus.document import Document
from corpus.duplicates.index import Signer
from corpus.engine import Engine, Local
from corpus.finish import finish
from corpus.prepare import document_rows, schema
from corpus.recipe import CorpusRecipe
from corpus.steps import clean
from datacards.store import Store

CHUNK = 10_000
_MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
_DAY = date(2016, 1, 1)
_RECIPE = CorpusRecipe.model_validate(
    {
        "name": "scale",
        "version": "2026.11.21",
        "captures": ["made"],
        "steps": [
            "unicode",
            "boilerplate",
            {"language": {"languages": ["ja"]}},
            {"length": {"minimum": 10}},
            "personal",
            "repetition",
            "quality",
        ],
    }
)
#: Without what costs by the character, whatever the number of documents: what is left is what grows with the corpus.
_BARE = _RECIPE.model_validate(
    {
        **_RECIPE.model_dump(mode="json"),
        "steps": [],
        "repeats": None,
        "decontamination": None,
        "formats": ["markdown"],
    }
)


def words() -> list[str]:
    """Return some thousand Japanese-like words, frequent ones first."""
    chance = random.Random(11)
    kanji = "金銀行株式債券投資信託利益配当資産負債市場経済景気物価賃金雇用輸出入生産消費設備政策決定会合緩和引締為替相場見通需給"
    kana = "のはがをにでとものからまでよりやなどこそ"
    made = [*kana, *("".join(chance.choices(kanji, k=chance.choice([2, 2, 2, 3, 4]))) for _ in range(6000))]
    return list(dict.fromkeys(made))


def text_of(number: int, vocabulary: list[str], weights: list[float]) -> str:
    """Return the text of a document: most are their own, some like an earlier one, some the same."""
    chance = random.Random(number)
    kind = chance.random()
    if number and kind >= 0.7:
        base = text_of(number % (number // 2 + 1), vocabulary, weights)
        if kind >= 0.9:
            return base
        at, length = chance.randrange(len(base)), round(len(base) * chance.uniform(0.02, 0.2))
        other = "".join(chance.choices(vocabulary, cum_weights=weights, k=length))
        return base[:at] + other[:length] + base[at + length :]
    count = chance.randint(20, 70)
    return "".join(chance.choices(vocabulary, cum_weights=weights, k=count)) + "である。"


def documents(first: int, last: int) -> list[Document]:
    """Return the documents [first, last)."""
    vocabulary, weights, total = words(), [], 0.0
    for rank in range(1, len(vocabulary) + 1):
        total += 1 / rank
        weights.append(total)
    return [
        Document(
            text_of(number, vocabulary, weights), "markdown", "made", f"https://example.invalid/{number}",
            f"第{number}号", _MOMENT, "PDL-1.0", "", True, available_at=_DAY + timedelta(days=number % 3650),
        )
        for number in range(first, last)
    ]  # fmt: skip


def prepare(first: int, *, total: int, out: Path, recipe: CorpusRecipe) -> tuple[float, float]:
    """Write the chunk that begins at document ``first``; return the CPU seconds of making and of preparing it.

    A chunk that is there already, from a run that was killed, is kept.
    """
    start = time.process_time()
    path = out / f"{first // CHUNK:05d}.parquet"
    if path.is_file():
        return 0.0, 0.0
    made = documents(first, min(first + CHUNK, total))
    between = time.process_time()
    cleaned = [clean(document, recipe.calls()) for document in made]
    signer = Signer(recipe.dedup, recipe.repeats)
    rows = document_rows([one for one in cleaned if isinstance(one, Document)], signer)
    left = [one for one in cleaned if not isinstance(one, Document)]
    rows += [{"drop": shards.drop_row(one.drop, one.step, one.document)} for one in left]
    shards.write(path, rows, schema(recipe.dedup))
    return between - start, time.process_time() - between


def build(total: int, workers: int, folder: Path, *, bare: bool) -> dict[str, Any]:
    """Make the version in this process and its workers; return its figures."""
    engine: Engine = Local(workers)
    store = Store(folder / "store")
    recipe = _BARE if bare else _RECIPE
    request = recipe.model_dump(mode="json")
    times = {"start": time.perf_counter()}
    with store.write(name="scale", version="2026.11.21", kind="dataset", recipe=request) as draft:
        out = draft.work / "prepared"
        spent = list(
            engine.map(partial(prepare, total=total, out=out, recipe=recipe), range(0, total, CHUNK))
        )
        times["prepared"] = time.perf_counter()
        finish(recipe, sorted(out.glob("*.parquet")), draft, engine)
        times["written"] = time.perf_counter()
        used = sum(path.stat().st_size for path in draft.path.rglob("*") if path.is_file())
    card = store.card(store.resolve("scale"))
    making, preparing = map(sum, zip(*spent, strict=True))
    return {
        "documents": total,
        "content_digest": card.content_digest,
        "kept": card.counts["documents_markdown"],
        "dropped": dict(card.drops),
        "making_cpu_s": round(making, 1),
        "preparing_cpu_s": round(preparing, 1),
        "preparing_wall_s": round(times["prepared"] - times["start"], 1),
        "finishing_wall_s": round(times["written"] - times["prepared"], 1),
        "disk_mb": round(used / 2**20, 1),
        "version_mb": round(sum(file.bytes for file in card.files) / 2**20, 1),
    }


def measure(total: int, workers: int, folder: Path, *, bare: bool) -> dict[str, Any]:
    """Build under supervision; return figures with what all processes together cost."""
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        words_ = [
            sys.executable,
            "-m",
            "bench.corpus_scale",
            "--build",
            "--docs",
            str(total),
            *["--bare"] * bare,
        ]
        cost = supervised([*words_, "--workers", str(workers), "--folder", str(place)], place / "log")
        found: dict[str, Any] = json.loads((place / "figures.json").read_text("utf-8"))
    finally:
        shutil.rmtree(place)
    own = cost.cpu - found["making_cpu_s"]
    return found | {
        "wall_s": round(cost.wall, 1),
        "cpu_s": round(own, 1),
        "us_per_document": round(own / total * 1e6, 1),
        "peak_mb": round(cost.peak, 1),
    }


@click.command()
@click.option("--docs", default="5000,20000", show_default=True, help="Numbers of documents, by commas.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where it works."
)
@click.option(
    "--bare", is_flag=True, help="Only what grows with the corpus: no steps, tests, repeats; one format."
)
@click.option("--build", "alone", is_flag=True, hidden=True)
def main(docs: str, workers: int, folder: Path | None, *, bare: bool, alone: bool) -> None:
    """Measure and print a table; the last line is one JSON object."""
    place = folder or Path(tempfile.gettempdir())
    numbers = [int(number) for number in docs.split(",") if number.strip().isdecimal() and int(number)]
    if len(numbers) != docs.count(",") + 1:
        raise click.BadParameter(f"{docs!r}: whole numbers above 0, by commas", param_hint="--docs")
    if alone:
        figures = build(numbers[0], workers, place, bare=bare)
        (place / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
        return
    found = [measure(number, workers, place, bare=bare) for number in numbers]
    shown = ["documents", "kept", "wall_s", "cpu_s", "us_per_document", "peak_mb", "disk_mb", "version_mb"]
    table = Table(*shown, box=None, header_style="bold")
    for row in found:
        table.add_row(*(f"{row[name]:,}" for name in shown))
    Console().print(table)
    first, last = found[0], found[-1]
    growth = {name: round(last[name] / first[name], 2) for name in ("us_per_document", "peak_mb")}
    click.echo(json.dumps({**last, "bare": bare, "growth": growth, "all": found}))


if __name__ == "__main__":
    main()
