"""Small pieces of HTML, everything escaped that is not made here."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from unicodedata import category


class Markup(str):
    """Text that is HTML already; every other string is escaped before it becomes a part of a page."""

    __slots__ = ()


def visible(value: object, most: int | None = None) -> str:
    """Return ``value`` on one line, every sign that a terminal or a reader would obey instead of show told by its number.

    Those are control characters, marks that turn the direction of writing, line and paragraph separators, halves of
    characters (Unicode categories Cc, Cf, Cs, Co, Cn, Zl, Zp). What is longer than ``most`` characters ends in "…".
    """
    told = str(value)
    if not told.isprintable():
        told = "".join(c if c.isprintable() or category(c) == "Zs" else f"\\u{{{ord(c):x}}}" for c in told)
    return told if most is None or len(told) <= most else told[: most - 1] + "…"


def text(value: object) -> str:
    """Return ``value`` as HTML: Markup as it is, anything else escaped."""
    return value if isinstance(value, Markup) else escape(str(value))


def tag(name: str, *inner: object, **attributes: str) -> Markup:
    """Return ``<name ...>inner</name>`` without empty attributes; a trailing underscore is dropped (``class_``)."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items() if value)
    return Markup(f"<{name}{given}>{''.join(map(text, inner))}</{name}>")


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[int] = (),
    minor: Sequence[int] = (),
    class_: str = "",
) -> Markup:
    """Return a table; the columns in ``numbers`` are set flush right, the rows in ``minor`` are subdued."""

    def row(cell: str, cells: Sequence[object], *, subdued: bool = False) -> Markup:
        made = (tag(cell, one, class_="n" if place in numbers else "") for place, one in enumerate(cells))
        return tag("tr", *made, class_="minor" if subdued else "")

    body = (row("td", cells, subdued=place in minor) for place, cells in enumerate(rows))
    made = tag("table", tag("thead", row("th", head)), tag("tbody", *body), class_=class_)
    return tag("div", made, class_="scroll")


def details(summary: object, *inner: object) -> Markup:
    """Return a part of the page that opens when its summary is clicked."""
    return tag("details", tag("summary", summary), *inner)


def image(svg: str, told: str) -> Markup:
    """Return a plot inside the page; as data of an image its ids cannot meet those of another plot."""
    data = b64encode(svg.encode()).decode()
    return tag("figure", Markup(f'<img alt="{escape(told)}" src="data:image/svg+xml;base64,{data}">'))


def link(url: str) -> Markup:
    """Return an anchor for a web address, plain text for anything else."""
    if url.startswith(("https://", "http://")):
        return tag("a", url, href=url, rel="noreferrer")
    return Markup(escape(url))
