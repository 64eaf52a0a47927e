"""A tree of HTML -> Markdown blocks that read like the page: nothing glued, nothing hidden, tables as tables."""

import re
from collections.abc import Collection, Iterator

from corpus.extract.footnotes import Footnotes
from corpus.extract.tables import markdown_table
from corpus.extract.tree import Element, text_of

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "caption",
        "legend",
    ]
)
_SKIPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "noframes",
        "template",
        "nav",
        "form",
        "button",
        "select",
        "input",
        "textarea",
        "svg",
        "canvas",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "map",
        "head",
        "link",
        "meta",
        "title",
        "rt",
        "rp",
        "rtc",
        "img",
        "del",
        "s",
        "strike",
        "datalist",
        "dialog",
    ]
)
#: Classes of what a sighted reader never sees; the duplicate numerals of the Bank of Japan's headings are such.
_HIDDEN = re.compile(r"(?:^|\s)(?:txt-hide|non-caption|visually-hidden|sr-only|hidden|block_skip)(?:\s|$)")
_BREAK = "\u2028"  # a line break that the page asks for, until white space has been folded
_CJK = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_FOLD = re.compile(r"[ \t\r\n\f\xa0]+")
_WRAP = re.compile(rf"(?<=[{_CJK}])[ \t\f\xa0]*(?:\r\n|\n|\r)[ \t\f\xa0]*(?=[{_CJK}])")
_PARAGRAPH = re.compile(f" *{_BREAK} *(?:{_BREAK}[ \u3000]*)+| *{_BREAK} *\u3000+")
_FILE_SIZE = re.compile(
    r"(?<!\s)\s*[\[［]\s?(?:PDF|Excel|ZIP|CSV|HTML)[ 　]?[\d,.]{0,12}\s?[KMG]?B?\s?[\]］]", re.IGNORECASE
)
_NUMBERED = re.compile(
    r"^(?:[\(（]?[0-9０-９]{1,3}[\)）．.、]|[①-⑳ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ一二三四五六七八九十]{1,2}[．.、])"
)
_BULLET = re.compile(r"^[・•‣●○◦▪■□–*][ \u3000]*")
_RAISED = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
_LOWERED = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")


def blocks(
    root: Element, *, link_lists: bool = True, without: Collection[Element] = frozenset()
) -> list[str]:
    """Return the visible content of ``root`` as Markdown blocks, in reading order.

    Links become their labels, ruby loses its readings, footnote marks become ``[^n]`` where the page has the
    note (which becomes ``[^n]: ...``) and vanish where it has not. Full-width forms stay as they are. Without
    ``link_lists``, lists of nothing but links (attached files, neighboring pages) are left out, and so are the
    elements ``without``.
    """
    return list(_Writer(root, link_lists=link_lists, without=without).walk(root))


def plain(element: Element) -> str:
    """Return the visible text of ``element`` on one line, without footnote marks."""
    return _fold(_Writer(element, notes=False).inline(element)).replace(_BREAK, " ").strip()


def without_lost_notes(text: str) -> str:
    """Return Markdown without footnote marks whose note was left behind."""
    notes = set(re.findall(r"^\[\^(\w+)\]:", text, re.MULTILINE))
    return re.sub(r"\[\^(\w+)\](?!:)", lambda m: m[0] if m[1] in notes else "", text)


