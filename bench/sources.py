"""Every spider against the sample world, twice: what it captures, what it misses, what a second crawl costs.

``python -m bench.sources`` holds each crawl against what the sample world says it publishes. The second crawl is of the
same, unchanged site a day later; ``ratio`` is its bytes to those of the first.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from corpus.captures import read_captures
from corpus.document import Capture
from datacards.store import Store
from sample import edinet_days, glossary
from sample.boj_truth import SERIES, published
from sample.companies import JST
from sample.institutions import INSTITUTIONS
from sample.wikipedia_pages import wanted
from sample.world import World, serve

ROOT = Path(__file__).resolve().parent.parent
EDINET = ("-a", "since=2025-03-01", "-a", "until=2026-06-30")
SITES = ",".join(["jpx", *INSTITUTIONS])
#: Spider -> what is said with it.
SPIDERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(SERIES, ("-a", "since=2005-01-01")),
    "institutions": (
        "-a",
        f"sites={SITES}",
        "-a",
        "cadence=ignore",
        "-s",
        "KANAGURA_SITES=spiders/sites,sample/sites",
    ),
    "edinet": EDINET,
    "wikipedia": (),
}
_FORMS = {("010", "030000"), ("010", "030001")}


def truth(spider: str, world: World) -> set[str]:
    """Return what a spider must capture: addresses; of EDINET the documents' IDs, of Wikipedia the titles."""
    if spider in SERIES:
        return {world.base_urls[one.host] + one.path for one in published(spider)}
    if spider == "institutions":
        kept = {
            world.base_urls[host] + one.path for host, site in INSTITUTIONS.items() for one in site.kept()
        }
        return kept | {world.base_urls["jpx"] + path for path in glossary.terms()}
    if spider == "wikipedia":
        return set(wanted())
    now = datetime.now(JST)
    rows = [row for day in edinet_days.DATES for row in edinet_days.rows(day, now)]
    gone = {
        row["docID"]
        for row in rows
        if row["disclosureStatus"] in ("1", "2") or row["withdrawalStatus"] == "2"
    }
    chosen = {str(row["docID"]) for row in rows if (row["ordinanceCode"], row["formCode"]) in _FORMS}
    return chosen - gone - {edinet_days.TRUNCATED}


def name_of(spider: str) -> Callable[[Capture], str]:
    """Return what identifies a capture in the truth of a spider."""
    return {"edinet": lambda c: c.meta.get("docID", ""), "wikipedia": lambda c: c.meta.get("title", "")}.get(
        spider, lambda c: c.url
    )


def crawl(spider: str, version: str, store: Path, world: World) -> dict[str, int]:
    """Run one crawl as a user does; return the counts of its card."""
    words = [
        str(Path(sys.executable).with_name("scrapy")), "crawl", spider, *SPIDERS[spider], "-a", f"version={version}",
        "-s", f"KANAGURA_BASE_URLS={json.dumps(dict(world.base_urls))}", "-s", "DOWNLOAD_DELAY=0",
        "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "KANAGURA_RETRY_WAIT=0", "-s", "LOG_LEVEL=ERROR",
    ]  # fmt: skip
    environment = {**os.environ, "KANAGURA_STORE": str(store), "EDINET_API_KEY": "sample-key"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    versions = Store(store)
    return versions.card(versions.resolve(f"{spider}@{version}")).counts


@click.command()
def main() -> None:
    """Crawl every source of the sample world twice and print what that gave and cost."""
    columns = (
        "captures",
        "documents",
        "misses",
        "duplicates",
        "first run, bytes",
        "second run, bytes",
        "new",
        "requests",
    )
    table = Table("spider", *columns, box=None)
    misses = duplicates = once = again = 0
    with tempfile.TemporaryDirectory() as folder, serve() as world:
        for spider in SPIDERS:
            store = Path(folder) / "store"
            first = crawl(spider, "2026.11.21", store, world)
            versions = Store(store)
            captures = list(read_captures(versions.path(versions.resolve(f"{spider}@2026.11.21"))))
            name, must = name_of(spider), truth(spider, world)
            found = [
                name(c) for c in captures if name(c) in must and "problem" not in c.meta and c.status == 200
            ]
            second = crawl(spider, "2026.11.22", store, world)
            misses, duplicates = misses + len(must - set(found)), duplicates + len(found) - len(set(found))
            once, again = once + first["bytes_downloaded"], again + second["bytes_downloaded"]
            numbers = (
                first["captures"], len(set(found)), len(must - set(found)), len(found) - len(set(found)),
                first["bytes_downloaded"], second["bytes_downloaded"], second["captures_new"], second["requests"],
            )  # fmt: skip
            table.add_row(spider, *(f"{number:,}" for number in numbers))
    Console(width=130).print(table)
    print(json.dumps({"misses": misses, "duplicates": duplicates, "ratio": round(again / once, 4)}))


if __name__ == "__main__":
    main()
