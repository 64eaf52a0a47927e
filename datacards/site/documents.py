"""The pages of a version's documents: the browser, and examples for readers without JavaScript."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from datacards.card import Ref
from datacards.render.markup import Markup, link, tag
from datacards.site import data
from datacards.site.choice import Choice
from datacards.site.entries import Entries, Entry, entries
from datacards.site.page import Frame, folder_of, japanese, table

NAME, STATIC = "documents.html", "examples.html"


def write_documents(out: Path, frame: Frame, ref: Ref, choice: Choice) -> None:
    """Write the pages of the documents ``choice`` of a version below ``out``."""
    found = entries(choice, str(ref), restricted=frame.restricted)
    folder = folder_of(ref)
    leads = data.write(out / folder / "data", ref, choice, found)
    for name, title, body, script in (
        (NAME, f"Documents of {ref}", _browser(ref, choice, found), True),
        (STATIC, f"Examples of {ref}", _static(ref, choice, found, leads), False),
    ):
        page = frame.page(title, *body, path=folder + name, script=script, wide=script)
        (out / folder / name).write_text(page, encoding="utf-8", errors="replace")


def shown(choice: Choice) -> str:
    """Return how many of a version's documents are shown, and how they were chosen."""
    if choice.shown >= choice.total:
        return f"All {choice.total:,} documents are shown."
    told = f"{choice.shown:,} of {choice.total:,} documents are shown"
    if choice.shown < choice.total and len(choice.places) < choice.total:
        told += ": as many of every format and source as may be, with what they were made from and what was made of them"
    return told + "."


def _head(ref: Ref, title: str) -> Iterator[Markup]:
    yield tag(
        "p",
        tag("a", "Catalog", href="../../../index.html"),
        " / ",
        tag("a", str(ref), href="index.html"),
        class_="path",
    )
    yield tag("h1", title)


def _browser(ref: Ref, choice: Choice, found: Entries) -> Iterator[Markup]:
    restricted = sum(not row.open for row in found.rows)
    yield tag(
        "div",
        *_head(ref, "Documents"),
        tag(
            "p",
            shown(choice),
            f" Of {restricted:,} only a pointer: their rights do not allow more." if restricted else "",
            class_="soft",
        ),
        class_="in browserhead",
    )
    yield tag(
        "noscript",
        tag(
            "p",
            "The browser needs JavaScript. ",
            tag("a", "Examples", href=STATIC),
            " are on a page that does not.",
            class_="note in",
        ),
    )
    yield tag(
        "div",
        _filters(),
        _results(),
        tag("div", id_="document", class_="document"),
        id_="browser",
        class_="browser",
        hidden="hidden",
    )
    yield tag("p", "", id_="trouble", class_="note in", role="alert")


def _filters() -> Markup:
    def choice(name: str, label: str) -> Markup:
        return tag(
            "div",
            tag("label", label, for_=name),
            tag("select", Markup('<option value="">all</option>'), id_=name),
            class_="field",
        )

    def day(name: str, label: str) -> Markup:
        return tag(
            "div",
            tag("label", label, for_=name),
            Markup(f'<input type="date" id="{name}">'),
            class_="field half",
        )

    return tag(
        "form",
        tag("h2", "Filter", class_="unseen"),
        tag("div", tag("label", "Words in the title", for_="q"), Markup('<input type="search" id="q" autocomplete="off" spellcheck="false">'), class_="field"),
        choice("format", "Format"),
        choice("source", "Source"),
        choice("company", "Company"),
        tag("div", day("from", "Available from"), day("to", "until"), class_="fields"),
        tag("button", "Clear all", type_="reset"),
        id_="filters",
        role="search",
        **{"aria-label": "Documents"},
    )  # fmt: skip


def _results() -> Markup:
    return tag(
        "section",
        tag("h2", "Results", id_="results-head", tabindex="-1"),
        tag("p", "", id_="count", role="status"),
        tag("ol", id_="list"),
        tag("nav", tag("button", "Previous", type_="button", id_="previous"), tag("span", "", id_="page"), tag("button", "Next", type_="button", id_="next"), id_="pages", **{"aria-label": "Pages of results"}),
        id_="results",
        **{"aria-labelledby": "results-head"},
    )  # fmt: skip


def _static(ref: Ref, choice: Choice, found: Entries, leads: Mapping[int, str]) -> Iterator[Markup]:
    numbers = data.examples(found)
    yield from _head(ref, "Examples")
    yield tag(
        "p",
        f"{len(numbers):,} documents, of every format and source in turn. ",
        tag("a", "More of them, to search", href=NAME),
        " (needs JavaScript).",
        class_="soft",
    )
    counts = Counter((row.format, row.source) for row in found.rows if not row.version)
    told = [
        (form, source, f"{counts[form, source]:,}", f"{n:,}") for (form, source), n in choice.counts.items()
    ]
    yield table(
        "Documents by format and source",
        ["format", "source", "shown", "in the version"],
        told,
        numbers=(2, 3),
    )
    for number in numbers:
        yield _article(found.rows[number], leads.get(number))


def _article(row: Entry, lead: str | None) -> Markup:
    meta = " · ".join(filter(None, [row.format, row.source, row.day, row.license]))
    text = (
        tag("p", lead, class_="text lead", lang="ja", dir_="auto")
        if lead is not None
        else tag("p", f"Its text is not shown: {row.why}.", class_="pointer")
    )
    return tag(
        "article",
        tag("h2", japanese(row.title or row.id, row.language)),
        tag("p", meta, class_="soft"),
        text,
        tag("p", japanese(row.told["attribution"]), class_="soft attribution"),
        tag("p", link(row.told["url"]), class_="soft"),
        class_="entry",
    )
