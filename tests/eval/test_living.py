"""The living test asks only for figures that a model cannot have read, and says what it leaves out and why."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from eval.base import Evaluator, Keep
from eval.evaluators.lm_eval import LmEval
from eval.items import Asked, Item, Question, Reply
from eval.living.cutoff import cutoff
from eval.living.told import company, item, plain
from eval.scoring import score
from eval.tasks.living import OLD_PERIOD, TOLD, LivingChoice, LivingNumeric
from tests.eval import living_world as world

JUNE = {number: date(number, 6, 25) for number in (2024, 2025)}
HUB = Ref(name="hf:example/base", version="0" * 40, digest="1" * 64)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with a corpus as of March 2025, questions about the reports of June 2025, and models."""
    store = Store(tmp_path_factory.mktemp("living") / "store")
    early = [world.filing(company, 2024, JUNE[2024]) for company in range(5)]
    late = [world.filing(company, 2025, JUNE[2025]) for company in range(4)]
    undated = world.undated(world.filing(4, 2025, None))
    then = world.dataset(store, "early", early, {"as_of": "2025-03-31"})
    derived = world.dataset(store, "early-qa", early[:1], {}, [then])
    now = world.dataset(store, "late", [*late, undated, *early], {})
    world.questions(store, now)
    world.checkpoint(store, "domain", [derived])
    world.checkpoint(store, "from-hub", [HUB, then])
    world.checkpoint(store, "all", [store.resolve("domain"), now])
    world.checkpoint(store, "watched", [derived], measured=[now])
    world.checkpoint(store, "merged", [store.resolve("domain"), store.resolve("from-hub")])
    return store


def asked(store: Store, model: str, task: LivingChoice | LivingNumeric) -> tuple[list[Item | Question], str]:
    """Return what a model is asked, and the note."""
    items, note, _ = task.for_model(store, store.resolve(model)).draw(corpus(store))
    return items, note  # type: ignore[return-value]


def corpus(store: Store) -> Path:
    return store.path(store.resolve("later-qa"))


def test_only_figures_of_later_reports_are_asked_and_the_rest_is_counted(store: Store) -> None:
    items, note = asked(store, "domain", LivingChoice())
    assert {item.cluster for item in items} == {f"E{company:05d}" for company in range(4)}
    assert all("2025年3月" in item.context for item in items)
    assert "published after 2025-03-31 (the cut-off of early@2026.11.20)" in note
    assert "without a day of publication" in note
    assert "published by the cut-off" in note
    assert TOLD in note


def test_of_what_a_later_report_repeats_nothing_is_asked(store: Store) -> None:
    """The figure of the year before stood in the report of that year, there under the name of the item itself."""
    items, _ = asked(store, "domain", LivingNumeric(asks=("amount",)))
    assert len(items) == 4 * len(world.LABELS)
    assert not any("2024年3月期" in item.context for item in items)
    told_only, _ = asked(store, "domain", LivingNumeric(asks=("growth", "difference", "ratio")))
    assert all("2025年3月期" in item.context for item in told_only)  # a change rests on one new figure


def test_a_stated_cut_off_leaves_out_periods_that_had_ended_by_then(store: Store) -> None:
    """Nobody can look up what such a model has read: a first release on results is earlier than the report."""
    task = LivingChoice(base_cutoffs={"hf:example/base": date(2025, 5, 31)})
    with pytest.raises(UserError, match=OLD_PERIOD):
        asked(store, "merged", task)
    items, note = asked(store, "merged", LivingChoice(base_cutoffs={HUB.name: date(2023, 12, 31)}))
    assert len(items) == len(asked(store, "domain", LivingChoice())[0])
    assert "the cut-off of early@2026.11.20" in note
    with pytest.raises(UserError, match=OLD_PERIOD):
        asked(store, "domain", LivingChoice(after=date(2025, 4, 30), new_periods=True))


def test_a_model_of_which_nothing_is_known_is_refused_by_name(store: Store) -> None:
    with pytest.raises(UserError, match=r"until when hf:example/base@0+ has read") as caught:
        asked(store, "merged", LivingChoice())
    assert "base_cutoffs: {hf:example/base: YYYY-MM-DD}" in str(caught.value)
    with pytest.raises(UserError, match="hf:example/base"):
        LivingChoice().for_model(store, HUB)
    assert LivingChoice(after=date(2024, 12, 31)).for_model(store, HUB).after == date(2024, 12, 31)


