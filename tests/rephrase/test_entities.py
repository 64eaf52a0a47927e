"""Names of a claim stand in its source, and companies are those that a statement is about."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Document, Span
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk
from rephrase.grounding.names import companies, core, names, plain
from rephrase.validate.entities import check
from tests.rephrase.conftest import document

TEXT = """当社は、㈱ミナモソフトの株式を取得し、連結子会社としました。株式会社若葉フーズは、北山倉庫株式会社を吸収合併しました。

「スマート・デリバリー」は、ソフトウエアとコンピューターを用いた企業間取引（BtoB）のサイトです。植田総裁の発言と日本銀行の方針を踏まえ、NVIDIA Corporationとの協業を進めます。

| 年月 | 事項 |
| --- | --- |
| 2004年７月 | 東海電話㈱（後に湾岸テレコム㈱、現 湾岸通信㈱）を子会社化 |
| 2010年11月 | 雲海情報株式会社の全株式を取得 |

#### 大株主の状況

| 氏名又は名称 | 所有株式数（千株） |
| --- | --- |
| まぼろし信託銀行株式会社 | 3,542 |
| 小鹿野耕一郎 | 2,520 |
| 売上高（百万円） | 81,233 |
"""
OWN = "港町ホールディングス株式会社"


def filing() -> Document:
    """Return a filing of the holding company that names other companies."""
    return document(f"{OWN} 有価証券報告書", TEXT, (), kind="filing", filer=OWN)


def reason(question: str, answer: str) -> str | None:
    """Return why a claim about the filing is refused."""
    page = filing()
    style: Style = "qa" if question else "easy"
    drop = check(Candidate(style, question, answer, Chunk(page, Span(page.id, 0, len(TEXT)))))
    return drop.reason if drop else None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("港町ホールディングス㈱が取得したのはどこの株式ですか。", "株式会社ミナモソフトの株式です。"),
        ("ミナモソフトの株式を取得したのはどこですか。", "港町ホールディングス株式会社です。"),
        ("北山倉庫㈱を吸収合併した会社はどこですか。", "(株)若葉フーズです。"),
        ("スマートデリバリーとは何ですか。", "ソフトウェアとコンピュータを用いたBtoBのサイトです。"),
        ("方針を踏まえたのはどこの方針ですか。", "日銀の方針です。"),
        ("協業の相手はどこですか。", "NVIDIA Corporationです。"),
        ("この文書のデータについて、ポイントは何ですか。", "企業間取引です。"),
        ("誰の発言を踏まえましたか。", "植田総裁です。"),
        ("2004年７月に何がありましたか。", "東海電話㈱（後に湾岸テレコム㈱、現 湾岸通信㈱）を子会社化"),
        ("港町ホールディングスの開示資料には、どのような記載がありますか。", "株式会社若葉フーズは、北山倉庫株式会社を吸収合併しました。"),
        ("港町ホールディングス㈱のまぼろし信託銀行株式会社の所有株式数は何株ですか。", "3,542千株です。"),
        ("港町ホールディングス㈱の売上高はいくらですか。", "81,233百万円です。"),
        ("", "港町ホールディングス株式会社は、株式会社ミナモソフトの株式を取得し、連結子会社とした。"),
    ],
)  # fmt: skip
def test_names_of_the_source_pass_however_they_are_written(question: str, answer: str) -> None:
    assert reason(question, answer) is None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("港町ホールディングス㈱が取得したのはどこの株式ですか。", "株式会社みなと精密の株式です。"),
        ("南海重機株式会社の売上高はいくらですか。", "81,233百万円です。"),
        ("Ｂ株式会社の売上高はいくらですか。", "81,233百万円です。"),
        ("スマートデリバリーとは何ですか。", "ブロックチェーンのサイトです。"),
        ("「スマート配送」とは何ですか。", "企業間取引のサイトです。"),
        ("スマートデリバリーとは何ですか。", "EDINETのサイトです。"),
        ("誰の発言を踏まえましたか。", "黒田総裁です。"),
        ("方針を踏まえたのはどこの方針ですか。", "金融庁の方針です。"),
    ],
)  # fmt: skip
def test_names_that_the_source_lacks_are_refused(question: str, answer: str) -> None:
    assert reason(question, answer) == "entity_not_in_source"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("まぼろし信託銀行株式会社の売上高はいくらですか。", "81,233百万円です。"),
        ("まぼろし信託銀行株式会社の小鹿野耕一郎の所有株式数は何株ですか。", "2,520千株です。"),
        ("2004年７月に何がありましたか。", "東海電話㈱（後に湾岸テレコム㈱、現 東海電話㈱）を子会社化"),
        ("2010年11月に何がありましたか。", "湾岸通信㈱の全株式を取得"),
        ("", "株式会社若葉フーズは、港町ホールディングス株式会社を吸収合併しました。"),
        ("", "雲海情報株式会社は、㈱ミナモソフトの株式を取得し、連結子会社としました。"),
    ],
)  # fmt: skip
def test_a_company_of_the_source_does_not_take_the_place_of_another(question: str, answer: str) -> None:
    assert reason(question, answer) == "other_company"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("連結子会社である株式会社みなと精密や㈱トラスト＆グロース", ["株式会社みなと精密", "㈱トラスト＆グロース"]),
        ("株式会社に組織変更し、有価証券と取引銀行を見直した。", []),
        ("三菱ＵＦＪ銀行と第一生命保険", ["三菱ＵＦＪ銀行", "第一生命保険"]),
        ("株式会社若葉及び株式会社北山については、３．株式会社港町分562億円", ["株式会社若葉", "株式会社北山", "株式会社港町分"]),
    ],
)  # fmt: skip
def test_companies_are_found_by_their_legal_form_or_their_trade(text: str, found: list[str]) -> None:
    assert [name.text for name in companies(text)] == found


def test_a_name_is_the_same_in_any_width_and_form() -> None:
    assert (
        core("（株）Ｍｉｎａｍｏ　ソフトウェア")
        == core("Minamoソフトウエア株式会社")
        == core("㈱Ｍｉｎａｍｏソフトウエア")
    )
    assert plain("デジタル・データ") == plain("デジタルデータ")


@given(st.text(alphabet="株式会社㈱銀行証券アイウー・ABｃ１２「」氏総裁庁省のはをに、。 |\n", max_size=80))
def test_names_are_in_order_and_stand_where_they_say(text: str) -> None:
    found = list(names(text))
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert all(one.text in text[one.start : one.end] for one in found)


def test_a_source_without_a_company_of_its_own_is_judged_by_its_names_alone() -> None:
    page = replace(filing(), meta={}, title="用語集")
    chunk = Chunk(page, Span(page.id, 0, len(TEXT)))
    assert (
        check(Candidate("qa", "北山倉庫㈱を吸収合併した会社はどこですか。", "若葉フーズです。", chunk))
        is None
    )
