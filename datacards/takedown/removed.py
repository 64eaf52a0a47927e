"""What goes, as far as it is known: addresses, bodies and documents, and the rows of any table that hold them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datacards.takedown.request import Patterns

Mask = NDArray[np.bool_]


@dataclass
class Removed:
    """What goes, and how it is found.

    The captures at ``urls`` go with all their bodies, ``digests``; so do the documents ``ids``, whatever their format.

    ``places`` are the addresses of documents that those captures gave, where they are others. ``filings`` are EDINET
    document ids, ``companies`` what names the companies of the request. ``why`` says of ids and addresses by which
    way they were found. What was made from documents and has no id of its own goes where ``patterns`` fit its text.
    """

    urls: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    filings: set[str] = field(default_factory=set)
    companies: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)  # those of ``ids`` that have evidence of their own
    why: dict[str, str] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)  # ``name@version`` of those that hold any of it
    stays: dict[str, str] = field(
        default_factory=dict
    )  # derived row that is named itself -> its base, which stays
    patterns: Patterns = field(default_factory=lambda: Patterns(()))

    def size(self) -> tuple[int, int, int]:
        """Return how much is known, to see whether more was found."""
        return len(self.urls), len(self.digests), len(self.ids)

    def rows(self, table: pa.Table) -> Mask:
        """Return which rows of a table of any kind hold something that goes, by the columns that it has."""
        mask = np.zeros(table.num_rows, np.bool_)
        for name in ("id", "document_id", "other_id"):
            if name in table.column_names:
                mask |= among(table[name], self.ids)
        if "made_from" in table.column_names:
            mask |= self.children(table["made_from"])
        if "url" in table.column_names and "made_from" not in table.column_names:
            mask |= self.at(table["url"])
        return mask

    def said(self, table: pa.Table) -> Mask:
        """Return in which rows a pattern fits what was written or what a check found (``text``, ``detail``)."""
        mask = np.zeros(table.num_rows, np.bool_)
        for name in ("text", "detail"):
            if self.patterns and name in table.column_names:
                mask |= np.array([self.patterns.fit(one or "") for one in table[name].to_pylist()], np.bool_)
        return mask

    def children(self, made_from: pa.ChunkedArray) -> Mask:
        """Return which rows are made from a document that goes."""
        column = made_from.combine_chunks()
        mask = np.zeros(len(column), np.bool_)
        parents = pc.struct_field(pc.list_flatten(column), "id")
        mask[np.asarray(pc.list_parent_indices(column))[among(parents, self.ids)]] = True
        return mask

    def at(self, urls: pa.ChunkedArray) -> Mask:
        """Return which addresses, without what follows a ``#``, are those of captures or documents that go."""
        plain = pc.replace_substring_regex(urls, "#.*", "")
        return among(plain, self.urls | self.places) | among(urls, self.places)

    def line(self, row: Any) -> bool:
        """Return whether a JSON row of a ledger names, in any of its fields, an address, filing or company that goes."""
        if isinstance(row, dict):
            return any(map(self.line, row.values()))
        if isinstance(row, list):
            return any(map(self.line, row))
        text = row if isinstance(row, str) else ""
        return bool(text) and (text in self.urls or text in self.filings or text in self.companies)


def among(column: pa.ChunkedArray | pa.Array, wanted: set[str]) -> Mask:
    """Return which strings of a column are among ``wanted``."""
    if not wanted or not len(column):
        return np.zeros(len(column), np.bool_)
    found = pc.is_in(column, value_set=pa.array(sorted(wanted), pa.string()))
    return np.asarray(
        found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy()
    )


@dataclass
class Report:
    """What erasing one version came to: counts of rows by file group, and what the tombstones say of them."""

    version: str
    successor: str = ""
    rows: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    files_linked: int = 0
    files_written: int = 0
    survivors: list[dict[str, str]] = field(default_factory=list)
    lost: list[dict[str, str]] = field(
        default_factory=list
    )  # members of a cluster that could not be made again
    notes: list[str] = field(default_factory=list)
    tombstones: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, said: dict[str, Any]) -> "Report":
        """Return the report that JSON holds as ``said``."""
        counted = {name: Counter(said[name]) for name in ("rows", "kept")}
        return cls(**{**said, **counted})

    def bury(self, kind: str, name: str, url: str, source: str, reason: str) -> None:
        """Note one thing that went; no text, no title."""
        self.tombstones.append(
            {
                "kind": kind,
                "name": name,
                "url": url,
                "source": source,
                "version": self.version,
                "reason": reason,
            }
        )
