"""Days and periods are read by the days that they are, in whatever form they are written."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rephrase.grounding.calendar import Period, ending
from rephrase.grounding.periods import periods
from rephrase.grounding.scope import scope

OWN = Period(date(2023, 5, 1), date(2024, 4, 30), "fiscal_year", term=28)
HALF = Period(date(2025, 4, 1), date(2025, 9, 30), "half")
ERAS = (("令和", 2018), ("平成", 1988), ("昭和", 1925))
FULL = str.maketrans("0123456789/.-", "０１２３４５６７８９／．－")
KANJI = str.maketrans("0123456789", "〇一二三四五六七八九")


def read(text: str, own: Period | None = OWN) -> list[tuple[str, str]]:
    """Return the first and last days of the periods of a text."""
    return [(str(one.first), str(one.last)) for one in periods(text, own)]


def spoken(number: int) -> str:
    """Return a number under a hundred as it is spoken: 31 is 三十一."""
    tens, ones = divmod(number, 10)
    head = ("" if tens == 1 else "〇一二三四五六七八九"[tens]) + "十" if tens else ""
    return head + ("〇一二三四五六七八九"[ones] if ones or not tens else "")


def forms(day: date) -> list[str]:
    """Return the ways to write a day."""
    western = [
        f"{day.year}年{day.month}月{day.day}日", f"{day.year}年{day.month:02}月{day.day:02}日", f"{day:%Y/%m/%d}",
        f"{day.year}/{day.month}/{day.day}", f"{day.year}.{day.month}.{day.day}", f"{day:%Y-%m-%d}",
        f"{day.year}年 {day.month}月 {day.day}日",
    ]  # fmt: skip
    written = [*western, *(text.translate(FULL) for text in western)]
    written.append(f"{str(day.year).translate(KANJI)}年{spoken(day.month)}月{spoken(day.day)}日")
    for name, start in ERAS:
        number = day.year - start
        if 1 <= number <= 99:
            year = "元" if number == 1 else str(number)
            written += [
                f"{name}{year}年{day.month}月{day.day}日",
                f"{name}{year}年{day.month}月{day.day}日".translate(FULL),
            ]
            written.append(f"{'RHS'[[n for n, _ in ERAS].index(name)]}{number}.{day.month}.{day.day}")
            written.append(
                f"{name}{'元' if number == 1 else spoken(number)}年{spoken(day.month)}月{spoken(day.day)}日"
            )
    return written


@given(st.dates(date(1927, 1, 1), date(2099, 12, 31)), st.data())
def test_a_day_in_any_form_reads_back_equal(day: date, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(forms(day)))
    (one,) = periods(f"当社は{text}に設立されました。")
    assert (one.first, one.last, one.kind) == (day, day, "day")
    assert f"当社は{text}に設立されました。"[one.start : one.end] == text


@given(st.dates(date(1990, 1, 1), date(2060, 12, 31)), st.integers(1, 900), st.data())
def test_a_range_in_any_form_has_its_two_days(first: date, length: int, data: st.DataObject) -> None:
    last = first + timedelta(days=length)
    one, other = data.draw(st.sampled_from(forms(first))), data.draw(st.sampled_from(forms(last)))
    text = data.draw(
        st.sampled_from(["{}から{}まで", "自 {} 至 {}", "自　{}\n至　{}", "{}～{}", "{} 〜 {}", "{}－{}"])
    )
    (found,) = periods(text.format(one, other))
    assert (found.first, found.last) == (first, last)


@given(
    st.text(
        alphabet="0123456789０１年月日期第四半当前同翌自至〜~-/.(（)）令和平成元 \n一二十千末首から",
        max_size=60,
    )
)
def test_places_are_in_order_and_never_overlap(text: str) -> None:
    found = periods(text, OWN)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(one.first <= one.last for one in found)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2023年度", "2023-05-01", "2024-04-30"),
        ("平成30年度", "2018-05-01", "2019-04-30"),
        ("FY2023", "2023-05-01", "2024-04-30"),
        ("2024年4月期", "2023-05-01", "2024-04-30"),
        ("24/4期", "2023-05-01", "2024-04-30"),
        ("24年4月期", "2023-05-01", "2024-04-30"),
        ("令和６年４月期", "2023-05-01", "2024-04-30"),
        ("2024年3月期", "2023-04-01", "2024-03-31"),
        ("2024年4月期第1四半期", "2023-05-01", "2023-07-31"),
        ("2024年4月期 第2四半期累計期間", "2023-05-01", "2023-10-31"),
        ("2024年4月期の上期", "2023-05-01", "2023-10-31"),
        ("2024年4月期末", "2024-04-30", "2024-04-30"),
        ("2024年4月期首", "2023-05-01", "2023-05-01"),
        ("当連結会計年度", "2023-05-01", "2024-04-30"),
        ("当期末", "2024-04-30", "2024-04-30"),
        ("前事業年度", "2022-05-01", "2023-04-30"),
        ("前々期", "2021-05-01", "2022-04-30"),
        ("翌期", "2024-05-01", "2025-04-30"),
        ("当第3四半期連結累計期間", "2023-05-01", "2024-01-31"),
        ("下期", "2023-11-01", "2024-04-30"),
        ("第24期", "2019-05-01", "2020-04-30"),
        ("2022年1～3月期", "2022-01-01", "2022-03-31"),
        ("2024年", "2024-01-01", "2024-12-31"),
        ("2024年3月", "2024-03-01", "2024-03-31"),
        ("2024年2月末", "2024-02-29", "2024-02-29"),
        ("R6.3", "2024-03-01", "2024-03-31"),
        ("H30/3", "2018-03-01", "2018-03-31"),
        ("９月", "2023-09-01", "2023-09-30"),
        ("2020～2024年", "2020-01-01", "2024-12-31"),
        ("３月１日から31日まで", "2024-03-01", "2024-03-31"),
    ],
)  # fmt: skip
def test_a_period_is_the_days_that_it_is(text: str, first: str, last: str) -> None:
    assert read(text) == [(first, last)]


def test_without_a_period_of_its_own_a_year_begins_in_april() -> None:
    assert read("2023年度", None) == [("2023-04-01", "2024-03-31")]
    assert not periods("当期の売上高", None)[0].known


def test_a_text_tells_which_days_its_terms_have() -> None:
    text = "第28期(自　2023年５月１日　至　2024年４月30日) と第27期、当期(2024年1月1日～2024年12月31日)"
    assert read(text, None)[2] == ("2022-05-01", "2023-04-30")
    assert periods("第120期", None)[0].term == 120


def test_words_lean_on_what_was_said_before() -> None:
    assert read("2022年8月に始め、同年11月に終えた。同日、10月、翌年")[1:3] == [
        ("2022-01-01", "2022-12-31"), ("2022-11-01", "2022-11-30"),
    ]  # fmt: skip
    assert read("前中間会計期間", HALF) == [("2024-04-01", "2024-09-30")]
    assert read("前連結会計年度末", HALF) == [("2025-03-31", "2025-03-31")]


@pytest.mark.parametrize(
    "text",
    ["当期純利益", "前期比9.2％増", "前年同期比", "5年以内", "10年間", "1年6か月", "2,024年", "割当日後", "日本年金機構", "2024.3百万円",
     "第24条", "03-5652-1692", "当期税金費用", "3.5倍"],
)  # fmt: skip
def test_what_only_looks_like_a_period_is_none(text: str) -> None:
    assert periods(text, OWN) == []


def test_impossible_days_and_ranges_are_named_as_such() -> None:
    for text in ("2024年4月31日", "平成24年88月", "2025年4月1日から2024年3月31日まで"):
        (one,) = periods(text)
        assert one.said.startswith("impossible")


def test_periods_compare_by_their_days() -> None:
    year, day = periods("2024年3月期"), periods("2024年3月31日")
    assert year[0].same(ending(date(2024, 3, 31), 12, "range"))
    assert year[0].holds(day[0])
    assert day[0].meets(year[0])
    assert not day[0].meets(periods("2022年度")[0])


TABLE = """当社の業績は次のとおりです。

