"""Packing uses every token once, leaves hardly a gap, and the order is a pure function of the seed."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.data.packing import IGNORE, Order, batch, pack


def _offsets(lengths: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


@given(st.lists(st.integers(1, 70), min_size=1, max_size=80), st.integers(2, 30))
@settings(max_examples=200, deadline=None)
def test_every_token_lies_in_exactly_one_row(lengths: list[int], width: int) -> None:
    plan = pack(_offsets(lengths), width)
    used = np.concatenate([np.arange(f, f + n) for f, n in zip(plan.first, plan.length, strict=True)])
    assert sorted(used) == list(range(sum(lengths)))
    assert sorted(plan.pieces) == list(range(len(plan.first)))
    assert plan.tokens().max() <= width
    assert plan.tokens().sum() == sum(lengths)
    assert plan.targets().sum() == sum(lengths) - len(plan.first)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_it_is_best_fit_decreasing(lengths: list[int]) -> None:
    """Against the textbook loop: rows of the same fill (ties between rows may fall either way)."""
    width = 20
    rows: list[list[int]] = []
    for n in sorted(lengths, reverse=True):
        fitting = [row for row in rows if sum(row) + n <= width]
        best = max(fitting, key=sum, default=None)
        if best is None:
            best = []
            rows.append(best)
        best.append(n)
    plan = pack(_offsets(lengths), width)
    assert sorted(plan.tokens().tolist()) == sorted(map(sum, rows))


def test_a_million_documents_pack_in_moments_without_gaps() -> None:
    """Lengths like those of the corpus in the paper: many short, few long, 46 tokens on average."""
    lengths = np.minimum(20_000, np.random.default_rng(0).lognormal(2.9, 1.3, 1_000_000) + 2).astype(int)
    begun = time.process_time()
    plan = pack(_offsets(lengths.tolist()), 2048)
    assert time.process_time() - begun < 5
    assert plan.fill > 0.999


def test_a_batch_restarts_positions_and_crosses_no_border() -> None:
    plan = pack(_offsets([3, 2]), 6)
    made = batch(plan, np.array([10, 11, 12, 20, 21], np.uint32), np.array([0]), 2)
    assert made.input_ids.tolist() == [[10, 11, 12, 20, 21], [0] * 5]
    assert made.position_ids.tolist()[0] == [0, 1, 2, 0, 1]
    assert made.labels.tolist() == [[11, 12, IGNORE, 21, IGNORE], [IGNORE] * 5]


def test_what_is_left_of_a_row_is_a_piece_of_its_own() -> None:
    plan = pack(_offsets([4, 4, 2]), 4)
    made = batch(plan, np.arange(10, dtype=np.uint32), np.array([0, 2]), 2)
    assert made.position_ids.tolist() == [[0, 1, 2, 3], [0, 1, 0, 1]]
    assert made.labels.tolist()[1] == [9, IGNORE, IGNORE, IGNORE]


def test_every_epoch_uses_every_row_once_in_an_order_of_its_own() -> None:
    order = Order(n_rows=10, rows_per_step=4, epochs=3, seed=5)
    drawn = np.concatenate([order.rows(step) for step in range(order.steps)])
    assert order.steps == 8
    epochs = drawn.reshape(3, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs.tolist())
    assert epochs[0].tolist() != epochs[1].tolist()


def test_the_batch_of_a_step_needs_no_history() -> None:
    """Resuming asks for step 700 without having gone through the 699 before it."""
    order = Order(n_rows=1000, rows_per_step=8, epochs=9, seed=5)
    again = Order(n_rows=1000, rows_per_step=8, epochs=9, seed=5)
    assert [order.rows(step).tolist() for step in range(800)][700] == again.rows(700).tolist()
    assert order.rows(3).tolist() != Order(n_rows=1000, rows_per_step=8, epochs=9, seed=6).rows(3).tolist()


@pytest.mark.parametrize("rows", [[], [0]])
def test_a_process_without_rows_predicts_nothing(rows: list[int]) -> None:
    plan = pack(_offsets([3]), 6)
    made = batch(plan, np.arange(3, dtype=np.uint32), np.array(rows, np.int64), 3)
    assert made.input_ids.shape[0] == 3
    assert (made.labels != IGNORE).sum() == 2 * len(rows)
