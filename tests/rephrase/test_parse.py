"""A reply is read exactly as it was asked for, or dropped with one reason; nothing is mended by guessing."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Drop, Span
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.parse import Parsed, parse
from rephrase.prompts import Mode, load
from rephrase.prompts.marks import mark
from tests.rephrase.test_chunk import plain

CHOICES = " 金利は何％ですか。\nO: 1％\nX: 2％\nX: 3％\nX: 4％"
REASONS = {"finish_reason", "broken_text", "echo", "labels", "json", "evidence_not_in_source"}
TEXT = st.lists(
    st.sampled_from(["Q:", "A:", "O:", "X:", "\n", " ", "金利", "1％", "###", "\ufffd", "\u2060", "{", "}", '"text"', ":", '"', "\\ud800", ",", "[", "]"])
).map("".join)  # fmt: skip


def reason(found: tuple[Parsed, ...] | Drop) -> str:
    """Return why a reply was dropped, "" where it was read."""
    return found.reason if isinstance(found, Drop) else ""


def said(**values: object) -> str:
    """Return an object as an instruct model writes it."""
    return json.dumps(values, ensure_ascii=False)


PAIR = {"question": "金利は何％ですか。", "answer": "1％です。", "evidence": "金利は1％"}
FOUR = {
    "question": "金利は何％ですか。",
    "correct": "1％",
    "wrong": ["2％", "3％", "4％"],
    "evidence": "金利は1％",
}


def test_what_follows_the_prompt_of_a_base_model_is_read() -> None:
    assert parse("qa", "completions", " 金利は。\nA: 1％\n", "stop") == (Parsed("金利は。", "1％"),)
    assert parse("qa", "completions", "　金利は。　\n A:　1％ \nQ: 株価は。\nA: 二円", "stop") == (
        Parsed("金利は。", "1％"),
        Parsed("株価は。", "二円"),
    )
    assert parse("multiple_choice", "completions", CHOICES, "stop") == (
        Parsed("金利は何％ですか。", "1％", ("2％", "3％", "4％")),
    )
    assert parse("easy", "completions", "\n金利は1％です。\n\n上がりました。\n", "stop") == (
        Parsed("", "金利は1％です。\n\n上がりました。"),
    )


@pytest.mark.parametrize(
    ("style", "text", "why"),
    [
        ("qa", " 金利は。", "labels"),
        ("qa", " 金利は。\nA:", "labels"),
        ("qa", "\nA: 1％", "labels"),
        ("qa", " 金利は。\nA: 1％\n以上です。", "labels"),
        ("qa", " 金利は。\nA: 1％\nA: 2％\nQ: 株価は。", "labels"),
        ("qa", " 金利は。\nA：1％", "labels"),
        ("qa", "Q: 金利は。\nA: 1％", "labels"),
        ("qa", " 金利は。\nA: A: 1％", "labels"),
        ("qa", " 金利は。\nA: 1％\nQ: 株価は。", "labels"),
        ("qa", " 金利は。\nA: 1％\n### 文書", "echo"),
        ("qa", " 金利は。\nA: 1％<|im_end|>", "echo"),
        ("qa", " 金利は。\nA: 1\ufffd", "broken_text"),
        ("qa", " 金利は。\nA: 1\x00", "broken_text"),
        ("multiple_choice", CHOICES + "\nX: 5％", "labels"),
        ("multiple_choice", CHOICES[:-5], "labels"),
        ("multiple_choice", CHOICES.replace("O:", "A:"), "labels"),
        ("multiple_choice", CHOICES.replace("X: 2", "O: 2"), "labels"),
        ("multiple_choice", f"{CHOICES}\nQ:{CHOICES}", "labels"),
        ("hard", "金利は1％です。\nQ: 金利は。", "labels"),
        ("hard", " \n", "labels"),
        ("hard", "### 書き直し\n金利は1％です。", "echo"),
    ],
)
def test_a_reply_that_is_not_as_it_should_be_has_a_reason(style: Style, text: str, why: str) -> None:
    assert reason(parse(style, "completions", text, "stop")) == why


@pytest.mark.parametrize("finish", ["length", "repetition", "abort"])
def test_of_a_reply_that_was_cut_off_only_whole_pairs_are_kept(finish: str) -> None:
    two = " 金利は。\nA: 1％です。\nQ: 株価は。\nA: 二"
    assert parse("qa", "completions", two, finish) == (Parsed("金利は。", "1％です。"),)
    assert parse("qa", "completions", f"{two}\ufffd", finish) == (Parsed("金利は。", "1％です。"),)
    assert reason(parse("qa", "completions", " 金利は。\nA: 1％です。", finish)) == "finish_reason"
    assert reason(parse("multiple_choice", "completions", CHOICES, finish)) == "finish_reason"
    assert reason(parse("easy", "completions", "金利は1％です。", finish)) == "finish_reason"
    assert reason(parse("qa", "chat", said(**PAIR), finish)) == "finish_reason"


@pytest.mark.parametrize("finish", ["error", "refused", "", "content_filter"])
def test_what_did_not_come_to_an_end_is_dropped_with_its_finish_reason(finish: str) -> None:
    drop = parse("qa", "completions", " 金利は。\nA: 1％\nQ: 株価は。\nA: 二円", finish)
    assert drop == Drop("finish_reason", finish)


def test_a_reply_in_json_is_read() -> None:
    assert parse("qa", "chat", said(**PAIR), "stop") == (
        Parsed("金利は何％ですか。", "1％です。", (), "金利は1％"),
    )
    assert parse("multiple_choice", "chat", f" {said(**FOUR)}\n", "stop") == (
        Parsed("金利は何％ですか。", "1％", ("2％", "3％", "4％"), "金利は1％"),
    )
    assert parse("medium", "chat", said(text=" 一行。\n二行。 "), "stop") == (Parsed("", "一行。\n二行。"),)


@pytest.mark.parametrize(
    ("style", "text", "why"),
    [
        ("qa", "金利は1％です。", "json"),
        ("qa", f"```json\n{said(**PAIR)}\n```", "json"),
        ("qa", said(**PAIR) + said(**PAIR), "json"),
        ("qa", said(**PAIR)[:-1], "json"),
        ("qa", said(**PAIR, more="x"), "json"),
        ("qa", said(**FOUR), "json"),
        ("qa", said(**{**PAIR, "answer": 1}), "json"),
        ("qa", said(**{**PAIR, "answer": " "}), "json"),
        ("qa", said(**{**PAIR, "question": "金利は。\n株価は。"}), "json"),
        ("qa", '{"question": "金利は。", "question": "株価は。", "answer": "1", "evidence": "1"}', "json"),
        ("qa", said(**{**PAIR, "answer": "1\ufffd"}), "broken_text"),
        ("qa", said(**PAIR).replace("1％です", "\\ud800"), "broken_text"),
        ("qa", said(**{**PAIR, "answer": "### 1％"}), "echo"),
        ("qa", said(**PAIR).replace("1％です", "\\u0023##"), "echo"),
        ("multiple_choice", said(**{**FOUR, "wrong": ["2％", "3％"]}), "json"),
        ("multiple_choice", said(**{**FOUR, "wrong": ["2％", "3％", 4]}), "json"),
        ("multiple_choice", said(**{**FOUR, "wrong": "2％"}), "json"),
        ("easy", said(text=""), "json"),
        ("easy", "[" * 100_000, "json"),
    ],
)
def test_json_that_is_not_the_schema_has_a_reason(style: Style, text: str, why: str) -> None:
    assert reason(parse(style, "chat", text, "stop")) == why


def test_evidence_must_stand_in_the_passage_letter_for_letter() -> None:
    document = plain("# 題\n\n金利は1％です。\n\n#### 注\n株価は\u2060二円です。")
    chunk = Chunk(document, Span(document.id, 0, len(document.text)), "灯台銀行")

    def read(evidence: str) -> str:
        return reason(parse("qa", "chat", said(**{**PAIR, "evidence": evidence}), "stop", chunk=chunk))

    assert read("金利は1％です。") == ""
    assert read(" 金利は1％です。\n") == ""
    assert read("です。\n\n" + mark("#### 注")) == ""
    assert read(mark("株価は\u2060二円")) == ""
    assert [read(one) for one in ("金利は１％です。", "金利は 1％", "灯台銀行")] == [
        "evidence_not_in_source"
    ] * 3


def test_marks_of_the_passage_are_taken_off_in_what_is_read() -> None:
    text = f" 次の{mark('<s>')}は何ですか。\nA: {mark('Q: 甲')}\n"
    assert parse("qa", "completions", text.replace("<\u2060s>", "<\u2060em>"), "stop") == (
        Parsed("次の<em>は何ですか。", "Q: 甲"),
    )


def test_a_reply_must_not_say_the_prompt_again() -> None:
    prompt = load("qa", "completions")
    again = " 売上高は。\nA: 売上高は、車載用電源の受注が伸びたため、前期比5.2％増の1,234億円となりました。"
    assert reason(parse("qa", "completions", again, "stop")) == ""
    assert reason(parse("qa", "completions", again, "stop", prompt=prompt)) == "echo"


@given(
    TEXT,
    st.sampled_from(get_args(Style)),
    st.sampled_from(get_args(Mode)),
    st.sampled_from(["stop", "length"]),
)
def test_any_reply_gives_whole_items_or_a_reason(text: str, style: Style, mode: Mode, finish: str) -> None:
    found = parse(style, mode, text, finish)
    if isinstance(found, Drop):
        assert found.reason in REASONS
        return
    for item in found:
        assert bool(item.question) == (style in ("qa", "multiple_choice"))
        assert len(item.wrong) == 3 * (style == "multiple_choice")
        for one in (item.answer, *item.wrong):
            assert one == one.strip() != ""
            assert "###" not in one.replace("\u2060", "x") and "\ufffd" not in one
