"""Replies are read strictly and checked cheaply before they are believed."""

from decimal import Decimal

import pytest

from corpus.document import Drop, Span
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk
from rephrase.parse import Parsed, parse
from rephrase.validate import verdict
from rephrase.validate.numbers import values
from tests.rephrase.conftest import document

PASSAGE = "２０２５年３月期の売上高は１２億３，４００万円、前期比5.2％増でした。"


def candidate(parsed: Parsed) -> Candidate:
    """Return what is judged when ``parsed`` was written about PASSAGE."""
    page = document("試験", PASSAGE, ())
    style: Style = "multiple_choice" if parsed.wrong else "qa"
    return Candidate(
        style, parsed.question, parsed.answer, Chunk(page, Span(page.id, 0, len(PASSAGE))), parsed.wrong
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("12億3,400万円", ["1234000000"]),
        ("1,234百万円", ["1234000000"]),
        ("１，２３４千円", ["1234000"]),
        ("1兆2,345億円", ["1234500000000"]),
        ("2025年3月期、5.2％", ["2025", "3", "5.2"]),
        ("3万円と5千円", ["30000", "5000"]),
        ("12億円と12億3,400万円", ["1200000000", "1234000000"]),
        ("数字なし", []),
    ],
)
def test_numbers_are_read_by_value(text: str, numbers: list[str]) -> None:
    assert values(text) == {Decimal(number) for number in numbers}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" 売上高はいくらですか。\nA: 12億3,400万円です。", None),
        (" 売上高はいくらですか。\nA: 1,234百万円です。", None),
        (" 売上高はいくらですか。\nA: 13億円です。", "number_not_in_source"),
        (" 2024年3月期の売上高はいくらですか。\nA: 12億3,400万円です。", "number_not_in_source"),
        (" How much were sales?\nA: 5.2％", "not_japanese"),
        (" 何\nA: 5.2％", "question_length"),
        ("A: 5.2％\nQ: 売上高はどれだけ増えましたか。", "labels"),
        (" 売上高はどれだけ増えましたか。", "labels"),
        (" 売上高はどれだけ増えましたか。\nA:", "labels"),
        ("それでは問題を作ります。", "labels"),
    ],
)
def test_a_reply_passes_or_has_one_reason(text: str, reason: str | None) -> None:
    items = parse("qa", "completions", text, "stop")
    drop = items if isinstance(items, Drop) else verdict(candidate(items[0]))
    assert (drop.reason if drop else None) == reason


def test_choices_that_differ_only_in_width_are_equal() -> None:
    drop = verdict(
        candidate(Parsed("売上高は前期比で何％増えましたか。", "5.2％", ("５．２%", "3％", "4％")))
    )
    assert drop
    assert drop.reason == "equal_choices"


def test_multiple_choice_wants_exactly_three_wrong_answers() -> None:
    whole = " 問いです。\nO: 正\nX: 誤1\nX: 誤2\nX: 誤3"
    items = parse("multiple_choice", "completions", whole, "stop")
    assert items == (Parsed("問いです。", "正", ("誤1", "誤2", "誤3")),)
    assert isinstance(parse("multiple_choice", "completions", whole[:-5], "stop"), Drop)
