"""Stored judgments in the layout of the published benchmark are read again, and every difference is counted."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.pfmt_published import main
from datacards.errors import UserError
from eval.chat.languages import ByScript
from eval.chat.prompts import our_prompts
from eval.chat.questions import read_questions
from eval.published.cli import command
from eval.published.pfmt import is_here, reread

SET = Path(__file__).resolve().parents[2] / "sample" / "chat"
PROMPTS = SET.parents[1] / "eval" / "chat" / "judge_prompts.jsonl"
PUBLISHED = SET.parents[1].parent / "pfmt-bench-fin-ja"  # a checkout beside ours, where somebody has one


def stored(folder: Path) -> list[dict[str, Any]]:
    """Write a checkout with the questions of our own set, and one model's answers and judgments; return the latter."""
    base = folder / "data" / "pfmt_bench_fin_ja"
    for name in ("model_answer", "model_judgment/gpt-4o-mini_single", "reference_answer"):
        (base / name).mkdir(parents=True)
    references = (SET / "reference_answer" / "authored.jsonl").read_text()
    (base / "reference_answer" / "gpt-4o+human.jsonl").write_text(references)
    (base / "question.jsonl").write_text((SET / "question.jsonl").read_text())
    (base.parent / "judge_prompts.jsonl").write_text(PROMPTS.read_text())
    questions = read_questions(base / "question.jsonl", base / "reference_answer" / "gpt-4o+human.jsonl")
    prompts, answers, judgments = our_prompts(), [], []
    for question in questions:
        given = [f"{turn[:12]}についてお答えします。" for turn in question.turns]
        answers.append({"question_id": question.number, "choices": [{"index": 0, "turns": given}]})
        for turn, _ in enumerate(question.turns):
            score = 4 + question.number % 5
            judgments.append(
                {
                    "question_id": question.number,
                    "turn": turn + 1,
                    "user_prompt": prompts.choose(question, turn).filled(question, given, turn),
                    "judgment": f"評価: [[{score}]]",
                    "score": score,
                }
            )
    lines(base / "model_answer" / "gpt-4.jsonl", answers)
    lines(base / "model_judgment" / "gpt-4o-mini_single" / "gpt-4.jsonl", judgments)
    return judgments


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def test_equal_judgments_come_out_equal(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    (one,) = reread(tmp_path, ByScript())
    assert (one.judge, one.model, one.rows) == ("gpt-4o-mini", "gpt-4", len(rows))
    assert (one.scores_differ, one.prompts_differ) == (0, 0)
    assert one.average.value == pytest.approx(sum(row["score"] for row in rows) / len(rows))
    assert len(one.categories) == 12
    assert one.gates is not None
    assert sum(one.gates) == len(rows)
    assert one.as_pictured is False
    assert is_here(tmp_path)


def test_every_difference_is_counted(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    rows[0]["score"] += 1
    rows[1]["user_prompt"] += " "
    rows[2] |= {"judgment": "採点できません", "score": -1}
    rows[3] |= {"judgment": "Incorrect language", "score": 0}
    lines(tmp_path / "data/pfmt_bench_fin_ja/model_judgment/gpt-4o-mini_single/gpt-4.jsonl", rows)
    (one,) = reread(tmp_path)
    assert (one.scores_differ, one.prompts_differ) == (1, 1)
    assert dict(one.failures) == {"unparsed": 1, "language": 1}
    assert one.average.n == len(rows) - 1


def test_a_folder_without_the_benchmark_is_refused(tmp_path: Path) -> None:
    assert not is_here(tmp_path)
    with pytest.raises(UserError, match="give a checkout of pfmt-bench-fin-ja"):
        reread(tmp_path)


def test_the_published_judgments_come_out_as_published() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("no checkout of pfmt-bench-fin-ja beside this one")
    found = reread(PUBLISHED)
    assert sum(one.rows for one in found) == 720 * len(found)
    assert {(one.scores_differ, one.prompts_differ) for one in found} == set(product([0], [0]))
    assert all(one.as_pictured for one in found if one.pictured)


def test_the_benchmark_prints_every_file_and_its_figures_last(tmp_path: Path) -> None:
    stored(tmp_path)
    done = CliRunner().invoke(main, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output.splitlines()[-1])
    assert (figures["judgments"], figures["scores_differ"], figures["prompts_differ"]) == (36, 0, 0)
    assert figures["max_difference_to_pandas"] < 1e-12
    assert "gpt-4o-mini" in done.output


def test_the_command_reads_a_checkout_of_dialogues_and_fails_where_something_differs(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    done = CliRunner().invoke(command, [str(tmp_path)])
    assert "36 stored judgments, 0 differ from ours" in done.output
    assert (
        "1 printed overall values, 1 differ from ours" in done.output
    )  # the name is that of a published model
    assert done.exit_code == 1
    lines(tmp_path / "data/pfmt_bench_fin_ja/model_judgment/gpt-4o-mini_single/own.jsonl", rows)
    (tmp_path / "data/pfmt_bench_fin_ja/model_judgment/gpt-4o-mini_single/gpt-4.jsonl").unlink()
    assert CliRunner().invoke(command, [str(tmp_path)]).exit_code == 0


@pytest.mark.parametrize(
    "broken", [{"question_id": [0]}, {"turn": 3}, {"score": None}, {"score": "8"}, {"question_id": 999}]
)
def test_a_line_that_is_no_judgment_is_named(tmp_path: Path, broken: dict[str, Any]) -> None:
    rows = stored(tmp_path)
    path = tmp_path / "data/pfmt_bench_fin_ja/model_judgment/gpt-4o-mini_single/gpt-4.jsonl"
    lines(path, [rows[0], rows[1] | broken])
    with pytest.raises(UserError, match=r"gpt-4\.jsonl:2: is no judgment"):
        reread(tmp_path)


def test_an_answer_that_is_missing_is_named(tmp_path: Path) -> None:
    stored(tmp_path)
    path = tmp_path / "data/pfmt_bench_fin_ja/model_answer/gpt-4.jsonl"
    path.write_text(path.read_text().partition("\n")[2])
    with pytest.raises(UserError, match="no whole answer to question 0"):
        reread(tmp_path)
