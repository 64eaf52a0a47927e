"""Questions of one's own are read from local files, and are told from each other by their content."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from datacards.errors import UserError
from eval.items import Answer
from eval.tasks.general.questions import Questions

ROWS: list[dict[str, Any]] = [
    {"question": "汐凪水産の2024年3月期の売上高はいくらですか。", "choices": ["125億円", "131億円"], "answer": "125億円"},
    {"question": "増収率は何%ですか。", "choices": ["1", "2", "3"], "answer": "2", "context": "売上高は2%増えた。"},
    {"question": "配当の決議機関はどれですか。", "choices": ["取締役会", "監査法人"], "answer": "A", "group": "会社法"},
    {"question": "満期日前の換金はどれですか。", "choices": ["裏書", "割引"], "answer": 1, "group": "会社法"},
]  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return str(path)


def test_an_answer_is_a_text_a_letter_or_a_place(tmp_path: Path) -> None:
    items = Questions(files=(write(tmp_path / "house.jsonl", ROWS),)).items(None)
    assert [item.gold for item in items] == [0, 1, 0, 1]
    assert [item.group for item in items] == ["house", "house", "会社法", "会社法"]
    assert [bool(item.cluster) for item in items] == [False, True, False, False]
    assert "\n売上高は2%増えた。\n" in items[1].context
    assert items[0].choices == ("A", "B")
    text = Questions(files=(str(tmp_path / "house.jsonl"),), show="text").items(None)
    assert text[0].choices == ("125億円", "131億円")
    assert [item.id for item in text] == [item.id for item in items]


def test_a_table_and_a_packed_file_ask_the_same_question_once(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(
        "question,choice0,choice1,choice2,answer\n"
        "汐凪水産の2024年3月期の売上高はいくらですか。,125億円,131億円,,A\n"
        "満期日前の換金は\nどれですか。,裏書,割引,,1\n".replace("は\nど", "はど"),
        encoding="utf-8-sig",
    )
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(ROWS[0]).encode()))
    lists = tmp_path / "lists.csv"
    lists.write_text('question,choices,answer\n問い,"[""甲"", ""乙""]",乙\n', encoding="utf-8")
    items = Questions(files=(str(table), str(packed), str(lists))).items(None)
    assert [(item.gold, item.group) for item in items] == [(0, "table"), (1, "table"), (1, "lists")]


def test_every_group_has_a_figure_where_there_are_several(tmp_path: Path) -> None:
    task = Questions(files=(write(tmp_path / "house.jsonl", ROWS),))
    answers = [Answer(item, (-1.0,) + (-2.0,) * (len(item.choices) - 1)) for item in task.items(None)]
    assert {name: len(part) for name, part in task.parts(answers).items()} == {"house": 2, "会社法": 2}
    assert task.parts(answers[:2]) == {}
    assert task.chance([answer.item for answer in answers]) == pytest.approx((0.5 * 3 + 1 / 3) / 4)


def test_files_are_recorded_by_their_content_alone(tmp_path: Path) -> None:
    task = Questions(files=(write(tmp_path / "house.jsonl", ROWS),))
    before = task.model_dump(mode="json")["files"]
    assert before.startswith("house.jsonl sha256:")
    assert str(tmp_path) not in json.dumps(task.model_dump(mode="json"))
    write(tmp_path / "house.jsonl", ROWS[:2])
    assert task.model_dump(mode="json")["files"] != before


@pytest.mark.parametrize(
    "row",
    [
        {"question": "", "choices": ["甲", "乙"], "answer": 0},
        {"question": "問い", "choices": ["甲", "甲"], "answer": 0},
        {"question": "問い", "choices": ["甲", " "], "answer": 0},
        {"question": "問い", "choices": ["甲"], "answer": 0},
        {"question": "問い", "choices": ["甲", "乙"], "answer": 2},
        {"question": "問い", "choices": ["甲", "乙"], "answer": -1},
        {"question": "問い", "choices": ["甲", "乙"], "answer": True},
        {"question": "問い", "choices": ["甲", "乙"], "answer": None},
        {"question": "問い", "choices": {"a": 1}, "answer": 0},
        {"question": "問い", "choices": "甲、乙", "answer": 0},
        {"question": "問い", "answer": 0},
    ],
)
def test_a_row_that_is_no_question_is_named(tmp_path: Path, row: dict[str, Any]) -> None:
    task = Questions(files=(write(tmp_path / "bad.jsonl", [ROWS[0], row]),))
    with pytest.raises(UserError, match=r"bad\.jsonl, row 2"):
        task.items(None)


def test_whose_the_questions_are_is_said_in_the_recipe_or_not_known(tmp_path: Path) -> None:
    file = write(tmp_path / "house.jsonl", ROWS)
    assert Questions(files=(file,)).rights.model_dump(include={"license", "attribution", "redistribution"}) == {
        "license": "unknown", "attribution": "house.jsonl", "redistribution": False,
    }  # fmt: skip
    assert Questions(files=(file,), license="CC-BY-4.0", redistribution=True).rights.redistribution


def test_a_sign_that_only_looks_like_a_line_break_ends_no_row_of_a_table(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("question,choice0,choice1,answer\n手形の\u2028換金は,裏書,割引,B\n", encoding="utf-8")
    (item,) = Questions(files=(str(table),)).items(None)
    assert (item.gold, "手形の\u2028換金は" in item.context) == (1, True)


@pytest.mark.parametrize("body", [gzip.compress(b'{"question": "?"}')[:-6], b"no gzip"])
def test_a_packed_file_that_is_cut_off_is_named(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "bad.jsonl.gz").write_bytes(body)
    with pytest.raises(UserError, match=r"bad\.jsonl\.gz: cannot be read"):
        Questions(files=(str(tmp_path / "bad.jsonl.gz"),)).items(None)


@pytest.mark.parametrize(
    "body", [b"no JSON", b"[1]", b"\xff\xfe", b'{"a":' * 100_000, b'{"question": "\\ud800"}']
)
def test_a_file_that_is_none_is_named(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "bad.jsonl").write_bytes(body)
    with pytest.raises(UserError, match=r"bad\.jsonl"):
        Questions(files=(str(tmp_path / "bad.jsonl"),)).items(None)
    for missing in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(UserError, match="is no such file"):
            Questions(files=(str(missing),)).items(None)
