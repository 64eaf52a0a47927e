"""Means of judged turns, their clustered errors and bounds are what their definitions say."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.chat.scores import Turn, bounds, by_category, failures, mean, overall, told

scores = st.none() | st.integers(0, 10).map(float)


def turns(*rows: tuple[str, str, list[float | None]]) -> list[Turn]:
    return [
        Turn(question, number, category, score, "" if score is not None else "unparsed")
        for question, category, values in rows
        for number, score in enumerate(values, 1)
    ]


SET = turns(
    ("a", "math", [2.0, 4.0]),
    ("b", "math", [6.0, 8.0]),
    ("c", "idea", [9.0, None]),
    ("d", "idea", [7.0, 5.0]),
)


def test_the_overall_figure_weighs_categories_alike_and_the_turn_mean_turns() -> None:
    categories = by_category(SET)
    assert [round(one.value, 9) for one in categories.values()] == [5.0, 7.0]
    assert overall(categories).value == pytest.approx(6.0)
    assert mean(SET).value == pytest.approx(41 / 7)
    assert (overall(categories).n, overall(categories).clusters) == (7, 4)


def test_a_clustered_error_is_that_of_the_questions_means_where_all_have_as_many_turns() -> None:
    one = mean(SET[:4])
    assert one.clustered == pytest.approx(np.std([3.0, 7.0], ddof=1) / math.sqrt(2))
    assert one.stderr == pytest.approx(np.std([2.0, 4.0, 6.0, 8.0], ddof=1) / 2)
    assert one.clustered > one.stderr


def test_the_clustered_error_is_that_of_a_bootstrap_over_questions() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(6, 1.5, size=60)
    rows = [
        Turn(f"q{n}", number, "math", float(np.clip(base[n] + rng.normal(0, 1), 0, 10)))
        for n, number in product(range(60), (1, 2))
    ]
    table = np.array([row.score for row in rows]).reshape(60, 2)
    drawn = table[rng.integers(0, 60, size=(4000, 60))].mean(axis=(1, 2))
    assert mean(rows).clustered == pytest.approx(drawn.std(), rel=0.05)


@pytest.mark.parametrize(("questions", "point"), [(2, 12.7062), (3, 4.3027), (11, 2.2281), (30, 2.0452)])
def test_the_interval_is_students(questions: int, point: float) -> None:
    rows = [Turn(f"q{n}", 1, "math", 5.0 + 0.01 * (n % 2)) for n in range(questions)]
    one = mean(rows)
    assert one.high is not None
    assert one.clustered
    assert (one.high - one.value) / one.clustered == pytest.approx(point, rel=2e-3)


def test_bounds_hold_the_figure_with_failures_as_nothing_and_without_them() -> None:
    rows = [*SET, Turn("e", 1, "math", 0.0, "language")]
    limits = bounds(rows)
    assert limits.low == pytest.approx((4.0 + 21 / 4) / 2)
    assert limits.high == pytest.approx((5.0 + 7.0) / 2)
    assert limits.low <= overall(by_category(rows)).value <= limits.high


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["math", "idea"]), scores), min_size=1))
def test_the_figure_lies_within_its_bounds(rows: list[tuple[str, str, float | None]]) -> None:
    made = [
        Turn(name + kind, 1, kind, score, "" if score else "unparsed" if score is None else "empty")
        for name, kind, score in rows
    ]
    value, limits = overall(by_category(made)).value, bounds(made)
    # With a category that has nothing but failures the three figures are over different categories.
    if len(by_category([one for one in made if not one.failure])) == len(by_category(made)):
        low = limits.low if len(by_category(made)) == len({one.category for one in made}) else value
        assert math.isnan(value) or low - 1e-9 <= value <= limits.high + 1e-9


def test_failures_are_counted_by_kind_category_and_turn() -> None:
    assert failures(SET) == [("unparsed", "idea", 2, 1, 2)]
    assert told(SET) == "failures of 8 turns: unparsed 1"
    assert told(SET[:4]) == ""


def test_nothing_judged_has_no_mean() -> None:
    assert math.isnan(mean([Turn("a", 1, "math", None, "error")]).value)
    assert by_category([Turn("a", 1, "math", None, "error")]) == {}


def test_the_interval_of_scores_beyond_the_scale_holds_their_mean() -> None:
    told = mean([Turn(str(n), 1, "math", 90.0 + n) for n in range(3)])
    assert told.low is not None
    assert told.high is not None
    assert told.low <= told.value <= told.high
