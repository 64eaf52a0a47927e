"""The rebuilder of the corpus stage: extraction, steps and formats as the recorded recipe says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import shards
from corpus.contamination.decontaminate import (
    DecontaminationOptions,
    build_index,
    find_overlaps,
    find_tests,
    treated,
)
from corpus.contamination.overlaps import Index
from corpus.document import Document
from corpus.extract.ocr import engine
from corpus.prepare import Plan
from corpus.rebuild.evidence import prepare_wanted
from corpus.rebuild.render import Together, rendered, together
from corpus.rebuild.wanted import Made, Wanted, document_of
from corpus.recipe import CorpusRecipe
from corpus.times.asof import AsOf
from corpus.times.withdrawn import edited_later, withdrawn
from datacards.card import Ref
from datacards.errors import UserError
from datacards.rebuild.base import Found, Pending, Rebuilder, Task
from datacards.rebuild.groups import word_of, words
from datacards.rebuild.sources import Words
from datacards.recipe import validate
from datacards.store import Store
from datacards.takedown.receipt import TakenDown

TOGETHER = 500  # base documents that are in memory together, but for those that a format gathers


class Documents(Rebuilder):
    """Makes base documents from captures, and from those the other formats.

    What de-duplication, repeats and marks say of a document is in the pointer or in no text. Facts that point into a
    proven document are true of it.
    """

    def made(self, recipe: Mapping[str, Any]) -> bool:
        """Say whether a recipe is one of ``kanagura corpus``."""
        return {"captures", "steps", "formats"} <= recipe.keys()

    def rebuild(self, task: Task) -> Iterator[Found]:
        """Yield what was made again, a group at a time; see ``Rebuilder``."""
        recipe = validate(task.told.ref, dict(task.told.recipe), CorpusRecipe)
        released = Released(task.folder)
        wanted = Wanted(task.every, released.ids)
        made = _cutting(recipe.decontamination)
        folders = _folders(task, recipe)
        prepare_wanted(wanted, folders, task.work / "prepared", task.workers, made)
        base = _Base(wanted, released, made or document_of)
        for pending in task.pending():
            yield from _parts(pending, base, recipe)


class Released:
    """The base documents that the release itself holds: 16 bytes for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = [path for path in shards.shard(folder, "markdown", "*") if "-rebuilt" not in path.name]
        found = [words(pq.read_table(path, columns=["id"])["id"]) for path in self.files]
        self._every = np.concatenate([np.empty(0, np.uint64), *found])
        self._file = np.repeat(np.arange(len(found)), [len(one) for one in found])
        self.ids: Words = np.unique(self._every)

    def documents(self, names: Sequence[str]) -> dict[str, Document]:
        """Return those of ``names`` that are here, with their facts, in the order of the files."""
        wanted = np.array([word_of(name) for name in names], np.uint64)
        files = np.unique(self._file[np.isin(self._every, wanted)])
        asked = pa.array(names, pa.string())
        found: dict[str, Document] = {}
        facts = self._facts(asked) if len(files) else {}
        for path in (self.files[number] for number in files):
            table = pq.read_table(path)
            for row in table.filter(pc.is_in(table["id"], asked)).to_pylist():
                found[row["id"]] = shards.row_document(row, facts.get(row["id"], ()))
        return found

    def _facts(self, asked: pa.Array) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for path in shards.shard(self.folder, "facts", "*"):
            if "-rebuilt" not in path.name:
                table = pq.read_table(path)
                for row in table.filter(pc.is_in(table["document_id"], asked)).to_pylist():
                    found.setdefault(row["document_id"], []).append(shards.row_fact(row))
        return found


def _folders(task: Task, recipe: CorpusRecipe) -> list[tuple[Path, Plan]]:
    """Return the captures to read, in order, each with what its captures are put through."""
    folders = [_whole(task.store, ref) for ref in task.captures]
    gone = withdrawn(folders)  # as is known today: what a publisher took back since is not made again
    ocr = engine(recipe.ocr)
    taken_down = (
        TakenDown.read(task.store) or None
    )  # holds for captures, too, that came here after the takedown
    plan = Plan(recipe.calls(), recipe.dedup, gone, recipe.repeats, None, ocr, taken_down)
    own = {str(ref) for ref in task.told.made_from}
    mine = [folder for ref, folder in zip(task.captures, folders, strict=True) if str(ref) in own]
    day = recipe.as_of
    # What came later cannot tell what was out on a day, so only the captures of then are held against it.
    then = plan._replace(then=AsOf(day, recipe.as_of_strict, edited_later(mine, day))) if day else plan
    return [
        (folder, then if str(ref) in own else plan)
        for ref, folder in zip(task.captures, folders, strict=True)
    ]


