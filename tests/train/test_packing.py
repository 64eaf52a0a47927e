"""Packing uses every token as often as asked, leaves hardly a gap, and an order is a pure function of the seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.flat import Flat, batch, pack
from train.data.fitting import Ints, layout
from train.data.packing import IGNORE, Packed, lengths


def _offsets(lengths: list[int]) -> Ints:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


@given(
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 3)), min_size=1, max_size=80),
    st.integers(2, 30),
    st.integers(0, 9),
)
@settings(max_examples=200, deadline=None)
def test_every_token_lies_in_as_many_rows_as_asked(
    asked: list[tuple[int, int]], width: int, seed: int
) -> None:
    lengths_, times = (np.array(column, np.int32) for column in zip(*asked, strict=True))
    times[lengths_ == 0] = 0
    documents = np.repeat(np.arange(len(times), dtype=np.int32), times)
    packed = Packed.of(documents, lengths_, width=width, seed=seed)
    tokens = Flat(_offsets(lengths_.tolist()), np.zeros(0, np.uint32))
    rows = packed.rows(np.arange(packed.n_rows), tokens)
    used = np.zeros(lengths_.sum(), np.int32)
    for first, n in zip(rows.first, rows.length, strict=True):
        used[first : first + n] += 1
    assert used.tolist() == np.repeat(times, lengths_).tolist()
    assert not rows.n or 0 < rows.tokens().min() <= rows.tokens().max() <= width
    assert rows.targets().sum() == used.sum() - len(rows.first)
    assert packed.of_length.tolist() == lengths(times, lengths_, width).tolist()
    inside = tokens.offsets[rows.document]
    assert np.all((inside <= rows.first) & (rows.first + rows.length <= tokens.offsets[rows.document + 1]))


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
    tokens = plan.rows(np.arange(plan.packed.n_rows)).tokens()
    assert sorted(tokens.tolist()) == sorted(map(sum, rows))


def test_millions_of_documents_leave_hardly_a_gap() -> None:
    """Lengths like those of the corpus in the paper: many short, few long, 46 tokens on average."""
    drawn = np.minimum(2048, np.random.default_rng(0).lognormal(2.9, 1.3, 2_000_000) + 2).astype(int)
    of_length = np.bincount(drawn, minlength=2049)
    found = layout(of_length, 2048)
    assert drawn.sum() > 0.9999 * found.n_rows * 2048
    assert len(found.runs) < 10_000


def test_copies_of_a_document_lie_apart() -> None:
    """Read twice an epoch is not twice in a row."""
    documents = np.repeat(np.arange(200, dtype=np.int32), 2)
    packed = Packed.of(documents, np.full(200, 5, np.int32), width=20, seed=0)
    tokens = Flat(_offsets([5] * 200), np.zeros(0, np.uint32))
    rows = packed.rows(np.arange(packed.n_rows), tokens).document.reshape(-1, 4)
    assert all(len(set(row)) == 4 for row in rows.tolist())


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


@pytest.mark.parametrize("rows", [[], [0]])
def test_a_process_without_rows_predicts_nothing(rows: list[int]) -> None:
    plan = pack(_offsets([3]), 6)
    made = batch(plan, np.arange(3, dtype=np.uint32), np.array(rows, np.int64), 3)
    assert made.input_ids.shape[0] == 3
    assert (made.labels != IGNORE).sum() == 2 * len(rows)
