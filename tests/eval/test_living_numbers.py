"""Numbers are read as Japanese writes them, strictly, and equal where they say the same to the step that is shown."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.living.numbers import Quantity, equal, quantities, read

SCALES = {"円": 0, "千円": 3, "万円": 4, "百万円": 6, "億円": 8, "十億円": 9, "兆円": 12}


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1,234百万円", 1_234_000_000, "円"),
        ("１，２３４百万円です。", 1_234_000_000, "円"),
        ("12億3,400万円", 1_234_000_000, "円"),
        ("12億 3,400万円", 1_234_000_000, "円"),
        ("1兆2,345億6,789万円", 1_234_567_890_000, "円"),
        ("約12.34億円", 1_234_000_000, "円"),
        ("△45百万円", -45_000_000, "円"),
        ("▲ 45 百万円", -45_000_000, "円"),
        ("−45百万円", -45_000_000, "円"),
        ("マイナス45百万円", -45_000_000, "円"),
        ("－４５百万円", -45_000_000, "円"),
        ("5.2％", "5.2", "%"),
        ("5.2パーセント", "5.2", "%"),
        ("5.2％減少しました", "-5.2", "%"),
        ("5.2％の減少", "-5.2", "%"),
        ("5.2％増加しました", "5.2", "%"),
        ("マイナス5.2％", "-5.2", "%"),
        ("93名", 93, "人"),
        ("5,254千株", 5_254_000, "株"),
        ("2025年3月期の売上高は1,234百万円でした。", 1_234_000_000, "円"),
        ("第58期（2025年3月31日時点）は93人", 93, "人"),
        ("100百万円減価償却費", 100_000_000, "円"),
    ],
)
def test_a_number_is_read_however_it_is_written(text: str, value: int | str, unit: str) -> None:
    found, failure = read(text, unit)
    assert failure == ""
    assert found is not None
    assert (found.value, found.unit) == (Decimal(value), unit)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "no number"),
        ("わかりません。", "no number"),
        ("2025年3月期", "no number"),
        ("1,234", "no unit"),
        ("12,34円", "no unit"),  # no way to write a number
        ("5.2％", "no unit"),
        ("1,200百万円から1,234百万円に増加", "several numbers"),
        ("3万2億円", "no number"),  # scales fall
    ],
)
def test_what_is_not_one_number_in_the_unit_is_not_guessed(text: str, failure: str) -> None:
    assert read(text, "円") == (None, failure)


def test_two_numbers_apart_do_not_become_one() -> None:
    assert quantities("100 200円") == [
        Quantity(Decimal(100), "", Decimal(1)),
        Quantity(Decimal(200), "円", Decimal(1)),
    ]


def test_the_same_number_twice_is_one_number() -> None:
    found, failure = read("1,234百万円（12億3,400万円）", "円")
    assert failure == ""
    assert found is not None
    assert found.value == 1_234_000_000


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("1,234百万円", True),
        ("12.34億円", True),
        ("1,233,700千円", True),  # rounds to it
        ("1,234,900千円", True),  # is cut off to it
        ("1,235,000千円", False),
        ("1,233,400千円", False),
        ("12億円", False),
        ("1,234千円", False),
        ("1,234百万株", False),
        ("マイナス1,234百万円", False),
    ],
)
def test_a_finer_reply_is_brought_to_the_step_of_the_answer(reply: str, right: bool) -> None:
    (target,), (found,) = quantities("1,234百万円"), quantities(reply)
    assert equal(found, target) == right


def test_a_tolerance_is_a_share_of_the_answer() -> None:
    (target,), (coarse,) = quantities("1,234百万円"), quantities("12億円")
    assert equal(coarse, target, 0.03)
    assert not equal(coarse, target, 0.02)


@given(st.integers(-(10**9), 10**9), st.sampled_from(sorted(SCALES)), st.booleans(), st.booleans())
def test_what_is_written_is_read(number: int, unit: str, commas: bool, wide: bool) -> None:
    digits = f"{abs(number):,}" if commas else str(abs(number))
    if wide:
        digits = digits.translate(str.maketrans("0123456789,", "０１２３４５６７８９，"))
    text = f"売上高は{'△' if number < 0 else ''}{digits}{unit}です。"
    found, _ = read(text, "円")
    assert found is not None
    assert found.value == Decimal(number).scaleb(SCALES[unit])


@given(st.text(alphabet="0123456789,.兆億万千円%△-年月減少 ", max_size=60))
def test_no_text_is_too_strange_to_read(text: str) -> None:
    for found in quantities(text):
        assert found.value.is_finite()
        assert found.step > 0
