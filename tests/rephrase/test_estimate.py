"""What a run will take, told by a few hundred units and held against the run itself."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from corpus import shards
from corpus.document import Document, Span
from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from rephrase.documents import Documents, Drawn
from rephrase.estimate import estimate
from rephrase.recipe import RephraseRecipe
from rephrase.run import run
from tests.rephrase.conftest import document, filing
from tests.rephrase.test_asking import Server, asking, free_port, model, rows, server

__all__ = ["model", "server"]  # fixtures


def written(store: Store, documents: list[Document]) -> Ref:
    """Return a corpus version of documents."""
    with store.write(name="mixed", version="2026.11.21", kind="dataset", recipe={"name": "mixed"}) as draft:
        found = [shards.document_row(one) for one in documents]
        shards.write(draft.path / "markdown" / "train-00000.parquet", found, shards.DOCUMENT)
        facts = [row for one in documents for row in shards.fact_rows(one)]
        shards.write(draft.path / "facts" / "train-00000.parquet", facts, shards.FACT)
    return store.resolve("mixed@2026.11.21")


def joined(name: str, numbers: range) -> Document:
    """Return one long filing of many, as long as all the short ones together."""
    text = "\n".join(filing(f"第{number}若葉食品", 2000 + 31 * number).text for number in numbers)
    return document(name, text, ())


@pytest.fixture
def mixed(store: Store) -> Ref:
    """Return a version of short filings, two long ones, pages of another language, and pages that are too short."""
    documents = [filing(f"第{number}灯台電機", 1000 + 37 * number) for number in range(150)]
    documents += [joined("若葉食品の一", range(70)), joined("若葉食品の二", range(70, 140))]
    documents += [
        replace(document(f"english {n}", "Sales rose by a tenth. " * 5, ()), language="en") for n in range(40)
    ]
    documents += [document(f"短い頁{number}", "準備中です。", ()) for number in range(60)]
    return written(store, documents)


def test_the_estimate_is_within_fifteen_percent_of_the_run(model: Path, store: Store, mixed: Ref) -> None:
    server = Server(free_port(), latency=0.1)
    try:
        options = {"in_flight": 8, "prompts_per_request": 1, "samples": 2}
        told = estimate(asking(model, server, name="told", **options), store, str(mixed), units=60, gpus=2)
        begun = time.monotonic()
        ref = run(asking(model, server, name="paid", **options), store, str(mixed))
        took = time.monotonic() - begun
    finally:
        server.stop()
    card, verdicts = store.card(ref), rows(store.path(ref), "verdicts")
    units = {(row["document_id"], row["start"], row["style"], row["sample"]) for row in verdicts}
    accepted = sum(card.counts[f"accepted_{style}"] for style in ("qa", "multiple_choice"))
    assert told.share < 0.5
    assert told.all_units == pytest.approx(len(units), rel=0.15)
    assert told.all_tokens == pytest.approx(card.counts["completion_tokens"], rel=0.15)
    assert told.all_accepted > 0.85 * accepted  # what is asked twice is found among all, and only there
    assert told.seconds == pytest.approx(took, rel=0.15)
    assert told.gpu_hours == pytest.approx(2 * told.seconds / 3600)


def test_a_burst_is_not_taken_for_speed(server: Server, model: Path, store: Store, mixed: Ref) -> None:
    """All units are under way at once, and their replies come nearly together."""
    slow = Server(free_port(), latency=0.5)
    try:
        told = estimate(asking(model, slow, in_flight=2000), store, str(mixed), units=60)
    finally:
        slow.stop()
    assert told.seconds > 0.5 / told.share


def test_a_few_long_filings_are_drawn_from_by_passage(store: Store) -> None:
    filings = [joined(f"若葉食品の{number}", range(number * 20, number * 20 + 20)) for number in range(12)]
    documents = Documents(store.path(written(store, filings)))
    drawn = Drawn(documents, 0.05)
    assert len(documents) == len(list(drawn())) == 12
    spans = [Span(one.id, start, start + 400) for one in filings for start in range(0, 4000, 4)]
    assert sum(map(drawn.takes, spans)) == pytest.approx(0.05 * len(spans), rel=0.2)
    assert not drawn.whole
    assert Drawn(documents, 1.0).whole


def test_a_cap_on_chunks_is_a_cap_on_the_estimate(
    server: Server, model: Path, store: Store, mixed: Ref
) -> None:
    told = estimate(asking(model, server, chunks=20), store, str(mixed), units=50)
    assert told.all_units <= 2 * 20 + 2 * 40


def test_nobody_is_asked_by_facts(store: Store, corpus: Ref) -> None:
    with pytest.raises(UserError, match="nothing was asked; a generator with a model behind it"):
        estimate(RephraseRecipe(name="asked", version="2026.11.21"), store, str(corpus))
