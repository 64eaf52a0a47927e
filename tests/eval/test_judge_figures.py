"""Cost told beforehand and how far judgments agree, against sums by hand and other people's formulas."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from eval.judge.agreement import agreement
from eval.judge.endpoint import Endpoint
from eval.judge.estimate import estimate
from tests.eval.judging import SYSTEM, asks, endpoint, judged, served

# The example of Krippendorff's alpha in "Computing Krippendorff's Alpha-Reliability" (2011), part C, as intervals 0.849.
CODERS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
JUDGE = Endpoint(url="https://judge.example/v1", model="judge", price_in=2.0, price_out=8.0)


def test_alpha_is_krippendorffs() -> None:
    coders = [
        [None if one == "." else float(one) for one in line.split()] for line in CODERS.split("\n") if line
    ]
    found = agreement(list(zip(*coders, strict=True)))
    assert found.alpha.value == pytest.approx(0.849, abs=5e-4)
    assert found.answers == 11
    assert found.difference.value == 0.0


def test_figures_of_two_judges_are_those_of_others() -> None:
    random = np.random.default_rng(1)
    first = random.integers(1, 11, 300)
    second = np.clip(first + random.integers(-2, 3, 300), 0, 10)
    found = agreement(list(zip(first.tolist(), second.tolist(), strict=True)), ordered=True)
    assert found.exact.value == pytest.approx((first == second).mean())
    assert found.within_one.value == pytest.approx((abs(first - second) <= 1).mean())
    assert found.pearson.value == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert found.kappa.value == pytest.approx(cohen_kappa_score(first, second, weights="quadratic"))
    assert found.difference.value == pytest.approx((second - first).mean())
    assert found.pairs == found.answers == 300
    spread = (second - first).std(ddof=1) / 300**0.5
    assert found.difference.stderr == pytest.approx(spread, rel=0.1)
    assert found.difference.low is not None
    assert found.difference.low < (second - first).mean() < (found.difference.high or 0)


def test_the_noise_of_a_judge_is_found_again() -> None:
    random = np.random.default_rng(2)
    table = random.normal(6, 2, (500, 1)) + random.normal(0, 0.7, (500, 3))
    found = agreement(table.tolist())
    assert found.noise.value == pytest.approx(0.7, rel=0.05)
    assert found.stderr_of_mean == pytest.approx(0.7 / 500**0.5, rel=0.05)
    assert found.alpha.value == pytest.approx(4 / (4 + 0.49), abs=0.02)
    assert found.pairs == 1500


def test_clusters_widen_what_answers_of_one_question_share() -> None:
    gaps = np.repeat(np.random.default_rng(3).integers(0, 3, 100), 2)
    pairs = [(5.0, 5.0 + gap) for gap in gaps]
    alone = agreement(pairs, ordered=True)
    both = agreement(pairs, ordered=True, clusters=[f"q{n // 2}" for n in range(200)])
    assert alone.difference.value == both.difference.value
    assert (both.difference.stderr or 0) / (alone.difference.stderr or 1) == pytest.approx(2**0.5, rel=0.1)


def test_figures_without_a_meaning_are_left_out() -> None:
    none = agreement([[7.0, None], [None, None], []])
    assert (none.answers, none.exact.value, none.stderr_of_mean) == (0, None, None)
    same = agreement([[7.0, 7.0], [7.0, 7.0], [7.0, 7.0, None]])
    assert (same.exact.value, same.noise.value) == (1.0, 0.0)
    assert (same.pearson.value, same.alpha.value, same.kappa.value) == (None, None, None)
    with pytest.raises(ValueError, match="two columns"):
        agreement([[1.0, 2.0, 3.0]], ordered=True)


def test_an_estimate_without_tokenizer_is_characters_times_the_ratio() -> None:
    wanted = asks(100)
    characters = sum(len(one.system) + len(one.prompt) for one in wanted)
    told = estimate(wanted, JUDGE)
    assert (told.judgments, told.cached, told.calls.likely) == (100, 0, 100)
    assert told.tokens_in.likely == pytest.approx(0.75 * characters + 1000)
    assert told.tokens_in.low == pytest.approx(0.5 * characters + 600)
    assert told.tokens_out.likely == pytest.approx(100 * 360 * 0.75)
    assert told.cost.likely == pytest.approx((told.tokens_in.likely * 2 + told.tokens_out.likely * 8) / 1e6)
    assert told.cost.low < told.cost.likely < told.cost.high < told.worst
    assert "USD" in str(told)
    assert "at assumed ratios" in str(told)
    assert "no price given" in str(
        estimate(wanted, JUDGE.model_copy(update={"price_in": 0.0, "price_out": 0.0}))
    )


def test_an_estimate_by_the_judges_tokenizer_counts_its_tokens(tmp_path: Path) -> None:
    coder = Tokenizer(models.BPE())
    coder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    coder.train_from_iterator(["政策金利はどうなりましたか。"] * 5, trainer)
    coder.save(str(tmp_path / "tokenizer.json"))
    wanted = asks(3)
    told = estimate(wanted, JUDGE.model_copy(update={"tokenizer": str(tmp_path)}))
    exact = sum(len(coder.encode(SYSTEM + one.prompt).ids) for one in wanted)
    assert told.tokens_in.likely == exact + 30
    assert "by the tokenizer" in str(told)


def test_an_estimate_learns_from_what_was_judged_and_is_met(tmp_path: Path) -> None:
    """Of a hundred answers thirty are there: the rest is told within the range, and counted so afterwards."""
    cache, wanted = tmp_path / "judgments.db", asks(100)
    with served() as server:
        judged(server, tmp_path, wanted[:30])
        told = estimate(wanted, endpoint(server, price_in=2.0, price_out=8.0), cache)
        found = judged(server, tmp_path, wanted)
        spent = sum(2 * one.tokens_in + 8 * one.tokens_out for one in found[30:]) / 1e6
    assert (told.cached, told.calls.likely) == (30, 70)
    assert told.cost.low <= spent <= told.cost.high
    assert told.cost.likely == pytest.approx(spent, rel=0.02)
    with served() as server:
        assert str(estimate(wanted, endpoint(server), cache)) == "100 judgments, all there: nothing to ask"
