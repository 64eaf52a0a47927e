"""A small world with all that a lineage meets: two crawls, a corpus, questions, a model, a merge, scores, a takedown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from corpus import run as corpus_run
from corpus import shards
from corpus.document import Capture, Document, Span
from corpus.recipe import CorpusRecipe
from datacards.card import Ref
from datacards.cli import main
from datacards.store import Store
from spiders.warc import Segments

DAY, LATER = "2026.11.21", "2026.11.22"
SAME = "https://www.example.jp/terms/shinyo.html"  # the same bytes in both crawls
CHANGED = "https://www.example.jp/news/kawase.html"  # other bytes in the second crawl
#: What a hostile publisher may put into an address and a title.
HOSTILE = "https://www.example.jp/a?q=<script>alert(1)</script>&x=\"'\u202e]]>--%0a"
TITLE = "見出し\u202e\u0007<b onload=x>&amp; [bold]"
GONE = "https://www.example.jp/gone.html"
SUBJECTS = [
    "輸出",
    "生産",
    "個人消費",
    "設備投資",
    "住宅投資",
    "雇用",
    "賃金",
    "物価",
    "為替相場",
    "長期金利",
]


def sentences(seed: int) -> str:
    return "".join(
        f"{SUBJECTS[(seed * 3 + n) % 10]}は前月より{seed * 7 + n * 3}億円増え、第{seed * 31 + n}回の調査でも"
        f"{SUBJECTS[(seed + n * 2) % 10]}との関係が{seed * n + 11}の地域で確かめられた。"
        for n in range(9)
    )


def page(title: str, seed: int) -> bytes:
    safe = title.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{safe}</title></head><body><main>'
        f"<h1>{safe}</h1><h2>概要</h2><p>{sentences(seed)}</p><h2>見通し</h2><p>{sentences(seed + 50)}</p>"
        "</main></body></html>"
    ).encode()


def fetched(url: str, body: bytes, day: int, status: int = 200) -> Capture:
    return Capture(
        url=url, source="press", fetched_at=datetime(2026, 11, day, 3, tzinfo=UTC), status=status,
        headers=(("Content-Type", "text/html; charset=utf-8"),), media_type="text/html", body=body, license="PDL-1.0",
        meta={"kind": "page"},
    )  # fmt: skip


@dataclass(frozen=True)
class World:
    """The store and the words to ask it."""

    store: Store

    def ask(self, *words: str, status: int = 0) -> str:
        done = CliRunner().invoke(main, ["lineage", "--store", str(self.store.root), *words])
        assert done.exit_code == status, done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.output

    def json(self, *words: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ask(*words, "--as", "json"))
        return told

    def ids(self, name: str, folder: str) -> list[str]:
        path = self.store.path(self.store.resolve(name))
        return [
            row["id"]
            for file in sorted((path / folder).glob("*.parquet"))
            for row in shards.read(file, ["id"])
        ]


def crawl(store: Store, version: str, captures: Sequence[Capture], earlier: Sequence[Path] = ()) -> Ref:
    before = [Ref(name="press", version=path.name, digest=store.digest(Ref(name="press", version=path.name)))
              for path in earlier]  # fmt: skip
    with (
        store.write(name="press", version=version, kind="captures", recipe={"spider": "press"}) as draft,
        Segments(draft.path, earlier=earlier) as segments,
    ):
        for one in captures:
            segments.write(one)
        segments.close(index=True)
        draft.made_from.extend(before)
    return store.resolve(f"press@{version}")


def made(
    store: Store, name: str, kind: Any, made_from: Sequence[str], recipe: dict[str, Any], **metrics: float
) -> Ref:
    """Finish a checkpoint or an evaluation whose card is as a trainer, a merger or an evaluator writes it."""
    refs = [store.resolve(one) for one in made_from]
    with store.write(name=name, version=LATER, kind=kind, recipe=recipe, made_from=refs) as draft:
        (draft.path / "config.json").write_text("{}", encoding="utf-8")
        draft.metrics.update({key.replace("__", "/"): value for key, value in metrics.items()})
    return store.resolve(f"{name}@{LATER}")


def build(root: Path) -> Store:
    """Return a store with the whole world in it."""
    store = Store(root)
    first = crawl(
        store,
        DAY,
        [
            fetched(SAME, page("信用リスク", 1), 21),
            fetched(CHANGED, page("為替", 2), 21),
            fetched(HOSTILE, page(TITLE, 3), 21),
        ],
    )
    crawl(
        store,
        LATER,
        [
            fetched(SAME, page("信用リスク", 1), 22),
            fetched(CHANGED, page("為替", 4), 22),
            fetched(GONE, b"<p>no</p>", 22, 404),
        ],
        [store.path(first)],
    )
    recipe = {
        "name": "texts", "version": LATER, "captures": [f"press@{DAY}", f"press@{LATER}"],
        "formats": ["markdown", "sections"], "steps": ["unicode"], "decontamination": None,
    }  # fmt: skip
    asked = CorpusRecipe.model_validate(recipe)
    corpus_run.run(asked, store, corpus_run.inputs(asked, store), workers=1)
    _questions(store)
    made(store, "base", "checkpoint", (), {"made_by": "hand"})
    trained = {"trainer": "causal_lm", "formats": ["sections"], "base": f"base@{LATER}"}
    made(store, "cpt", "checkpoint", ("base", "asked"), trained)
    made(store, "lists", "checkpoint", ("base", "asked"), {**trained, "formats": ["listing"]})
    made(store, "inst", "checkpoint", ("base", "cpt"), {"merger": "task_arithmetic"})
    made(
        store,
        "inst-fin",
        "evaluation",
        ("inst", "asked"),
        {"evaluator": "lm_eval"},
        cpa__acc=0.25,
        cma__acc=0.5,
    )
    made(store, "base-fin", "evaluation", ("base",), {"evaluator": "lm_eval"}, cpa__acc=0.125)
    return store


def _questions(store: Store) -> None:
    """Make held-out questions about the texts, which are carried along, as rephrase does."""
    texts = store.resolve("texts")
    base = list(shards.read_documents(store.path(texts), "markdown"))
    questions = [
        Document(
            text=f"質問：{one.title}とは何ですか。\n回答：{one.text[:10]}", format="qa", source=one.source, url=one.url,
            title=one.title, captured_at=one.captured_at, license=one.license, attribution=one.attribution,
            redistribution=one.redistribution, made_from=(Span(one.id, 0, 10),),
        )
        for one in base
    ]  # fmt: skip
    with store.write(
        name="asked", version=LATER, kind="dataset", recipe={"styles": ["qa"]}, made_from=[texts]
    ) as draft:
        for folder in ("markdown", "sections"):
            for path in shards.shard(store.path(texts), folder, "train"):
                number = path.stem.rpartition("-")[2]
                shards.take_over(path, draft.path / folder / f"train-carried-{number}.parquet")
        rows = [shards.document_row(one) for one in questions]
        shards.write(draft.path / "qa" / "test-00000.parquet", rows, shards.DOCUMENT)
