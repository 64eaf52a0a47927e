"""A train recipe and an exact corpus version become a checkpoint that says what it learned from."""

import json
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.card import Ref
from datacards.store import Store
from train.recipe import TrainRecipe
from train.run import run

OPTIONS = {
    "sequence_length": 64,
    "rows_per_step": 4,
    "rows_per_device": 2,
    "epochs": 2,
    "learning_rate": 3e-3,
    "precision": "fp32",
}


def _recipe(base: Path, **more: Any) -> TrainRecipe:
    options = {**OPTIONS, **more.pop("options", {})}
    return TrainRecipe.model_validate(
        {"name": "trained", "version": "2026.11.21", "base": str(base), "options": options, **more}
    )


def test_the_loss_falls_and_the_checkpoint_loads(base: Path, corpus: Ref, store: Store) -> None:
    made = run(_recipe(base), [str(corpus)], store)
    card, folder = store.card(made.ref), store.path(made.ref)
    assert store.verify(made.ref) == []
    lines = [json.loads(line) for line in (folder / "loss.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == list(range(1, card.counts["steps"] + 1))
    assert lines[-1]["loss"] < 0.8 * lines[0]["loss"]
    assert lines[-1]["tokens"] == card.counts["tokens_seen"] == 2 * card.counts["tokens"]
    assert [ref.name for ref in card.made_from] == ["local:tiny", "tiny"]
    assert card.made_from[1] == corpus
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    assert str(model.dtype) == "torch.float32"
    words = AutoTokenizer.from_pretrained(folder)("売上高は", return_tensors="pt")
    assert model.generate(words["input_ids"], max_new_tokens=4, do_sample=False).shape[1] > 4

