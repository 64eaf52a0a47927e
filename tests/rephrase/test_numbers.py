"""A number is believed where its source states it: value, unit, sign, item and period."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Span
from rephrase.candidate import Candidate, Chunk
from rephrase.grounding.source import source_of
from rephrase.validate import numbers
from tests.rephrase.conftest import document
from tests.rephrase.grounded import asked, filing, told


def reason(candidate: Candidate) -> str | None:
    drop = numbers.check(candidate)
    return drop.reason if drop else None


SALES = "2025年3月期の売上高はいくらですか。"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("1,234百万円です。", None),
        ("12億3,400万円でした。", None),
        ("１，２３４，０００千円", None),
        ("約12億円", None),
        ("約12.3億円", None),
        ("12億円超", None),
        ("12億円", "number_not_in_source"),
        ("約13億円", "number_not_in_source"),
        ("1,243百万円", "number_not_in_source"),
        ("1,234千円", "unit_not_in_source"),
        ("1,234百万ドル", "unit_not_in_source"),
        ("1,234", "unit_not_in_source"),
        ("1,000百万円", "other_period"),
        ("96百万円", "other_item"),
        ("△1,234百万円", "wrong_sign"),
    ],
)
def test_an_amount_of_a_fact(answer: str, expected: str | None) -> None:
    assert reason(asked(SALES, answer)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025年3月期の売上高は1,234百万円、経常利益は96百万円でした。", None),
        ("2025年3月期の売上高は96百万円、経常利益は1,234百万円でした。", "other_item"),
        ("令和7年3月期の経常利益は96百万円です。", None),
        ("2024年3月期の経常利益は96百万円です。", "other_period"),
        ("2024年3月期の経常利益は120百万円、2025年3月期は96百万円です。", None),
        ("2024年3月期の経常利益は96百万円、2025年3月期は120百万円です。", "other_period"),
        ("2025年3月31日時点の純資産額は3,150百万円です。", None),
        ("2025年3月期の自己資本比率は40.3％です。", None),
        ("2025年3月期の自己資本比率は40.3ポイントです。", "unit_not_in_source"),
        ("2025年3月期の自己資本比率は4割です。", "number_not_in_source"),
        ("2025年3月末の従業員数は231名です。", None),
        ("2025年3月末の従業員数は231社です。", "unit_not_in_source"),
        ("2025年3月期の当期純損失は45百万円です。", None),
        ("2025年3月期の当期純利益は△45百万円です。", None),
        ("2025年3月期の当期純利益は45百万円です。", "wrong_sign"),
        ("2025年3月期の当期純損失は△45百万円です。", "wrong_sign"),
        ("2024年3月期の国内売上高は700百万円、海外売上高は300百万円です。", None),
        ("2025年3月期の国内売上高は700百万円です。", "other_period"),
        ("2025年3月期の海外売上高は834百万円です。", "other_item"),
        ("2025年3月期の売上高は1,234百万円で、2024年3月期に比べ増加しました。経常利益は96百万円です。", None),
        ("研究開発費は8百万円減少しました。", None),
        ("研究開発費は8百万円増加しました。", "wrong_sign"),
    ],
)
def test_statements_about_facts_and_cells(text: str, expected: str | None) -> None:
    assert reason(told(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("当連結会計年度の販売費及び一般管理費は2億1,000万円でした。", None),
        ("販売費及び一般管理費は前期比で5.0％増加しました。", None),
        ("販売費及び一般管理費は前期比で5.0％減少しました。", "wrong_sign"),
        ("国内の店舗数は38店舗です。", None),
        ("国内の店舗数は14店舗です。", "other_item"),
        ("海外の店舗数は14社です。", "unit_not_in_source"),
        ("西日本支店の受注高は約52億円です。", None),
        ("西日本支店の受注高は61億円です。", "other_item"),
        ("国内には39店舗があります。", "number_not_in_source"),
        ("2024年3月期の売上高は1,000百万円から2025年3月期の1,234百万円に減少しました。", "wrong_direction"),
        ("BtoB-7型の製品があります。", "number_not_in_source"),
    ],
)
def test_statements_of_prose(text: str, expected: str | None) -> None:
    assert reason(told(text)) == expected


def test_a_bare_answer_counts_what_its_question_asks_for() -> None:
    assert reason(asked("2025年3月末の従業員数は何人ですか。", "231")) is None
    assert reason(asked("2025年3月末の従業員数は何社ですか。", "231")) == "unit_not_in_source"


def test_an_answer_must_be_of_the_time_that_the_question_asks_for() -> None:
    answer = "2025年3月期の売上高は1,234百万円です。"
    assert reason(asked(SALES, answer)) is None
    assert reason(asked("2024年3月期の売上高はいくらですか。", answer)) == "other_period"


def test_a_blank_is_judged_where_it_stands() -> None:
    question = "次の空欄に入る語句は何ですか。国内の店舗数は＿＿＿、海外の店舗数は14店舗です。"
    assert reason(asked(question, "38店舗です。")) is None
    assert reason(asked(question, "52店舗です。")) is not None


def test_a_table_of_a_claim_is_read_with_its_heads() -> None:
    table = "（単位：百万円）\n\n| 区分 | 2025年3月期 |\n| --- | --- |\n| 国内売上高 | {} |\n"
    assert reason(told(table.format("834"))) is None
    assert reason(told(table.format("843"))) == "number_not_in_source"
    assert reason(told(table.format("700"))) == "other_period"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (("1,000百万円", "1,324百万円", "96百万円"), None),
        (("12億3,400万円", "1,324百万円", "96百万円"), "equal_value"),
        (("1,234,000千円", "1,324百万円", "96百万円"), "equal_value"),
    ],
)
def test_wrong_choices_differ_from_the_answer(wrong: tuple[str, ...], expected: str | None) -> None:
    assert reason(asked(SALES, "1,234百万円", *wrong)) == expected


def test_a_wrong_choice_that_the_source_states_is_true() -> None:
    page = filing()
    text = page.text + "\n| 区分 | 2025年３月期 |\n| --- | --- |\n| 売上高（百万円） | 1,250 |\n"
    other = document(page.title, text, page.facts, **dict(page.meta))
    chunk = Chunk(other, Span(other.id, 0, len(text)), page.title)
    candidate = Candidate(
        "multiple_choice", SALES, "1,234百万円", chunk, ("1,250百万円", "9百万円", "8百万円")
    )
    assert reason(candidate) == "true_choice"


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_only_the_number_itself_is_believed(true: int, said: int) -> None:
    page = document("試験", f"当社の借入金は{true:,}千円です。", ())
    chunk = Chunk(page, Span(page.id, 0, len(page.text)), "試験")
    drop = numbers.check(
        Candidate("qa", "借入金はいくらですか。", f"{Decimal(said) / 1000:,f}百万円です。", chunk)
    )
    assert (drop is None) == (true == said)


def test_a_chunk_is_read_once_and_then_judged_within_a_millisecond() -> None:
    candidates = [asked(SALES, "1,234百万円です。"), told("2025年3月期の経常利益は96百万円です。")]
    page = candidates[0].chunk.document
    chunk = Chunk(page, candidates[0].chunk.span, page.title)
    assert source_of(chunk) is source_of(Chunk(page, chunk.span, page.title))
    same = [Candidate(one.style, one.question, one.answer, chunk) for one in candidates]
    assert [numbers.check(one) for one in same] == [None, None]
    start = time.process_time()
    for _ in range(100):
        for one in same:
            numbers.check(one)
    assert (time.process_time() - start) / 200 < 0.005  # a loaded machine has time for five