| 回次 | 第27期 | 第28期 |
| --- | --- | --- |
| 決算年月 | 2023年4月 | 2024年4月 |
| 売上高 | 5,320 | 5,808 |

前連結会計年度(自 2022年5月1日 至 2023年4月30日)

(単位：千円)

|  | 資本金 | 利益剰余金 |
| --- | --- | --- |
| 当期首残高 | 1,852 | 2,372 |
| 当期変動額 | 8 | 245 |
| 当期末残高 | 1,860 | 2,618 |
"""


@pytest.mark.parametrize(
    ("number", "first", "last"),
    [
        ("5,320", "2022-05-01", "2023-04-30"),
        ("5,808", "2023-05-01", "2024-04-30"),
        ("1,852", "2022-04-30", "2022-04-30"),
        ("245", "2022-05-01", "2023-04-30"),
        ("2,618", "2023-04-30", "2023-04-30"),
    ],
)
def test_the_scope_of_a_cell_is_its_column_its_row_or_the_line_above(
    number: str, first: str, last: str
) -> None:
    one = scope(TABLE, TABLE.index(number), OWN)
    assert one
    assert (str(one.first), str(one.last)) == (first, last)


@pytest.mark.parametrize(
    ("number", "last"),
    [("15,382", "2024-04-30"), ("203", "2024-04-30"), ("5,808", "2024-04-30"), ("5,320", "2023-04-30"), ("566", "2024-04-30")],
)  # fmt: skip
def test_the_scope_in_prose_is_not_what_is_only_compared_with(number: str, last: str) -> None:
    text = (
        "当連結会計年度末の総資産は、前連結会計年度末より203千円増加して15,382千円になりました。"
        "当連結会計年度の売上高は5,808千円（前期は5,320千円）、営業利益は566千円となりました。"
    )
    one = scope(text, text.index(number), OWN)
    assert one
    assert str(one.last) == last


def test_no_scope_where_nothing_tells_one() -> None:
    assert scope("売上高は5,808千円です。", 5, OWN) is None
    assert scope("| 売上高 | 5,808 |", 8, OWN) is None
