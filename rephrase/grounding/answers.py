"""What a short answer says: its amounts and periods by value, its words, and whether another one says the same."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from corpus.folding import folded
from rephrase.grounding.periods import Period, periods
from rephrase.grounding.quantities import Quantity, quantities

#: Stands in the words of an answer where a number or a period was; no text folds to it.
GAP = "#"

_COURTESY = re.compile(r"(?:(?:です|でした|である|であった|となります|となりました)[。．]?|[。．])$")
_HEDGES = re.compile(
    r"^(?:約|およそ|ほぼ|おおよそ|最大|最低)$|^(?:程度|前後|ほど|以上|以下|以内|未満|超|余り?|末|時点|頃|ごろ|中)$"
)
_OPPOSITE = tuple(
    (re.compile(one), re.compile(other))
    for one, other in (
        ("増|上昇|拡大|伸び|上回", "減|低下|下落|縮小|落ち込|下回"),
        ("黒字", "赤字"),
        ("利益", "損失"),
        ("円安", "円高"),
        ("利上げ|引き上げ|引上げ", "利下げ|引き下げ|引下げ"),
        ("はい|^した", "いいえ|なかった|ません|していない"),
    )
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without です. ``words`` are its folded letters, with ``GAP`` for every amount and period."""

    text: str
    amounts: tuple[Quantity, ...]
    periods: tuple[Period, ...]
    words: str

    @property
    def kind(self) -> str:
        """Return what it is as a whole: ``amount`` with its unit, ``period`` with its granularity, else ``text``."""
        if self.words.strip(GAP) or not self.words:
            return "text"
        units = " ".join(one.unit for one in self.amounts)
        grains = " ".join(one.kind for one in self.periods)
        return " ".join(["amount", units] * bool(self.amounts) + ["period", grains] * bool(self.periods))


def read(text: str) -> Answer:
    """Return what an answer of some words says; about 50 microseconds. Numerals inside names belong to the words."""
    plain = _COURTESY.sub("", unicodedata.normalize("NFKC", text).strip())
    when = periods(plain)
    amounts = [one for one in quantities(plain, [(one.start, one.end) for one in when]) if not one.is_token]
    pieces, at = [], 0
    taken = [(one.start, one.end) for one in when] + [(one.start, one.end) for one in amounts]
    for start, end in sorted(taken):
        pieces.append(plain[at:start])
        at = end
    pieces.append(plain[at:])
    words = GAP.join("" if len(pieces) > 1 and _HEDGES.match(one.strip()) else folded(one) for one in pieces)
    return Answer(plain, tuple(amounts), tuple(when), words)


def equal(one: Quantity, other: Quantity) -> bool:
    """Return whether two amounts may be one, said at different precision: rounded or cut off.

    Of an amount that is hedged (約1,200億円) trailing zeros show no precision.
    """
    if one.unit != other.unit:
        return False
    if one.value == other.value:
        return True
    coarse, fine = sorted((one, other), key=_precision, reverse=True)
    step = _precision(coarse)
    if step <= _precision(fine):
        return False
    shown = fine.value / step
    return coarse.value / step in (shown.to_integral_value(mode) for mode in (ROUND_DOWN, ROUND_HALF_UP))


def _precision(one: Quantity) -> Decimal:
    if not one.hedge or not one.value:
        return one.step
    shown = abs(one.value / one.step)
    exponent = shown.normalize().as_tuple().exponent
    return one.step.scaleb(max(0, int(exponent)))


def covers(bound: Quantity, value: Quantity) -> bool:
    """Return whether an amount such as 100億円以上 is true of another one."""
    if bound.unit != value.unit:
        return False
    return (bound.hedge in ("over", "up") and value.value >= bound.value) or (
        bound.hedge in ("under", "down") and value.value <= bound.value
    )


def contrary(one: str, other: str) -> bool:
    """Return whether one text says up and the other down, profit and loss, yes and no."""
    for left, right in _OPPOSITE:
        first = (bool(left.search(one)), bool(right.search(one)))
        second = (bool(left.search(other)), bool(right.search(other)))
        if first != second and sorted(first) == sorted(second) == [False, True]:
            return True
    return False


def agree(one: Answer, other: Answer, least: float) -> bool:
    """Return whether two answers say the same.

    With amounts they must have the same ones, and periods that do not contradict; without, the same periods; with
    neither, a character-F1 of ``least``. None may say the contrary of the other.
    """
    if contrary(one.text, other.text):
        return False
    if one.amounts or other.amounts:
        known = [[p for p in answer.periods if p.known] for answer in (one, other)]
        apart = all(known) and not any(p.meets(q) for p in known[0] for q in known[1])
        return not apart and _all_in(one, other) and _all_in(other, one)
    if one.periods:
        return all(any(p.same(q) for q in other.periods) for p in one.periods)
    return f1(one.text, other.text) >= least


def _all_in(one: Answer, other: Answer) -> bool:
    return all(any(equal(a, b) for b in other.amounts) for a in one.amounts)


def f1(one: str, other: str) -> float:
    """Return the harmonic mean of the shares of characters that two texts have in common, folded, 0 to 1."""
    left, right = Counter(folded(one)), Counter(folded(other))
    common = (left & right).total()
    return 2 * common / (left.total() + right.total()) if common else 0.0
