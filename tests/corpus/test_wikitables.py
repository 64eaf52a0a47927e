"""Tables and templates of wikitext: what a reader sees of them, and nothing of the wiki."""

import time
from datetime import UTC, datetime

import pytest

from corpus.document import Capture, Drop
from corpus.extract import extract
from corpus.extract.wikimarkup import to_markdown


def test_a_table_stays_a_table_with_its_merged_cells_resolved() -> None:
    text = """前の文。
{| class="wikitext" style="text-align:right"
|+ 主要な[[経済指標|指標]]
! rowspan="2" | 年度 !! colspan="2" | 前年比（％）
|-
! 物価 !! 賃金<ref>速報</ref>
|-
| 2024年度 || '''2.7''' || {{nowrap|3.5}}
|-
| 2025年度
| style="color:red" | 2.1
| 4.1<br />（速報）
|}
後の文。"""
    assert to_markdown(text).split("\n\n") == [
        "前の文。",
        "主要な指標",
        (
            "| 年度 | 前年比（％） | 前年比（％） |\n| --- | --- | --- |\n| 年度 | 物価 | 賃金 |\n"
            "| 2024年度 | 2.7 | 3.5 |\n| 2025年度 | 2.1 | 4.1 （速報） |"
        ),
        "後の文。",
    ]


def test_a_table_inside_a_table_becomes_words_of_its_cell_and_one_that_navigates_goes() -> None:
    inner = "{|\n| 甲 || 乙\n|}"
    assert to_markdown(f"{{|\n| 区分 || 値\n|-\n| 一 ||\n{inner}\n|}}") == (
        "| 区分 | 値 |\n| --- | --- |\n| 一 | 甲 乙 |"
    )
    assert to_markdown('{| class="navbox"\n| [[前の項目]]\n|}\n文。') == "文。"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{lang|en|yield}}", "yield"),
        ("{{仮リンク|利回り曲線|en|Yield curve}}", "利回り曲線"),
        ("{{仮リンク|利回り曲線|en|Yield curve|label=曲線}}", "曲線"),
        ("{{読み仮名|金利|きんり}}", "金利（きんり）"),
        ("{{ruby|鑑|かんが}}みる", "鑑みる"),
        ("{{円|1,000}}", "1,000円"),
        ("{{val|2.5|u=％}}", "2.5 ％"),
        ("{{convert|10|km|mi}}", "10 km"),
        ("{{分数|3|4}}", "3/4"),
        ("{{nowrap|1={{lang|ja|満期}}}}", "満期"),
        ("{{formatnum:1234}}", "1234"),
        ("{{上場情報|東証プライム|7203}}", "東証プライム 7203"),
        ("{{JPN}}", "日本"),
        ("債券{{要出典|date=2026年1月}}", "債券"),
        ("債券{{Sfn|山田|2020}}{{efn|注}}", "債券"),
        ("<nowiki>[[株]] {{x}}</nowiki>", "[[株]] {{x}}"),
        ("<math>r = \\frac{1}{2}</math>", "$r = \\frac{1}{2}$"),
        ("債券&nbsp;&amp;&#26666;式__NOTOC__", "債券 &株式"),
    ],
)
def test_templates_keep_the_words_of_the_sentence(template: str, words: str) -> None:
    assert to_markdown(template) == words


def test_a_box_of_facts_becomes_lines() -> None:
    text = """{{基礎情報 会社
|社名 = 見本水産株式会社
|ロゴ = [[ファイル:a.svg]]
|証券コード = {{上場情報|東証プライム|1301}}
|資本金 = 10億円<br />（2026年3月末）
|外部リンク = https://example.jp
|特記事項 =
}}
'''見本水産'''は会社である。"""
    assert to_markdown(text).split("\n\n") == [
        "- 社名: 見本水産株式会社\n- 証券コード: 東証プライム 1301\n- 資本金: 10億円、（2026年3月末）",
        "見本水産は会社である。",
    ]


def test_a_page_that_only_says_where_to_go_is_a_redirect() -> None:
    page = (
        "<page><title>日銀</title><ns>0</ns><id>7</id><revision><id>99</id>"
        "<timestamp>2026-05-06T01:02:03Z</timestamp><text>#転送 [[日本銀行]]</text></revision></page>"
    )
    capture = Capture(
        url="https://ja.wikipedia.org/w/index.php?title=x",
        source="wikipedia",
        fetched_at=datetime(2026, 11, 20, tzinfo=UTC),
        status=200,
        headers=(),
        media_type="application/xml",
        body=page.encode(),
        license="CC-BY-SA-4.0",
    )
    (found,) = extract(capture)
    assert isinstance(found, Drop) and found.reason == "redirect"


def test_tables_nested_beyond_reason_cost_no_time() -> None:
    """Twenty thousand levels took minutes when each read again what the inner ones had said."""
    text = "{|\n|-\n| a\n" * 20_000 + "|}\n" * 20_000
    start = time.process_time()
    assert len(to_markdown(text)) < len(text)
    assert time.process_time() - start < 20
