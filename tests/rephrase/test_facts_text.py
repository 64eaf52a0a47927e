"""What connectives, gaps and headings ask can be answered from the text alone, by words that stand there."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from corpus.document import Document, Fact
from rephrase.base import Question, Reject
from rephrase.facts import Facts, cloze, mined, prose
from rephrase.facts.claim import Claim
from tests.rephrase.test_facts import document

REPORT = """# 事業の状況

## 経営成績

売上高は、海外での販売数量の増加により、前期比8.2％増の12,480百万円となりました。営業利益は、原材料価格の高騰を受けて、前期比3.1％減の960百万円となりました。
北関東工場は2024年10月に稼働しました。しかし、熟練した作業員の採用は計画に届いていません。
物流費は3年続けて上がっています。したがって、配送の回数を週5回から週3回に減らします。

## 財政状態

有利子負債とは、利息を付けて返さなければならない借入金や社債をいいます。
当期末の自己資本は厚みを増しました。すなわち、返済を要しない資金が総資産の半分を超えました。
この比率は今後も高まる見込みです。設備の更新費用は次のとおりです。当社は株式会社北洋精密部品（以下「部品子会社」という。）の全株式を取得しました。

## 人材

期末の従業員の数は連結で1,250名となりました。安全に関する研修を終えた受講者の数は312名に達しました。新卒の採用は87名でした。
"""


def report(text: str = REPORT, **meta: str) -> Document:
    """Return an annual report in prose."""
    told = {
        "filer": "灯台電機株式会社", "period_end": "2025-03-31", "period_type": "FY", "kind": "filing", **meta
    }  # fmt: skip
    return replace(document(text, kind="filing"), title="灯台電機株式会社 有価証券報告書", meta=told)


def asked(kind: str, found: list[Claim]) -> list[Claim]:
    """Return the claims of one kind."""
    return [one for one in found if one.kind == kind]


@pytest.mark.parametrize(
    ("kind", "words", "answer"),
    [
        ("cause", "売上高は、前期比8.2％増の12,480百万円となりました", "海外での販売数量の増加"),
        ("cause", "営業利益は、前期比3.1％減の960百万円となりました", "原材料価格の高騰"),
        ("effect", "売上高は、海外での販売数量の増加", "前期比8.2％増の12,480百万円となりました"),
        ("contrast", "北関東工場は2024年10月に稼働しました", "熟練した作業員の採用は計画に届いていません"),
        ("entailment", "物流費は3年続けて上がっています", "配送の回数を週5回から週3回に減らします"),
        ("paraphrase", "当期末の自己資本は厚みを増しました", "返済を要しない資金が総資産の半分を超えました"),
        ("definition", "有利子負債", "利息を付けて返さなければならない借入金や社債"),
        ("headword", "利息を付けて返さなければならない借入金や社債", "有利子負債"),
        ("abbreviation", "部品子会社", "株式会社北洋精密部品"),
    ],
)
def test_connectives_give_questions_whose_answers_are_exact_spans(kind: str, words: str, answer: str) -> None:
    parent = report()
    found = [one for one in asked(kind, mined.claims(parent)) if words in one.words.values()]
    assert [one.answer for one in found] == [answer]
    (start, end), *_ = found[0].places
    assert parent.text[start:end] == answer


@pytest.mark.parametrize(
    "sentence",
    [
        "この影響により、売上高は前期を大きく下回る結果となりました。",
        "その結果、同社の利益は為替の変動により、前期を下回る水準となりました。",
        "当該事業は、需要の減少により、前期を大きく下回る結果となりました。",
        "上記の要因の影響により、売上高は前期を大きく下回る結果となりました。",
        "納期に間に合わせるため、工場の操業時間は長くなることがあります。",  # a purpose is no cause
        "条例により、工場の操業は夜間には認められておりません。",  # nothing changed
        "原材料価格の上昇により、次のとおり販売価格は改定されています。",
    ],
)
def test_what_points_elsewhere_or_is_no_cause_is_not_asked(sentence: str) -> None:
    assert asked("cause", mined.claims(report(f"# 状況\n\n{sentence}\n"))) == []


def test_nothing_is_asked_where_nobody_is_named() -> None:
    """A page without a title names nothing, and 当社 is nobody's name without a filer."""
    sentence = "当社の売上高は、販売数量の増加により、前期の水準を上回る結果となりました。"
    page = document(sentence, kind="page")
    assert mined.claims(replace(page, title="")) == []
    assert mined.claims(replace(page, title="店舗の状況")) == []
    assert len(mined.claims(report(sentence))) == 2
    assert cloze.claims(replace(page, language="en")) == []


