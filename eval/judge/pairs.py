"""Two answers held against each other in both orders: which one a judge prefers, whatever stands first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.judge.asks import Ask, Judgment


def both_orders(
    question: str,
    turn: int,
    system: str,
    fill: Callable[[str, str], str],
    answers: tuple[str, str],
    *,
    repeat: int = 0,
) -> tuple[Ask, Ask]:
    """Return the asks for two answers: as they are and the other way round; judge them on the scale ``PAIR``.

    ``fill`` makes the prompt of the answer shown as A and the one shown as B.
    """
    one, two = answers
    return (
        Ask(question, turn, system, fill(one, two), answer=one, repeat=repeat),
        Ask(question, turn, system, fill(two, one), answer=two, repeat=repeat),
    )


def preferred(ahead: Judgment, behind: Judgment) -> float | None:
    """Return 1 where both orders prefer the first answer, 0 where both prefer the second, else 0.5, a tie.

    ``ahead`` is the judgment that showed the first answer first. None where either has no score.
    """
    if ahead.score is None or behind.score is None:
        return None
    return ahead.score if ahead.score == 1 - behind.score else 0.5


@dataclass(frozen=True, slots=True)
class Orders:
    """How far the order decides: of ``pairs`` judged in both orders, the shares that agree and that preferred what stood first."""

    pairs: int
    consistent: float | None
    first_place: float | None


def orders(judged: Sequence[tuple[Judgment, Judgment]]) -> Orders:
    """Return what the order did; pairs without two scores are left out."""
    scores = [(a.score, b.score) for a, b in judged if a.score is not None and b.score is not None]
    if not scores:
        return Orders(0, None, None)
    same = sum(a == 1 - b for a, b in scores)
    ahead = sum(a == b == 1.0 for a, b in scores)
    return Orders(len(scores), same / len(scores), ahead / len(scores))
