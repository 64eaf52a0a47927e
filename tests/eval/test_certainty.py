"""What is written with a score: its error by the texts that items share, its interval, what guessing gives."""

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import null_comparisons
from datacards.evaluated import SCORES, TASKS, write_records
from eval.base import Evaluator
from eval.compare.exact import wilson
from eval.compare.outcome import Outcome, read
from eval.compare.single import interval
from eval.items import Answer, Item
from eval.scoring import score
from eval.tasks.base import Task
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit


class Dice(Evaluator):
    """Finds the right choice in seven of ten items, less often in some documents than in others."""

    def ask(self, *, model: object, asked: object, keep: object) -> dict[str, list[Answer]]:  # type: ignore[override]
        del model, keep
        return {task: [self._answer(item) for item in items] for task, items in asked.items()}  # type: ignore[attr-defined]

    def _answer(self, item: Item) -> Answer:
        skill = random.Random(item.cluster).uniform(0.4, 1.0)  # noqa: S311  a draw, no secret
        dice = random.Random(item.id)  # noqa: S311
        likelihoods = [dice.uniform(-9, -5) for _ in item.choices]
        if item.gold is not None and dice.random() < skill:
            likelihoods[item.gold] = -1.0
        return Answer(item, tuple(likelihoods))


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of an evaluation of two whole test sets."""
    out = tmp_path_factory.mktemp("certain")
    tasks: list[Task] = [Chabsa(), CpaAudit()]
    scores, records = score(Dice(), Path(), tasks, None, out=out)
    write_records(out / SCORES, scores)
    write_records(out / TASKS, records)
    return out


def test_chabsa_is_read_with_its_reports_and_the_best_constant_answer(scored: Path) -> None:
    """230 reports; always positive scores 0.359459, as the published board has it for several models."""
    one = read(scored)["chabsa"]
    assert (one.n, one.n_clusters) == (7723, 230)
    assert one.chance == pytest.approx(0.359459, abs=5e-7)


def test_headline_figures_carry_error_interval_and_chance_and_agree_with_the_samples(scored: Path) -> None:
    from datacards.evaluated import read_scores

    told = {(one.task, one.metric): one for one in read_scores(scored)}
    f1, acc = told["chabsa", "f1"], told["cpa_audit", "acc"]
    outcomes: dict[str, Outcome] = read(scored)
    assert f1.value == pytest.approx(outcomes["chabsa"].value)
    assert (f1.clustered, f1.low, f1.high) == interval(outcomes["chabsa"])
    assert f1.clustered is not None
    assert f1.stderr is not None
    assert f1.clustered > 1.5 * f1.stderr, "documents that a model finds hard make the error larger"
    assert (acc.low, acc.high) == pytest.approx(wilson(acc.value * 398, 398))
    assert acc.clustered == pytest.approx(acc.stderr)
    assert acc.chance == pytest.approx(1 / 6)
    assert told["chabsa", "acc"].low is None, "the figures beside it are told without"


def test_the_benchmark_of_false_alarms_ends_with_its_figures() -> None:
    done = CliRunner().invoke(null_comparisons.main, ["--trials", "20", "--draws", "100", "--only", "cma"])
    assert done.exit_code == 0, done.output
    last = done.output.splitlines()[-1]
    for name in ("worst_false_alarms", "worst_losses_missed", "times_as_fast", "peak_mib"):
        assert f'"{name}"' in last
    assert "no shape has" in CliRunner().invoke(null_comparisons.main, ["--only", "nothing"]).output
