"""Links and titles are read by the bytes of a page, whatever charset and markup it has."""

import pytest
from scrapy.http import HtmlResponse

from spiders.institutions.links import Page


def page(body: bytes, content_type: str = "text/html") -> Page:
    return Page(HtmlResponse("http://e.jp/a/b.html", headers={"Content-Type": content_type}, body=body))


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp"])
@pytest.mark.parametrize("declared", ["", "utf-8", "Shift_JIS", "EUC-JP", "ISO-2022-JP", "no-such-charset"])
@pytest.mark.parametrize("where", ["header", "meta"])
def test_titles_are_right_whatever_charset_is_declared(codec: str, declared: str, where: str) -> None:
    said = f"charset={declared}" if declared else ""
    meta = f'<meta http-equiv="Content-Type" content="text/html; {said}">' if where == "meta" else ""
    html = f'<html><head>{meta}</head><body><h1>金融用語のことば</h1><a href="x.html">元利均等返済</a></body></html>'
    found = page(html.encode(codec), f"text/html; {said}" if where == "header" else "text/html")
    assert found.heading == "金融用語のことば"
    assert [(link.url, link.title) for link in found.links()] == [("http://e.jp/a/x.html", "元利均等返済")]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="x"><img src="i" alt=" 為替 "></a>', ("x", "為替", "link")),
        ('<a href="x"><ruby>手形<rt>てがた</rt></ruby><br>割引</a>', ("x", "手形 割引", "link")),
        ('<a href="x">決算短信（PDF：312KB）</a>', ("x", "決算短信", "link")),
        ('<a href="x">決算短信［PDF／1.2MB］</a>', ("x", "決算短信", "link")),
        ('<a href="x" title="年次報告"></a>', ("x", "年次報告", "link")),
        ('<map><area href="x" alt="あ行"></map>', ("x", "あ行", "link")),
        ('<link rel="next" href="x">', ("x", "", "next")),
        ('<a rel="nofollow NEXT" href="x">次</a>', ("x", "次", "next")),
        ('<iframe src="x"></iframe>', ("x", "", "frame")),
        ('<META HTTP-EQUIV=refresh CONTENT="0;URL=x">', ("x", "", "next")),
    ],
)
def test_links_are_read_in_every_form(html: str, expected: tuple[str, str, str]) -> None:
    (link,) = page(html.encode()).links()
    assert (link.url.removeprefix("http://e.jp/a/"), link.title, link.role) == expected


def test_a_page_may_name_another_base_and_a_query_is_in_its_charset() -> None:
    html = '<base href="/c/"><a href="d?q=円">為替のことば</a><link rel="stylesheet" href="s"><a href="http://[">?</a>'
    (link,) = page(html.encode("cp932")).links()
    assert link.url == "http://e.jp/c/d?q=%89~"


def test_a_query_that_its_charset_cannot_say_is_in_utf_8() -> None:
    html = '<p>為替のことば</p><a href="?q=&#x20bb7;">?</a>'
    (link,) = page(html.encode("cp932")).links()
    assert link.url == "http://e.jp/a/b.html?q=%F0%A0%AE%B7"
