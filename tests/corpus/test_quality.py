"""Facts about the quality signals and their limits."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Document, Drop
from corpus.steps.quality import quality, signals

PROSE = (
    "本日は、経済の現状と先行きについてお話しします。わが国の景気は、一部に弱めの動きもみられますが、緩やかに回復しています。\n"
    "先行きは、海外経済が緩やかな成長を続けるもとで、所得から支出への前向きな循環が徐々に強まると考えています。\n"
)
TABLE = "| 科目 | 金額 |\n| --- | --- |\n| 売上高 | 1,234 |\n"


def document(text: str) -> Document:
    return Document(
        text=text, format="markdown", source="pages", url="https://example.invalid/1", title="頁", license="PDL-1.0",
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), attribution="出典", redistribution=True,
    )  # fmt: skip


def test_signals_are_kept_as_numbers() -> None:
    kept = quality(document(PROSE + TABLE))
    assert isinstance(kept, Document)
    found = json.loads(kept.meta["quality"])
    assert found == dict(signals(PROSE + TABLE))
    assert found["prose"] == len(PROSE) - 2
    assert found["ended"] == 1.0
    assert found["sentence"] == pytest.approx((len(PROSE) - 5) / 3, abs=1)
    assert 0.2 < found["tables"] < 0.4
    assert found["bullets"] == found["ellipses"] == 0.0


@given(st.text(max_size=300))
def test_every_signal_is_finite_and_shares_are_shares(text: str) -> None:
    found = dict(signals(text))
    assert found.pop("prose") >= 0
    assert found.pop("sentence") >= 0
    assert all(0 <= value <= 1 for value in found.values())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("＊＃％＆■□◆◇※！？" * 30, "low_quality_signs"),
        ("1234567890 " * 40, "low_quality_digits"),
        ("アイウエオカキクケコサシスセソ" * 20, "low_quality_katakana"),
        (
            "\n".join(f"・項目その{one}の説明です" for one in "一二三四五六七八九十") * 3,
            "low_quality_bullets",
        ),
        (
            "\n".join(f"続きを読むにはこちら{one}…" for one in "一二三四五六七八九十") * 3,
            "low_quality_ellipses",
        ),
        ("文字の羅列でしかない本文" * 300, "low_quality_sentence"),
        ("あいあいい" * 100, "low_quality_variety"),
    ],
)
def test_clear_garbage_leaves_with_the_signal_as_its_reason(text: str, reason: str) -> None:
    result = quality(document(text))
    assert isinstance(result, Drop)
    assert result.reason == reason


def test_a_recipe_may_be_as_strict_as_others_are() -> None:
    listed = PROSE + "見出しだけの行\n" * 30
    assert isinstance(quality(document(listed)), Document)
    strict = quality(document(listed), minimum_ended=0.167)
    assert isinstance(strict, Drop)
    assert (strict.reason, strict.detail) == ("low_quality_ended", "0.0625, allowed 0.167 to 1")


def test_what_is_nearly_all_table_is_not_judged_as_prose() -> None:
    assert isinstance(quality(document("！？＊\n" + TABLE * 100)), Document)
