"""Facts about the cleaning steps."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from corpus.document import Document, Drop, Fact
from corpus.steps import STEPS, Left, clean, options
from corpus.steps.boilerplate import boilerplate
from corpus.steps.characters import counts
from corpus.steps.language import language
from corpus.steps.length import length
from corpus.steps.repetition import repeated_share, repetition
from corpus.steps.shown import Shown
from corpus.steps.unicode import unicode

SPEECH = (
    "# 最近の金融経済情勢と金融政策運営\n\n"
    "本日は、経済の現状と先行きについてお話しします。わが国の景気は、一部に弱めの動きもみられますが、"
    "緩やかに回復しています。先行きは、海外経済が緩やかな成長を続けるもとで、所得から支出への前向きな循環が"
    "徐々に強まると考えています。"
)


def document(
    text: str, *, kind: str = "speech", language: str = "ja", facts: tuple[Fact, ...] = ()
) -> Document:
    return Document(
        text=text,
        format="markdown",
        source="boj_speeches",
        url="https://www.boj.or.jp/about/press/koen_2026/data/ko260101a.htm",
        title="講演",
        captured_at=datetime(2026, 11, 21, tzinfo=UTC),
        license="BOJ-terms",
        attribution="出典：日本銀行",
        redistribution=False,
        language=language,
        meta={"kind": kind},
        facts=facts,
    )


def amount(text: str, value: str, at: int = 0) -> Fact:
    start = text.index(value, at)
    return Fact("amount", "汐凪水産", "NetSales", "売上高", value, start, start + len(value))


def kept(result: Document | Drop) -> Document:
    assert isinstance(result, Document)
    return result


def reason(result: Document | Drop) -> str:
    assert isinstance(result, Drop)
    return result.reason


def test_invisible_characters_go_and_full_width_forms_stay() -> None:
    text = "\ufeff売上高\u00a0は\u200b１，２３４\u3000百万円。\r\n次\rの行\u2028終\x07わり\u00ad\ud800"
    assert unicode(document(text)).text == "売上高 は１，２３４\u3000百万円。\n次\nの行\n終わり"


def test_split_kana_and_radicals_of_pdf_fonts_become_what_they_show() -> None:
    assert (
        unicode(document("か\u3099んは\u309aり、ハ\u3099ンク、⽇銀⾦融")).text == "がんぱり、バンク、日銀金融"
    )


def test_radicals_of_the_supplement_become_kanji_too() -> None:
    assert unicode(document("⻑期⾦利、⻄⽇本、⺠間、⻘果")).text == "長期金利、西日本、民間、青果"


@pytest.mark.parametrize(
    "text",
    [
        "330A0",
        "証券コード：250A0（プライム）",
        "１〜３月期〜、５～７％",
        "①売上高 ②利益 ㊤ ㈱ ㍿ ㌔ ㎡ № ℡ Ⅲ ⅳ",
        "髙島、﨑山、神、葛󠄀城、𠮷野家、凜、侮",
        "ｶﾌﾞｼｷ、カブシキ、ＲＯＥ、（　）、１，２３４",
        "x²、½、10⁻³、Å、µ、…、‥、－、−、―、ー、‐",
        "が、ぱ、ヴ、ゔ、々、〆、〇、゛",
    ],
)
def test_what_nfkc_would_lose_survives(text: str) -> None:
    assert unicode(document(text)).text == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp", "Mn"])))
def test_no_visible_character_changes_but_radicals(text: str) -> None:
    kept = "".join(sign for sign in text if not "\u2e80" <= sign <= "\u2fdf")
    assert unicode(document(kept)).text == kept


def test_title_and_section_are_mended_too() -> None:
    cleaned = unicode(replace(document("本文"), title="第１\u00a0章\u200b", section="\ufeff概要"))
    assert (cleaned.title, cleaned.section) == ("第１ 章", "概要")


def test_a_fact_whose_own_characters_were_mended_shows_the_mended_value() -> None:
    text = "売上高は\u00a01\u00a0234\u200b百万円、利益は56百万円。"
    facts = (amount(text, "1\u00a0234"), amount(text, "56"))
    cleaned = unicode(document(text, facts=facts))
    assert [fact.value for fact in cleaned.facts] == ["1 234", "56"]
    assert [cleaned.text[fact.start : fact.end] for fact in cleaned.facts] == ["1 234", "56"]


CHARACTERS = st.sampled_from(
    list("あか金１a. \n\r\t\u3099\u309a\u00a0\u200b\ufeff\u2028\u2f26\x00\x85\u3000")
)


@given(st.lists(CHARACTERS).map("".join) | st.text(st.characters(exclude_categories=[])))
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    once = unicode(document(text))
    assert unicode(once).text == once.text
    once.text.encode()


@given(
    st.lists(st.tuples(st.lists(CHARACTERS).map("".join), st.text("0123456789,△", min_size=1)), min_size=1),
    st.lists(CHARACTERS).map("".join),
)
def test_every_fact_survives_cleaning_and_displays_its_value(parts: list[tuple[str, str]], end: str) -> None:
    text = ""
    facts: list[Fact] = []
    for before, value in parts:
        text += before
        facts.append(Fact("amount", "社", f"E{len(facts)}", "額", value, len(text), len(text) + len(value)))
        text += value
    cleaned = boilerplate(unicode(document(text + end, facts=tuple(facts))))
    assert [fact.concept for fact in cleaned.facts] == [fact.concept for fact in facts]
    assert all(cleaned.text[fact.start : fact.end] == fact.value for fact in cleaned.facts)


def test_blocks_of_a_filing_move_along_with_the_text() -> None:
    text = "\ufeff表紙\r\n事業の\u200b内容は水産。\r\n以上"
    start = text.index("事業")
    blocks = json.dumps([["DescriptionOfBusinessTextBlock", start, text.index("\r\n以上")]])
    cleaned = unicode(replace(document(text), meta={"kind": "filing", "blocks": blocks}))
    [[name, start, end]] = json.loads(cleaned.meta["blocks"])
    assert (name, cleaned.text[start:end]) == ("DescriptionOfBusinessTextBlock", "事業の内容は水産。")


@pytest.mark.parametrize(
    "line",
    [
        "Copyright © 2026 Bank of Japan All Rights Reserved.",
        "©日本銀行",
        "ページの先頭へ戻る",
        "ホーム > 日本銀行について > 講演・記者会見・談話",
        "[本文へ移動]",
        "本資料の無断転載を禁じます。",
        "Skip to main content",
        "お問い合わせ",
    ],
)
def test_lines_of_the_site_go(line: str) -> None:
    assert boilerplate(document(f"一行目。\n{line}\n二行目。")).text == "一行目。\n二行目。"


@pytest.mark.parametrize(
    "line",
    [
        "日本銀行は、ホームページで講演を公表している。",
        "当社はサイトマップの改善に取り組んでいる。",
        "印刷事業の売上高は増加した。",
        "著作権（copyright）に関する訴訟を提起された。",
    ],
)
def test_lines_of_the_document_stay(line: str) -> None:
    assert boilerplate(document(f"一行目。\n{line}\n二行目。")).text == f"一行目。\n{line}\n二行目。"


def test_a_site_line_that_shows_a_fact_stays() -> None:
    text = "前文。\n© 2026 売上高 123\n後文。"
    cleaned = boilerplate(document(text, facts=(amount(text, "123"),)))
    assert cleaned.text == text
    assert len(cleaned.facts) == 1


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)), max_size=6),
    st.integers(0, 40),
    st.integers(1, 8),
)
def test_a_span_touches_a_fact_if_it_shares_a_character(
    spans: list[tuple[int, int]], start: int, size: int
) -> None:
    facts = [Fact("amount", "社", "E", "額", "1", at, at + length) for at, length in spans]
    shared = any(fact.start < start + size and start < fact.end for fact in facts if fact.start < fact.end)
    assert Shown(fact for fact in facts if fact.start < fact.end).touches(start, start + size) == shared


def test_short_documents_leave_and_white_space_does_not_count() -> None:
    assert reason(length(document("短い。" + " \n" * 500))) == "too_short"
    assert kept(length(document("長" * 100)))


def test_no_document_is_too_long() -> None:
    assert kept(length(document("長い文。" * 250_000)))


def test_a_kind_may_have_a_minimum_of_its_own() -> None:
    term = document("金利：お金を借りたときの対価の割合。", kind="term")
    assert reason(length(term)) == "too_short"
    assert kept(length(term, minimum_by_kind={"term": 10}))


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        (SPEECH, "ja", ""),
        ("ETF（上場投資信託、Exchange Traded Fund）は、取引所で売買される投資信託である。", "ja", ""),
        ("The Bank of Japan decided upon the guideline for money market operations.", "ja", "wrong_language"),
        ("中国人民银行决定下调金融机构存款准备金率，保持流动性合理充裕。", "ja", "wrong_language"),
        ("123 456 789", "ja", "wrong_language"),
        ("The Bank of Japan decided upon the guideline for money market operations.", "en", ""),
        (SPEECH, "en", "wrong_language"),
        ("Die Bank hat beschlossen.", "de", "other_language"),
    ],
)
def test_the_script_must_fit_the_language(text: str, said: str, expected: str) -> None:
    result = language(document(text, language=said), languages=["ja", "en"])
    assert (result.reason if isinstance(result, Drop) else "") == expected


def test_a_list_of_companies_may_lack_kana() -> None:
    text = "# 上場会社一覧（鉄鋼）\n\n鋼城製鉄株式会社, 5489, 鉄鋼"
    assert kept(language(document(text, kind="company_list")))
    assert reason(language(document(text))) == "wrong_language"


def test_an_english_twin_leaves_when_the_recipe_wants_only_japanese() -> None:
    assert reason(language(document("Policy rates were unchanged.", language="en"))) == "other_language"


def test_a_document_that_repeats_its_lines_leaves() -> None:
    assert reason(repetition(document("同じ行です。\n別の行です。\n" * 4))) == "repeated_lines"


def test_a_document_that_repeats_itself_within_a_line_leaves() -> None:
    assert (
        reason(repetition(document("日本銀行は金融政策決定会合において次のように決定しました。" * 20)))
        == "repeated_text"
    )


@given(st.text("あいう。", max_size=120), st.integers(1, 6))
def test_the_repeated_share_is_that_of_stretches_seen_before(text: str, n: int) -> None:
    seen: set[str] = set()
    at = repeated = 0
    while at + n <= len(text):
        new = (piece := text[at : at + n]) not in seen
        seen.add(piece)
        repeated += 0 if new else n
        at += 1 if new else n
    assert repeated_share(text, n) == (repeated / len(text) if text else 0.0)


@given(st.text())
def test_characters_are_counted_as_their_patterns_say(text: str) -> None:
    found = counts(text)
    assert found.letters == len(re.findall(r"[^\W\d_]", text))
    assert found.hiragana + found.katakana == len(
        re.findall("[\u3041-\u309f\u30a1-\u30ff\uff66-\uff9f]", text)
    )
    assert sum(found[:7]) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "あ",
        "か\u3099",
        "\u200b",
        " ",
        "| ",
        "\n",
        "(c) ",
        "0-",
        "a@",
        "a.",
        "090-",
        "１丁目",
        "住所",
        "ホーム > ",
    ],
)
@pytest.mark.parametrize("step", sorted(STEPS))
def test_hostile_text_takes_time_in_proportion_to_its_length(step: str, text: str) -> None:
    start = time.process_time()
    STEPS[step](document(text * (200_000 // len(text))))
    assert time.process_time() - start < 5  # a quadratic step would take minutes


def test_prose_and_tables_are_no_repetition() -> None:
    table = "\n".join(["| 科目 | 金額 |", "| --- | --- |", *["| － | － |"] * 200])
    assert kept(repetition(document(SPEECH + "\n\n" + table)))


def test_steps_run_in_order_and_the_first_that_objects_names_itself() -> None:
    result = clean(
        document("\ufeff短い\r\n"), [("unicode", {}), ("length", {"minimum": 9}), ("language", {})]
    )
    assert isinstance(result, Left)
    assert (result.step, result.drop.reason, result.document.text) == ("length", "too_short", "短い\n")


def test_the_options_of_a_step_are_its_keyword_arguments() -> None:
    assert set(options("length").model_fields) == {"minimum", "minimum_by_kind"}
    with pytest.raises(ValidationError, match="minimun"):
        options("length").model_validate({"minimun": 3})
    assert all(options(step).model_validate({}) for step in STEPS)
