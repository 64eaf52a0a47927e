"""What is asked of a fact can be answered in one way only, and its wrong choices are wrong."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpus.document import Document, Fact, Span
from rephrase.base import Question
from rephrase.facts import Facts, claims
from rephrase.facts.wrong import CHOICES

YEAR = "2024-04-01/2025-03-31"
DAY = "2025-03-31"


def document(text: str, *facts: Fact, kind: str) -> Document:
    """Return a document with these facts."""
    return Document(
        text=text, format="markdown", source="test", url="https://example.invalid/", title=text[:10],
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="出典：試験", redistribution=True,
        made_from=(Span("sha256:" + "0" * 64, 0, 0),), meta={"kind": kind}, facts=facts,
    )  # fmt: skip


def amount(
    label: str,
    number: str,
    period: str,
    *,
    concept: str = "Sales",
    context: str = "C",
    subject: str = "灯台電機",
) -> Fact:
    """Return an amount in millions of yen."""
    return Fact(
        kind="amount", subject=subject, concept=concept, label=label, value="1", start=0, end=1, number=number,
        unit="JPY", period=period, decimals="-6", context=context,
    )  # fmt: skip


def filing(*facts: Fact) -> Document:
    """Return a filing that shows these facts, a line each."""
    text, shown = "# 有価証券報告書\n\n", []
    for fact in facts:
        before = f"{fact.subject}の{fact.label}は" if fact.kind == "amount" else f"{fact.subject}, "
        value = f"{int(fact.number) // 10**6:,}" if fact.number.endswith("000000") else fact.value
        start = len(text) + len(before)
        shown.append(replace(fact, value=value, start=start, end=start + len(value)))
        text += f"{before}{value}{'百万円でした。' if fact.kind == 'amount' else ''}\n"
    return document(text, *shown, kind="filing")


def page(word: str, meaning: str) -> Document:
    """Return a page of a glossary."""
    fact = Fact(
        kind="term",
        subject=word,
        concept="definition",
        label="説明",
        value=meaning,
        start=0,
        end=len(meaning),
    )
    return document(f"{meaning}（{word}）", fact, kind="term")


def asked(*facts: Fact) -> dict[str, str]:
    """Return the name that is asked for, with its answer, for every claim of a filing with these facts."""
    return {claim.key.split("|")[2]: claim.answer for claim in claims(filing(*facts))}


@pytest.mark.parametrize(
    "label",
    ["計", "合計", "小計", "その他", "その他（純額）", "提出会社", "計（連結子会社）", "当期首残高", "当期末残高", "株式数",
     "現金及び現金同等物の期首残高", "株主資本以外の項目の当期変動額（純額）", "貸借対照表計上額の合計額", "セグメント利益",
     "2024年3月", "第58期", "", "A"],
)  # fmt: skip
def test_a_row_head_that_names_something_only_in_its_table_is_not_asked(label: str) -> None:
    assert asked(amount(label, "1000000", YEAR)) == {}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("純資産額（百万円）", "純資産額"),
        ("売上高 (単位：千円)", "売上高"),
        ("（減損損失）", "減損損失"),
        ("発行済株式総数（普通株式）", "発行済株式総数（普通株式）"),
        ("法人税等還付額（個人住民税を含む）", "法人税等還付額（個人住民税を含む）"),
    ],
)
def test_a_name_loses_its_unit_and_nothing_else(label: str, name: str) -> None:
    assert list(asked(amount(label, "1000000", YEAR))) == [name]


def test_group_and_company_are_told_apart_where_a_filing_shows_both() -> None:
    own = amount("売上高", "7000000", YEAR, context="CurrentYearDuration_NonConsolidatedMember")
    group = amount("売上高", "9000000", YEAR)
    part = amount("売上高", "5000000", YEAR, context="CurrentYearDuration_MachinesReportableSegmentMember")
    assert asked(own, group, part) == {"売上高（単体）": "7百万円", "売上高（連結）": "9百万円"}
    assert asked(group, part) == {"売上高": "9百万円"}


def test_a_name_that_stands_in_several_places_is_asked_with_its_place() -> None:
    facts = (
        amount("支払手数料", "1000000", YEAR, concept="CommissionFeeSGA"),
        amount("支払手数料", "2000000", YEAR, concept="CommissionFeeNOE"),
        amount("繰延税金資産", "3000000", DAY, concept="DeferredTaxAssetsCA"),
    )
    assert asked(*facts) == {
        "支払手数料（販売費及び一般管理費）": "1百万円", "支払手数料（営業外費用）": "2百万円", "繰延税金資産（流動資産）": "3百万円",
    }  # fmt: skip


def test_what_was_paid_is_told_without_the_minus_of_the_cash_flow_statement() -> None:
    """ "支出はマイナス3百万円" would mean money that came in."""
    paid = amount("有形固定資産の取得による支出", "-3000000", YEAR, concept="PurchaseOfPropertyInvCF")
    came_in = amount("子会社株式の取得による支出", "3000000", YEAR, concept="PurchaseOfSharesInvCF")
    loss = amount("経常損失（△）", "-4000000", YEAR)
    assert asked(paid, came_in, loss) == {
        "有形固定資産の取得による支出": "3百万円", "経常損失（△）": "マイナス4百万円",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "decimals", "number", "answer"),
    [
        ("JPY", "-3", "1234000", "1,234千円"),
        ("JPY", "-8", "123400000000", "1,234億円"),
        ("JPY", "0", "1234", "1,234円"),
        ("JPY", "-3", "1234567", None),
        ("shares", "-3", "5254000", "5,254千株"),
        ("shares", "0", "5254453", "5,254,453株"),
        ("pure", "0", "93", "93人"),
        ("JPY/shares", "2", "12.34", None),
    ],
)
def test_an_answer_is_no_finer_than_what_was_displayed(
    unit: str, decimals: str, number: str, answer: str | None
) -> None:
    fact = replace(amount("従業員数", number, DAY, concept="NumberOfEmployees"), unit=unit, decimals=decimals)
    assert asked(fact) == ({"従業員数": answer} if answer else {})


def test_what_is_counted_is_asked_for_by_its_counter() -> None:
    fact = replace(amount("従業員数", "93", DAY, concept="NumberOfEmployees"), unit="pure", decimals="0")
    (claim,) = claims(filing(fact))
    assert not any("いくら" in question for question in claim.questions)
    assert any("何人ですか" in question for question in claim.questions)


def test_nothing_is_asked_of_companies_that_share_a_name() -> None:
    """Listed companies do: there are two called 株式会社アルファ."""

    def company(name: str, code: str) -> Fact:
        return Fact("company", name, "sec_code", "証券コード", code, 0, 4)

    codes = (company("アルファ", "3434"), company("アルファ", "4760"), company("灯台電機", "6500"))
    sales = tuple(amount("売上高", "1000000", YEAR, subject=name) for name in ("アルファ", "灯台電機"))
    assert {q.meta["subject"] for q in generated([filing(*codes, *sales)])} == {"灯台電機"}


def test_a_loss_stands_beside_profits_as_a_wrong_choice() -> None:
    names = ("経常利益", "経常利益又は経常損失（△）")
    groups = {claim.group for name in names for claim in claims(filing(amount(name, "1000000", YEAR)))}
    assert groups == {("amount", "経常利益", "百万円")}


@pytest.mark.parametrize(
    "meaning",
    [
        "IPO（Initial Public Offering）",
        "→信用リスク",
        "「信用リスク」を参照。",
        "クレジットリスクと同義です。",
    ],
)
def test_what_does_not_say_what_a_term_means_is_not_asked(meaning: str) -> None:
    assert list(claims(page("与信リスク", meaning))) == []


def test_related_terms_and_their_descriptions_are_no_wrong_choices() -> None:
    """A glossary's related terms may mean the same."""
    words = ("債券", "株式", "為替", "金利", "担保", "保証")
    pages = [
        page(word, f"これは{number}番目の仕組みを指す言葉です。") for number, word in enumerate(words, 1)
    ]
    pages[0] = replace(pages[0], meta={**pages[0].meta, "related_terms": "株式"})
    questions = [q for q in generated(pages) if q.style == "multiple_choice" and q.parent == pages[0]]
    assert len(questions) == 2
    barred = ("株式", "これは2番目の仕組みを指す言葉です。")
    assert not any(choice in barred for q in questions for choice in q.choices)


