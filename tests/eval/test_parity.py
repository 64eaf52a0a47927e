"""A recorded run of the original harness is held against ours item by item, and what cannot be compared is said."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bench.eval_parity import main
from datacards.errors import UserError
from eval.evaluators.transformers import Transformers
from eval.items import Answer
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit
from tests.eval.exam_rows import LETTERED

STEP = {"chabsa": 1500, "cpa_audit-1.0-0.2.1": 130}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def row(number: int, answer: Answer) -> dict[str, Any]:
    """Return one item as a recording has it."""
    item = answer.item
    return {
        "i": number,
        "ctx_sha256": sha(item.context),
        "n_ctx": answer.context_tokens,
        "n_cont": list(answer.choice_tokens),
        "gold": -100 if item.gold is None else item.gold,
        "ll": [round(value, 6) for value in answer.loglikelihoods],
        "cont_sha8": [sha(text)[:8] for text in item.continuations],
    }


@pytest.fixture(scope="module")
def recorded(tiny_model: Path) -> dict[str, Any]:
    """Return a recording of a few items of two tasks; the last items first."""
    asked = {
        "chabsa": Chabsa().items(None)[:: STEP["chabsa"]][::-1],
        "cpa_audit-1.0-0.2.1": CpaAudit(prompt="0.2.1").items(None)[:: STEP["cpa_audit-1.0-0.2.1"]],
    }
    answers = Transformers(bos="none").ask(model=tiny_model, asked=asked, keep=lambda _name, _results: None)
    found: dict[str, Any] = {}
    for name, results in answers.items():
        given = [result for result in results if isinstance(result, Answer)]
        rows = [row(number, answer) for number, answer in enumerate(given)]
        right = [answer.prediction == answer.item.gold for answer in given]
        metrics = {"acc,none": sum(right) / len(right), "f1_stderr,none": "N/A"}
        found[name] = {"n": len(rows), "first_n_of_full_set": len(rows), "metrics": metrics, "items": rows}
    return found


def compared(
    recorded: dict[str, Any], model: Path, folder: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, Any]]:
    path = folder / "expected.json.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        json.dump(recorded, stream)
    status = main([str(model), str(path), "--evaluator", "transformers", "--bos", "none", *words])
    last: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return status, last


def test_an_equal_run_is_equal_whatever_the_order_and_what_is_unknown_is_skipped(
    recorded: dict[str, Any], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = recorded["chabsa"]["items"][0] | {"ctx_sha256": sha("別の問題")}
    lacking = recorded["chabsa"] | {"items": [foreign]}
    data = tmp_path / "cma_basics"
    data.mkdir()
    (data / "data.json").write_text(json.dumps({"data": LETTERED}), encoding="utf-8")
    more = {"chabsa-1.0-0.3": lacking, "cma_basics": lacking, "fp3": lacking}
    status, last = compared(recorded | more, tiny_model, tmp_path, capsys, "--data", str(tmp_path))
    assert status == 0
    assert last["max_abs_diff"] < 1e-5
    assert last["max_metric_diff"] == 0
    assert last["same_choices"]
    assert last["tasks"] == list(STEP)
    assert last["items"] == 10
    assert last["skipped"]["chabsa-1.0-0.3"] == "1 of its items are not among ours"
    assert "not the file that published figures were made with" in last["skipped"]["cma_basics"]
    assert "is no task of the benchmark" in last["skipped"]["fp3"]


def test_every_difference_is_found(
    recorded: dict[str, Any], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another likelihood that turns a choice, another token count, another figure."""
    items = [dict(one) for one in recorded["chabsa"]["items"][:2]]
    items[0]["ll"] = [value - 50.0 * (value == max(items[0]["ll"])) for value in items[0]["ll"]]
    items[1]["n_ctx"] += 1
    changed = {
        "chabsa": recorded["chabsa"]
        | {"n": 2, "first_n_of_full_set": 2, "items": items, "metrics": {"acc,none": 0.25}}
    }
    status, last = compared(changed, tiny_model, tmp_path, capsys)
    assert status == 1
    assert last["max_abs_diff"] == pytest.approx(50, abs=1e-3)
    assert (last["same_choices"], last["other_choices"], last["near_ties"]) == (False, 1, 0)
    assert last["other_token_counts"] == 1
    assert last["max_metric_diff"] == pytest.approx(0.25)


def test_a_damaged_recording_is_said_and_bears_on_nothing_else(
    recorded: dict[str, Any], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = recorded["chabsa"]["items"]
    damaged = {
        "chabsa-1.0-0.1": {"items": [{key: value for key, value in items[0].items() if key != "cont_sha8"}]},
        "chabsa-1.0-0.2": {"items": [items[0] | {"ll": [float("nan"), -1.0]}]},
        "chabsa-1.0-0.3": {"items": [items[0] | {"ll": [-1.0]}]},
        "chabsa-1.0-0.4": [],
        "chabsa": recorded["chabsa"],
    }
    status, last = compared(damaged, tiny_model, tmp_path, capsys)
    assert (status, last["tasks"]) == (0, ["chabsa"])
    assert "KeyError('cont_sha8')" in last["skipped"]["chabsa-1.0-0.1"]
    assert last["skipped"]["chabsa-1.0-0.2"].startswith("chabsa-1.0-0.2: item 0 is damaged")
    assert last["skipped"]["chabsa-1.0-0.3"].startswith("chabsa-1.0-0.3: item 0 is damaged")
    assert "is not recorded as it should be" in last["skipped"]["chabsa-1.0-0.4"]


def test_figures_of_items_that_are_not_all_recorded_are_not_compared(
    recorded: dict[str, Any], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = recorded["chabsa"] | {"items": recorded["chabsa"]["items"][:2], "metrics": {"acc,none": 0.123}}
    status, last = compared({"chabsa": part}, tiny_model, tmp_path, capsys)
    assert (status, last["max_metric_diff"], last["items"]) == (0, None, 2)


def test_a_file_that_holds_no_recording_and_a_model_that_is_not_there_are_said(
    tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "expected.json.gz"
    for held, told in (
        (b"\x1f\x8bxx", "cannot be read"),
        (b"{", "cannot be read"),
        (b"[1]", "holds no tasks"),
    ):
        path.write_bytes(held)
        with pytest.raises(UserError, match=told):
            main([str(tiny_model), str(path)])
    with pytest.raises(UserError, match="is no folder"):
        main([str(tmp_path / "nowhere"), str(path)])
    path.write_bytes(b"{}")
    assert main([str(tiny_model), str(path)]) == 1
