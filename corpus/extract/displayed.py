"""What the pages of a filing display, read a second time by other parsers and other rules than the extractor's."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.parsers import expat

from corpus.encoding import decode

BREAK, EDGE = (
    "\x00",
    "\x01",
)  # two things apart: blocks, cells, lines; a tagged number and what stands beside it
_SILENT = frozenset(["head", "hidden", "references", "resources", "rp", "rt", "script", "style", "template"])
_SMALL = frozenset(["footnote", "sub", "sup"])
_FLOWING = frozenset(
    re.findall(
        r"\w+",
        "a abbr b bdi bdo big cite code continuation del denominator dfn em exclude font fraction i ins kbd label mark nobr "
        "nonnumeric numerator q rb ruby s samp small span strike strong tt tuple u var wbr",
    )
)
_VOID = frozenset(re.findall(r"\w+", "area base br col embed hr img input link meta param source track wbr"))
_CLOSES_ITSELF = frozenset(["dd", "dt", "li", "p", "td", "th", "tr"])
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_PRINT_ONLY = re.compile(r"@(?!media[^{]*(?:screen|all))[a-z-]+[^{;]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_HTML_NAME = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z]")
_HIDDEN_STYLE = re.compile(rb"(<style[^>]*>\s*)<!--|-->(?=\s*</style>)", re.IGNORECASE)
_NOTE = re.compile(r"\s*[0-9０-９]{1,3}\s*")  # the number of a note, or an exponent: no number of its own
_RAISED = str.maketrans("0123456789０１２３４５６７８９", "⁰¹²³⁴⁵⁶⁷⁸⁹" * 2)
_OWN_MARK = re.compile(r"[・•●◦○■□◆◇※①-⑳ⅰ-ⅿ(（]|[0-9０-９]{1,3}[.．)）、](?![0-9０-９])")
_NO_WIDTH = dict.fromkeys([0xAD, 0x200B, 0x2060, 0xFEFF])
_UNSEEN = re.compile(r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse))")
_APART = re.compile(
    r"(?:^|;)(?:display:(?:block|flex|grid|list-item|inline-(?:block|table|flex)|table(?:-row|-cell)?)|float:(?:left|right)|"
    r"position:(?:absolute|fixed)|(?:margin|padding)-(?:left|right):[^;]*[1-9])"
)


@dataclass(slots=True)
class Tag:
    """A displayed ``ix:nonFraction``: ``pieces`` are the stretches of the text that show its number."""

    concept: str
    context: str
    negative: bool
    in_block: bool
    pieces: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Block:
    """The characters of a text block, or of what continues one, with all tags removed."""

    after: str
    characters: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Pages:
    """The displayed text of pages with marks where things stand apart, its tagged numbers and its text blocks."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    tags: list[Tag] = field(default_factory=list)
    begun: list[_Block] = field(default_factory=list)
    continued: dict[str, _Block] = field(default_factory=dict)

    def put(self, text: str) -> None:
        """Append displayed characters or a mark."""
        self.parts.append(text)
        self.length += len(text)

    @property
    def text(self) -> str:
        """All that is displayed."""
        return "".join(self.parts)

    def flattened(self, cut: int) -> Iterator[str]:
        """Yield each text block, nested ones too, as EDINET's CSV has it: no tag, no line break, cut short."""
        for block in self.begun:
            characters, after, seen = list(block.characters), block.after, set()
            while (following := self.continued.get(after)) and after not in seen:
                seen.add(after)
                characters += following.characters
                after = following.after
            yield re.sub(r"[ \t\xa0]+", " ", re.sub(r"[\r\n]+[ \t]*", "", "".join(characters))).strip()[:cut]


def read_page(body: bytes, pages: Pages) -> None:
    """Append what one page displays: as XML if it is well-formed, else as a browser reads HTML."""
    reader = _Reader(pages)
    body = _HIDDEN_STYLE.sub(lambda found: found[1] or b"", body)
    if _is_well_formed(body):
        parser = expat.ParserCreate(_encoding(body))
        parser.buffer_text = True
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.characters
        parser.Parse(body, True)
    else:
        html = _Html(reader)
        html.feed(re.sub(r"^\s*<\?xml[^>]*\?>", "", decode(body).text.lstrip("\ufeff")))
        html.close()
    pages.put(BREAK)


