"""Evaluation versions are compared as they lie on disk: many models, suites, prompts, seen items, the first layout."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from datacards.errors import UserError
from datacards.evaluated import SCORES, TASKS, Figure, Score, TaskRecord, write_records
from datacards.store import Store
from eval.compare.adjust import adjusted
from eval.compare.cli import command
from eval.compare.many import compare_many
from eval.compare.outcome import Outcome, read
from eval.compare.published import Published, interval, unpaired
from eval.compare.sentences import sentence_of
from eval.compare.suite import mean_of
from eval.compare.versions import outcomes_of, prompts_of

ITEMS = 120


def rows(model: int, task: str, skill: float) -> list[dict[str, object]]:
    """Return what a model made of questions with four choices, three to a text, in three subjects."""
    dice, asked = np.random.default_rng([model, len(task)]), np.random.default_rng(len(task))
    found = []
    for place in range(ITEMS):
        gold = int(asked.integers(4))
        said = gold if dice.random() < skill else int(dice.integers(4))
        found.append(
            {
                "id": f"{task}-{place}", "cluster": f"text{place // 3}", "group": ("簿記", "監査", "税務")[place % 3],
                "value": float(said == gold), "weight": 1.0, "context_sha256": f"{place:064x}",
                "choices": list("ABCD"), "gold": gold, "prediction": said,
            }
        )  # fmt: skip
    return found


def write_version(
    folder: Path, model: int, skill: float, *, tasks: tuple[str, ...] = ("exam", "quiz"), prompt: str = "default",
    suite: str = "fin-harness", figure: Figure = "mean",
) -> None:  # fmt: skip
    """Write the files of an evaluation version."""
    (folder / "samples").mkdir(parents=True)
    records, scores = [], []
    for task in tasks:
        told = rows(model, f"{task}{prompt}" if prompt != "default" else task, skill)
        told = [{**row, "id": f"{task}-{place}"} for place, row in enumerate(told)]
        pq.write_table(pa.Table.from_pylist(told), folder / "samples" / f"{task}.parquet")
        options = {"task": task, "prompt": prompt}
        records.append(
            TaskRecord(
                task=task, kind="choice", metric="acc", figure=figure, samples=ITEMS, of=ITEMS,
                digest=f"{task} {prompt}", suite=suite, options=options,
            )
        )  # fmt: skip
        scores.append(Score(task=task, metric="acc", value=0.5, samples=ITEMS, figure=figure))
    write_records(folder / SCORES, scores)
    write_records(folder / TASKS, records)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with the evaluations of three models, one of them under a second prompt too."""
    store = Store(tmp_path_factory.mktemp("compared"))
    for place, (model, skill, prompt) in enumerate(
        [("tuned", 0.9, "default"), ("base", 0.5, "default"), ("tuned", 0.7, "0.2"), ("base", 0.45, "0.2")]
    ):
        if prompt == "default":
            with store.write(name=model, version="2026.11.20", kind="checkpoint", recipe={}) as draft:
                (draft.path / "config.json").write_text("{}")
        with store.write(
            name=f"{model}-{'fin' if prompt == 'default' else 'words'}", version="2026.11.21", kind="evaluation",
            recipe={}, made_from=[store.resolve(model)],
        ) as draft:  # fmt: skip
            write_version(draft.path, place, skill, prompt=prompt)
    return store


def test_versions_are_read_by_model_and_task(stocked: Store) -> None:
    outcomes = outcomes_of(stocked, ["tuned-fin", "base-fin"])
    assert list(outcomes) == ["tuned@2026.11.20", "base@2026.11.20"]
    exam = outcomes["tuned@2026.11.20"]["exam"]
    assert (exam.n, exam.n_clusters, exam.chance, exam.binary) == (120, 40, 0.25, True)
    assert set(exam.groups) == {"簿記", "監査", "税務"}


def test_the_command_tells_the_verdicts_and_writes_all_figures(stocked: Store, tmp_path: Path) -> None:
    target = tmp_path / "told.json"
    words = ["tuned-fin", "base-fin", "--groups", "--json", str(target), "--store", str(stocked.root)]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    assert "tuned@2026.11.20 is better than base@2026.11.20 on exam" in done.output
    told = json.loads(target.read_text())["all"]
    (overall, above) = told["suites"]
    assert overall["difference"] == pytest.approx(sum(t["difference"] for t in told["tasks"]) / 2)
    assert above["difference"] == pytest.approx(overall["difference"] / 0.75)
    assert overall["stderr"] == pytest.approx(
        math.hypot(*(t["stderr"] * t["scale"] for t in told["tasks"])) / 2
    )
    assert {one["adjustment"] for one in told["groups"]} == {"benjamini-hochberg"}
    assert {one["tests"] for one in told["tasks"]} == {2}


