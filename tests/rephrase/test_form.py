"""Facts about the checks of one candidate by itself: form, language, copying, support."""

from collections.abc import Callable

import pytest

from corpus.document import Span
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk
from rephrase.validate import CHECKS, Check, choices, copying, digest, form, language, names, support, verdict
from tests.rephrase.conftest import document

PASSAGE = (
    "潮見精機は2024年3月期に、工作機械の受注が北米で伸びたことを主な要因として、売上高を前期比5.2％増の1,234億円としました。"
    "同社は原材料の値上がりに備え、部品の調達先を国内外の12社に広げています。"
)
ASKED = "潮見精機の売上高が増えた主な要因は何ですか。"
SAID = "北米で工作機械の受注が伸びたことです。"


def qa(question: str = ASKED, answer: str = SAID, passage: str = PASSAGE, *wrong: str) -> Candidate:
    page = document("潮見精機", passage, ())
    style: Style = "multiple_choice" if wrong else "qa"
    return Candidate(style, question, answer, Chunk(page, Span(page.id, 0, len(passage))), wrong)


def rephrased(text: str, passage: str = PASSAGE) -> Candidate:
    page = document("潮見精機", passage, ())
    return Candidate("medium", "", text, Chunk(page, Span(page.id, 0, len(passage))))


def reason(check: Callable[[Candidate], object], candidate: Candidate) -> str | None:
    return getattr(check(candidate), "reason", None)


@pytest.mark.parametrize(
    "question",
    [
        ASKED,
        "売上高は前期比で何％増えましたか？",
        "潮見精機の2024年3月期の売上高はいくら",
        "部品の調達先を広げた理由を述べてください。",
        "次の説明に当てはまる用語はどれですか。\n"
        + "投資先の国の政治や経済の変化で資金を回収できなくなるおそれ。" * 6,
        "売上高が増えたのはどの年度か。",
        "調達先の数を答えなさい",
        "部品の調達先は何社",
    ],
)
def test_what_asks_is_a_question(question: str) -> None:
    assert form.check(qa(question)) is None


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (qa("なぜですか。"), "question_length"),
        (qa("売上高が増えた要因と" * 12 + "は何ですか。"), "question_length"),
        (qa("次の説明に当てはまる用語はどれですか。\n" + "おそれ。" * 101), "question_length"),
        (qa("潮見精機の売上高は増えました。"), "not_a_question"),
        (qa("増えた受注のうち北米のものがほか"), "not_a_question"),
        (qa("受注が伸びたのは北米であるのは明らか。"), "not_a_question"),
        (qa(answer=" "), "answer_length"),
        (qa(answer="北" * 301), "answer_length"),
        (qa(answer="北米で受\ufffd"), "broken_character"),
        (qa("売上高\x07が増えた要因は何ですか。"), "broken_character"),
        (qa(answer="北米の受注\nQ: 次の質問"), "label_residue"),
        (qa(answer="北米の受注です。\n### 文書"), "label_residue"),
        (qa(answer="答え：北米の受注"), "label_residue"),
        (qa("この文書によると、売上高が増えた要因は何ですか。"), "prompt_residue"),
        (qa(answer="北米の受注<|im_end|>"), "prompt_residue"),
        (qa(ASKED, "工作機械の受注が北米で伸びたことを主な要因として", PASSAGE, "円安", "値上げ", "工場"), "uneven_choices"),
        (rephrased("売上高が増えました。"), "rephrasing_length"),
        (rephrased(PASSAGE * 3), "rephrasing_length"),
        (rephrased("以下は言い換えた文章です。" + PASSAGE), "prompt_residue"),
        (rephrased(""), "rephrasing_length"),
    ],
)  # fmt: skip
def test_bad_form_has_one_reason(candidate: Candidate, expected: str) -> None:
    assert reason(form.check, candidate) == expected


def test_short_choices_may_differ_in_length_and_wrong_ones_are_looked_at_too() -> None:
    assert form.check(qa(ASKED, "北米での受注", PASSAGE, "円安", "値上げ", "新工場の稼働")) is None
    assert reason(form.check, qa(ASKED, "北米", PASSAGE, "欧州", "X: 国内", "中国")) == "label_residue"


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (qa(), None),
        (qa("What made the sales grow so much?"), "not_japanese"),
        (qa(answer="Orders for machine tools grew in North America."), "not_japanese"),
        (qa(answer="북미の受注が伸びたことです。"), "foreign_character"),
        (qa(answer="北美的订单の伸びです。"), "foreign_character"),
        (qa(ASKED, "北米", PASSAGE, "欧州", "你们", "中国"), "foreign_character"),
        (rephrased("Sales of Shiomi Seiki rose by 5.2 % to 123.4 billion yen."), "not_japanese"),
        (qa("DCF（Discounted Cash Flow）とは何ですか。", "将来の収益を割り引く方法です。", "DCF（Discounted Cash Flow）は将来の収益を割り引く方法です。"), None),
        (qa("売上高が伸びた地域はどこですか。", "深圳华强です。", "深圳华强の売上高が伸びました。"), None),
        (qa("証券コードは何ですか。", "285A"), None),
    ],
)  # fmt: skip
def test_texts_are_japanese_but_for_names_of_the_passage(candidate: Candidate, expected: str | None) -> None:
    assert reason(language.check, candidate) == expected


