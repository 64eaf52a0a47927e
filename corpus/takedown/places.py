"""The signature index without what goes: places and survivors are numbered anew, so that a later version can extend it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus import shards
from corpus.duplicates.index import FOLDER
from corpus.repeats import SENTENCE
from corpus.takedown.clusters import Verdict
from datacards.takedown.eraser import Job
from datacards.takedown.removed import Mask
from datacards.takedown.tables import Ledger, link

Numbers = NDArray[np.int64]
_CONFIGS = ("markdown", "dropped")


def move(job: Job, keep: Mapping[str, Mask], verdicts: Sequence[Verdict], ledger: Ledger) -> None:
    """Write the index of the documents that stay. Memory: 30 bytes for each document."""
    paths = sorted((job.folder / FOLDER).glob("*.parquet"))
    if not paths:
        return
    counts = [pq.read_metadata(path).num_rows for path in paths]
    firsts = np.cumsum([0, *counts])
    head = {v.member.said["document_id"]: v for v in verdicts if not v.reason}
    stays = np.concatenate([_stays(job, path, keep, head) for path in paths])
    position = np.where(stays, np.cumsum(stays) - 1, -1)
    where = _positions(
        paths, firsts, {v.into for v in verdicts if v.into} | {v.member.said["document_id"] for v in verdicts}
    )
    into = {
        where[v.member.said["document_id"]]: where[v.into or v.member.said["document_id"]] for v in verdicts
    }
    for number, path in enumerate(paths):
        part = slice(int(firsts[number]), int(firsts[number + 1]))
        table = pq.read_table(path)
        new = _moved(
            table.filter(pa.array(stays[part])), np.arange(part.start, part.stop)[stays[part]], into, position
        )
        new = _placed(new, f"train-{path.stem}.parquet", keep, head, job)
        out = job.draft.path / FOLDER / path.name
        _count_prose(job, path, table.filter(pa.array(~stays[part])), ledger)
        if new.equals(table):
            link(path, out)
            job.report.files_linked += 1
        elif new.num_rows:
            shards.write_table(out, new)
            job.report.files_written += 1
    job.report.rows["index"] += int((~stays).sum())


def _stays(job: Job, path: Path, keep: Mapping[str, Mask], head: Mapping[str, Verdict]) -> Mask:
    """Return which rows of an index file stay: those whose text stays where it is, and those of new survivors."""
    table = pq.read_table(path, columns=["key", "config", "row"])
    stays = np.zeros(table.num_rows, np.bool_)
    rows = table["row"].to_numpy()
    configs = np.array(table["config"].to_pylist())
    for config in _CONFIGS:
        here = np.flatnonzero(configs == config)
        if len(here):
            stays[here] = keep[f"{config}/train-{path.stem}.parquet"][rows[here]]
    for at in np.flatnonzero(~stays).tolist():
        stays[at] = table["key"][at].as_py().hex() in head
    return stays


def _positions(paths: Sequence[Path], firsts: Numbers, ids: set[str]) -> dict[str, int]:
    """Return the positions of documents by their ids."""
    wanted = pa.array(sorted(map(bytes.fromhex, ids)), pa.binary(16))
    found: dict[str, int] = {}
    for number, path in enumerate(paths):
        column = pq.read_table(path, columns=["key"])["key"]
        for at in np.flatnonzero(pc.is_in(column, value_set=wanted).to_numpy()).tolist():
            found[column[at].as_py().hex()] = int(firsts[number]) + at
    return found


def _moved(table: pa.Table, positions: Numbers, into: Mapping[int, int], new: Numbers) -> pa.Table:
    """Return index rows with the new positions of those who stand for them."""
    survivors = table["survivor"].to_numpy().copy()
    for at in np.flatnonzero(np.isin(positions, list(into))).tolist():
        survivors[at] = into[int(positions[at])]
    return _set(table, "survivor", new[survivors])


def _placed(
    table: pa.Table, name: str, keep: Mapping[str, Mask], head: Mapping[str, Verdict], job: Job
) -> pa.Table:
    """Return index rows with the rows in which their texts stand now; new survivors stand behind all others."""
    rows, configs = table["row"].to_numpy().copy(), table["config"].to_pylist()
    masks = {config: keep.get(f"{config}/{name}") for config in _CONFIGS}
    sums = {config: np.cumsum(mask) - 1 for config, mask in masks.items() if mask is not None}
    behind = int(masks["markdown"].sum()) if masks["markdown"] is not None else 0
    written = [one["survivor"] for one in job.report.survivors]
    heads = sorted(one for one in head if one in written and head[one].member.shard == name)
    for at, key in enumerate(table["key"].to_pylist()):
        if (document := key.hex()) in heads and configs[at] == "dropped":
            configs[at], rows[at] = "markdown", behind + heads.index(document)
        else:
            rows[at] = sums[configs[at]][rows[at]]
    return _set(_set(table, "row", rows), "config", configs)


def _set(table: pa.Table, name: str, values: Any) -> pa.Table:
    kind = table.schema.field(name)
    return table.set_column(table.column_names.index(name), kind, pa.array(values, kind.type))


def _count_prose(job: Job, path: Path, gone: pa.Table, ledger: Ledger) -> None:
    """Take the prose of documents that go out of the counts: shares are told to four digits, so it is that exact."""
    if "prose_characters" not in ledger.counts or not gone.num_rows:
        return
    markdown = job.folder / "markdown" / f"train-{path.stem}.parquet"
    here = gone.filter(pc.equal(gone["config"], "markdown"))
    if not here.num_rows:
        return
    metas = pq.read_table(markdown, columns=["meta"])["meta"].take(here["row"]).to_pylist()
    for said, meta in zip(here["sentences"].to_pylist(), map(json.loads, metas), strict=True):
        whole = int(np.frombuffer(said, SENTENCE)["characters"].sum())
        ledger.counts["prose_characters"] -= whole
        for name in ("statutory", "repeated"):
            ledger.counts[f"prose_{name}"] -= round(float(meta.get(f"{name}_share", 0)) * whole)
