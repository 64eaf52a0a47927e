"""A corpus version without what goes: shards filtered, clusters with new survivors, gathered rows made again, index moved."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus import shards
from corpus.contamination.decontaminate import (
    CONTAMINATION,
    TESTS,
    build_index,
    find_overlaps,
    find_tests,
    rows,
    treated,
)
from corpus.contamination.overlaps import Index as TestIndex
from corpus.document import Document, Drop
from corpus.duplicates.index import FOLDER, index_of
from corpus.formats import render
from corpus.recipe import CorpusRecipe
from corpus.repeats import Batch, Repeats, count_repeats, described
from corpus.takedown import gathered, places
from corpus.takedown.clusters import Verdict, judged, made_again, orphans
from datacards.errors import UserError
from datacards.takedown.eraser import Job
from datacards.takedown.removed import Mask
from datacards.takedown.tables import Ledger, erase_tables, held, judge, link, put

TOLD = "tests.parquet"
Row = dict[str, Any]


@dataclass
class Shard:
    """What a shard gets beside the rows of its tables that stay."""

    documents: list[Document] = field(default_factory=list)  # new survivors, behind the others
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))


def erase(job: Job) -> None:
    """Fill the draft of a corpus version with what stays of it."""
    recipe = CorpusRecipe.model_validate(job.card.recipe)
    ledger = Ledger(job.card)
    tables = [
        name
        for name in held(job.card)
        if name.endswith(".parquet") and "/" in name and not name.startswith(FOLDER)
    ]
    keep = {name: judge(job, job.folder / name, Path(name).parent.name) for name in tables}
    verdicts = judged(made_again(job, recipe, orphans(job, keep)), recipe)
    new = _survivors(job, recipe, verdicts, keep)
    gathered.again(job, recipe, keep, lambda file: new[file].rows)
    changed = {v.member.said["document_id"]: v for v in verdicts if v.reason}
    for name in tables:
        more = new[Path(name).name].rows.pop(Path(name).parent.name, [])
        schema = pq.read_schema(job.folder / name)
        added = pa.Table.from_pylist(more, schema=schema) if more else None
        touched = bool(changed) and name.startswith("dropped/")
        put(job, name, keep[name], ledger, more=added, change=_renamed(changed) if touched else None)
    _further(job, new, ledger)
    places.move(job, keep, verdicts, ledger)
    erase_tables(job, ledger, but=lambda name: name in tables or name.startswith(FOLDER) or name == TOLD)
    _tests(job, ledger)
    for ref in job.card.made_from:
        gone = job.notes / f"{ref}.gone"
        ledger.counts["captures"] -= int(gone.read_text()) if gone.is_file() else 0
    ledger.settle(job.draft)


def _renamed(changed: Mapping[str, Verdict]) -> Callable[[pa.Table], pa.Table]:
    """Return what lets dropped documents name their new survivors."""

    def change(table: pa.Table) -> pa.Table:
        ids, stages = table["document_id"].to_pylist(), table["stage"].to_pylist()
        verdicts = [
            changed.get(one) if stage == "dedup" else None for one, stage in zip(ids, stages, strict=True)
        ]
        for name in ("reason", "detail"):
            old = table[name].to_pylist()
            values = [
                (v.reason if name == "reason" else v.into) if v else was
                for v, was in zip(verdicts, old, strict=True)
            ]
            at = table.column_names.index(name)
            table = table.set_column(at, table.schema.field(name), pa.array(values, pa.string()))
        return table

    return change


def _survivors(
    job: Job, recipe: CorpusRecipe, verdicts: Sequence[Verdict], keep: Mapping[str, Mask]
) -> dict[str, Shard]:
    """Return by file name what the new survivors bring to their shards; their rows in ``dropped/`` go."""
    new: dict[str, Shard] = defaultdict(Shard)
    heads = [verdict for verdict in verdicts if not verdict.reason]
    tests, repeats = _tests_of(job, recipe) if heads else None, _repeats(job, recipe) if heads else None
    for verdict in heads:
        member = verdict.member
        assert member.document is not None  # noqa: S101  a survivor was made again
        document = replace(member.document, cluster_size=verdict.size)
        if repeats and (position := repeats[1].get(bytes.fromhex(document.id))) is not None:
            document = described(document, repeats[0], position)
        shard = new[member.shard]
        overlaps = find_overlaps(document, tests) if tests else []
        if overlaps and recipe.decontamination:
            shard.rows["contamination"] += rows(document, overlaps, recipe.decontamination)
            result = treated(document, overlaps, recipe.decontamination)
            if isinstance(result, Drop):
                # It stays in its place, under the reason for which it now leaves.
                job.report.lost.append({"id": document.id, "url": document.url, "why": result.reason})
                continue
            document = result
        keep[f"dropped/{member.shard}"][member.row] = False
        shard.documents.append(document)
        job.report.survivors.append({"taken_down": member.old, "survivor": document.id, "url": document.url})
    for verdict in verdicts:
        if verdict.reason == "survivor_taken_down":
            said = verdict.member.said
            job.report.lost.append({"id": said["document_id"], "url": said["url"], "why": verdict.reason})
    for shard in new.values():
        shard.documents.sort(key=lambda one: one.id)
        for config, chosen in recipe.rendered().items():
            shard.rows[config] += map(shards.document_row, render(shard.documents, config, chosen))
        shard.rows["facts"] += [row for one in shard.documents for row in shards.fact_rows(one)]
    return new


def _tests_of(job: Job, recipe: CorpusRecipe) -> TestIndex | None:
    if not (held_against := recipe.decontamination):
        return None
    try:
        return build_index(find_tests(held_against), held_against)
    except UserError as error:  # the folder of tests that are not shipped is not here
        job.report.notes.append(f"new survivors were not held against the tests: {error.received}")
        return None


def _repeats(job: Job, recipe: CorpusRecipe) -> tuple[Repeats, dict[bytes, int]] | None:
    """Return what is said before among the documents that stay, and the positions of all by their keys."""
    if not recipe.repeats:
        return None
    index = index_of([], [job.folder])
    gone = np.isin(_hex(index.words("key")), np.array(sorted(job.removed.ids), "U32"))

    def said() -> Iterable[Batch]:
        for one in index.said():
            stays = ~gone[one.documents]
            yield Batch(one.documents[stays], one.sentences[stays])

    found = count_repeats(said, index.issuers(), index.numbers("available"), recipe.repeats)
    wanted = {bytes.fromhex(one): at for at, one in enumerate(_hex(index.words("key")).tolist())}
    return found, wanted


def _hex(words: NDArray[np.uint64]) -> NDArray[np.str_]:
    return np.array([f"{a:016x}{b:016x}" for a, b in words.tolist()], "U32")


def _further(job: Job, new: Mapping[str, Shard], ledger: Ledger) -> None:
    """Write the tables that a shard did not have before."""
    for name, shard in sorted(new.items()):
        for config, more in sorted(shard.rows.items()):
            if more:
                schema = {"facts": shards.FACT, "contamination": CONTAMINATION}.get(config, shards.DOCUMENT)
                table = pa.Table.from_pylist(more, schema=schema)
                ledger.take(config, table, 1)
                shards.write_table(job.draft.path / config / name, table)
                job.draft.rows[f"{config}/{name}"] = table.num_rows
                job.report.files_written += 1


def _tests(job: Job, ledger: Ledger) -> None:
    """Tell of each test what is touched now."""
    path = job.folder / TOLD
    if not path.is_file():
        return
    if not job.report.rows["contamination"] and not job.report.survivors:
        link(path, job.draft.path / TOLD)
        job.draft.rows[TOLD] = pq.read_metadata(path).num_rows
        return
    touched: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in shards.shard(job.draft.path, "contamination", "train"):
        for row in shards.read(one, ["test", "item", "document_id", "answered"]):
            touched[row["test"]]["items_touched"].add(row["item"])
            touched[row["test"]]["documents"].add(row["document_id"])
            if row["answered"]:
                touched[row["test"]]["items_answered"].add(row["item"])
    told = [
        {
            **row,
            **{
                name: len(touched[row["test"]][name])
                for name in ("items_touched", "items_answered", "documents")
            },
        }
        for row in shards.read(path)
    ]
    job.draft.rows[TOLD] = shards.write(job.draft.path / TOLD, told, TESTS)
    if "test_items_touched" in ledger.counts:
        ledger.counts["test_items_touched"] = sum(row["items_touched"] for row in told)
