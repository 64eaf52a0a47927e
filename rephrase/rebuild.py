"""The rebuilder of the rephrase stage: questions made from facts are made again; what a model wrote is not."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from corpus import shards
from corpus.document import Document, Fact
from datacards import plugins
from datacards.rebuild.base import MADE_BY_MODEL, OTHER_TEXT, PARENT_MISSING, Found, Pending, Rebuilder, Task
from datacards.rebuild.groups import words
from datacards.rebuild.sources import Words, among
from datacards.recipe import validate
from datacards.takedown.tables import captured
from rephrase.base import REPHRASED, Generator, Reject
from rephrase.recipe import RephraseRecipe
from rephrase.run import to_document

_ASKED = pa.array(["qa", "multiple_choice"])  # what facts give
_BUFFER = 5000  # questions that wait to be written
_NO_MODEL = "facts"  # the generator whose questions come out alike


class Questions(Rebuilder):
    """Asks again what the facts of all documents say: which question comes out depends on every one of them."""

    def made(self, recipe: Mapping[str, Any]) -> bool:
        """Say whether a recipe is one of ``kanagura rephrase``."""
        return {"generator", "styles"} <= recipe.keys()

    def rebuild(self, task: Task) -> Iterator[Found]:
        """Yield what was made again, a group at a time; see ``Rebuilder``. Memory grows with the number of facts."""
        recipe = validate(task.told.ref, dict(task.told.recipe), RephraseRecipe)
        if recipe.generator != _NO_MODEL:
            for pending in task.pending():
                yield _explained(pending, MADE_BY_MODEL, recipe.generator)
            return
        made = task.work / "questions"
        if not (made / "whole").is_file():
            _generate(task, recipe, made)
        here = _documents(task.folder)
        for pending in task.pending():
            rows = _read(made / pending.group.label, pending)
            why = {**_explained(pending, OTHER_TEXT, "").why, **_orphans(pending, here)}
            yield Found(pending.group, rows, why=why)


def _explained(pending: Pending, outcome: str, detail: str) -> Found:
    """Return the same outcome for all questions and rephrasings; what is none was told of by others."""
    asked = pc.or_(pc.is_in(pending.pointers["format"], _ASKED), _rephrased(pending.pointers))
    questions = pending.pointers.filter(asked)
    return Found(pending.group, {}, why=dict.fromkeys(questions["id"].to_pylist(), (outcome, detail)))


def _rephrased(pointers: pa.Table) -> pa.ChunkedArray:
    """Return which pointers stand for rephrasings: Markdown that was made from documents, not from captures."""
    made = pa.array(~captured(pointers["made_from"]))
    return pc.and_(pc.equal(pointers["format"], "markdown"), pa.chunked_array([made]))


def _documents(folder: Path) -> Words:
    """Return the ids of all base documents of a version as sorted numbers, 8 bytes for each."""
    found = (
        words(pq.read_table(path, columns=["id"])["id"]) for path in shards.shard(folder, "markdown", "*")
    )
    return np.sort(np.concatenate([np.empty(0, np.uint64), *found]))


def _orphans(pending: Pending, here: Words) -> dict[str, tuple[str, str]]:
    """Return why questions cannot come back whose documents are not all among ``here``."""
    parents = pending.pointers["made_from"].combine_chunks()
    ids = parents.flatten().field("id")
    gone = np.flatnonzero(~among(words(ids), here))
    rows = pc.list_parent_indices(parents).take(pa.array(gone))
    asked = pc.is_in(pending.pointers["format"], _ASKED).combine_chunks().take(rows).to_pylist()
    names = pending.pointers["id"].take(rows).to_pylist()
    lost = zip(names, ids.take(pa.array(gone)).to_pylist(), asked, strict=True)
    return {name: (PARENT_MISSING, f"its parent {one}") for name, one, question in lost if question}


def _generate(task: Task, recipe: RephraseRecipe, made: Path) -> None:
    """Write the questions that pointers ask for into a folder per group, and the mark ``whole`` when all are there."""
    generator: Generator = plugins.make("kanagura.generators", recipe.generator, recipe.options)
    labels, ids, groups = _asked(task.every())
    waiting: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    order = {source: number for number, source in enumerate(_sources(task))}
    parts = held = 0

    def flush() -> None:
        nonlocal parts, held
        for label, rows in waiting.items():
            shards.write(made / label / f"{parts:05d}.parquet", rows, shards.DOCUMENT)
        waiting.clear()
        parts, held = parts + 1, 0

    task.work.mkdir(parents=True, exist_ok=True)
    found = generator.generate(
        lambda: documents_of(task.folder, order), styles=recipe.styles, seed=recipe.seed, work=task.work
    )
    for item in tqdm(found, desc="questions", unit="", disable=None):
        if isinstance(item, Reject):
            continue
        document = to_document(item, recipe.generator)
        word = words(pa.array([document.id]))
        if among(word, ids)[0]:
            row = shards.document_row(document)
            for group in groups[np.searchsorted(ids, word[0]) : np.searchsorted(ids, word[0], "right")]:
                waiting[labels[group]].append(row)
            held += 1
            if held == _BUFFER:
                flush()
    flush()
    made.mkdir(parents=True, exist_ok=True)
    (made / "whole").touch()


def _asked(every: Iterable[Pending]) -> tuple[list[str], Any, Any]:
    """Return the labels of groups, and sorted ids of questions with the number of the group of each."""
    labels: list[str] = []
    ids, groups = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for group, pointers in every:
        own = np.unique(words(pointers.filter(pc.is_in(pointers["format"], _ASKED))["id"]))
        ids.append(own)
        groups.append(np.full(len(own), len(labels), np.int64))
        labels.append(group.label)
    every_id, every_group = np.concatenate(ids), np.concatenate(groups)
    order = np.argsort(every_id, kind="stable")
    return labels, every_id[order], every_group[order]


def _read(folder: Path, pending: Pending) -> dict[str, dict[str, Any]]:
    asked = set(pending.pointers["id"].to_pylist())
    rows = (row for path in sorted(folder.glob("*.parquet")) for row in shards.read(path))
    return {row["id"]: row for row in rows if row["id"] in asked}


def _sources(task: Task) -> list[str]:
    """Return the sources in the order in which the corpus read their captures."""
    named = [str(ref) for told in task.recipes.values() if told.kind == "dataset" for ref in told.made_from]
    captures = [
        task.recipes[ref] for ref in named if ref in task.recipes and task.recipes[ref].kind == "captures"
    ]
    return list(dict.fromkeys(source for told in captures for source in told.sources))


def documents_of(folder: Path, order: Mapping[str, int]) -> Iterator[Document]:
    """Yield the base documents of a version that is split by source, facts attached, in the order of the corpus.

    That is the sources in ``order``, and in each source by address, as captures are. In memory are all facts.
    """
    facts: defaultdict[str, list[Fact]] = defaultdict(list)
    for path in shards.shard(folder, "facts", "*"):
        for row in shards.read(path):
            facts[row["document_id"]].append(shards.row_fact(row))
    files: defaultdict[tuple[int, str], list[Path]] = defaultdict(list)
    for path in shards.shard(folder, "markdown", "*"):
        first = next(shards.read(path, ["source"]), {"source": ""})["source"]
        files[order.get(first, len(order)), first].append(path)
    for _, paths in sorted(files.items()):
        for row in heapq.merge(*map(shards.read, paths), key=itemgetter("url")):
            document = shards.row_document(row, facts.get(row["id"], ()))
            if document.meta.get("kind") != REPHRASED:
                yield document
