"""Finds which Japanese and which English document are the same, and says nothing where that cannot be known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from spiders.boj.people import OFFICES, Person
from spiders.boj.rows import Row


class Twins(NamedTuple):
    """``of`` leads from either document to the other; ``undecided`` have candidates, but which one is unknown."""

    of: Mapping[str, str]
    undecided: frozenset[str]


class _Talk(NamedTuple):
    """One speech in one language: its documents (page, PDF), by whom."""

    stem: str
    person: Person
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """The name in a form in which equal people are equal: no spaces, in English no order of words."""
        words = self.person.name.lower().split()
        return " ".join(sorted(words)) if self.person.name.isascii() else "".join(words)

    @property
    def role(self) -> str:
        return OFFICES.get(self.person.role, self.person.role)


def by_stem(rows: Iterable[Row]) -> Twins:
    """Pair documents whose names hold the same code, letter and part in both languages."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.stem, row.part].append(row)
    of: dict[str, str] = {}
    for group in groups.values():
        of |= _linked(*(tuple(row for row in group if row.language == language) for language in ("ja", "en")))
    return Twins(of, frozenset())


def by_speaker(rows: Iterable[Row]) -> Twins:
    """Pair speeches of one day by who spoke; the letters in their names may differ between the languages.

    A pair needs the same name (which name is which is learned from days with one speech), or an office that one
    person holds, or an office that only one speech of the day has in either language. Nothing is paired against
    a name or an office that differs.
    """
    days = _days(rows)
    names = _learned(days.values())
    of: dict[str, str] = {}
    undecided: set[str] = set()
    for japanese, english in days.values():
        ja, en = list(japanese), list(english)
        for sure in (True, False):
            for one, other in _only(ja, en, names, sure=sure):
                of |= _linked(one.rows, other.rows)
                ja.remove(one)
                en.remove(other)
        if ja and en:
            open_ = [t for t in en if any(_relation(j, t, names) != "no" for j in ja)]
            undecided |= {row.url for talk in open_ for row in talk.rows}
    return Twins(of, frozenset(undecided))


def _days(rows: Iterable[Row]) -> dict[date, tuple[list[_Talk], list[_Talk]]]:
    stems: dict[tuple[date, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        day = row.first if row.first == row.last else row.told
        if day and not row.part:
            stems[day, row.language, row.stem].append(row)
    days: dict[date, tuple[list[_Talk], list[_Talk]]] = defaultdict(lambda: ([], []))
    for (day, language, stem), found in sorted(stems.items()):
        who = next((r.person for r in found if r.person.name), found[0].person)
        days[day][language == "en"].append(_Talk(stem, who, tuple(found)))
    return days


def _learned(days: Iterable[tuple[Sequence[_Talk], Sequence[_Talk]]]) -> dict[str, str]:
    """Return which Japanese name is which English one, and back, where most days with one speech agree.

    A name whose days do not agree stands for "": it is like no other.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for japanese, english in days:
        if len(japanese) == len(english) == 1:
            one, other = japanese[0], english[0]
            if one.name and other.name and one.role == other.role:
                seen[one.name, other.name] += 1
    all_ja: Counter[str] = Counter()
    all_en: Counter[str] = Counter()
    for (ja, en), times in seen.items():
        all_ja[ja] += times
        all_en[en] += times
    sure = [
        pair for pair, times in seen.items() if 2 * times > all_ja[pair[0]] and 2 * times > all_en[pair[1]]
    ]
    return dict.fromkeys([*all_ja, *all_en], "") | dict(sure) | {en: ja for ja, en in sure}


def _relation(one: _Talk, other: _Talk, names: Mapping[str, str]) -> Literal["no", "maybe", "same"]:
    if one.role and other.role and one.role != other.role:
        return "no"
    if one.name and other.name:
        if names.get(one.name) == other.name:
            return "same"
        if one.name in names or other.name in names:
            return "no"
    if one.role == other.role == OFFICES["総裁"]:  # there is one at a time
        return "same"
    return "maybe"


def _only(
    ja: Sequence[_Talk], en: Sequence[_Talk], names: Mapping[str, str], *, sure: bool
) -> list[tuple[_Talk, _Talk]]:
    """Return the pairs in which neither has another candidate; unless ``sure``, an equal office or name tells."""
    wanted = ("same",) if sure else ("same", "maybe")
    options = [(j, e) for j in ja for e in en if _relation(j, e, names) in wanted]
    times = Counter([id(j) for j, _ in options] + [id(e) for _, e in options])
    return [
        (j, e)
        for j, e in options
        if times[id(j)] == times[id(e)] == 1 and (sure or (j.role and j.role == e.role) or j.stem == e.stem)
    ]


def _linked(ja: Sequence[Row], en: Sequence[Row]) -> dict[str, str]:
    """Return the links between the documents of one thing: of the same form (page, PDF) where there is one."""
    if not ja or not en:
        return {}
    return {row.url: _nearest(row, others).url for rows, others in ((ja, en), (en, ja)) for row in rows}


def _nearest(row: Row, others: Sequence[Row]) -> Row:
    form = row.url.rpartition(".")[2]
    ranked = sorted(
        others, key=lambda other: (not other.url.endswith(form), other.url.endswith(".pdf"), other.url)
    )
    return ranked[0]
