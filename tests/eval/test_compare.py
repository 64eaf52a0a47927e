"""Two models on the same questions: figures, errors and tests equal the formulas of the papers, written here again."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import xlogy
from sklearn.metrics import f1_score

from datacards.errors import UserError
from eval.compare.exact import mcnemar, tango, tango_z, wilson
from eval.compare.figures import f1_parts, gradient_of, group_parts, ratio_parts, value_of
from eval.compare.outcome import Outcome, of_group, restricted
from eval.compare.paired import compare
from eval.compare.resample import contrast, estimate
from eval.compare.single import interval


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same numbers for every test."""
    return np.random.default_rng(20261126)


def outcome(values: object, *, clusters: object = None, **fields: object) -> Outcome:
    """Return an outcome of right and wrong answers, or of ``parts``."""
    right = np.asarray(values, dtype=float)
    n = len(right)
    made = Outcome(
        task="cma_basics", metric="acc", figure="mean", higher_is_better=True, digest="d",
        ids=tuple(f"q{place}" for place in range(n)), groups=("",) * n,
        clusters=np.arange(n) if clusters is None else np.asarray(clusters), parts=ratio_parts(right, np.ones(n)),
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def test_mcnemar_is_the_binomial_test_of_the_discordant_questions() -> None:
    for more, less in [(9, 2), (0, 6), (5, 5), (40, 61)]:
        assert mcnemar(more, less) == pytest.approx(stats.binomtest(more, more + less).pvalue)
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) > 0.05 > mcnemar(6, 0)


def test_wilsons_interval_is_scipys() -> None:
    for right, n in [(0, 38), (19, 38), (57, 57), (64, 398)]:
        told = stats.binomtest(right, n).proportion_ci(method="wilson")
        assert wilson(right, n) == pytest.approx((told.low, told.high), abs=1e-12)


def test_tangos_statistic_has_the_variance_that_is_likeliest_under_the_bound() -> None:
    """The restricted likelihood is maximized numerically here, in closed form there (Tango 1998)."""
    for more, less, n, bound in [(9, 2, 44, 0.1), (9, 0, 44, 0.15), (3, 8, 57, -0.02), (20, 35, 398, -0.05)]:

        def unlikely(q: float, more: int = more, less: int = less, n: int = n, bound: float = bound) -> float:
            told = xlogy(more, q + bound) + xlogy(less, q) + xlogy(n - more - less, 1 - 2 * q - bound)
            return -float(told)

        least = max(0.0, -bound) + 1e-12
        q = optimize.minimize_scalar(
            unlikely, bounds=(least, (1 - bound) / 2 - 1e-12), options={"xatol": 1e-12}
        ).x
        expected = (more - less - n * bound) / math.sqrt(n * (2 * q + bound - bound**2))
        assert tango_z(more, less, n, bound) == pytest.approx(expected, rel=1e-4)
    assert tango_z(9, 2, 44, 0.0) == pytest.approx((9 - 2) / math.sqrt(9 + 2))
    low, high = tango(9, 2, 44)
    assert tango_z(9, 2, 44, low) == pytest.approx(1.959964, abs=1e-6)
    assert tango_z(9, 2, 44, high) == pytest.approx(-1.959964, abs=1e-6)


def test_right_and_wrong_answers_are_compared_by_mcnemar_with_the_paired_error(
    rng: np.random.Generator,
) -> None:
    a, b = rng.random(398) < 0.5, rng.random(398) < 0.4
    told = compare(outcome(a), outcome(b))
    gains = a.astype(float) - b
    assert told.method == "exact McNemar"
    assert told.p == pytest.approx(stats.binomtest(int((gains > 0).sum()), int((gains != 0).sum())).pvalue)
    assert told.stderr == pytest.approx(gains.std(ddof=1) / math.sqrt(398))
    assert told.difference == pytest.approx(gains.mean())


def test_the_interval_holds_zero_exactly_where_the_test_does_not_reject() -> None:
    seen = set()
    for more, less in [(5, 0), (6, 0), (12, 4), (13, 4), (30, 16), (31, 15)]:
        a = np.array([1] * more + [0] * less + [1] * 60)
        b = np.array([0] * more + [1] * less + [1] * 60)
        told = compare(outcome(a), outcome(b))
        assert told.low is not None
        assert told.high is not None
        assert (told.low <= 0 <= told.high) == (told.p >= 0.05)
        seen.add(told.verdict)
    assert seen == {"better", "undecided"}


