"""Facts about the choices of a question: four, of one type, different by value, the wrong ones wrong for certain."""

import pytest

from corpus.document import Fact, Span
from rephrase.candidate import Candidate, Chunk
from rephrase.grounding.answers import agree, equal, read
from rephrase.validate.choices import check
from tests.rephrase.conftest import document

PASSAGE = (
    "磯部製粉の2024年3月期の売上高は1,234億円（前期は1,134億円）、営業利益は約120億円でした。"
    "主力製品は小麦粉、パスタおよび冷凍食品です。株式会社磯部製粉の設立は1952年4月です。"
)
ASKED = "磯部製粉の2024年3月期の売上高はいくらでしたか。"


def asked(question: str, *choices: str, passage: str = PASSAGE, facts: tuple[Fact, ...] = ()) -> str | None:
    """Return the reason against a question whose first choice is the right one."""
    page = document("磯部製粉", passage, facts)
    chunk = Chunk(page, Span(page.id, 0, len(passage)))
    drop = check(Candidate("multiple_choice", question, choices[0], chunk, choices[1:]))
    return drop.reason if drop else None


def amount(passage: str, shown: str, number: str, period: str, concept: str = "NetSales") -> Fact:
    at = passage.index(shown)
    return Fact("amount", "磯部製粉", concept, "売上高", shown, at, at + len(shown), number, "JPY", period)


@pytest.mark.parametrize(
    "choices",
    [
        ("1,234億円", "1,134億円", "1,324億円", "1,243億円"),
        ("1,234億円です。", "113,400百万円", "１，３２４億円", "0.9兆円"),
        ("2024年3月31日", "2023年3月31日", "令和4年3月31日", "2024年9月30日"),
        ("2024年3月期", "2023年3月期", "2022年3月期", "2025年3月期"),
        ("5.2％", "15.2％", "2.5％", "△5.2％"),
        ("小麦粉", "化粧品", "自動車", "半導体"),
        ("磯部製粉", "灯台電機", "若葉食品", "港町運輸"),
        ("前期比5.2％増加しました。", "前期比5.2％減少しました。", "前期比15.2％増加しました。", "変わりませんでした。"),
        ("10～20億円", "20～30億円", "30～40億円", "40～50億円"),
    ],
)  # fmt: skip
def test_choices_of_one_type_that_differ_are_taken(choices: tuple[str, ...]) -> None:
    assert asked(ASKED, *choices) is None


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        (("1,234億円", "1,134億円", "1,324億円"), "choice_count"),
        (("1,234億円", "1,134億円", "1,324億円", "1,243億円", "1,000億円"), "choice_count"),
        (("1,234億円", "1,134億円", "1,324億円", "該当なし"), "catch_all_choice"),
        (("小麦粉", "化粧品", "自動車", "上記のすべて"), "catch_all_choice"),
        (("小麦粉", "化粧品", "自動車", "いずれも正しい"), "catch_all_choice"),
        (("小麦粉", "化粧品", "自動車", "AとB"), "catch_all_choice"),
        (("10億円", "1,000百万円", "20億円", "30億円"), "equal_choices"),
        (("20億円", "10億円", "1,000百万円", "30億円"), "equal_choices"),
        (("1,234億円", "約1,200億円", "1,324億円", "1,243億円"), "equal_choices"),
        (("1,234億円", "1,234億5,600万円", "1,324億円", "1,243億円"), "equal_choices"),
        (("1,234億円", "1,000億円以上", "1,324億円", "1,243億円"), "equal_choices"),
        (("5.2％", "５．２パーセント", "3％", "4％"), "equal_choices"),
        (("2024年3月31日", "令和6年3月31日", "2023年3月31日", "2022年3月31日"), "equal_choices"),
        (("小麦粉", "小 麦 粉", "自動車", "半導体"), "equal_choices"),
        (("売上高は10億円増加した", "売上高は1,000百万円増加した", "売上高は3億円増加した", "売上高は4億円増加した"), "equal_choices"),
        (("2024年3月", "2024年3月期", "2022年3月", "2021年3月"), "mixed_choices"),
        (("2024年", "2024年から2026年", "2022年", "2021年"), "mixed_choices"),
        (("1,234億円", "1,134百万ドル", "1,324億円", "1,243億円"), "mixed_choices"),
        (("1,234億円", "2024年3月期", "1,324億円", "1,243億円"), "mixed_choices"),
        (("1,234億円", "小麦粉", "1,324億円", "1,243億円"), "mixed_choices"),
        (("小麦粉", "売上高が伸びました。", "自動車", "半導体"), "mixed_choices"),
        (("自己資本", "自己資本比率", "流動比率", "負債比率"), "nested_choices"),
        (("配当性向", "株価収益率", "自己資本比率", "株主資本比率または自己資本比率"), "nested_choices"),
        (("2024年4月から6月まで", "2024年4月から9月まで", "2023年4月から6月まで", "2022年4月から6月まで"), "nested_choices"),
    ],
)  # fmt: skip
def test_choices_that_cannot_stand_together_have_one_reason(choices: tuple[str, ...], reason: str) -> None:
    assert asked(ASKED, *choices) == reason


