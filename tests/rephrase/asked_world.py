"""A small world through the real stages: a crawl of three licenses, its corpus, and what a model wrote about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from corpus import run as corpus_run
from corpus.recipe import CorpusRecipe
from datacards.card import Ref
from datacards.store import Store
from rephrase.recipe import RephraseRecipe
from rephrase.run import run
from tests.datacards.lineage.traced_world import DAY, crawl, fetched
from tests.rephrase.test_asking import Server, asking, free_port

#: Source and license of the pages, two of each; the texts of the second one may not be given on.
LICENSES = {"press": "PDL-1.0", "boj_speeches": "BOJ-terms", "wikipedia": "CC-BY-SA-4.0"}
NAMES = ("灯台電機", "若葉食品", "北山化学", "港町運輸", "雲海情報", "青葉建設")
STYLES = ("easy", "qa", "multiple_choice")


def address(name: str) -> str:
    """Return the address of the page about a company."""
    return f"https://www.example.jp/{NAMES.index(name)}.html"


def body(name: str) -> bytes:
    """Return the page about a company: some amounts that no other page has, in sentences."""
    scale = 1000 * (NAMES.index(name) + 1)
    said = "".join(
        f"<p>{name}の{label}は{scale * factor + 13:,}百万円でした。</p>"
        for label, factor in (
            ("売上高", 7),
            ("経常利益", 2),
            ("純資産額", 3),
            ("総資産額", 9),
            ("営業利益", 4),
        )
    )
    title = f"<title>{name}の業績</title>"
    head = f'<!doctype html><html lang="ja"><head><meta charset="utf-8">{title}</head>'
    return f"{head}<body><main><h1>{name}の業績</h1>{said}</main></body></html>".encode()


def fill(store: Store) -> Ref:
    """Put captures and the corpus ``texts`` made of them into a store; return the corpus."""
    pages = [
        replace(fetched(address(name), body(name), 21), source=source, license=license_, meta={"filer": name})
        for (source, license_), names in zip(
            LICENSES.items(), (NAMES[:2], NAMES[2:4], NAMES[4:]), strict=True
        )
        for name in names
    ]
    crawl(store, DAY, pages)
    recipe = CorpusRecipe.model_validate({
        "name": "texts", "version": DAY, "captures": [f"press@{DAY}"], "formats": ["markdown"], "steps": ["unicode"],
        "decontamination": None,
    })  # fmt: skip
    return corpus_run.run(recipe, store, corpus_run.inputs(recipe, store), workers=1)


def recipe(model: Path, server: Server, name: str = "asked", **more: object) -> RephraseRecipe:
    """Return a recipe for rephrasings, questions and choices; a third of the passages is held out."""
    asked = asking(model, server, name=name)
    return asked.model_copy(update={"styles": STYLES, "holdout": 0.3, **more})


@contextmanager
def serving() -> Iterator[Server]:
    """Run the model server."""
    server = Server(free_port())
    try:
        yield server
    finally:
        server.stop()


def build(root: Path, model: Path) -> Store:
    """Return a store with ``asked``, made from ``texts``, and ``again``, which carries the texts and asks nothing anew."""
    store = Store(root)
    fill(store)
    with serving() as server:
        first = run(recipe(model, server), store, "texts")
        run(recipe(model, server, "again", carry=("markdown",)), store, "texts", [str(first)])
    return store