def test_the_baseline_may_be_named_in_three_ways_and_no_other(stocked: Store) -> None:
    for name in ("tuned", "tuned@2026.11.20", "tuned-fin"):
        words = ["tuned-fin", "base-fin", "--baseline", name, "--store", str(stocked.root)]
        assert "base@2026.11.20 is worse than tuned@2026.11.20" in CliRunner().invoke(command, words).output
    words = ["tuned-fin", "base-fin", "--baseline", "tnued", "--store", str(stocked.root)]
    assert "'tnued' is not compared" in CliRunner().invoke(command, words).output


def test_what_cannot_be_meant_is_refused_by_the_command(stocked: Store) -> None:
    words = ["tuned-fin", "base-fin", "--store", str(stocked.root)]
    told = CliRunner().invoke(command, [*words, "--margin", "exma=0.1"]).output
    assert "no task 'exma' is compared; one of: exam, quiz" in told
    assert "no model was asked in two ways" in CliRunner().invoke(command, [*words, "--prompts"]).output
    done = CliRunner().invoke(command, [*words, "--json", str(stocked.root / "none" / "told.json")])
    assert "--json: No such file or directory" in done.output


def test_each_pair_of_models_has_a_table_of_its_own_and_the_parts_no_sentences(stocked: Store) -> None:
    words = ["tuned-fin", "base-fin", "--groups", "--store", str(stocked.root)]
    told = CliRunner().invoke(command, words).output
    assert told.count("tuned@2026.11.20 (A) against base@2026.11.20 (B)") == 1
    assert "exam, 簿記" in told
    assert "on exam, 簿記" not in told
    assert "better than base@2026.11.20 on fin-harness overall: mean" in told


def test_other_prompts_are_refused_as_other_questions(stocked: Store) -> None:
    done = CliRunner().invoke(command, ["tuned-words", "base-fin", "--store", str(stocked.root)])
    assert done.exit_code == 1
    assert "were not asked the same" in done.output


def test_over_prompts_the_mean_is_compared_and_the_range_told(stocked: Store) -> None:
    words = ["tuned-fin", "tuned-words", "base-fin", "base-words"]
    outcomes, told = prompts_of(stocked, words)
    one = told["tuned@2026.11.20"]["exam"]
    each = [
        outcomes_of(stocked, [name])["tuned@2026.11.20"]["exam"].value
        for name in ("tuned-fin", "tuned-words")
    ]
    assert one.values == {"default": each[0], "0.2": each[1]}
    assert (one.mean, one.range) == (pytest.approx(np.mean(each)), pytest.approx(max(each) - min(each)))
    assert outcomes["tuned@2026.11.20"]["exam"].value == pytest.approx(one.mean)
    done = CliRunner().invoke(command, [*words, "--prompts", "--store", str(stocked.root)])
    assert f"{one.mean:.4f} on average over 2 prompts" in done.output
    assert "better than base@2026.11.20 on exam" in done.output


def test_the_prompts_of_one_model_are_told_without_another(stocked: Store) -> None:
    done = CliRunner().invoke(
        command, ["tuned-fin", "tuned-words", "--prompts", "--store", str(stocked.root)]
    )
    assert done.exit_code == 0, done.output
    assert re.search(
        r"tuned@2026.11.20 on exam: acc 0.\d+ .* from 0.\d+ \(0.2\) to 0.\d+ \(default\)", done.output
    )
    assert "against" not in done.output


def test_items_that_no_corpus_was_held_against_are_no_clean_ones(stocked: Store) -> None:
    """The models here were made from no corpus, so that nothing is known to have been seen."""
    words = ["tuned-fin", "base-fin", "--clean", "--store", str(stocked.root)]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    assert done.output.count("tuned@2026.11.20 is better than base@2026.11.20 on exam") == 2
    assert "Nobody knows what tuned@2026.11.20 has read" in done.output