def test_differences_that_can_be_found_are_those_that_were_computed_for_the_benchmark() -> None:
    """20 % discordant questions, as near as whole ones come, power 80 %: 0.20, 0.17, 0.063 and 0.057."""
    for n, expected in [(38, 0.20), (57, 0.17), (398, 0.063), (475, 0.057)]:
        discordant = round(n * 0.2)
        a = np.zeros(n)
        b = np.zeros(n)
        a[: discordant // 2] = 1
        b[discordant // 2 : discordant] = 1
        assert compare(outcome(a), outcome(b)).mde == pytest.approx(expected, rel=0.05)


def test_a_clustered_mean_has_the_sandwich_error(rng: np.random.Generator) -> None:
    clusters = rng.integers(0, 40, 400)
    a, b = (rng.random((2, 400)) + rng.normal(0, 0.3, (2, 40))[:, clusters] > 0.5).astype(float)
    told = compare(outcome(a, clusters=clusters), outcome(b, clusters=clusters))
    gains = a - b
    sums = np.array([(gains - gains.mean())[clusters == c].sum() for c in np.unique(clusters)])
    number = len(sums)
    expected = math.sqrt(number / (number - 1) * (sums**2).sum()) / len(gains)
    assert told.method == "cluster bootstrap-t"
    assert told.stderr == pytest.approx(expected, rel=1e-12)
    t = told.difference / expected / told.scale
    assert told.p == pytest.approx(2 * stats.t.sf(abs(t), number - 1), rel=1e-6)
    assert told.scale >= 1


def test_the_error_of_f1_is_that_of_a_plain_cluster_bootstrap(rng: np.random.Generator) -> None:
    """The bootstrap is written with scikit-learn's F1 over items that are drawn by cluster."""
    clusters = np.repeat(np.arange(60), 6)
    golds = rng.integers(-1, 2, 360)
    told = np.where(rng.random(360) < 0.8, np.maximum(golds, 0), 1 - np.maximum(golds, 0))
    one = outcome(np.zeros(360), clusters=clusters, figure="f1", parts=f1_parts(golds, told, 2))
    assert one.value == pytest.approx(f1_score(golds, told, average="macro") * 1.5)
    again = []
    for _ in range(300):
        items = (rng.integers(0, 60, 60)[:, None] * 6 + np.arange(6)).ravel()
        again.append(f1_score(golds[items], told[items], labels=[0, 1], average="macro"))
    assert interval(one).stderr == pytest.approx(np.std(again, ddof=1), rel=0.12)


@pytest.mark.parametrize("figure", ["mean", "ratio", "f1", "groups"])
def test_the_gradient_of_every_figure_is_its_derivative(figure: str, rng: np.random.Generator) -> None:
    parts = {
        "mean": ratio_parts(rng.random(50), np.ones(50)),
        "ratio": ratio_parts(rng.random(50), rng.random(50) + 1),
        "f1": f1_parts(rng.integers(-1, 3, 50), rng.integers(0, 3, 50), 3),
        "groups": group_parts(rng.random(50), rng.integers(0, 4, 50), 4),
    }[figure]
    totals = parts.sum(axis=0)
    steps = np.eye(len(totals)) * 1e-6
    by_hand = (value_of(totals + steps, figure) - value_of(totals - steps, figure)) / 2e-6  # type: ignore[arg-type]
    assert gradient_of(totals, figure) == pytest.approx(by_hand, abs=1e-6)  # type: ignore[arg-type]


def test_a_mean_of_groups_has_the_stratified_error(rng: np.random.Generator) -> None:
    """Groups are fixed: what varies is which questions of each were asked. Both turns of a question go together."""
    scores = rng.integers(1, 11, 360).astype(float)
    codes, clusters = np.repeat(np.arange(6), 60), np.repeat(np.arange(180), 2)
    one = outcome(
        scores,
        clusters=clusters,
        figure="groups",
        groups=tuple(map(str, codes)),
        parts=group_parts(scores, codes, 6),
    )
    means = scores.reshape(6, 30, 2).mean(axis=2)
    expected = math.sqrt((means.var(axis=1, ddof=1) / 30).sum()) / 6
    assert one.value == pytest.approx(scores.reshape(6, 60).mean(axis=1).mean())
    assert interval(one).stderr == pytest.approx(expected)
    assert of_group(one, "2").value == pytest.approx(scores[120:180].mean())


def test_few_uneven_texts_stretch_t_and_many_do_not(rng: np.random.Generator) -> None:
    few = contrast(
        [ratio_parts((rng.random(90) < 0.8).astype(float), np.ones(90))], ["mean"], [1.0],
        np.repeat(np.arange(6), [40, 20, 10, 10, 5, 5]), np.zeros(90, dtype=np.int64),
    )  # fmt: skip
    many = contrast(
        [ratio_parts(rng.normal(size=900), np.ones(900))], ["mean"], [1.0], np.arange(900), np.zeros(900, int)
    )
    assert estimate(few).scale > 1.1
    assert estimate(many).scale == pytest.approx(1, abs=0.06)
    assert estimate(few, seed=3) == estimate(few, seed=3)


def test_one_text_tells_no_error_and_two_hardly_any() -> None:
    a, b = np.ones(20), np.zeros(20)
    one = compare(outcome(a, clusters=np.zeros(20, int)), outcome(b, clusters=np.zeros(20, int)))
    assert (one.stderr, one.low, one.p, one.verdict) == (None, None, 1.0, "undecided")
    two = compare(outcome(a, clusters=np.arange(20) // 10), outcome(b, clusters=np.arange(20) // 10))
    assert (two.p, two.verdict) == (0.5, "undecided")


def test_models_that_answer_alike_are_equivalent_where_a_margin_was_set(rng: np.random.Generator) -> None:
    same = outcome(rng.random(475) < 0.4)
    assert compare(same, same).verdict == "undecided"
    assert compare(same, same, margin=0.02).verdict == "equivalent"
    short = outcome(np.ones(6), clusters=[0, 0, 1, 1, 2, 2])
    assert compare(short, short, margin=0.1).verdict == "undecided", "three texts cannot rule out one in ten"


def test_a_loss_beyond_the_margin_is_ruled_out_or_not(rng: np.random.Generator) -> None:
    b = rng.random(2000) < 0.6
    slightly = b.copy()
    slightly[:10] = False
    told = compare(outcome(slightly), outcome(b), margin=0.02)
    assert told.no_loss
    assert told.verdict == "equivalent"
    much = b & (rng.random(2000) < 0.9)
    assert not compare(outcome(much), outcome(b), margin=0.02).no_loss
    assert compare(outcome(much), outcome(b)).verdict == "worse"


def test_lower_is_better_where_the_task_says_so(rng: np.random.Generator) -> None:
    bits = rng.random(200) + 1
    low, high = (
        outcome(b, higher_is_better=False, figure="ratio", metric="bits") for b in (bits, bits * 1.2)
    )
    told = compare(low, high, margin=0.05)
    assert told.difference < 0
    assert (told.verdict, told.no_loss) == ("better", True)
    assert (compare(high, low, margin=0.05).verdict, compare(high, low, margin=0.05).no_loss) == (
        "worse",
        False,
    )


def test_a_margin_of_nothing_is_refused() -> None:
    one = outcome([1, 0, 1])
    with pytest.raises(UserError, match="above zero"):
        compare(one, one, margin=0.0)


def test_other_questions_are_refused_and_told() -> None:
    a = outcome([1, 0, 1, 1], contexts=np.arange(4, dtype=np.uint64))
    fewer = replace(restricted(a, {"q0", "q1", "q2"}), digest="e")
    with pytest.raises(UserError, match=r"1 items only in the first, 0 only in the second .such as q3"):
        compare(a, fewer, names=("base", "tuned"))
    prompt = replace(a, digest="e", contexts=np.array([0, 1, 9, 3], dtype=np.uint64))
    with pytest.raises(UserError, match=r"1 of 4 items have another prompt .such as q2"):
        compare(a, prompt)
    assert compare(a, fewer, common=True).n == 3


def test_items_are_matched_by_id_whatever_their_order(rng: np.random.Generator) -> None:
    right = rng.random(60) < 0.5
    a = outcome(right)
    order = rng.permutation(60)
    b = replace(outcome(right[order]), ids=tuple(f"q{place}" for place in order))
    assert compare(a, b).difference == 0
    assert compare(a, b).stderr == 0
    twice = replace(a, ids=("q0",) * 60)
    assert compare(twice, replace(b, ids=("q0",) * 60), common=True).n == 60


def test_groups_of_one_question_vary_about_the_mean_of_all() -> None:
    """They cannot vary about their own, which would make a figure of one question a group look certain."""
    values = np.array([5.0, 7.0, 2.0, 8.0])
    singles = outcome(
        values, figure="groups", groups=tuple("abcd"), parts=group_parts(values, np.arange(4), 4)
    )
    assert interval(singles).stderr == pytest.approx(values.std(ddof=1) / 2)
    mixed = np.array([5.0, 7.0, 6.0, 4.0, 9.0])
    parts = group_parts(mixed, np.array([0, 0, 0, 0, 1]), 2)
    told = interval(outcome(mixed, figure="groups", groups=tuple("aaaab"), parts=parts))
    assert told.stderr is not None
    assert told.stderr > mixed[:4].std(ddof=1) / 2 / 2
    assert told.low is not None
    assert told.low < 7.25 < (told.high or 0)


@pytest.mark.filterwarnings("error")
def test_values_that_are_not_known_are_left_out_without_a_warning() -> None:
    known = outcome([1, math.nan, 0, 1, math.nan])
    told = compare(known, outcome([1, 1, 0, 1, 0]))
    assert (told.a, told.b, told.n) == (pytest.approx(2 / 3), 0.6, 5)
    assert known.known
    assert not outcome([math.nan] * 3).known


def test_a_margin_that_no_share_can_miss_is_refused() -> None:
    """Two points in a hundred, written as 2, would make any two models equivalent."""
    for margin in (1, 2, 0, -0.1, math.nan, math.inf):
        with pytest.raises(UserError, match="below 1"):
            compare(outcome([1, 0, 1]), outcome([1, 1, 1]), margin=margin)


def test_what_is_called_equivalent_is_told_with_the_tests_that_say_so() -> None:
    told = compare(outcome([1] * 200), outcome([1] * 199 + [0]), margin=0.05)
    assert told.verdict == "equivalent"
    assert (
        f"a difference of 0.05 or more is ruled out (p {'<' if (told.p_equivalent or 0) < 1e-4 else '='}"
        in told.sentence
    )
    assert "two one-sided tests" in told.sentence
    one = outcome([1, 0, 1], clusters=[0, 0, 0])
    assert "3 items in 1 text)" in compare(one, one).sentence
