"""The document browser in a real one: it answers as the Parquet files do, runs nothing of theirs, and asks nobody."""

import json
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from datacards.store import Store
from tests.datacards.site.conftest import Watched
from tests.datacards.site.made import COMPANIES, HOSTILE, SECRET

Shown = tuple[Store, Path]


def rows(store: Store, ref: str) -> dict[str, dict[str, Any]]:
    """Return the documents of a version as its files have them, by id."""
    folder = store.path(store.resolve(ref))
    found = [row for path in sorted(folder.glob("*/*.parquet")) for row in pq.read_table(path).to_pylist()]
    return {row["id"]: row for row in found}


def opened(watched: Watched, out: Path, ref: str = "texts/2026.11.21", **asked: str) -> Page:
    page = watched.page
    page.goto("about:blank")
    page.goto(f"{(out / 'versions' / ref / 'documents.html').as_uri()}#{urlencode(asked)}")
    expect(page.locator("#count")).not_to_be_empty()
    return page


def listed(page: Page) -> set[str]:
    """Return the ids of all pages of results."""
    found: set[str] = set()
    while True:
        found |= set(
            page.locator("#list a").evaluate_all(
                "all => all.map(a => new URLSearchParams(a.hash.slice(1)).get('d'))"
            )
        )
        if not page.locator("#next").is_visible() or page.locator("#next").is_disabled():
            return found
        at = page.locator("#page").inner_text()
        page.locator("#next").click()
        expect(page.locator("#page")).not_to_have_text(at)


def companies(row: dict[str, Any], every: dict[str, dict[str, Any]]) -> set[str]:
    own = json.loads(row["meta"]).get("edinet_code")
    parents = (every[span["id"]] for span in row["made_from"] if span["id"] in every)
    return {own} if own else {code for parent in parents for code in companies(parent, every)}


FILTERS = [
    ({}, lambda row, _: True),
    ({"format": "qa"}, lambda row, _: row["format"] == "qa"),
    ({"source": "boj_speeches"}, lambda row, _: row["source"] == "boj_speeches"),
    ({"company": "E90002"}, lambda row, every: "E90002" in companies(row, every)),
    ({"from": "2024-06-01", "to": "2024-12-31"}, lambda row, _: "2024-06-01" <= str(row["available_at"]) <= "2024-12-31"),
    ({"q": "第１期"}, lambda row, _: "第1期" in unicodedata.normalize("NFKC", row["title"])),
    ({"q": "汐凪 報告書", "format": "sections", "to": "2024-09-01"}, lambda row, _: row["format"] == "sections" and "汐凪" in row["title"] and "報告書" in row["title"] and str(row["available_at"]) <= "2024-09-01"),
    ({"q": "どこにもない言葉"}, lambda row, _: False),
]  # fmt: skip


def test_filters_answer_as_the_files_do(shown: Shown, watched: Watched) -> None:
    store, out = shown
    every = rows(store, "texts@2026.11.21")
    for asked, holds in FILTERS:
        page = opened(watched, out, **asked)
        want = {name for name, row in every.items() if holds(row, every)}
        assert listed(page) == want
        expect(page.locator("#count")).to_have_text(f"{len(want)} of {len(every)} documents")


def test_filters_are_filled_in_by_hand_kept_in_the_address_and_cleared(
    shown: Shown, watched: Watched
) -> None:
    page = opened(watched, shown[1])
    page.get_by_label("Words in the title").fill("千代紙")
    page.get_by_label("Format").select_option("qa")
    page.get_by_label("Company").select_option(label=f"{COMPANIES[1][1]} (E90002) (36)")
    expect(page.locator("#count")).to_have_text("8 of 128 documents")
    assert "format=qa" in page.url
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#count")).to_have_text("128 of 128 documents")


@pytest.mark.parametrize("form", ["qa", "multiple_choice", "sections"])
def test_what_a_document_was_made_from_is_marked_in_its_parent(
    shown: Shown, watched: Watched, form: str
) -> None:
    """Spans count code points: two of the parents have characters that JavaScript counts twice before the span."""
    store, out = shown
    every = rows(store, "texts@2026.11.21")
    chosen = [
        row
        for row in every.values()
        if row["format"] == form
        and ("𠮷" in row["title"] or "長い" in row["title"] or "第3期" in row["title"])
    ]
    assert len(chosen) == 3
    for row in chosen:
        page = opened(watched, out, d=row["id"])
        (span,) = row["made_from"]
        want = every[span["id"]]["text"][span["start"] : span["end"]]
        marks = page.locator("article.source mark")
        expect(marks.first).to_be_visible()
        assert "".join(marks.all_text_contents()) == want or form == "sections"
        assert want.startswith(marks.first.text_content() or "?")
        assert page.locator(".own .text").text_content()
        # It is seen without scrolling by hand: its middle lies in the box of the source.
        box, mark = page.locator("article.source .text").bounding_box(), marks.first.bounding_box()
        assert box
        assert mark
        assert form == "sections" or box["y"] <= mark["y"] + mark["height"] / 2 <= box["y"] + box["height"]


