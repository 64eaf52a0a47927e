"""Figures from answers: accuracy, F1, reciprocal rank, and their standard errors."""

from collections.abc import Sequence

import numpy as np

from eval.items import Answer


def accuracy(answers: Sequence[Answer], *, per_character: bool = False) -> tuple[float, float | None]:
    """Return the share of right answers and its standard error, sqrt(p(1-p)/(n-1)); None for a single item."""
    return _mean([_prediction(a, per_character) == a.item.gold for a in answers])


def reciprocal_rank(
    answers: Sequence[Answer], *, cut: int | None = None, per_character: bool = False
) -> tuple[float, float | None]:
    """Return the mean of one over the rank of the right choice, and its standard error; None for a single item.

    A right choice that is ranked below ``cut`` counts nothing, and so does an item without one. Of equally likely
    choices the later one ranks higher, as in the Japanese financial benchmark, whose ``map`` this is.
    """
    values = []
    for answer in answers:
        likely = answer.loglikelihoods
        if per_character:
            likely = tuple(v / len(c) for v, c in zip(likely, answer.item.choices, strict=True))
        order = np.argsort(likely, kind="stable")[::-1].tolist()
        rank = order.index(answer.item.gold) + 1 if answer.item.gold is not None else 0
        values.append(1 / rank if rank and (cut is None or rank <= cut) else 0.0)
    return _mean(values)


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


def official_f1(answers: Sequence[Answer], *, per_character: bool = False) -> float:
    """Return the figure that the Japanese financial benchmark itself computes for chABSA: macro F1 times 1.5.

    The mean goes over the classes that occur among golds and predictions, so that it means what ``mean_f1`` does only
    where items without a right choice are among ``answers`` and both choices occur: on twenty items without one, a
    perfect model gets 1.5. For holding a run against the original's arithmetic; no figure of a partial run.
    """
    golds = [-100 if a.item.gold is None else a.item.gold for a in answers]
    predicted = [_prediction(a, per_character) for a in answers]
    each = []
    for kind in {*golds, *predicted}:
        hits = sum(g == p == kind for g, p in zip(golds, predicted, strict=True))
        each.append(2 * hits / (golds.count(kind) + predicted.count(kind)))
    return 1.5 * sum(each) / len(each)


def _mean(values: Sequence[float]) -> tuple[float, float | None]:
    found = np.array(values, dtype=float)
    if len(found) < 2:
        return float(found.mean()), None
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))


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
