"""What a page's style sheet says of its elements: not displayed, standing apart, or laid out as a table."""

import re
from collections.abc import Iterable

from lxml import etree

from corpus.extract.tables import Element, local

_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_OTHER_MEDIA = re.compile(
    r"@(?!media\b[^{]*\b(?:screen|all)\b)[\w-]+[^{;]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})"
)
_MEDIA = re.compile(r"@media[^{]*\{")
_RULES = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SELECTOR = re.compile(r"([\w-]*)([.#])([\w-]+)")
_INLINE = frozenset(
    re.findall(r"\w+", "a abbr b big cite code del em font i ins label mark q s small span strong tt u var")
)
_TABLES = {"table": "table", "inline-table": "table", "table-row": "tr", "table-cell": "td"}
_APART = frozenset(["block", "flex", "grid", "inline-block", "inline-flex", "list-item"])
_XHTML = "http://www.w3.org/1999/xhtml"


class Styles:
    """The simple rules of a page's style sheets: those for a class or an id, with or without an element's name."""

    def __init__(self, sheets: Iterable[str]) -> None:
        self.rules: dict[tuple[str, str, str], dict[str, str]] = {}
        self.known: dict[str, dict[str, str]] = {}
        for sheet in sheets:
            bare = _MEDIA.sub("", _OTHER_MEDIA.sub("", _COMMENT.sub("", sheet)))
            for selectors, rule in _RULES.findall(bare):
                for selector in selectors.split(","):
                    if found := _SELECTOR.fullmatch(selector.strip()):
                        key = (found[1].lower(), found[2], found[3].lower())
                        self.rules[key] = self.rules.get(key, {}) | declarations(rule)

    def of(self, element: Element) -> dict[str, str]:
        """Return the declarations that hold for an element: the sheet's, then its own."""
        own = element.get("style")
        found: dict[str, str] = {}
        if self.rules:
            names = [(".", one) for one in (element.get("class") or "").lower().split()]
            names += [("#", one.lower()) for one in [element.get("id")] if one]
            for kind, name in names:
                found |= self.rules.get(("", kind, name), {}) | self.rules.get(
                    (local(element), kind, name), {}
                )
        if own:
            if own not in self.known:
                self.known[own] = declarations(own)
            found = found | self.known[own] if found else self.known[own]
        return found


def declarations(rule: str) -> dict[str, str]:
    """Return the declarations of a rule, or of a style attribute, in lower case."""
    pairs = (one.partition(":") for one in rule.lower().replace("!important", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def settle(root: Element) -> None:
    """Change the tree of a page so that it needs no style sheet: what is not displayed is gone, boxes are tables.

    Elements that only a style sheet sets apart from the text beside them are renamed to ``apart``; elements that
    it lays out as tables become ``table``, ``tr`` and ``td``. Follows CSS 2.2 (display, visibility, float, position,
    horizontal margin and padding) for rules with one class or id; others do not hide or part anything here.
    """
    styles = Styles(one.text or "" for one in root.iter("{*}style", "style"))
    rows: list[Element] = []
    for element in list(root.iter(etree.Element)):
        if not element.keys():
            continue
        style = styles.of(element)
        display = style.get("display", "")
        unseen = display == "none" or style.get("visibility") in ("hidden", "collapse")
        if unseen or element.get("hidden") is not None:
            _remove(element)
        elif display in _TABLES and local(element) in (*_INLINE, "div", "li", "p", "section", "ul"):
            element.tag = f"{{{_XHTML}}}{_TABLES[display]}"
            rows += [element] if display == "table-row" else []
        elif local(element) in _INLINE and _stands_apart(style, display):
            element.tag = f"{{{_XHTML}}}apart"
    for row in rows:
        _frame(row)


def _stands_apart(style: dict[str, str], display: str) -> bool:
    return bool(
        display in _APART
        or style.get("float") in ("left", "right")
        or style.get("position") in ("absolute", "fixed")
        or any(
            re.search("[1-9]", style.get(f"{kind}-{side}", ""))
            for kind in ("margin", "padding")
            for side in ("left", "right")
        )
    )


def _remove(element: Element) -> None:
    """Take an element out of its tree; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        element.clear()
        return
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)


def _frame(row: Element) -> None:
    """Put rows that stand together in no table into one, as browsers do."""
    parent = row.getparent()
    if parent is None or local(parent) in ("table", "tbody", "thead", "tfoot"):
        return
    table = etree.Element(f"{{{_XHTML}}}table")
    following: list[Element] = [row]
    while not (following[-1].tail or "").strip():
        after = following[-1].getnext()
        if after is None or local(after) != "tr":
            break
        following.append(after)
    table.tail, following[-1].tail = following[-1].tail, None
    row.addprevious(table)
    table.extend(following)
