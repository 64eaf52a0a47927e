"""Facts about the six formats."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from corpus.document import Document, Fact
from corpus.formats import FORMATS, categories, listing, multiple_choice, qa, sections

CONFERENCE = """# 総裁記者会見要旨

（問）
本日の決定内容についてお聞かせください。

（答）
政策金利を維持することを決定しました。
全員一致です。

（問）物価の見通しは。
（問）為替についても伺います。
（答）見通しに大きな変化はありません。
（答）為替相場についてはコメントを控えます。

以　上
"""


def document(
    text: str, *, title: str = "上場会社一覧", facts: tuple[Fact, ...] = (), **meta: str
) -> Document:
    return Document(
        text=text,
        format="markdown",
        source="sample",
        url="https://example.test/1",
        title=title,
        captured_at=datetime(2026, 11, 21, tzinfo=UTC),
        license="PDL-1.0",
        attribution="出典",
        redistribution=True,
        meta=meta,
        facts=facts,
    )


def fact(text: str, kind: str, subject: str, concept: str, value: str) -> Fact:
    start = text.index(value)
    return Fact(kind, subject, concept, concept, value, start, start + len(value))  # type: ignore[arg-type]


def test_a_press_conference_gives_one_document_per_answered_question() -> None:
    base = document(CONFERENCE, kind="press_conference")
    first, second = qa.documents([base])
    assert first.text == (
        "質問：本日の決定内容についてお聞かせください。\n回答：政策金利を維持することを決定しました。\n全員一致です。"
    )
    assert second.text == (
        "質問：物価の見通しは。\n為替についても伺います。\n"
        "回答：見通しに大きな変化はありません。\n為替相場についてはコメントを控えます。"
    )
    [span] = second.made_from
    assert span.id == base.id
    assert base.text[span.start : span.end].startswith("（問）物価")
    assert base.text[span.start : span.end].endswith("控えます。")


@pytest.mark.parametrize(
    "marks", [("（問）", "（答）"), ("【問】", "【答】"), ("(問)", "(答)"), ("［問］", "［答］")]
)
def test_the_marks_of_all_years_are_known(marks: tuple[str, str]) -> None:
    ask, answer = marks
    [pair] = qa.documents([document(f"{ask}なぜか。\n{answer}こうだ。", kind="press_conference")])
    assert pair.text == "質問：なぜか。\n回答：こうだ。"


def test_a_question_without_an_answer_and_an_answer_without_a_question_give_nothing() -> None:
    text = "（答）先に答え。\n（問）問い。"
    assert not list(qa.documents([document(text, kind="press_conference")]))
    assert not list(qa.documents([document("挨拶だけ。", kind="press_conference")]))


def test_only_press_conferences_have_native_questions() -> None:
    assert not list(qa.documents([document(CONFERENCE, kind="speech")]))


def test_sections_are_the_stretches_of_the_parent_under_each_heading() -> None:
    text = "前置き。\n\n# 講演\n\n## １．景気\n\n回復している。\n\n### 輸出\n\n横ばい。\n\n## ２．物価\n\n上昇した。\n"
    base = document(text, kind="speech")
    found = list(sections.documents([base]))
    assert [section.section for section in found] == [
        "",
        "講演 > １．景気",
        "講演 > １．景気 > 輸出",
        "講演 > ２．物価",
    ]
    assert [section.text for section in found][1] == "## １．景気\n\n回復している。"
    for section in found:
        [span] = section.made_from
        assert base.text[span.start : span.end] == section.text
        assert span.id == base.id


def test_a_filing_is_cut_at_its_outermost_text_blocks() -> None:
    text = "# 第一部【企業情報】\n\n表紙。\n\n## 【事業の内容】\n\n水産。\n\n### 【養殖】\n\n鮭。\n\n## 【事業等のリスク】\n\n台風。\n"
    business, risks = text.index("## 【事業の内容】"), text.index("## 【事業等のリスク】")
    blocks = [
        ["FarmingTextBlock", text.index("### 【養殖】"), risks],
        ["DescriptionOfBusinessTextBlock", business, risks],
        ["BusinessRisksTextBlock", risks, len(text)],
    ]
    first, second = sections.documents([document(text, kind="filing", blocks=json.dumps(blocks))])
    assert first.section == "第一部【企業情報】 > 【事業の内容】"
    assert first.text.endswith("鮭。")
    assert first.meta == {"kind": "filing", "block": "DescriptionOfBusinessTextBlock"}
    assert second.section == "第一部【企業情報】 > 【事業等のリスク】"


def test_a_term_becomes_labeled_lines() -> None:
    text = (
        "# 逆イールド\n\n読み：ぎゃくいーるど\n\n短期金利が長期金利を上回る状態。\n\n景気後退の前に生じることが多い。"
        "\n\n## 関連用語\n\n- イールドカーブ\n- 長短金利差"
        "\n\n## 関連銘柄\n\n| 銀嶺証券株式会社 | 8639 |\n| 株式会社文月ネットワークス | 599A |"
    )
    meta = {"kind": "term", "reading": "ぎゃくいーるど", "related_terms": "イールドカーブ,長短金利差"}
    meta["related_stocks"] = "銀嶺証券株式会社:8639,株式会社文月ネットワークス:599A"
    definition = fact(text, "term", "逆イールド", "definition", "短期金利が長期金利を上回る状態。")
    base = document(text, facts=(definition,), **meta)
    [card] = categories.documents([base])
    assert card.text == (
        "キーワード：逆イールド\n読み：ぎゃくいーるど\n"
        "説明：短期金利が長期金利を上回る状態。景気後退の前に生じることが多い。\n関連語：イールドカーブ、長短金利差\n"
        "関連銘柄：銀嶺証券株式会社（8639）、株式会社文月ネットワークス（599A）"
    )
    shown = [text[span.start : span.end] for span in card.made_from]
    assert shown == [
        "逆イールド",
        "ぎゃくいーるど",
        "短期金利が長期金利を上回る状態。\n\n景気後退の前に生じることが多い。",
        "イールドカーブ",
        "長短金利差",
        "銀嶺証券株式会社 | 8639",
        "株式会社文月ネットワークス | 599A",
    ]


def test_a_term_without_facts_is_described_by_what_follows_its_title() -> None:
    [card] = categories.documents([document("# 金利\n\nお金の値段。\n", title="金利", kind="term")])
    assert card.text == "キーワード：金利\n説明：お金の値段。"


def test_terms_and_lists_are_not_cut_into_sections() -> None:
    assert not list(sections.documents([document("# 金利\n\nお金の値段。\n", kind="term")]))


def test_a_company_list_becomes_one_line_per_company() -> None:
    text = "| 汐凪水産 | 13930 | 水産・農林業 |\n| 霧ヶ原精機 | 61790 | 機械 |\n| 非上場商事 | | 卸売業 |"
    rows = [("汐凪水産", "13930", "水産・農林業"), ("霧ヶ原精機", "61790", "機械")]
    facts = [
        found
        for name, code, industry in rows
        for found in (
            fact(text, "company", name, "industry", industry),
            fact(text, "company", name, "sec_code", code),
        )
    ]
    facts.append(fact(text, "company", "非上場商事", "industry", "卸売業"))
    [listed] = listing.documents([document(text, facts=tuple(facts), kind="company_list")])
    assert listed.text == (
        "# 上場会社一覧\n\n汐凪水産（証券コード：13930）　業種：水産・農林業\n霧ヶ原精機（証券コード：61790）　業種：機械"
    )


def test_two_companies_of_one_name_are_two_lines() -> None:
    text = "# 一覧\n\n大黒, 1111, 機械\n大黒, 2222, 化学"
    facts = tuple(
        fact(text, "company", "大黒", concept, value)
        for concept, value in (
            ("sec_code", "1111"),
            ("industry", "機械"),
            ("sec_code", "2222"),
            ("industry", "化学"),
        )
    )
    [listed] = listing.documents([document(text, facts=facts, kind="company_list")])
    assert listed.text.splitlines()[2:] == [
        "大黒（証券コード：1111）　業種：機械",
        "大黒（証券コード：2222）　業種：化学",
    ]


def test_multiple_choice_is_rendered_in_the_style_of_examinations() -> None:
    text = multiple_choice.render("政策金利を決めるのはどこか。", ["財務省", "日本銀行", "金融庁"], 1)
    assert text == "問題：政策金利を決めるのはどこか。\n選択肢：\nA: 財務省\nB: 日本銀行\nC: 金融庁\n答え：B"


@pytest.mark.parametrize(
    ("choices", "answer"), [(["一つ"], 0), (["同じ", "同じ "], 0), (["甲", "乙"], 2), (["甲", "乙"], -1)]
)
def test_an_item_that_cannot_be_answered_is_refused(choices: list[str], answer: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        multiple_choice.render("問い", choices, answer)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_marks_its_documents_and_names_their_parent(name: str) -> None:
    text = "# 見出し\n\n（問）問い。\n（答）答え。"
    definition = fact(text, "term", "用語", "definition", "答え。")
    code = fact(text, "company", "会社", "sec_code", "問い")
    base = document(text, facts=(definition, code))
    for kind in ("press_conference", "term", "company_list"):
        parent = replace(base, meta={"kind": kind})
        for made in FORMATS[name]([parent]):  # type: ignore[index]
            assert made.format == name
            assert (made.url, made.license, made.captured_at) == (base.url, base.license, base.captured_at)
            if name != "markdown":
                assert made.facts == ()
                assert {span.id for span in made.made_from} == {parent.id}
