"""Step unicode: invisible and broken characters go; what a reader sees, full-width forms too, stays."""

import re
import unicodedata
from dataclasses import replace

from corpus.document import Document, Fact

# A kana and the combining mark that some PDFs and file systems split off its precomposed form.
_KANA = {
    pair: whole
    for kana in map(chr, range(0x3041, 0x30FF))
    for mark in "\u3099\u309a"
    if len(whole := unicodedata.normalize("NFC", pair := kana + mark)) == 1
}
_BREAKS = "\r\n|[\r\v\f\x1c-\x1e\u0085\u2028\u2029]"
_SPACES = "[\u00a0\u1680\u2000-\u200a\u202f\u205f]"  # not U+3000: it is a full-width form
_INVISIBLE = (
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # soft hyphens, zero width, direction
    "\ud800-\udfff]"  # lone surrogates: no text in UTF-8 can hold them
)
_RADICALS = "[\u2f00-\u2fd5]"  # Kangxi radicals, which PDF fonts give in place of the kanji they look like
_PATTERN = re.compile(
    f"(?P<b>{_BREAKS})|(?P<s>{_SPACES})|{_INVISIBLE}|(?P<r>{_RADICALS})|(?P<k>{'|'.join(_KANA)})"
)


def unicode(document: Document) -> Document:
    """Return the document with its text, title and section normalized; facts keep their characters.

    Line ends become ``\\n``, exotic spaces a space, split kana and Kangxi radicals (Unicode Standard, section
    18.1) the character they show; control and zero-width characters go. Applying it twice changes nothing.
    """
    while edits := [(m.start(), m.end(), _new(m)) for m in _PATTERN.finditer(document.text)]:
        old, document = document, document.edited(edits)
        if len(document.facts) < len(old.facts):
            document = replace(document, facts=_facts(old, document))
    return replace(document, title=normalized(document.title), section=normalized(document.section))


def normalized(text: str) -> str:
    """Return ``text`` with its invisible and broken characters mended."""
    while (new := _PATTERN.sub(_new, text)) != text:
        text = new
    return text


def _new(match: re.Match[str]) -> str:
    if match["b"]:
        return "\n"
    if match["s"]:
        return " "
    if match["r"]:
        return unicodedata.normalize("NFKC", match["r"])
    return _KANA[match["k"]] if match["k"] else ""


def _facts(old: Document, new: Document) -> tuple[Fact, ...]:
    """Return the facts of ``old`` in ``new``, those too whose own characters were mended."""
    moved: dict[int, Fact] = {}
    at = start = 0
    for number, fact in sorted(enumerate(old.facts), key=lambda pair: pair[1].start):
        start += len(_PATTERN.sub(_new, old.text[at : fact.start]))
        at = fact.start
        value = _PATTERN.sub(_new, fact.value)
        if value and new.text.startswith(value, start):
            moved[number] = replace(fact, value=value, start=start, end=start + len(value))
    return tuple(moved[number] for number in sorted(moved))
