"""Examples are written greedily with the model's own template, once, and kept with their prompts."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from datacards.errors import UserError
from datacards.evaluated import SCORES, TASKS, write_records
from eval.compare.outcome import read
from eval.data import HERE
from eval.tasks.examples import Examples


def rows(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(out / "samples" / "examples.parquet").to_pylist()
    return found


def task(**options: Any) -> Examples:
    return Examples.model_validate({"max_tokens": 6, "dtype": "float32", "subset": 2, **options})


def test_replies_are_kept_and_not_asked_for_again(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    scores, (record,) = task().converse(model=model, kept=tmp_path / "kept", out=tmp_path / "a")
    first = rows(tmp_path / "a")
    assert [row["turn"] for row in first] == [1, 1]
    assert [row["template"] for row in first] == ["one_shot", "one_shot"]
    assert first[0]["prompt"].startswith("営業利益と経常利益の違い")
    assert all(row["reply_tokens"] <= 6 for row in first)
    assert (record.kind, record.samples, record.of) == ("reply", 2, 7)
    (model / "model.safetensors").unlink()
    again, _ = task().converse(model=model, kept=tmp_path / "kept", out=tmp_path / "b")
    assert (again, rows(tmp_path / "b")) == (scores, first)
    write_records(tmp_path / "a" / SCORES, scores)
    write_records(tmp_path / "a" / TASKS, [record])
    assert read(tmp_path / "a") == {}  # there to be read: no model is compared by it


def test_a_chat_template_of_the_models_own_is_used(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    (model / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    for template in ("own", "one_shot"):
        task(template=template).converse(model=model, kept=tmp_path / "kept", out=tmp_path / template)
        assert {row["template"] for row in rows(tmp_path / template)} == {template}
    assert [row["prompt"] for row in rows(tmp_path / "own")] == [
        row["prompt"] for row in rows(tmp_path / "one_shot")
    ]


def test_a_file_of_ones_own_is_named_without_its_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"question_id": 1, "category": "idea", "turns": ["新しい債券の名前は？"]}))
    asked = task(questions=str(path), license="CC-BY-4.0", redistribution=True)
    said = asked.model_dump(mode="json")["questions"]
    assert said.startswith("mine.jsonl sha256:")
    assert str(tmp_path) not in json.dumps(asked.model_dump(mode="json"))
    assert asked.rights
    assert (asked.rights.license, asked.rights.redistribution) == ("CC-BY-4.0", True)
    assert task().rights is None
    assert asked.effort(model=tmp_path, kept=tmp_path).items == 1
    with pytest.raises(UserError, match=r"there is no file 'other\.jsonl'"):
        task(questions=str(tmp_path / "other.jsonl")).effort(model=tmp_path, kept=tmp_path)


def test_the_shipped_prompts_are_whole() -> None:
    lines = (HERE / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    found = TypeAdapter(list[dict[str, Any]]).validate_python([json.loads(line) for line in lines])
    assert [row["question_id"] for row in found] == list(range(6))
    assert len({row["category"] for row in found}) == 6
