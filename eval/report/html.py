"""A report as one HTML page that needs nothing else: a click on a number shows where it comes from."""

from collections.abc import Iterable
from pathlib import Path

from datacards.render import report as cards_report
from datacards.render.markup import Markup, details, image, link, tag, visible
from datacards.site.page import table
from eval.report.blocks import Block, Document, Example, Grid, Lines, Picture, Trail, Value, Words

STYLE = Path(__file__).with_name("report.css")
#: Nothing but what stands in the page itself: it can ask for nothing elsewhere and run nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page(document: Document) -> str:
    """Return the page; every text of the document is escaped."""
    titles = {trail.key: trail.title for trail in document.trails}
    contents = (tag("li", tag("a", part.title, href=f"#part-{n}")) for n, part in enumerate(document.parts))
    parts = []
    for number, part in enumerate(document.parts):
        shown = (_block(block, titles) for block in part.blocks)
        parts.append(tag("section", tag("h2", visible(part.title), id_=f"part-{number}"), *shown))
    style = cards_report.STYLE.read_text(encoding="utf-8") + STYLE.read_text(encoding="utf-8")
    body = [
        _head(document),
        tag("nav", tag("ul", *contents), **{"aria-label": "Contents"}),
        tag("main", *parts, *_trails(document.trails)),
        tag("footer", tag("p", document.foot)),
        Markup('<span id="closed"></span>'),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
        f"{tag('title', visible(document.title))}<style>{style}</style></head>\n<body>{''.join(body)}</body></html>\n"
    )


def _head(document: Document) -> Markup:
    keys = (tag("div", tag("strong", number), tag("span", name)) for name, number in document.keys)
    return tag(
        "header",
        tag("p", "KANAGURA ", tag("span", "金蔵", lang="ja"), class_="mark"),
        tag("h1", visible(document.title)),
        tag("p", document.lead),
        tag("div", *keys, class_="keys"),
    )


def _block(block: Block, titles: dict[str, str]) -> Markup:
    if isinstance(block, Words):
        label = tag("strong", visible(block.label), ": ") if block.label else ""
        return tag("p", label, *_linked(block.text), class_="soft" if block.soft else "")
    if isinstance(block, Picture):
        drawn = image(block.svg, block.told)
        return Markup(
            drawn.removesuffix("</figure>") + tag("figcaption", visible(block.caption)) + "</figure>"
        )
    if isinstance(block, Example):
        return _example(block)
    if isinstance(block, Lines):
        return details(visible(block.title), tag("ul", *(tag("li", visible(line)) for line in block.lines)))
    return _grid(block, titles)


def _linked(text: str) -> Iterable[object]:
    """Yield the words of a paragraph with web addresses as links."""
    for place, word in enumerate(text.split(" ")):
        bare = word.rstrip(".,;:)")
        yield " " if place else ""
        yield link(visible(bare)) if bare.startswith("https://") else visible(bare)
        yield visible(word[len(bare) :])


def _grid(grid: Grid, titles: dict[str, str]) -> Markup:
    rows = [
        [_cell(value, titles, minor=place in grid.minor) for value in row]
        for place, row in enumerate(grid.rows)
    ]
    made = table(
        visible(grid.caption), [visible(one) for one in grid.head], rows, numbers=list(grid.numbers),
        class_="scores",
    )  # fmt: skip
    made = Markup(made.replace('<div class="scroll"', f'<div class="scroll" id="{grid.key}"', 1))
    return details(visible(grid.caption), made) if grid.folded else made


def _cell(value: Value, titles: dict[str, str], *, minor: bool) -> Markup:
    if isinstance(value, str):
        return tag("span", visible(value), class_="minor" if minor else "")
    words: object = tag("strong", visible(value.text)) if value.strong else visible(value.text)
    more = tag("small", visible(value.more)) if value.more else ""
    if value.trails:
        words = tag(
            "a", words, href=f"#{value.trails[0]}", class_="number", title=_told(value.trails[0], titles)
        )
    if len(value.trails) > 1:
        sources = (
            tag("a", str(n), href=f"#{key}", class_="number", title=_told(key, titles))
            for n, key in enumerate(value.trails, 1)
        )
        more = Markup(more + tag("small", "sources ", *_spaced(sources)))
    return tag("span", words, " " if more else "", more, class_="minor" if minor else "")


def _told(key: str, titles: dict[str, str]) -> str:
    return f"where it comes from: {visible(titles.get(key, key))}"


def _spaced(parts: Iterable[Markup]) -> Iterable[object]:
    for place, part in enumerate(parts):
        yield " " if place else ""
        yield part


def _example(example: Example) -> Markup:
    replies = []
    for reply in example.replies:
        where = (
            tag("a", visible(reply.note), href=f"#{reply.trail}", class_="number")
            if reply.trail
            else visible(reply.note)
        )
        name = f"{visible(reply.label)}, {visible(example.name)}"
        shown = tag(
            "div",
            _lines(reply.text),
            class_="reply",
            lang="ja",
            tabindex="0",
            role="region",
            **{"aria-label": name},
        )
        replies.append(tag("section", tag("h4", visible(reply.label)), tag("p", where, class_="soft"), shown))
    return tag(
        "article",
        tag("h3", visible(example.name)),
        tag("div", _lines(example.prompt), class_="prompt", lang="ja"),
        tag("div", *replies, class_="replies"),
        class_="example",
    )


def _lines(text: str) -> Markup:
    """Return a text with its lines, no sign in it obeyed; an empty one says so."""
    if not text.strip():
        return tag("em", "nothing", lang="en")
    return tag("bdi", Markup("<br>".join(tag("span", visible(line)) for line in text.splitlines())))


def _trails(trails: Iterable[Trail]) -> Iterable[Markup]:
    yield tag("h2", "Where the numbers come from", id_="trails")
    yield tag("p", "A number leads here: to the version that holds it, the file that it is computed from, what was asked, "
              "the model and all that this was made of, each with its digest.", class_="soft")  # fmt: skip
    for trail in trails:
        rows = (
            tag("div", tag("dt", name), tag("dd", tag("code", visible(value)))) for name, value in trail.facts
        )
        yield tag(
            "section",
            tag("h3", visible(trail.title)),
            tag("dl", *rows),
            tag("p", tag("a", "close", href="#closed"), class_="soft"),
            class_="trail",
            id_=trail.key,
        )
