"""DeepSpeed on two processes without a GPU: really sharded, and the same losses as one process."""

import json
from collections.abc import Callable

import pytest
from safetensors.torch import load_file

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from train.recipe import TrainRecipe
from train.run import run

Ask = Callable[..., TrainRecipe]


def _losses(store: Store, ref: Ref) -> list[float]:
    lines = (store.path(ref) / "loss.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines]


@pytest.mark.parametrize(
    ("stage", "precision"),
    [
        (2, "fp32"),
        pytest.param(3, "fp32", marks=pytest.mark.slow),
        pytest.param(1, "bf16", marks=pytest.mark.slow),
    ],
)
def test_two_processes_give_the_losses_of_one(
    ask: Ask, corpus: Ref, store: Store, stage: int, precision: str
) -> None:
    options = {
        "rows_per_device": 1,
        "precision": precision,
        "loss_chunk": 40,
        "gradient_checkpointing": stage == 3,
    }
    alone = run(ask(options=options), [str(corpus)], store)
    zero = {"zero_stage": stage, "num_processes": 2}
    both = run(ask(name="zero", options={**options, "deepspeed": zero}), [str(corpus)], store)
    close = 5e-4 if precision == "fp32" else 1e-2  # bfloat16 adds in another order
    assert _losses(store, both.ref) == pytest.approx(_losses(store, alone.ref), abs=close)
    one, two = (load_file(store.path(made.ref) / "model.safetensors") for made in (alone, both))
    assert set(one) == set(two)
    assert {str(value.dtype) for value in two.values()} == {"torch.float32"}
    assert store.verify(both.ref) == []


@pytest.mark.slow
def test_what_a_worker_says_reaches_the_user(ask: Ask, corpus: Ref, store: Store) -> None:
    """The message of the process that stopped, not a report that some process did."""
    wild = {"learning_rate": 1e30, "max_grad_norm": None, "rows_per_device": 1}
    zero = {"zero_stage": 2, "num_processes": 2}
    with pytest.raises(UserError, match=r"step \d+: the loss is .*the documents of this step"):
        run(ask(options={**wild, "deepspeed": zero}), [str(corpus)], store)
