"""A report is made of whole evaluations alone: what is damaged, withdrawn, empty or no evaluation is told by name."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacards.card import Ref
from datacards.errors import UserError
from datacards.evaluated import SAMPLES, SCORES, TASKS, Score, TaskRecord, write_records
from datacards.store import Store
from eval.report.build import document
from eval.report.markdown import page
from eval.report.matter import collect
from tests.eval.evaluated import VERSION, checkpoint, exemplify

MANY = 12


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def scored(
    store: Store,
    name: str,
    task: str = "shiken",
    *,
    hashed: str = "0" * 64,
    right: int = 2,
    said: float | None = None,
) -> Ref:
    """Write an evaluation of a model of its own with four answers, the first ``right`` of them right."""
    rows = [
        {"id": f"i{n}", "cluster": f"i{n}", "group": "", "value": float(n < right), "weight": 1.0, "context_sha256": hashed}
        for n in range(4)
    ]  # fmt: skip
    record = TaskRecord(
        task=task, kind="reply", metric="acc", figure="mean", samples=4, of=4, digest="a" * 64
    )
    value = right / 4 if said is None else said
    return written(store, name, [Score(task=task, metric="acc", value=value, samples=4)], [record], rows)


def written(
    store: Store, name: str, scores: Sequence[Score], records: Sequence[TaskRecord], rows: Sequence[object]
) -> Ref:
    with store.write(
        name=f"{name}-eval",
        version=VERSION,
        kind="evaluation",
        recipe={},
        made_from=[checkpoint(store, name)],
    ) as draft:
        write_records(draft.path / SCORES, scores)
        write_records(draft.path / TASKS, records)
        for record in records:
            (draft.path / SAMPLES).mkdir(exist_ok=True)
            pq.write_table(pa.Table.from_pylist(list(rows)), draft.path / SAMPLES / f"{record.task}.parquet")
    return store.resolve(f"{name}-eval")


def test_one_model_and_models_without_a_common_task_are_told_without_a_comparison(store: Store) -> None:
    refs = [scored(store, "hitotsu"), scored(store, "futatsu", "betsu")]
    for chosen in (refs[:1], refs):
        matter = collect(store, chosen)
        assert not matter.pairs.compared.tasks
        assert "0.5000" in page(document(matter))


def test_many_models_stand_side_by_side(store: Store) -> None:
    matter = collect(store, [scored(store, f"m{n}", right=n % 5) for n in range(MANY)])
    assert len(matter.found.labels) == MANY
    assert len(matter.pairs.compared.tasks) == MANY - 1
    assert page(document(matter)).count("m11-eval@") >= 1


def test_samples_that_were_changed_are_no_ground_for_a_number(store: Store) -> None:
    ref = scored(store, "kaizan")
    file = store.path(ref) / SAMPLES / "shiken.parquet"
    file.chmod(0o644)
    table = pq.read_table(file)
    pq.write_table(table.set_column(3, "value", pa.array([1.0] * 4)), file)
    with pytest.raises(UserError, match=r"kaizan-eval@.*does not verify: .*shiken\.parquet"):
        collect(store, [ref])


def test_a_score_that_its_samples_do_not_give_is_told(store: Store) -> None:
    """A version may be whole and say what is not so."""
    matter = collect(store, [scored(store, "uso", said=0.99)])
    told = matter.found.differing[0][1]
    assert f"uso-eval@{VERSION} says acc 0.990000 on shiken, its samples give 0.5" in told
    assert told in str(document(matter))


def test_a_score_that_was_edited_by_hand_is_no_ground_for_a_number(store: Store) -> None:
    ref = scored(store, "kaizan")
    path = store.path(ref) / SCORES
    path.chmod(0o644)
    path.write_text(path.read_text().replace("0.5", "0.99"))
    with pytest.raises(UserError, match=r"does not verify: .*scores\.json"):
        collect(store, [ref])


@pytest.mark.parametrize("hashed", ["zz", "", "-1"])
def test_a_hash_that_is_none_is_told(store: Store, hashed: str) -> None:
    with pytest.raises(UserError, match="shiken: a context_sha256 is no hash"):
        collect(store, [scored(store, "kowareta", hashed=hashed)])


def test_an_evaluation_without_a_task_is_told(store: Store) -> None:
    with pytest.raises(UserError, match=r"kara-eval@.* has no task"):
        collect(store, [written(store, "kara", [], [], [])])


def test_prompts_that_may_not_be_passed_on_are_called_so(store: Store) -> None:
    model = checkpoint(store, "toi")
    own = {"questions": "house.jsonl sha256:0", "license": "all-rights-reserved"}
    ref = exemplify(store, model, {"社内の問い": "答え"}, **own)
    told = "under 'all-rights-reserved' and may not be passed on, nor may a report that shows them"
    assert told in str(document(collect(store, [ref])))
    shared = exemplify(store, checkpoint(store, "hito"), {"問い": "答え"})
    assert told not in str(document(collect(store, [shared])))