def test_a_document_is_named_by_filer_and_period_or_by_title_and_day() -> None:
    page = replace(document("本文です。", kind="speech"), title="物価の動向", event_at=date(2025, 5, 8))
    assert prose.about(report()) == "灯台電機株式会社の有価証券報告書（2025年3月期）"
    assert prose.about(report(period_type="HY", period_end="2024-09-30")).endswith("（2024年9月30日）")
    assert prose.about(page) == "「物価の動向」（2025年5月8日）"
    assert prose.about(replace(page, title="題" * 61)) == ""


def test_a_sentence_that_stands_twice_is_asked_about_in_neither_place() -> None:
    sentence = "客数は、天候の悪化により、前年の同じ月を下回る結果となりました。\n"
    assert mined.claims(report(f"# 一\n\n{sentence}\n# 二\n\n{sentence}")) == []


def test_a_gap_takes_a_number_with_its_unit_and_offers_others_of_its_size() -> None:
    gaps = {one.answer: one for one in asked("cloze", cloze.claims(report()))}
    gap = gaps["312名"]
    assert gap.words["gapped"] == "安全に関する研修を終えた受講者の数は（　）に達しました"
    assert gap.wrong and all(one.answer.endswith("名") and one.value != gap.value for one in gap.wrong)


def test_a_gap_asks_nothing_that_a_fact_asks_anyway() -> None:
    shown = REPORT.index("12,480")
    fact = Fact(
        "amount", "灯台電機株式会社", "Sales", "売上高", "12,480", shown, shown + 6, "12480000000", "JPY"
    )
    without = cloze.claims(report())
    beside = cloze.claims(replace(report(), facts=(fact,)))
    assert "12,480百万円" in [one.answer for one in without]
    assert "12,480百万円" not in [one.answer for one in beside]


def test_headings_are_asked_for_by_name_without_their_numbers() -> None:
    text = "".join(
        f"## {n} 【{name}】\n\n{name}については、担当の部署が毎月の会議で報告しています。\n\n"
        for n, name in enumerate(("品質の管理", "設備の更新", "人材の育成", "在庫の圧縮"), 1)
    ).replace("については", "の担当については")
    found = asked("heading", cloze.claims(report(f"# 【事業の状況】\n\n{text}")))
    assert {one.answer for one in found} == {"品質の管理", "設備の更新", "人材の育成", "在庫の圧縮"}
    for one in found:
        assert one.answer not in {other.answer for other in one.wrong} and len(one.wrong) == 3


def generated(documents: list[Document], **options: int) -> list[Question | Reject]:
    """Return what is asked about the prose of documents."""
    facts = Facts.model_validate({"families": ("mined", "cloze"), **options})
    found = facts.generate(lambda: iter(documents), styles=("qa", "multiple_choice"), seed=0, work=Path())
    return [one for one in found if isinstance(one, Question | Reject)]


def test_all_that_is_asked_of_prose_passes_the_checks() -> None:
    found = generated([report()])
    questions = [one for one in found if isinstance(one, Question)]
    assert len(questions) >= 15
    assert [
        one.drop for one in found if isinstance(one, Reject) and one.drop.reason != "too_few_choices"
    ] == []
    assert all(one.parent.text[slice(*one.spans[0][1:])] == one.answer for one in questions)


def test_a_cap_holds_for_each_kind_and_document() -> None:
    lines = "\n".join(
        f"第{n}店の客数は、近隣での催事の増加により、前の年の同じ月より{n}割も増えました。"
        for n in range(1, 9)
    )
    kinds = [
        one.meta["asks"] for one in generated([report(lines)], mined_each=3) if isinstance(one, Question)
    ]
    assert 0 < kinds.count("cause") <= 3
