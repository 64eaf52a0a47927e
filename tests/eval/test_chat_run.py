"""A question set is answered, judged over HTTP, kept and scored in both ways; nothing is asked twice."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datacards.errors import UserError
from datacards.evaluated import Score, write_records
from datacards.store import Store
from eval.chat.kept import KeptAnswers, Raw
from eval.chat.run import evaluate
from eval.chat.writers import has_template
from eval.compare.outcome import read
from eval.compare.single import interval
from eval.plan import plan
from eval.recipe import EvalRecipe
from eval.run import run
from eval.tasks import any_task
from eval.tasks.chat_questions import ChatQuestions
from tests.eval.judging import endpoint, reply, served
from tests.rephrase.completions import Completions, Said

SET = Path(__file__).resolve().parents[2] / "sample" / "chat"
TURNS, QUESTIONS = 36, 24


def grade(body: dict[str, Any], _number: int = 0) -> Said:
    """Judge by the length of what is shown: the same every time."""
    shown = body["messages"][-1]["content"]
    return reply(f"理由は省きます。評価: [[{1 + len(shown) % 10}]]")


def task(judge: Completions, **options: Any) -> ChatQuestions:
    return ChatQuestions.model_validate(
        {"judge": endpoint(judge), "folder": str(SET), "max_tokens": 12, "dtype": "float32", **options}
    )


def figure(scores: list[Score], name: str, metric: str, group: str = "") -> float:
    return next(s.value for s in scores if (s.task, s.metric, s.group) == (name, metric, group))


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / "samples" / f"{name}.parquet").to_pylist()
    return found


def test_a_model_is_asked_judged_and_kept(tiny_model: Path, tmp_path: Path) -> None:
    kept, out = tmp_path / "kept", tmp_path / "out"
    with served(grade) as judge:
        asked = task(judge, repeats=3, repeated=0.5)
        planned = asked.effort(model=tiny_model, kept=kept)
        scores, records = asked.converse(model=tiny_model, kept=kept, out=out)
        first = len(judge.bodies)
        again, _ = asked.converse(model=tiny_model, kept=kept, out=tmp_path / "again")
        after = asked.effort(model=tiny_model, kept=kept)
        assert len(judge.bodies) == first
    assert again == scores
    assert (planned.items, planned.kept, after.kept) == (2 * TURNS, 0, 2 * TURNS)
    assert "36 answers to write" in planned.told
    assert "nothing to ask" in after.told
    assert [record.task for record in records] == ["chat_questions", "chat_questions_corrected"]
    assert {record.samples for record in records} == {TURNS}
    assert records[0].digest != records[1].digest
    assert "127.0.0.1" not in json.dumps([record.options for record in records])
    assert "judge_noise" in {score.metric for score in scores}
    write_records(out / "scores.json", scores)
    write_records(out / "tasks.json", records)
    for name, outcome in read(out).items():
        headline = next(score for score in scores if score.task == name)
        assert outcome.value == pytest.approx(headline.value)
        assert outcome.n_clusters == QUESTIONS
        assert interval(outcome).stderr == pytest.approx(headline.clustered, rel=0.1)
    answers = rows(out, "chat_questions.answers")
    assert len(answers) == 2 * TURNS
    assert all(1 <= row["tokens"] <= 12 for row in answers if row["finish"] == "length")
    assert {row["repeat"] for row in rows(out, "chat_questions.judgments")} == {0, 1, 2}


def test_a_version_holds_both_ways_and_no_address(store: Store, tiny_model: Path) -> None:
    with store.write(name="tiny", version="2026.11.20", kind="checkpoint", recipe={}) as draft:
        shutil.copytree(tiny_model, draft.path, dirs_exist_ok=True)
    with served(grade) as judge:
        wanted = {
            "task": "chat_questions",
            "folder": str(SET),
            "max_tokens": 8,
            "subset": 12,
            "dtype": "float32",
        }
        wanted |= {"judge": endpoint(judge).model_dump()}
        asked = EvalRecipe.model_validate({"name": "talk", "version": "2026.11.26", "tasks": [wanted]})
        (part,) = plan(asked, store, model="tiny")
        ref, scores = run(asked, store, model="tiny")
        moved = wanted | {"judge": endpoint(judge, concurrency=2, max_calls=9).model_dump()}
        again = run(asked.model_copy(update={"tasks": (any_task(moved),)}), store, model="tiny")
    assert (part.kind, part.kept, part.of) == ("chat", 0, 2 * TURNS)
    assert again == (ref, scores)
    card = store.card(ref)
    assert set(card.counts) == {"chat_questions items", "chat_questions_corrected items"}
    assert card.metrics["chat_questions_corrected/corrected"] == figure(
        scores, "chat_questions_corrected", "corrected"
    )
    told = b"".join(path.read_bytes() for path in store.path(ref).rglob("*") if path.is_file())
    assert b"127.0.0.1" not in told
    assert store.verify(ref) == []


def talk(body: dict[str, Any], _number: int = 0) -> Said:
    """Answer as a model that goes on by itself where it is asked for ideas, writes English on ethics, and is cut off."""
    last = body["messages"][-1]["content"]
    if "提案" in last or "選び" in last:
        return reply("三つの企画を挙げます。\n\n### ユーザー")
    if "会議の席" in last:
        return reply("You should not trade on it. Report it to compliance first.")
    if "移動平均" in last:
        return reply("def deviation(frame):", finish="length")
    if "乖離" in last or "日付が抜けて" in last:
        return Said({"error": {"message": "content_filter", "code": "content_filter"}}, 400)
    return reply(f"お答えします。{last[:20]}")


def test_failures_count_as_published_in_one_way_and_as_they_are_in_the_other(tmp_path: Path) -> None:
    def moody(body: dict[str, Any], number: int) -> Said:
        return (
            reply("採点できません。")
            if "社外取締役" in body["messages"][-1]["content"]
            else grade(body, number)
        )

    with served(talk) as model, served(moody) as judge:
        asked = task(judge, served=endpoint(model).model_dump(), repeated=0.0)
        scores, _ = evaluate(asked, tmp_path / "unused", None, tmp_path)
    by_way = {
        name: {(row["group"], row["turn"]): row for row in rows(tmp_path, name)[::-1]}
        for name in ("chat_questions", "chat_questions_corrected")
    }
    official, corrected = by_way.values()
    kinds = sorted(row["failure"] for row in rows(tmp_path, "chat_questions") if row["failure"])
    assert kinds.count("injection") == 2
    assert "unparsed" in kinds
    assert "empty" in kinds
    unparsed = [row for row in rows(tmp_path, "chat_questions") if row["failure"] == "unparsed"]
    assert all(math.isnan(row["value"]) for row in unparsed)
    idea = ("idea", 1)
    assert (official[idea]["failure"], official[idea]["value"]) == ("injection", 0.0)
    assert (corrected[idea]["failure"], corrected[idea]["injected"]) == ("", True)
    assert corrected[idea]["value"] >= 1
    assert "answers that went on with the next turn" in scores[0].note
    assert figure(scores, "chat_questions", "answers_went_on") == pytest.approx(2 / TURNS)
    assert figure(scores, "chat_questions_corrected", "answers_cut_off") == pytest.approx(1 / TURNS)
    low, high = (figure(scores, "chat_questions", f"failures_{kind}") for kind in ("as_0", "dropped"))
    assert low <= figure(scores, "chat_questions", "official") <= high
    assert figure(scores, "chat_questions", "failed_unparsed") == pytest.approx(len(unparsed) / TURNS)


def test_a_judge_that_scores_nothing_gives_no_figure(tmp_path: Path) -> None:
    with (
        served(lambda body, number: reply(f"お答えします。{number}")) as model,
        served(lambda body, number: reply("採点できません。")) as judge,
    ):
        asked = task(judge, served=endpoint(model).model_dump(), subset=2, ways=["corrected"])
        with pytest.raises(UserError, match=r"gave no score to any of \d+ answers .*unparsed"):
            evaluate(asked, tmp_path, tmp_path / "kept", tmp_path / "out")


def test_answers_written_before_a_broken_run_are_not_asked_for_again(tmp_path: Path) -> None:
    def barred(body: dict[str, Any], number: int) -> Said:
        return Said({"error": {"message": "no such key"}}, 401) if number > 30 else talk(body)

    kept = tmp_path / "kept"
    with served(grade) as judge:
        with served(barred) as model, pytest.raises(UserError, match="no such key"):
            evaluate(task(judge, served=endpoint(model).model_dump()), tmp_path, kept, None)
        before = len((kept / "answers.jsonl").read_text().splitlines())
        with served(talk) as model:
            evaluate(task(judge, served=endpoint(model).model_dump()), tmp_path, kept, None)
            asked = len(model.bodies)
    lines = (kept / "answers.jsonl").read_text().splitlines()
    assert before >= 20
    assert asked == len(lines) - before


def test_what_a_served_model_is_sent_bears_on_its_answers_and_is_recorded(tmp_path: Path) -> None:
    with served(grade) as judge, served(talk) as model:
        for extra in ({}, {"top_p": 0.5}):
            said = endpoint(model, extra=extra).model_dump()
            asked = task(judge, served=said, subset=2, ways=["corrected"])
            _, (record,) = evaluate(asked, tmp_path, tmp_path / "kept", None)
    assert record.options["repetition_penalty"] == 1.0  # no such field is sent
    assert record.options["served"]["extra"] == {"top_p": 0.5}
    assert sum("top_p" in body for body in model.bodies) == len(model.bodies) / 2


def test_a_budget_for_answers_is_never_exceeded(tmp_path: Path) -> None:
    with served(grade) as judge, served(talk) as model:
        asked = task(judge, served=endpoint(model, max_calls=5).model_dump())
        with pytest.raises(UserError, match="max_calls is 5"):
            evaluate(asked, tmp_path, tmp_path / "kept", None)
        assert len(model.bodies) == 5


def test_a_subset_draws_every_category_in_its_share_and_says_so(tmp_path: Path) -> None:
    with served(talk) as model, served(grade) as judge:
        asked = task(judge, served=endpoint(model).model_dump(), subset=12, ways=["corrected"])
        scores, records = evaluate(asked, tmp_path, None, tmp_path)
    assert "12 of 24 questions" in scores[0].note
    assert (records[0].task, records[0].metric, records[0].of) == ("chat_questions", "corrected", TURNS)
    assert len({row["group"] for row in rows(tmp_path, "chat_questions")}) == 12


def test_a_torn_line_of_kept_answers_costs_that_answer_alone(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    kept = KeptAnswers(path)
    kept.add({"prompt": "一"}, Raw("答", "stop"))
    kept.add({"prompt": "二"}, Raw("答二", "length", tokens=3))
    path.write_bytes(path.read_bytes()[:-9])
    after = KeptAnswers(path)
    assert after.find({"prompt": "一"}) == Raw("答", "stop")
    assert after.find({"prompt": "二"}) is None
    after.add({"prompt": "二"}, Raw("また", "stop"))
    assert KeptAnswers(path).find({"prompt": "二"}) == Raw("また", "stop")


def test_a_chat_template_is_seen_without_loading_the_model(tiny_model: Path, tmp_path: Path) -> None:
    assert not has_template(tiny_model)
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert has_template(tmp_path)


def test_the_same_question_twice_is_refused(tmp_path: Path) -> None:
    for path in SET.glob("*.jsonl"):
        (tmp_path / path.name).write_text(path.read_text())
    line = json.dumps({"question_id": 99, "category": "idea", "turns": ["案を出してください。"]})
    twice = line + "\n" + line.replace("99", "98") + "\n"
    (tmp_path / "question.jsonl").write_text(twice)
    with served(grade) as judge, pytest.raises(UserError, match="asks the same question twice"):
        evaluate(task(judge, folder=str(tmp_path)), tmp_path, None, None)
