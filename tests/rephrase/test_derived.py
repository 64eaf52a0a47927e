"""A number that no source shows is computed again from two that it shows, where the words call for it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rephrase.candidate import Candidate
from rephrase.grounding.fit import recomputed, shows
from rephrase.grounding.quantities import quantities
from rephrase.validate import numbers
from tests.rephrase.grounded import asked, told


def reason(candidate: Candidate) -> str | None:
    drop = numbers.check(candidate)
    return drop.reason if drop else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025年3月期の売上高は前の期から234百万円増加しました。", None),
        ("2025年3月期の売上高は前の期から2億3,400万円増加しました。", None),
        ("2025年3月期の売上高は前の期から234百万円減少しました。", "not_recomputed"),
        ("2025年3月期の売上高は前の期から243百万円増加しました。", "not_recomputed"),
        ("2025年3月期の売上高は前の期に比べ23.4％の増加となりました。", None),
        ("2025年3月期の売上高は前の期に比べ23％増加しました。", None),
        ("2025年3月期の売上高は前の期に比べ23.5％増加しました。", "not_recomputed"),
        ("2025年3月期の売上高は前の期に比べ23.4％減少しました。", "not_recomputed"),
        ("2025年3月期の経常利益は20.0％減少しました。", None),
        ("2025年3月期の自己資本比率は前の期より0.9ポイント低下しました。", None),
        ("2025年3月期の自己資本比率は前の期より0.9％低下しました。", "not_recomputed"),
        ("2025年3月期の従業員数は5人増えました。", None),
    ],
)
def test_changes_are_those_of_one_item_between_two_periods(text: str, expected: str | None) -> None:
    assert reason(told(text)) == expected


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("2025年3月期の国内売上高と海外売上高の合計はいくらですか。", "1,234百万円です。", None),
        ("2024年3月期の国内売上高と海外売上高の差はいくらですか。", "400百万円です。", None),
        ("2024年3月期の国内売上高と研究開発費の合計はいくらですか。", "760百万円です。", None),
        ("2024年3月期の国内売上高と研究開発費の合計はいくらですか。", "886百万円です。", "not_recomputed"),
        ("2025年3月期の売上高に対する経常利益の割合は何％ですか。", "7.8％です。", None),
        ("2025年3月期の売上高に対する経常利益の割合は何％ですか。", "7.7％です。", None),  # cut off
        ("2025年3月期の売上高に対する経常利益の割合は何％ですか。", "8.7％です。", "not_recomputed"),
        ("2024年3月期の売上高は経常利益の何倍ですか。", "8.3倍です。", None),
        ("2024年3月期の売上高は経常利益の何倍ですか。", "12.9倍です。", "not_recomputed"),
    ],
)
def test_sums_differences_and_shares_are_of_two_named_items(
    question: str, answer: str, expected: str | None
) -> None:
    assert reason(asked(question, answer)) == expected


def test_nothing_is_derived_that_the_words_do_not_call_for() -> None:
    assert reason(told("2025年3月期の売上高は234百万円です。")) == "number_not_in_source"


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 2))
def test_a_growth_rate_is_accepted_rounded_or_cut_off_and_nothing_else(
    early: int, late: int, places: int
) -> None:
    rate = (Decimal(late) - early) / early * 100
    step = Decimal(1).scaleb(-places)
    cut = (abs(rate) // step) * step
    for said, expected in ((cut, True), (cut + step, abs(rate) - cut >= step / 2), (cut + 2 * step, False)):
        (one,) = quantities(f"{said:f}％")
        assert recomputed(one, rate) == (expected or said == abs(rate))


@given(st.integers(10**6, 10**12))
def test_about_allows_for_the_last_place_that_is_shown(value: int) -> None:
    shown = value // 10**4
    (about,) = quantities(f"約{shown:,}万円")
    (exact,) = quantities(f"{shown:,}万円")
    assert shows(about, Decimal(value))
    assert shows(exact, Decimal(value)) == (value % 10**4 == 0)