def test_simplified_characters_are_none_that_japanese_texts_use() -> None:
    assert set("这说们关东业") <= language.simplified()
    assert not set("国学気体会東業関売上高円億﨑髙") & language.simplified()
    assert 3000 < len(language.simplified()) < 3500


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (qa(), None),
        (qa("同社は原材料の値上がりに備え、部品の調達先を国内外の12社に広げていますか。"), "copied_question"),
        (qa("潮見精機の売上高は？", "売上高"), "answer_in_question"),
        (qa("売上高は増えましたか、減りましたか。", "増えました"), None),
        (qa("北米と欧州のどちらで受注が伸びましたか。", "北米"), None),
        (rephrased(PASSAGE), "copied_passage"),
        (rephrased("。".join(reversed(PASSAGE[:-1].split("。"))) + "。以上。"), "copied_passage"),
        (rephrased("工作機械を造る潮見精機では、北米からの注文が増え、2024年3月期の売上高が5.2％多い1,234億円になった。部品は12社から買う。"), None),
        (rephrased("工作機械を造る潮見精機では、北米からの注文が増え、2024年3月期の売上高が5.2％多い123,400百万円になった。部品は12社から買う。"), None),
        (rephrased("工作機械を造る潮見精機では、北米からの注文が増え、2024年3月期の売上高が1,234億円になった。部品は12社から買う。"), "number_lost"),
        (rephrased("工作機械を造る潮見精機では、北米からの注文が増え、2024年3月期の売上高が5.2％多い1,234億円になった。部品は112社から買う。"), "number_lost"),
    ],
)  # fmt: skip
def test_copies_and_lost_numbers_are_refused(candidate: Candidate, expected: str | None) -> None:
    assert reason(copying.check, candidate) == expected


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (qa(), None),
        (qa(answer="受注が北米で伸びたためです。"), None),
        (qa(answer="新しい経営陣が大胆な改革を進めたことです。"), "unsupported_answer"),
        (qa(answer="円安"), "unsupported_answer"),
        (qa("潮見精機の売上高はいくらでしたか。", "123,400百万円でした。"), None),
        (qa("部品の調達先は何社ですか。", "十二社です。"), None),
        (qa("潮見精機は調達先を広げましたか。", "はい、国内外の12社に広げています。"), None),
        (rephrased("まったく別の言葉で述べられた文章でも、ここでは問わない。"), None),
    ],
)
def test_answers_are_said_in_words_of_the_passage(candidate: Candidate, expected: str | None) -> None:
    assert reason(support.check, candidate) == expected


def test_names_and_digest_follow_the_table() -> None:
    assert list(names())[:2] == ["form", "language"]
    assert len(names()) == len(CHECKS) == len({one.check for one in CHECKS})
    assert digest() != digest(CHECKS[:-1])
    assert len(digest()) == 64


@pytest.mark.parametrize(
    ("candidate", "check", "expected"),
    [
        (qa("潮見精機の売上高が増えた主な要因。"), form, "not_a_question"),
        (qa(answer="工作機械の受注가北米で伸びたことです。"), language, "foreign_character"),
        (qa("工作機械の受注が北米で伸びたことを主な要因としましたか。", "主な要因として"), copying, "copied_question"),
        (qa(answer="新しい経営陣が大胆な改革を進めたことです。"), support, "unsupported_answer"),
        (qa("潮見精機の売上高はいくらでしたか。", "1,234億円", PASSAGE, "123,400百万円", "1,324億円", "1,243億円"), choices, "equal_choices"),
    ],
)  # fmt: skip
def test_without_a_check_of_the_table_something_bad_would_pass(
    candidate: Candidate, check: Check, expected: str
) -> None:
    drops = {one.NAME: drop for one in CHECKS if (drop := one.check(candidate))}
    assert {name: drop.reason for name, drop in drops.items()} == {check.NAME: expected}
    assert verdict(candidate) == drops[check.NAME]
