"""Numbers grounded: every number of the question and of its answer stands in the passage, by value."""

import re
import unicodedata
from decimal import Decimal

from corpus.document import Drop
from rephrase.candidate import Candidate

_SCALE = {"": 0, "千": 3, "万": 4, "百万": 6, "千万": 7, "億": 8, "十億": 9, "兆": 12}
_TERM = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)(兆|十億|億|千万|百万|万|千)?")


def values(text: str) -> set[Decimal]:
    """Return the numbers of a Japanese text by value: 12億3,400万 and 1,234百万 are both 1234000000.

    Full-width digits count like half-width ones. Terms of falling scale that touch are one number.
    """
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


NAME, VERSION = "numbers", 1


def check(candidate: Candidate) -> Drop | None:
    """Refuse a question or true answer with a number that the passage does not hold."""
    foreign = values(candidate.question + "\n" + candidate.answer) - values(
        candidate.chunk.context + "\n" + candidate.chunk.passage
    )
    if foreign:
        return Drop("number_not_in_source", ", ".join(f"{number:f}" for number in sorted(foreign)[:5]))
    return None
