"""Step unicode: invisible and broken characters go; what a reader sees, full-width forms too, stays."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from corpus.document import Document, Fact

# A kana and the combining mark that some PDFs and file systems split off its precomposed form.
_KANA = {
    pair: whole
    for kana in map(chr, range(0x3041, 0x30FF))
    for mark in "\u3099\u309a"
    if len(whole := unicodedata.normalize("NFC", pair := kana + mark)) == 1
}
# Radicals that PDF fonts give in place of the kanji they look like: the Kangxi ones (NFKC knows them), and those of
# the supplement that Japanese fonts have (Unicode Character Database, EquivalentUnifiedIdeograph.txt).
_RADICALS = {
    **{mark: unicodedata.normalize("NFKC", mark) for mark in map(chr, range(0x2F00, 0x2FD6))},
    **dict(zip("⺟⺠⻁⻄⻆⻑⻘⻝⻣⻤⻨⻩⻫⻭⻯⻲", "母民虎西角長青食骨鬼麦黄斉歯竜亀", strict=True)),
}
_BREAKS = "\r\v\f\x1c-\x1e\u0085\u2028\u2029"
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f"  # not U+3000: it is a full-width form
_INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # soft hyphens, zero width, direction
    "\ud800-\udfff"  # lone surrogates: no text in UTF-8 can hold them
)
# One set of characters: searched for at about 2 ns a character.
_MENDED = re.compile(f"[{_BREAKS}{_SPACES}{_INVISIBLE}{''.join(_RADICALS)}\u3099\u309a]")
_IS_BREAK, _IS_SPACE = re.compile(f"[{_BREAKS}]"), re.compile(f"[{_SPACES}]")


def unicode(document: Document) -> Document:
    """Return the document with its text, title and section normalized; facts keep their characters.

    Line ends become ``\\n``, exotic spaces a space, split kana and radicals (Unicode Standard, section 18.1) the
    character they show; control and zero-width characters go. That is all of NFKC that loses nothing: a circled
    number, a wave dash, 髙 and full-width forms stay as they are. Applying it twice changes nothing.
    """
    while edits := list(_edits(document.text)):
        old, document = document, document.edited(edits)
        if len(document.facts) < len(old.facts):
            document = replace(document, facts=_facts(old, document))
    return replace(document, title=normalized(document.title), section=normalized(document.section))


def normalized(text: str) -> str:
    """Return ``text`` with its invisible and broken characters mended."""
    while (new := _once(text)) != text:
        text = new
    return text


def _once(text: str) -> str:
    pieces, at = [], 0
    for start, end, new in _edits(text):
        pieces += [text[at:start], new]
        at = end
    return "".join(pieces) + text[at:]


def _edits(text: str) -> Iterator[tuple[int, int, str]]:
    done = 0
    for match in _MENDED.finditer(text):
        at, sign = match.start(), match[0]
        if sign in "\u3099\u309a":
            if at > done and (whole := _KANA.get(text[at - 1 : at + 1])):
                yield at - 1, at + 1, whole
                done = at + 1
            continue
        done = at + 1
        if _IS_BREAK.match(sign):
            done += text.startswith("\r\n", at)
            yield at, done, "\n"
        else:
            yield at, done, " " if _IS_SPACE.match(sign) else _RADICALS.get(sign, "")


def _facts(old: Document, new: Document) -> tuple[Fact, ...]:
    """Return the facts of ``old`` in ``new``, those too whose own characters were mended."""
    moved: dict[int, Fact] = {}
    at = start = 0
    for number, fact in sorted(enumerate(old.facts), key=lambda pair: pair[1].start):
        start += len(_once(old.text[at : fact.start]))
        at = fact.start
        value = _once(fact.value)
        if value and new.text.startswith(value, start):
            moved[number] = replace(fact, value=value, start=start, end=start + len(value))
    return tuple(moved[number] for number in sorted(moved))