def generated(documents: list[Document], **options: int) -> list[Question]:
    """Return all questions about the documents."""
    found = Facts.model_validate(options).generate(
        lambda: iter(documents), styles=("qa", "multiple_choice"), seed=0, work=Path()
    )
    return [one for one in found if isinstance(one, Question)]


def test_a_cap_takes_companies_from_the_whole_alphabet() -> None:
    names = [f"会社{chr(code)}" for code in range(ord("あ"), ord("あ") + 60)]
    documents = [
        filing(amount("売上高", f"{number}000000", YEAR, subject=name))
        for number, name in enumerate(names, 1)
    ]
    subjects = {q.meta["subject"] for q in generated(documents, per_group=20)}
    assert len(subjects) == 20
    assert len(subjects & set(names[:20])) < 15


def test_wrong_choices_are_found_however_many_are_banned() -> None:
    """Two hundred amounts of one company are true of it in no other year than theirs; the answer itself never stands twice."""
    years = [f"{year}-04-01/{year + 1}-03-31" for year in range(1800, 2000)]
    facts = [amount("売上高", f"{n}000000", year) for n, year in enumerate(years, 100)]
    facts += [amount("売上高", f"{n}000000", YEAR, subject="別の会社") for n in (100, 400)]
    questions = [
        q for q in generated([filing(*facts)], amounts_each=1000) if q.choices and q.meta["asks"] == "amount"
    ]
    assert len(questions) > 150
    for question in questions:
        assert len(set(question.choices)) == CHOICES
        assert question.choices[question.answer_index] == question.answer
