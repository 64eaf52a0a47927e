"""A takedown reaches everything that a model wrote: through captures, corpus and two versions that share replies."""

import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from corpus import shards
from corpus.document import Document, Drop, Span
from datacards.card import Ref
from datacards.store import Store
from datacards.takedown.receipt import TOMBSTONES
from rephrase.base import Question, Reject
from rephrase.recipe import RephraseRecipe
from rephrase.run import to_document
from rephrase.tables import ACCEPTED, VERDICT, verdict_row
from tests.rephrase.asked_world import NAMES, address
from tests.rephrase.test_takedown import take_down

WRITTEN = ("markdown", "qa", "multiple_choice")


def every(store: Store, name: str, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table of the newest version of a name, all splits."""
    folder = store.path(store.resolve(name))
    return [row for path in shards.shard(folder, table, "*") for row in shards.read(path)]


def base(store: Store, name: str) -> dict[str, Any]:
    """Return the document about a company."""
    return next(row for row in every(store, "texts", "markdown") if row["title"].startswith(name))


def check_books(store: Store, name: str) -> None:
    """Assert that a version's card counts what is in it, and that its tables tell of the same items."""
    ref = store.resolve(name)
    card, verdicts, replies = store.card(ref), every(store, name, "verdicts"), every(store, name, "replies")
    made = {
        row["id"]
        for form in WRITTEN
        for row in every(store, name, form)
        if "style" in json.loads(row["meta"])
    }
    accepted = [row for row in verdicts if row["outcome"] == ACCEPTED]
    assert {row["id"] for row in accepted} == made
    assert len(verdicts) - len(accepted) == len(every(store, name, "dropped")) == sum(card.drops.values())
    assert card.counts.get("requests", 0) == card.counts.get("replies", 0) == len(replies)
    assert card.counts["verdicts"] == len(verdicts)
    assert card.counts.get("completion_tokens", 0) == sum(row["completion_tokens"] for row in replies)
    for style in {row["style"] for row in accepted}:
        assert card.counts[f"accepted_{style}"] == sum(row["style"] == style for row in accepted)
    assert store.verify(ref) == []


@pytest.mark.parametrize("way", ["documents", "urls", "companies"])
def test_both_versions_lose_all_that_was_said_of_a_page(asked_store: Store, way: str) -> None:
    store, gone = asked_store, base(asked_store, NAMES[0])
    before = {name: every(store, name, "replies") for name in ("asked", "again")}
    asked = {"documents": [gone["id"]], "urls": [address(NAMES[0])], "companies": [NAMES[0]]}[way]
    take_down(store, **{way: asked})
    for name, replies in before.items():
        for table in ("replies", "verdicts", "dropped"):
            assert not [row for row in every(store, name, table) if row["document_id"] == gone["id"]]
        kept = [row for row in replies if row["document_id"] != gone["id"]]
        assert every(store, name, "replies") == kept
        assert 0 < len(kept) < len(replies)
        for form in WRITTEN:
            rows = every(store, name, form)
            assert rows and not [row for row in rows if row["url"] == address(NAMES[0])]
        for path in store.path(store.resolve(name)).rglob("*.parquet"):
            assert f"{NAMES[0]}の売上高" not in json.dumps(
                pq.read_table(path).to_pylist(), ensure_ascii=False, default=str
            )
        assert NAMES[0] not in (store.path(store.resolve(name)) / "rephrase.json").read_text(encoding="utf-8")
        check_books(store, name)
    corpus, first, second = (store.resolve(name) for name in ("texts", "asked", "again"))
    assert store.card(first).made_from == (corpus,)
    assert store.card(second).made_from == (corpus, first)


def test_a_rephrasing_that_is_named_goes_alone_with_the_reply_that_says_it(asked_store: Store) -> None:
    store = asked_store
    gone = next(row for row in every(store, "asked", "markdown") if row["title"].startswith(NAMES[0]))
    verdict = next(row for row in every(store, "asked", "verdicts") if row["id"] == gone["id"])
    before = {name: every(store, name, "replies") for name in ("asked", "again")}
    take_down(store, documents=[gone["id"]])
    assert base(store, NAMES[0])
    for name, rows in before.items():
        kept = [
            r for r in rows if (r["document_id"], r["style"]) != (verdict["document_id"], verdict["style"])
        ]
        assert every(store, name, "replies") == kept
        assert gone["text"] not in [row["text"] for row in every(store, name, "markdown")]
        check_books(store, name)


def test_a_pattern_finds_what_a_model_made_up_and_leaves_the_document_that_did_not_say_it(
    asked_store: Store,
) -> None:
    store = asked_store
    made_up = "98,765百万円"
    about = {row["document_id"] for row in every(store, "asked", "dropped") if made_up in row["text"]}
    assert about and any(made_up in row["text"] for row in every(store, "asked", "replies"))
    documents = every(store, "texts", "markdown")
    ref = take_down(store, patterns=["98,765"])
    assert every(store, "texts", "markdown") == documents
    for name in ("asked", "again"):
        for table in ("replies", "verdicts", "dropped"):
            assert made_up not in json.dumps(every(store, name, table), ensure_ascii=False, default=str)
        check_books(store, name)
    buried = pq.read_table(store.path(ref) / TOMBSTONES).to_pylist()
    assert {row["name"] for row in buried if row["kind"] == "document"}.isdisjoint(
        row["id"] for row in documents
    )


def test_wrong_choices_go_from_what_was_left_out_and_its_verdict_too(
    store: Store, corpus: Ref, documents: list[Document]
) -> None:
    """An answer of a few signs is shorter than any search for texts: it is known by the facts that gave it."""
    gone, parent = documents[:2]
    asked = "若葉食品の売上高はいくらですか。"
    texts = ("14,001百万円\n7,001百万円\n13百万円", "14,001百万円\n15百万円\n16百万円")
    rejects = [Reject(Drop("equal_value", text.split("\n")[1]), parent, f"{asked}\n{text}") for text in texts]
    question = Question("qa", asked, "14,001百万円", parent, (Span(parent.id, 0, 5),), "sales")
    row = shards.document_row(to_document(question, "facts"))
    recipe = RephraseRecipe(name="asked", version="2026.11.21").model_dump(mode="json")
    with store.write(
        name="asked", version="2026.11.21", kind="dataset", recipe=recipe, made_from=[corpus]
    ) as draft:
        left = [{**shards.drop_row(one.drop, "rephrase", parent), "text": one.text} for one in rejects]
        shards.write(draft.path / "dropped/train-00000.parquet", left, shards.DROPPED)
        shards.write(draft.path / "qa/train-00000.parquet", [row], shards.DOCUMENT)
        verdicts = [verdict_row(rejects[0]), verdict_row(question, row["id"]), verdict_row(rejects[1])]
        shards.write(draft.path / "verdicts/train-00000.parquet", verdicts, VERDICT)
        draft.counts.update(dropped=2, documents_qa=1, verdicts=3, accepted_qa=1)
        draft.drops["equal_value"] = 2
    take_down(store, documents=[gone.id])
    assert [one["detail"] for one in every(store, "asked", "verdicts")] == ["", "15百万円"]
    assert [one["text"] for one in every(store, "asked", "dropped")] == [rejects[1].text]
    check_books(store, "asked")
