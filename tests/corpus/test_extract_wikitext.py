"""Articles of a Wikipedia dump: without the wiki, each with its revision; what is no article says so."""

import bz2
import re
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.extract.wikimarkup import categories, nested, to_markdown
from corpus.extract.wikitext import read_page
from sample import wikipedia

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
LEFTOVERS = ("{{", "}}", "[[", "]]", "{|", "|}", "<ref", "''", "__", "&nbsp;", "脚注\n", "ファイル:")
PAGES = re.compile(rb"<page>.*?</page>", re.DOTALL)


def _extract(body: bytes) -> Document | Drop:
    (found,) = extract(
        Capture(
            url="https://ja.wikipedia.org/w/index.php?title=%E6%A0%AA&oldid=99",
            source="wikipedia",
            fetched_at=NOW,
            status=200,
            headers=(),
            media_type="application/xml",
            body=body,
            license="CC-BY-SA-4.0",
            meta={"kind": "article", "language": "ja", "category_path": "金融 > 債券", "dump": "20261101"},
        )
    )
    return found


def _document(body: bytes) -> Document:
    found = _extract(body)
    assert isinstance(found, Document), found
    return found


def _page(title: str, text: str, ns: int = 0, extra: str = "") -> bytes:
    return (
        f"<page><title>{title}</title><ns>{ns}</ns><id>7</id>{extra}<revision><id>99</id>"
        f"<timestamp>2026-05-06T01:02:03Z</timestamp><text>{text}</text></revision></page>"
    ).encode()


def test_articles_leave_no_wiki_behind() -> None:
    found = [_extract(raw) for raw in PAGES.findall(bz2.decompress(wikipedia.dump()))]
    documents = {one.title: one for one in found if isinstance(one, Document)}
    assert {"中央銀行", "金融政策", "株式", "貸借対照表", "汐凪水産"} <= set(documents)
    assert {one.reason for one in found if isinstance(one, Drop)} == {
        "redirect",
        "other_namespace",
        "disambiguation",
    }
    for document in documents.values():
        for leftover in LEFTOVERS:
            assert leftover not in document.text, (document.title, leftover)


def test_an_article_names_its_page_revision_license_and_the_way_to_it() -> None:
    document = _document(_page("国債 市場", "'''国債'''は債券である。[[Category:債券]]"))
    assert document.text == "# 国債 市場\n\n国債は債券である。"
    assert document.url == "https://ja.wikipedia.org/wiki/国債_市場"
    assert document.license == "CC-BY-SA-4.0"
    assert (
        document.attribution
        == "出典：「国債 市場」（https://ja.wikipedia.org/wiki/国債_市場?oldid=99）、CC BY-SA 4.0"
        "（https://creativecommons.org/licenses/by-sa/4.0/）をもとに加工して作成"
    )
    assert document.published_at == date(2026, 5, 6)
    assert document.meta["revision"] == "99"
    assert document.meta["kind"] == "article"
    assert document.meta["categories"] == "債券"
    assert document.meta["category_path"] == "金融 > 債券"


def test_a_question_mark_in_a_title_does_not_end_its_address() -> None:
    document = _document(_page("景気は100%回復?", "景気の本である。[[Category:景気循環]]"))
    assert document.url == "https://ja.wikipedia.org/wiki/景気は100%25回復%3F"
    assert f"（{document.url}?oldid=99）" in document.attribution


def test_pages_that_are_no_articles_say_so() -> None:
    cases = {
        "disambiguation": _page("元本 (曖昧さ回避)", "* 一\n* 二\n{{aimai}}[[Category:金融]]"),
        "redirect": _page("日銀", "#REDIRECT [[日本銀行]]", extra='<redirect title="日本銀行" />'),
        "other_namespace": _page("Category:金融", "[[Category:経済]]", 14),
        "empty_article": _page("空", "{{stub}}"),
    }
    for reason, body in cases.items():
        found = _extract(body)
        assert isinstance(found, Drop) and found.reason == reason


def test_real_pages_leave_no_wiki_behind(shared_data: Path) -> None:
    xml = bz2.decompress((shared_data / "wikipedia/jawiki_pages_a.xml.bz2").read_bytes())
    pages = [read_page(raw) for raw in PAGES.findall(xml)]
    texts = {p.title: to_markdown(p.text) for p in pages if p.namespace == "0" and not p.redirect}
    assert len(texts) == 11
    for title, text in texts.items():
        for leftover in ("{{", "}}", "[[", "]]", "{|", "<ref", "''"):
            assert leftover not in text, (title, leftover)
    assert "## 特徴\n\n重要な点は、三つの群で大きく異なるが、共通することも多い。" in texts["コケ植物"]
    assert len(texts["日本語"]) > 50_000


def test_entities_are_refused() -> None:
    """A page declares none, so a reference is an error; one that declares some is refused before they are read."""
    for body in (_page("爆弾", "&b;"), _page("爆弾", '<!DOCTYPE x [<!ENTITY b "bb">]>&b;')):
        found = _extract(body)
        assert isinstance(found, Drop) and found.reason == "broken_page"


def test_links_lists_headings_and_tables() -> None:
    text = """{{Infobox|名=x{{nest|[[a]]}}}}
'''金利'''（きんり、{{lang-en|interest rate}}）は、[[資金]]の[[価格 (経済)|価格]]である<ref name="a">注{{Cite|x}}</ref><ref name="a" />。
[[ファイル:a.png|thumb|[[金利]]の推移]]次の行。
{| class="wikitext"
| a || {| 内 |}
|}
== 種類 ==
* [[名目金利]]
** 固定
# 一
; 用語
: 説明 {{仮リンク|見出し|en|Head}}
=== 空 ===
== 関連項目 ==
* [[債券]]
[[Category:金利]]"""
    assert to_markdown(text).split("\n\n") == [
        "金利（きんり）は、資金の価格である。次の行。",
        "a",
        "## 種類",
        "- 名目金利\n  - 固定\n1. 一\n**用語**\n説明 見出し",
    ]
    assert categories(text) == ["金利"]


def test_what_is_left_open_loses_nothing_but_its_sign() -> None:
    assert nested("前{{a|b 後", "{{", "}}", lambda _: "") == "前a|b 後"
    assert nested("前}}後", "{{", "}}", lambda _: "") == "前後"
    assert nested("{{" * 50_000, "{{", "}}", lambda _: "") == ""


@given(st.text(alphabet="{}[]|'=*#:;<>ref/ \n!-_金利a&", max_size=200))
def test_no_markup_breaks_the_reader(text: str) -> None:
    assert not re.search(r"\[\[|\{\{", to_markdown(text))


def test_time_stays_linear_in_markup_that_is_never_closed() -> None:
    """Each of these took minutes when a search ran to the end of the page from every opening."""
    for text in (
        "<ref>",
        "<math>",
        "{{a",
        "[[a",
        "[http://a ",
        "= ",
        "<!--",
        "（、",
        "{|",
        "、",
        " ",
        "<nowiki>",
        "|| ",
        "\n| a",
    ):
        assert len(to_markdown(text * 40_000)) <= 40_000 * len(text)
