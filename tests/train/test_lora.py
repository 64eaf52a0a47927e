"""Adapters learn in place of the weights, are added in exactly, and can be used by others as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from train.recipe import TrainRecipe
from train.run import run
from train.trainers.causal_lm import Lora
from train.trainers.lora import with_adapters

Ask = Callable[..., TrainRecipe]
WORDS = torch.arange(2, 34)[None]


def _model(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def test_adapters_learn_and_the_result_is_a_plain_model(
    ask: Ask, base: Path, corpus: Ref, store: Store
) -> None:
    """The loss falls, what has no adapter keeps the base's bits, and peft reads the adapters to the same model."""
    options = {"lora": {"rank": 4, "alpha": 8}, "gradient_checkpointing": True, "learning_rate": 1e-2}
    made = run(ask(options=options), [str(corpus)], store)
    card, folder = store.card(made.ref), store.path(made.ref)
    assert card.metrics["loss_final"] < 0.9 * card.metrics["loss_first"]
    before, after = (load_file(one / "model.safetensors") for one in (base, folder))
    assert before.keys() == after.keys()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == {name for name in after if name.endswith("_proj.weight")}
    plain = _model(folder)
    adapted = PeftModel.from_pretrained(_model(base), folder / "adapter").eval()
    with torch.no_grad():
        assert torch.allclose(plain(WORDS).logits, adapted(WORDS).logits, atol=1e-5)
    told = (folder / "adapter" / "adapter_config.json").read_text(encoding="utf-8")
    assert '"base_model_name_or_path": "tiny"' in told
    assert str(base.parent) not in told


def test_targets_must_be_linear_layers_of_the_model(base: Path) -> None:
    with pytest.raises(UserError, match=r"w9.*its linear layers: down_proj, gate_proj, k_proj, lm_head"):
        with_adapters(_model(base), Lora(targets=("w9",)))
    with pytest.raises(UserError, match="no linear layer"):
        with_adapters(_model(base), Lora(targets=("embed_tokens",)))


def test_adapters_begin_equal_whatever_was_drawn_before(base: Path) -> None:
    torch.manual_seed(1)
    one = with_adapters(_model(base), Lora(targets=("q_proj",)))
    two = with_adapters(_model(base), Lora(targets=("q_proj",)))
    trained = [{n: p for n, p in model.named_parameters() if p.requires_grad} for model in (one, two)]
    assert len(trained[0]) == 4
    assert all(torch.equal(value, trained[1][name]) for name, value in trained[0].items())
    with torch.no_grad():
        assert torch.equal(one(WORDS).logits, _model(base)(WORDS).logits)
