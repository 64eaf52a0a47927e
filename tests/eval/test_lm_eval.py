"""The evaluator gives the benchmark's own likelihoods, whatever the batch, without a beginning-of-sequence token."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datacards.errors import UserError
from datacards.store import Store
from eval.evaluators.lm_eval import LmEval
from eval.items import Answer, Item
from eval.scoring import score
from eval.tasks.base import Task
from eval.tasks.chabsa import Chabsa
from eval.tasks.corpus_questions import CorpusQuestions
from eval.tasks.cpa_audit import CpaAudit


class Slice(Task):
    """Every ``step``-th item of a task."""

    whole: Chabsa | CpaAudit
    step: int

    def items(self, corpus: Path | None) -> list[Item]:
        return self.whole.items(corpus)[:: self.step]


def rows(out: Path, task: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(out / "samples" / f"{task}.parquet").to_pylist()
    return found


def largest_difference(ours: list[dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> float:
    return max(
        abs(a - b)
        for row in ours
        for a, b in zip(row["loglikelihoods"], theirs[row["context_sha256"]]["ll"], strict=True)
    )


def golden_items(golden: Path, task: str) -> dict[str, Any]:
    with gzip.open(golden / "per_item_tiny-llama-tuned.json.gz", "rt") as stream:
        found: dict[str, Any] = json.load(stream)[task]
    return found


def test_the_harness_gives_the_golden_numbers(golden: Path, tmp_path: Path) -> None:
    """A part of the golden run, within 1e-4 of the original task code: the guard of every upgrade of the harness."""
    tasks = [
        Slice(task="chabsa", whole=Chabsa(), step=90),
        Slice(task="cpa_audit", whole=CpaAudit(), step=40),
    ]
    score(LmEval(), golden / "tiny-llama-tuned", tasks, None, out=tmp_path)
    for task in tasks:
        theirs = {item["ctx_sha256"]: item for item in golden_items(golden, task.task)["items"]}
        ours = rows(tmp_path, task.task)
        assert largest_difference(ours, theirs) < 1e-4
        for row in ours:
            item = theirs[row["context_sha256"]]
            assert (row["context_tokens"], row["choice_tokens"]) == (item["n_ctx"], item["n_cont"])


def test_the_batch_size_bears_on_nothing(tiny_model: Path, question_store: Store, tmp_path: Path) -> None:
    corpus = question_store.path(question_store.resolve("fin-ja-qa"))
    tasks = [CorpusQuestions(), Slice(task="chabsa", whole=Chabsa(), step=400)]
    found = []
    for size in (1, 8):
        out = tmp_path / str(size)
        scores, _ = score(LmEval(batch_size=size), tiny_model, tasks, corpus, out=out)
        likelihoods = [v for task in tasks for row in rows(out, task.task) for v in row["loglikelihoods"]]
        found.append((scores, likelihoods))
    assert found[0][0] == found[1][0]
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-4)


def test_scored_positions_alone_give_the_likelihoods_of_the_whole_prompt(tiny_model: Path) -> None:
    """Even where a text ends in the token that the harness pads with (0, here ``<s>``)."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from eval.evaluators.harness import open_hf

    pairs = [
        ("売上高は", "増加<s><s>x"),
        ("当社グループの売上高は<s>", "減"),
        ("<s>", "<s><s>"),
        ("あ" * 40, "い"),
    ]
    items = [Item(str(n), context, (choice,), (choice,), 0) for n, (context, choice) in enumerate(pairs)]
    plain = HFLM(pretrained=str(tiny_model), device="cpu", dtype="float32", add_bos_token=False, batch_size=4)
    wanted = plain.loglikelihood(
        [Instance("loglikelihood", {}, pair, 0) for pair in pairs], disable_tqdm=True
    )
    lm = open_hf(tiny_model, bos="none", dtype="float32", batch_size=4, max_length=None)
    (found,) = lm.ask(items)
    ours = [answer.loglikelihoods[0] for _, answer in found if isinstance(answer, Answer)]
    assert ours == pytest.approx([value for value, _ in wanted], abs=1e-5)


def test_no_beginning_of_sequence_token_unless_it_is_asked_for(tiny_model: Path, tmp_path: Path) -> None:
    """The tokenizer adds one by default; the benchmark's published figures have none."""
    task = Slice(task="chabsa", whole=Chabsa(), step=2000)
    for bos in ("original", "tokenizer"):
        options = LmEval.model_validate({"bos": bos})
        score(options, tiny_model, [task], None, out=tmp_path / bos)
    without, with_bos = rows(tmp_path / "original", "chabsa"), rows(tmp_path / "tokenizer", "chabsa")
    assert [r["context_tokens"] + 1 for r in without] == [r["context_tokens"] for r in with_bos]
    assert [r["choice_tokens"] for r in without] == [r["choice_tokens"] for r in with_bos]


def test_what_does_not_fit_the_model_is_counted_and_told(tiny_model: Path, tmp_path: Path) -> None:
    task = Slice(task="cpa_audit", whole=CpaAudit(), step=200)
    scores, _ = score(LmEval(max_length=64), tiny_model, [task], None, out=tmp_path)
    assert all(row["truncated"] for row in rows(tmp_path, "cpa_audit"))
    assert "did not fit the model: 2" in scores[0].note
    assert scores[0].samples == 2


def test_samples_say_what_the_scores_were_made_of(tiny_model: Path, tmp_path: Path) -> None:
    task = Slice(task="chabsa", whole=Chabsa(), step=150)
    (acc, _), _ = score(LmEval(), tiny_model, [task], None, out=tmp_path)
    kept = rows(tmp_path, "chabsa")
    items = {item.id: item for item in task.items(None)}
    assert acc.value == pytest.approx(sum(row["correct"] for row in kept) / len(kept))
    for row in kept:
        answer = Answer(items[row["id"]], tuple(row["loglikelihoods"]))
        assert (row["gold"], row["prediction"]) == (answer.item.gold, answer.prediction)
        assert all(math.isfinite(value) and value < 0 for value in row["loglikelihoods"])


def test_broken_weights_are_said_not_scored(tiny_model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    broken.mkdir()
    for path in tiny_model.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"].fill_(float("nan"))
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    task = Slice(task="chabsa", whole=Chabsa(), step=4000)
    with pytest.raises(UserError, match="2 of 2 items have a likelihood that is no number"):
        score(LmEval(), broken, [task], None, out=tmp_path)
    (broken / "model.safetensors").unlink()
    with pytest.raises(UserError, match="cannot be loaded"):
        score(LmEval(), broken, [task], None, out=tmp_path)
