"""Figures from answers: accuracy, F1, and their standard errors."""

from collections.abc import Sequence

import numpy as np

from eval.items import Answer


def accuracy(answers: Sequence[Answer], *, per_character: bool = False) -> tuple[float, float | None]:
    """Return the share of right answers and its standard error, sqrt(p(1-p)/(n-1)); None for a single item."""
    right = np.array([_prediction(a, per_character) == a.item.gold for a in answers], dtype=float)
    if len(right) < 2:
        return float(right.mean()), None
    return float(right.mean()), float(right.std(ddof=1) / np.sqrt(len(right)))


def mean_f1(
    answers: Sequence[Answer], *, per_character: bool = False, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the mean of the F1 of every choice, and its standard error by bootstrap over items.

    Items whose gold is None count as false positives of whatever was predicted for them. The bootstrap draws the
    table of (gold, prediction) counts, which is all that F1 depends on; it takes the items as independent, although
    some share a sentence, so it is a lower bound.
    """
    size = len(answers[0].item.choices)
    table = np.zeros((size + 1, size))  # the last row holds the items without a right choice
    for answer in answers:
        gold = size if answer.item.gold is None else answer.item.gold
        table[gold, _prediction(answer, per_character)] += 1
    total = int(table.sum())
    drawn = np.random.default_rng(seed).multinomial(total, table.ravel() / total, size=draws)
    again = _f1(drawn.reshape(draws, size + 1, size))
    return float(_f1(table[None])[0]), float(again.std(ddof=1))


def _f1(tables: np.ndarray) -> np.ndarray:
    """Return the mean F1 of each table of shape (tables, golds, predictions); an empty class counts zero."""
    hits = np.diagonal(tables, axis1=1, axis2=2)
    choices = tables.shape[2]
    golds, predicted = tables[:, :choices].sum(axis=2), tables.sum(axis=1)
    f1 = 2 * hits / np.maximum(golds + predicted, 1)
    mean: np.ndarray = f1.mean(axis=1)
    return mean


def _prediction(answer: Answer, per_character: bool) -> int:
    return answer.prediction_norm if per_character else answer.prediction
