"""What a corpus version says of the tests that it was held against: which items its documents show, and how much of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.card import Ref
from datacards.errors import UserError
from datacards.lineage import Node
from datacards.store import Store

TESTS, FOLDER = "tests.parquet", "contamination"
#: What stands in a corpus of an item: its text alone, or beside it what gives its answer away.
Level = Literal["text", "label"]
#: Parts of an item that are no text with an answer beside it: a whole filing is what a question is about.
_TEXT_ONLY = ("filing",)
_KEPT = "mark"  # what was cut or dropped for its overlap is not in the corpus any more
_COLUMNS = ["test", "item", "part", "answered", "policy"]


@dataclass(frozen=True, slots=True)
class Report:
    """What one corpus version says: by test the levels of the items that it shows, by the corpus's names of items.

    ``looked`` are the tests that it was held against, with the number of items that cannot be looked for: too short, or
    made of what others say too. ``absent`` are the tests that it names but did not have.
    """

    ref: Ref
    looked: Mapping[str, int]
    absent: frozenset[str]
    levels: Mapping[str, Mapping[str, Level]] = field(default_factory=dict)


def reports(
    store: Store, corpora: Collection[Node], tests: Collection[str]
) -> tuple[list[Report], list[Ref]]:
    """Return the reports on ``tests`` of the versions that ``corpora`` are made from, and those without one.

    A version that has none itself, such as one of questions about a corpus, stands for what it was made from: what is
    in none of those is not in it, since a question that asks what a test asks is never kept.
    """
    found: dict[str, Report] = {}
    lacking: dict[str, Ref] = {}
    for corpus in corpora:
        for node in _reporting(corpus):
            name = str(node.ref)
            if node.card is None or TESTS not in {file.path for file in node.card.files}:
                lacking[name] = node.ref
            elif name not in found:
                found[name] = _read(store, node, tests)
    return list(found.values()), list(lacking.values())


def _reporting(node: Node) -> Iterator[Node]:
    """Yield the nearest versions below a corpus, itself included, that have a report; else those where the way ends."""
    waiting, seen = [node], set[str]()
    for here in waiting:  # it grows while it is read
        if str(here.ref) in seen:
            continue
        seen.add(str(here.ref))
        has = here.card and any(file.path == TESTS for file in here.card.files)
        below = [one for one in here.inputs if one.card is None or one.card.kind == "dataset"]
        if has or not below:
            yield here
        else:
            waiting += below


def _read(store: Store, node: Node, tests: Collection[str]) -> Report:
    table = _table(store, node.ref, TESTS)
    looked = {
        row["test"]: int(row["items_unmatchable"])
        for row in table.select(["test", "status", "items_unmatchable"]).to_pylist()
        if row["status"] != "absent"
    }
    absent = frozenset(table["test"].to_pylist()) - looked.keys()
    levels: dict[str, dict[str, Level]] = {}
    wanted = pa.array(sorted(set(tests) & looked.keys()), pa.string())
    for file in node.card.files if node.card and len(wanted) else ():
        if file.path.startswith(f"{FOLDER}/") and file.path.endswith(".parquet"):
            for test, item, level in _shown(store, node.ref, file.path, wanted):
                mine = levels.setdefault(test, {})
                if mine.get(item) != "label":
                    mine[item] = level
    return Report(node.ref, looked, absent, levels)


def _shown(store: Store, ref: Ref, name: str, wanted: pa.Array) -> Iterator[tuple[str, str, Level]]:
    """Yield (test, item, level) of each item that a file of overlaps has, once a batch and level."""
    with pq.ParquetFile(store.path(ref, name)) as file:
        for batch in file.iter_batches(1 << 16, columns=_COLUMNS):
            kept = pc.and_(
                pc.is_in(batch["test"], value_set=wanted), pc.equal(batch["policy"], pa.scalar(_KEPT))
            )
            table = pa.Table.from_batches([batch]).filter(kept)
            for row in table.group_by(["test", "item", "part", "answered"]).aggregate([]).to_pylist():
                told = row["answered"] and row["part"] not in _TEXT_ONLY
                yield row["test"], row["item"], "label" if told else "text"


def _table(store: Store, ref: Ref, name: str) -> pa.Table:
    try:
        return pq.read_table(store.path(ref, name))
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{ref}/{name}", f"cannot be read: {error}", todo="see: kanagura cards verify"
        ) from error
