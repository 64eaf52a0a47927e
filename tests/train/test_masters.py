"""The norm of AdamW's step is that of its definition, for tensors of many numbers too."""

import pytest
import torch
from torch import nn

from train.trainers.masters import Masters

N = 5_000_000  # more than are computed with at once


def test_the_norm_of_a_step_is_exact() -> None:
    """Against float64; torch's float32 norm of so many numbers is off by more than a thousandth."""
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(1, N))
    plain = nn.Module()
    plain.model = nn.ParameterDict({"weight": weight})
    optimizer = torch.optim.AdamW([weight], lr=1e-3, weight_decay=0.0, fused=True)
    for _ in range(2):
        weight.grad = torch.randn(1, N) * 1e-3
        before = weight.detach().clone()
        optimizer.step()
    moved = (weight.detach() - before).double().norm().item() / 1e-3
    found = Masters(plain, optimizer, None, 0, None).update_square() ** 0.5
    assert found == pytest.approx(moved, rel=1e-5)
