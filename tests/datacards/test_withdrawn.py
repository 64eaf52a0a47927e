"""What is withdrawn keeps out of what is made beside it, and names what stands in its place."""

import json

import pytest

from datacards.card import Kind, Ref
from datacards.errors import UserError
from datacards.store import Store
from tests.datacards.test_store import make


def withdraw(store: Store, ref: Ref, successor: str = "", version: str = "2026.11.21") -> None:
    with store.write(name="takedowns", version=version, kind="takedown", recipe={}) as draft:
        said = {"withdrawn": [{"ref": str(ref), "digest": ref.digest, "successor": successor}]}
        (draft.path / "receipt.json").write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize("kind", ["dataset", "evaluation", "captures"])
def test_what_is_made_of_a_version_that_is_withdrawn_meanwhile_is_not_finished(
    store: Store, kind: Kind
) -> None:
    below = make(store)
    request = {"name": "more", "version": "2026.11.21", "recipe": {}, "made_from": [below]}
    with (
        pytest.raises(
            UserError, match=r"words@2026.11.21, which .* withdrawn by takedowns@2026.11.21; .* of words@2"
        ),
        store.write(kind=kind, **request),  # type: ignore[arg-type]
    ):
        withdraw(store, below, "words@2026.11.21.1")
    assert store.refs("more") == []


def test_what_is_made_of_what_was_withdrawn_before_is_a_takedowns_own_affair(store: Store) -> None:
    below = make(store)
    withdraw(store, below)
    with store.write(name="more", version="2026.11.21.1", kind="dataset", recipe={}) as draft:
        draft.made_from = [below]
    assert [str(ref) for ref in store.refs("more")] == ["more@2026.11.21.1"]


def test_the_successor_of_what_was_withdrawn_is_the_one_that_stands(store: Store) -> None:
    first, second, third = (make(store, version=f"2026.11.21{part}") for part in ("", ".1", ".2"))
    withdraw(store, first, str(second))
    withdraw(store, second, str(third), "2026.11.22")
    assert store.withdrawn()[str(first)].successor == store.withdrawn()[str(second)].successor == str(third)
    withdraw(store, third, str(first), "2026.11.23")  # nonsense, and no reason to hang
    assert store.withdrawn()[str(first)].successor == ""


@pytest.mark.parametrize("name", ["takedowns", "purges"])
def test_a_dataset_that_would_be_read_as_a_takedown_is_refused(store: Store, name: str) -> None:
    make(store)
    with (
        pytest.raises(UserError, match=f"'{name}' is a name of the store's own"),
        store.write(name=name, version="2026.11.21", kind="dataset", recipe={}),
    ):
        pass
    assert store.withdrawn() == {} and [str(ref) for ref in store.refs()] == ["words@2026.11.21"]
