"""How many tokens an ask comes to, by the judge's tokenizer or by a ratio of tokens to characters."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from datacards.profile.tokens import load
from eval.judge.asks import Ask
from eval.judge.endpoint import Endpoint

#: Tokens that a chat template puts around one message: few, likely, many. Of common templates 3 to 10.
_AROUND = (3, 5, 16)
#: By how much a served model's own count may exceed that of its tokenizer here (a system text, a date in the template).
_SLACK = 1.1


class Range(NamedTuple):
    """A number with its lowest, likeliest and highest value."""

    low: float
    likely: float
    high: float

    def __add__(self, other: object) -> "Range":
        """Return the sums."""
        if not isinstance(other, Range):
            return NotImplemented
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> "Range":
        """Return the products with one number."""
        return Range(*(one * factor for one in self))


def characters(ask: Ask) -> int:
    """Return the characters that the judge reads."""
    return len(ask.system) + len(ask.prompt)


def sizes(asks: Sequence[Ask], endpoint: Endpoint) -> list[Range]:
    """Return the tokens that each ask comes to. Raises UserError for a tokenizer that cannot be read."""
    around = [Range(*(n * len(ask.messages) for n in _AROUND)) for ask in asks]
    if endpoint.tokenizer:
        made = load(endpoint.tokenizer)
        counts = made.sizes([ask.system + ask.prompt for ask in asks]) if asks else []
        exact = [Range(n, n, ceil(n * _SLACK)) for n in counts]
    else:
        ratio = Range(*endpoint.tokens_per_character)
        exact = [ratio.times(characters(ask)) for ask in asks]
    return [one + other for one, other in zip(exact, around, strict=True)]
