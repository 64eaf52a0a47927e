"""All prompts of the financial benchmark, in both dialects, are the original's to the last sign.

``prompt_digests.json`` holds what the original task code made of the test sets that may be passed on, and of the
invented questions in ``exam_rows.py``: a hash over every context, continuation and right answer.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from datacards.errors import UserError
from eval.items import Answer, Item, content_id
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit
from eval.tasks.exams import CmaBasics, Exam, Fp2, SecuritySales1, read
from eval.tasks.prompts import VERSIONS
from tests.eval.exam_rows import LETTERED, ROWS

DIGESTS: dict[str, Any] = json.loads((Path(__file__).parent / "prompt_digests.json").read_text())
TASKS: dict[str, type[Chabsa | Exam]] = {
    "chabsa": Chabsa, "cma_basics": CmaBasics, "cpa_audit": CpaAudit, "fp2": Fp2,
    "security_sales_1": SecuritySales1,
}  # fmt: skip
CASES = [(d, t, v) for d, tasks in DIGESTS.items() for t, versions in tasks.items() for v in versions]


def written(folder: Path, rows: object) -> Path:
    """Write ``rows`` as the benchmark's files have them."""
    path = folder / "data.json"
    path.write_text(json.dumps({"data": rows}, ensure_ascii=False), encoding="utf-8")
    return path


def asked(task: Chabsa | Exam, folder: Path) -> list[Item]:
    if isinstance(task, Exam) and task.task in ROWS:
        return task.asked(read(written(folder, ROWS[task.task])))
    return task.items(None)


def digest(items: list[Item]) -> str:
    rows = sorted([i.context, list(i.continuations), -100 if i.gold is None else i.gold] for i in items)
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(("dialect", "name", "version"), CASES)
def test_a_prompt_is_the_originals(dialect: str, name: str, version: str, tmp_path: Path) -> None:
    task = TASKS[name].model_validate({"prompt": version, "dialect": dialect})
    assert digest(asked(task, tmp_path)) == DIGESTS[dialect][name][version]


def test_there_are_all_prompts_of_the_original() -> None:
    assert len(CASES) == 2 * (4 * 9 + 7)
    assert {v for _, t, v in CASES if t != "chabsa"} == set(VERSIONS)


def test_chabsa_takes_the_nearest_prompt_where_it_has_none() -> None:
    """It has no letters: 0.1.2 is asked as 0.1, 0.2.1 as 0.2."""
    for version, nearest in (("0.1.2", "0.1"), ("0.2.1", "0.2")):
        task = Chabsa.model_validate({"prompt": version})
        assert digest(task.items(None)) == DIGESTS["v0.2"]["chabsa"][nearest]


def test_ids_are_of_the_question_whatever_the_prompt(tmp_path: Path) -> None:
    for name, kind in TASKS.items():
        plain = [item.id for item in asked(kind.model_validate({}), tmp_path)]
        other = kind.model_validate({"prompt": "0.4", "dialect": "v0.1"})
        assert [item.id for item in asked(other, tmp_path)] == plain, name
        assert len(set(plain)) == len(plain)


def test_questions_on_one_text_are_one_cluster(tmp_path: Path) -> None:
    first, second, third, fourth = asked(CmaBasics(), tmp_path)
    assert first.cluster == second.cluster != ""
    assert (third.cluster, fourth.cluster) == ("", "")


def test_a_recipe_may_leave_the_quotes_off_a_version() -> None:
    """YAML reads 0.1 as a number."""
    assert CmaBasics.model_validate({"prompt": 0.1}).prompt == "0.1"
    with pytest.raises(ValidationError):
        CmaBasics.model_validate({"prompt": 0.7})


def test_an_examination_tells_accuracy_first_and_every_rank(tmp_path: Path) -> None:
    items = asked(SecuritySales1(), tmp_path)
    answers = [Answer(item, tuple(-float(n) for n in range(len(item.choices)))) for item in items]
    found = {one.metric: one.value for one in SecuritySales1().measure(answers)}
    assert next(iter(found)) == "acc"
    assert found["acc"] == 0.5  # the first choice is right in two of four
    assert found["map"] == found["map_2"] == 0.75
    assert {*found} == {
        "acc",
        "acc_norm",
        *(f"map{c}{n}" for c in ("", "_2", "_3", "_4") for n in ("", "_norm")),
    }
    assert SecuritySales1().chance(items) == pytest.approx((1 / 4 + 1 / 3 + 1 / 4 + 1 / 2) / 4)


@pytest.mark.parametrize(
    "change",
    [
        {"answer": 9},
        {"choices": [{"id": 1, "text": "a"}, {"id": 0, "text": "b"}]},
        {"choices": [{"id": 0, "text": ""}, {"id": 1, "text": "b"}]},
        {"choices": None},
    ],
)
def test_a_file_that_is_no_benchmark_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"data\.json: cannot be read"):
        read(written(tmp_path, [LETTERED[0] | change]))


def test_what_may_not_be_passed_on_is_asked_for_with_a_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of another file are no benchmark, however well they look."""
    path = written(tmp_path, LETTERED)
    (tmp_path / "cma_basics").mkdir()
    path.rename(tmp_path / "cma_basics" / "data.json")
    monkeypatch.setenv("KANAGURA_EVAL_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"get it from https://raw\.githubusercontent\.com/pfnet-research"):
        CmaBasics().items(None)
    assert CmaBasics.rights is not None
    assert not CmaBasics.rights.redistribution


def test_a_question_is_known_by_what_it_says(tmp_path: Path) -> None:
    row = LETTERED[0]
    content = {"question": row["question"], "context": row["context"], "answer": 1}
    wanted = content_id(content | {"choices": [choice["text"] for choice in row["choices"]]})
    assert asked(CmaBasics(), tmp_path)[0].id == wanted
