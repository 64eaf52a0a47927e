"""Passages cover a document exactly and end with sentences."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Document
from rephrase.chunk import passages, sentences

TEXT = st.text(alphabet="あ金。！\n「」（）1 ", max_size=200)


def plain(text: str) -> Document:
    """Return a document that is only text."""
    return Document(
        text=text, format="markdown", source="t", url="u", title="t", captured_at=datetime(2026, 1, 1, tzinfo=UTC),
        license="PDL-1.0", attribution="", redistribution=True,
    )  # fmt: skip


@given(TEXT)
def test_sentences_join_to_the_text(text: str) -> None:
    assert "".join(text[a:b] for a, b in sentences(text)) == text


@given(TEXT, st.integers(min_value=1, max_value=60))
def test_passages_join_to_the_text_and_keep_the_budget(text: str, characters: int) -> None:
    spans = list(passages(plain(text), characters))
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(0 < span.end - span.start <= characters for span in spans)


def test_an_end_mark_inside_brackets_ends_no_sentence() -> None:
    text = "総裁は「はい。そうです。」と述べた。次の文。"
    assert [text[a:b] for a, b in sentences(text)] == ["総裁は「はい。そうです。」と述べた。", "次の文。"]


def test_a_passage_ends_with_a_sentence_when_one_fits() -> None:
    text = "一つ目の文です。二つ目の文です。三つ目の文です。"
    assert [text[s.start : s.end] for s in passages(plain(text), 17)] == [
        "一つ目の文です。二つ目の文です。",
        "三つ目の文です。",
    ]
