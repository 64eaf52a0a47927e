"""Terms and companies are asked both ways, where one answer is right, with wrong choices that are wrong."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.document import Document, Fact
from rephrase.base import Question, Reject
from rephrase.facts import Facts, claims
from rephrase.facts.companies import core
from rephrase.facts.templates import TEMPLATES
from rephrase.facts.terms import head_noun
from tests.rephrase.test_facts import document, page

LISTED = {
    "機械": {"灯台電機": "6501", "東雲重工": "6502", "北山鉄工": "6503", "潮風精機": "6504"},
    "食料品": {"若葉食品": "2001", "朝霧製菓": "2002", "白波水産": "2003"},
    "銀行業": {"港町銀行": "8301", "雲海銀行": "8302", "峰越銀行": "8303"},
    "化学": {"青磁化成": "4001", "紅花薬品": "4002", "藍川樹脂": "4003"},
    "陸運業": {"宿場運輸": "9001", "街道急行": "9002"},
}


def listed(industries: dict[str, dict[str, str]] = LISTED) -> list[Document]:
    """Return a list of companies by industry, as it is extracted."""
    found = []
    for industry, companies in industries.items():
        text, facts = f"# 上場会社一覧（{industry}）\n", list[Fact]()
        for name, code in companies.items():
            start = len(text) + 1
            text += f"\n{name}, {code}, {industry}"
            for concept, value in (("sec_code", code), ("industry", industry)):
                at = text.index(value, start + len(name))
                facts.append(Fact("company", name, concept, concept, value, at, at + len(value)))
        found.append(document(text, *facts, kind="company_list"))
    return found


def item(word: str, english: str, place: str) -> Document:
    """Return an item of a taxonomy of accounts."""
    made = document(
        f"# {word}\n\n標準ラベル：{word}\n\n英語ラベル：{english}\n\n表示箇所：{place}", kind="term"
    )
    return replace(
        made, title=word, meta={"kind": "term", "english": english, "place": place, "element": word}
    )


def generated(documents: list[Document], seed: int = 0) -> list[Question | Reject]:
    """Return what is asked about documents."""
    found = Facts().generate(
        lambda: iter(documents), styles=("qa", "multiple_choice"), seed=seed, work=Path()
    )
    return [one for one in found if isinstance(one, Question | Reject)]


def of(kind: str, found: list[Question | Reject], style: str = "") -> list[Question]:
    """Return the questions of one kind."""
    return [
        one
        for one in found
        if isinstance(one, Question) and one.meta["asks"] == kind and style in ("", one.style)
    ]


def test_a_list_is_asked_from_every_side() -> None:
    found = generated(listed())
    kinds = Counter(one.meta["asks"] for one in found if isinstance(one, Question) and one.style == "qa")
    assert set(kinds) == {
        "code",
        "from_code",
        "industry",
        "code_industry",
    }  # which company is 機械 has many answers
    codes = {code: name for companies in LISTED.values() for name, code in companies.items()}
    for one in of("from_code", found):
        (code,) = (code for code in codes if code in one.question)
        assert codes[code] == one.answer
        assert all(codes[code] != choice for at, choice in enumerate(one.choices) if at != one.answer_index)


def test_a_company_of_an_industry_stands_beside_companies_of_others_only() -> None:
    industry_of = {name: industry for industry, companies in LISTED.items() for name in companies}
    found = of("from_industry", generated(listed()))
    assert len(found) > 10
    for one in found:
        (asked,) = (industry for industry in LISTED if industry in one.question)
        assert [industry_of[choice] == asked for choice in one.choices].count(True) == 1


@pytest.mark.parametrize("written", ["灯台電機", "株式会社灯台電機", "灯台電機㈱", "灯台電機（株）"])
def test_a_code_that_stands_for_two_names_is_not_asked_but_one_written_otherwise_is(written: str) -> None:
    twice = listed() + listed({"機械": {written: "6501"}, "電気機器": {"別会社": "6502"}})
    found = generated(twice)
    asked = {one.question[:40] for one in of("from_code", found)}
    assert not [question for question in asked if "6502" in question]
    assert len({core(name) for name in ("灯台電機", written)}) == 1
    assert [one for one in of("industry", found) if "灯台電機" in one.question]


def test_an_industry_that_two_lists_tell_differently_is_not_asked_nor_offered() -> None:
    found = generated(listed() + listed({"電気機器": {"若葉食品": "2001"}}))
    assert not [one for one in of("industry", found) if "若葉食品" in one.question]
    assert not [one for one in of("from_industry", found) if "若葉食品" in one.choices]
    assert not [one for one in of("code_industry", found) if "2001" in one.question]


def test_a_market_is_asked_like_an_industry() -> None:
    parents = []
    for parent in listed():
        market = "プライム市場" if "機械" in parent.title else "スタンダード市場"
        text = f"{parent.text}\n市場区分：{market}"
        at = text.rindex(market)
        facts = [replace(f, concept="market", value=market, start=at, end=at + len(market))
                 for f in parent.facts if f.concept == "industry"]  # fmt: skip
        parents.append(replace(parent, text=text, facts=(*parent.facts, *facts)))
    kinds = {claim.kind: claim for parent in parents for claim in claims(parent)}
    assert kinds["market"].questions[0].endswith("の上場市場はどこですか。")
    assert not kinds["from_market"].open


def test_an_item_of_accounts_is_asked_for_by_its_english_name() -> None:
    place = "貸借対照表 > 資産の部"
    items = [
        item("受取手形", "Notes receivable", place), item("商品在庫", "Merchandise", place), item("前払費用", "Prepaid expenses", place),
        item("土地建物", "Land and buildings", place), item("借地権", "Leasehold", "貸借対照表 > 資産の部"), item("現金預金", "Cash and deposits", place),
    ]  # fmt: skip
    found = generated(items)
    assert {one.answer for one in of("english", found)} == {one.meta["english"] for one in items}
    back = of("from_english", found, "multiple_choice")
    titles = {one.title for one in items}
    assert back and all(set(one.choices) <= titles for one in back)
    # One English name of two items asks for neither.
    again = generated([*items, item("約束手形", "Notes receivable", place)])
    assert not [one for one in of("from_english", again) if "Notes receivable" in one.question]


@pytest.mark.parametrize(
    ("word", "head"),
    [
        ("信用リスク", "リスク"), ("繰延税金資産", "資産"), ("有価証券、流動資産", "証券"), ("減価償却費（販売費）", "却費"),
        ("ETF", "ETF"), ("コール", "コール"),
    ],
)  # fmt: skip
def test_a_compound_ends_with_its_head(word: str, head: str) -> None:
    assert head_noun(word) == head


def test_terms_of_one_head_or_that_name_one_another_are_no_wrong_choices() -> None:
    told = {
        "信用": "約束が果たされると見込んで取引をすることをいいます。", "債券": "お金を借りるために発行される証書のことをいいます。",
        "社債": "会社が発行する債券で、期日に返済される約束のものです。", "株式": "会社の持分を細かく分けて表したもののことをいいます。",
        "為替": "離れた相手と現金を送らずに決済する仕組みのことです。", "金利": "借りたお金に対して支払う対価の割合のことをいいます。",
        "担保": "返済されないときのために差し出される財産のことです。", "高金利": "対価の割合がほかよりも目立って大きい状態のことです。",
    }  # fmt: skip
    found = generated([page(*one) for one in told.items()])
    questions = [one for one in found if isinstance(one, Question) and one.choices]
    assert len(questions) >= 6
    for one in questions:
        word = one.meta["subject"]
        others = [
            other for other in told
            if other != word and (other in one.choices or told[other] in one.choices)
        ]  # fmt: skip
        assert len(others) == 3
        for other in others:
            assert word not in told[other] and other not in told[word]
            assert word not in other and other not in word


def test_order_of_lists_and_seed_decide_and_nothing_else() -> None:
    once, twice = (generated(listed()) for _ in range(2))
    assert [repr(one) for one in once] == [repr(one) for one in twice]
    other = generated(listed(), seed=1)
    assert {one.key for one in other if isinstance(one, Question)} == {
        one.key for one in once if isinstance(one, Question)
    }
    assert [repr(one) for one in other] != [repr(one) for one in once]


def test_right_choices_stand_everywhere_alike_and_wordings_vary() -> None:
    questions = [one for one in generated(listed()) if isinstance(one, Question)]
    places = Counter(one.answer_index for one in questions if one.choices)
    assert max(places.values()) - min(places.values()) <= 1
    assert len({one.meta["template"] for one in questions}) > 30
    assert all(len(set(wordings)) == len(wordings) >= 12 for wordings in TEMPLATES.values())
