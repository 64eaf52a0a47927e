"""Figures equal scikit-learn's and the benchmark's own formulas."""

import math

import pytest
from sklearn.metrics import f1_score

from eval.items import Answer, Item
from eval.metrics import accuracy, mean_f1, official_f1, reciprocal_rank

CHOICES = ("positive", "negative")


def answers(golds: list[int | None], predictions: list[int]) -> list[Answer]:
    """Return answers whose raw and per-character predictions are ``predictions``."""
    return [
        Answer(Item(str(n), "", CHOICES, CHOICES, gold), (-1.0, -9.0) if predicted == 0 else (-9.0, -1.0))
        for n, (gold, predicted) in enumerate(zip(golds, predictions, strict=True))
    ]


def test_f1_is_the_benchmarks_macro_f1_times_one_and_a_half() -> None:
    """Neutral items carry gold -100 there; the macro mean is over three classes of which that one is zero."""
    golds: list[int | None] = [0, 0, 0, 1, 1, None, None, 0, 1, 1]
    predicted = [0, 1, 0, 1, 0, 0, 1, 0, 1, 1]
    official = f1_score([-100 if g is None else g for g in golds], predicted, average="macro") * 1.5
    value, stderr = mean_f1(answers(golds, predicted))
    assert value == pytest.approx(official)
    assert official_f1(answers(golds, predicted)) == pytest.approx(official)
    assert 0 < stderr < 0.3


def test_a_perfect_model_scores_one_on_a_subset_without_neutral_items() -> None:
    """The benchmark's formula would give it 1.5."""
    golds: list[int | None] = [0, 1, 1, 0]
    assert mean_f1(answers(golds, [0, 1, 1, 0]))[0] == 1.0
    assert f1_score(golds, [0, 1, 1, 0], average="macro") * 1.5 == 1.5
    assert official_f1(answers(golds, [0, 1, 1, 0])) == 1.5


def test_the_standard_error_of_f1_shrinks_with_the_root_of_the_items() -> None:
    golds: list[int | None] = [0, 0, 1, 1, 1, None]
    small = mean_f1(answers(golds * 20, [0, 1, 1, 1, 0, 0] * 20))[1]
    large = mean_f1(answers(golds * 320, [0, 1, 1, 1, 0, 0] * 320))[1]
    assert small / large == pytest.approx(4, rel=0.1)


def test_accuracy_has_the_standard_error_of_a_mean_with_n_minus_one() -> None:
    value, stderr = accuracy(answers([0, 0, 0, 1], [0, 0, 1, 1]))
    assert value == 0.75
    assert stderr == pytest.approx(math.sqrt(0.75 * 0.25 / 3))
    assert accuracy(answers([0], [0])) == (1.0, None)


def test_per_character_likelihood_favors_long_choices_that_are_likely_per_character() -> None:
    item = Item("x", "", ("ab", "abcdefgh"), ("ab", "abcdefgh"), 1)
    answer = Answer(item, (-4.0, -8.0))
    assert (answer.prediction, answer.prediction_norm) == (0, 1)


def test_the_first_of_equal_choices_wins() -> None:
    """As numpy's argmax, which the benchmark uses."""
    assert Answer(Item("x", "", CHOICES, CHOICES, 1), (-2.0, -2.0)).prediction == 0


def test_the_rank_of_the_right_choice_counts_by_its_reciprocal() -> None:
    """``map`` of the benchmark: ranks below the cut count nothing, the later of equals ranks higher."""
    four = ("a", "bb", "ccc", "dddd")
    item = Item("x", "", four, four, 3)
    answer = Answer(item, (-1.0, -2.0, -3.0, -4.0))
    assert reciprocal_rank([answer])[0] == 0.25
    assert reciprocal_rank([answer], cut=3)[0] == 0.0
    assert reciprocal_rank([answer], per_character=True)[0] == 1 / 1  # -1.0 each, the last of equals first
    value, stderr = reciprocal_rank([answer, Answer(Item("y", "", four, four, 0), (-1.0, -2.0, -3.0, -4.0))])
    assert (value, stderr) == (0.625, pytest.approx(0.375))
