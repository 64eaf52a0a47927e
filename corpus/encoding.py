"""Bytes -> text by the evidence of the bytes; what a page declares is one witness among others.

Japanese pages lie about their charset: UTF-8 that says Shift_JIS, CP932 that says Shift_JIS, EUC-JP that says
nothing. The order of trust: byte order mark, ISO-2022-JP escapes, valid UTF-8, then whichever encoding decodes
the bytes to the most plausible Japanese.
"""

import codecs
import re
from collections.abc import Iterable
from typing import NamedTuple

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: The Python codecs that read what goes by these names on the web: each is the superset in real use.
_SUPERSETS = {
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "x-euc-jp": "euc_jp",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
}
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE
)
_ESCAPES = re.compile(rb"\x1b(?:\$[@B]|\$\([DOQ]|\([BIJ])")
#: Control characters that no text holds; libxml2 refuses some of them and ends a page at NUL.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_SILENT = re.compile("[\x00-\x7f\ufffd]+")
_JUDGED = 50_000  # characters beyond ASCII that are looked at: more says nothing new


class Decoded(NamedTuple):
    """The text, the codec that read it and how many characters it could not read."""

    text: str
    encoding: str
    damaged: int


def decode(body: bytes, declared: str = "") -> Decoded:
    """Return the text of ``body``; ``declared`` is the charset of the response header, if any. Never fails."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], encoding)
    if wide := _bare_utf16(body):
        return _decoded(body, wide)
    if _ESCAPES.search(body) and max(body) < 0x80:
        return _best(body, ("iso2022_jp", "iso2022_jp_2004", "iso2022_jp_ext"))
    if _is_utf8(body):
        return _decoded(body, "utf-8")
    names = [declared, *(found.decode("ascii") for found in _DECLARED.findall(body[:4096]))]
    return _best(body, [*_codecs(names), "cp932", "euc_jp", "euc_jis_2004", "utf-8", "cp1252"])


def _codecs(names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        wanted = _SUPERSETS.get(name.strip().lower(), name.strip().lower())
        try:
            info = codecs.lookup(wanted)
        except LookupError:
            continue
        if getattr(info, "_is_text_encoding", True) and not info.name.startswith(("utf", "idna", "puny")):
            found.append(info.name)
    return found


def _is_utf8(body: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)  # a character cut off at the end is no lie
    except UnicodeDecodeError:
        return False
    return True


def _bare_utf16(body: bytes) -> str:
    """Return the UTF-16 codec of a body without a mark: the spaces and tags of a page have a NUL byte each."""
    head = body[:2048]
    nuls = head.count(0)
    if nuls < max(4, len(head) // 20):
        return ""
    return "utf-16-be" if head[0::2].count(0) > head[1::2].count(0) else "utf-16-le"


def _best(body: bytes, encodings: Iterable[str]) -> Decoded:
    """Return the most plausible reading; among equals the first."""
    readings = [_decoded(body, encoding) for encoding in dict.fromkeys(encodings)]
    return max(readings, key=_plausible)


def _decoded(body: bytes, encoding: str) -> Decoded:
    text = body.decode(encoding, errors="replace")
    return Decoded(_CONTROLS.sub("", text), encoding, text.count("\ufffd"))


def _plausible(reading: Decoded) -> float:
    """Return how much a reading looks like real writing: what kana, kanji and signs earn, damage costs."""
    score = -3.0 * reading.damaged
    for character in _SILENT.sub("", reading.text)[:_JUDGED]:
        code = ord(character)
        if 0x3000 <= code <= 0x30FF:  # kana and Japanese punctuation
            score += 1
        elif 0x4E00 <= code <= 0x9FFF:
            score += 0.7
        elif 0xFF61 <= code <= 0xFF9F:  # half-width kana: what EUC-JP looks like when read as CP932
            score -= 0.5
        elif 0xE000 <= code <= 0xF8FF or 0x80 <= code <= 0x9F:
            score -= 3
        elif 0x2FF < code < 0x3000:
            score += 0.2
        else:
            score += 0.05 if character.isalpha() else -0.2
    return score
