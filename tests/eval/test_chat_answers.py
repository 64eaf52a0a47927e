"""Answers go on turn by turn, in both ways, and what a model wrote once serves every way that would have got the same."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from eval.chat.answering import Said, Settings, Wanted, converse, ways
from eval.chat.kept import KeptAnswers, Raw
from eval.chat.questions import ChatQuestion
from eval.chat.templates import MARKERS, TURNS
from eval.evaluators.writing import Prompt, write

SETTINGS = Settings(
    system="頼みます。", max_tokens=64, repetition_penalty=1.1, seed=0, engine={"dtype": "float32"}
)
QUESTIONS = [
    ChatQuestion(0, "math", ("利回りは。", "では二年後は。")),
    ChatQuestion(1, "idea", ("案を一つ。",)),
    ChatQuestion(2, "writing", ("書いて。", "直して。")),
]


class Model:
    """A model that answers by the turn it is at, and remembers what it was asked."""

    def __init__(self, *texts: Raw) -> None:
        self.texts, self.asked = texts, list[Wanted]()

    def __call__(self, wanted: Sequence[Wanted], take: Callable[[int, Raw], None]) -> None:
        for place in reversed(range(len(wanted))):  # results come in any order
            self.asked.append(wanted[place])
            turn = (wanted[place].text or "").count("アシスタント:") - 1
            take(place, self.texts[turn])


def held(
    model: Model, name: str, kept: KeptAnswers | None = None, *, templated: bool = False
) -> list[tuple[Said, ...]]:
    (way,) = ways([name], templated=templated, served=False)  # type: ignore[list-item]
    return converse(QUESTIONS, way, SETTINGS, model, kept or KeptAnswers(None))


def test_second_turns_follow_first_ones_and_read_their_answers() -> None:
    model = Model(Raw(" 二パーセントです。\n", "stop"), Raw("三です。", "stop"))
    said = held(model, "official")
    assert [[one.text for one in answers] for answers in said] == [
        ["二パーセントです。", "三です。"], ["二パーセントです。"], ["二パーセントです。", "三です。"],
    ]  # fmt: skip
    assert len(model.asked) == 5
    assert all(
        "アシスタント: 二パーセントです。\n\n### ユーザー: " in (w.text or "") for w in model.asked[3:]
    )
    assert {want.temperature for want in model.asked} == {0.0, 0.7}
    assert {(want.until, want.ends) for want in model.asked} == {((), MARKERS)}


def test_an_answer_that_goes_on_is_emptied_as_published_and_cut_otherwise() -> None:
    went_on = Raw("五年物です。\n\n", "stop", stopped_by="### ユーザー")
    official = held(Model(went_on, Raw("はい。", "stop")), "official")
    corrected = held(Model(went_on, Raw("はい。", "stop")), "corrected")
    assert (official[1][0].text, official[1][0].injected) == ("", True)
    assert (corrected[1][0].text, corrected[1][0].injected) == ("五年物です。", True)
    assert "アシスタント:ユーザー: では二年後は。" in official[0][1].prompt
    assert "アシスタント: 五年物です。" in corrected[0][1].prompt


def test_a_heading_is_no_next_turn_in_the_corrected_way() -> None:
    model = Model(Raw("### ユーザーの視点\n費用が下がります。", "stop"), Raw("はい。", "stop"))
    assert held(model, "corrected")[1][0].text.startswith("### ユーザーの視点")
    assert {want.until for want in model.asked} == {TURNS}


@pytest.mark.parametrize(
    ("first", "asked"),
    [(Raw("はい。", "stop"), 0), (Raw("はい。\n\n", "stop", stopped_by="### ユーザー"), 5)],
)
def test_what_met_no_marker_serves_both_ways(first: Raw, asked: int) -> None:
    kept = KeptAnswers(None)
    held(Model(first, first), "official", kept)
    again = Model(Raw("別です。", "stop"), Raw("別です。", "stop"))
    held(again, "corrected", kept)
    assert len(again.asked) == asked


def test_a_model_with_a_template_of_its_own_gets_messages() -> None:
    model = Model(Raw("はい。", "stop"), Raw("はい。", "stop"))
    held(model, "corrected", templated=True)
    assert [one["role"] for one in model.asked[0].messages or ()][:2] == ["system", "user"]
    assert {want.text for want in model.asked} == {None}
    held(model, "official", templated=True)
    assert model.asked[-1].messages is None


def test_an_end_stops_a_text_only_where_a_token_ends_with_it(tiny_model: Path) -> None:
    (whole,) = write(tiny_model, [Prompt(text="売上高は", max_tokens=40)])
    known = sorted({a for a in whole.text if a.isascii() and a.isprintable() and a.strip()})
    assert known, "the tiny model writes no sign of one byte: take another seed"
    sign = known[0]
    found, hidden = write(
        tiny_model,
        [
            Prompt(text="売上高は", max_tokens=40, ends=(f"\n{sign}",)),
            Prompt(text="売上高は", max_tokens=40, ends=("、" + sign * 40,)),
        ],
    )
    assert found.stopped_by == sign
    assert whole.text.startswith(found.text)
    assert (hidden.text, hidden.stopped_by) == (whole.text, "")
