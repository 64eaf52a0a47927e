"""What a takedown takes out of questions: the questions, wrong choices from elsewhere, replies of models."""

import json
from dataclasses import replace
from pathlib import Path

from corpus import shards
from corpus.document import Document
from corpus.takedown.plugin import Corpus
from datacards.card import Ref
from datacards.store import Store
from datacards.takedown.plan import plan
from datacards.takedown.removed import Report
from datacards.takedown.request import Request
from datacards.takedown.run import Takedown
from rephrase.recipe import RephraseRecipe
from rephrase.run import run
from rephrase.takedown import Rephrase
from tests.rephrase.conftest import filing
from tests.rephrase.test_asking import Server, asking, model, rows, server

__all__ = ["model", "server"]  # fixtures
ERASERS = [Corpus(), Rephrase()]


def take_down(store: Store, **asked: object) -> Ref:
    found = plan(store, Request.model_validate({"reason": "試験", **asked}), ERASERS, day="2026.12.24")
    assert found
    return Takedown(store, found, ERASERS).run()


def questions(store: Store, name: str, style: str) -> list[Document]:
    folder = store.path(store.resolve(name))
    return [one for split in ("train", "test") for one in shards.read_documents(folder, style, split)]


def test_no_answer_of_a_company_is_left_as_a_wrong_choice_of_others(
    store: Store, corpus: Ref, documents: list[Document]
) -> None:
    recipe = RephraseRecipe(name="asked", version="2026.11.21", holdout=0.3, carry=("markdown",))
    run(recipe, store, str(corpus))
    before = questions(store, "asked", "multiple_choice")
    gone = documents[0]
    answers = {fact.value for fact in gone.facts}
    take_down(store, documents=[gone.id])
    left = questions(store, "asked", "multiple_choice")
    offered = {choice.removesuffix("百万円") for one in left for choice in json.loads(one.meta["choices"])}
    assert 0 < len(left) < len(before) and answers.isdisjoint(offered)
    assert not [one for one in questions(store, "asked", "qa") if gone.title in one.text]


def test_what_was_not_asked_because_two_documents_disagree_says_nothing_of_the_one_that_goes(
    store: Store, documents: list[Document]
) -> None:
    names = ("元の", "訂正後の")
    made = [
        replace(filing("灯台電機", 1000 + n), url=f"https://example.invalid/{name}")
        for n, name in enumerate(names)
    ]
    with store.write(name="two", version="2026.11.21", kind="dataset", recipe={"name": "two"}) as draft:
        both = [*made, *documents[1:]]
        shards.write(
            draft.path / "markdown/train-00000.parquet", map(shards.document_row, both), shards.DOCUMENT
        )
        facts = [row for one in both for row in shards.fact_rows(one)]
        shards.write(draft.path / "facts/train-00000.parquet", facts, shards.FACT)
    recipe = RephraseRecipe(name="asked", version="2026.11.21", holdout=0.3, carry=("markdown",))
    run(recipe, store, "two")

    def details() -> str:
        folder = store.path(store.resolve("asked"))
        return " ".join(r["detail"] for f in folder.glob("dropped/*") for r in shards.read(f))

    assert "7,001百万円 / 7,008百万円" in details()
    take_down(store, documents=[made[1].id])
    assert "7,008百万円" not in details() and "18,000百万円 / 18,001百万円" in details()
    assert store.verify(store.resolve("asked")) == []


def test_replies_and_verdicts_about_removed_documents_go(
    server: Server, model: Path, store: Store, corpus: Ref, documents: list[Document]
) -> None:
    """Nothing in a reply says whom it is about; the table beside it does."""
    before = run(asking(model, server), store, str(corpus))
    gone = documents[1]
    kept = [row for row in rows(store.path(before), "replies") if row["document_id"] != gone.id]
    assert len(kept) < store.card(before).counts["requests"]
    take_down(store, documents=[gone.id])
    after = store.resolve("asked")
    assert after != before
    assert rows(store.path(after), "replies") == kept
    for table in ("verdicts", "dropped"):
        assert all(row["document_id"] != gone.id for row in rows(store.path(after), table))
    counts = store.card(after).counts
    assert counts["requests"] == counts["replies"] == len(kept)
    assert counts["completion_tokens"] == sum(row["completion_tokens"] for row in kept)
    accepted = [row["style"] for row in rows(store.path(after), "verdicts") if row["outcome"] == "accepted"]
    for style in ("qa", "multiple_choice"):
        assert counts[f"accepted_{style}"] == counts[f"documents_{style}"] == accepted.count(style)
    assert store.verify(after) == []


def test_a_rephrasing_goes_with_its_document_though_it_is_markdown(
    server: Server, model: Path, store: Store, corpus: Ref, documents: list[Document]
) -> None:
    recipe = asking(model, server).model_copy(update={"styles": ("easy", "qa")})
    before = run(recipe, store, str(corpus))
    made = rows(store.path(before), "markdown")
    assert {row["made_from"][0]["id"] for row in made} > {documents[0].id}
    take_down(store, documents=[documents[0].id])
    left = rows(store.path(store.resolve("asked")), "markdown")
    assert left == [row for row in made if row["made_from"][0]["id"] != documents[0].id]


def test_a_report_survives_a_killed_run() -> None:
    report = Report("fin@2026.11.21")
    report.rows["qa"] += 2
    report.bury("document", "ab", "https://example.invalid/", "test", "url")
    assert Report.of(json.loads(json.dumps(vars(report)))) == report