def _encoding(body: bytes) -> str | None:
    """Return UTF-8 where the bytes are that, whatever they declare; else the declaration holds."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _is_well_formed(body: bytes) -> bool:
    if _HTML_NAME.search(body):  # explained by a DTD that is not here: XML would leave it out in silence
        return False
    try:
        expat.ParserCreate(_encoding(body)).Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


class _Html(HTMLParser):
    """Feeds a reader with the tags of HTML, which may leave elements open."""

    def __init__(self, reader: "_Reader") -> None:
        super().__init__(convert_charrefs=True)
        self.reader = reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _CLOSES_ITSELF and self.reader.innermost == tag:
            self.reader.end(tag)
        self.reader.start(tag, {key: value or "" for key, value in attrs})
        if tag in _VOID:
            self.reader.end(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.reader.start(tag, {key: value or "" for key, value in attrs})
        self.reader.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self.reader.end_open(tag)

    def handle_data(self, data: str) -> None:
        self.reader.characters(data)


@dataclass(slots=True)
class _Open:
    name: str
    edge: str
    silent: bool
    small: bool
    tag: Tag | None
    block: _Block | None
    items: int  # the number of the next item, if it is a numbered list
    mark: int = -1  # which part of the text is the mark of this item of a list


class _Reader:
    """Turns the events of a parser into displayed text."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.open: list[_Open] = []
        self.styles: dict[str, str] = {}
        self.style_text: list[str] = []

    @property
    def innermost(self) -> str:
        """The name of the element that was opened last."""
        return self.open[-1].name if self.open else ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element."""
        prefix, _, name = tag.lower().rpartition(":")
        given = {key.lower(): value for key, value in attributes.items()}
        style = self._style(name, given)
        outer = self.open[-1] if self.open else None
        silent = bool(outer and outer.silent) or name in _SILENT or (prefix != "" and name == "header")
        silent = silent or "hidden" in given or bool(_UNSEEN.search(style))
        small = bool(outer and outer.small) or name in _SMALL
        number = self._number(given) if name == "nonfraction" and not silent else None
        block = self._block(name, given)
        edge = EDGE if number or block or name in _SMALL else "" if name in _FLOWING else BREAK
        if edge == "" and _APART.search(style):
            edge = BREAK
        if self.inside_number and name not in _SMALL:  # however it is laid out, it is one number
            edge = ""
        first = re.match(r"\d{1,6}", given.get("start", "")) if name == "ol" else None
        self.open.append(_Open(name, edge, silent, small, number, block, int(first[0]) if first else 1))
        if not silent:
            self.pages.put(edge)
            if name == "li" and outer:
                self._mark(self.open[-1], outer)

    @property
    def inside_number(self) -> bool:
        """Whether a tagged number is open."""
        return any(one.tag for one in self.open)

    def _mark(self, item: _Open, parent: _Open) -> None:
        """Write the mark of a list's item as browsers show it."""
        item.mark = len(self.pages.parts)
        self.pages.put(f"{parent.items}. " if parent.name == "ol" else "- ")
        parent.items += 1

    def _unmark(self, item: _Open) -> None:
        """Take the mark back from an item that brings its own, or shows nothing."""
        inside = re.sub(rf"[\s{BREAK}{EDGE}]+", " ", "".join(self.pages.parts[item.mark + 1 :])).lstrip()
        if not inside or _OWN_MARK.match(inside):
            self.pages.parts[item.mark] = " " * len(self.pages.parts[item.mark])

    def _number(self, given: Mapping[str, str]) -> Tag:
        in_block = any(one.block for one in self.open)
        concept = given.get("name", "").rpartition(":")[2]
        tag = Tag(concept, given.get("contextref", ""), given.get("sign") == "-", in_block)
        self.pages.tags.append(tag)
        return tag

    def _block(self, name: str, given: Mapping[str, str]) -> _Block | None:
        block = _Block(given.get("continuedat", ""))
        if name == "continuation":
            self.pages.continued.setdefault(given.get("id", ""), block)
        elif name == "nonnumeric" and given.get("name", "").endswith("TextBlock"):
            self.pages.begun.append(block)
        else:
            return None
        return block

    def _style(self, name: str, given: Mapping[str, str]) -> str:
        keys = [f"#{given.get('id', '').lower()}", f"{name}#{given.get('id', '').lower()}"]
        for one in given.get("class", "").lower().split():
            keys += [f".{one}", f"{name}.{one}"]
        rules = (self.styles.get(key, "") for key in keys) if self.styles else ()
        return ";".join(["".join(given.get("style", "").lower().split()), *rules])

    def end(self, _tag: str) -> None:
        """Take the end of the element that was opened last."""
        if not self.open:
            return
        closed = self.open.pop()
        if closed.name == "style":
            self._rules("".join(self.style_text))
            self.style_text = []
        if closed.mark >= 0:
            self._unmark(closed)
        if not closed.silent:
            self.pages.put(closed.edge)

    def end_open(self, tag: str) -> None:
        """Take an end tag of HTML: it closes what is still open inside, or nothing."""
        name = tag.lower().rpartition(":")[2]
        if any(one.name == name for one in self.open):
            while self.open[-1].name != name:
                self.end("")
            self.end("")

    def characters(self, text: str) -> None:
        """Take text."""
        if not self.open:
            return
        here = self.open[-1]
        if here.name == "style":
            self.style_text.append(text)
        for one in self.open:
            if one.block and not any(inner.name == "exclude" for inner in self.open):
                one.block.characters.append(text)
        text = text.translate(_NO_WIDTH)
        if here.silent or not text:
            return
        tags = [one.tag for one in self.open if one.tag]
        if tags:
            text = re.sub(r"[ \t]*[\r\n][ \t\r\n]*", "", text)
        if not here.small:
            for tag in tags:
                tag.pieces.append((self.pages.length, self.pages.length + len(text)))
        raised = here.name != "nonfraction" and any(one.name == "sup" for one in self.open)
        self.pages.put(text.translate(_RAISED) if raised and _NOTE.fullmatch(text) else text)

    def _rules(self, sheet: str) -> None:
        sheet = re.sub(r"/\*.*?\*/|<!--|-->", "", sheet, flags=re.DOTALL).lower()
        for selectors, rule in _RULE.findall(_PRINT_ONLY.sub("", sheet)):
            bare = "".join(rule.split()).replace("!important", "")
            for selector in selectors.split(","):
                if re.fullmatch(r"\w*[.#][\w-]+", selector.strip()):
                    self.styles[selector.strip()] = bare
