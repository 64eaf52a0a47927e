"""The plain rule that a grounding check is measured against: every number of an item, by value, stands in its passage."""

import re
import unicodedata
from decimal import Decimal

from rephrase.candidate import Candidate

_SCALE = {"": 0, "千": 3, "万": 4, "百万": 6, "千万": 7, "億": 8, "十億": 9, "兆": 12}
_TERM = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)(兆|十億|億|千万|百万|万|千)?")


def values(text: str) -> set[Decimal]:
    """Return the numbers of a text by value; terms of falling scale that touch are one number."""
    found: list[Decimal] = []
    last_end, last_scale = -1, 0
    for match in _TERM.finditer(unicodedata.normalize("NFKC", text)):
        scale = _SCALE[match.group(2) or ""]
        value = Decimal(match.group(1).replace(",", "")).scaleb(scale)
        if match.start() == last_end and scale < last_scale:
            found[-1] += value
        else:
            found.append(value)
        last_end, last_scale = match.end(), scale
    return {value.normalize() for value in found}


def refuses(candidate: Candidate) -> bool:
    """Whether the rule finds a number in question or answer that is not in passage or context."""
    chunk = candidate.chunk
    return bool(values(candidate.claim) - values(f"{chunk.context}\n{chunk.passage}"))
