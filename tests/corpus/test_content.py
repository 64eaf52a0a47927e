"""Pages of unknown makes: the article, all of it, and nothing of what stands around it."""

from datetime import UTC, datetime

import pytest

from bench.html_text import articles, bare
from corpus.document import Capture, Document
from corpus.extract import extract
from corpus.extract.content import kept, leading_away, small_talk
from sample.web_skins import CHROME, SKINS, Article

ARTICLES = tuple(articles(4))


def _document(html: str, encoding: str = "utf-8") -> Document:
    (found,) = extract(
        Capture(
            url="https://news.example/1.html",
            source="pages",
            fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
            status=200,
            headers=(),
            media_type="text/html",
            body=html.encode(encoding, "xmlcharrefreplace"),
            license="all-rights-reserved",
        )
    )
    assert isinstance(found, Document), found
    return found


@pytest.mark.parametrize("skin", SKINS)
@pytest.mark.parametrize("article", ARTICLES, ids=range(len(ARTICLES)))
def test_an_article_is_read_whole_in_every_skin(skin: str, article: Article) -> None:
    document = _document(SKINS[skin](article), "cp932" if skin == "tables" else "utf-8")
    shown = bare(document.text)
    assert document.title == article.title
    assert document.text.startswith(f"# {article.title}\n\n")
    places = [shown.find(bare(piece.text)) for piece in article.pieces[:-1]]
    assert -1 not in places
    assert places == sorted(places)
    assert bare(article.byline) in shown
    for words in CHROME:
        assert words not in document.text
    assert len(shown) < 1.02 * len(bare(article.text)) + 20


def test_lists_tables_and_notes_keep_their_form() -> None:
    text = _document(SKINS["hashed"](ARTICLES[1])).text
    assert "- 短期金利は小動きで推移した。\n- 長期金利は１．２％まで上昇した。" in text
    assert "| 年度 | 売上高（百万円） | 前年比（％） |\n| --- | --- | --- |\n" in text
    assert "[^1]。" in text and "\n\n[^1]: 数字は" in text
    assert "鑑みるべき" in text and "かんが" not in text


def test_a_list_of_links_stays_where_a_sentence_leads_to_it_and_goes_elsewhere() -> None:
    links = "<ul><li><a href=/1>地域経済の報告</a></li><li><a href=/2>金融システムの点検</a></li></ul>"
    prose = "<p>物価は緩やかに上昇しており、賃金の改善がこれを支えている。</p>" * 3
    led = _document(
        f"<title>題</title><div><h1>物価の動き</h1>{prose}<p>くわしくは次の資料をご覧ください。</p>{links}</div>"
    )
    assert "- 地域経済の報告\n- 金融システムの点検" in led.text
    alone = _document(f"<title>題</title><div><h1>物価の動き</h1>{prose}<div>{links}</div></div>")
    assert "地域経済の報告" not in alone.text


def test_sections_that_lead_away_end_where_the_next_one_begins() -> None:
    parts = ["本文。", "## 関連記事", "- 甲", "- 乙", "## まとめ", "結び。", "この記事をシェア", "- X"]
    assert kept(parts) == ["本文。", "## まとめ", "結び。"]
    assert leading_away("### あわせて読みたい")
    assert not leading_away("関連会社の業績")
    assert small_talk("▲ページの先頭へ戻る") and small_talk("© 見本銀行")
    assert not small_talk("次の四半期も増益を見込む。")


def test_a_page_too_large_for_trafilatura_is_still_read() -> None:
    rows = "".join(f"<p>{n}番目の会社の売上高は、前年に比べて増加した。</p>" for n in range(25_000))
    document = _document(f"<title>題</title><nav><a href=/>ホーム</a></nav><main><h1>業績</h1>{rows}</main>")
    assert document.text.count("売上高") == 25_000
    assert "ホーム" not in document.text
