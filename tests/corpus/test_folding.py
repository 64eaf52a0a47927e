"""Facts about texts as comparisons see them."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.folding import fold, folded

TEXTS = st.text(st.characters(min_codepoint=1)) | st.lists(
    st.sampled_from(list("かハは\u3099\u309aﾞﾟｶﾊ㈱①Ａa１,。 |\n漢ー〜é\u0301\ud800"))
).map("".join)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("売上高は、１，２３４百万円（前期比５．６％増）。", "売上高は1234百万円前期比56増"),
        ("| 売上高 | 1,234 |\n| --- | --- |", "売上高1234"),
        ("ＲＯＥ と roe", "roeとroe"),
        ("ﾊﾞﾝｸ、バンク、ハ\u3099ンク", "バンクバンクバンク"),
        ("㈱汐凪水産、①、㍿", "株汐凪水産1株式会社"),
        ("330A0", "330a0"),
        ("髙島・﨑・々・サーバー", "髙島﨑々サーバー"),
        ("café cafe\u0301", "cafecafe"),
        ("…〜～―。", ""),
        ("", ""),
    ],
)
def test_only_letters_and_digits_count(text: str, seen: str) -> None:
    assert folded(text) == seen


@given(TEXTS)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(TEXTS)
def test_every_kept_character_comes_from_where_it_says(text: str) -> None:
    kept = fold(text)
    assert len(kept.codes) == len(kept.places)
    assert bool(np.all(np.diff(kept.places) >= 0))
    for code, place in zip(kept.codes, kept.places, strict=True):
        around = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text[place : place + 2]).lower())
        assert unicodedata.normalize("NFD", chr(code))[0] in unicodedata.normalize("NFD", around)


@given(TEXTS, TEXTS)
def test_what_stands_before_does_not_change_a_text_that_begins_with_a_letter(one: str, other: str) -> None:
    assert folded(one + "字" + other) == folded(one) + folded("字" + other)
