"""Native questions: press conferences with named speakers, FAQ pages, glossaries, quiz pages; and reading them back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Capture, Document, Drop, Fact
from corpus.extract import extract
from corpus.formats import multiple_choice, qa
from corpus.formats.labels import values
from rephrase.parse import parse as parse_reply

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30).map(str.strip).filter(bool)
LINES = st.one_of(
    TEXT, st.sampled_from(["回答：", "質問：甲", "甲\n乙", "甲\nB: 乙", "答え：A", "選択肢：\nA: 甲"])
)


def page(text: str, kind: str = "page", title: str = "よくあるご質問") -> Document:
    return Document(
        text=text,
        format="markdown",
        source="bank",
        url="https://example.test/faq.html",
        title=title,
        captured_at=datetime(2026, 11, 21, tzinfo=UTC),
        license="all-rights-reserved",
        attribution="出典",
        redistribution=False,
        meta={"kind": kind},
    )


def pairs(document: Document) -> list[qa.Pair]:
    """Return the native pairs, having checked that each is made of what its span shows."""
    found = list(qa.documents([document]))
    for made in found:
        shown = "".join(document.text[span.start : span.end] for span in made.made_from)
        pair = qa.parse(made.text)
        assert pair.question.split("\n")[0] in shown or document.meta["kind"] == "term"
        assert pair.answer.split("\n")[0] in shown
    return [qa.parse(made.text) for made in found]


@given(LINES, LINES)
def test_a_pair_is_read_back_or_was_refused(question: str, answer: str) -> None:
    try:
        text = qa.render(question, answer)
    except ValueError:
        assert "\n回答：" in f"\n{question}"
        return
    assert qa.parse(text) == (question, answer)
    assert qa.render(*qa.parse(text)) == text


@given(LINES, st.lists(LINES, min_size=2, max_size=10, unique=True), st.integers(0, 9))
def test_an_item_is_read_back_or_was_refused(question: str, choices: list[str], place: int) -> None:
    answer = place % len(choices)
    try:
        text = multiple_choice.render(question, choices, answer)
    except ValueError:
        assert "\n" in "".join((question, *choices))
        return
    assert multiple_choice.parse(text) == (question, tuple(choices), answer)
    assert multiple_choice.render(*multiple_choice.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("問い：何か。\n回答：これだ。", "must begin with '質問：'"),
        ("質問：何か。", "no line after '質問：' begins with '回答：'"),
        ("質問：何か。\n回答：", "behind '回答：' must be text"),
        ("質問： 何か。\n回答：これだ。", "behind '質問：' must be text without white space"),
        ("", "must begin with '質問：'"),
    ],
)
def test_what_is_no_pair_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        qa.parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("問題：何か。\n選択肢：\nA: 甲\nB: 乙\n答え：C", "the answer must be one of A, B, not 'C'"),
        ("問題：何か。\n選択肢：\nA: 甲\nB: 甲\n答え：A", "must be 2 to 10 different ones"),
        ("問題：何か。\n選択肢：\nA: 甲\n答え：A", "must be 2 to 10 different ones"),
        ("問題：何か。\n選択肢：\nA: 甲\nC: 乙\nD: 丙", "begins with '答え：'"),
        ("問題：何か。\nA: 甲\nB: 乙\n答え：A", "begins with '選択肢："),
        ("問題：何か。\n選択肢：\nA: 甲\nB: 乙\n答え：AB", "the answer must be one of"),
    ],
)
def test_what_is_no_item_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        multiple_choice.parse(text)


def test_the_replies_of_models_are_read_by_the_same_piece() -> None:
    assert values("Q:何か。\nA:これだ。", ("Q:", "A:")) == ["何か。", "これだ。"]
    told = parse_reply("qa", "completions", " 何か。\n説明: 余計\nA: これだ。", "stop")
    assert isinstance(told, Drop)
    assert told.reason == "labels"
    assert "3" in told.detail


@pytest.mark.parametrize(
    ("ask", "answer"),
    [("（記者）", "（植村総裁）"), ("記者：", "総裁："), ("【幹事社】", "【鷹野副総裁】"), ("（問１）", "（答）"), ("質問者：", "会長：")],
)  # fmt: skip
def test_speakers_may_be_named(ask: str, answer: str) -> None:
    text = f"# 記者会見\n\n{ask}\n\n賃上げの広がりをどうみますか。\n\n{answer}\n\n総裁としても、記者（各社）の関心は承知しています。\n"
    [pair] = pairs(page(text, "press_conference"))
    assert pair == ("賃上げの広がりをどうみますか。", "総裁としても、記者（各社）の関心は承知しています。")


@pytest.mark.parametrize(
    "text",
    [
        "Q1. 口座は誰でも開けますか。\n\nA1. 十八歳以上の方が開けます。",
        "Ｑ１　口座は誰でも開けますか。\n\nＡ１　十八歳以上の方が開けます。",
        "質問：口座は誰でも開けますか。\n回答：十八歳以上の方が開けます。",
        "【Q】口座は誰でも開けますか。\n\n【A】十八歳以上の方が開けます。",
        "### Q1. 口座は誰でも開けますか。\n\nA. 十八歳以上の方が開けます。",
        "### Q1. 口座は誰でも開けますか。\n\n十八歳以上の方が開けます。",
        "（問1）口座は誰でも開けますか。\n\n（答）十八歳以上の方が開けます。",
        "**Q. 口座は誰でも開けますか。**\n\n**A.** 十八歳以上の方が開けます。",
        "Q1口座は誰でも開けますか。\n\nA1十八歳以上の方が開けます。",
        "### 口座は誰でも開けますか。\n\n十八歳以上の方が開けます。",
        "- 口座は誰でも開けますか。\n- 十八歳以上の方が開けます。",
        "**口座は誰でも開けますか。**\n\n十八歳以上の方が開けます。",
    ],
)
def test_the_pages_of_questions_are_read_in_all_their_dress(text: str) -> None:
    again = "\n\n## そのほか\n\n店舗の一覧は地図をご覧ください。\n"
    assert pairs(page(f"# よくあるご質問\n\n{text}{again}")) == [
        ("口座は誰でも開けますか。", "十八歳以上の方が開けます。")
    ]


def test_an_answer_belongs_to_the_question_right_before_it() -> None:
    text = (
        "# よくあるご質問\n\nQ1 解約はできますか。\n\nQ2 手数料は。\n\nQ1 解約はできますか。\n\nA1 いつでもできます。\n\n"
        "お手続きは窓口で承ります。\n\nQ2 手数料は。\n\nA2 かかりません。\n"
    )
    assert pairs(page(text)) == [
        ("解約はできますか。", "いつでもできます。\n\nお手続きは窓口で承ります。"),
        ("手数料は。", "かかりません。"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# 相場の見方\n\n### 円安は続くのでしょうか\n\n見方は分かれています。",  # no page of questions
        "# お知らせ\n\nA bank opened.\n\nQ 3 was good.",
        "# よくあるご質問\n\nQ1. 手数料は。\n\nQ2. 期間は。",
    ],
)
def test_what_nobody_answers_is_no_pair(text: str) -> None:
    assert pairs(page(text)) == []


def test_a_definition_list_of_a_page_becomes_pairs() -> None:
    body = """<html lang="ja"><head><title>よくあるご質問</title>
    <script type="application/ld+json">{"@type": "FAQPage", "mainEntity": [{"name": "見えない質問ですか。"}]}</script>
    </head><body><main><h1>よくあるご質問</h1><p>お問い合わせの多いご質問と、その答えをまとめました。ほかは窓口でお尋ねください。</p>
    <dl><dt class="q">通帳をなくしたときはどうすればよいですか。</dt><dd class="a">ただちに取引を止めますので、お電話ください。</dd>
    <dt class="q">届出印は変えられますか。</dt><dd class="a">新しい印鑑と通帳をお持ちのうえ、窓口でお申し込みください。</dd></dl>
    </main></body></html>"""
    capture = Capture(
        "https://bank.example.test/faq", "bank", datetime(2026, 11, 21, tzinfo=UTC), 200, (), "text/html",
        body.encode(), "all-rights-reserved", meta={"kind": "faq"},
    )  # fmt: skip
    [document] = [one for one in extract(capture) if isinstance(one, Document)]
    assert pairs(document) == [
        ("通帳をなくしたときはどうすればよいですか。", "ただちに取引を止めますので、お電話ください。"),
        ("届出印は変えられますか。", "新しい印鑑と通帳をお持ちのうえ、窓口でお申し込みください。"),
    ]


def test_a_term_answers_what_it_is_unless_it_only_leads_elsewhere() -> None:
    text = "# 満期\n\n債券の元本が返される期日をいいます。\n\n## 関連用語\n\n- 償還"
    assert pairs(page(text, "term", "満期")) == [
        ("「満期」とは何ですか。", "債券の元本が返される期日をいいます。")
    ]
    assert pairs(page("# 期日\n\n→満期", "term", "期日")) == []


def test_an_item_of_a_taxonomy_has_no_definition_unless_its_documentation_gives_one() -> None:
    base = page("# のれん\n\n標準ラベル：のれん\n\n英語ラベル：Goodwill", "term", "のれん")
    item = replace(base, meta={"kind": "term", "element": "x:Goodwill"})
    assert list(qa.documents([item])) == []
    note = "取得の対価が受け入れた純資産を上回る額。"
    text = f"{base.text}\n\n{note}"
    said = Fact("term", "のれん", "definition", "説明", note, len(text) - len(note), len(text))
    told = replace(item, text=text, facts=(said,))
    assert [made.text for made in qa.documents([told])] == [f"質問：「のれん」とは何ですか。\n回答：{note}"]


QUIZ = "# 力だめし\n\n{label}株式を発行した会社の株主が負う責任はどれですか。\n\n{choices}\n\n{answer}\n\n出資した額までです。\n"


@pytest.mark.parametrize(
    ("label", "signs", "answer"),
    [
        ("問１　", "ア　,イ　,ウ　,エ　", "正解：イ"),
        ("第1問 ", "1. ,2. ,3. ,4. ", "答え　2"),
        ("Q1. ", "① ,② ,③ ,④ ", "【正解】②"),
        ("問題：", "A. ,B. ,C. ,D. ", "解答：B"),
        ("### 問1\n\n", "- ア．,- イ．,- ウ．,- エ．", "**正解** イ"),
        ("", "（1）,（2）,（3）,（4）", "正解は「2」です。"),
        ("【問1】", "Ａ：,Ｂ：,Ｃ：,Ｄ：", "答え：Ｂ"),
    ],
)
def test_the_items_of_quiz_pages_are_read_in_all_their_dress(label: str, signs: str, answer: str) -> None:
    said = ("無限の責任", "出資の額を限度とする責任", "連帯して保証する責任", "責任を負わない")
    choices = "\n\n".join(sign + words for sign, words in zip(signs.split(","), said, strict=True))
    document = page(QUIZ.format(label=label, choices=choices, answer=answer), title="力だめし")
    [made] = multiple_choice.documents([document])
    assert multiple_choice.parse(made.text) == ("株式を発行した会社の株主が負う責任はどれですか。", said, 1)
    [span] = made.made_from
    assert document.text[span.start : span.end].endswith(answer)
    assert list(qa.documents([document])) == []


@pytest.mark.parametrize(
    "text",
    [
        "問1 どれですか。\n\nア 甲\n\nイ 乙\n\n解説は次のページへ。",  # no answer
        "問1 どれですか。\n\nア 甲\n\nウ 乙\n\n正解：ア",  # a choice is missing
        "問1 どれですか。\n\nア 甲\n\nイ 乙\n\n正解：エ",  # the answer is no choice
        "問1 どれですか。\n\nア 甲\n\nイ 甲\n\n正解：ア",  # two choices alike
        "問1 どれですか。\n\nア 甲\n\nイ 乙\n\n問2 何ですか。\n\n正解：ア",  # another question's answer
        "問1 どれですか。\n\nア 甲\n\nイ 乙\n\n正解：アメリカ",
    ],
)
def test_what_lacks_something_is_no_item(text: str) -> None:
    assert list(multiple_choice.documents([page(f"# 力だめし\n\n{text}\n")])) == []
    assert list(multiple_choice.documents([page(QUIZ, "filing")])) == []
