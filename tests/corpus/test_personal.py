"""Facts about personal data: what is masked, and what looks like it and stays."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Capture, Document, Fact
from corpus.extract import extract
from corpus.steps.personal import MASKS, find, personal
from corpus.steps.unicode import unicode

HOLDERS = """| 氏名又は名称 | 住所 | 所有株式数（千株） | 割合（％） |
| --- | --- | --- | --- |
| 汐凪　太郎 | 東京都世田谷区 | 1,234 | 10.14 |
| 白露花子 | 神奈川県鎌倉市 | 567 | 4.66 |
| 日本常夜灯信託銀行株式会社（信託口） | 東京都港区浜松町二丁目11番３号 | 4,321 | 35.50 |
| 七草商店 | 大阪府堺市北区３－１ | 89 | 0.73 |
| 汐凪水産従業員持株会 | 静岡県焼津市 | 45 | 0.37 |
| TIDE FUND, L.P.（常任代理人 ㈱灯台銀行） | 東京都千代田区 | 33 | 0.27 |
| 計 | － | 6,289 | 51.67 |
"""


def document(text: str, facts: tuple[Fact, ...] = ()) -> Document:
    return Document(
        text=text, format="markdown", source="edinet", url="https://example.invalid/S100ABCD", title="報告書",
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="出典：EDINET",
        redistribution=True, facts=facts,
    )  # fmt: skip


def masked(text: str) -> str:
    return personal(document(text)).text


@pytest.mark.parametrize(
    "number",
    [
        "03-1234-5678", "03(1234)5678", "(03)1234-5678", "０３（１２３４）５６７８", "０３－１２３４－５６７８", "075-123-4567",
        "0422-12-3456", "04992-1-2345", "090-1234-5678", "050-1234-5678", "0120-123-456", "0800-123-4567", "0570-012-345",
        "+81-3-1234-5678", "+81 90-1234-5678", "＋８１－３－１２３４－５６７８", "+81 (3) 1234-5678", "+1-212-555-0100",
    ],
)  # fmt: skip
def test_telephone_numbers_go(number: str) -> None:
    assert masked(f"| 【電話番号】 | {number}（代表） |") == "| 【電話番号】 | ［電話番号］（代表） |"
    assert masked(f"連絡先は{number}です。") == "連絡先は［電話番号］です。"


@pytest.mark.parametrize("before", ["電話：", "TEL ", "ＦＡＸ：", "携帯電話 ", "℡"])
def test_a_number_without_separators_needs_a_word_before_it(before: str) -> None:
    digits = "09012345678" if "携帯" in before else "0312345678"
    assert masked(f"{before}{digits}まで") == f"{before}［電話番号］まで"
    assert masked(f"番号 {digits} の品") == f"番号 {digits} の品"


@pytest.mark.parametrize(
    "text",
    [
        "売上高は1,234,567百万円、前期は0.123倍であった。", "2024-03-31から2025-03-31まで", "証券コード 330A0、1393-0", "0-1234-5678",
        "法人番号 7010401089234", "012-345-678", "03-1234-56789", "103-1234-5678", "03-1234-5678-9", "0.03-1234-5678",
        "△03-12-34", "E02778-000_2024-03-31_01_2024-06-21", "ISBN 978-4-00-123456-7", "03-1234-5678,000円", "+12.3%",
        "口座 0001-012-3456789", "123456789012", "資本金 001234567890", "1〜2-3456-7890", "A03-1234-5678", "+10-20",
    ],
)  # fmt: skip
def test_figures_dates_and_codes_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("お問い合わせは ir.desk@shionagi.example.jp まで", "お問い合わせは ［メールアドレス］ まで"),
        ("＜ｉｒ＠ｓｈｉｏｎａｇｉ．ｊｐ＞", "＜［メールアドレス］＞"),
        ("単価は@1,200円、ユーザー@shionagiさん", "単価は@1,200円、ユーザー@shionagiさん"),
        ("a@b", "a@b"),
    ],
)
def test_addresses_of_mail_go(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_homes_in_the_table_of_large_holders_go_and_company_addresses_stay() -> None:
    rows = masked(HOLDERS).splitlines()
    assert [row.split("|")[2].strip() for row in rows[2:]] == [
        "［住所］", "［住所］", "東京都港区浜松町二丁目11番３号", "大阪府堺市北区３－１", "静岡県焼津市", "東京都千代田区", "－",
    ]  # fmt: skip
    assert [row.split("|")[3:] for row in rows] == [row.split("|")[3:] for row in HOLDERS.splitlines()]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("自宅：東京都世田谷区桜丘1-2-3", "自宅：［住所］"),
        ("現住所　静岡県焼津市本町四丁目５番６号", "現住所　［住所］"),
        (
            "| 氏名 | 汐凪　太郎 |\n| 住所 | 静岡県焼津市本町4-5-6 |",
            "| 氏名 | 汐凪　太郎 |\n| 住所 | ［住所］ |",
        ),
        ("氏名又は名称：汐凪水産株式会社\n住所又は本店所在地：静岡県焼津市本町4-5-6", None),
        ("| 【本店の所在の場所】 | 静岡県焼津市本町4-5-6 |", None),
        ("所在地：東京都千代田区丸の内1-1-1", None),
        ("住所地国課税の原則について述べる。", None),
        ("東京都では緩やかに回復している。", None),
    ],
)
def test_a_home_is_known_by_what_stands_before_it(text: str, kept: str | None) -> None:
    assert masked(text) == (text if kept is None else kept)


def test_a_personal_number_goes_and_a_corporate_number_stays() -> None:
    assert masked("個人番号：1234 5678 9012") == "個人番号：［個人番号］"
    assert masked("マイナンバー（123456789012）") == "マイナンバー（［個人番号］）"
    assert masked("個人番号利用事務の件数は123456789012345件") == "個人番号利用事務の件数は123456789012345件"
    assert masked("法人番号 1234567890123") == "法人番号 1234567890123"


def test_what_shows_a_fact_stays_and_facts_keep_their_characters() -> None:
    text = "電話 03-1234-5678、売上高 1,234、番号 06-1234-5678"
    fact = Fact("amount", "社", "NetSales", "売上高", "1,234", text.index("1,234、"), text.index("、番号"))
    term = Fact("term", "社", "Code", "番号", "06-1234-5678", text.index("06-"), len(text))
    kept = personal(document(text, (fact, term)))
    assert kept.text == "電話 ［電話番号］、売上高 1,234、番号 06-1234-5678"
    assert [kept.text[one.start : one.end] for one in kept.facts] == ["1,234", "06-1234-5678"]
    assert json.loads(kept.meta["personal"]) == {"phone": 1}


def test_a_kind_may_be_marked_or_kept() -> None:
    given_text = "電話 03-1234-5678、ir@shionagi.example.jp"
    kept = personal(document(given_text), phone="mark", email="keep")
    assert kept.text == given_text
    assert json.loads(kept.meta["personal"]) == {"phone": 1}
    assert personal(document("何もない。")) == document("何もない。")


@given(
    st.lists(
        st.sampled_from(
            [*MASKS.values(), "電話 ", "03-1234-5678", "a@b.jp", "\n", "自宅：", "東京都港区", "1,234"]
        )
    )
)
def test_masking_twice_changes_nothing_more(pieces: list[str]) -> None:
    once = masked("".join(pieces))
    assert masked(once) == once
    assert find(once) == []


def test_no_figure_of_a_real_filing_is_touched(shared_data: Path) -> None:
    """Every hit in the real packages is a telephone number or the residence of a natural person."""
    found = set()
    for path in sorted((shared_data / "edinet" / "type1_zip").glob("*.zip")):
        capture = Capture(
            url=f"https://example.invalid/{path.name}", source="edinet", fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
            status=200, headers=(), media_type="application/zip", body=path.read_bytes(), license="PDL-1.0",
        )  # fmt: skip
        for one in extract(capture):
            if isinstance(one, Document):
                plain = unicode(replace(one, meta={}))
                found |= {(hit.kind, plain.text[hit.start : hit.end]) for hit in find(plain.text)}
                kept = personal(plain)
                assert len(kept.facts) == len(plain.facts)
                assert all(kept.text[fact.start : fact.end] == fact.value for fact in kept.facts)
    phones = {text for kind, text in found if kind == "phone"}
    homes = {text for kind, text in found if kind == "address"}
    assert phones == {"03-6889-2000", "03-5652-1692", "03-5652-1711", "０３（３５０６）６０００"}
    assert homes == {"東京都港区", "東京都品川区", "東京都世田谷区", "東京都中央区"}
    assert len(found) == len(phones) + len(homes)
