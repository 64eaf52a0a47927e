"""Says how much of a test item stands around its text in a document, and whether its answer is given away there."""

import re
from collections.abc import Sequence

from corpus.contamination.benchmarks import Item
from corpus.folding import Folded, folded

_TOLD = "(?:正解|正答|解答|答え|回答|answer)(?:の番号|番号|は|が|is)?(?:{})"


def exposed(item: Item, document: Folded, start: int, end: int) -> tuple[str, bool]:
    """Return how much of an item is there, and whether its answer is, from what stands around its text.

    A sentence to be judged is answered by the word for its label within 60 characters; a question by its right
    choice, or its answer, where that has four characters and more, else by a word such as 正解 before it. Where all
    choices stand there, the right one tells nothing unless it stands there once more than any other.
    """
    choices = [folded(choice) for choice in item.choices]
    after = document.text(end, end + 300 + 2 * sum(map(len, choices)))
    answers = [word for answer in item.answers if (word := folded(answer))]
    if item.part == "sentence":
        around = document.text(start - 60, start) + " " + after[:60]
        return item.part, any(word in around for word in answers)
    told = re.escape("|".join(answers)).replace(r"\|", "|")
    if item.gold >= 0:
        told += f"|{item.gold + 1}(?![0-9])|{'abcdefghij'[item.gold]}(?![a-z])"
    part, listed = item.part, bool(choices) and all(choice in after for choice in choices)
    if listed and item.gold >= 0:
        answered = _stands_out(choices, item.gold, after)
    else:
        answered = any(word in after for word in answers if len(word) >= 4)
    answered = answered or bool(told and re.search(_TOLD.format(told), after))
    if listed:
        part += "+choices"
    elif item.gold >= 0 and len(choices[item.gold]) >= 4 and choices[item.gold] in after:
        part += "+gold"
    return part, answered


def _stands_out(choices: Sequence[str], gold: int, after: str) -> bool:
    """Say whether the right one of choices that all stand in a text is said again, as an explanation does."""
    right = choices[gold]
    others = [choice for place, choice in enumerate(choices) if place != gold]
    if len(right) < 4 or any(right in choice for choice in others):
        return False
    return after.count(right) > max((after.count(choice) for choice in others), default=0)
