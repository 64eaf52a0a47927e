"""Plain sentences on whether task vectors are independent, and on what storage has done to that reading."""

import math
from collections.abc import Iterable, Sequence

from datacards.merged import Alike, Roles, Similarity, Vector, main_pair

# Adding two task vectors leaves each as it was as far as they are orthogonal: the squared cosine is the share of the
# squared length of one that lies along the other. All thresholds are on the cosine without its sign.

#: No more than this many times what random directions give is no sign of anything.
RANDOM = 2.0
#: Below it less than 1 % of the squared length is shared. What arXiv 2409.19854 calls nearly orthogonal reached, in
#: single tensors, from -0.104 to 0.206, with a mean far below.
NEARLY = 0.1
#: Up to here, 9 % of the squared length, vectors of continual pretraining have been added with gain: those of arXiv
#: 2603.28858 have cosines from 0.03 to 0.31.
PARTLY = 0.3
#: A tensor outside the layers stands out when it is this many times as dependent as the layers are on average.
STANDS_OUT = 2.0
#: Deviations from zero that a cosine must have for its tensor to be named: one of 700 random ones has three.
CLEAR = 3.0
#: A vector that lengthens or shortens another one by less than this, along it, needs no word.
ALONG = 0.1
#: Tensors outside the layers that are named.
NAMED = 3
#: Where storage has left less than this of a cosine, its second digit is wrong, and the reader is warned.
READABLE = 0.95

_VERDICTS = ("holds", "nearly holds", "holds only in part", "does not hold")
_WOULD = ("hold", "nearly hold", "hold only in part", "not hold")


def sentences(pairs: Sequence[Alike], vectors: Sequence[Vector], rows: Sequence[Similarity]) -> list[str]:
    """Return what to say, the verdict first; the paper's pair is told of, or else the pair that is most alike."""
    by_roles = {pair.roles: pair for pair in pairs}
    roles = main_pair({pair.roles: pair.whole for pair in pairs})
    if roles is None:
        return [*_storage(None, vectors)]
    pair = by_roles[roles]
    n = sum(row.n for row in rows if row.cosine(roles) is not None)
    found = [*_verdict(pair, vectors, n)]
    if pair.mean_abs is not None:
        found += [*_lengths(pair, vectors), *_where(pair, rows), *_signs(pair)]
    found += [*_others(pair, pairs), *_storage(pair, [one for one in vectors if one.role in roles], n)]
    return found


def _verdict(pair: Alike, vectors: Sequence[Vector], n: int) -> Iterable[str]:
    one, other = pair.roles
    if pair.mean_abs is None or pair.chance is None or pair.whole is None:
        still = [vector.role for vector in vectors if vector.role in pair.roles and not vector.norm]
        why = f"the vector of {still[0]} is zero everywhere" if still else "no tensor is moved by both"
        yield f"Nothing can be said on the independence of the task vectors of {one} and {other}: {why}."
        return
    level = _level(pair.mean_abs, pair.chance, pair.whole, n)
    yield (
        f"The independence assumption {_VERDICTS[level]} for the task vectors of {one} and {other}: their mean |cosine| "
        f"is {_number(pair.mean_abs)} over {_tensors(pair.tensors)}, where random directions would give "
        f"{_number(pair.chance)}, and over all weights the cosine is {_signed(pair.whole)}, so that "
        f"{_percent(pair.whole**2)} of the squared length of either lies along the other."
    )


def _level(mean_abs: float, chance: float, whole: float, n: int) -> int:
    """Return the place of the verdict, from 0 (independent) to 3 (dependent); ``n`` weights have the cosine ``whole``."""
    if mean_abs <= RANDOM * chance and abs(whole) * math.sqrt(n) < CLEAR:
        return 0
    size = max(mean_abs, abs(whole))
    return 1 if size < NEARLY else 2 if size < PARTLY else 3


def _lengths(pair: Alike, vectors: Sequence[Vector]) -> Iterable[str]:
    """Tell what adding the longer vector does along the shorter one: a small cosine of a long vector is not little."""
    role = max(pair.along, key=lambda name: abs(pair.along[name]), default="")
    if not role or abs(pair.along[role]) < ALONG:
        return
    [other] = [name for name in pair.roles if name != role]
    norms = {vector.role: vector.norm for vector in vectors}
    change = "adds" if pair.along[role] > 0 else "takes away"
    times = norms[other] / norms[role]
    length = f"{times:.2g} times" if times >= 1.5 else "about"
    yield (
        f"The vector of {other} is {length} as long as that of {role}: added whole, it {change} "
        f"{_percent(abs(pair.along[role]))} of what {role} learned, along that direction."
    )


