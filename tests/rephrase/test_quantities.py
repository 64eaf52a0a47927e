"""Quantities are read by value, unit and precision, in whatever form they are written."""

import time
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rephrase.grounding.numerals import narrow, numeral
from rephrase.grounding.quantities import Quantity, quantities, values
from rephrase.grounding.units import announced

WIDE = str.maketrans("0123456789,.", "０１２３４５６７８９，．")
KANJI = "〇一二三四五六七八九"


def read(text: str) -> list[tuple[str, str]]:
    """Return value and unit of every quantity."""
    return [(f"{one.value.normalize():f}", one.unit) for one in quantities(text)]


def mixed(value: int) -> str:
    """Write 1234500000 as 12億3,450万."""
    parts = []
    for scale, sign in ((10**12, "兆"), (10**8, "億"), (10**4, "万"), (1, "")):
        head, value = divmod(value, scale)
        parts += [f"{head:,}{sign}"] if head else []
    return "".join(parts)


def in_kanji(value: int) -> str:
    """Write 1234 as 千二百三十四, with 万, 億 and 兆 for what is more."""
    text = ""
    for big, sign in ((10**12, "兆"), (10**8, "億"), (10**4, "万"), (1, "")):
        head, value = divmod(value, big)
        below = ""
        for small, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit, head = divmod(head, small)
            below += (KANJI[digit] if digit > 1 or not name else "") + name if digit else ""
        text += below + sign if below else ""
    return text


@pytest.mark.parametrize(
    "text",
    ["12億3,400万円", "1,234百万円", "１２億３，４００万円", "1,234,000千円", "12.34億円", "十二億三千四百万円", "12億 3,400万円", "¥1,234,000,000", "1,234百万 円"],
)  # fmt: skip
def test_all_writings_of_an_amount_are_one_value(text: str) -> None:
    assert read(f"売上高は{text}でした。") == [("1234000000", "JPY")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("１株当たり14円50銭", [("0", "name:1株当たり"), ("14.5", "JPY")]),
        ("3割5分2厘の増加", [("35.2", "percent")]),
        ("５．２％、0.5ポイント、25bp、1.5倍", [("5.2", "percent"), ("0.5", "points"), ("0.25", "points"), ("1.5", "times")]),
        ("10～20億円", [("1000000000", "JPY"), ("2000000000", "JPY")]),
        ("43.9億米ドルとUS$1,200 million", [("4390000000", "USD"), ("1200000000", "USD")]),
        ("1,200万ユーロ", [("12000000", "EUR")]),
        ("三百万円を三社と二人から", [("3000000", "JPY"), ("3", "companies"), ("2", "people")]),
        ("18／18回(100％)", [("18", "回"), ("18", "回"), ("100", "percent")]),
        ("3.6百万株、226名、８社、12件", [("3600000", "shares"), ("226", "people"), ("8", "companies"), ("12", "件")]),
        ("5,808,066（千円）", [("5808066000", "JPY")]),
        ("△1,234百万円、▲5.1％、マイナス３億円、-3.2%", [("-1234000000", "JPY"), ("-5.1", "percent"), ("-300000000", "JPY"), ("-3.2", "percent")]),
        ("¥△500", [("-500", "JPY")]),
        ("３カ月間、５年間", [("3", "月"), ("5", "年")]),
        ("第24条第１項の３分の２", [("24", "第条"), ("1", "第項"), ("2", "分の3")]),
    ],
)  # fmt: skip
def test_units_scales_and_signs(text: str, found: list[tuple[str, str]]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "2024年3月期、2024年３月31日、令和６年度、24/3期、4月に", "第28期の第１四半期", "百万円未満を四捨五入", "一部の第三者は唯一の七十七銀行と四国電力に統一",
        "（１）概要", "１．当社は", "(注)１", "※２", "数十億円", "一つの案",
    ],
)  # fmt: skip
def test_dates_notes_entries_and_words_are_no_quantities(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    "text", ["SVF１", "S&P500", "5G", "COVID-19", "ISO9001", "03-1234-5678", "9億7,000万百万円"]
)
def test_a_numeral_in_a_name_is_a_token(text: str) -> None:
    (one,) = quantities(f"これは{text}です。")
    assert one.is_token
    assert one.text == text


