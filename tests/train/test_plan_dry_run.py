"""What a dry run counts, against real models and real steps of theirs."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from train.plan.flops import Work, peak_flops
from train.trainers.causal_lm import CausalLM, Lora
from train.trainers.dry_run import adapters, native, parameters, peaks
from train.trainers.loss import NextToken

SHAPE = {
    "vocab_size": 500, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3"])
@pytest.mark.parametrize("tied", [False, True])
def test_weights_are_those_of_the_real_model(kind: str, *, tied: bool) -> None:
    config = {**SHAPE, "model_type": kind, "tie_word_embeddings": tied}
    model: Any = AutoModelForCausalLM.from_config(native(config))
    found = parameters(config)
    assert found.total == sum(one.numel() for one in model.parameters())
    assert found.looked_up == (0 if tied else 500 * 64)
    assert found.layer == sum(one.numel() for one in model.model.layers[0].parameters())


def test_experts_that_a_token_does_not_pass_are_idle() -> None:
    config = {**SHAPE, "model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2}
    assert parameters(config).idle == 3 * 4 * (3 * 64 * 160) // 2


def test_adapters_of_all_linear_layers_but_the_output() -> None:
    config = {**SHAPE, "model_type": "llama"}
    each = 2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 160)
    assert adapters(config, Lora(rank=8)) == 3 * 8 * each
    assert adapters(config, Lora(rank=8, targets=("q_proj",))) == 3 * 8 * 128


def _gradients_of_the_loss(node: Any) -> list[torch.Tensor]:
    """Return the gradients that the output layer has computed ahead, which no hook on what is saved sees."""
    while not hasattr(node, "gradients"):
        node = node.next_functions[0][0]
    return [one for one in node.gradients if one is not None]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_is_kept_for_the_backward_pass_is_what_a_real_pass_keeps(*, checkpointing: bool) -> None:
    """The real one is counted at another place: by the tensors that autograd saves."""
    config = {**SHAPE, "model_type": "llama", "num_hidden_layers": 5}
    options = CausalLM(precision="fp32", gradient_checkpointing=checkpointing, loss_chunk=64)
    model: Any = AutoModelForCausalLM.from_config(native(config), attn_implementation="sdpa").train()
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    held: dict[int, int] = {}
    weights = {one.untyped_storage().data_ptr() for one in model.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    words = torch.zeros((2, 64), dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = NextToken(model, 64)(words, torch.arange(64).expand(2, -1), words).sum()
    real = sum(held.values()) + sum(one.nbytes for one in _gradients_of_the_loss(loss.grad_fn))
    foretold = peaks(config, rows=2, length=64, options=options, whole=True).saved
    assert foretold == pytest.approx(real, rel=0.15)


def test_more_layers_are_on_the_line_that_few_layers_draw() -> None:
    options = CausalLM(precision="bf16", loss_chunk=64)
    found = [
        peaks({**SHAPE, "model_type": "qwen3", "num_hidden_layers": n}, rows=1, length=64, options=options, whole=False)
        for n in (2, 3, 5)
    ]  # fmt: skip
    assert found[2].turn - found[1].turn == 2 * (found[1].turn - found[0].turn)
    assert found[2].saved > found[0].saved


def test_a_chunk_bounds_the_scores() -> None:
    config = {**SHAPE, "model_type": "llama", "vocab_size": 50_000}
    chunked, plain = (
        peaks(config, rows=2, length=256, options=CausalLM(loss_chunk=n), whole=False).turn for n in (32, 512)
    )
    assert plain - chunked > 512 * 50_000 * 6  # scores in bfloat16 and float32, at least


def test_operations_of_a_step_by_hand() -> None:
    """Six a weight and token, twelve times the square of every document in attention; embeddings are not multiplied."""
    config = {**SHAPE, "model_type": "llama"}
    found = parameters(config)
    used = found.total - 500 * 64
    by_hand = 6 * used * 30 + 12 * 3 * 64 * (10**2 + 20**2)
    assert Work.of(config).step([10, 20]) == by_hand
    assert Work.of(config).step(np.array([10, 20])) == by_hand


def test_a_published_utilization_comes_out() -> None:
    """llm-foundry: MPT-13B, 2048 tokens, 2262 tokens a second on an A100 are 59.6 %, in its own shape of a model."""
    work = Work(used=12 * 40 * 5120**2 + 50_368 * 5120, attended=40 * 5120)
    a_second = work.step([2048]) / 2048 * 2262
    peak = peak_flops("NVIDIA A100-SXM4-80GB", "bf16")
    assert peak is not None
    assert a_second / peak == pytest.approx(0.596, abs=0.01)


def test_peaks_are_those_of_the_very_card() -> None:
    names = (
        "NVIDIA A100-SXM4-80GB",
        "NVIDIA H100 80GB HBM3",
        "NVIDIA H100 PCIe",
        "NVIDIA H200",
        "NVIDIA L4",
        "NVIDIA L40S",
    )
    assert [peak_flops(name, "bf16") for name in names] == [312e12, 989e12, 756e12, 989e12, 121e12, 362e12]
    assert peak_flops("NVIDIA A100-SXM4-80GB", "fp32") == 19.5e12
    assert peak_flops("Tesla V100-SXM2-32GB", "bf16") is None
    assert peak_flops("cpu", "bf16") is None


def test_adapters_alone_save_what_frozen_weights_need_not() -> None:
    config = {**SHAPE, "model_type": "llama"}
    whole, adapted = (
        peaks(config, rows=2, length=64, options=CausalLM(precision="fp32", lora=lora), whole=True).turn
        for lora in (None, Lora(rank=2))
    )
    assert 0 < adapted < whole
