"""Broken lines -> whole text, and the signs that only PDF files hold put right."""

import re
import unicodedata
from collections.abc import Iterable, Sequence, Set

from corpus.extract.layout import Line

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60\u3000-\u30ff、。〜‥…※①-⑳Ⅰ-Ⅻ"
_VERTICAL_FORMS = str.maketrans(
    "︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄︑︒︓︔︕︖︙︰︱", "（）｛｝〔〕【】《》〈〉「」『』、。：；！？…‥ー"
)
_COMPOUND = re.compile(r"\b[A-Za-z]+-[a-z]+\b")
FIGURES = re.compile(r"[0-9０-９,.，．△▲()（）\[\]％%－―—\-+*※ ]+")


#: Radicals that Unicode gives no equivalent though they stand for whole letters (it lists these as such in
#: EquivalentUnifiedIdeograph.txt); programs write them for the letters that look the same.
_RADICALS = str.maketrans("⺟⺠⺩⻁⻄⻆⻑⻘⻝⻣⻤⻨⻩⻫⻭⻯⻲", "母民王虎西角長青食骨鬼麦黄斉歯竜亀")


def join(parts: Sequence[str], compounds: Set[str] = frozenset()) -> str:
    """Return broken lines as one text: a space between Latin words, none where Japanese was broken.

    A hyphen at a line's end goes with the break, but for the words in ``compounds`` (in small letters).
    """
    text = ""
    for part in parts:
        text = _glued(text, part, compounds)
    return text


def compounds_of(texts: Iterable[str]) -> Set[str]:
    """Return the hyphenated words inside lines, in small letters."""
    return {found[0].lower() for text in texts if "-" in text for found in _COMPOUND.finditer(text)}


def cell_text(rows: Sequence[Line], right: float) -> str:
    """Return the text of a table's cell that ends at ``right``: only lines that fill it were broken."""
    text, widest = "", max(row.x1 for row in rows)
    last: Line | None = None
    for row in rows:
        full = last is not None and widest - last.x1 < 1.3 * last.size and right - widest < 2.6 * last.size
        apart = last is not None and (not full or stand_apart(last.text, row.text))
        text = f"{text} {row.text.strip()}" if apart else _glued(text, row.text)
        last = row
    return text


def stand_apart(left: str, right: str) -> bool:
    """Whether two lines stand for themselves: joining would make one number, or one day, of two."""
    if FIGURES.fullmatch(left.strip()) or FIGURES.fullmatch(right.strip()):
        return True
    return bool(
        (re.search(r"[）)]\s*$", left) and re.match(r"\s*[（(]", right))
        or (
            re.search(r"[年月日]\s*$", left)
            and re.match(r"\s*(?:明治|大正|昭和|平成|令和|[0-9０-９]{4}年)", right)
        )
    )


def _glued(text: str, part: str, compounds: Set[str] = frozenset()) -> str:
    old, new = text.rstrip(" \xa0"), part.strip(" \u3000\xa0")
    if not old or not new:
        return old + new
    if re.search(r"[a-z][-\u00ad]$", old) and new[0].islower():
        parted = re.search(r"[A-Za-z]+$", old[:-1]), re.match(r"[a-z]+", new)
        whole = "-".join(found[0] for found in parted if found).lower()
        return old + new if old[-1] == "-" and whole in compounds else old[:-1] + new
    if re.search(f"[{_WIDE}]$", old) or re.match(f"[{_WIDE}]", new):
        return old + new
    return f"{old} {new}"


def repaired(text: str) -> str:
    """Return text with the signs that only PDF files hold put right: vertical forms and radicals as letters."""
    text = text.translate(_VERTICAL_FORMS)
    if any("\u2e80" <= sign <= "\u2fdf" for sign in text):
        text = text.translate(_RADICALS)
        text = "".join(unicodedata.normalize("NFKC", s) if "\u2e80" <= s <= "\u2fdf" else s for s in text)
    return text
