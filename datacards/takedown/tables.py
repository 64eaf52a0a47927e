"""Tables and ledgers without the rows that go: what stays is the same value for value, files without any are linked."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.card import Card
from datacards.rights import counted
from datacards.store import Draft
from datacards.takedown.eraser import Job
from datacards.takedown.removed import Mask

#: What the store, or the stage, writes anew for every version out of its files and its card.
RENDERED = ("README.md", "SHA256SUMS", "profile.json", "croissant.json")
PLOTS = "plots/"
#: Tables whose rows have evidence of their own, and those that hold no text of documents at all.
EVIDENCE, TEXTLESS = ("markdown", "pointers"), ("index", "similar", "contamination")
#: Tables whose rows have no id of their own, and hold what was written about documents, or cut out of them.
UNNAMED = ("dropped", "replies", "verdicts")
SHARES = "shares_text"  # why a row goes that nobody named: it says what only removed texts say
_REPHRASED = "rephrase"  # the stage of drops that were made from documents, and are no documents themselves


class Ledger:
    """The counts, drops and rights of a card, less what goes and more what comes."""

    def __init__(self, card: Card) -> None:
        self.counts, self.drops = Counter(card.counts), Counter(card.drops)
        self.licenses = Counter({one.license: one.records for one in card.rights})

    def take(self, config: str, rows: pa.Table, sign: int) -> None:
        """Count rows of a table of documents, facts or drops, with ``sign`` -1 for those that go."""
        names = rows.column_names
        if config == "dropped":
            for reason, number in _values(rows, "reason").items():
                self._add(self.drops, reason, sign * number)
        elif config == "similar":
            self._known("similar_pairs_kept", sign * rows.num_rows)
        self._known(f"documents_{config}" if "made_from" in names else config, sign * rows.num_rows)
        if "n_chars" in names:
            self._known(f"characters_{config}", sign * sum(rows["n_chars"].to_pylist()))
        if "made_from" in names and "license" in names:
            for license_, number in _values(rows, "license").items():
                self._add(self.licenses, license_, sign * number)
        if config == "markdown":
            for source, number in _values(rows, "source").items():
                self._known(f"source_{source}", sign * number)
            if "meta" in names:
                self._marks(rows["meta"].to_pylist(), sign)

    def _marks(self, metas: Iterable[str], sign: int) -> None:
        for meta in map(json.loads, metas):
            self._known("contaminated", sign * ("contamination" in meta))
            for kind, number in json.loads(meta.get("personal", "{}")).items():
                self._known(f"personal_{kind}", sign * number)

    def _known(self, name: str, number: int) -> None:
        if name in self.counts:
            self.counts[name] += number

    @staticmethod
    def _add(counter: Counter[str], name: str, number: int) -> None:
        counter[name] += number
        if counter[name] <= 0 and number < 0:
            del counter[name]

    def settle(self, draft: Draft) -> None:
        """Write what is counted now into a draft."""
        draft.counts.update(self.counts)
        draft.drops.update(self.drops)
        draft.rights.extend(counted(self.licenses))


def _values(rows: pa.Table, name: str) -> Counter[str]:
    return Counter(rows[name].to_pylist())


def groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield a Parquet file row group by row group."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=columns)


def judge(job: Job, path: Path, config: str) -> Mask:
    """Return which rows of a table stay; note in the report of the job what goes, and why."""
    masks = [np.zeros(0, np.bool_)]
    for table in groups(path):
        gone = job.removed.rows(table)
        leaks = np.zeros(len(gone), np.bool_)
        made = derived(table, config)
        if config in UNNAMED:
            gone |= job.removed.said(table) & made
        if job.search and config not in TEXTLESS and made.any():
            leaks = job.search.leaks(table) & ~gone & made
        for mask, reason in ((gone, ""), (leaks, SHARES)):
            if mask.any():
                _bury(job, table.filter(pa.array(mask)), path, reason)
        masks.append(~(gone | leaks))
    return np.concatenate(masks)


def derived(table: pa.Table, config: str) -> Mask:
    """Return which rows were made from documents; the others have evidence of their own."""
    if config == "markdown" and "made_from" in table.column_names:
        return ~captured(table["made_from"])
    if config in EVIDENCE:
        return np.zeros(table.num_rows, np.bool_)
    if config == "dropped":
        return np.array([stage == _REPHRASED for stage in table["stage"].to_pylist()], np.bool_)
    return np.ones(table.num_rows, np.bool_)


def captured(made_from: pa.ChunkedArray) -> Mask:
    """Return which rows were made from captures: a rephrasing is Markdown, too, but made from documents."""
    column = made_from.combine_chunks()
    mask = np.zeros(len(column), np.bool_)
    parents = pc.starts_with(pc.struct_field(pc.list_flatten(column), "id"), "sha256:")
    mask[np.asarray(pc.list_parent_indices(column))[np.asarray(parents)]] = True
    return mask


def _bury(job: Job, rows: pa.Table, path: Path, reason: str) -> None:
    """Note rows that go; of what has an id of its own, a tombstone each."""
    config = path.parent.name
    job.report.rows[config] += rows.num_rows
    job.report.rows[f"split {path.name.partition('-')[0]}"] += rows.num_rows
    names = rows.column_names
    named = "id" if "id" in names and config != "similar" else "document_id" if config == "dropped" else ""
    if not named:
        return
    empty = [""] * rows.num_rows
    columns = [rows[name].to_pylist() if name in names else empty for name in (named, "url", "source")]
    for name, url, source in zip(*columns, strict=True):
        why = reason or job.removed.why.get(name) or job.removed.why.get(url) or "made_from"
        job.report.bury("document" if config != "dropped" else "dropped", name or "", url, source, why)


def put(
    job: Job,
    name: str,
    keep: Mask,
    ledger: Ledger,
    *,
    more: pa.Table | None = None,
    change: Callable[[pa.Table], pa.Table] | None = None,
) -> None:
    """Lay a table down in the draft without the rows that go, behind them ``more``; link it when it stays as it is.

    ``change`` may put other values into rows that stay.
    """
    path, out = job.folder / name, job.draft.path / name
    config = Path(name).parent.name
    if keep.all() and more is None and change is None:
        link(path, out)
        job.draft.rows[name] = len(keep)
        job.report.files_linked += 1
        job.report.kept[config] += len(keep)
        return
    count, start, writer = 0, 0, None
    part = out.with_name(f".{out.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for table in groups(path):
        mask = pa.array(keep[start : start + table.num_rows])
        start += table.num_rows
        stays = table.filter(mask)
        ledger.take(config, table.filter(pc.invert(mask)), -1)
        if change is not None:
            ledger.take(config, stays, -1)
            stays = change(stays)
            ledger.take(config, stays, 1)
        count += stays.num_rows
        if stays.num_rows:
            writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
            writer.write_table(stays)
    if more is not None and more.num_rows:
        writer = writer or pq.ParquetWriter(part, more.schema, compression="zstd")
        writer.write_table(more.cast(writer.schema))
        ledger.take(config, more, 1)
    job.report.kept[config] += count
    if writer:
        writer.close()
        part.replace(out)
        job.draft.rows[name] = count + (more.num_rows if more is not None else 0)
        job.report.files_written += 1


def lines(job: Job, name: str, goes: Callable[[bytes], bool] | None = None) -> list[bytes]:
    """Lay a JSON Lines file down in the draft without the lines that go, and return these."""
    path = job.folder / name
    gone: list[bytes] = []
    kept: list[bytes] = []
    for line in path.read_bytes().splitlines(keepends=True):
        row = json.loads(line)
        leaks = job.search is not None and job.search.leaks_in(line.decode("utf-8", "replace"))
        named = job.removed.line(row) or (goes is not None and goes(line))
        (gone if named or leaks else kept).append(line)
    if gone:
        out = job.draft.path / name
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(b"".join(kept))
        job.report.rows[name] += len(gone)
        job.report.files_written += 1
    else:
        link(path, job.draft.path / name)
        job.report.files_linked += 1
    if name in job.draft.rows or any(file.path == name and file.rows is not None for file in job.card.files):
        job.draft.rows[name] = len(kept)
    return gone


def link(path: Path, target: Path) -> None:
    """Let ``target`` be the finished file ``path``: linked, or copied to another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(path, target)


def held(card: Card) -> list[str]:
    """Return the files of a version that are no rendering of others, in order."""
    return [file.path for file in card.files if file.path not in RENDERED and not file.path.startswith(PLOTS)]


def erase_tables(job: Job, ledger: Ledger, *, but: Callable[[str], bool] = lambda _: False) -> None:
    """Fill a draft with the files of any version, but those that ``but`` names: tables and ledgers filtered, others linked."""
    for name in held(job.card):
        if but(name):
            continue
        if name.endswith(".jsonl"):
            lines(job, name)
        elif name.endswith(".parquet") and "/" in name:
            put(job, name, judge(job, job.folder / name, Path(name).parent.name), ledger)
        else:
            link(job.folder / name, job.draft.path / name)
            job.report.files_linked += 1
            if rows := next((file.rows for file in job.card.files if file.path == name), None):
                job.draft.rows[name] = rows
