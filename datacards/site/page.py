"""The frame that all pages of a site share, and the small pieces they are made of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from datacards.card import Ref
from datacards.render.markup import Markup, tag

#: Nothing but this site's own style, script and pictures: no page can ask for anything elsewhere, nor send anything.
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
WARNING = (
    "This site shows texts that may not be given to others. It is for the machine on which it was made: "
    "do not put it online, and do not pass it on."
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page says: ``restricted`` texts stand in it or not, and there are pages of differences or not."""

    restricted: bool = False
    differences: bool = False

    def page(self, title: str, *body: object, path: str, script: bool = False, wide: bool = False) -> str:
        """Return the page that lies at ``path`` in the site; ``script`` loads what the document browser runs."""
        root = "../" * path.count("/")
        head = [
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            Markup('<meta name="referrer" content="no-referrer">'),
            Markup('<meta name="robots" content="noindex, nofollow, noarchive">') if self.restricted else "",
            tag("title", title if title == "Kanagura" else f"{title} · Kanagura"),
            Markup(f'<link rel="stylesheet" href="{root}site.css"><link rel="icon" href="data:,">'),
            Markup(f'<script src="{root}site.js" defer></script>') if script else "",
        ]
        warning = tag("p", tag("strong", "Not to be put online. "), WARNING) if self.restricted else ""
        parts = [
            tag("a", "Skip to the content", href="#content", class_="skip"),
            tag("header", tag("div", *self._banner(root, path), class_="in"), class_="top"),
            tag("aside", warning, class_="warning", **{"aria-label": "Warning"}) if warning else "",
            tag("main", *body, id_="content", tabindex="-1", class_="wide" if wide else "in"),
            tag("footer", tag("div", *self._foot(), class_="in")),
        ]
        return f'<!doctype html>\n<html lang="en"><head>{"".join(head)}</head>\n<body>{"".join(parts)}</body></html>\n'

    def _banner(self, root: str, path: str) -> Iterator[Markup]:
        yield tag("a", tag("span", "金蔵", lang="ja"), " Kanagura", href=f"{root}index.html", class_="mark")
        places = [("index.html", "Catalog"), ("lineage.html", "Lineage")]
        places += [("differences/index.html", "Differences")] if self.differences else []
        items = (
            tag("li", tag("a", name, href=root + place, **{"aria-current": "page" if path == place else ""}))
            for place, name in places
        )
        yield tag("nav", tag("ul", *items), **{"aria-label": "Site"})

    def _foot(self) -> Iterator[Markup]:
        if self.restricted:
            yield tag("p", tag("strong", WARNING))
        yield tag(
            "p", "Made by Kanagura from cards and files alone. This site asks nothing of any other place."
        )


def folder_of(ref: Ref) -> str:
    """Return the folder of a version's pages, with a slash behind it; names and versions are safe in paths."""
    return f"versions/{ref.name}/{ref.version}/"


def table(
    caption: object,
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[int] = (),
    hidden: bool = False,
    class_: str = "",
) -> Markup:
    """Return a table with a caption (``hidden``: only heard), whose first cells head their rows."""

    def row(cells: Sequence[object]) -> Markup:
        made = [
            tag(
                "th" if place == 0 else "td",
                cell,
                class_="n" if place in numbers else "",
                scope="" if place else "row",
            )
            for place, cell in enumerate(cells)
        ]
        return tag("tr", *made)

    titles = (tag("th", one, scope="col", class_="n" if n in numbers else "") for n, one in enumerate(head))
    made = tag(
        "table",
        tag("caption", caption, class_="unseen" if hidden else ""),
        tag("thead", tag("tr", *titles)),
        tag("tbody", *map(row, rows)),
        class_=class_,
    )
    return scrolled(made, caption)


def scrolled(inner: Markup, label: object) -> Markup:
    """Return what may be wider than a phone in a box that scrolls, with the keyboard too."""
    return tag("div", inner, class_="scroll", tabindex="0", role="region", **{"aria-label": str(label)})


def facts(pairs: Iterable[tuple[object, object]]) -> Markup:
    """Return a list of names and values; empty values are left out."""
    return tag(
        "dl",
        *(tag("div", tag("dt", key), tag("dd", value)) for key, value in pairs if value != ""),
        class_="facts",
    )


def japanese(text: str, language: str = "ja") -> Markup:
    """Return a text from a version, isolated from the direction of what stands around it."""
    known = (
        language
        if 1 < len(language) <= 12 and language.replace("-", "").isascii() and language[0].isalpha()
        else ""
    )
    return tag("bdi", text, lang=known if known.replace("-", "").isalnum() else "")


def size(number: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:,.1f} {unit}"
        number /= 1000
    raise AssertionError  # pragma: no cover


def joined(parts: Sequence[object], by: str = ", ") -> Markup:
    """Return parts of a page with a separator between them."""
    return Markup(by.join(str(tag("span", part)) if not isinstance(part, Markup) else part for part in parts))
