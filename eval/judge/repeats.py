"""Which answers are judged more than once, to know the noise of the judge: a share of every category."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from eval.judge.asks import Ask

#: A fifth of the answers of every category, three times each.
SHARE, TIMES = 0.2, 3


def repeated(
    asks: Sequence[Ask], groups: Sequence[str], *, share: float = SHARE, times: int = TIMES, seed: int = 0
) -> list[Ask]:
    """Return further asks, numbered from 1: ``times`` - 1 for a ``share`` of the questions of every group, rounded up.

    All turns of a drawn question are repeated. The draw depends on the names of questions and the seed, not on their order.
    """
    questions: dict[str, set[str]] = defaultdict(set)
    for ask, group in zip(asks, groups, strict=True):
        questions[group].add(ask.question)
    drawn: set[tuple[str, str]] = set()
    for group, names in sorted(questions.items()):
        chance = random.Random(f"{seed}:{group}")  # noqa: S311  a draw, no secret
        chosen = chance.sample(sorted(names), min(len(names), ceil(share * len(names))))
        drawn.update((group, name) for name in chosen)
    return [
        replace(ask, repeat=repeat)
        for repeat in range(1, times)
        for ask, group in zip(asks, groups, strict=True)
        if (group, ask.question) in drawn
    ]
