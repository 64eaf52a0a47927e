"""Published result files give the printed leaderboard again, by the benchmark's own rules."""

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from datacards.errors import UserError
from eval.published.cli import command
from eval.published.leaderboard import Row, differences, leaderboard, printed, unprinted
from eval.published.results import TASKS, read, standard_errors, whole

HEAD = (
    "# Leaderboard\n<!-- lb start -->\n| Model | Ave. | "
    + " | ".join(TASKS)
    + " | prompt |\n"
    + "| --- |" * 8
)


def publish(folder: Path, model: str, version: str, right: dict[str, int], *, run: bool = True) -> None:
    """Write the result of an invented model with ``right`` answers per task."""
    place = folder / "models" / model
    place.mkdir(parents=True, exist_ok=True)
    (place / f"harness-{version}.sh").write_text("")
    ending = "" if version == "default" else f"-{version}"
    results = {}
    for task, number in right.items():
        p, n = number / TASKS[task], TASKS[task]
        told = {"acc,none": p, "acc_stderr,none": math.sqrt(p * (1 - p) / (n - 1)), "alias": task}
        results[f"{task}{ending}"] = told | (
            {"f1,none": p / 2, "f1_stderr,none": "N/A"} if task == "chabsa" else {}
        )
    if run:
        (place / f"result-{version}.json").write_text(json.dumps({"results": results}))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with three models: two prompts, one prompt with a zero, and a run that is not finished."""
    publish(tmp_path, "akebono/ginkou-7b", "default", {"chabsa": 7723, "cma_basics": 19})
    publish(tmp_path, "akebono/ginkou-7b", "1.0-0.3", {"chabsa": 7723, "cma_basics": 38})
    publish(tmp_path, "akebono/shouken", "default", {"chabsa": 7723, "cma_basics": 0})
    publish(tmp_path, "akebono/hoken", "default", {"chabsa": 7723})
    publish(tmp_path, "akebono/hoken", "1.0-0.6", {}, run=False)
    lines = (
        "| [akebono/ginkou-7b](https://example.com/x) | 75.00 | 50.00 | 100.00 | 0.00 | 0.00 | 0.00 | 1.0-0.3 |",
        "| akebono/shouken | 50.00 | 50.00 | 0.00 | 0.00 | 0.00 | 0.00 | default |",
    )
    (tmp_path / "README.md").write_text("\n".join((HEAD, *lines, "<!-- lb end -->\n")))
    return tmp_path


def test_the_best_prompt_of_each_finished_model_makes_the_leaderboard(checkout: Path) -> None:
    """F1 for chabsa, accuracy else; a figure of zero is left out of the mean, as the benchmark does."""
    rows = leaderboard(read(checkout), whole(checkout))
    assert rows == [
        Row("akebono/ginkou-7b", "1.0-0.3", "75.00", ("50.00", "100.00", "0.00", "0.00", "0.00")),
        Row("akebono/shouken", "default", "50.00", ("50.00", "0.00", "0.00", "0.00", "0.00")),
    ]
    assert printed((checkout / "README.md").read_text()) == rows


def test_every_difference_from_the_printed_table_is_told(checkout: Path) -> None:
    rows = leaderboard(read(checkout), whole(checkout))
    changed = Row("akebono/ginkou-7b", "1.0-0.3", "75.01", rows[0].figures)
    (told,) = differences(rows, [changed])
    assert "ours 75.00" in told
    assert "printed 75.01" in told
    assert differences(rows, [Row("akebono/kawase", "default", "1.00", ())]) == [
        "akebono/kawase: not among ours"
    ]
    assert unprinted(rows, rows[:1]) == ["akebono/shouken"]


def test_standard_errors_are_those_of_a_mean_with_n_minus_one(checkout: Path) -> None:
    count, worst = standard_errors(read(checkout))
    assert (count, worst) == (7, pytest.approx(0.0, abs=1e-15))
    path = checkout / "models" / "akebono" / "shouken" / "result-default.json"
    path.write_text(path.read_text().replace('"acc_stderr,none": 0.0', '"acc_stderr,none": 0.25'))
    assert standard_errors(read(checkout))[1] == 0.25


def test_the_command_prints_the_table_and_tells_a_difference(checkout: Path) -> None:
    done = CliRunner().invoke(command, [str(checkout)])
    assert done.exit_code == 0, done.output
    assert "2 printed rows, 0 differ from ours" in done.output
    every = CliRunner().invoke(command, [str(checkout), "--model", "akebono/ginkou-7b"])
    assert every.output.count("50.00") >= 3  # of the default prompt: both figures and their mean
    readme = checkout / "README.md"
    readme.write_text(readme.read_text().replace("75.00", "74.00"))
    assert CliRunner().invoke(command, [str(checkout)]).exit_code == 1


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", '{"results": []}', '{"results": {"fp2": {"acc,none": "many"}}}', '{"results": {"fp2": {"acc_stderr,none": 0}}}',
        '{"results": {"fp2": {"acc,none": 2, "acc_stderr,none": 0.1}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_no_result_is_named(checkout: Path, text: str) -> None:
    (checkout / "models" / "akebono" / "hoken" / "result-default.json").write_text(text)
    with pytest.raises(UserError, match=r"akebono/hoken/result-default\.json: is no result"):
        read(checkout)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no models"):
        read(tmp_path)
    with pytest.raises(UserError, match="has no leaderboard"):
        printed("# nothing")
    with pytest.raises(UserError, match=r"a row of 3 cells.*8 cells a row"):
        printed(HEAD + "\n| akebono/hoken | 1.00 | \x1b[2J |\n<!-- lb end -->")
