"""Captures without those that go: segments are copied record by record, pointers follow the bodies that moved."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.captures import INDEX
from corpus.takedown.grams import Grams
from corpus.takedown.records import Listed, Moved, Shifts, Walk, copy, shifted
from datacards.takedown.eraser import Job
from datacards.takedown.removed import Mask, among
from datacards.takedown.tables import SHARES, Ledger, held, lines, link

Numbers = NDArray[np.int64]


class _Gone(NamedTuple):
    """Which rows of an index go, and which of these only because they quote something."""

    rows: Mask
    leaks: Mask


def erase(job: Job, walked: Walk, search: Grams) -> None:
    """Fill the draft of a captures version with what stays of it."""
    ledger = Ledger(job.card)
    listed = Listed.read(job.folder / INDEX, job.removed)
    leaks = np.zeros(len(listed.gone), np.bool_)
    for row, keys in walked.soft.items():
        leaks[row] = bool((~search.said[keys]).any())
    moved = _moved(job)
    pointing, bodiless = _pointing(job, moved)
    leaks = (leaks | bodiless) & ~listed.gone
    gone = listed.gone | leaks
    shifts: Shifts = {}
    for number, name in enumerate(listed.segments):
        rows = np.flatnonzero(listed.segment == number)
        if gone[rows].any() or pointing[rows].any() or name in walked.stale:
            keep = np.sort(listed.offset[rows[~gone[rows]]])
            changed = np.sort(listed.offset[rows[pointing[rows] & ~gone[rows]]])
            shifts[name] = copy(
                job.folder / name,
                job.draft.path / name,
                walked.bounds[name],
                keep,
                changed=set(changed.tolist()),
                moved=moved,
            )
            job.report.files_written += 1
        else:
            link(job.folder / name, job.draft.path / name)
            shifts[name] = (walked.bounds[name][0],) * 2
            job.report.files_linked += 1
    _note(job.notes / f"{job.ref}.npz", shifts)
    _index(job, ledger, _Gone(gone, leaks), shifts, moved)
    for name in held(job.card):
        if name.endswith(".jsonl"):
            _ledger(job, name, ledger)
        elif name != INDEX and not name.startswith("warc/"):
            link(job.folder / name, job.draft.path / name)
    ledger.settle(job.draft)


def _note(path: Path, shifts: Shifts) -> None:
    """Leave for later versions, which point at bodies in this one, where its records are now."""
    arrays = {f"{name}/{number}": places for name, two in shifts.items() for number, places in enumerate(two)}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _ledger(job: Job, name: str, ledger: Ledger) -> None:
    for line in lines(job, name):
        reason = json.loads(line).get("reason")
        if name == "failures.jsonl" and reason in ledger.drops:
            ledger.drops[reason] -= 1
            if not ledger.drops[reason]:
                del ledger.drops[reason]


def _moved(job: Job) -> Moved:
    """Return for the versions of this name that have a successor: its version, and where its records are now."""
    found: Moved = {}
    for ref in job.store.refs(job.ref.name):
        successor, notes = job.successors.get(str(ref)), job.notes / f"{ref}.npz"
        if successor and str(ref) != str(job.ref) and notes.is_file():
            with np.load(notes) as file:
                names = {key.rpartition("/")[0] for key in file.files}
                found[ref.version] = successor.version, {n: (file[f"{n}/0"], file[f"{n}/1"]) for n in names}
    return found


def _pointing(job: Job, moved: Moved) -> tuple[Mask, Mask]:
    """Return which rows have their body in a version that has a successor, and of which it is not there any more."""
    parts = [np.zeros((2, 0), np.bool_)]
    with pq.ParquetFile(job.folder / INDEX) as file:
        for number in range(file.num_row_groups):
            table = file.read_row_group(number, columns=["body_version", "body_warc", "body_offset"])
            pointing = among(table["body_version"], set(moved))
            bodiless = np.zeros(len(pointing), np.bool_)
            for at in np.flatnonzero(pointing).tolist():
                version, warc, offset = (table[name][at].as_py() for name in table.column_names)
                kept = moved[version][1].get(warc, (np.zeros(0, np.int64),))[0]
                place = int(np.searchsorted(kept, offset))
                bodiless[at] = place == len(kept) or kept[place] != offset
            parts.append(np.stack([pointing, bodiless]))
    pointing, bodiless = np.concatenate(parts, axis=1)
    return pointing, bodiless


def _index(job: Job, ledger: Ledger, gone: _Gone, shifts: Shifts, moved: Moved) -> None:
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
            _bury(job, ledger, table.filter(pa.array(gone.rows[part])), gone.leaks[part][gone.rows[part]])
            stays = table.filter(pa.array(~gone.rows[part]))
            count += stays.num_rows
            writer.write_table(_placed(stays, shifts, moved))
    job.draft.rows[INDEX] = count
    job.report.kept["captures"] += count


def _placed(table: pa.Table, shifts: Shifts, moved: Moved) -> pa.Table:
    """Return index rows with the places where their records, and the bodies that lie in other versions, are now."""
    names = table["warc"].to_numpy()
    offset = table["offset"].to_numpy().copy()
    about = table["about"].to_numpy() - offset
    for name in set(names.tolist()):
        here = names == name
        offset[here] = shifted(shifts[name], offset[here])
    versions = table["body_version"].to_pylist()
    bodies = table["body_offset"].to_pylist()
    for at, (version, name) in enumerate(zip(versions, table["body_warc"].to_pylist(), strict=True)):
        if version in moved:
            versions[at], segments = moved[version]
            bodies[at] = int(shifted(segments[name], np.array([bodies[at]]))[0])
    new = {"offset": offset, "about": about + offset, "body_version": versions, "body_offset": bodies}
    for name, values in new.items():
        at = table.column_names.index(name)
        table = table.set_column(
            at, table.schema.field(name), pa.array(values, table.schema.field(name).type)
        )
    return table


def _bury(job: Job, ledger: Ledger, rows: pa.Table, leaks: Mask) -> None:
    """Note and count captures that go."""
    counts = ledger.counts
    for row, leak in zip(rows.to_pylist(), leaks.tolist(), strict=True):
        reason = SHARES if leak else job.removed.why.get(row["url"], "same_capture")
        job.report.bury("capture", row["sha256"], row["url"], row["source"], reason)
        counts["captures"] -= 1
        for name in (
            f"captures_{row['state']}",
            *(f"{c} {row[c] or 'none'}" for c in ("status", "media_type", "kind")),
        ):
            if name in counts:
                counts[name] -= 1
        counts["bytes_new"] -= row["n_bytes"] * (row["state"] == "new" and "bytes_new" in counts)
        if row["problem"]:
            counts["kept_aside"] -= "kept_aside" in counts
            ledger.drops[row["problem"]] -= row["problem"] in ledger.drops
        ledger.licenses[row["license"]] -= 1
    job.report.rows["captures"] += rows.num_rows
    for counter in (counts, ledger.drops, ledger.licenses):
        for name in [
            name
            for name, number in counter.items()
            if number <= 0 and rows.num_rows and counter is not counts
        ]:
            del counter[name]
