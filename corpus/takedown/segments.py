"""Captures without those that go: segments are copied record by record, pointers follow the bodies that moved."""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.captures import INDEX, MAX_HEADERS, member, read_at
from corpus.takedown.grams import APART, Grams, json_strings, text_of_body
from datacards.takedown.eraser import Job, Read
from datacards.takedown.removed import Mask, Removed, among
from datacards.takedown.tables import SHARES, Ledger, held, lines, link

Numbers = NDArray[np.int64]
_LEVEL = 3  # of gzip, as the writer of segments has it
_PLACES = ["warc", "offset"]


@dataclass
class Walk:
    """Where the records of a version begin and end, by segment, and which rows of its index share a stretch.

    ``soft`` are rows that no document is made of (lists, errors, redirects) with the numbers of what they share;
    ``stale`` are segments that hold a record, listed nowhere any more, of something that goes.
    """

    bounds: dict[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    soft: dict[int, Numbers] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    packed: int = 0


@dataclass
class Listed:
    """The rows of an index, as far as each is needed: some 20 bytes each."""

    segments: list[str]
    segment: Numbers
    offset: Numbers
    gone: Mask
    soft: Mask

    @classmethod
    def read(cls, index: Path, removed: Removed) -> "Listed":
        """Read an index."""
        names: dict[str, int] = {}
        parts: list[list[NDArray[Any]]] = []
        columns = [*_PLACES, "url", "status", "kind", "problem"]
        with pq.ParquetFile(index) as file:
            for number in range(file.num_row_groups):
                table = file.read_row_group(number, columns=columns)
                own = table["warc"].combine_chunks().dictionary_encode()
                numbers = [names.setdefault(name, len(names)) for name in own.dictionary.to_pylist()]
                soft = among(table["kind"], {"index", "redirect"}) | ~among(table["problem"], {""})
                soft |= table["status"].to_numpy() != 200
                segment = np.array(numbers, np.int64)[own.indices.to_numpy(zero_copy_only=False)]
                gone = among(table["url"], removed.urls)
                parts.append([segment, table["offset"].to_numpy(), gone, soft])
        columns_ = [np.concatenate(one) for one in zip(*parts, strict=True)] if parts else [np.zeros(0, int)] * 4
        segment, offset, gone, soft = columns_
        return cls(list(names), segment, offset, gone.astype(bool), soft.astype(bool))


def walk(folder: Path, removed: Removed, search: Grams) -> Walk:
    """Read every record of a version; what a kept page says is heard, what a list says is noted to be judged later."""
    listed, found = Listed.read(folder / INDEX, removed), Walk()
    for number, name in enumerate(listed.segments):
        rows = np.flatnonzero(listed.segment == number)
        at = dict(zip(listed.offset[rows].tolist(), rows.tolist(), strict=True))
        starts, ends = [], []
        for start, end, url, text, packed in _records(folder / name):
            starts.append(start)
            ends.append(end)
            found.packed += packed
            row = at.get(start)
            if row is None:
                if url in removed.urls or len(search.own_keys(text)):
                    found.stale.add(name)
            elif listed.gone[row]:
                continue
            elif not listed.soft[row]:
                search.hear_text(text)
            elif len(keys := search.own_keys(text)):
                found.soft[row] = keys
        found.bounds[name] = np.array(starts, np.int64), np.array(ends, np.int64)
    return found


def _records(path: Path) -> Iterator[tuple[int, int, str, str, bool]]:
    """Yield (start, end, address, text, whether the body is no text) of every record of a segment.

    The text is what a body says to a reader, and what is said of it.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        member(stream, MAX_HEADERS)  # what the segment says of itself
        at = stream.tell()
        while at < size:
            entry, end = read_at(stream, at)
            text: str | None = ""
            if entry.capture and entry.capture.body:
                text = text_of_body(entry.capture.body, entry.capture.media_type)
            said = APART.join(json_strings([entry.said["meta"], entry.said["signals"]]))
            yield at, end, entry.url, (text or "") + APART + said, text is None
            at = end


def erase(job: Job, walked: Walk, search: Grams) -> None:
    """Fill the draft of a captures version with what stays of it."""
    ledger = Ledger(job.card)
    listed = Listed.read(job.folder / INDEX, job.removed)
    leaks = np.zeros(len(listed.gone), np.bool_)
    for row, keys in walked.soft.items():
        leaks[row] = bool((~search.said[keys]).any()) and not listed.gone[row]
    gone = listed.gone | leaks
    moved = _moved(job)
    shifts: dict[str, tuple[Numbers, Numbers]] = {}
    pointing = _pointing(job, moved)
    for number, name in enumerate(listed.segments):
        rows = np.flatnonzero(listed.segment == number)
        if gone[rows].any() or pointing[rows].any() or name in walked.stale:
            keep = np.sort(listed.offset[rows[~gone[rows]]])
            changed = np.sort(listed.offset[rows[pointing[rows] & ~gone[rows]]])
            shifts[name] = _copy(job, name, walked.bounds[name], keep, changed, moved)
            job.report.files_written += 1
        else:
            link(job.folder / name, job.draft.path / name)
            shifts[name] = (walked.bounds[name][0],) * 2
            job.report.files_linked += 1
    np.savez(job.notes / f"{job.ref}.npz", **{f"{name}/{k}": one[k] for name, one in shifts.items() for k in (0, 1)})
    _index(job, ledger, gone, leaks, shifts, moved)
    for name in held(job.card):
        if name.endswith(".jsonl"):
            _ledger(job, name, ledger)
        elif name != INDEX and not name.startswith("warc/"):
            link(job.folder / name, job.draft.path / name)
    ledger.settle(job.draft)


def _ledger(job: Job, name: str, ledger: Ledger) -> None:
    for line in lines(job, name):
        reason = json.loads(line).get("reason")
        if name == "failures.jsonl" and reason in ledger.drops:
            ledger.drops[reason] -= 1
            if not ledger.drops[reason]:
                del ledger.drops[reason]


def _moved(job: Job) -> dict[str, tuple[str, Mapping[str, tuple[Numbers, Numbers]]]]:
    """Return for the versions of this name that have a successor: its version, and where its records are now."""
    found = {}
    for ref in job.store.refs(job.ref.name):
        successor, notes = job.successors.get(str(ref)), job.notes / f"{ref}.npz"
        if successor and str(ref) != str(job.ref) and notes.is_file():
            with np.load(notes) as file:
                names = {key.rpartition("/")[0] for key in file.files}
                found[ref.version] = successor.version, {n: (file[f"{n}/0"], file[f"{n}/1"]) for n in names}
    return found


def _pointing(job: Job, moved: Mapping[str, Any]) -> Mask:
    """Return which rows have their body in a version that has a successor."""
    parts = [np.zeros(0, np.bool_)]
    with pq.ParquetFile(job.folder / INDEX) as file:
        for number in range(file.num_row_groups):
            parts.append(among(file.read_row_group(number, columns=["body_version"])["body_version"], set(moved)))
    return np.concatenate(parts)


def _copy(
    job: Job, name: str, bounds: tuple[Numbers, Numbers], keep: Numbers, changed: Numbers, moved: Mapping[str, Any]
) -> tuple[Numbers, Numbers]:
    """Copy the records that stay into a segment of the draft; return where they were and where they are."""
    starts, ends = bounds
    order = np.argsort(starts)
    last = dict(zip(starts[order].tolist(), ends[order].tolist(), strict=True))
    out, new = job.draft.path / name, []
    if not len(keep):
        return keep, keep
    out.parent.mkdir(parents=True, exist_ok=True)
    different = set(changed.tolist())
    with (job.folder / name).open("rb") as source, out.open("wb") as target:
        target.write(source.read(int(starts.min())))  # what the segment says of itself
        for start in keep.tolist():
            new.append(target.tell())
            source.seek(start)
            block = source.read(last[start] - start)
            target.write(_pointed(block, moved) if start in different else block)
    return keep, np.array(new, np.int64)


def _pointed(block: bytes, moved: Mapping[str, Any]) -> bytes:
    """Return the records of an unchanged or carried capture with where its body lies now."""
    stream = NamedStream(block)
    at = 0
    while True:
        record = member(stream, MAX_HEADERS)
        if stream.tell() == len(block):
            break
        at = stream.tell()
    head, _, body = record.partition(b"\r\n\r\n")
    said = json.loads(body.removesuffix(b"\r\n\r\n"))
    held_ = said["body"]
    version, segments = moved[held_["version"]]
    held_["offset"] = int(_shifted(segments[held_["warc"]], np.array([held_["offset"]]))[0])
    held_["version"] = version
    new = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
    head = b"\r\n".join(
        b"Content-Length: %d" % len(new) if line.lower().startswith(b"content-length:") else line
        for line in head.split(b"\r\n")
    )
    pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return block[:at] + pack.compress(head + b"\r\n\r\n" + new + b"\r\n\r\n") + pack.flush()


class NamedStream(BytesIO):
    """Bytes with the name that errors tell."""

    name = "a record"


def _shifted(shift: tuple[Numbers, Numbers], offsets: Numbers) -> Numbers:
    """Return where records are that were at ``offsets``."""
    old, new = shift
    if not len(old):
        return offsets
    at = np.minimum(np.searchsorted(old, offsets), len(old) - 1)
    return np.where(old[at] == offsets, new[at], offsets)


def _index(
    job: Job, ledger: Ledger, gone: Mask, leaks: Mask, shifts: Mapping[str, tuple[Numbers, Numbers]], moved: Mapping[str, Any]
) -> None:
    """Write the index of the rows that stay, with their places, and count what goes."""
    start = count = 0
    with (
        pq.ParquetFile(job.folder / INDEX) as file,
        pq.ParquetWriter(job.draft.path / INDEX, file.schema_arrow, compression="zstd") as writer,
    ):
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            part = slice(start, start + table.num_rows)
            start += table.num_rows
            _bury(job, ledger, table.filter(pa.array(gone[part])), leaks[part][gone[part]])
            stays = table.filter(pa.array(~gone[part]))
            count += stays.num_rows
            writer.write_table(_placed(stays, shifts, moved))
    job.draft.rows[INDEX] = count
    job.report.kept["captures"] += count


def _placed(table: pa.Table, shifts: Mapping[str, tuple[Numbers, Numbers]], moved: Mapping[str, Any]) -> pa.Table:
    """Return index rows with the places where their records, and the bodies that lie in other versions, are now."""
    names = table["warc"].to_numpy()
    offset = table["offset"].to_numpy().copy()
    about = table["about"].to_numpy() - offset
    for name in set(names.tolist()):
        here = names == name
        offset[here] = _shifted(shifts[name], offset[here])
    versions = table["body_version"].to_pylist()
    bodies = table["body_offset"].to_pylist()
    for at, (version, name) in enumerate(zip(versions, table["body_warc"].to_pylist(), strict=True)):
        if version in moved:
            versions[at], segments = moved[version]
            bodies[at] = int(_shifted(segments[name], np.array([bodies[at]]))[0])
    new = {"offset": offset, "about": about + offset, "body_version": versions, "body_offset": bodies}
    for name, values in new.items():
        at = table.column_names.index(name)
        table = table.set_column(at, table.schema.field(name), pa.array(values, table.schema.field(name).type))
    return table


def _bury(job: Job, ledger: Ledger, rows: pa.Table, leaks: Mask) -> None:
    """Note and count captures that go."""
    counts = ledger.counts
    for row, leak in zip(rows.to_pylist(), leaks.tolist(), strict=True):
        reason = SHARES if leak else job.removed.why.get(row["url"], "same_capture")
        job.report.bury("capture", row["sha256"], row["url"], row["source"], reason)
        counts["captures"] -= 1
        for name in (f"captures_{row['state']}", *(f"{c} {row[c] or 'none'}" for c in ("status", "media_type", "kind"))):
            if name in counts:
                counts[name] -= 1
        counts["bytes_new"] -= row["n_bytes"] * (row["state"] == "new" and "bytes_new" in counts)
        if row["problem"]:
            counts["kept_aside"] -= "kept_aside" in counts
            ledger.drops[row["problem"]] -= row["problem"] in ledger.drops
        ledger.licenses[row["license"]] -= 1
    job.report.rows["captures"] += rows.num_rows
    for counter in (counts, ledger.drops, ledger.licenses):
        for name in [name for name, number in counter.items() if number <= 0 and rows.num_rows and counter is not counts]:
            del counter[name]


def read_segment(path: Path, search: Grams, removed: Removed) -> Read:
    """Search a segment again, bodies and what is said of them: nothing may leak, and no address that goes be there."""
    read = Read(files=1, bytes=path.stat().st_size)
    for start, _, url, text, packed in _records(path):
        read.strings += 1
        read.packed += packed
        if url in removed.urls or search.leaks_in(text):
            read.leaks += 1
            read.where.append(f"{path.name} at {start}")
    return read
