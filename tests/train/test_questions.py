"""A version of questions that a model wrote is read by format: rephrasings are Markdown, its logs are nothing to learn."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacards.store import Store
from eval.tasks.corpus_questions import CorpusQuestions
from tests.train.conftest import SENTENCES
from train.recipe import TrainRecipe
from train.run import run

Ask = Callable[..., TrainRecipe]
QUESTION = (
    '{"kind": "question", "question": "売上高は。", "choices": "[\\"増えた\\", \\"減った\\"]", "answer": "0"}'
)


@pytest.fixture
def asked(store: Store) -> str:
    """Return a version with carried documents, rephrasings of them in both splits, choices to test with, and the logs."""
    tables = {
        "markdown/train-carried-00000": SENTENCES,
        "markdown/train-00000": [f"言い換えると、{one}" for one in SENTENCES],
        "markdown/test-00000": ["取っておく言い換え。"],
        "multiple_choice/test-00000": ["売上高は。\nA 増えた\nB 減った"],
        "replies/train-00000": ["学ばない返事。"] * 50,
        "verdicts/train-00000": ["学ばない判定。"] * 50,
    }
    with store.write(
        name="asked", version="2026.11.21", kind="dataset", recipe={"styles": ["easy"]}
    ) as draft:
        for name, texts in tables.items():
            path = draft.path / f"{name}.parquet"
            path.parent.mkdir(exist_ok=True)
            ids = [f"{name} {number}" for number in range(len(texts))]
            pq.write_table(pa.table({"id": ids, "text": texts, "meta": [QUESTION] * len(texts)}), path)
        (draft.path / "rephrase.json").write_text("{}", encoding="utf-8")
    return "asked@2026.11.21"


@pytest.mark.parametrize("formats", [None, ["markdown"]])
def test_documents_and_rephrasings_are_learned_and_nothing_else(
    ask: Ask, asked: str, store: Store, formats: list[str] | None
) -> None:
    made = run(ask(formats=formats, options={"epochs": 1}), [asked], store)
    counts = store.card(made.ref).counts
    assert counts["documents"] == 2 * len(SENTENCES)


def test_what_was_held_out_of_the_choices_is_asked(asked: str, store: Store) -> None:
    [item] = CorpusQuestions().items(store.path(store.resolve(asked)))
    assert (item.choices, item.gold) == (("増えた", "減った"), 0)
