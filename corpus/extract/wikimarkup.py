"""Wikitext -> Markdown: links to their labels; lists, headings and tables kept; notes, files and categories out.

A plain reader, not a MediaWiki: templates are not expanded but follow the rule of ``corpus.extract.wikitemplates``.
Every construct may be nested in every other and may be left open; both happen in real dumps.
"""

import html
import re
from collections.abc import Callable, Iterator

from corpus.extract.wikitables import markdown
from corpus.extract.wikitemplates import shown

_FILES = re.compile(r"^:?\s*(?:ファイル|画像|file|image|media|メディア|category|カテゴリ)\s*:", re.IGNORECASE)
_INTERWIKI = re.compile(r"^[a-z]{2,3}(?:-[a-z]+)?:[^ ]", re.IGNORECASE)
_CATEGORY = re.compile(r"\[\[\s*(?:category|カテゴリ)\s*:\s*([^\]|#]+)", re.IGNORECASE)
_GONE = "ref|references|gallery|timeline|score|imagemap|syntaxhighlight|source|pre|hiero|graph|mapframe|maplink|templatestyles|templatedata|section|categorytree|inputbox|indicator"
_ELEMENTS = re.compile(rf"<(/?)({_GONE}|math|chem|ce|nowiki)(?=[\s/>])(?:\s[^<>]*?)?(/?)>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
_HEADING = re.compile(r"^(={1,6})\s*(.+?)\s*\1\s*$")
_LIST = re.compile(r"^([*#:;]+)\s*(.*)$")
_OUTSIDE = re.compile(r"\[(?:https?:|ftp:|//)[^\s\[\]]+[ \t]*([^\[\]\n]*)\]")
_SWITCH = re.compile(r"__[A-Z\u3040-\u9fff]+__")
_DEEPEST = 5  # tables inside tables; deeper ones are an attack
_KEPT = re.compile("\x00(\\d+)\x00")
_JAPANESE = re.compile("[\u2e80-\u9fff\uff00-\uffef]")
#: Sections that lead away from an article and tell nothing themselves.
_LEADING_AWAY = re.compile(
    r"^(?:脚注|注釈|出典|注|参考文献|参照|関連項目|関連文献|関連人物|外部リンク|外部サイト|文献|ギャラリー|リンク|参考書籍|参考資料|"
    r"脚注・出典|出典・脚注|注釈・出典|脚注・参考文献|References|See also|External links|Notes)$"
)


def categories(wikitext: str) -> list[str]:
    """Return the categories a page puts itself into, in order."""
    return list(dict.fromkeys(name.strip().replace("_", " ") for name in _CATEGORY.findall(wikitext)))


def to_markdown(wikitext: str) -> str:
    """Return the article's text; sections that only lead elsewhere (notes, links, literature) are left out."""
    text = re.sub(r"<!--.*?(?:-->|\Z)", "", wikitext.replace("\0", ""), flags=re.DOTALL)
    text = re.sub(r"</?(?:noinclude|includeonly|onlyinclude)\s*/?>", "", text, flags=re.IGNORECASE)
    kept: list[str] = []  # what is finished: tables, and what the wiki must not read
    text = _without_elements(text, kept)
    text = nested(text, "{{", "}}", shown)
    text = nested(text, "[[", "]]", _link)
    text = nested(text, "{|", "|}", lambda inside: _table(inside, kept))
    text = re.sub(r"<br\s*/?>", "\n", _words(text, kept), flags=re.IGNORECASE)
    return "\n\n".join(_without_empty(_sections(_blocks(_plain(text), kept))))


def _words(text: str, kept: list[str]) -> str:
    """Return text with what ``<nowiki>`` held, and without the addresses of links to the outside."""
    text = _OUTSIDE.sub(lambda found: found[1], text)
    return _KEPT.sub(lambda found: found[0] if _is_table(kept[int(found[1])]) else kept[int(found[1])], text)


def _plain(text: str) -> str:
    """Return text without tags, emphasis, switches and entities."""
    text = _SWITCH.sub("", re.sub(r"'{2,5}", "", _TAG.sub("", text)))
    return html.unescape(text).replace("\xa0", " ").replace("\u200b", "")


def _is_table(text: str) -> bool:
    return text.startswith("\0")


def _depth(text: str) -> int:
    """Return how many tables deep a kept text is: a table begins with so many marks, other text with none."""
    return len(text) - len(text.lstrip("\0"))


def _table(inside: str, kept: list[str]) -> str:
    """Keep a table and return its place, on lines of its own; one inside another becomes words of its cell."""

    def plain(cell: str) -> str:
        words = _KEPT.sub(
            lambda found: kept[int(found[1])].strip("\0"), _OUTSIDE.sub(lambda found: found[1], cell)
        )
        words = re.sub(
            r"<br\s*/?>|\n|^[*#:;]+|(?: --- \|)+|\|", " ", words, flags=re.IGNORECASE | re.MULTILINE
        )
        return " ".join(_plain(words).replace("\0", "").split())

    inner = max((_depth(kept[int(found[1])]) for found in _KEPT.finditer(inside)), default=0)
    made = markdown(inside, plain) if inner < _DEEPEST else ""
    if not made:
        return "\n"
    kept.append("\0" * (inner + 1) + made)
    return f"\n\0{len(kept) - 1}\0\n"


def nested(text: str, opening: str, closing: str, become: Callable[[str], str]) -> str:
    """Return text with each ``opening...closing`` replaced by what its inside becomes, the innermost first.

    Time is linear in the text. What is opened and never closed stays as text without its opening sign; a
    closing sign without an opening one is dropped.
    """
    stack: list[list[str]] = [[]]
    at = 0
    for found in re.finditer(f"{re.escape(opening)}|{re.escape(closing)}", text):
        stack[-1].append(text[at : found.start()])
        at = found.end()
        if found[0] == opening:
            stack.append([])
        elif len(stack) > 1:
            inside = "".join(stack.pop())
            stack[-1].append(become(inside))
    stack[-1].append(text[at:])
    return "".join(part for level in stack for part in level)


def _without_elements(text: str, kept: list[str]) -> str:
    """Return text without notes, galleries, code and the like; formulas stay, between dollar signs.

    What ``<nowiki>`` holds is kept aside as it stands.
    Time is linear in the text: an element that is never closed loses its tag alone.
    """
    pieces: list[str] = []
    at = 0
    inside, start, after = "", 0, 0
    for found in _ELEMENTS.finditer(text):
        name = found[2].lower()
        if not inside:
            pieces.append(text[at : found.start()])
            at = found.end()
            if not found[1] and not found[3]:
                inside, start, after = name, at, len(pieces)
        elif found[1] and name == inside:
            words = text[start : found.start()]
            del pieces[after:]
            if name in ("math", "chem", "ce"):
                pieces.append(f"${' '.join(words.split())}$")
            elif name == "nowiki":
                kept.append(words)
                pieces.append(f"\0{len(kept) - 1}\0")
            inside, at = "", found.end()
    return "".join(pieces) + text[at:]


def _link(inside: str) -> str:
    if _FILES.match(inside):
        return ""
    target, bar, label = inside.partition("|")
    if _INTERWIKI.match(target) and not bar:
        return ""
    if bar:
        return (
            label.rpartition("|")[2].strip() or re.sub(r"\s*[（(][^）)]*[）)]$|^[^:]*:", "", target).strip()
        )
    return target.lstrip(":").replace("_", " ").partition("#")[0] or target.strip("#")


def _blocks(text: str, kept: list[str]) -> Iterator[str]:
    """Yield headings, lists and paragraphs; lines of one paragraph are joined."""
    paragraph: list[str] = []
    items: list[str] = []
    for raw in [*text.split("\n"), ""]:
        line = raw.strip()
        table = _KEPT.fullmatch(line)
        heading, item = _HEADING.match(line) if len(line) < 300 else None, _LIST.match(line)
        if paragraph and (not line or heading or item or table):
            yield _joined(paragraph)
            paragraph = []
        if items and not item:
            yield "\n".join(items)
            items = []
        if table:
            yield from kept[int(table[1])].strip("\0").split("\n\n")
        elif heading:
            yield f"{'#' * max(2, len(heading[1]))} {heading[2]}"
        elif item and item[2].strip():
            items.append(_item(item[1], item[2].strip()))
        elif line and not re.fullmatch(r"[-|!{}\s=*#:;]+", line):
            paragraph.append(line)


def _item(marks: str, text: str) -> str:
    if marks.endswith(";"):
        return f"**{text}**"
    if set(marks) == {":"}:
        return text
    depth = len(marks.replace(":", "")) - 1
    return f"{'  ' * depth}{'1.' if marks.endswith('#') else '-'} {text}"


def _joined(lines: list[str]) -> str:
    text, last = lines[0], lines[0][-1:]
    for line in lines[1:]:
        tight = _JAPANESE.match(last) or _JAPANESE.match(line)
        text += line if tight else f" {line}"
        last = line[-1:]
    # a template that stood between brackets leaves them, and separators, behind
    text = re.sub(r"[（(][\s、,，;；:：]*[）)]", "", text)
    return re.sub(r"([（(])[、,，;；\s]++|(?<![、,，;；\s])[、,，;；\s]++(?=[）)])", r"\1", text).strip()


def _sections(blocks: Iterator[str]) -> Iterator[str]:
    """Yield the blocks without the sections that lead away, their subsections included."""
    skipped = 0
    for block in blocks:
        level = len(block) - len(block.lstrip("#")) if block.startswith("##") else 0
        if level and (not skipped or level <= skipped):
            skipped = level if _LEADING_AWAY.match(block.lstrip("# ")) else 0
        if not skipped and block:
            yield block


def _without_empty(blocks: Iterator[str]) -> list[str]:
    """Return the blocks without headings over nothing."""
    kept: list[str] = []
    for block in blocks:
        level = len(block) - len(block.lstrip("#")) if block.startswith("##") else 0
        while level and kept and kept[-1].startswith("##") and kept[-1].count("#", 0, 6) >= level:
            kept.pop()
        kept.append(block)
    while kept and kept[-1].startswith("##"):
        kept.pop()
    return kept
