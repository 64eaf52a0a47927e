"""What the tests of the dump spider share: the truth of the sample wiki, and what a finished crawl says."""

import json
from pathlib import Path
from typing import Any

from corpus.captures import read_captures
from corpus.document import Capture
from datacards.store import Store
from sample.wikipedia import DATE
from sample.wikipedia_pages import wanted
from tests.spiders.conftest import Crawler

WORDS = ("wikipedia", "-a", "version=2026.11.21")
DUMP = f"jawiki-{DATE}-pages-articles.xml.bz2"
TRUTH = wanted()


def version(crawler: Crawler) -> Path:
    store = Store(crawler.store)
    return store.path(store.resolve("wikipedia"))


def articles(crawler: Crawler) -> list[Capture]:
    return [c for c in read_captures(version(crawler)) if c.meta["kind"] == "article"]


def identities(crawler: Crawler) -> set[tuple[str, str]]:
    found = [(c.url, c.sha256) for c in articles(crawler)]
    assert len(found) == len(set(found))
    return set(found)


def ledger(crawler: Crawler, name: str) -> list[dict[str, Any]]:
    path = version(crawler) / f"{name}.jsonl"
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def card(crawler: Crawler) -> Any:
    return json.loads((version(crawler) / "card.json").read_bytes())


def dump_folder(folder: Path, names: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, body in names.items():
        (folder / name).write_bytes(body)
    return folder