def test_other_styles_have_no_choices_to_judge() -> None:
    page = document("磯部製粉", PASSAGE, ())
    chunk = Chunk(page, Span(page.id, 0, len(PASSAGE)))
    assert check(Candidate("qa", ASKED, "1,234億円", chunk)) is None


def test_a_wrong_word_of_the_same_enumeration_is_right_too() -> None:
    question = "磯部製粉の主力製品はどれですか。"
    assert asked(question, "小麦粉", "冷凍食品", "自動車", "半導体") == "stated_choice"
    assert asked(question, "冷凍食品", "自動車", "小麦粉", "半導体") == "stated_choice"
    assert asked("磯部製粉の主力製品はどれですか。", "小麦粉", "営業利益", "自動車", "半導体") is None


def test_another_years_amount_is_wrong_only_where_the_question_names_the_year() -> None:
    choices = ("1,234億円", "1,134億円", "1,324億円", "1,243億円")
    assert asked("磯部製粉の売上高はいくらでしたか。", *choices) == "stated_choice"
    assert asked(ASKED, *choices) is None
    other_item = ("1,234億円", "123億円", "1,324億円", "1,243億円")
    passage = PASSAGE.replace("約120億円", "123億円")
    assert asked("磯部製粉の売上高はいくらでしたか。", *other_item, passage=passage) is None


def test_facts_tell_which_amounts_answer_the_same_item() -> None:
    passage = "| 売上高 | 113,400 | 123,400 | 98,700 |\n| 経常利益 | 5,500 |"
    facts = (
        amount(passage, "113,400", "113400000000", "2022-04-01/2023-03-31"),
        amount(passage, "123,400", "123400000000", "2023-04-01/2024-03-31"),
        amount(passage, "98,700", "98700000000", "2023-04-01/2024-03-31"),  # the same year, of another scope
        amount(passage, "5,500", "5500000000", "2023-04-01/2024-03-31", "OrdinaryIncome"),
    )
    undated, dated = "磯部製粉の売上高はいくらですか。", ASKED
    last = ("123,400百万円", "113,400百万円", "1百万円", "2百万円")
    assert asked(undated, *last, passage=passage, facts=facts) == "stated_choice"
    assert asked(dated, *last, passage=passage, facts=facts) is None
    scope = ("123,400百万円", "98,700百万円", "1百万円", "2百万円")
    assert asked(dated, *scope, passage=passage, facts=facts) == "stated_choice"
    profit = ("123,400百万円", "5,500百万円", "1百万円", "2百万円")
    assert asked(undated, *profit, passage=passage, facts=facts) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1,234億円です。", "123,400百万円", True),
        ("1,234億円", "1,243億円", False),
        ("前期比5.2％増えました。", "5.2％の増加", True),
        ("前期比5.2％増えました。", "5.2％の減少", False),
        ("2024年3月期の売上高は1,234億円", "1,234億円", True),
        ("2024年3月期の売上高は1,234億円", "2023年3月期は1,234億円", False),
        ("2024年3月31日", "令和6年3月31日です。", True),
        ("2024年3月31日", "2023年3月31日", False),
        ("北米で受注が伸びたことです。", "受注が北米で伸びたためです。", True),
        ("北米で受注が伸びたことです。", "円安が進んだことです。", False),
        ("営業利益は黒字となった", "営業利益は赤字となった", False),
        ("売上高は1,234億円、営業利益は120億円", "1,234億円", False),
    ],
)
def test_two_answers_agree_by_value_or_by_their_characters(one: str, other: str, *, same: bool) -> None:
    assert agree(read(one), read(other), 0.6) is same


def test_an_amount_is_one_with_its_rounded_and_its_cut_form() -> None:
    exact, rounded, cut, other = (
        read(text).amounts[0] for text in ("12億3,567万円", "12億3,600万円", "12億円", "13億円")
    )
    about = read("約12億円").amounts[0]
    assert equal(exact, cut)
    assert equal(exact, about)
    assert not equal(exact, other)
    assert not equal(rounded, exact)  # both are shown in units of ten thousand
