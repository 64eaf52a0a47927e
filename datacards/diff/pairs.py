"""Which rows of two versions belong together, and what is said of a pair."""

from collections.abc import Iterator, Sequence
from typing import Any

from datacards.diff.items import Item
from datacards.diff.keys import COLUMNS
from datacards.diff.record import Change, Row


def paired(items: Sequence[Item]) -> Iterator[tuple[Item | None, Item | None]]:
    """Yield each row with its counterpart: the one of its id, else one of its identity, else none.

    Of several of one identity those that ask for one fact, then those of one title, then those in one order belong
    together.
    """
    left: list[dict[Any, list[Item]]] = []
    rest = [[item for item in items if item.side == side] for side in (0, 1)]
    for mark in (
        lambda item: (item.id, item.identity),
        lambda item: (*item.identity, item.fact) if item.fact else None,
        lambda item: (*item.identity, item.title),
        lambda item: item.identity,
    ):
        left = [{}, {}]
        for side in (0, 1):
            for item in rest[side]:
                left[side].setdefault(mark(item), []).append(item)
        rest = [[], []]
        for key in dict.fromkeys([*left[0], *left[1]]):
            ones, others = left[0].get(key, []), left[1].get(key, [])
            number = min(len(ones), len(others)) if key is not None else 0
            yield from zip(ones[:number], others[:number], strict=True)
            rest[0] += ones[number:]
            rest[1] += others[number:]
    yield from ((item, None) for item in rest[0])
    yield from ((None, item) for item in rest[1])


def row_of(form: str, a: Item | None, b: Item | None, reason: str, detail: str) -> Row:
    """Return the row of a diff for a row with its counterpart, one of which may not be."""
    item = b or a
    assert item is not None  # noqa: S101  a row is on one side at least
    change: Change = "changed" if a and b else "removed" if a else "added"
    ids = (a.id if a else "", b.id if b else "")
    return Row(form, change, reason, detail, *ids, item.source, item.url, item.title, item.section)


def other_columns(a: Item, b: Item) -> list[str]:
    """Return the names of the columns in which two rows of one id differ."""
    return [name for name, one, other in zip(COLUMNS, a.digests, b.digests, strict=True) if one != other]
