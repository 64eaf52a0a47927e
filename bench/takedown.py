"""A takedown over a whole store: captures, a corpus, questions, a release; one page, its copies' survivor, one company.

``python -m bench.takedown [--documents N] [--folder DIR]`` makes N pages in two crawls of one site (a tenth of them near
copies), the annual reports of three companies, a corpus of both, questions about it and a release, and takes down the
survivor of a cluster and one company. ``leaks`` is what the check found in the strings of all files of all successors;
``rows_untouched`` compares every row that names nothing removed with its successor, value for value. The last line is
one JSON object: ``leaks`` must be 0 and ``rows_untouched`` 1.0.
"""

import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench.corpus_scale import words
from corpus.document import Capture
from corpus.recipe import CorpusRecipe
from corpus.run import inputs
from corpus.run import run as build
from corpus.takedown.plugin import Corpus
from datacards.card import Ref
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import Store
from datacards.takedown.plan import plan
from datacards.takedown.request import Request
from datacards.takedown.run import Takedown
from rephrase.recipe import RephraseRecipe
from rephrase.run import run as ask
from rephrase.takedown import Rephrase
from sample.annual_report import annual_report
from sample.companies import COMPANIES
from sample.xbrl import package
from spiders.warc import Segments

DAY, NEXT = "2026.11.21", "2026.11.22"
_MOMENT = datetime(2026, 11, 21, 3, tzinfo=UTC)
_SITE = "https://www.example.jp"
_STEPS = ["unicode", "boilerplate", "language", "length", "repetition"]


def said(number: int, vocabulary: list[str]) -> str:
    """Return what a page says, some 600 characters; each tenth page says nearly what the one before it says."""
    chance = random.Random(number - 1 if number % 10 == 1 else number)
    text = "".join("".join(chance.choices(vocabulary, k=12)) + "である。" for _ in range(24))
    return text + ("追って補足する。" if number % 10 == 1 else "")


def capture(url: str, body: bytes, license_: str, moment: datetime, **meta: str) -> Capture:
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    source = "filings" if meta["kind"] == "filing" else "news"
    return Capture(url, source, moment, 200, headers, "text/html", body, license_, meta=meta)


def pages(documents: int) -> Iterator[Capture]:
    vocabulary = words()
    for number in range(documents):
        title = f"第{number}号の記事"
        body = f"<!doctype html><html lang='ja'><head><meta charset='utf-8'><title>{title}</title></head><body><main><h1>{title}</h1><p>{said(number, vocabulary)}</p></main></body></html>"
        moment = _MOMENT + timedelta(minutes=number % 1000)
        yield capture(f"{_SITE}/{number:07d}.html", body.encode(), "all-rights-reserved", moment, kind="page")


def filings() -> Iterator[Capture]:
    for company in COMPANIES[:3]:
        meta = {
            "kind": "filing",
            "docID": f"S{company.sec_code}",
            "edinetCode": company.edinet_code,
            "filerName": company.name,
        }
        body = package(annual_report(company, company.years[-1]))
        yield capture(f"{_SITE}/filings/{company.sec_code}", body, "PDL-1.0", _MOMENT, **meta)


def crawl(store: Store, name: str, version: str, found: Iterator[Capture], earlier: list[Ref]) -> Ref:
    folders = [store.path(ref) for ref in earlier]
    with store.write(name=name, version=version, kind="captures", recipe={"spider": name}) as draft:
        with Segments(draft.path, earlier=folders, roll=8 << 20) as segments:
            for one in found:
                segments.write(one)
            segments.close(index=True)
            held = segments.rows.counted("body_version")
        draft.made_from = [ref for ref in earlier if ref.version in held]
    return store.resolve(f"{name}@{version}")


