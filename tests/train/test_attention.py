"""Attention kernels: each document is computed as if it were alone, forward and backward, by every kernel that is offered."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import (
    AutoModelForCausalLM,
    FalconConfig,
    FalconForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    Llama4TextConfig,
    MistralForCausalLM,
    Qwen3NextConfig,
)

from datacards.errors import UserError
from train.data.packing import IGNORE
from train.trainers.attention import Buckets, Pieces, Unfit, attention, candidates, no_mask, varlen
from train.trainers.loss import NextToken, check_isolation, settle

CPU = torch.device("cpu")
OFFERED = ("varlen", "sdpa", "eager")  # without CUDA
LENGTHS = ((9, 1, 23, 7), (40,), (17, 23))  # of the documents in each of three rows of 40


def _model(base: Path, kernel: str, **changed: Any) -> Any:
    attention("auto", "fp32", cuda=False)
    return AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation=kernel, **changed
    )


def _documents() -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    return [torch.randint(5, 250, (n,), generator=random) for row in LENGTHS for n in row]


def _packed() -> tuple[torch.Tensor, ...]:
    documents = _documents()
    labels = [torch.cat((words[1:], torch.tensor([IGNORE]))) for words in documents]
    positions = [torch.arange(len(words)) for words in documents]
    borders = torch.tensor([0, *np.cumsum([len(words) for words in documents])], dtype=torch.int32)
    return (*(torch.cat(part).view(3, 40) for part in (documents, positions, labels)), borders)


def _gradient(model: Any) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


def _trained(model: Any, batch: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    model.zero_grad()
    rows = NextToken(model, 32)(*batch)
    rows.sum().backward()
    return rows.detach(), _gradient(model)


@pytest.mark.parametrize("kernel", OFFERED)
def test_a_batch_has_the_losses_and_the_gradient_of_its_documents_alone(base: Path, kernel: str) -> None:
    """The reference is transformers' own loss, one document after the other."""
    model = _model(base, kernel)
    rows, gradient = _trained(model, _packed())
    alone = _model(base, "sdpa")
    losses = []
    for words in _documents():
        if len(words) > 1:
            loss = alone(input_ids=words[None], labels=words[None], use_cache=False).loss * (len(words) - 1)
            loss.backward()
            losses.append(float(loss.detach()))
    assert float(rows.sum()) == pytest.approx(sum(losses), rel=1e-5)
    assert float((gradient - _gradient(alone)).norm() / gradient.norm()) < 1e-5


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kernel", OFFERED)
def test_no_kernel_lets_packed_documents_see_each_other(base: Path, kernel: str, precision: str) -> None:
    """The scores of a document, bit by bit, while all other documents of the batch change."""
    model = _model(base, kernel).eval()
    ids, positions, _, borders = _packed()
    other = ids.flip(1)
    other[0, 10:33] = ids[0, 10:33]
    given = {"pieces": Pieces(borders.numpy(), CPU)} if kernel == "varlen" else {}
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        one, two = (
            model(input_ids=words, position_ids=positions, use_cache=False, **given).logits
            for words in (ids, other)
        )
    assert torch.equal(one[0, 10:33], two[0, 10:33])
    assert not torch.equal(one[0, 33:], two[0, 33:])


@pytest.mark.parametrize("kernel", OFFERED)
def test_the_proof_at_the_start_of_a_run_passes_and_settles_on_the_kernel(base: Path, kernel: str) -> None:
    plain = NextToken(_model(base, "eager"), 64)
    assert settle(plain, plain, kernel, "fp32", CPU) == kernel
    assert plain.model.config._attn_implementation == kernel


