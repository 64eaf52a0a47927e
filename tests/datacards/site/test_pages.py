"""The pages as files: whole, safe, the same each time, and without a text that may not be given on."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from click.testing import CliRunner

from datacards.card import Ref, Rights
from datacards.cli import main
from datacards.diff import CHANGES, REASONS, Count, Diff, Row, diff
from datacards.errors import UserError
from datacards.site.build import build
from datacards.site.data import script
from datacards.site.differences import difference_page
from datacards.site.page import POLICY, WARNING
from datacards.store import Store
from tests.datacards.site.conftest import PAIR
from tests.datacards.site.made import HOSTILE, SECRET, base, dataset, plain

Shown = tuple[Store, Path]


class Parsed(HTMLParser):
    """Collects tags with their attributes, the text, and whether the tags match."""

    VOID = frozenset({"meta", "link", "img", "input", "rect", "path", "hr", "br"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@dataclass(frozen=True, eq=False)
class Told(Diff):
    """A diff that was told, not found."""

    only: tuple[Row, ...] = ()

    def rows(self) -> Iterator[Row]:
        yield from self.only


def pages(out: Path) -> Iterator[tuple[Path, Parsed]]:
    for path in sorted(out.rglob("*.html")):
        yield path, Parsed(path)


def test_every_page_is_whole_and_holds_nothing_that_runs_or_styles_by_itself(shown: Shown) -> None:
    found = list(pages(shown[1]))
    assert len(found) == 2 + 10 + 2 * 5 + 2
    for path, page in found:
        assert page.open == [], path
        assert all(attributes.keys() == {"src", "defer"} for attributes in page.all("script")), path
        assert "style" not in {name for name, _ in page.tags}, path
        assert not [a for _, a in page.tags if "style" in a or any(key.startswith("on") for key in a)], path
        assert {a["content"] for a in page.all("meta") if a.get("http-equiv")} == {POLICY}
        assert page.all("html") == [{"lang": "en"}]
        assert len(page.all("main")) == len(page.all("h1")) == len(page.all("footer")) == 1


def test_every_address_in_the_site_leads_to_a_file_of_it(shown: Shown) -> None:
    for path, page in pages(shown[1]):
        ids = [a["id"] for _, a in page.tags if a.get("id")]
        assert len(ids) == len(set(ids)), path
        for _, attributes in page.tags:
            for address in (attributes[key] for key in ("href", "src") if key in attributes):
                parts = urlsplit(address)
                if parts.scheme in ("https", "http", "data"):
                    assert "src" not in attributes or parts.scheme == "data"
                elif parts.path:
                    assert (path.parent / unquote(parts.path)).is_file(), (path, address)
                elif parts.fragment:
                    assert parts.fragment in ids, (path, address)


def test_every_table_has_a_caption_and_scopes_and_every_field_a_label(shown: Shown) -> None:
    for path, page in pages(shown[1]):
        assert len(page.all("table")) == len(page.all("caption")), path
        assert all(a.get("scope") in ("col", "row") for a in page.all("th")), path
        labelled = {a["for"] for a in page.all("label")}
        assert {a["id"] for a in [*page.all("input"), *page.all("select")]} == labelled, path


def test_the_catalog_has_the_newest_first_and_marks_what_is_withdrawn(shown: Shown) -> None:
    text = Parsed(shown[1] / "index.html").text
    order = [
        text.index(one)
        for one in ("texts 2026.11.23", "texts 2026.11.21", "gone 2026.11.01.1", "gone 2026.11.01 ")
    ]
    assert order[0] < order[1]
    assert order[2] < order[3]
    assert "Withdrawn by takedowns@2026.11.23 . Use gone@2026.11.01.1 instead." in text.replace("  ", " ")
    assert text.startswith("Kanagura Skip")
    assert "model-fin 2026.11.24" in text


def test_a_withdrawn_version_keeps_a_page_but_nothing_of_what_it_held(shown: Shown) -> None:
    folder = shown[1] / "versions/gone/2026.11.01"
    assert sorted(path.name for path in folder.iterdir()) == ["index.html"]
    assert "Withdrawn" in Parsed(folder / "index.html").text
    for path in shown[1].rglob("*"):
        assert not path.is_file() or "消されるべき本文" not in path.read_text(encoding="utf-8"), path


def test_a_card_page_says_what_the_readme_says_and_links_to_inputs_and_uses(shown: Shown) -> None:
    store, out = shown
    page = Parsed(out / "versions/texts/2026.11.21/index.html")
    said = (store.path(store.resolve("texts@2026.11.21")) / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", said, re.MULTILINE)
    assert headings
    assert all(heading in page.text for heading in headings)
    assert "見本の文書です。<b>太字ではない</b>" in page.text
    links = {a["href"] for a in page.all("a")}
    assert {
        "../../../versions/pages/2026.11.20/index.html",
        "../../../versions/model/2026.11.24/index.html",
        "documents.html",
    } <= links
    assert any(a["src"].startswith("data:image/svg+xml;base64,") for a in page.all("img"))


def test_no_text_that_may_not_be_given_on_is_in_any_file(shown: Shown) -> None:
    files = [path for path in shown[1].rglob("*") if path.is_file()]
    assert len(files) > 40
    for path in files:
        content = path.read_text(encoding="utf-8")
        assert not [n for n in range(len(SECRET) - 12) if SECRET[n : n + 13] in content], path


def test_a_site_with_restricted_texts_says_so_on_every_page(shown: Shown, tmp_path: Path) -> None:
    store, _ = shown
    asked = ["site", str(tmp_path / "out"), "--with-restricted", "--store", str(store.root)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert "do not put it online" in done.output
    assert SECRET in (tmp_path / "out/versions/texts/2026.11.21/data/texts-0000.js").read_text(
        encoding="utf-8"
    )
    for path, page in pages(tmp_path / "out"):
        assert page.text.count(WARNING) == 2, path
        assert {"name": "robots", "content": "noindex, nofollow, noarchive"} in page.all("meta")
    assert "Disallow: /" in (tmp_path / "out/robots.txt").read_text()


def test_the_same_store_gives_the_same_bytes(shown: Shown, tmp_path: Path) -> None:
    store, out = shown
    build(store, tmp_path / "again", differences=[(store.resolve(PAIR[0]), store.resolve(PAIR[1]))])
    names = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert names == sorted(
        p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file()
    )
    assert [n for n in names if (out / n).read_bytes() != (tmp_path / "again" / n).read_bytes()] == []


@pytest.mark.parametrize("value", [*HOSTILE, "\u2028\u2029</SCRIPT>\\u003c\"'`", "\0\x1f", "half \ud800"])
def test_a_script_of_data_is_one_line_that_no_string_ends(value: str) -> None:
    text = script("index", {"rows": [value]}).decode("utf-8")
    assert "<" not in text
    assert text.splitlines() == [text.removesuffix("\n")]
    inner = json.loads(text.removeprefix('kanagura.put("index",').removesuffix(");\n"))
    assert json.loads(inner) == {"rows": [value.replace("\ud800", "?")]}


def test_a_readme_cannot_bring_markup_scripts_or_pictures_from_elsewhere(
    store: Store, tmp_path: Path
) -> None:
    hostile = (
        "[a](javascript:alert(1)) ![b](https://example.invalid/x.png) <script>alert(1)</script> [c](../../x) "
        "[d](https://example.invalid/) ![e](../../secret.svg) <img src=x onerror=alert(1)> "
        "| x |\n| --- |\n| <b>y</b> |\n"
    )
    with store.write(
        name="hostile", version="2026.11.21", kind="captures", recipe={}, description=hostile
    ) as draft:
        draft.rights.append(Rights(license="PDL-1.0", attribution=hostile, redistribution=True))
    build(store, tmp_path / "out")
    page = Parsed(tmp_path / "out/versions/hostile/2026.11.21/index.html")
    assert page.all("script") == page.all("img") == page.all("b") == page.all("i") == []
    outside = {a["href"] for a in page.all("a")} - {"#content"}
    assert all(address.startswith(("https://", "../../../", "#part-", "card.json")) for address in outside), (
        outside
    )


def test_a_page_of_differences_adds_up_and_leads_to_documents(shown: Shown) -> None:
    store, out = shown
    found = diff(store, store.resolve(PAIR[0]), store.resolve(PAIR[1]))
    page = Parsed(out / f"differences/{PAIR[0]}..{PAIR[1]}.html")
    assert found.number() == 4
    for one in found.counts:
        assert f"{one.format} {one.change} {one.reason} {one.rows:,} {REASONS[one.reason]}" in page.text
    for form in found.formats:
        numbers = (found.before[form], *(found.number(change, form) for change in CHANGES), found.after[form])
        assert " ".join([form, *map(str, numbers)]) in page.text
    left = {row.id_a for row in found.rows()}
    asked = {
        parse_qs(urlsplit(a["href"]).fragment)["d"][0]
        for a in page.all("a")
        if "documents.html#" in a["href"]
    }
    assert asked == left
    assert f"{PAIR[0]} to {PAIR[1]} 4" in Parsed(out / "differences/index.html").text


def test_what_was_taken_down_is_not_named_in_a_difference() -> None:
    row = Row(
        "markdown",
        "removed",
        "takedown",
        "by takedowns@2026.11.23",
        "a" * 32,
        "",
        "edinet",
        "https://example.invalid/gone",
        "消された題名",
        "",
    )
    counts = (Count("markdown", "removed", "takedown", 1),)
    a, b = (Ref(name="texts", version=f"2026.11.2{n}") for n in (1, 3))
    found = Told(a, b, "dataset", {"markdown": 1}, {"markdown": 0}, counts, only=(row,))
    text = " ".join(difference_page(found, {str(a): {"a" * 32}}))
    assert "a" * 32 in text
    assert "消された題名" not in text
    assert "example.invalid" not in text


def test_a_damaged_card_is_named_and_the_rest_is_shown(store: Store, tmp_path: Path) -> None:
    plain(store, "good", "2026.11.21", "captures")
    bad = plain(store, "bad", "2026.11.21", "captures")
    (store.path(bad) / "card.json").write_text("{}", encoding="utf-8")
    build(store, tmp_path / "out")
    assert "bad@2026.11.21 its card cannot be read" in Parsed(tmp_path / "out/index.html").text
    assert not (tmp_path / "out/versions/bad").exists()


def test_a_damaged_file_is_named_and_the_old_site_stays(store: Store, tmp_path: Path) -> None:
    build(store, tmp_path / "out")
    before = (tmp_path / "out/index.html").read_bytes()
    bad = dataset(store, "bad", "2026.11.21", [base(1)])
    (store.path(bad) / "markdown/train-00000.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(UserError, match=r"markdown/train-00000.parquet cannot be read"):
        build(store, tmp_path / "out")
    assert (tmp_path / "out/index.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]