def test_all_pairs_are_counted(stocked: Store) -> None:
    outcomes = outcomes_of(stocked, ["tuned-fin", "base-fin"])
    three = {**outcomes, "copy": outcomes["base@2026.11.20"]}
    found = compare_many(three, all_pairs=True)
    assert len(found.tasks) == 6
    assert {one.tests for one in found.tasks} == {6}
    assert all(one.p_adjusted >= one.p for one in found.tasks)
    assert len(compare_many(three, baseline="copy").tasks) == 4


def test_two_ways_to_score_the_same_items_have_no_mean(stocked: Store) -> None:
    outcomes = outcomes_of(stocked, ["tuned-fin", "base-fin"])
    twice = {name: {**tasks, "quiz": replace(tasks["exam"], task="quiz")} for name, tasks in outcomes.items()}
    assert len(compare_many(outcomes).suites) == 2
    assert compare_many(twice).suites == ()


def test_the_forgetting_suite_is_corrected_for_its_share_of_false_claims(tmp_path: Path) -> None:
    for place in range(2):
        write_version(tmp_path / str(place), place, 0.6, suite="general")
    found = compare_many(
        {str(place): read(tmp_path / str(place)) for place in range(2)}, margins={"": 0.2, "quiz": 0.3}
    )
    assert {one.adjustment for one in found.tasks} == {"benjamini-hochberg"}
    assert [one.margin for one in found.tasks] == [0.2, 0.3]


def test_a_task_of_one_model_alone_is_left_out_and_told(tmp_path: Path) -> None:
    write_version(tmp_path / "a", 0, 0.6)
    write_version(tmp_path / "b", 1, 0.6, tasks=("exam",))
    found = compare_many({"a": read(tmp_path / "a"), "b": read(tmp_path / "b")})
    assert found.left_out == ("quiz: only a was asked",)
    with pytest.raises(UserError, match="share no task"):
        compare_many({"a": {}, "b": read(tmp_path / "b")})
    with pytest.raises(UserError, match="two or more"):
        compare_many({"a": {}})


def test_the_first_layout_is_read_with_items_taken_as_independent(tmp_path: Path) -> None:
    for model in (0, 1):
        folder = tmp_path / str(model)
        write_version(folder, model, 0.6)
        (folder / TASKS).unlink()
        for path in (folder / "samples").iterdir():
            table = pq.read_table(path)
            pq.write_table(table.drop_columns(["cluster", "group", "value", "weight"]), path)
    a, b = (read(tmp_path / str(model))["exam"] for model in (0, 1))
    assert "first layout" in a.note
    assert a.digest == b.digest
    assert a.n_clusters == a.n
    table = pq.read_table(tmp_path / "1" / "samples" / "exam.parquet")
    pq.write_table(table.drop_columns(["prediction"]), tmp_path / "1" / "samples" / "exam.parquet")
    with pytest.raises(UserError, match="no column 'prediction'"):
        read(tmp_path / "1")


@pytest.mark.parametrize("damage", ["missing", "short", "infinite", "torn"])
def test_damaged_samples_are_refused(tmp_path: Path, damage: str) -> None:
    write_version(tmp_path / "v", 0, 0.6)
    path = tmp_path / "v" / "samples" / "exam.parquet"
    if damage == "missing":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        told = pq.read_table(path).to_pylist()
        told = told[:-1] if damage == "short" else [{**told[0], "value": math.inf}, *told[1:]]
        pq.write_table(pa.Table.from_pylist(told), path)
    with pytest.raises(UserError):
        read(tmp_path / "v")


def test_a_judged_answer_without_a_score_is_in_no_mean(tmp_path: Path) -> None:
    write_version(tmp_path / "v", 0, 0.6, figure="groups")
    path = tmp_path / "v" / "samples" / "exam.parquet"
    told = pq.read_table(path).to_pylist()
    told[0]["value"] = math.nan
    pq.write_table(pa.Table.from_pylist(told), path)
    one = read(tmp_path / "v")["exam"]
    values = np.array([row["value"] for row in told])
    means = [np.nanmean(values[place::3]) for place in range(3)]
    assert one.value == pytest.approx(np.mean(means))


