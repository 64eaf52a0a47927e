"""Small pieces of HTML, everything escaped that is not made here."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already; every other string is escaped before it becomes a part of a page."""

    __slots__ = ()


def text(value: object) -> str:
    """Return ``value`` as HTML: Markup as it is, anything else escaped."""
    return value if isinstance(value, Markup) else escape(str(value))


def tag(name: str, *inner: object, **attributes: str) -> Markup:
    """Return ``<name ...>inner</name>``; a trailing underscore of an attribute is dropped (``class_``)."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{given}>{''.join(map(text, inner))}</{name}>")


def table(
    head: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = (), class_: str = ""
) -> Markup:
    """Return a table; the columns whose places are in ``numbers`` are set flush right."""

    def row(cell: str, cells: Sequence[object]) -> Markup:
        return tag(
            "tr",
            *(
                tag(cell, one, **({"class_": "n"} if place in numbers else {}))
                for place, one in enumerate(cells)
            ),
        )

    body = tag("tbody", *(row("td", cells) for cells in rows))
    made = tag("table", tag("thead", row("th", head)), body, **({"class_": class_} if class_ else {}))
    return tag("div", made, class_="scroll")


def details(summary: object, *inner: object, open_: bool = False) -> Markup:
    """Return a part of the page that opens when its summary is clicked."""
    made = tag("details", tag("summary", summary), *inner)
    return Markup(made.replace("<details", "<details open", 1)) if open_ else made


def image(svg: str, told: str) -> Markup:
    """Return a plot inside the page; as data of an image its ids cannot meet those of another plot."""
    data = b64encode(svg.encode()).decode()
    return tag("figure", Markup(f'<img alt="{escape(told)}" src="data:image/svg+xml;base64,{data}">'))


def link(url: str) -> Markup:
    """Return an anchor for a web address, plain text for anything else."""
    if url.startswith(("https://", "http://")):
        return tag("a", url, href=url, rel="noreferrer")
    return Markup(escape(url))
