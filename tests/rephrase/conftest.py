"""A small corpus version with facts of three kinds, made through the real shards and the real store."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from corpus import shards
from corpus.document import Document, Fact, Span
from datacards.card import Ref
from datacards.store import Store

COMPANIES = {"灯台電機": 1000, "若葉食品": 2000, "北山化学": 3000, "港町運輸": 4000, "雲海情報": 5000}
TERMS = {
    "信用リスク": "取引の相手が約束を果たせなくなるおそれをいいます。",
    "流動性リスク": "適正な価格で売買できなくなるおそれをいいます。",
    "為替リスク": "外国の通貨の値動きによって損失が出るおそれをいいます。",
    "金利リスク": "金利の変化によって債券などの価値が下がるおそれをいいます。",
    "自己資本": "返済を要しない、株主に帰属する資金のことです。",
}


def document(title: str, text: str, facts: tuple[Fact, ...], **meta: str) -> Document:
    """Return a markdown document of the test corpus."""
    return Document(
        text=text, format="markdown", source="test", url=f"https://example.invalid/{title}", title=title,
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="出典：試験", redistribution=True,
        published_at=date(2025, 6, 20), made_from=(Span("sha256:" + "0" * 64, 0, 0),), meta=meta, facts=facts,
    )  # fmt: skip


def filing(name: str, scale: int) -> Document:
    """Return a filing with the sales and the profit of two years, each shown once, and one contradiction."""
    text, facts = f"# {name}\n\n", []
    rows = [
        ("売上高", "NetSales", "2024-04-01/2025-03-31", scale * 7 + 1),
        ("売上高", "NetSales", "2023-04-01/2024-03-31", scale * 6 + 1),
        ("経常利益", "OrdinaryIncome", "2024-04-01/2025-03-31", scale // 10 + 3),
        ("純資産額（百万円）", "NetAssets", "2025-03-31", scale * 3 + 7),
        ("総資産額", "TotalAssets", "2025-03-31", scale * 9),
        ("総資産額", "TotalAssets", "2025-03-31", scale * 9 + 1),
    ]
    for label, concept, period, millions in rows:
        shown = f"{millions:,}"
        text += f"{label}は"
        facts.append(
            Fact(
                kind="amount", subject=name, concept=concept, label=label, value=shown, start=len(text),
                end=len(text) + len(shown), number=str(millions * 10**6), unit="JPY", period=period, decimals="-6",
                context="CurrentYearDuration",
            )
        )  # fmt: skip
        text += f"{shown}百万円でした。\n"
    return document(name, text, tuple(facts), kind="filing")


def term(word: str, meaning: str) -> Document:
    """Return a glossary page."""
    text = f"# {word}\n\n{meaning}\n"
    start = text.index(meaning)
    fact = Fact(
        kind="term",
        subject=word,
        concept="definition",
        label="説明",
        value=meaning,
        start=start,
        end=start + len(meaning),
    )
    return document(word, text, (fact,), kind="term")


@pytest.fixture
def documents() -> list[Document]:
    """Return the base documents of the test corpus."""
    return [filing(name, scale) for name, scale in COMPANIES.items()] + [
        term(*item) for item in TERMS.items()
    ]


@pytest.fixture
def corpus(store: Store, documents: list[Document]) -> Ref:
    """Return a corpus version with markdown documents and their facts."""
    with store.write(name="small", version="2026.11.21", kind="dataset", recipe={"name": "small"}) as draft:
        rows = [shards.document_row(one) for one in documents]
        shards.write(draft.path / "markdown" / "train-00000.parquet", rows, shards.DOCUMENT)
        facts = [row for one in documents for row in shards.fact_rows(one)]
        shards.write(draft.path / "facts" / "train-00000.parquet", facts, shards.FACT)
        draft.counts["documents_markdown"] = len(rows)
    return store.resolve("small@2026.11.21")


@pytest.fixture(scope="session")
def asked_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with captures, a corpus, and what a model wrote about it; it is only read."""
    from tests.rephrase.asked_world import build
    from tests.rephrase.test_asking import tokenizer

    root = tmp_path_factory.mktemp("world") / "store"
    build(root, tokenizer(tmp_path_factory.mktemp("model")))
    return root


@pytest.fixture
def asked_store(asked_root: Path, tmp_path: Path) -> Store:
    """Return a copy of that store, to be written to."""
    return Store(shutil.copytree(asked_root, tmp_path / "asked"))