def test_a_page_stands_beside_all_that_was_made_of_it(shown: Shown, watched: Watched) -> None:
    store, out = shown
    every = rows(store, "texts@2026.11.21")
    parent = next(
        row for row in every.values() if row["format"] == "markdown" and row["title"].endswith("第5期")
    )
    children = [row for row in every.values() if any(span["id"] == parent["id"] for span in row["made_from"])]
    page = opened(watched, out, d=parent["id"])
    expect(page.locator(".derived")).to_have_count(len(children))
    assert {said.strip() for said in page.locator(".derived .said").all_text_contents()} == {
        row["text"] for row in children
    }
    assert page.locator(".own .text").text_content() == parent["text"]
    page.locator(".derived", has_text="質問").get_by_role("button", name="Show in the text").click()
    assert page.locator("mark.lit").all_text_contents() == ["15,321百万円"]
    assert page.locator(".rights").inner_text().count(parent["attribution"]) == 1


def test_parents_that_lie_in_the_input_are_shown_but_not_counted(shown: Shown, watched: Watched) -> None:
    store, out = shown
    question = next(row for row in rows(store, "asked").values() if "第7期" in row["title"])
    page = opened(watched, out, "asked/2026.11.22", d=question["id"])
    expect(page.locator("article.source mark")).to_have_text("17,321百万円")
    expect(page.locator("#count")).to_have_text("30 of 30 documents")
    page.locator("article.source h4 a").click()
    expect(page.locator("#document dl.facts").first).to_contain_text("texts@2026.11.21")


@pytest.mark.parametrize("ref", ["texts/2026.11.21", "public/2026.11.22"])
def test_what_may_not_be_given_on_is_a_pointer_with_its_reason(
    shown: Shown, watched: Watched, ref: str
) -> None:
    page = opened(watched, shown[1], ref, source="boj_speeches")
    page.locator("#list a").first.click()
    expect(page.locator("#document .pointer")).to_contain_text(
        "BOJ-terms does not allow its texts to be given to others"
    )
    assert SECRET[:12] not in page.content()
    assert page.locator("#document .text").count() == 0
    if ref.startswith("public"):
        assert len(page.locator("dt:text-is('SHA-256 of the text') + dd").text_content() or "") == 64


def test_hostile_titles_are_words(shown: Shown, watched: Watched) -> None:
    """The fixture fails when a dialog opens, something is fetched, or a policy complains."""
    page = opened(watched, shown[1], source="wikipedia")
    titles = page.locator("#list a").all_text_contents()
    for title in HOSTILE:
        assert title in titles
        page.locator("#list a", has_text=title[:20]).first.click()
        expect(page.locator("#title")).to_have_text(title)
        assert not page.title().startswith("走った")
        page.go_back()
    assert page.locator("#browser img, #browser script").count() == 0


def test_the_keyboard_alone_leads_to_a_document_and_back(shown: Shown, watched: Watched) -> None:
    page = opened(watched, shown[1])
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert seen[0] == "Skip to the content"
    fields = [one for one in dict.fromkeys(seen) if one in ("q", "format", "source", "company", "from", "to")]
    assert fields == ["q", "format", "source", "company", "from", "to"]
    page.locator("#list a").nth(2).focus()
    name = page.locator("#list a").nth(2).inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_be_focused()
    expect(page.locator("#title")).to_have_text(name)
    page.keyboard.press("Tab")
    page.get_by_role("link", name="Back to the results").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#list a").nth(2)).to_be_focused()
    page.locator("#next").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#results-head")).to_be_focused()
    expect(page.locator("#page")).to_have_text("Page 2 of 3")
    page.locator("#list a").last.press("Enter")
    page.get_by_role("link", name="Next document").click()
    expect(page.locator("#page")).to_have_text("Page 3 of 3")
    page.get_by_role("link", name="Back to the results").click()
    expect(page.locator("#list a").first).to_be_focused()


def test_without_javascript_a_page_of_first_documents_is_offered(shown: Shown, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((shown[1] / "versions/texts/2026.11.21/documents.html").as_uri())
    page.get_by_role("link", name="Examples").click()
    assert page.locator("article").count() == 50
    assert page.get_by_role("heading", level=1).inner_text() == "Examples"
    context.close()


def test_missing_data_is_said(shown: Shown, chromium: Any, tmp_path: Path) -> None:
    for name in ("site.css", "site.js", "versions/texts/2026.11.21/documents.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((shown[1] / name).read_bytes())
    page = chromium.new_page()
    page.goto((tmp_path / "versions/texts/2026.11.21/documents.html").as_uri())
    expect(page.get_by_role("alert")).to_contain_text("cannot be loaded")
    page.close()
