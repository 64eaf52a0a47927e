"""A real model is asked choices, replies and passages of the general tests, and every part has its own figure."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datacards.evaluated import Score, TaskRecord
from eval.compare.outcome import outcome_of
from eval.evaluators.transformers import Transformers
from eval.scoring import score
from eval.tasks.general.jglue import Jsquad
from eval.tasks.general.jmmlu import BUSINESS, Jmmlu
from eval.tasks.general.perplexity import Perplexity
from tests.eval.test_perplexity import SOURCES, documents, write

Scored = tuple[Path, list[Score], list[TaskRecord]]


@pytest.fixture(scope="module")
def scored(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """Return the folder, the scores and the records of three tasks, asked of an untrained model."""
    out = tmp_path_factory.mktemp("scored")
    corpus = write(tmp_path_factory.mktemp("corpus"), documents(6))
    tasks = [Jmmlu(subset=60, margin=0.01), Jsquad(subset=2, shots=0), Perplexity(characters=60)]
    scores, records = score(Transformers(), tiny_model, tasks, corpus, out=out)
    return out, scores, records


def test_groups_have_a_figure_each_behind_those_of_all(scored: Scored) -> None:
    _, scores, _ = scored
    whole = [(one.task, one.metric) for one in scores if not one.group]
    assert whole == [
        ("jmmlu", "acc"), ("jmmlu", "acc_norm"), ("jsquad", "char_f1"), ("jsquad", "em"), ("jsquad", "answered"),
        ("perplexity", "bits_per_byte"), ("perplexity", "token_perplexity"),
    ]  # fmt: skip
    parts = {one.group: one for one in scores if one.task == "jmmlu" and one.group}
    assert parts["business"].samples + parts["other"].samples == 60
    assert sum(one.samples for name, one in parts.items() if name in BUSINESS) == parts["business"].samples
    assert {one.metric for one in parts.values()} == {"acc"}
    sources = [one for one in scores if one.task == "perplexity" and one.group]
    assert [one.group for one in sources] == sorted(SOURCES)
    assert all(one.samples == 2 and not one.higher_is_better and one.value > 1 for one in sources)


def test_statistics_read_figure_groups_and_margin_from_the_samples(scored: Scored) -> None:
    out, scores, records = scored
    found = {record.task: outcome_of(out, record, scores) for record in records}
    headline = {one.task: one.value for one in reversed(scores) if not one.group}
    for task, outcome in found.items():
        assert outcome.value == pytest.approx(headline[task])
    assert found["jmmlu"].margin == 0.01
    assert set(found["perplexity"].groups) == set(SOURCES)
    assert not found["perplexity"].higher_is_better
    rows = pq.read_table(out / "samples" / "perplexity.parquet").to_pylist()
    assert sum(row["weight"] for row in rows) == sum(len(document(row)) for row in rows)


def document(row: dict[str, object]) -> bytes:
    """Return the bytes of the passage of a samples row: the first 60 characters of its document."""
    texts = {str(one["url"]) + str(one["source"]): str(one["text"])[:60].encode() for one in documents(6)}
    return texts[f"{row['cluster']}{row['group']}"]