def test_corrections_are_those_of_the_papers() -> None:
    """Holm (1979) and Benjamini and Hochberg (1995), by hand."""
    ps = [0.01, 0.04, 0.03, 0.005]
    assert adjusted(ps, "holm") == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjusted(ps, "benjamini-hochberg") == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert adjusted(ps, "none") == ps


PAPER = {  # task: n, then the four models as the paper's tables print them
    "chabsa": (7723, 0.7381, 0.7428, 0.8963, 0.8429),
    "cma_basics": (38, 0.4737, 0.5263, 0.5000, 0.5789),
    "cpa_audit": (398, 0.1608, 0.1633, 0.1859, 0.2136),
    "fp2": (475, 0.3389, 0.3642, 0.3642, 0.3579),
    "security_sales_1": (57, 0.4561, 0.5614, 0.5088, 0.4737),
}


def test_the_papers_own_numbers_give_the_z_values_that_were_computed_of_them() -> None:
    tuned = [unpaired(task, Published(b, n), Published(a, n)) for task, (n, a, b, _, _) in PAPER.items()]
    merged = [unpaired(task, Published(d, n), Published(c, n)) for task, (n, _, _, c, d) in PAPER.items()]
    z = [
        [round(one.difference / (one.stderr or math.nan), 2) for one in several]
        for several in (tuned, merged)
    ]
    assert z[0] == pytest.approx([0.67, 0.45, 0.10, 0.82, 1.12], abs=0.011)
    assert z[1] == pytest.approx([-9.9, 0.68, 0.98, -0.20, -0.37], abs=0.06)
    assert [one.verdict for one in merged] == ["worse"] + ["undecided"] * 4
    overall = sum(one.difference for one in tuned) / math.hypot(*(one.stderr or math.nan for one in tuned))
    assert overall == pytest.approx(1.23, abs=0.01)
    with pytest.raises(UserError, match="is no share"):
        unpaired("pfmt", Published(7.7, 360), Published(7.2, 360))
    assert interval(Published(0.5, 38, 0.08))[0] == pytest.approx(0.5 - 2.026192 * 0.08)


def test_a_suites_mean_has_the_error_of_independent_tasks_and_a_form_above_chance(stocked: Store) -> None:
    tasks: list[Outcome] = list(outcomes_of(stocked, ["tuned-fin"])["tuned@2026.11.20"].values())
    told = mean_of(tasks)
    assert told.value == pytest.approx(np.mean([one.value for one in tasks]))
    assert told.above_chance == pytest.approx((told.value - 0.25) / 0.75)
    assert told.stderr is not None
    assert told.above_chance_stderr == pytest.approx(told.stderr / 0.75)


def test_a_sentence_holds_every_number_that_it_rests_on_in_both_languages(stocked: Store) -> None:
    (one, *_) = compare_many(outcomes_of(stocked, ["tuned-fin", "base-fin"]), margins={"": 0.02}).tasks
    for language in ("en", "ja"):
        told = sentence_of(one, language)
        for number in (
            f"{one.a:.4f}",
            f"{one.b:.4f}",
            f"{one.low:+.4f}",
            f"{one.mde:.4f}",
            "120",
            "40",
            "0.02",
        ):
            assert number in told
    assert "Holm 法" in sentence_of(one, "ja")
    assert one.sentence == sentence_of(one)


def test_a_margin_for_a_task_that_is_not_compared_is_refused(stocked: Store) -> None:
    words = ["tuned-fin", "base-fin", "--margin", "exams=0.02", "--store", str(stocked.root)]
    found = CliRunner().invoke(command, words)
    assert found.exit_code == 1
    assert "no task 'exams' is compared; one of: exam, quiz" in found.output


def test_what_no_item_has_a_score_of_is_left_out_and_said(stocked: Store) -> None:
    outcomes = outcomes_of(stocked, ["tuned-fin", "base-fin"])
    tuned, base = outcomes.values()
    failed = replace(tuned["quiz"], parts=np.zeros_like(tuned["quiz"].parts))
    in_part = tuned["exam"].parts * np.array([[group != "監査"] for group in tuned["exam"].groups])
    found = compare_many({"a": {"exam": replace(tuned["exam"], parts=in_part), "quiz": failed}, "b": base})
    assert [one.task for one in found.tasks] == ["exam"]
    assert {one.group for one in found.groups} == {"簿記", "税務"}
    assert found.left_out == ("quiz: a has no score of any item",)