def world(store: Store, documents: int) -> None:
    """Fill a store; the second crawl finds all pages unchanged and some more."""
    first = crawl(store, "news", DAY, pages(documents * 9 // 10), [])
    crawl(store, "news", NEXT, pages(documents), [first])
    crawl(store, "filings", DAY, filings(), [])
    fields = {
        "name": "fin",
        "version": NEXT,
        "captures": ["news", "filings"],
        "steps": _STEPS,
        "shard_characters": 2_000_000,
    }
    recipe = CorpusRecipe.model_validate({**fields, "decontamination": None})
    build(recipe, store, inputs(recipe, store), workers=2)
    ask(RephraseRecipe(name="asked", version=NEXT, holdout=0.1, carry=("markdown", "sections")), store, "fin")
    release(ReleaseRecipe(name="public", version=NEXT, restricted="pointers"), store, "asked")


def tables(store: Store, ref: Ref) -> dict[str, pa.Table]:
    folder = store.path(ref)
    return {str(path.relative_to(folder)): pq.read_table(path) for path in sorted(folder.glob("*/*.parquet"))}


def untouched(store: Store, withdrawn: list[dict[str, str]], gone: set[str]) -> tuple[int, int]:
    """Return how many rows of old tables hold nothing that went, and how many of them stand in the successor as they were."""
    rows = same = 0
    for one in withdrawn:
        old, new = tables(store, store.resolve(one["ref"])), tables(store, store.resolve(one["successor"]))
        for name, table in old.items():
            if name.startswith("index/"):
                continue
            kept = [row for row in table.to_pylist() if not _names(row, gone)]
            there = {json.dumps(row, default=str) for row in new[name].to_pylist()} if name in new else set()
            rows += len(kept)
            same += sum(json.dumps(row, default=str) in there for row in kept)
    return rows, same


def _names(row: dict[str, Any], gone: set[str]) -> bool:
    values = [row.get(name) for name in ("id", "document_id", "other_id", "detail", "url")]
    return any(value in gone for value in values) or any(s["id"] in gone for s in row.get("made_from") or ())


@click.command()
@click.option("--documents", default=500, show_default=True, type=click.IntRange(min=20))
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where the store is made; a temporary folder unless given.",
)
def main(documents: int, folder: Path | None) -> None:
    """Make a store, take two things down, look again; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as place:
        store = Store((folder or Path(place)) / "store")
        began = time.perf_counter()
        world(store, documents)
        made = time.perf_counter() - began
        url, company = f"{_SITE}/0000011.html", COMPANIES[1].edinet_code
        asked = Request(urls=(url,), companies=(company,), reason="benchmark")
        began = time.perf_counter()
        found = plan(store, asked, erasers := [Corpus(), Rephrase()])
        if found is None:
            raise SystemExit("the store does not hold what is to go")
        ref = Takedown(store, found, erasers).run()
        seconds = time.perf_counter() - began
        figures = _figures(store, ref, found.removed.ids | found.removed.urls)
    figures |= {"documents": documents, "seconds_made": round(made, 1), "seconds": round(seconds, 2)}
    table = Table("what", "figure", box=None, header_style="bold")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    click.echo(json.dumps(figures))
    if figures["leaks"] or figures["rows_untouched"] < 1:
        raise SystemExit(1)


def _figures(store: Store, ref: Ref, gone: set[str]) -> dict[str, Any]:
    receipt = json.loads(store.path(ref, "receipt.json").read_text("utf-8"))
    rows, same = untouched(store, [one for one in receipt["withdrawn"] if one["successor"]], gone)
    check = receipt["check"]
    return {
        "leaks": check["leaks"],
        "grams_looked_for": check["looked_for"],
        "bytes_searched": check["bytes"],
        "rows_untouched": same / max(1, rows),
        "rows_kept": rows,
        "rows_removed": receipt_rows(receipt),
        "new_survivors": sum(len(one["new_survivors"]) for one in receipt["versions"]),
        "versions": len(receipt["versions"]),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def receipt_rows(receipt: dict[str, Any]) -> int:
    """Return how many rows of all tables went."""
    return sum(n for one in receipt["versions"] for name, n in one["rows_removed"].items() if " " not in name)


if __name__ == "__main__":
    main()
