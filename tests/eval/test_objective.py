"""A model in memory scores as its folder does, and what a search is asked to make larger is that score."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards import plugins
from datacards.errors import UserError
from datacards.objective import GROUP, Loaded
from datacards.store import Store
from eval.evaluators.lm_eval import LmEval
from eval.objective import Benchmark
from eval.scoring import score
from eval.tasks.corpus_questions import CorpusQuestions
from eval.tasks.cpa_audit import CpaAudit
from merge.objectives.likelihood import Likelihood

TEXTS = [
    "当社グループの売上高は増加しました。",
    "日本銀行は金融政策を決める。",
    "物価",
    "",
    "配当は据え置いた。" * 20,
]


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Loaded:
    """Return the tiny model in memory."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    return Loaded(model=model, tokenizer=AutoTokenizer.from_pretrained(tiny_model), name="tiny")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Return the folder of a dataset version with five documents in two files."""
    folder = tmp_path / "documents" / "markdown"
    folder.mkdir(parents=True)
    for number, texts in enumerate((TEXTS[:2], TEXTS[2:])):
        pq.write_table(pa.table({"text": texts}), folder / f"train-{number:05d}.parquet")
    return folder.parent


def test_a_model_in_memory_scores_as_its_folder(
    tiny_model: Path, loaded: Loaded, question_store: Store, tmp_path: Path
) -> None:
    corpus = question_store.path(question_store.resolve("fin-ja-qa"))
    scores = [
        score(LmEval(), model, [CorpusQuestions()], corpus, out=tmp_path / str(number))[0]
        for number, model in enumerate((tiny_model, loaded))
    ]
    assert scores[0] == scores[1]
    rows = [pq.read_table(tmp_path / str(n) / "samples" / "corpus_questions.parquet") for n in (0, 1)]
    assert rows[0].equals(rows[1])


def test_a_benchmark_is_the_mean_of_its_tasks_first_figures(
    tiny_model: Path, loaded: Loaded, question_store: Store, tmp_path: Path
) -> None:
    corpus = question_store.path(question_store.resolve("fin-ja-qa"))
    tasks: Any = [{"task": "corpus_questions"}, {"task": "chabsa", "subset": 20}]
    objective: Benchmark = plugins.make(GROUP, "benchmark", {"tasks": tasks})
    objective.check(corpus)
    found = score(LmEval(), tiny_model, objective.tasks, corpus, out=tmp_path)[0]
    wanted = [next(s.value for s in found if s.task == task) for task in ("corpus_questions", "chabsa")]
    assert objective.score(loaded, corpus) == pytest.approx(sum(wanted) / 2)
    assert objective.model_copy(update={"aggregation": "min"}).score(loaded, corpus) == min(wanted)
    assert objective.tests() == ["corpus_questions", "chabsa"]


def test_a_benchmark_that_cannot_be_taken_is_refused(loaded: Loaded, question_store: Store) -> None:
    corpus = question_store.path(question_store.resolve("fin-ja-qa"))
    asked = Benchmark(tasks=(CorpusQuestions(),), metric="f1")
    with pytest.raises(UserError, match="corpus_questions: asks about a corpus"):
        asked.check(None)
    with pytest.raises(UserError, match="has no metric 'f1'; acc, acc_norm"):
        asked.score(loaded, corpus)
    with pytest.raises(UserError, match="unknown key 'batchsize'"):
        Benchmark(tasks=(CorpusQuestions(),), options={"batchsize": 1}).check(corpus)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_likelihood_is_that_of_every_token_taken_alone(
    loaded: Loaded, documents: Path, batch_size: int
) -> None:
    """Against one document after another in float64; padding and order bear on nothing, empty texts are left out."""
    total, n = 0.0, 0
    for text in TEXTS:
        ids = (
            loaded.tokenizer(text, return_tensors="pt", truncation=True, max_length=48)["input_ids"]
            if text
            else []
        )
        if len(ids):
            with torch.inference_mode():
                logs = loaded.model(input_ids=ids).logits[0].double().log_softmax(-1)
            total += float(logs[:-1].gather(1, ids[0, 1:, None]).sum())
            n += ids.shape[1] - 1
    objective = Likelihood(max_length=48, batch_size=batch_size)
    objective.check(documents)
    assert objective.score(loaded, documents) == pytest.approx(total / n, abs=1e-6)
    assert Likelihood(limit=1).score(loaded, documents) != objective.score(loaded, documents)


def test_a_likelihood_of_nothing_is_refused(documents: Path) -> None:
    with pytest.raises(UserError, match="no corpus was given"):
        Likelihood().check(None)
    with pytest.raises(UserError, match="no document in qa/train"):
        Likelihood(format="qa").check(documents)


def test_a_task_without_results_is_named(
    tmp_path: Path, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluator of a third party that leaves a task out."""
    info = tmp_path / "silent-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: silent\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kanagura.evaluators]\nsilent = silent_evaluator:Silent\n")
    (tmp_path / "silent_evaluator.py").write_text(
        "from eval.base import Evaluator\n\n\nclass Silent(Evaluator):\n"
        "    def ask(self, *, model, asked, keep):\n        return {}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="cpa_audit: got 0 of 2"):
        Benchmark(tasks=(CpaAudit(subset=2),), evaluator="silent").score(loaded, None)
