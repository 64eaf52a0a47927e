"""By which words a text names a quantity, and whether a claim gives it those of another one."""

import re
from collections.abc import Sequence

from rephrase.grounding.reading import Reading, Stated

FEWEST = 3  # pairs of letters that name anything
_NO_LETTER = re.compile(r"[^ぁ-んァ-ヶー一-鿿々A-Za-z]+")
_HIRAGANA = re.compile("[ぁ-ん]+")
_TOPIC = re.compile(r"[はがも](?:、|$)|[はが][^、。]{0,6}$")
_LISTED = re.compile(r"[)）」]*(?:[、,・]|及び|および|並びに)")
_SAME, _MOST, _CLOSER, _CLEARLY = 0.9, 0.6, 0.1, 0.3


def pairs(plain: str) -> frozenset[str]:
    """Return the pairs of neighboring letters of narrow text, without those of hiragana alone."""
    letters = _NO_LETTER.sub("", plain)
    found = (letters[at : at + 2] for at in range(len(letters) - 1))
    return frozenset(pair for pair in found if not _HIRAGANA.fullmatch(pair))


def words_before(one: Stated, bare: str) -> frozenset[str]:
    """Return the pairs of letters that name a quantity: those of its heads in a table, of the words before it in prose.

    ``bare`` is the text without its periods (``Reading.bare``). In prose these are the words since the quantity before it where they have a topic (は, が) or go on with a list, else all of
    the sentence so far.
    """
    if one.table >= 0 and one.rows:
        return pairs("".join((*one.rows, *one.columns)))
    so_far = bare[one.sentence[0] : one.quantity.start]
    if so_far.count("(") > so_far.count(")"):  # 帳簿価額が5億円増加(期末残高は9億円: of both
        return pairs(so_far)
    segment = bare[one.segment[0] : one.quantity.start]
    found = pairs(segment) if _TOPIC.search(segment) or _LISTED.match(segment) else frozenset()
    return found if len(found) >= FEWEST else pairs(bare[one.sentence[0] : one.quantity.start])


def is_another(said: frozenset[str], found: Sequence[Stated], source: Reading) -> bool:
    """Whether the words ``said`` of a quantity are those of another value of the source rather than of those ``found``."""
    if len(said) < FEWEST:
        return False
    own = max(_share(said, source, one) for one in found)
    if own >= _SAME:
        return False
    true = {(one.quantity.unit, abs(one.quantity.value)) for one in found}
    others = (one for one in source.statements if (one.quantity.unit, abs(one.quantity.value)) not in true)
    best = max((_share(said, source, one) for one in others), default=0.0)
    return (best >= _SAME and best >= own + _CLOSER) or (best >= _MOST and best >= own + _CLEARLY)


def _share(said: frozenset[str], source: Reading, one: Stated) -> float:
    at = one.quantity.start
    if at not in source.words:
        source.words[at] = words_before(one, source.bare)
    return len(said & source.words[at]) / len(said)
