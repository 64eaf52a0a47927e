"""Holds what was made again against its pointers, and writes what is proven beside what was released."""

from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.rebuild.base import OTHER_CODE, OTHER_TEXT, Found
from datacards.rebuild.groups import Group, group_rows, read_group
from datacards.rebuild.ledger import PROVEN, Ledger

_MADE = ("text", "meta", "license", "attribution", "redistribution")  # columns that the evidence here gives
_DOCUMENT = [
    "id", "text", "format", "source", "url", "title", "section", "language", "event_at", "published_at",
    "available_at", "captured_at", "license", "attribution", "redistribution", "made_from", "meta", "n_chars",
    "cluster_size",
]  # fmt: skip


class Proof:
    """The pointers of one group in one stage.

    A record is proven when id and SHA-256 of its text are those of the pointer. Its text, meta and rights are those
    that the evidence here gives, all other columns the pointer's; what a pointer forbids to give on stays forbidden.
    ``differing`` says how this code differs from that which made the version, "" for not at all.
    """

    def __init__(self, ledger: Ledger, stage: int, group: Group, folder: Path, differing: str) -> None:
        self.ledger, self.stage, self.group, self.folder = ledger, stage, group, folder
        self.differing = differing
        self.pointers = read_group(group)
        outcome, detail = ledger.outcomes(group, stage, len(self.pointers))
        self.outcome, self.detail = outcome.to_pylist(), detail.to_pylist()
        self.digests = self.pointers["text_sha256"].to_pylist()
        self.places: dict[str, list[int]] = {}
        for at, name in enumerate(self.pointers["id"].to_pylist()):
            self.places.setdefault(name, []).append(at)
        self.split = np.repeat(np.arange(len(group.files)), group_rows(group))
        self._files = ExitStack()
        self._open: dict[Path, pq.ParquetWriter] = {}

    def __enter__(self) -> "Proof":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Put the files into their place and note the outcomes; after an error neither happens."""
        self._files.close()
        if kind is None:
            for path in self._open:
                path.with_name(f".{path.name}.part").replace(path)
            outcomes = (pa.array(column, pa.string()) for column in (self.outcome, self.detail))
            self.ledger.note(self.stage, self.group, *outcomes)

    def add(self, found: Found) -> None:
        """Prove a part of what was made again for the group, and write it."""
        made: dict[str, list[Any]] = {name: [] for name in _MADE}
        proven: list[int] = []
        for name, row in found.rows.items():
            digest = sha256(row["text"].encode()).hexdigest()
            for at in self.places.get(name, ()):
                if self.outcome[at] == PROVEN:
                    continue
                if row["id"] != name or digest != self.digests[at]:
                    self.outcome[at], self.detail[at] = OTHER_TEXT, "its hash is not that of the pointer"
                    continue
                self.outcome[at], self.detail[at] = PROVEN, ""
                proven.append(at)
                for column, values in made.items():
                    values.append(row[column])
        for name, why in found.why.items():
            for at in self.places.get(name, ()) if name not in found.rows else ():
                if self.outcome[at] != PROVEN:
                    self.outcome[at], self.detail[at] = self._with_code(why)
        if proven:
            self._write(found, self._rows(proven, made), self.split[proven])

    def _with_code(self, why: tuple[str, str]) -> tuple[str, str]:
        if why[0] == OTHER_TEXT and self.differing:
            return OTHER_CODE, "; ".join(filter(None, (why[1], self.differing)))
        return why

    def _rows(self, proven: list[int], made: dict[str, list[Any]]) -> pa.Table:
        rows = self.pointers.take(pa.array(proven, pa.int64()))
        given = pc.and_(rows["redistribution"], pa.array(made.pop("redistribution"), pa.bool_()))
        columns = {name: rows[name] for name in rows.column_names}
        columns |= {name: pa.array(values, pa.string()) for name, values in made.items()}
        columns |= {"redistribution": given, "n_chars": pc.cast(pc.utf8_length(columns["text"]), pa.int64())}
        return pa.table({name: columns[name] for name in _DOCUMENT})

    def _write(self, found: Found, rows: pa.Table, split: Any) -> None:
        for number, (name, _) in enumerate(self.group.files):
            own = rows.filter(pa.array(split == number))
            for form in pc.unique(own["format"]).to_pylist():
                self._append(name, form, own.filter(pc.equal(own["format"], form)))
            if found.facts is not None and len(own):
                ids = own["id"].combine_chunks()
                facts = found.facts.filter(pc.is_in(found.facts["document_id"], ids))
                if len(facts):
                    self._append(name, "facts", facts)

    def _append(self, split: str, folder: str, table: pa.Table) -> None:
        """Append to the file of a split and format: a file of its own beside the released ones, which stay as they are."""
        leaf = f"{split}-{self.group.source}-rebuilt{self.stage or ''}-{self.group.number}.parquet"
        path = self.folder / folder / leaf
        if path not in self._open:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            self._open[path] = self._files.enter_context(
                pq.ParquetWriter(part, table.schema, compression="zstd")
            )
        self._open[path].write_table(table, row_group_size=1000)
