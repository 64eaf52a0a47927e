"""DeepSpeed on two processes without a GPU: the same curves as one process, and states that any layout goes on from."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from tests.train.driving import Case, Done, drive, odd_model, together
from train.recipe import TrainRecipe
from train.run import run

Ask = Callable[..., TrainRecipe]
LORA = {"lora": {"rank": 4, "alpha": 8}, "precision": "bf16"}
LAYOUTS: dict[str, dict[str, Any]] = {  # on two processes; the first word is the stage of ZeRO
    "0-fp32": {},
    "1-fp32": {},
    "2-fp32": {},
    "3-fp32": {},
    "3-bf16": {"precision": "bf16"},
    "3-lora": LORA,
}
ALONE: dict[str, dict[str, Any]] = {"fp32": {}, "bf16": {"precision": "bf16"}, "lora": LORA}
CLOSE = {"fp32": 1e-5, "bf16": 2e-3, "lora": 2e-3}  # of a loss of 4.6: bfloat16 adds in another order

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Session:
    """What came of every case, by name, and where their folders are."""

    root: Path
    done: dict[str, Done]

    def state(self, name: str, step: int) -> Path:
        return self.root / name / "steps" / str(step)

    def result(self, name: str) -> bytes:
        return (self.root / name / "out" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Train alone, then in two processes under every stage, from the beginning and from each other's states."""
    root = tmp_path_factory.mktemp("session")
    odd_model(root / "base")
    done = {f"one-{kind}": drive(Case.make(root, f"one-{kind}", 4, **ALONE[kind])) for kind in ALONE}
    cases = []
    for name, options in LAYOUTS.items():
        asked = {**options, **_zero(name)}
        alone, same = (root / n / "steps" / "2" for n in (f"one-{name[2:]}", name))
        cases.append(Case.make(root, name, 4, **asked))
        cases.append(Case.make(root, f"{name}-again", 4, begin=same, **asked))
        cases.append(Case.make(root, f"{name}-from-one", 4, begin=alone, **asked))
    cases.append(Case.make(root, "untrained", 0, precision="bf16", **_zero("3")))
    stage_3 = root / "3-fp32" / "steps" / "2"
    cases.append(Case.make(root, "3-to-1", 4, begin=stage_3, **_zero("1")))
    done |= together(cases, root / "plan")
    return Session(root, {**done, "back": drive(Case.make(root, "back", 4, begin=stage_3))})


def _zero(name: str) -> dict[str, Any]:
    stage = int(name[0])
    return {"deepspeed": {"zero_stage": stage, "num_processes": 2}} if stage else {}


def _alone(name: str) -> str:
    return f"one-{name[2:]}"


def _numbers(done: Done) -> list[float]:
    return [*done.losses, *done.grad_norms, *done.update_norms]


@pytest.mark.parametrize("name", LAYOUTS)
def test_two_processes_take_the_steps_of_one(session: Session, name: str) -> None:
    """Losses, gradient norms, the norms of AdamW's steps, each row's loss in its place, held-out losses."""
    alone, both = session.done[_alone(name)], session.done[name]
    close = CLOSE[name[2:]]
    assert both.losses == pytest.approx(alone.losses, abs=close)
    assert _numbers(both) == pytest.approx(_numbers(alone), abs=4 * close)
    for here, there in zip(both.rows, alone.rows, strict=True):
        assert here == pytest.approx(there, rel=close)
    assert both.measured[0] == pytest.approx(alone.measured[0], rel=close)
    assert len(both.measured) == 2 * len(alone.measured)
    assert both.unchanged == pytest.approx(alone.unchanged, abs=1e-2)


@pytest.mark.parametrize("name", LAYOUTS)
def test_going_on_with_the_same_processes_is_equal_to_the_bit(session: Session, name: str) -> None:
    whole, again = session.done[name], session.done[f"{name}-again"]
    assert again.first == 2
    assert _numbers(again) == [*whole.losses[2:], *whole.grad_norms[2:], *whole.update_norms[2:]]
    assert again.rows == whole.rows[2:]
    assert session.result(f"{name}-again") == session.result(name)


@pytest.mark.parametrize("name", LAYOUTS)
def test_any_stage_goes_on_from_the_state_of_one_process(session: Session, name: str) -> None:
    """What it restores is what was saved, to the bit; the curve goes on as it would have."""
    saved, kept = (
        {path.name: load_file(path) for path in folder.glob("*.safetensors")}
        for folder in (session.state(_alone(name), 2), session.state(f"{name}-from-one/restored", 2))
    )
    weights = "adapter_model" if "lora" in name else "model"
    assert saved.keys() == kept.keys() == {f"{n}.safetensors" for n in (weights, "exp_avg", "exp_avg_sq")}
    for file in saved:
        assert saved[file].keys() == kept[file].keys()
        assert all(torch.equal(value, kept[file][name]) for name, value in saved[file].items())
    gone_on, close = session.done[f"{name}-from-one"], CLOSE[name[2:]]
    assert gone_on.losses == pytest.approx(session.done[_alone(name)].losses[2:], abs=close)


def test_a_state_of_stage_3_goes_on_at_stage_1_and_in_one_process(session: Session) -> None:
    whole = session.done["one-fp32"]
    for name in ("3-to-1", "back"):
        assert session.done[name].first == 2
        assert session.done[name].losses == pytest.approx(whole.losses[2:], abs=CLOSE["fp32"])
    told = json.loads((session.state("3-fp32", 2) / "whole.json").read_bytes())
    assert (told["processes"], told["zero_stage"]) == (2, 3)


def test_a_float32_base_is_not_rounded_before_the_first_step(session: Session) -> None:
    """DeepSpeed alone would make its float32 weights of the bfloat16 ones."""
    base, exported = (
        load_file(session.root / name / "model.safetensors") for name in ("base", "untrained/out")
    )
    assert all(torch.equal(value, exported[name]) for name, value in base.items())
    assert any(not torch.equal(value, value.bfloat16().float()) for value in base.values())


def test_saved_weights_are_a_model_that_loads_by_itself(session: Session) -> None:
    folder = session.state("3-bf16", 2)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.float32
    assert not {path.suffix for path in folder.iterdir()} - {".json", ".safetensors"}  # nothing is pickled


def test_what_a_worker_says_reaches_the_user(ask: Ask, corpus: Ref, store: Store) -> None:
    """The message of the process that stopped, not a report that some process did."""
    wild = {"learning_rate": 1e30, "max_grad_norm": None, "rows_per_device": 1}
    zero = {"zero_stage": 2, "num_processes": 2}
    with pytest.raises(UserError, match=r"step \d+: the loss is .*its rows with the highest losses"):
        run(ask(options={**wild, "deepspeed": zero}), [str(corpus)], store)