def test_a_model_that_has_read_the_reports_is_asked_nothing(store: Store) -> None:
    """Its corpus was built as of no day: the day of its captures counts."""
    found = cutoff(store, store.resolve("all"), stated={}, after=None, where="living")
    assert (found.day, found.told_by) == (date(2026, 11, 20), "late@2026.11.20")
    with pytest.raises(UserError, match="no question about a figure published after 2026-11-20"):
        asked(store, "all", LivingChoice())


def test_what_a_training_was_only_measured_on_was_not_read(store: Store) -> None:
    assert asked(store, "watched", LivingChoice()) == asked(store, "domain", LivingChoice())


def test_what_is_derived_from_a_corpus_as_of_a_day_is_as_of_that_day(store: Store) -> None:
    """Although its documents were captured later."""
    below = cutoff(store, store.resolve("domain"), stated={}, after=None, where="living")
    assert below.day == date(2025, 3, 31)
    assert below.stated is None
    assert [str(node.ref) for node in below.learned.corpora] == ["early-qa@2026.11.20"]


def test_a_test_as_of_a_day_and_one_with_few_questions_say_so(store: Store) -> None:
    with pytest.raises(UserError, match="published after as_of"):
        asked(store, "domain", LivingChoice(as_of=date(2025, 6, 24)))
    items, note = asked(store, "domain", LivingChoice(as_of=date(2025, 6, 25), minimum=1000))
    assert f"only {len(items)} questions, fewer than 1000" in note


def test_the_task_records_the_cut_off_and_a_draw_says_that_it_is_one(store: Store) -> None:
    task = LivingChoice(subset=5).for_model(store, store.resolve("domain"))
    items, note, of = task.draw(corpus(store))
    assert task.model_dump(mode="json")["after"] == "2025-03-31"
    assert (len(items), note.startswith(f"a draw of 5 of {of} items; figures published after")) == (5, True)


def test_without_a_corpus_or_a_cut_off_nothing_is_asked(store: Store) -> None:
    with pytest.raises(UserError, match="--corpus NAME@VERSION"):
        LivingChoice(after=date(2025, 1, 1)).items(None)
    with pytest.raises(UserError, match="after: YYYY-MM-DD"):
        LivingNumeric().items(corpus(store))


def test_names_of_companies_items_and_numbers_are_compared_folded() -> None:
    assert company("株式会社 灯台電機") == company("灯台電機(株)") == "灯台電機"
    assert item("jppfs_cor:NetSales") == item("NetSalesSummaryOfBusinessResults") == "NetSales"
    assert plain("1200.0") == plain("1.2E3") == "1200"
    assert plain("－") == ""


def test_choices_are_scored_and_replies_are_read(store: Store, tiny_model: Path, tmp_path: Path) -> None:
    """End to end: likelihoods of a tiny model for the choices; replies of one that knows every other answer."""
    model = store.resolve("domain")
    choice = LivingChoice(subset=8).for_model(store, model)
    scores, (record,) = score(LmEval(), tiny_model, [choice], corpus(store), out=tmp_path)
    assert (scores[0].chance, scores[0].samples) == (0.25, 8)
    assert record.options["after"] == "2025-03-31"
    numeric = LivingNumeric(subset=8).for_model(store, model)
    (exact, unread), _ = score(Knowing(), tiny_model, [numeric], corpus(store), out=tmp_path)
    assert (exact.metric, exact.value, unread.metric, unread.value) == ("exact", 0.5, "unread", 0.25)
    rows = pq.read_table(tmp_path / "samples" / "living_numeric.parquet").to_pylist()
    assert [row["value"] for row in rows] == [1.0, 0.0] * 4
    assert {row["group"] for row in rows} <= set(world.LABELS.values())
    assert {row["cluster"] for row in rows} <= {f"E{number:05d}" for number in range(4)}


class Knowing(Evaluator):
    """Answers every other question rightly, and the others with two numbers, or with another one."""

    def ask(self, *, model: Any, asked: Mapping[str, Sequence[Asked]], keep: Keep) -> dict[str, list[Reply]]:
        """Return the replies."""
        return {
            name: [self.reply(place, one) for place, one in enumerate(items)] for name, items in asked.items()
        }

    def reply(self, place: int, question: Asked) -> Reply:
        """Return the reply to one question."""
        assert isinstance(question, Question)
        right = question.targets[0]
        wrong = f"{right}、または1{right}" if place % 4 == 1 else f"1{right}"
        return Reply(question, right if place % 2 == 0 else wrong.replace("1マイナス", "マイナス1"))
