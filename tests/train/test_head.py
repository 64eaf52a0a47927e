"""The output layer with its cross entropy: losses and gradients are those of torch's own, to rounding, in every use of them."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from train.data.packing import IGNORE
from train.trainers.head import fits, losses_of

WIDTH, VOCABULARY, TOKENS = 16, 53, 30
CLOSE = {torch.float32: 1e-6, torch.bfloat16: 1e-2}


def _given(dtype: torch.dtype = torch.float32, *, bias: bool = False) -> tuple[nn.Linear, Tensor, Tensor]:
    torch.manual_seed(0)
    head = nn.Linear(WIDTH, VOCABULARY, bias=bias, dtype=dtype)
    hidden = torch.randn(TOKENS, WIDTH, dtype=dtype, requires_grad=True)
    wanted = torch.randint(0, VOCABULARY, (TOKENS,)).where(torch.arange(TOKENS) % 4 > 0, IGNORE)
    return head, hidden, wanted


def _plain(head: nn.Linear, hidden: Tensor, wanted: Tensor) -> Tensor:
    return cross_entropy(head(hidden).float(), wanted, ignore_index=IGNORE, reduction="none")


def _gradients(losses: Tensor, by: Tensor | None, *asked: Any) -> list[Tensor]:
    total = losses.view(5, -1).sum(1).sum() * 0.3 if by is None else (losses * by).sum()
    return list(torch.autograd.grad(total, asked))


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).norm() / other.double().norm())


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_losses_and_gradients_are_those_of_torch(dtype: torch.dtype, unequal: bool, bias: bool) -> None:
    """Added up as training does, and with a weight for every token."""
    head, hidden, wanted = _given(dtype, bias=bias)
    by = torch.linspace(-1, 2, TOKENS) if unequal else None
    asked = (hidden, *head.parameters())
    ours, theirs = losses_of(head, hidden, wanted, 7), _plain(head, hidden, wanted)
    assert torch.allclose(ours, theirs, rtol=1e-5)
    found, expected = (_gradients(losses, by, *asked) for losses in (ours, theirs))
    assert [one.dtype for one in found] == [dtype] * len(asked)
    assert max(map(_apart, found, expected)) < CLOSE[dtype]


def test_autocast_gives_float32_gradients_of_its_own_scores() -> None:
    head, hidden, wanted = _given()
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = losses_of(head, hidden, wanted, 7), _plain(head, hidden, wanted)
    assert ours.dtype == torch.float32
    assert torch.allclose(ours, theirs, rtol=1e-5)
    found, expected = (_gradients(losses, None, hidden, head.weight) for losses in (ours, theirs))
    assert max(map(_apart, found, expected)) < CLOSE[torch.bfloat16]


def test_a_frozen_layer_gets_no_gradient_and_hands_its_own_on() -> None:
    head, hidden, wanted = _given()
    (expected,) = _gradients(_plain(head, hidden, wanted), None, hidden)
    head.requires_grad_(False)
    losses = losses_of(head, hidden, wanted, 7)
    losses.sum().mul(0.3).backward()
    assert head.weight.grad is None
    assert hidden.grad is not None
    assert _apart(hidden.grad, expected) < 1e-6


def test_two_runs_give_the_same_bits_and_a_second_way_back_the_same_numbers() -> None:
    found = []
    for _ in range(2):
        head, hidden, wanted = _given()
        losses = losses_of(head, hidden, wanted, 7)
        found += [
            torch.autograd.grad(losses.sum(), head.weight, retain_graph=kept)[0] for kept in (True, False)
        ]
    assert torch.equal(found[0], found[2])
    assert torch.allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_measuring_computes_no_gradient() -> None:
    head, hidden, wanted = _given()
    with torch.no_grad():
        losses = losses_of(head, hidden, wanted, 7)
    assert not losses.requires_grad
    assert torch.allclose(losses, _plain(head, hidden, wanted), rtol=1e-5)


def test_a_layer_that_does_more_is_left_to_itself() -> None:
    class Scaled(nn.Linear):
        def forward(self, given: Tensor) -> Tensor:
            return super().forward(given) * 2

    assert fits(nn.Linear(2, 3))
    assert not fits(Scaled(2, 3))
