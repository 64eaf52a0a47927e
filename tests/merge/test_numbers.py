"""Numbers are widened exactly and narrowed with one rounding."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from merge.numbers import finite, narrow, widen


def _bfloat16(number: float) -> int:
    """Return the bits of the bfloat16 nearest to ``number`` (ties to even), found by exact fractions."""
    candidates = range(0x7F80)
    values = [float(v) for v in widen(np.arange(0x7F80, dtype=np.uint16), "BF16")]
    low, high = 0, len(values) - 1
    while low < high:  # the first value that is not below
        middle = (low + high) // 2
        low, high = (middle + 1, high) if values[middle] < abs(number) else (low, middle)
    near = [bits for bits in (low - 1, low) if bits in candidates]
    best = min(near, key=lambda bits: (abs(Fraction(values[bits]) - Fraction(abs(number))), bits & 1))
    return best | (0x8000 if np.signbit(number) else 0)


@given(st.floats(min_value=-(2.0**127), max_value=2.0**127, width=64))
def test_bfloat16_is_the_nearest_of_all_bfloat16_numbers(number: float) -> None:
    assert int(narrow(np.array([number]), "BF16")[0]) == _bfloat16(number)


@given(st.integers(0x0080, 0x7F00), st.integers(-3, 3), st.sampled_from([1.0, -1.0]))
def test_a_number_just_off_the_middle_goes_to_the_nearer_side(bits: int, off: int, sign: float) -> None:
    """Rounding by way of float32 would get these wrong."""
    low, high = widen(np.array([bits, bits + 1], dtype=np.uint16), "BF16")
    number = sign * float((low + high) / 2)
    for _ in range(abs(off)):
        number = float(np.nextafter(number, np.inf if off > 0 else -np.inf))
    assert int(narrow(np.array([number]), "BF16")[0]) == _bfloat16(number)


@pytest.mark.parametrize(
    ("dtype", "torch_dtype"), [("F32", torch.float32), ("F16", torch.float16), ("BF16", torch.bfloat16)]
)
def test_torch_reads_the_same_numbers(dtype: str, torch_dtype: torch.dtype) -> None:
    numbers = np.random.default_rng(0).normal(0, 0.02, 10_000)
    stored = narrow(numbers, dtype)
    read = torch.frombuffer(bytearray(stored.tobytes()), dtype=torch_dtype).to(torch.float64)
    assert np.array_equal(widen(stored, dtype), read.numpy())


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_infinity_and_nan_stay_what_they_are(dtype: str) -> None:
    numbers = np.array([np.inf, -np.inf, np.nan, 1e300, 0.0, -0.0])
    stored = narrow(numbers, dtype)
    assert np.array_equal(widen(stored, dtype), [np.inf, -np.inf, np.nan, np.inf, 0.0, 0.0], equal_nan=True)
    assert finite(stored, dtype) == 2
