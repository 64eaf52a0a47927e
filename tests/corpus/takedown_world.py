"""A store with a history to take texts out of: three crawls of three sources, a corpus that extends another, questions."""

import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from corpus import shards
from corpus.captures import read_captures
from corpus.contamination.decontaminate import DecontaminationOptions
from corpus.folding import folded
from corpus.recipe import CorpusRecipe
from corpus.run import inputs
from corpus.run import run as build
from corpus.takedown.plugin import Corpus
from datacards.card import Ref
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
from tests.corpus.asof_world import CRAWLS, World, edinet, fill, history, page, web
from tests.corpus.asof_world import sentences as said

ERASERS = [Corpus(), Rephrase()]
ONE, TWO, THREE = CRAWLS
NEAR = "https://www.example.jp/near.html"  # who stands for it leaves copies behind
EARLY = "https://www.example.jp/early.html"
LIST = "https://www.example.jp/index.html"
RECIPE = {"steps": ["unicode", "boilerplate", "language", "length", "repetition"], "shard_characters": 20_000}


def visits() -> World:
    """Return the history of the leak test, lists that name its pages, and the reports of four companies."""
    world = history()
    titles = "".join(f"<li><a href='{n}.html'>{n}の記事を読む、{said(2, 1)[:20]}</a></li>" for n in range(3))
    listed = page("記事の一覧", "一覧").replace(b"</main>", f"<ul>{titles}</ul></main>".encode())
    world.visits["press"] += [web(crawl, "index.html", listed, kind="index") for crawl in (ONE, TWO)]
    for company in COMPANIES[1:4]:
        report = annual_report(company, company.years[-1])
        name = f"S100{company.sec_code[:4]}"
        row = {"edinetCode": company.edinet_code, "secCode": company.sec_code, "filerName": company.name}
        world.visits["edinet"].append(
            edinet(ONE, name, package(report), "2026-02-20", docDescription="有価証券報告書", **row)
        )
    return replace(world, tombstones=[one for one in world.tombstones if one["docID"] != "S100GONE"])


def world(store: Store) -> tuple[Ref, Ref, Ref]:
    """Fill a store; return the corpus of the first crawls, the one that adds the later ones, and the questions."""
    fill(store, visits())
    first = corpus(store, ONE, [f"{name}@{ONE}" for name in ("press", "edinet", "wikipedia")])
    later = [f"press@{TWO}", f"edinet@{TWO}", f"wikipedia@{TWO}", f"press@{THREE}"]
    second = corpus(store, THREE, later, extends=str(first))
    return first, second, questions(store, second)


def corpus(store: Store, version: str, captures: list[str], **more: object) -> Ref:
    fields = {"name": "fin", "version": version, "captures": captures, **RECIPE, **more}
    recipe = CorpusRecipe.model_validate(
        fields | {"decontamination": DecontaminationOptions(tests=("cma_basics",))}
    )
    return build(recipe, store, inputs(recipe, store))


def questions(store: Store, made_from: Ref, version: str = THREE) -> Ref:
    carry = ("markdown", "sections", "qa")
    return ask(RephraseRecipe(name="asked", version=version, holdout=0.2, carry=carry), store, str(made_from))


def take_down(store: Store, **asked: object) -> tuple[Ref, dict[str, object]]:
    """Carry a takedown out; return it and its receipt."""
    found = plan(store, Request.model_validate({"reason": "訴えによる", **asked}), ERASERS, day="2026.12.24")
    assert found is not None
    ref = Takedown(store, found, ERASERS).run()
    return ref, json.loads(store.path(ref, "receipt.json").read_text("utf-8"))


def rows(store: Store, ref: Ref | str, config: str) -> list[dict[str, object]]:
    folder = store.path(store.resolve(str(ref)))
    return [row for path in sorted((folder / config).glob("*.parquet")) for row in shards.read(path)]


def grams(text: str) -> set[str]:
    seen = folded(text)
    return {seen[at : at + 13] for at in range(len(seen) - 12)}


def strings(folder: Path) -> Iterator[str]:
    """Yield every string that a version holds, in tables, ledgers, pages and records of WARC, read plainly."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            yield from _inside(pq.read_table(path).to_pylist())
        elif path.name.endswith(".warc.gz"):
            yield from _members(path)
        elif path.suffix == ".jsonl":
            yield from _inside([json.loads(line) for line in path.read_text("utf-8").splitlines()])
        else:
            yield path.read_text("utf-8", "replace")


def _inside(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _inside(one)
    elif isinstance(value, list):
        for one in value:
            yield from _inside(one)


def _members(path: Path) -> Iterator[str]:
    stream = io.BytesIO(path.read_bytes())
    while block := stream.read():
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        yield unpack.decompress(block).decode("utf-8", "replace")
        stream = io.BytesIO(unpack.unused_data)


def leaks(store: Store, receipt: dict[str, object], texts: list[str]) -> list[str]:
    """Return strings of the successors that say, in 13 signs, what only removed texts say: found without our own search."""
    for ref in store.refs():
        if (store.path(ref) / "captures.parquet").is_file():
            assert len(list(read_captures(store.path(ref)))) == len(rows_of_index(store, ref))
    successors = [store.resolve(one["successor"]) for one in receipt["withdrawn"] if one["successor"]]  # type: ignore[attr-defined,index]
    wanted = set().union(*map(grams, texts))
    for ref in successors:
        for config in ("markdown", "dropped"):
            for row in rows(store, ref, config):
                if row.get("stage") != "rephrase":
                    wanted.difference_update(
                        *(grams(str(row[name])) for name in ("text", "title", "url", "meta") if name in row)
                    )
        if (store.path(ref) / "captures.parquet").is_file():
            for one in read_captures(store.path(ref)):
                if one.meta.get("kind") != "index" and one.status == 200 and one.media_type == "text/html":
                    wanted -= grams(one.body.decode("utf-8", "replace"))
    assert wanted
    return [text for ref in successors for text in strings(store.path(ref)) if grams(text) & wanted]


def rows_of_index(store: Store, ref: Ref) -> list[dict[str, object]]:
    return pq.read_table(store.path(ref) / "captures.parquet").to_pylist()
