"""EDINET-Bench is read from a local folder, and a reply without an answer counts as wrong."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from datacards.errors import UserError
from eval.items import Question, Reply
from eval.tasks.general.edinet_bench import (
    EarningsForecast,
    FraudDetection,
    IndustryPrediction,
    TwoClasses,
    answer_in,
    mcc,
    roc_auc,
)

SUMMARY = json.dumps({"売上高": {"CurrentYear": "12500", "Prior1Year": "13100"}}, ensure_ascii=False)


def write(folder: Path, task: str, rows: list[dict[str, object]]) -> None:
    filled = [
        {
            "edinet_code": "E99999",
            "summary": SUMMARY,
            "bs": "{}",
            "pl": '{"営業利益": "750"}',
            "cf": None,
            **row,
        }
        for row in rows
    ]
    path = folder / "EDINET-Bench" / task / "test-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(filled), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with invented filings of all three tasks; six of one company, one of them twice."""
    rows: list[dict[str, object]] = [{"doc_id": f"S1000{n:03d}", "label": n % 2} for n in range(6)]
    write(tmp_path, "fraud_detection", [*rows, {"doc_id": "S1000000", "label": 1, "edinet_code": None}])
    write(tmp_path, "earnings_forecast", rows)
    write(tmp_path, "industry_prediction", [{"doc_id": "S1000001", "industry": "金融（除く銀行）"}])
    return tmp_path


def questions(task: TwoClasses) -> list[Question]:
    return task.items(None)[:6]


def told(item: Question, text: str) -> Reply:
    return Reply(item, text)


def test_filings_are_asked_with_their_sheets_under_their_document_ids(folder: Path) -> None:
    items = FraudDetection(folder=str(folder), sheets=("summary", "pl", "cf")).items(None)
    assert [item.id for item in items] == [*(f"S100000{n}" for n in range(6)), "S1000000/2"]
    assert [item.targets for item in items] == [("0",), ("1",), ("0",), ("1",), ("0",), ("1",), ("1",)]
    assert {item.cluster for item in items} == {"E99999", ""}
    assert f"\nsummary: {SUMMARY}\npl: " in items[0].context
    assert "\ncf: " not in items[0].context
    assert "\nbs: " not in items[0].context
    assert items[0].context.endswith("\n\nJSON:\n")


def test_a_reply_without_an_answer_is_wrong_in_every_figure(folder: Path) -> None:
    task = EarningsForecast(folder=str(folder))
    replies = [
        told(item, text)
        for item, text in zip(
            questions(task),
            (
                '```json\n{"reasoning": "減益が\n続く", "prob": 0.2, "prediction": 0}',
                'はい。{"prob": 0.7, "prediction": "1"} 以上',
                '{"prediction": 1}',
                '{"prob": 40, "prediction": 1.0}',
                "分かりません。",
                '{"prob": 0.9, "prediction": 1',
            ),
            strict=True,
        )
    ]
    labels, predicted, probabilities = [0, 1, 0, 1, 0, 1], [0, 1, 1, 1, 1, 0], [0.2, 0.7, 1, 1, 1, 0]
    found = {measured.metric: measured for measured in task.measure(replies)}
    assert list(found) == ["acc", "roc_auc", "mcc", "answered"]
    assert found["acc"].value == 0.5
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(labels, probabilities))
    assert found["mcc"].value == pytest.approx(matthews_corrcoef(labels, predicted))
    assert found["answered"].value == pytest.approx(4 / 6)
    assert all(measured.stderr for measured in found.values())
    assert task.chance([reply.item for reply in replies]) == 0.5


def test_figures_are_those_of_scikit_learn() -> None:
    chance = np.random.default_rng(5)
    labels, given = chance.integers(2, size=200), chance.integers(10, size=200) / 10
    assert roc_auc(labels, given) == pytest.approx(roc_auc_score(labels, given), abs=1e-12)
    assert mcc(labels, labels ^ (given > 0.7)) == pytest.approx(
        matthews_corrcoef(labels, labels ^ (given > 0.7))
    )
    assert (roc_auc(labels * 0, given), mcc(labels * 0, labels)) == (0.5, 0.0)


def test_an_industry_is_named_in_any_width(folder: Path) -> None:
    task = IndustryPrediction(folder=str(folder))
    [item] = task.items(None)
    assert item.targets == ("金融(除く銀行)",)
    assert task.value(told(item, '{"prediction": "金融（除く銀行）"}')) == (1.0, 1.0)
    assert task.value(told(item, '{"prediction": "銀行"}')) == (0.0, 1.0)
    assert [one.value for one in task.measure([told(item, '{"prediction": "宇宙"}')])] == [0.0, 0.0]
    assert task.chance([item]) == 1 / 16


@pytest.mark.parametrize(
    "text", ["", "{" * 100_000, '{"a":' * 20_000, '{"prediction": null}', '[{"x": 1}]', '{"prediction": NaN']
)
def test_hostile_replies_hold_no_answer(text: str) -> None:
    assert answer_in(text) == {}


@pytest.mark.parametrize("given", ["NaN", "1e999", "true", "[1]", '{"a": 1}', '"増加"'])
def test_an_answer_is_one_of_the_classes_or_none(folder: Path, given: str) -> None:
    task = FraudDetection(folder=str(folder))
    found = task.found(told(questions(task)[0], f'{{"prediction": {given}, "prob": NaN}}'))
    assert found == ("1" if given == "true" else None)


def test_the_folder_is_recorded_by_its_files_alone(folder: Path, tmp_path: Path) -> None:
    recorded = FraudDetection(folder=str(folder)).model_dump(mode="json")["folder"]
    assert recorded.startswith("test-00000-of-00001.parquet sha256:")
    assert str(tmp_path) not in recorded


def test_what_is_not_there_or_no_such_data_is_told(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match="KANAGURA_EVAL_DATA"):
        FraudDetection(folder=str(tmp_path / "nowhere")).items(None)
    path = next(folder.rglob("industry_prediction/*.parquet"))
    pq.write_table(pa.table({"doc_id": ["S1"]}), path)
    with pytest.raises(UserError, match="columns doc_id, edinet_code, industry"):
        IndustryPrediction(folder=str(folder)).items(None)
    path.write_bytes(b"no Parquet")
    with pytest.raises(UserError, match="download it again"):
        IndustryPrediction(folder=str(folder)).items(None)
    write(tmp_path / "other", "fraud_detection", [{"doc_id": "S1", "label": 2}])
    with pytest.raises(UserError, match="label '2'"):
        FraudDetection(folder=str(tmp_path / "other")).items(None)
