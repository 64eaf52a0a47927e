"""The glossary of the sample world: found through its index pages, with readings and definitions."""

from datetime import datetime
from typing import Any

from lxml import html

from sample.companies import JST
from sample.glossary import DISALLOWED, addresses, related_companies, respond, terms
from sample.http import Request


def page(path: str) -> Any:
    response = respond(Request("jpx", path, {}, {}, datetime(2026, 11, 21, tzinfo=JST)))
    assert response.status == 200, path
    found: Any = html.fromstring(response.body.decode("utf-8"))
    found.make_links_absolute("http://jpx" + path)
    return found


def links(path: str) -> set[str]:
    return {str(link).removeprefix("http://jpx") for link in page(path).xpath("//main//a/@href")}


def test_every_term_is_reached_from_the_index_by_two_links() -> None:
    rows = links("/glossary/index.html") - {DISALLOWED}
    assert len(rows) == 10
    assert set(terms()) <= {path for row in rows for path in links(row)}


def test_there_are_sixty_terms_and_more_each_with_a_reading_in_kana() -> None:
    assert len(terms()) >= 60
    for term in terms().values():
        assert all("ぁ" <= sign <= "ん" or sign == "ー" for sign in term.reading), term.reading
        assert 1 <= len(term.paragraphs) <= 4
        assert len(term.paragraphs[0]) >= 30


def test_a_term_page_holds_headword_reading_definition_and_related_stocks() -> None:
    path, term = next(item for item in terms().items() if item[1].headword == "自己資本利益率")
    text = page(path).xpath("string(//article)")
    assert "（じこしほんりえきりつ）" in text
    assert "当期純利益÷自己資本×100" in text
    companies = related_companies(term)
    assert companies
    assert all(company.name in text and company.sec_code[:4] in text for company in companies)


def test_the_forbidden_page_is_linked_and_exists() -> None:
    assert DISALLOWED in links("/glossary/index.html")
    assert DISALLOWED in addresses()
