"""A small store for the living test: filings of two years, a corpus as of a day between them, models, questions."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from corpus.document import Document, Fact, Span
from corpus.shards import DOCUMENT, FACT, document_row, fact_rows, write
from datacards.card import Ref
from datacards.store import Store
from datacards.trained import Input, Training, write_training
from rephrase.recipe import RephraseRecipe
from rephrase.run import run as rephrase

COMPANIES = ("灯台電機", "汐凪水産", "白嶺製紙", "暁峰物流", "瑞雲精機", "常磐醸造", "真砂建材", "朝霧化成")
LABELS = {"売上高": "NetSales", "営業利益": "OperatingIncome", "経常利益": "OrdinaryIncome"}
CAPTURED = datetime(2026, 11, 20, tzinfo=UTC)


def year(number: int) -> str:
    """Return the business year that ends in March of a year."""
    return f"{number - 1}-04-01/{number}-03-31"


def amount(company: int, label: int, number: int) -> int:
    """Return millions of yen: every company, item and year has its own."""
    sales = 20000 + company * 3170 + (number - 2020) * (531 + 270 * company)
    return sales // (1, 13 + company, 11 + company)[label]


def filing(company: int, last: int, published: date | None, *, years: int = 2) -> Document:
    """Return the annual report of a company on the business year ``last`` and the ones before it."""
    subject, facts = COMPANIES[company], []
    text = f"# 有価証券報告書 {subject}株式会社 {last}年3月期\n\n"
    for number in range(last, last - years, -1):
        for place, (label, concept) in enumerate(LABELS.items()):
            value = f"{amount(company, place, number):,}"
            before = f"{subject}の{number}年3月期の{label}は"
            start = len(text) + len(before)
            facts.append(
                Fact("amount", subject, concept if number == last else f"{concept}SummaryOfBusinessResults", label, value,
                     start, start + len(value), number=f"{amount(company, place, number)}000000", unit="JPY",
                     period=year(number), decimals="-6", context="CurrentYearDuration")
            )  # fmt: skip
            text += f"{before}{value}百万円でした。\n"
    return Document(
        text=text, format="markdown", source="edinet", url=f"https://example.invalid/{company}/{last}", title=f"{subject} 有価証券報告書",
        captured_at=CAPTURED, published_at=published, available_at=published, license="PDL-1.0", attribution="出典：架空の報告書",
        redistribution=True, made_from=(Span("sha256:" + "0" * 64, 0, 0),),
        meta={"kind": "filing", "edinet_code": f"E{company:05d}"}, facts=tuple(facts),
    )  # fmt: skip


def dataset(
    store: Store,
    name: str,
    documents: Sequence[Document],
    recipe: dict[str, Any],
    made_from: Iterable[Ref] = (),
) -> Ref:
    """Write a dataset version with documents and their facts."""
    with store.write(
        name=name, version="2026.11.20", kind="dataset", recipe=recipe, made_from=list(made_from)
    ) as draft:
        files = {
            "markdown": map(document_row, documents),
            "facts": (row for d in documents for row in fact_rows(d)),
        }
        for folder, rows in files.items():
            schema = DOCUMENT if folder == "markdown" else FACT
            path = f"{folder}/train-00000.parquet"
            draft.rows[path] = write(draft.path / path, rows, schema)
    return store.resolve(name)


def checkpoint(store: Store, name: str, made_from: Iterable[Ref], measured: Iterable[Ref] = ()) -> Ref:
    """Write a checkpoint version without weights that was made from these; ``measured`` it was only validated on."""
    measured = list(measured)
    with store.write(
        name=name, version="2026.11.20", kind="checkpoint", recipe={}, made_from=[*made_from, *measured]
    ) as draft:
        (draft.path / "config.json").write_text(json.dumps({"name": name}))
        if measured:
            write_training(
                draft.path, Training(inputs=tuple(Input(ref=ref, role="validate") for ref in measured))
            )
    return store.resolve(name)


def questions(store: Store, corpus: Ref, name: str = "later-qa") -> Ref:
    """Ask about a corpus without a model: what ``kanagura rephrase`` with the generator ``facts`` makes."""
    fields = {
        "name": name,
        "version": "2026.11.21",
        "holdout": 0.5,
        "options": {"families": ["amounts", "computed"]},
    }
    return rephrase(RephraseRecipe.model_validate(fields), store, str(corpus))


def undated(document: Document) -> Document:
    """Return a document that states no day of publication."""
    return replace(document, published_at=None)
