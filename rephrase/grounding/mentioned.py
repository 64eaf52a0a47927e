"""Where a claim names what its source knows, and which of its periods are not merely part of such a name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rephrase.grounding.calendar import Period, shifted
from rephrase.grounding.fiscal import FiscalYears

_RELATIVE = ("current", "previous", "second_previous", "next", "h1", "h2", "q")
_YEAR = 12
#: Between a year and the 前期 that is the year before it: 2022年3月期の売上高は、前期の5億円から.
_TOPIC = re.compile(r"[^。\n\d]*は、?")


@dataclass(frozen=True, slots=True)
class Mention:
    """The name of an item of the source at characters [start, end) of a claim."""

    name: str
    start: int
    end: int


def mentions(plain: str, known: Mapping[str, object]) -> list[Mention]:
    """Return where narrow text names what is known, in order; a longer name hides the shorter ones in it."""
    found: list[Mention] = []
    for name in sorted((name for name in known if name in plain), key=len, reverse=True):
        at = plain.find(name)
        while at >= 0:
            end = at + len(name)
            if all(end <= one.start or one.end <= at for one in found):
                found.append(Mention(name, at, end))
            at = plain.find(name, end)
    return sorted(found, key=lambda one: one.start)


def outside(named: Sequence[Period], plain: str, known: Mapping[str, object]) -> list[Period]:
    """Return the periods of a claim without those that belong to the name of an item: the 当期 of 当期償却額.

    ``plain`` is the narrow text of the claim, ``known`` the names of the source. Where the claim names no other period,
    they stay: then 当期償却額 is that of 当期.
    """
    relative = [one for one in named if one.said.startswith(_RELATIVE)]
    if not relative or len(named) < 2:
        return list(named)
    items = mentions(plain, known)
    inner = {
        one.start for one in relative if any(item.start <= one.start and one.end < item.end for item in items)
    }
    return list(named) if len(inner) == len(named) else [one for one in named if one.start not in inner]


def leaning(named: Sequence[Period], plain: str, own: Period | None) -> Iterator[tuple[Period, bool]]:
    """Yield where a claim says 前期 behind another period that ends as its own ones do, with the year before that one.

    And whether that is all that it can mean, as the other one is what its sentence is about; else 前期 may be the document's.
    """
    year = FiscalYears(own).current() if own else None
    ends = {(one.last.month, one.last.day) for one in (own, year) if one}
    base: Period | None = None
    for one in named:
        if one.known and one.said.startswith("previous") and base is not None:
            before = shifted(base, -_YEAR)
            if one.instant:
                day = before.last if one.said.endswith("_end") else before.first
                before = replace(before, first=day, last=day)
            alone = _TOPIC.fullmatch(plain, base.end, one.start) is not None
            yield before.at(one.start, one.end), alone
        elif one.known and not one.said and (one.last.month, one.last.day) in ends:
            base = one