class _Writer:
    """One walk over one tree."""

    def __init__(
        self,
        root: Element,
        *,
        notes: bool = True,
        link_lists: bool = True,
        without: Collection[Element] = frozenset(),
    ) -> None:
        self.link_lists = link_lists
        self.without = without
        self.notes = Footnotes(root if notes else None)
        self.containers = {a for e in root.iter() if e.tag in _BLOCKS for a in (e, *e.iterancestors())}

    def walk(self, element: Element) -> Iterator[str]:
        """Yield the blocks inside ``element``."""
        running = [element.text or ""]
        for child in element:
            if child in self.containers and not self.skips(child):
                yield from _paragraphs("".join(running))
                running = []
                yield from self.block(child)
            else:
                running.append(self.inline(child))
            running.append(child.tail or "")
        yield from _paragraphs("".join(running))

    def skips(self, element: Element) -> bool:
        """Whether an element is no part of the text."""
        return _skipped(element) or element in self.without

    def block(self, element: Element) -> Iterator[str]:
        """Yield what one block element becomes."""
        label = self.notes.defined_by(element)
        tag = element.tag
        if label:
            yield from self.note(element, label)
        elif tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            text = " ".join(" ".join(self.walk(element)).split("\n"))
            if text:
                yield f"{'#' * int(tag[1])} {text}"
        elif tag in ("ul", "ol", "menu", "dir"):
            yield from self.listing(element)
        elif tag == "table":
            yield from self.table(element)
        elif tag == "dt":
            yield from (f"**{text}**" for text in self.walk(element))
        elif tag == "blockquote":
            yield from ("\n".join(f"> {line}" for line in text.split("\n")) for text in self.walk(element))
        elif tag == "pre":
            text = "\n".join(line.rstrip() for line in self.raw(element).strip("\n").split("\n"))
            yield from (part.strip("\n") for part in re.split(r"\n\s*\n", text) if part.strip())
        else:
            yield from self.walk(element)

    def note(self, element: Element, label: str) -> Iterator[str]:
        """Yield a footnote's own text; its printed number and the way back are no part of it."""
        text = " ".join(" ".join(self.walk(element)).split("\n"))
        text = re.sub(
            rf"^(?:\[\^{re.escape(label)}\]|[\(（\[]?[注*※]?\s*{re.escape(label)}[\)）\]．.、:：]?)", "", text
        )
        text = re.sub(r"\s*(?:↑|↩|\^|本文(?:へ|に)戻る|戻る)$", "", text).strip(" \u3000")
        if text:
            yield f"[^{label}]: {text}"

    def listing(self, element: Element) -> Iterator[str]:
        """Yield a list as one block; footnotes that a page keeps in a list come out beside it.

        A list of nothing but links into the page itself is a table of contents and says nothing new.
        """
        if _only_links(element, least=2, to="#") or (not self.link_lists and _only_links(element)):
            return
        lines: list[str] = []
        notes: list[str] = []
        number = int(element.get("start", "1")) if element.get("start", "1").isdigit() else 1
        items: list[list[str]] = []
        for item in element:
            if self.skips(item):
                continue
            if label := self.notes.defined_by(item):
                notes += self.note(item, label)
            elif parts := list(self.walk(item) if item.tag == "li" else self.block(item)):
                items.append(parts)
        own = element.tag == "ol" and not any(_NUMBERED.match(parts[0]) for parts in items)
        for at, parts in enumerate(items, start=number):
            marker = f"{at}. " if own else "- "
            first = parts[0] if own else _BULLET.sub("", parts[0])
            text = "\n".join([first, *parts[1:]])
            if not own and parts[0].startswith(("- ", "1. ")):  # an item that only holds another list
                lines.append(text)
                continue
            lines.append(marker + text.replace("\n", "\n" + " " * len(marker)))
        if lines:
            yield "\n".join(lines)
        yield from notes

    def table(self, element: Element) -> Iterator[str]:
        """Yield a table of data as a Markdown table, a table used for layout as what its cells hold."""
        for caption in element.iterchildren("caption"):
            if not self.skips(caption):
                yield from self.walk(caption)
        if _lays_out(element):
            for cell in element.iter("td", "th"):
                if next(cell.iterancestors("table")) is element:
                    yield from self.walk(cell)
            return
        text = markdown_table(element, lambda cell: " ".join(" ".join(self.walk(cell)).split("\n")))
        yield from (part for part in text.split("\n\n") if part)

    def inline(self, element: Element) -> str:
        """Return the text of inline content; breaks are marked, white space is not folded yet."""
        if self.skips(element):
            return ""
        mark = self.notes.mark(element)
        if mark is not None or element.tag == "br":
            return _BREAK if mark is None else mark
        text = self.raw(element)
        if element.tag == "a":
            text = _FILE_SIZE.sub("", text)
        elif element.tag == "sup":
            before, parent = element.getprevious(), element.getparent()
            left = before.tail if before is not None else (parent.text if parent is not None else "")
            text = raised(left or "", text.strip())
        elif element.tag == "sub" and re.fullmatch(r"\s*[0-9+\-]{1,4}\s*", text):
            text = text.strip().translate(_LOWERED)
        elif element in self.containers:  # a block where none belongs, such as a paragraph inside a span
            text = f"{_BREAK}{text}{_BREAK}"
        return text

    def raw(self, element: Element) -> str:
        """Return the text of an element's inside, as it stands."""
        inside = [element.text or ""]
        for child in element:
            inside += [self.inline(child), child.tail or ""]
        return "".join(inside)


def _skipped(element: Element) -> bool:
    if not isinstance(element.tag, str) or element.tag in _SKIPPED:
        return True
    return _hidden(element)


def _hidden(element: Element) -> bool:
    if element.get("hidden") is not None or _HIDDEN.search(element.get("class", "")):
        return True
    return "display:none" in element.get("style", "").replace(" ", "").lower()


def _lays_out(table: Element) -> bool:
    """Whether a table only places a page's parts: it holds another one, headings, or no two cells in a row."""
    if any(inner.tag in ("table", "h1", "h2", "h3", "h4") for inner in table.iterdescendants()):
        return True
    return not any(sum(cell.tag in ("td", "th") for cell in row) > 1 for row in table.iter("tr"))


def _only_links(element: Element, least: int = 1, to: str = "") -> bool:
    """Whether all text of ``element`` stands in links (at least so many, to such addresses)."""
    links = list(element.iter("a"))
    if len(links) < least or not all(link.get("href", "").startswith(to) for link in links):
        return False
    linked = "".join(text_of(link) for link in links)
    return "".join(linked.split()) == "".join(text_of(element).split())


def raised(left: str, value: str) -> str:
    """Return a superscript that is no footnote: an exponent keeps its meaning, a dangling mark goes.

    ``left`` is the text before it: a digit behind a Latin letter or number is an exponent, else a mark.
    """
    if not re.fullmatch(r"[0-9+\-n]{1,4}", value):
        return "" if re.fullmatch(r"[\(（\[]?[注*※†‡]?[0-9０-９]{0,3}[\)）\]]?", value) else value
    return value.translate(_RAISED) if re.search(r"[A-Za-z0-9)\]]$", left) else ""


def _fold(text: str) -> str:
    """Fold white space as a browser does, but put no space where a source line was broken inside Japanese."""
    return _FOLD.sub(" ", _WRAP.sub("", text))


def _paragraphs(text: str) -> Iterator[str]:
    folded = _fold(text)
    for part in _PARAGRAPH.split(folded):
        lines = [line.strip(" \u3000") for line in part.split(_BREAK)]
        if any(lines):
            yield "\n".join(line for line in lines if line)
