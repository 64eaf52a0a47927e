"""The pages of differences: what came, left and changed between two versions, each row with its reason."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from datacards.card import Ref
from datacards.diff import CHANGES, REASONS, Count, Diff, Row
from datacards.render.markup import Markup, link, tag
from datacards.site.page import folder_of, japanese, table

PAIRS = "differences/"  # the folder of the pages
EXAMPLES = 12  # rows of one format, change and reason
HIDDEN = frozenset({"takedown", "withdrawal"})  # reasons for which a page does not name what left
LONG = 160  # characters of a title


class Told(NamedTuple):
    """One page of differences: its address in the site, the two versions, how many rows differ."""

    path: str
    a: Ref
    b: Ref
    rows: int


def path_of(a: Ref, b: Ref) -> str:
    """Return the address of the page on two versions; an @ is not in names, so no two pairs share one."""
    return f"{PAIRS}{a}..{b}.html"


def difference_page(found: Diff, shown: Mapping[str, Collection[str]]) -> Iterator[Markup]:
    """Yield the page on a diff; ``shown`` has the ids of the documents that can be looked at, by version."""
    yield tag(
        "p",
        tag("a", "Catalog", href="../index.html"),
        " / ",
        tag("a", "Differences", href="index.html"),
        class_="path",
    )
    yield tag("h1", "What is different")
    versions = [tag("a", str(ref), href=f"../{folder_of(ref)}index.html") for ref in (found.a, found.b)]
    yield tag("p", "From ", versions[0], " to ", versions[1], ".", class_="lead")
    if found.asked:
        yield tag(
            "section",
            tag("h2", "What was asked"),
            tag("ul", *(tag("li", japanese(line[:600])) for line in found.asked)),
        )
    yield tag("section", tag("h2", "Rows"), _sums(found))
    if not found.counts:
        yield tag("p", "No row differs.")
        return
    yield tag("section", tag("h2", "Reasons"), _reasons(found))
    yield tag("section", tag("h2", "Examples"), *_examples(found, shown))


def overview(pages: Sequence[Told]) -> Iterator[Markup]:
    """Yield the page that lists all pages of differences."""
    yield tag("p", tag("a", "Catalog", href="../index.html"), " / Differences", class_="path")
    yield tag("h1", "Differences")
    rows = [
        (
            tag("a", f"{one.a} to {one.b}", href=one.path.removeprefix(PAIRS)),
            f"{one.rows:,}",
        )
        for one in pages
    ]
    yield table("Pairs of versions", ["from and to", "rows that differ"], rows, numbers=(1,))


def _sums(found: Diff) -> Markup:
    numbers: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in found.counts:
        numbers[one.format, one.change] += one.rows
    rows = []
    for form in dict.fromkeys([*found.before, *found.after]):
        changes = [numbers[form, change] for change in CHANGES]
        cells = (found.before.get(form, 0), *changes, found.after.get(form, 0))
        rows.append((form, *(f"{n:,}" for n in cells)))
    return table(
        "Rows of every format: before + added − removed = after",
        ["format", "before", *CHANGES, "after"],
        rows,
        numbers=range(1, 6),
    )


def _reasons(found: Diff) -> Markup:
    rows = [
        (one.format, one.change, tag("strong", one.reason), f"{one.rows:,}", REASONS.get(one.reason, ""))
        for one in found.counts
    ]
    return table(
        "Every row that differs, by its one reason",
        ["format", "change", "reason", "rows", "what it means"],
        rows,
        numbers=(3,),
    )


def _examples(found: Diff, shown: Mapping[str, Collection[str]]) -> Iterator[Markup]:
    for one, rows in _first(found):
        hidden = one.reason in HIDDEN
        head = ["title", "source", "detail"] if not hidden else ["id", "source"]
        made = [(row.id_a or row.id_b, row.source) if hidden else _example(row, found, shown) for row in rows]
        label = f"{one.format}, {one.change}: {one.reason}, {len(rows):,} of {one.rows:,}"
        yield tag("details", tag("summary", label), table(label, head, made, hidden=True))


def _first(found: Diff) -> list[tuple[Count, list[Row]]]:
    """Return the first rows of every count, reading no further than needed."""
    kept: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
    missing = sum(min(EXAMPLES, one.rows) for one in found.counts)
    for row in found.rows():
        mine = kept[row.format, row.change, row.reason]
        if len(mine) < EXAMPLES:
            mine.append(row)
            missing -= 1
        if not missing:
            break
    return [(one, kept[one.format, one.change, one.reason]) for one in found.counts]


def _example(row: Row, found: Diff, shown: Mapping[str, Collection[str]]) -> tuple[object, ...]:
    title = japanese((row.title or row.section or row.id_b or row.id_a)[:LONG])
    for ref, name in ((found.b, row.id_b), (found.a, row.id_a)):
        if name and name in shown.get(str(ref), ()):
            title = tag("a", title, href=f"../{folder_of(ref)}documents.html#{urlencode({'d': name})}")
            break
    return tag("div", title, tag("div", link(row.url), class_="soft")), row.source, japanese(row.detail[:600])
