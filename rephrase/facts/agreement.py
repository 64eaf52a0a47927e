"""Which claims may be asked: one for each identity, and none where two documents answer differently."""

from array import array
from collections import defaultdict
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

import numpy as np
import numpy.typing as npt

from corpus.document import Fact
from rephrase.facts.claim import Claim, folded, number

_NONE = -128  # decimals of what is no number
_LARGEST = 2**63


class Agreement:
    """Takes every claim once, in an order that the next pass repeats; then tells what to do with each.

    Memory: 33 bytes for each claim, about 70 more for each while ``settle`` sorts them.
    """

    def __init__(self) -> None:
        self._identities, self._answers, self._groups = array("Q"), array("Q"), array("Q")
        self._numbers, self._decimals = array("q"), array("b")
        self.asked: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.contested: set[int] = set()
        self._told: defaultdict[int, set[str]] = defaultdict(set)

    def add(self, claim: Claim, license_: str) -> None:
        """Take a claim over from a document under a license."""
        amount, decimals = _exact(claim.fact)
        self._identities.append(number(claim.identity))
        self._answers.append(number(folded(claim.answer)))
        self._groups.append(number("|".join((claim.kind, *claim.group, license_))))
        self._numbers.append(amount)
        self._decimals.append(decimals)

    def settle(self, per_group: int, seed: int) -> None:
        """Decide: the most precise claim of each identity that has one answer, ``per_group`` of each group.

        Which ones stay where there are more follows from the identities and the seed alone.
        """
        identities = np.frombuffer(self._identities, np.uint64)
        answers = np.frombuffer(self._answers, np.uint64)
        decimals = np.frombuffer(self._decimals, np.int8)
        self.asked = np.zeros(len(identities), np.bool_)
        order = np.lexsort((-decimals.astype(np.int16), identities))
        sorted_, said = identities[order], answers[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = sorted_[1:] != sorted_[:-1]
        starts = np.flatnonzero(first)
        ends = np.append(starts[1:], len(order))
        differ = np.zeros(len(order), np.bool_)
        differ[1:] = ~first[1:] & (said[1:] != said[:-1])
        torn = np.unique(np.searchsorted(starts, np.flatnonzero(differ), "right") - 1)
        agreed = np.ones(len(starts), np.bool_)
        for place in torn:
            members = order[starts[place] : ends[place]]
            if not self._one_number(members):
                agreed[place] = False
                self.contested.add(int(sorted_[starts[place]]))
        self._draw(order[starts[agreed]], per_group, seed)

    def _one_number(self, members: npt.NDArray[np.intp]) -> bool:
        found = [(self._numbers[place], self._decimals[place]) for place in members]
        return all(decimals != _NONE for _, decimals in found) and one_number(found)

    def _draw(self, winners: npt.NDArray[np.intp], per_group: int, seed: int) -> None:
        groups = np.frombuffer(self._groups, np.uint64)[winners]
        drawn = _mixed(np.frombuffer(self._identities, np.uint64)[winners], seed)
        order = np.lexsort((drawn, groups))
        starts = np.flatnonzero(np.append(True, groups[order][1:] != groups[order][:-1]))
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
        self.asked[winners[order[rank < per_group]]] = True

    def hear(self, claim: Claim) -> None:
        """Note the answer of a claim where documents tell different ones."""
        if (identity := number(claim.identity)) in self.contested:
            self._told[identity].add(claim.answer)

    def answers(self, identity: str) -> list[str]:
        """Return the different answers that were heard, once for each identity; none where all agree."""
        return sorted(self._told.pop(number(identity), ()))

    def is_contested(self, identity: str) -> bool:
        """Say whether documents tell an identity differently."""
        return number(identity) in self.contested


def _exact(fact: Fact | None) -> tuple[int, int]:
    if not fact or not fact.number:
        return 0, _NONE
    decimals = int(fact.decimals) if fact.decimals.lstrip("-").isdigit() else 0
    try:
        value = Decimal(fact.number)
    except InvalidOperation:
        return 0, _NONE
    if value != value.to_integral_value() or abs(value) >= _LARGEST or abs(decimals) > 100:
        return 0, _NONE
    return int(value), decimals


def one_number(found: list[tuple[int, int]]) -> bool:
    """Say whether amounts (number, decimals) shown at different precisions are one number, cut off or rounded.

    Japanese statements cut off below the displayed unit where others round, so either is agreement.
    """
    finest = Decimal(max(found, key=lambda one: one[1])[0])
    for amount, decimals in found:
        step = Decimal(1).scaleb(-decimals)
        shown = Decimal(amount) / step
        if shown not in ((finest / step).to_integral_value(mode) for mode in (ROUND_DOWN, ROUND_HALF_UP)):
            return False
    return True


def _mixed(numbers: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """Return other numbers, one for each, that the seed decides (the finalizer of splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64(number(str(seed)))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


class Names:
    """Knows the names that several listed companies bear: nobody could tell which of them is asked about."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, name: str, code: str) -> None:
        """Take over that a company of this name has this code."""
        self._codes[name].add(code)

    def shared(self, name: str) -> bool:
        """Say whether a name is borne by more than one."""
        return len(self._codes.get(name, ())) > 1
