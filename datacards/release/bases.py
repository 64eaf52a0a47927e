"""The base documents of a dataset version: which company each is of, and so which split all that is made of it has."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.keys import Keys, KeyTable, column_keys, is_id
from datacards.release.recipe import ByCompany

TRAIN, TEST, VALIDATION, CROSSES = 1, 2, 4, 3  # TRAIN | TEST: made of documents of both sides
NONE = -1  # of no company
_CODES = {
    "edinet_code": r'"edinet_code": "(?P<code>E[0-9]{5})"',
    "sec_code": r'"sec_code": "(?P<code>[0-9A-Z]{4})0?"',
}


class Companies:
    """The companies of base documents by id, as the documents state them.

    A company is its EDINET code, else its securities code (four characters, the fifth is 0); a document that states
    both says that they are one. A document whose facts name exactly one company is of that one; a list of many is of
    none. Memory: 20 bytes a document, twice that while the table is made.
    """

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._same: dict[int, int] = {}  # a securities code -> its EDINET code
        self._keys: list[Keys] = []
        self._codes: list[npt.NDArray[np.int32]] = []

    def add_documents(self, ids: pa.Array, meta: pa.Array) -> None:
        """Take in a batch of base documents with their ``meta``."""
        edinet, securities = (self._numbers(meta, name) for name in ("edinet_code", "sec_code"))
        both = (edinet != NONE) & (securities != NONE)
        for pair in np.unique(np.stack([securities[both], edinet[both]]), axis=1).T:
            self._same.setdefault(int(pair[0]), int(pair[1]))
        code = np.where(edinet != NONE, edinet, securities)
        self._hold(ids, code)

    def add_facts(self, facts: pa.Table) -> None:
        """Take in facts (``document_id``, ``kind``, ``concept``, ``value``): profiles name one company, lists many."""
        said = facts.filter(
            pc.and_(pc.equal(facts["kind"], "company"), pc.equal(facts["concept"], "sec_code"))
        )
        grouped = said.group_by("document_id").aggregate([("value", "count_distinct"), ("value", "min")])
        one = grouped.filter(pc.equal(grouped["value_count_distinct"], 1)).combine_chunks()
        if one.num_rows:
            values = [str(value)[:4] for value in one["value_min"].to_pylist()]
            code = np.array([self._number(f"sec_code {value}") for value in values], dtype=np.int32)
            self._hold(pa.array(one["document_id"].to_pylist(), pa.string()), code)

    def table(self, holdout: ByCompany) -> KeyTable:
        """Return TRAIN or TEST for each document of a company, by id."""
        side = np.zeros(len(self._names) + 1, dtype=np.int32)
        names = list(self._names)
        for number in self._names.values():
            one = names[self._same.get(number, number)]
            drawn = int.from_bytes(hashlib.sha256(f"{holdout.seed}|{one}".encode()).digest()[:8], "big")
            side[number] = TEST if drawn / 2**64 < holdout.share else TRAIN
        return KeyTable(self._keys, [side[codes] for codes in self._codes])

    def _hold(self, ids: pa.Array, code: npt.NDArray[np.int32]) -> None:
        known = (code != NONE) & is_id(ids)
        self._keys.append(column_keys(ids.filter(pa.array(known))))
        self._codes.append(code[known].astype(np.int32))

    def _numbers(self, meta: pa.Array, name: str) -> npt.NDArray[np.int32]:
        found = pc.struct_field(pc.extract_regex(meta, _CODES[name]), "code").dictionary_encode()
        told = np.array(
            [self._number(f"{name} {code}") for code in found.dictionary.to_pylist()], dtype=np.int32
        )
        places = pc.fill_null(found.indices, NONE).to_numpy()
        return np.where(places == NONE, NONE, np.append(told, NONE)[places]).astype(np.int32)

    def _number(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))


def companies(folder: Path) -> Companies:
    """Return the companies of the base documents of the dataset version in ``folder``."""
    found = Companies()
    for path in sorted((folder / "markdown").glob("*.parquet")):
        for batch in _batches(path, ["id", "meta"]):
            found.add_documents(batch["id"], batch["meta"])
    for path in sorted((folder / "facts").glob("*.parquet")):
        found.add_facts(pq.read_table(path, columns=["document_id", "kind", "concept", "value"]))
    return found


def _batches(path: Path, columns: list[str]) -> Iterable[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=1 << 16, columns=columns)


def sides(table: pa.Table, of: KeyTable, *, asked: bool = False) -> npt.NDArray[np.int32]:
    """Return for each row TRAIN, TEST, CROSSES or 0: what the companies of its parents, or its own, are in.

    ``table`` has ``id`` and ``made_from``. Of questions (``asked``) the first parent is what they are about, the others
    give wrong choices: one about a held-out company is TEST whatever else it offers, one about another that offers
    something of a held-out company crosses.
    """
    own = table["id"].combine_chunks()
    found = np.zeros(len(table), dtype=np.int32)
    fits = is_id(own)
    found[fits] = of.get(column_keys(own.filter(pa.array(fits))), 0)
    spans = table["made_from"].combine_chunks()
    parents = pc.struct_field(pc.list_flatten(spans), "id")
    rows = pc.list_parent_indices(spans).to_numpy()
    fits = is_id(parents)
    side = np.zeros(len(parents), dtype=np.int32)
    side[fits] = of.get(column_keys(parents.filter(pa.array(fits))), 0)
    np.bitwise_or.at(found, rows, side)
    if asked:
        with_parents, first = np.unique(rows, return_index=True)
        found[with_parents[side[first] == TEST]] = TEST
    return found
