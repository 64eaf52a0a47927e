"""Tells whether an earlier version was made of the very files that are published now, and what it says then."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpus.captures import INDEX
from datacards.card import Card
from datacards.lineage import read_jsonl
from spiders.wikipedia.files import Listed

LEDGERS = ("files", "categories")
_COUNTS = ("pages", "articles", "roots that lead nowhere")
_BEGIN = ("categories ", "chosen by ", "missing ", "skipped ")


def is_unchanged(folder: Path, card: Card, listed: Listed, choice: Mapping[str, Any]) -> bool:
    """Return whether a crawl of the files in ``listed`` would give what the version in ``folder`` holds.

    It would when that version lacks nothing, chose its articles by the same ``choice`` (as JSON), and when every file
    that it was made from had the sum that is published for it now. A version that had to do without tables that are
    listed is no measure.
    """
    files = {row["role"]: row for row in read_jsonl(folder / "files.jsonl")}
    if "dump" not in files or card.recipe.get("choice") != choice or card.counts.get("incomplete"):
        return False
    if {"categorylinks", "page"} & set(listed.names) - set(files):
        return False
    return all(_same(listed, role, row) for role, row in files.items())


def _same(listed: Listed, role: str, row: Mapping[str, Any]) -> bool:
    name = listed.names.get(role, "")
    return row["name"] == name and bool(row["sha1"]) and row["sha1"] == listed.sums.get(name)


def article_rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address and the license of every article of a version."""
    with pq.ParquetFile(folder / INDEX) as file:
        for batch in file.iter_batches(10_000, columns=["url", "license", "kind", "problem"]):
            for row in batch.to_pylist():
                if row["kind"] == "article" and not row["problem"]:
                    yield row["url"], row["license"]


def counts_of(card: Card) -> dict[str, int]:
    """Return the counts of a card that tell of the dump and the choice, not of the crawl."""
    return {name: n for name, n in card.counts.items() if name in _COUNTS or name.startswith(_BEGIN)}
