"""The page of an evaluation tells every figure with its interval and what guessing gives, and the mean of a suite."""

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from datacards.evaluated import SCORES, TASKS, Score, TaskRecord, write_records
from datacards.render.evaluation import FOREST, bounds, evaluation_part, suites
from datacards.render.evaluation_plots import forest
from datacards.render.findings import gather
from datacards.store import Store

HOSTILE = "<script>|`x`$a$\n太"
SCORES_TOLD = [
    Score(
        task="chabsa", metric="f1", value=0.8615, stderr=0.004, clustered=0.008, low=0.845, high=0.878, samples=7723,
        chance=0.3595, figure="f1",
    ),
    Score(task="chabsa", metric="acc", value=0.86, stderr=0.004, samples=7723),
    Score(
        task="cma_basics", metric="acc", value=0.5, stderr=0.082, clustered=0.082, low=0.348, high=0.652, samples=38,
        chance=0.25, note="a draw of 38 of 40 items, no benchmark figure",
    ),
    Score(task="pfmt", metric="score", value=7.72, stderr=0.1, samples=720, figure="groups"),
    Score(task="pfmt", metric="score", group=HOSTILE, value=6.1, samples=60),
]  # fmt: skip


def record(task: str, suite: str) -> TaskRecord:
    return TaskRecord(
        task=task, kind="choice", metric="acc", figure="mean", samples=9, of=9, digest="d", suite=suite
    )


TASKS_TOLD = [record("chabsa", "fin-harness"), record("cma_basics", "fin-harness"), record("pfmt", "pfmt")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    """Return a store with one evaluation version, and its folder."""
    store = Store(tmp_path_factory.mktemp("evaluated"))
    with store.write(name="tuned-fin", version="2026.11.21", kind="evaluation", recipe={}) as draft:
        write_records(draft.path / SCORES, SCORES_TOLD)
        write_records(draft.path / TASKS, TASKS_TOLD)
        draft.metrics["chabsa/f1"] = 0.8615
    return store, store.path(store.resolve("tuned-fin"))


def test_the_page_tells_value_interval_error_guessing_and_items(page: tuple[Store, Path]) -> None:
    readme = (page[1] / "README.md").read_text()
    assert "| **chabsa** | f1 | 0.8615 | 0.8450 to 0.8780 | 0.0080 | 0.3595 | 7,723 |" in readme
    assert "| **pfmt** | score | 7.7200 | 7.5240 to 7.9160 | 0.1000 |  | 720 |" in readme
    assert "**cma_basics**: a draw of 38 of 40 items" in readme
    assert "## Measured" not in readme, "the figures stand with their intervals"


def test_the_mean_of_a_suite_has_its_error_and_its_form_above_guessing(page: tuple[Store, Path]) -> None:
    (one,) = suites(SCORES_TOLD, TASKS_TOLD)
    assert one.value == pytest.approx((0.8615 + 0.5) / 2)
    assert one.stderr == pytest.approx((0.008**2 + 0.082**2) ** 0.5 / 2)
    assert one.above_chance == pytest.approx(((0.8615 - 0.3595) / 0.6405 + 0.25 / 0.75) / 2)
    assert "Mean of the 2 tasks of `fin-harness`: **0.6807** ± 0.0412" in (page[1] / "README.md").read_text()


def test_the_picture_is_in_the_version_and_told_to_who_cannot_see_it(page: tuple[Store, Path]) -> None:
    store, path = page
    assert fromstring((path / FOREST).read_text()).tag.endswith("svg")  # noqa: S314  our own file
    assert (
        f"what guessing gives: chabsa 0.8615, cma_basics 0.5000, pfmt 7.7200]({FOREST})"
        in (path / "README.md").read_text()
    )
    assert store.verify(store.resolve("tuned-fin")) == []


def test_the_same_scores_give_the_same_picture_and_no_score_none() -> None:
    assert forest(SCORES_TOLD) == forest(SCORES_TOLD)
    assert forest([]) == ""
    assert forest([SCORES_TOLD[0].model_copy(update={"value": float("nan")})]) == ""


def test_hostile_names_are_escaped(page: tuple[Store, Path]) -> None:
    store, path = page
    assert "<script>" not in (path / "README.md").read_text()
    hostile = [one.model_copy(update={"task": HOSTILE, "metric": HOSTILE}) for one in SCORES_TOLD[:1]]
    assert "<script>" not in forest(hostile)
    write_records(path.parent / SCORES, hostile)
    (part, *_) = [
        one for one in evaluation_part(store.card(store.resolve("tuned-fin")), path.parent) if "|" in one
    ]
    assert "<script>" not in part
    assert len(part.splitlines()) == 3


def test_an_interval_that_was_not_measured_is_made_of_the_error() -> None:
    assert bounds(SCORES_TOLD[3]) == pytest.approx((7.72 - 0.196, 7.72 + 0.196), abs=1e-4)
    assert bounds(SCORES_TOLD[4]) is None


def test_no_interval_is_made_of_an_error_that_is_none_or_no_number() -> None:
    for stderr in (0.0, None, float("nan"), float("inf")):
        assert bounds(Score(task="t", metric="acc", value=1.0, stderr=stderr, samples=30)) is None


def test_a_report_reads_the_error_by_texts_the_interval_and_the_chance(page: tuple[Store, Path]) -> None:
    store, path = page
    (evaluation,) = gather(store, [store.resolve("tuned-fin")]).evaluations
    told = evaluation.figure("chabsa", "f1")
    assert told is not None
    assert (told.stderr, told.low, told.high, told.chance) == (0.008, 0.845, 0.878, 0.3595)
    assert len(evaluation.figures) == len(json.loads((path / SCORES).read_text())) - 1, "parts are not told"