def _where(pair: Alike, rows: Sequence[Similarity]) -> Iterable[str]:
    clear = [
        (row, value)
        for row in rows
        if (value := row.cosine(pair.roles)) is not None and _is_clear(row, value)
    ]
    if not clear:
        yield "In no single tensor are they more alike than chance makes them in some."
        return
    row, value = max(clear, key=lambda one: abs(one[1]))
    dependent = sum(abs(found) >= PARTLY for _, found in clear)
    more = f"; {dependent:,} tensors are beyond {PARTLY}" if dependent > 1 else ""
    yield f"The most dependent tensor, of those beyond chance, is {row.tensor} with {_signed(value)} ({_percent(value**2)}){more}."
    layers = [
        abs(found) for one in rows if one.layer is not None and (found := one.cosine(pair.roles)) is not None
    ]
    ends = [
        one for one in rows if one.layer is None and len(one.shape) > 1 and one.cosine(pair.roles) is not None
    ]
    if layers and ends:
        yield _ends(pair.roles, ends, [one for one, _ in clear], sum(layers) / len(layers))


def _ends(roles: Roles, ends: Sequence[Similarity], clear: Sequence[Similarity], mean: float) -> str:
    """Tell whether the head and the embedding are more dependent than the layers, whose mean is ``mean``."""
    out = [one for one in ends if one in clear and abs(one.cosine(roles) or 0.0) >= STANDS_OUT * mean]
    named = [f"{one.tensor} ({_signed(one.cosine(roles) or 0.0)})" for one in (out or ends)[:NAMED]]
    among = f"Outside the layers, whose mean |cosine| is {_number(mean)}, "
    if not out:
        return among + f"nothing stands out: {', '.join(named)}."
    return (
        among
        + f"{' and '.join(named)} {'stand' if len(named) > 1 else 'stands'} out; a rule can merge that in another way."
    )


def _is_clear(row: Similarity, value: float) -> bool:
    return abs(value) * math.sqrt(row.n) >= CLEAR


def _signs(pair: Alike) -> Iterable[str]:
    if pair.signs_agree is not None:
        against = _percent(1 - pair.signs_agree)
        yield f"Of the weights that both move, {against} are pulled in opposite directions (chance: 50 %)."


def _others(pair: Alike, pairs: Sequence[Alike]) -> Iterable[str]:
    rest = [one for one in pairs if one is not pair and one.whole is not None]
    if not rest:
        return
    far = max(rest, key=lambda one: abs(one.whole or 0.0))
    cosine = f"a cosine of {_signed(far.whole or 0.0)} over all weights"
    if len(rest) == 1:
        yield f"The other pair, {_both(far.roles)}, has {cosine}."
    else:
        yield f"Of the other {len(rest):,} pairs, {_both(far.roles)} are most alike, with {cosine}."


def _both(roles: Roles) -> str:
    return " and ".join(roles)


def _storage(pair: Alike | None, vectors: Sequence[Vector], n: int = 0) -> Iterable[str]:
    """Warn where so many weights stayed that rounding must have taken a part of a vector, and say in which direction."""
    moved = [one for one in vectors if one.norm]
    if not moved:
        return
    left = math.prod(one.kept for one in moved)
    worst = max(moved, key=lambda one: one.unchanged)
    if left >= READABLE:
        yield (
            f"Storage has hardly touched the vectors: at most {_percent(worst.unchanged)} of the weights that one should "
            "have moved are unchanged."
        )
        return
    yield (
        f"Mind the storage: {_percent(worst.unchanged)} of the weights of {worst.role} are bit for bit those of the base, "
        "as happens when a model is rounded to a format whose steps are larger than what it learned; that shrinks every "
        f"cosine with the vector towards zero, to about {left:.2f} of what it was if weights and moves are normally "
        "distributed."
    )
    if pair and pair.mean_abs is not None:
        yield _corrected(pair, n, max(left, 0.01))


def _corrected(pair: Alike, n: int, left: float) -> str:
    """Say what the cosines would be without the loss, and whether the verdict would stand."""
    mean, chance, whole = pair.mean_abs or 0.0, pair.chance or 0.0, pair.whole or 0.0
    # What chance gives is not smaller for the loss, so only what is beyond it grows back.
    without = min(1.0, chance + max(0.0, mean - chance) / left) if mean > chance else mean
    over_all = max(-1.0, min(1.0, whole / left))
    before, after = _level(mean, chance, whole, n), _level(without, chance, over_all, n)
    would = f"the assumption would {_WOULD[after]}" if after > before else "the verdict would be the same"
    return (
        f"Corrected by that estimate the mean |cosine| would be about {_number(without)} and the cosine over all weights "
        f"about {_signed(over_all)}, and {would}; only the vector as it was before rounding can tell."
    )


def _tensors(n: int) -> str:
    return f"{n:,} tensors" if n != 1 else "one tensor"


def _number(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0095 else f"{value:.2g}"


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) >= 0.0095 or not value else f"{value:+.2g}"


def _percent(value: float) -> str:
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 9.5 or not percent else f"{percent:.2g} %"