def test_auto_takes_the_kernel_that_does_least_work(base: Path) -> None:
    assert attention("auto", "bf16", cuda=False, base=base) == "varlen"
    assert candidates("auto", "fp32", cuda=True) == ("varlen", "sdpa", "eager")


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [("flash_attention_2", "needs CUDA"), ("flex_attention", "has no backward pass without CUDA")],
)
def test_a_kernel_that_the_machine_lacks_is_refused(kernel: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        attention(kernel, "bf16", cuda=False)


@pytest.mark.parametrize(
    ("config", "left"),
    [
        (GPT2Config(), ("varlen", "sdpa", "eager")),
        (Gemma2Config(), ("eager",)),  # caps its attention scores
        (Llama4TextConfig(), ("sdpa", "eager")),  # some layers look at chunks
        (Qwen3NextConfig(), ("sdpa", "eager")),  # some layers are recurrent
        (FalconConfig(), ("sdpa", "eager")),  # has its own attention classes
    ],
)
def test_what_a_model_asks_rules_kernels_out(config: Any, left: tuple[str, ...]) -> None:
    assert candidates("auto", "fp32", cuda=False, config=config) == left


class Deaf(MistralForCausalLM):
    """A model that does not hand down what it is not told to know."""

    def get_decoder(self) -> Any:
        decoder = super().get_decoder()
        return lambda pieces=None, **given: decoder(**given)


def test_a_model_that_hands_nothing_down_is_given_another_kernel(base: Path) -> None:
    """With ``varlen`` it fails the proof, and ``auto`` goes on."""
    plain = NextToken(Deaf.from_pretrained(base, dtype=torch.float32).eval(), 64)
    assert settle(plain, plain, "auto", "fp32", CPU) == "sdpa"
    with pytest.raises(UserError, match="packed documents see each other"):
        settle(plain, plain, "varlen", "fp32", CPU)


def test_a_model_that_no_kernel_keeps_apart_is_refused() -> None:
    """Falcon computes its attention itself and does not look at positions."""
    torch.manual_seed(0)
    config = FalconConfig(
        vocab_size=250, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, attn_implementation="sdpa"
    )
    plain = NextToken(FalconForCausalLM(config).eval(), 64)
    with pytest.raises(UserError, match="packed documents see each other"):
        settle(plain, plain, "sdpa", "fp32", CPU)
    with pytest.raises(UserError, match="an attention of its own"):
        settle(plain, plain, "varlen", "fp32", CPU)


def test_a_model_that_asks_more_is_told_so_by_the_kernel() -> None:
    attention("auto", "fp32", cuda=False)
    config = Gemma2Config(
        vocab_size=250, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, attn_implementation="varlen",
    )  # fmt: skip
    with pytest.raises(Unfit, match="softcap"):
        check_isolation(NextToken(Gemma2ForCausalLM(config).eval(), 64), CPU, 250)
    with pytest.raises(Unfit, match="padding"):
        no_mask(attention_mask=torch.tensor([[True, False]]))


def test_activations_computed_again_give_the_same_gradient(base: Path) -> None:
    model = _model(base, "varlen")
    _, kept = _trained(model, _packed())
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    _, again = _trained(model.train(), _packed())
    assert torch.equal(kept, again)


def test_positions_tell_the_borders_where_none_are_given(base: Path) -> None:
    model = _model(base, "varlen")
    rows, gradient = _trained(model, _packed())
    again, same = _trained(model, _packed()[:3])
    assert torch.equal(rows, again)
    assert torch.equal(gradient, same)


def test_a_sliding_window_is_respected(base: Path) -> None:
    """Documents longer than the window, against the mask that transformers builds."""
    with_mask, without = (
        _trained(_model(base, kernel, sliding_window=6), _packed()) for kernel in ("sdpa", "varlen")
    )
    everything = _trained(_model(base, "varlen", sliding_window=None), _packed())
    assert torch.allclose(with_mask[0], without[0], rtol=1e-5)
    assert torch.allclose(with_mask[1], without[1], atol=1e-4)
    assert not torch.allclose(everything[0], without[0], rtol=1e-5)


@pytest.mark.parametrize("keys", [4, 2, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_kernel_is_softmax_attention_by_definition(keys: int, dtype: torch.dtype) -> None:
    """Against attention written out in float64, document by document; grouped queries too."""
    lengths = [1, 5, 8, 9, 30, 67]
    random = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(2, heads, 60, 16, generator=random, dtype=torch.float64).to(dtype).requires_grad_()
        for heads in (4, keys, keys)
    )
    borders = np.array([0, *np.cumsum(lengths)])
    made, _ = varlen(SimpleNamespace(), query, key, value, None, scaling=0.25, pieces=Pieces(borders, CPU))
    flat = [part.double().transpose(1, 2).flatten(0, 1) for part in (query, key, value)]
    wanted = []
    for begin, end in pairwise(borders):
        q, k, v = (part[begin:end].transpose(0, 1) for part in flat)
        k, v = (part.repeat_interleave(4 // keys, 0) for part in (k, v))
        scores = (q @ k.transpose(1, 2) * 0.25).masked_fill(
            ~torch.ones(end - begin, end - begin).tril().bool(), -torch.inf
        )
        wanted.append((scores.softmax(-1) @ v).transpose(0, 1))
    reference = torch.cat(wanted).view(made.shape)
    close = 1e-5 if dtype == torch.float32 else 2e-2
    assert torch.allclose(made.double(), reference, atol=close)
    weight = torch.randn(made.shape, generator=random)
    found = torch.autograd.grad((made.float() * weight).sum(), (query, key, value))
    expected = torch.autograd.grad((reference * weight).sum(), (query, key, value))
    for ours, theirs in zip(found, expected, strict=True):
        assert float((ours.double() - theirs.double()).norm() / theirs.double().norm()) < close


def test_two_runs_give_the_same_bits(base: Path) -> None:
    one, two = (_trained(_model(base, "varlen"), _packed()) for _ in range(2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_a_document_is_computed_the_same_whatever_the_lengths_beside_it() -> None:
    """The block that a document lies in depends on its own length alone."""
    random = torch.Generator().manual_seed(1)
    parts = [torch.randn(1, 2, 100, 16, generator=random) for _ in range(3)]
    found = []
    for borders in ([0, 20, 57, 100], [0, 7, 20, 57, 61, 100]):
        made, _ = varlen(SimpleNamespace(), *parts, None, pieces=Pieces(np.array(borders), CPU))
        found.append(made[0, 20:57])
    assert torch.equal(*found)


def test_blocks_hold_every_token_once_and_little_else() -> None:
    lengths = np.minimum(np.random.default_rng(0).geometric(1 / 46, 500), 400)
    buckets = Buckets.of(np.concatenate(([0], np.cumsum(lengths))), CPU)
    assert torch.equal(buckets.places[buckets.back], torch.arange(int(lengths.sum())))
    assert len(buckets.places) == sum(n * length for n, length in buckets.shapes)
    assert len(buckets.places) - len(buckets.filled) == lengths.sum()
    assert len(buckets.filled) < 0.13 * lengths.sum()
    assert len(buckets.shapes) < 40


def test_no_square_of_the_row_is_computed() -> None:
    """Only torch's own kernels run, which keep no scores: its plain form is switched off."""
    parts = [torch.randn(1, 2, 64, 16, requires_grad=True) for _ in range(3)]
    with sdpa_kernel([SDPBackend.FLASH_ATTENTION]):
        made, _ = varlen(SimpleNamespace(), *parts, None, pieces=Pieces(np.array([0, 30, 64]), CPU))
        made.sum().backward()
    assert all(part.grad is not None and bool(part.grad.isfinite().all()) for part in parts)
