"""States on the disk: the newest whole one counts, whatever happened to the others or while it was written."""

import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

from tests.train.driving import VOCABULARY, Case, drive, odd_model, small
from train.trainers.causal_lm import CausalLM
from train.trainers.engine import Engine
from train.trainers.files import TensorFile, parts
from train.trainers.masters import Masters
from train.trainers.state import newest, save


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base and a run of five steps, each of which is saved."""
    folder = tmp_path_factory.mktemp("states")
    odd_model(folder / "base")
    drive(Case.make(folder, "run", 5, saves=(1, 2, 3, 4, 5)))
    return folder


@pytest.fixture
def work(root: Path, tmp_path: Path) -> Path:
    """Return a working folder of one's own with the states after steps 3, 4 and 5."""
    for step in ("3", "4", "5"):
        shutil.copytree(root / "run" / "steps" / step, tmp_path / "work" / "steps" / step)
    return tmp_path / "work"


@pytest.fixture(scope="module")
def engine(root: Path) -> Engine:
    """Return an engine as it was after step 5."""
    return Engine(CausalLM.model_validate(small()), root / "base", root / "run")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [_cut, _flip, Path.unlink])
@pytest.mark.parametrize("name", ["model.safetensors", "exp_avg_sq.safetensors", "config.json", "whole.json"])
def test_a_damaged_state_is_told_of_and_the_one_before_it_is_used(
    engine: Engine, work: Path, caplog: pytest.LogCaptureFixture, name: str, harm: Callable[[Path], None]
) -> None:
    harm(work / "steps" / "5" / name)
    with caplog.at_level(logging.WARNING):
        found = newest(engine, work)
    assert found is not None
    assert found.step == 4
    assert f"the state after step 5 is passed over: damaged {name}" in caplog.text


def test_a_count_that_was_changed_is_damage_too(engine: Engine, work: Path) -> None:
    whole = work / "steps" / "5" / "whole.json"
    text = whole.read_text(encoding="utf-8")
    assert '"": 5' in text
    whole.write_text(text.replace('"": 5', '"": 6'), encoding="utf-8")
    found = newest(engine, work)
    assert found is not None
    assert found.step == 4


def test_a_damaged_state_does_not_take_the_place_of_a_good_one(engine: Engine, work: Path) -> None:
    _flip(work / "steps" / "5" / "model.safetensors")
    found = newest(engine, work)
    assert found is not None
    save(engine, work, found.step + 1, keep=2)
    assert sorted(path.name for path in (work / "steps").iterdir()) == ["4", "5"]
    again = newest(engine, work)
    assert again is not None
    assert again.step == 5


def test_no_state_is_found_where_none_is_whole(engine: Engine, work: Path) -> None:
    for step in (3, 4, 5):
        (work / "steps" / str(step) / "exp_avg.safetensors").unlink()
    assert newest(engine, work) is None
    assert newest(engine, work / "elsewhere") is None


@pytest.mark.parametrize(("keep", "left"), [(1, ["6"]), (3, ["4", "5", "6"]), (9, ["3", "4", "5", "6"])])
def test_the_newest_states_stay(engine: Engine, work: Path, keep: int, left: list[str]) -> None:
    (work / "steps" / ".2").mkdir()  # what a kill left
    save(engine, work, 6, keep=keep)
    assert sorted(path.name for path in (work / "steps").iterdir()) == left


def _killed_at(nth: int, act: Callable[[], None]) -> bool:
    """Run ``act`` in a process that is killed at the ``nth`` thing it does to files; return whether it came so far."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    signal.alarm(60)
    left = nth

    def count(event: str, _: tuple[Any, ...]) -> None:
        nonlocal left
        if event in {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "shutil.rmtree"}:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        act()
    finally:
        os._exit(0)


def _moments(engine: Engine, root: Path, tmp_path: Path) -> Iterator[Path]:
    for nth in range(1_000):
        work = tmp_path / str(nth)
        for step in ("4", "5"):
            shutil.copytree(root / "run" / "steps" / step, work / "steps" / step)
        if not _killed_at(nth, lambda at=work: save(engine, at, 6, keep=2)):
            return
        yield work


def test_a_kill_at_any_moment_of_saving_leaves_the_state_before_or_the_new_one(
    engine: Engine, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each time a process dies by signal 9 at another file that it opens, renames or removes."""
    found = []
    for work in _moments(engine, root, tmp_path):
        saved = newest(engine, work)
        assert saved is not None
        found.append(saved.step)
        save(engine, work, 7, keep=2)
        left = sorted(path.name for path in (work / "steps").iterdir())
        assert left == sorted([str(saved.step), "7"])
        shutil.rmtree(work)
    assert set(found) == {5, 6}
    assert found == sorted(found)
    assert len(found) > 20
    assert "passed over" not in caplog.text  # nothing half-written was ever taken for a state


