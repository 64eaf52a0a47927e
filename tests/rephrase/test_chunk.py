"""Chunks keep every character, the budget, whole sentences and rows, and say in their context what stands above."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import Document, Fact, Span
from datacards.errors import UserError
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.chunk import chunks, too_short
from rephrase.sentences import cut, sentences

TEXT = st.text(alphabet="あ金。！\n「」（）1 ", max_size=200)
#: What pages are made of, and what may not be parted.
PIECES = st.sampled_from([
    "# 見出し\n", "### 小見出し\n\n", "（単位：百万円）\n", "| 項目 | 前期 | 当期 |\n", "| --- | --- | --- |\n", "| 売上高 | 1,234 | 2,345 |\n",
    "売上高は1,234百万円でした。", "「はい。」と述べた。", "か\u3099", "葛\U000e0100", "👩\u200d👩\u200d👧", "2025年3月31日", "12億3,400万円", "、", "。", "\n",
    "\n\n", " ", "　", "|", "https://example.test/a-b", "カタカナ", "（", "」", "Q: ", "### ", "<|im_end|>", "\u2060", "５．２％", "長い文" * 30,
])  # fmt: skip
PAGE = st.lists(PIECES, max_size=60).map("".join)
TABLE = "| 項目 | 2024年3月期 | 2025年3月期 |\n| --- | --- | --- |\n" + "".join(
    f"| 項目{number} | {number * 123:,} | {number * 150:,} |\n" for number in range(40)
)


def plain(text: str, title: str = "") -> Document:
    """Return a document that is only text."""
    return Document(
        text=text, format="markdown", source="t", url="u", title=title, captured_at=datetime(2026, 1, 1, tzinfo=UTC),
        license="PDL-1.0", attribution="", redistribution=True,
    )  # fmt: skip


def characters(texts: Sequence[str]) -> list[int]:
    """Count every character as a token."""
    return [len(text) for text in texts]


def octets(texts: Sequence[str]) -> list[int]:
    """Count every byte as a token: the worst that a tokenizer can do."""
    return [len(text.encode()) for text in texts]


def kept(document: Document, found: Sequence[Chunk]) -> bool:
    """Whether the spans joined are the text, but for white space between them."""
    bounds = [0, *(at for one in found for at in (one.span.start, one.span.end)), len(document.text)]
    between = [document.text[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True)]
    return bounds == sorted(bounds) and not "".join(between).strip()


@given(TEXT)
def test_sentences_join_to_the_text(text: str) -> None:
    assert "".join(text[a:b] for a, b in sentences(text)) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "総裁は「はい。そうです。」と述べた。次の文。",
            ["総裁は「はい。そうです。」と述べた。", "次の文。"],
        ),
        ("1）増えました。「品質は命。」が社是です。", ["1）増えました。", "「品質は命。」が社是です。"]),
        ("（閉じない。次の行\n次の文。", ["（閉じない。次の行\n", "次の文。"]),
        ("増えました。）次の文。", ["増えました。）", "次の文。"]),
        ("増えました．減ったのは３．５％です．", ["増えました．", "減ったのは３．５％です．"]),
        ("本当ですか？！はい。", ["本当ですか？！", "はい。"]),
    ],
)
def test_a_sentence_ends_where_a_reader_ends_it(text: str, found: list[str]) -> None:
    assert [text[a:b] for a, b in sentences(text)] == found


@given(PAGE, st.integers(1, 40))
def test_parts_of_a_long_sentence_join_to_it_and_keep_their_size(text: str, size: int) -> None:
    parts = list(cut(text, 0, len(text), size))
    assert "".join(text[a:b] for a, b in parts) == text
    assert all(b - a <= size for a, b in parts)
    graphemes = [0, *(one.end() for one in regex.finditer(r"\X", text))]
    longest = max((b - a for a, b in pairwise(graphemes)), default=0)
    assert longest > size or {b for _, b in parts} <= set(graphemes)


@pytest.mark.parametrize(
    ("text", "size", "parts"),
    [
        ("売上高は増え、利益は減り、配当は45円です", 14, ["売上高は増え、利益は減り、", "配当は45円です"]),
        ("総額は1,234,567百万円です", 12, ["総額は", "1,234,567百万円", "です"]),
        ("期末の2025年3月31日に", 11, ["期末の", "2025年3月31日に"]),
        ("当社の令和7年3月31日に", 11, ["当社の", "令和7年3月31日に"]),
        ("総務部（人事）経理部（決算）", 9, ["総務部（人事）", "経理部（決算）"]),
        ("| 売上高 | 1,234 | 2,345 |", 17, ["| 売上高 | 1,234 |", " 2,345 |"]),
    ],
)
def test_what_is_too_long_is_cut_at_commas_cells_brackets_and_never_in_an_amount(
    text: str, size: int, parts: list[str]
) -> None:
    assert [text[a:b] for a, b in cut(text, 0, len(text), size)] == parts


@settings(deadline=None)
@given(PAGE, st.integers(32, 80), st.integers(0, 60), st.text(max_size=20))
def test_no_character_is_lost_and_no_chunk_is_over_the_limit(
    text: str, target: int, more: int, title: str
) -> None:
    document, limit = plain(text, title), target + more
    for count in (characters, octets):
        found = list(chunks(document, count, target, limit))
        assert kept(document, found)
        for one in found:
            assert one.passage == one.passage.strip() != ""
            assert count([one.passage])[0] + count([one.context])[0] <= limit


def test_a_document_is_counted_with_one_call() -> None:
    calls = []

    def count(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return characters(texts)

    text = "# 見出し\n\n" + "当社は電源装置を製造しています。" * 100 + "\n\n" + TABLE
    assert len(list(chunks(plain(text), count, 200, 300))) > 5
    assert len(calls) == 1
    list(chunks(plain("長い文" * 500), count, 200, 300))
    assert len(calls) < 6  # only what is longer than a chunk is counted again


def test_chunks_are_about_the_target_and_end_with_sentences() -> None:
    document = plain("当社は、車載用の電源装置を製造し、国内の自動車会社に販売しています。" * 60)
    found = list(chunks(document, characters, 520, 700))
    assert all(one.passage.endswith("。") for one in found)
    assert all(400 <= len(one.passage) <= 700 for one in found)


def test_a_short_document_is_one_chunk_up_to_the_limit() -> None:
    document = plain("当社は電源装置を製造しています。" * 40)
    assert [one.span for one in chunks(document, characters, 520, 700)] == [Span(document.id, 0, 640)]
    assert list(chunks(plain(" \n\n　"), characters)) == []


def test_white_space_is_no_chunk() -> None:
    document = plain("一行目。" + "\n" * 300 + "　" * 300 + "\n二行目。")
    found = list(chunks(document, characters, 40, 60))
    assert [one.passage for one in found] == ["一行目。", "二行目。"]
    assert kept(document, found)


def test_a_section_ends_a_chunk_and_a_heading_is_never_its_last_line() -> None:
    text = "".join(f"## 見出し{number}\n\n{'事業は順調です。' * 30}\n\n" for number in range(6))
    found = list(chunks(plain(text), characters, 300, 400))
    assert all(one.passage.startswith("## 見出し") for one in found)
    assert all(one.passage.endswith("順調です。") for one in found)


def test_the_context_says_title_day_headings_unit_and_head_of_the_table() -> None:
    text = f"# 灯台電機\n\n## 事業の状況\n\n### 業績\n\n（単位：百万円）\n\n{TABLE}"
    document = replace(
        plain(text),
        title="灯台電機\n 有価証券報告書",
        published_at=date(2025, 6, 20),
        event_at=date(2025, 3, 31),
    )
    first, second, *_ = chunks(document, characters, 300, 400)
    assert first.context == "灯台電機 有価証券報告書\n2025年3月31日"
    assert second.context.split("\n") == [
        "灯台電機 有価証券報告書", "2025年3月31日", "灯台電機 > 事業の状況 > 業績", "（単位：百万円）",
        "| 項目 | 2024年3月期 | 2025年3月期 |",
    ]  # fmt: skip
    rows = [line for one in (first, second) for line in one.passage.split("\n")]
    assert all(row.endswith(" |") for row in rows if row.startswith("|"))


def test_a_second_head_row_is_told_too_and_an_amount_is_none() -> None:
    head = "| 区分 | 前連結会計年度 | 当連結会計年度 |\n| --- | --- | --- |\n"
    rows = "".join(f"| 項目{number} | {number},000 | {number},500 |\n" for number in range(60))
    said = "| | （2024年3月31日） | （2025年3月31日） |"
    for second, told in ((f"{said}\n", [said]), ("", [])):
        last = list(chunks(plain(head + second + rows), characters, 300, 400))[-1]
        assert last.context.split("\n") == ["| 区分 | 前連結会計年度 | 当連結会計年度 |", *told]


def test_a_unit_stays_with_its_table_and_goes_for_no_other() -> None:
    text = "当社の業績です。" * 33 + f"\n\n（単位：百万円）\n\n{TABLE}\n以上が業績です。\n\n{TABLE}"
    found = list(chunks(plain(text), characters, 280, 400))
    [with_unit] = [one for one in found if "（単位：百万円）" in one.passage]
    assert "| 項目0 |" in with_unit.passage
    assert "（単位：百万円）" not in found[-1].context


def test_a_context_that_is_too_long_gives_way() -> None:
    title, heading = "灯台電機株式会社の" * 20, "事業の状況に関する" * 20
    document = plain(f"# {heading}\n\n" + "当社は電源装置を製造しています。" * 40, title)
    found = list(chunks(document, characters, 150, 200))
    assert all(len(one.context) <= 200 // 3 for one in found)
    assert kept(document, found)


@pytest.mark.parametrize(
    "text",
    [
        "# a" + " #" * 50_000 + "x",
        "| 期 |\n| --- |\n| 1" + " " * 50_000 + "x",
        "（" * 50_000 + "。",
        "は" * 50_000,
        "|" * 50_000,
        " " * 50_000 + "Q",
        "は\n" * 25_000,
    ],
)
def test_no_page_takes_long(text: str) -> None:
    started = time.process_time()
    document = plain(text)
    found = list(chunks(document, characters))
    drops = [too_short(one, "qa") for one in found]
    assert kept(document, found) and len(drops) == len(found)
    assert time.process_time() - started < 5


def test_budgets_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(UserError, match="target = 700, limit = 520; 32 <= target <= limit"):
        list(chunks(plain("文。"), characters, 700, 520))


def whole(text: str, facts: int = 0) -> Chunk:
    """Return a text as one chunk that displays some facts."""
    fact = Fact("amount", "灯台電機", "NetSales", "売上高", text[:1], 0, 1)
    document = replace(plain(text), facts=(fact,) * facts)
    return Chunk(document, Span(document.id, 0, len(text)))


@pytest.mark.parametrize(
    ("style", "text", "facts", "reason"),
    [
        ("qa", "当社は車載用の電源装置を製造しています。" * 4, 0, None),
        ("qa", "当社は車載用の電源装置を製造しています。", 3, "too_short"),
        ("qa", "標準ラベル：資本準備金\n英語ラベル：Legal capital surplus\n" * 3, 0, "no_predicate"),
        ("qa", "標準ラベル：資本準備金\n英語ラベル：Legal capital surplus\n" * 3, 1, None),
        ("qa", "| 未払法人所得税 | 367,367 | 163,226 | △204,141 |\n" * 3, 0, None),
        ("easy", "| 両唇音 | 歯茎音 | 硬口蓋音 | 軟口蓋音 | 声門音 |\n" * 5, 0, "no_predicate"),
        ("multiple_choice", "当社は車載用の電源装置を製造しています。" * 4, 0, "too_short"),
        ("multiple_choice", "当社は車載用の電源装置を製造しています。" * 4, 2, None),
        ("multiple_choice", "当社は車載用の電源装置を製造しています。" * 7, 0, None),
        ("hard", "-" * 500 + "増えました。", 0, "too_short"),
    ],
)
def test_what_is_too_little_for_a_style_has_a_reason(
    style: Style, text: str, facts: int, reason: str | None
) -> None:
    drop = too_short(whole(text, facts), style)
    assert (drop.reason if drop else None) == reason