def _whole(store: Store, ref: Ref) -> Path:
    """Return the folder of captures, with those that hold bodies of theirs on this machine."""
    for below in store.card(ref).made_from:
        if store.digest(below):
            store.path(below)
    return store.path(ref)


def _cutting(options: DecontaminationOptions | None) -> Made | None:
    """Return what makes of a prepared row the document that tests left of it, None where nothing was cut.

    Tests that are not on this machine cut nothing: what they cut then comes out as another text.
    """
    if options is None or "cut" not in {options.policy, *options.policies.values()}:
        return None
    try:
        tests = find_tests(options)
    except UserError:
        tests = find_tests(options.model_copy(update={"folder": "", "tests": _shipped(options)}))
    return partial(_cut, index=build_index(tests, options), options=options)


def _shipped(options: DecontaminationOptions) -> tuple[str, ...]:
    names = []
    for name in options.tests:
        try:
            find_tests(options.model_copy(update={"folder": "", "tests": (name,)}))
        except UserError:
            continue
        names.append(name)
    return tuple(names)


def _cut(row: dict[str, Any], index: Index, options: DecontaminationOptions) -> Document | None:
    document = document_of(row)
    if document is None:
        return None
    overlaps = find_overlaps(document, index)
    result = treated(document, overlaps, options) if overlaps else document
    return result if isinstance(result, Document) else None


class _Base:
    """The base documents that can be had: those made again, and those that the release holds."""

    def __init__(self, wanted: Wanted, released: Released, made: Made) -> None:
        self.wanted, self.released, self.made = wanted, released, made

    def again(self, names: Sequence[str]) -> list[Document]:
        """Return those of ``names`` that were made again, in the order of their captures."""
        asked = set(names)
        placed = sorted((place, self.made(row)) for place, row in self.wanted.rows(names))
        return [one for _, one in placed if one and one.id in asked]

    def every(self, names: Sequence[str]) -> list[Document]:
        """Return all that can be had of ``names``, in the order of their captures."""
        here, again = self.released.documents(names), self.again(names)
        # Where both kinds stood in one shard, its order was by address, as that of captures is.
        both = [*here.values(), *again]
        return sorted(both, key=lambda one: one.url) if here and again else both

    def why(self, names: Iterable[str], documents: Iterable[Document]) -> dict[str, tuple[str, str]]:
        """Return why the others of ``names`` cannot be had."""
        known = {one.id for one in documents}
        return {name: self.wanted.why(name) for name in names if name not in known}


def _parts(pending: Pending, base: _Base, recipe: CorpusRecipe) -> Iterator[Found]:
    """Yield the base documents of a group, some at a time, then what was derived from them."""
    pointers = pending.pointers
    names = pointers.filter(pc.equal(pointers["format"], "markdown"))["id"].to_pylist()
    for at in range(0, len(names), TOGETHER):
        some = names[at : at + TOGETHER]
        again = base.again(some)
        facts = [row for one in again for row in shards.fact_rows(one)]
        rows = {one.id: shards.document_row(one) for one in again}
        table = pa.Table.from_pylist(facts, schema=shards.FACT)
        yield Found(pending.group, rows, table, base.why(some, again))
    for sets in _batches(together(pointers)):
        needed = list(dict.fromkeys(name for _, parents in sets for name in parents))
        documents = base.every(needed)
        why = base.why(needed, documents)
        found: dict[str, Any] = {}
        reasons: dict[str, tuple[str, str]] = {}
        for asked, parents in sets:
            mine = set(parents)
            own = [one for one in documents if one.id in mine]
            rows, told = rendered(pointers.take(pa.array(asked)), own, recipe.rendered(), why)
            found |= rows
            reasons |= told
        yield Found(pending.group, found, why=reasons)


def _batches(sets: Iterable[Together]) -> Iterator[list[Together]]:
    """Yield sets of pointers that need at most ``TOGETHER`` base documents, or one set that needs more."""
    batch: list[Together] = []
    held = 0
    for one in sets:
        if batch and held + len(one[1]) > TOGETHER:
            yield batch
            batch, held = [], 0
        batch.append(one)
        held += len(one[1])
    if batch:
        yield batch