def test_weights_that_are_not_trained_are_not_saved(engine: Engine, work: Path) -> None:
    model = engine.plain
    frozen = [p for name, p in model.named_parameters() if "embed_tokens" in name]
    try:
        for parameter in frozen:
            parameter.requires_grad_(False)
        trained = [p for p in model.parameters() if p.requires_grad]
        masters = Masters(model, torch.optim.AdamW(trained), None, 0, None)
        assert len(frozen) == 1
        assert engine.masters.shapes().keys() - masters.shapes().keys() == {"model.embed_tokens.weight"}
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


def test_what_is_written_tensor_by_tensor_is_read_as_it_was(tmp_path: Path) -> None:
    values = {
        "a": torch.randn(3, 5),
        "ä": torch.randn(()),
        "none": torch.zeros(0, 4),
        "t": torch.randn(4, 2).T,
    }
    file = TensorFile(tmp_path / "x.safetensors", {name: tuple(v.shape) for name, v in values.items()})
    for value in values.values():
        file.add(value)
    file.close()
    read = load_file(tmp_path / "x.safetensors")
    assert read.keys() == values.keys()
    assert all(torch.equal(read[name], value) for name, value in values.items())


def test_files_are_cut_where_they_would_grow_too_large() -> None:
    shapes = {"a": (10,), "b": (10,), "large": (100,), "c": (5,)}
    assert parts(shapes, 80) == [["a", "b"], ["large"], ["c"]]


def test_the_norm_of_a_step_is_how_far_the_weights_went(root: Path, tmp_path: Path) -> None:
    """Without weight decay nothing but AdamW's step moves them."""
    case = Case.make(tmp_path, "one", 1, weight_decay=0.0)
    shutil.copytree(root / "base", tmp_path / "base")
    done = drive(case)
    before, after = (load_file(tmp_path / n / "model.safetensors") for n in ("base", "one/out"))
    went = sum(float((after[name] - before[name]).double().square().sum()) for name in before) ** 0.5
    assert done.update_norms[0] == pytest.approx(went, rel=1e-4)


def test_experts_that_transformers_fuses_go_on_and_come_out_as_the_base_has_them(tmp_path: Path) -> None:
    config = Qwen3MoeConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, moe_intermediate_size=16, num_experts=4,
        num_experts_per_tok=2, num_hidden_layers=1, head_dim=16, num_attention_heads=2, num_key_value_heads=1,
    )  # fmt: skip
    Qwen3MoeForCausalLM(config).save_pretrained(tmp_path / "base")
    whole = drive(Case.make(tmp_path, "whole", 3))
    again = drive(Case.make(tmp_path, "again", 3, begin=tmp_path / "whole" / "steps" / "2"))
    assert again.rows == whole.rows[2:]
    one, other, base = (
        load_file(tmp_path / n / "model.safetensors") for n in ("whole/out", "again/out", "base")
    )
    assert one.keys() == other.keys() == base.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_the_share_that_a_step_is_too_small_for_is_counted(engine: Engine) -> None:
    """A bfloat16 number has 8 bits: from 1 down a step of less than 1/512 is lost, and all steps of 1 are not."""
    weights, kept = list(engine.plain.parameters()), []
    for parameter in weights:
        kept.append(parameter.data)
        parameter.data = torch.ones_like(parameter)
    try:
        assert engine.unchanged(1e-4) == 1.0
        assert engine.unchanged(1.0) == 0.0
        assert engine.unchanged(3e-3) == 0.5  # down to 0.996 it can go, up to 1.008 it cannot
    finally:
        for parameter, value in zip(weights, kept, strict=True):
            parameter.data = value


def test_whole_json_says_what_wrote_it(work: Path) -> None:
    told = json.loads((work / "steps" / "5" / "whole.json").read_bytes())
    assert {name: told[name] for name in ("step", "processes", "zero_stage", "precision")} == {
        "step": 5,
        "processes": 1,
        "zero_stage": None,
        "precision": "fp32",
    }
    assert told["weights"] == ["config.json", "model.safetensors"]
    assert told["updates"] == {"": 5}
