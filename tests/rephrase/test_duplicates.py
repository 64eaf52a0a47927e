"""Facts about questions that were asked before: the first in order stays, whatever the number of questions."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Span
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk
from rephrase.gathered.duplicates import DuplicateOptions, Duplicates, generic, pattern_of
from rephrase.gathered.seen import Postings, Seen, Sorted
from tests.rephrase.conftest import document


def candidate(
    question: str, answer: str, title: str = "若葉食品 有価証券報告書", style: Style = "qa"
) -> Candidate:
    page = document(title, "本文です。", ())
    return Candidate(style, question, answer, Chunk(page, Span(page.id, 0, 5)))


@pytest.fixture
def found() -> Iterator[Duplicates]:
    duplicates = Duplicates()
    yield duplicates
    duplicates.close()


def reason(duplicates: Duplicates, one: Candidate, template: str = "") -> str | None:
    drop = duplicates.check(one, template=template)
    return drop.reason if drop else None


def test_equal_words_are_one_question_whatever_their_width_and_signs(found: Duplicates) -> None:
    assert reason(found, candidate("若葉食品の2024年3月期の売上高はいくらですか。", "20億円")) is None
    assert (
        reason(found, candidate("若葉食品の２０２４年３月期の売上高は、いくらですか？", "二十億円"))
        == "equal_question"
    )
    assert reason(found, candidate("若葉食品の2023年3月期の売上高はいくらですか。", "20億円")) is None


def test_a_generic_question_is_equal_only_with_its_answer(found: Duplicates) -> None:
    asked = "当社の主要な販売先はどこですか。"
    assert reason(found, candidate(asked, "北山化学です。")) is None
    assert reason(found, candidate(asked, "港町運輸です。")) is None
    assert reason(found, candidate(asked, "北山化学です")) == "equal_question"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("若葉食品の主要な販売先はどこですか。", False),
        ("主要な販売先はどこですか。", True),
        ("若葉食品が当社と呼ぶ会社はどこですか。", True),
        ("「流動性リスク」とは何ですか。", False),
        ("2024年3月期の売上高はいくらですか。", True),
        ("有価証券報告書の提出先はどこですか。", True),
    ],
)
def test_a_question_is_generic_unless_it_names_a_term_or_its_document(
    question: str, *, expected: bool
) -> None:
    assert generic(candidate(question, "答え")) is expected


def test_one_style_says_nothing_of_another(found: Duplicates) -> None:
    asked = "若葉食品の主要な販売先はどこですか。"
    assert reason(found, candidate(asked, "北山化学")) is None
    assert reason(found, candidate(asked, "北山化学", style="multiple_choice")) is None
    assert reason(found, candidate("", "若葉食品は北山化学に多くを売っています。", style="easy")) is None
    assert (
        reason(found, candidate("", "若葉食品は北山化学に多くを売っています。", style="easy"))
        == "equal_question"
    )
    assert reason(found, candidate("", "若葉食品は北山化学に多くを売っています。", style="hard")) is None


LONG = "若葉食品が{}年度に冷凍食品の工場を建て替えた理由として、有価証券報告書の設備投資の項で説明されていることは何ですか。"
WHY = "老朽化した設備の更新と、増え続ける国内の冷凍食品の需要に応えるためです。"


def test_nearly_the_same_words_are_similar_unless_a_number_differs(found: Duplicates) -> None:
    assert reason(found, candidate(LONG.format(2024), WHY)) is None
    nearly = LONG.format(2024).replace("説明されていること", "説明していること")
    assert reason(found, candidate(nearly, WHY)) == "similar_question"
    assert reason(found, candidate(LONG.format(2023), WHY)) is None
    assert (
        reason(found, candidate(nearly, "需要の減少を受けて生産を一つの拠点に集約することにしたためです。"))
        is None
    )


def test_the_threshold_is_an_option() -> None:
    strict, loose = Duplicates(DuplicateOptions(threshold=1.0)), Duplicates(DuplicateOptions(remembered=0))
    for duplicates in (strict, loose):
        assert reason(duplicates, candidate(LONG.format(2024), WHY)) is None
        assert reason(duplicates, candidate(LONG.format(2024).replace("こと", "事柄"), WHY)) is None
        duplicates.close()


def test_what_was_refused_is_not_remembered(found: Duplicates) -> None:
    steps = [LONG.format(2024)]
    for old, new in (
        ("有価証券報告書の", ""),
        ("設備投資の項で", ""),
        ("理由として、", "理由は、"),
        ("冷凍食品の", ""),
    ):
        steps.append(steps[-1].replace(old, new, 1))
    verdicts = [reason(found, candidate(step, WHY)) for step in steps]
    assert verdicts[0] is None and "similar_question" in verdicts
    assert verdicts[-1] is None  # far from the first, though near to one that left


def test_old_questions_are_forgotten_when_there_are_more_than_are_remembered() -> None:
    duplicates = Duplicates(DuplicateOptions(remembered=3))
    nearly = candidate(LONG.format(2024).replace("説明されていること", "説明していること"), WHY)
    assert reason(duplicates, candidate(LONG.format(2024), WHY)) is None
    for number in range(3):
        assert (
            reason(duplicates, candidate(f"第{number}工場の能力はいくつですか。", f"{number}トンです。"))
            is None
        )
    assert reason(duplicates, nearly) == "similar_question"
    for number in range(3, 8):
        assert (
            reason(duplicates, candidate(f"第{number}工場の能力はいくつですか。", f"{number}トンです。"))
            is None
        )
    assert reason(duplicates, nearly) is None
    assert (
        reason(duplicates, candidate(LONG.format(2024), WHY)) == "equal_question"
    )  # that is never forgotten
    duplicates.close()


def test_a_pattern_may_have_its_share_of_a_source() -> None:
    duplicates = Duplicates(DuplicateOptions(patterns_from=5, per_pattern=0.5, remembered=0))
    verdicts = [reason(duplicates, candidate(f"第{number}工場の能力は？", "小")) for number in range(8)]
    assert verdicts == [None] * 5 + ["over_cap"] * 3
    for number in range(9):
        assert reason(duplicates, candidate(f"{'とても' * number}広いのですか。", "はい")) is None
    assert reason(duplicates, candidate("第9工場の能力は？", "小")) is None  # 5 of 14 are less than half
    other = candidate("第9工場の能力は？", "大")
    elsewhere = replace(other.chunk.document, source="other")
    assert reason(duplicates, replace(other, chunk=Chunk(elsewhere, other.chunk.span))) is None
    duplicates.close()


def test_a_template_is_counted_by_its_name() -> None:
    duplicates = Duplicates(DuplicateOptions(patterns_from=2, remembered=0))
    for number, expected in ((1, None), (2, None), (3, "over_cap")):
        one = candidate(f"{'とても' * number}広いのですか。", "はい")
        assert reason(duplicates, one, template="広さ") == expected
    assert pattern_of("若葉食品の2024年3月期の売上高は何円ですか。") == "＿の＿の＿は＿ですか。"
    duplicates.close()


def test_the_same_order_gives_the_same_verdicts() -> None:
    chance = random.Random(3)  # noqa: S311

    def cut() -> str:
        at = chance.randrange(10, 40)
        return LONG.format(2020 + chance.randrange(3))[:at] + LONG.format(2024)[at + chance.randrange(12) :]

    every = [candidate(cut(), WHY) for _ in range(200)]

    def verdicts() -> list[str | None]:
        duplicates = Duplicates()
        told = [reason(duplicates, one) for one in every]
        duplicates.close()
        return told

    assert verdicts() == verdicts()
    assert {None, "similar_question", "equal_question"} == set(verdicts())


def test_memory_is_eight_bytes_a_question_and_forty_eight_for_similar_ones() -> None:
    count = 100_000
    seen, postings = Seen(), Postings()
    for number in range(count):
        seen.add(number * 0x9E3779B97F4A7C15 % 2**64)
        postings.add(number * 0x9E3779B1 % 2**32, number)
    assert seen.nbytes <= 8 * count and postings.nbytes <= 8 * count
    assert 99_999 * 0x9E3779B97F4A7C15 % 2**64 in seen and 0 in seen and 12345 not in seen
    assert postings.of(77 * 0x9E3779B1 % 2**32) == [77] and postings.of(12345) == []


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.booleans()), max_size=60), st.integers(1, 9))
def test_sorted_arrays_hold_what_came_in_and_shrink_by_half(
    numbers: list[tuple[int, bool]], size: int
) -> None:
    kept = Sorted()
    values = [one for one, _ in numbers]
    for first in range(0, len(values), size):
        kept.add(values[first : first + size], len(values[first : first + size]))
    assert sorted(np.concatenate([np.zeros(0, np.uint64), *kept.runs]).tolist()) == sorted(values)
    assert all(len(one) >= 2 * len(other) for one, other in pairwise(kept.runs))
    assert all((np.diff(run.astype(np.int64)) >= 0).all() for run in kept.runs)


def test_postings_tell_the_earliest_first_across_their_arrays() -> None:
    postings = Postings(limit=3)
    for entry in range(40_000):
        postings.add(entry % 4, entry)
    assert postings.of(2) == [2, 6, 10]
    assert Postings(limit=3).of(2) == []
