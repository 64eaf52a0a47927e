"""Several processes and machines: the same result as one, and an end of all when one of them dies."""

import json
from collections.abc import Callable

import pytest

from datacards.card import Ref
from datacards.store import Store
from train.recipe import TrainRecipe
from train.run import run
from train.where import Where

Ask = Callable[..., TrainRecipe]


def _losses(store: Store, ref: Ref) -> list[float]:
    lines = (store.path(ref) / "loss.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_plain_data_parallel_training_gives_the_losses_of_one_process(
    ask: Ask, corpus: Ref, store: Store
) -> None:
    options = {"rows_per_device": 2, "max_steps": 8}
    alone = run(ask(options=options), [str(corpus)], store)
    both = run(ask(name="both", options=options), [str(corpus)], store, Where(processes=2))
    assert _losses(store, both.ref) == pytest.approx(_losses(store, alone.ref), abs=5e-4)
    asked = [store.card(made.ref).recipe["options"] for made in (alone, both)]
    assert asked[0] == asked[1]