@pytest.mark.parametrize(
    ("text", "hedge"),
    [("約12億円", "about"), ("100億円超", "over"), ("5%以上", "up"), ("10％未満", "under"), ("20名以内", "down"), ("150億円台", "about"), ("12億円", "")],
)  # fmt: skip
def test_how_exact_a_quantity_claims_to_be(text: str, hedge: str) -> None:
    assert quantities(text)[0].hedge == hedge


def test_the_step_is_the_worth_of_the_last_place() -> None:
    steps = [one.step for one in quantities("12億3,400万円、1,234百万円、5.2％、3割、14円50銭")]
    assert steps == [Decimal(10**4), Decimal(10**6), Decimal("0.1"), Decimal(10), Decimal("0.01")]


def test_brackets_and_places_in_the_text() -> None:
    text = "従業員数は226人（7人）。"
    one, other = quantities(text)
    assert (one.bracketed, other.bracketed) == (False, True)
    assert (
        [text[each.start : each.end] for each in (one, other)] == ["226人", "7人"] == [one.text, other.text]
    )


def test_spans_of_periods_are_left_out() -> None:
    text = "12か月の売上高は5億円"
    assert [one.text for one in quantities(text, [(0, 4)])] == ["5億円"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("（単位：百万円）", [("JPY", 6)]), ("売上高(千円)", [("JPY", 3)]), ("(％)", [("percent", 0)]), ("単位:百万円、％", [("JPY", 6), ("percent", 0)]), ("(注)", [])],
)  # fmt: skip
def test_heads_and_unit_lines_name_units(text: str, found: list[tuple[str, int]]) -> None:
    assert announced(narrow(text)) == tuple((name, Decimal(10) ** power) for name, power in found)


@given(st.integers(1, 10**15))
def test_a_number_in_any_form_reads_back(value: int) -> None:
    forms = [f"{value:,}", str(value), mixed(value), f"{value:,}".translate(WIDE)]
    # 千円 and 百万円 name a unit: scales alone are no amount of money.
    forms += [in_kanji(value)] if set(in_kanji(value)) & set(KANJI) else []
    for shown in forms:
        assert read(f"金額は{shown}円です。") == [(str(value), "JPY")], shown


@given(st.integers(1, 10**9), st.integers(0, 3), st.sampled_from(["千", "百万", "億", "十億"]))
def test_decimals_times_a_scale_read_back(digits: int, places: int, scale: str) -> None:
    value = Decimal(digits).scaleb(-places)
    power = {"千": 3, "百万": 6, "億": 8, "十億": 9}[scale]
    (one,) = quantities(f"{value:,f}{scale}円")
    assert one.value == value.scaleb(power)
    assert one.step == Decimal(1).scaleb(power - places)


@given(
    st.text(
        alphabet="0123456789０１２,，.．△-()（）兆億万千百十一二三円株％第期年月日 \n|aAァ約～", max_size=80
    )
)
def test_places_are_those_of_the_text_whatever_it_is(text: str) -> None:
    found = quantities(text)
    assert all(text[one.start : one.end] == one.text and isinstance(one, Quantity) for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@given(st.integers(0, 9999))
def test_kanji_digits_side_by_side_are_decimal(value: int) -> None:
    read_back = numeral("".join(KANJI[int(digit)] for digit in f"{value:04d}"))
    assert read_back
    assert read_back.value == value


@pytest.mark.parametrize(
    "text", ["1" * 50_000, "1," * 25_000, "a-" * 25_000, "十" * 50_000, "(" * 50_000, "1億 " * 20_000]
)
def test_time_grows_with_the_length_alone(text: str) -> None:
    start = time.process_time()
    quantities(text)
    assert time.process_time() - start < 3


def test_values_are_all_numbers_of_a_text() -> None:
    found = values("2025年3月期の売上高は12億3,400万円、△5.2％")
    assert found == {Decimal(2025), Decimal(3), Decimal(1_234_000_000), Decimal("5.2")}
