"""What a takedown takes out of questions: the questions, wrong choices from elsewhere, replies of models."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from corpus import shards
from corpus.document import Document
from corpus.takedown.plugin import Corpus
from datacards.card import Ref
from datacards.store import Store
from datacards.takedown.plan import plan
from datacards.takedown.removed import Report
from datacards.takedown.request import Request
from datacards.takedown.run import Takedown
from rephrase.candidate import Chunk
from rephrase.chunk import passages
from rephrase.generators.vllm_server import VllmServer
from rephrase.log import digest
from rephrase.prompts import draw, load
from rephrase.recipe import RephraseRecipe
from rephrase.run import run
from rephrase.takedown import Rephrase
from tests.rephrase.conftest import filing

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


@pytest.mark.parametrize("mode", ["completions", "chat"])
def test_replies_to_prompts_with_removed_passages_go(
    store: Store, corpus: Ref, documents: list[Document], mode: str
) -> None:
    """A version as the stage leaves it after a model was asked; nothing in a reply says whom it is about."""
    options = {"model": "small", "mode": mode, "characters": 50}
    recipe = RephraseRecipe(name="served", version="2026.11.21", generator="vllm_server", options=options)
    generator = VllmServer(**options)  # type: ignore[arg-type]
    replies = {}
    for one in documents[:3]:
        for span in passages(one, 50):
            for style in recipe.styles:
                said = load(style, generator.mode).ask(Chunk(one, span), draw(one.id, span.start))
                sampling = {"max_tokens": 256, "temperature": 0.7, "top_p": 0.9, "seed": 0, "mode": mode}
                replies[digest(generator.model, str(said), sampling)] = one.title
    question = documents[1]
    with store.write(
        name="served",
        version="2026.11.21",
        kind="dataset",
        recipe=recipe.model_dump(mode="json"),
        made_from=[corpus],
    ) as draft:
        lines = [json.dumps({"prompt": name, "text": "はい", "finish_reason": "stop"}) for name in replies]
        (draft.path / "replies.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        path = draft.path / "qa" / "train-00000.parquet"
        shards.write(path, [shards.document_row(question)], shards.DOCUMENT)
        draft.rows["qa/train-00000.parquet"] = 1
    take_down(store, documents=[documents[0].id])
    folder: Path = store.path(store.resolve("served"))
    left = [json.loads(line)["prompt"] for line in (folder / "replies.jsonl").read_text("utf-8").splitlines()]
    assert {replies[name] for name in left} == {documents[1].title, documents[2].title}
    assert len(left) == sum(title != documents[0].title for title in replies.values())


def test_a_report_survives_a_killed_run() -> None:
    report = Report("fin@2026.11.21")
    report.rows["qa"] += 2
    report.bury("document", "ab", "https://example.invalid/", "test", "url")
    assert Report.of(json.loads(json.dumps(vars(report)))) == report
