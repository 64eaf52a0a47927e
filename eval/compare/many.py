"""Compares several models at once, every test counted."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from datacards.errors import UserError
from eval.compare.adjust import Adjustment, adjusted
from eval.compare.outcome import Outcome, of_group
from eval.compare.paired import Comparison, compare, decided, paired
from eval.compare.suite import overall

FORGETTING = "general"  # the suite in which a loss is looked for, not a gain: many tests, none the headline

Outcomes = Mapping[str, Mapping[str, Outcome]]


@dataclass(frozen=True)
class Compared:
    """What several models were found to be against each other.

    ``tasks`` are the headline figures, adjusted within their suite over all pairs of models, ``groups`` the parts of
    tasks, adjusted within the task, ``suites`` the means over the tasks of a suite, adjusted over the pairs.
    ``left_out`` says why a task was not compared.
    """

    tasks: tuple[Comparison, ...]
    groups: tuple[Comparison, ...]
    suites: tuple[Comparison, ...]
    left_out: tuple[str, ...]


def compare_many(
    outcomes: Outcomes,
    *,
    baseline: str = "",
    all_pairs: bool = False,
    margins: Mapping[str, float] | None = None,
    common: bool = False,
    groups: bool = True,
) -> Compared:
    """Return every comparison of the models in ``outcomes`` (name -> task -> outcome).

    Each model is compared with ``baseline`` (else the last), or with each other one. ``margins`` are by task, ``""`` for
    all others. Holm's correction serves the tasks of a suite, Benjamini and Hochberg's the groups of a task and the
    suite ``general``. Raises UserError for an unknown baseline and for models that no task joins.
    """
    pairs = _pairs(list(outcomes), baseline, all_pairs)
    tasks: list[Comparison] = []
    parts: list[Comparison] = []
    left_out: list[str] = []
    for pair in pairs:
        a, b = outcomes[pair[0]], outcomes[pair[1]]
        left_out += [f"{name}: only {pair[0]} was asked" for name in a if name not in b]
        left_out += [f"{name}: only {pair[1]} was asked" for name in b if name not in a]
        for name in a:
            if name not in b:
                continue
            if without := [who for who, one in zip(pair, (a[name], b[name]), strict=True) if not one.known]:
                left_out.append(f"{name}: {' and '.join(without)} has no score of any item")
                continue
            margin = (margins or {}).get(name, (margins or {}).get(""))
            tasks.append(compare(a[name], b[name], names=pair, margin=margin, common=common))
            if groups:
                parts += _by_group(*paired(a[name], b[name], names=pair, common=common), pair, margin)
    if not tasks:
        raise UserError("compare", "the models share no task", todo="score them with one recipe")
    return Compared(
        tasks=tuple(_settled(tasks, lambda one: one.suite)),
        groups=tuple(_settled(parts, lambda one: one.task, "benjamini-hochberg")),
        suites=tuple(_settled(_suites(tasks, _told_twice(outcomes)), lambda one: f"{one.suite}/{one.task}")),
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _pairs(names: Sequence[str], baseline: str, all_pairs: bool) -> list[tuple[str, str]]:
    if len(names) < 2:
        raise UserError("compare", f"{len(names)} model", "two or more", "name another evaluation version")
    if all_pairs:
        return list(combinations(names, 2))
    against = baseline or names[-1]
    if against not in names:
        raise UserError("--baseline", f"'{against}' is not compared", f"one of: {', '.join(names)}")
    return [(name, against) for name in names if name != against]


def _by_group(a: Outcome, b: Outcome, pair: tuple[str, str], margin: float | None) -> list[Comparison]:
    names = sorted({*a.groups} - {""})
    if len(names) < 2:
        return []
    parts = [(name, of_group(a, name), of_group(b, name)) for name in names]
    return [
        replace(compare(one, other, names=pair, margin=margin, common=True), group=name)
        for name, one, other in parts
        if one.known and other.known
    ]


def _told_twice(outcomes: Outcomes) -> set[str]:
    """Return the suites in which two tasks are of the same items, as two ways to score a dialogue: they have no mean."""
    found = set()
    for tasks in outcomes.values():
        seen: dict[str, set[str]] = defaultdict(set)
        for one in tasks.values():
            if not seen[one.suite].isdisjoint(one.ids):
                found.add(one.suite)
            seen[one.suite].update(one.ids)
    return found


def _suites(tasks: Sequence[Comparison], without: Collection[str]) -> list[Comparison]:
    """Return the comparison of every suite's mean, of every pair, where the suite has more than one task."""
    found: dict[tuple[str, tuple[str, str]], list[Comparison]] = defaultdict(list)
    for one in tasks:
        if one.suite and one.higher_is_better and one.suite not in without:
            found[one.suite, one.names].append(one)
    return [told for several in found.values() if len(several) > 1 for told in overall(several)]


def _settled(
    comparisons: Sequence[Comparison], family: Callable[[Comparison], str], method: Adjustment | None = None
) -> list[Comparison]:
    """Return ``comparisons`` with p adjusted within each family, and the verdicts that follow."""
    families: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(comparisons):
        families[family(one)].append(place)
    found = list(comparisons)
    for name, places in families.items():
        how = method or ("benjamini-hochberg" if name == FORGETTING else "holm")
        told = [found[place] for place in places]
        ps = adjusted([one.p for one in told], how)
        equivalent, no_loss = (
            _known([one.p_equivalent for one in told], how),
            _known([one.p_no_loss for one in told], how),
        )
        for place, p, same, kept in zip(places, ps, equivalent, no_loss, strict=True):
            found[place] = decided(
                replace(
                    found[place],
                    p_adjusted=p,
                    p_equivalent=same,
                    p_no_loss=kept,
                    tests=len(places),
                    adjustment=how,
                )
            )
    return found


def _known(ps: Sequence[float | None], method: Adjustment) -> list[float | None]:
    """Return the adjusted p of those tests that were made, None for the others."""
    told = iter(adjusted([p for p in ps if p is not None], method))
    return [None if p is None else next(told) for p in ps]
