"""Ids as keys: what is an id, and a table that answers as a dictionary does."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacards.keys import KeyTable, column_keys, is_id


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 99)), max_size=40))
def test_a_table_of_keys_answers_as_a_dictionary_does(given_: list[tuple[int, int, int]]) -> None:
    def key(high: int, low: int) -> str:
        return f"{high:016x}{low:016x}"

    known: dict[str, int] = {}
    for high, low, value in given_:
        known.setdefault(key(high, low), value)
    ids = pa.array([key(high, low) for high, low, _ in given_], pa.string())
    values = pa.array([value for *_, value in given_], pa.int32()).to_numpy()
    table = KeyTable([column_keys(ids)], [values])
    asked = [key(high, low) for high in range(4) for low in range(7)]
    assert table.get(column_keys(pa.array(asked)), -1).tolist() == [known.get(one, -1) for one in asked]


@pytest.mark.parametrize("wrong", ["", "0" * 31, "0" * 33, "G" * 32, "０" * 32, "A" * 32, "0" * 32 + "\n"])
def test_what_is_no_id_is_told_from_one(wrong: str) -> None:
    assert is_id(pa.array([wrong, "0123456789abcdef" * 2, None])).tolist() == [False, True, False]
