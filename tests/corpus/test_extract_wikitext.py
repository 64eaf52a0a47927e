"""Wikipedia dumps: the finance articles, without the wiki, each with its revision; the rest counted."""

import bz2
import itertools
import re
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.extract.wikimarkup import categories, nested, to_markdown
from corpus.extract.wikitext import Dump, wanted_categories
from sample import wikipedia

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
LEFTOVERS = ("{{", "}}", "[[", "]]", "{|", "|}", "<ref", "''", "__", "&nbsp;", "脚注\n", "ファイル:")


def _extract(body: bytes) -> tuple[list[Document], dict[str, str]]:
    found = extract(
        Capture(
            url="https://dumps.wikimedia.org/jawiki/latest/jawiki-latest-pages-articles.xml.bz2",
            source="wikipedia",
            fetched_at=NOW,
            status=200,
            headers=(),
            media_type="application/x-bzip2",
            body=body,
            license="CC-BY-SA-4.0",
            meta={"kind": "dump", "language": "ja"},
        )
    )
    return (
        [one for one in found if isinstance(one, Document)],
        {one.reason: one.detail for one in found if isinstance(one, Drop)},
    )


def _dump(*pages: str, head: str = "") -> bytes:
    xml = f'{head}<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="ja">{"".join(pages)}</mediawiki>'
    return bz2.compress(xml.encode())


def _page(title: str, text: str, ns: int = 0, extra: str = "") -> str:
    return (
        f"<page><title>{title}</title><ns>{ns}</ns><id>7</id>{extra}<revision><id>99</id>"
        f"<timestamp>2026-05-06T01:02:03Z</timestamp><text>{text}</text></revision></page>"
    )


def test_the_finance_articles_of_a_dump_and_no_others() -> None:
    documents, drops = _extract(wikipedia.dump())
    titles = [document.title for document in documents]
    assert {"中央銀行", "金融政策", "株式", "貸借対照表", "汐凪水産"} <= set(titles)
    assert not {"味噌汁", "将棋", "琵琶湖", "日銀", "ROE"} & set(titles)
    assert drops["redirect"].startswith("7 pages")
    assert drops["other_subject"].startswith("6 pages")
    assert set(drops) == {"redirect", "other_subject", "other_namespace"}
    for document in documents:
        for leftover in LEFTOVERS:
            assert leftover not in document.text, (document.title, leftover)


def test_an_article_names_its_page_revision_and_license() -> None:
    documents, _ = _extract(_dump(_page("国債 市場", "'''国債'''は債券である。[[Category:債券]]")))
    (document,) = documents
    assert document.text == "# 国債 市場\n\n国債は債券である。"
    assert document.url == "https://ja.wikipedia.org/wiki/国債_市場"
    assert document.license == "CC-BY-SA-4.0"
    assert (
        document.attribution
        == "出典：「国債 市場」（https://ja.wikipedia.org/wiki/国債_市場?oldid=99）、CC BY-SA 4.0"
    )
    assert document.published_at == date(2026, 5, 6)
    assert document.meta["revision"] == "99"
    assert document.meta["kind"] == "article"
    assert document.meta["categories"] == "債券"


def test_a_question_mark_in_a_title_does_not_end_its_address() -> None:
    ((document,), _) = _extract(_dump(_page("景気は100%回復?", "景気の本である。[[Category:景気循環]]")))
    assert document.url == "https://ja.wikipedia.org/wiki/景気は100%25回復%3F"
    assert f"（{document.url}?oldid=99）" in document.attribution


def test_categories_are_followed_down_three_steps_and_not_into_people() -> None:
    steps = ["金融", "金融商品分類", "細目甲", "細目乙", "細目丙"]
    pages = [_page(f"Category:{low}", f"[[Category:{high}]]", 14) for high, low in itertools.pairwise(steps)]
    pages += [
        _page("Category:日本の人物", "[[Category:金融]]", 14),
        _page("Category:輪", "[[Category:輪]]", 14),
    ]
    wanted = wanted_categories(Dump(_dump(*pages)).pages())
    assert {"細目甲", "細目乙"} <= wanted
    assert not {"細目丙", "日本の人物", "輪"} & wanted


def test_disambiguation_pages_are_no_articles() -> None:
    _, drops = _extract(_dump(_page("元本 (曖昧さ回避)", "* 一\n* 二\n{{aimai}}[[Category:金融]]")))
    assert drops["disambiguation"].startswith("1 pages")


def test_a_dump_cut_off_gives_what_is_readable(shared_data: Path) -> None:
    """A bzip2 block that is not whole gives nothing: here of 100 kB, in real dumps of 900 kB of XML."""
    packed = (shared_data / "wikipedia/jawiki_pages_a.xml.bz2").read_bytes()
    body = bz2.compress(bz2.decompress(packed), 1)
    whole, cut = Dump(body), Dump(body[: len(body) * 9 // 10])
    pages = list(whole.pages())
    assert (len(pages), whole.damage) == (17, "")
    some = list(cut.pages())
    assert 0 < len(some) < 17
    assert some == pages[: len(some)]
    assert "ends early" in cut.damage
    assert "truncated_dump" in _extract(body[:-100])[1]


def test_real_pages_leave_no_wiki_behind(shared_data: Path) -> None:
    pages = Dump((shared_data / "wikipedia/jawiki_pages_a.xml.bz2").read_bytes()).pages()
    texts = {p.title: to_markdown(p.text) for p in pages if p.namespace == "0" and not p.redirect}
    assert len(texts) == 11
    for title, text in texts.items():
        for leftover in ("{{", "}}", "[[", "]]", "{|", "<ref", "''"):
            assert leftover not in text, (title, leftover)
    assert "## 特徴\n\n重要な点は、三つの群で大きく異なるが、共通することも多い。" in texts["コケ植物"]
    assert len(texts["日本語"]) > 50_000


def test_entities_in_a_dump_are_refused() -> None:
    head = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    documents, drops = _extract(_dump(_page("爆弾", "&b;[[Category:金融]]"), head=head))
    assert documents == []
    assert "DTDForbidden" in drops["truncated_dump"]


def test_a_dump_that_unpacks_without_end_is_stopped() -> None:
    body = bz2.compress(b"<mediawiki><page><title>" + b" " * (70 << 20))
    dump = Dump(body)
    assert list(dump.pages()) == []
    assert "far more than any real dump" in dump.damage


def test_several_streams_in_one_file_are_read_on() -> None:
    """Multistream dumps and parallel compressors write many."""
    xml = bz2.decompress(_dump(_page("株", "株だ。[[Category:株式]]")))
    parts = b"".join(bz2.compress(xml[n : n + 50]) for n in range(0, len(xml), 50))
    assert [page.title for page in Dump(parts).pages()] == ["株"]


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
    for text in ("<ref>", "<math>", "{{a", "[[a", "[http://a ", "= ", "<!--", "（、", "{|"):
        assert len(to_markdown(text * 40_000)) <= 40_000 * len(text)
