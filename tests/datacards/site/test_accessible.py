"""Every kind of page can be used by all: no violation that axe knows of, in light and dark, on a phone, on paper."""

from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from datacards.store import Store
from tests.datacards.site.conftest import PAIR, Watched

Shown = tuple[Store, Path]


def kinds(store: Store) -> dict[str, str]:
    """Return an address of every kind of page."""
    folder = store.path(store.resolve("texts@2026.11.21"))
    pages = pq.read_table(
        folder / "markdown/train-00000.parquet", columns=["id", "redistribution"]
    ).to_pylist()
    free, closed = (
        next(row["id"] for row in pages if row["redistribution"] is given) for given in (True, False)
    )
    (question, *_) = pq.read_table(folder / "qa/train-00000.parquet", columns=["id"])["id"].to_pylist()
    browser = "versions/texts/2026.11.21/documents.html"
    return {
        "catalog": "index.html",
        "card": "versions/texts/2026.11.21/index.html",
        "withdrawn": "versions/gone/2026.11.01/index.html",
        "score": "versions/model-fin/2026.11.24/index.html",
        "browser": browser,
        "page": f"{browser}#{urlencode({'d': free})}",
        "pointer": f"{browser}#{urlencode({'d': closed})}",
        "question": f"{browser}#{urlencode({'d': question})}",
        "examples": "versions/texts/2026.11.21/examples.html",
        "lineage": "lineage.html",
        "difference": f"differences/{PAIR[0]}..{PAIR[1]}.html",
        "differences": "differences/index.html",
    }  # fmt: skip


def visit(watched: Watched, address: str) -> Page:
    """Go to a page, and wait until its browser, if it has one, has drawn what the address asks for."""
    watched.page.goto("about:blank")
    watched.page.goto(address)
    for sign, waited in (("d=", "#title"), ("documents.html", "#count:not(:empty)")):
        if sign in address:
            watched.page.locator(waited).wait_for(state="attached")
    return watched.page


def violations(page: Page, scheme: str) -> list[str]:
    # A scheme changes colors alone; preloading would fetch the style, which the pages' own policy does not let it.
    asked: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    asked |= {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    found = Axe().run(page, options=asked).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shown: Shown, watched: Watched, scheme: Any) -> None:
    store, out = shown
    watched.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for kind, address in kinds(store).items():
        page = visit(watched, f"{out.as_uri()}/{address}")
        assert violations(page, scheme) == [], kind


def test_no_page_is_wider_than_a_phone_and_all_headings_are_in_order(shown: Shown, watched: Watched) -> None:
    store, out = shown
    watched.page.set_viewport_size({"width": 390, "height": 844})
    for kind, address in kinds(store).items():
        page = visit(watched, f"{out.as_uri()}/{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, kind
        levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b - a <= 1 for a, b in pairwise(levels)), (kind, levels)


def test_on_a_phone_a_document_takes_the_place_of_the_list(shown: Shown, watched: Watched) -> None:
    store, out = shown
    watched.page.set_viewport_size({"width": 390, "height": 844})
    watched.page.goto(f"{out.as_uri()}/{kinds(store)['question']}")
    watched.page.locator("#title").wait_for()
    assert watched.page.locator("#filters").is_hidden()
    watched.page.get_by_role("link", name="Back to the results").click()
    assert watched.page.locator("#filters").is_visible()


def test_a_served_site_works_as_one_on_the_disk(shown: Shown, watched: Watched, served: str) -> None:
    store, _ = shown
    for address in kinds(store).values():
        assert watched.page.goto("about:blank") is None
        answer = watched.page.goto(served + address)
        assert answer
        assert answer.ok
    watched.page.goto(served + kinds(store)["question"])
    watched.page.locator("article.source mark").first.wait_for()
    assert {url.removeprefix(served).partition("/")[0] for url in watched.asked} >= {
        "site.css",
        "site.js",
        "versions",
    }


def test_links_lead_through_the_whole_site(shown: Shown, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{shown[1].as_uri()}/index.html")
    page.get_by_role("link", name="Lineage").click()
    page.locator("svg a", has_text="texts").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/versions/texts/**")
    page.get_by_role("link", name="Browse the documents").click()
    page.locator("#list a").first.click()
    page.locator("#title").wait_for()
    page.get_by_role("link", name="Catalog").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Catalog"
