"""Recipe -> dataset version: choose captures, extract and clean them in a sandbox, and have the rest finished."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tqdm import tqdm

from corpus import shards
from corpus.captures import INDEX
from corpus.contamination.decontaminate import find_tests
from corpus.engine import Engine, Local
from corpus.extract.ocr import engine as ocr_engine
from corpus.finish import code_digest, finish
from corpus.prepare import Chunk, Plan, chunks, known_as, write_chunk, write_chunks, write_left_out
from corpus.recipe import CorpusRecipe
from corpus.times.asof import AsOf, choices
from corpus.times.withdrawn import edited_later, withdrawn
from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Draft, Store
from datacards.takedown.receipt import TakenDown


def inputs(recipe: CorpusRecipe, store: Store, pins: Sequence[str] = ()) -> tuple[Ref, ...]:
    """Return the captures versions that the recipe reads, then the version that it extends, if any.

    A name alone stands for its newest version, as of a day for all: what was current then lies in an older one.
    A pin, ``name@version``, fixes one of the captures. Raises UserError for a pin that the recipe does not name,
    and for a version that does not exist.
    """
    names = [name.partition("@")[0] for name in recipe.captures]
    pinned: dict[str, list[str]] = defaultdict(list)
    for pin in pins:
        if (name := pin.partition("@")[0]) not in names:
            raise UserError(
                "--captures", f"'{pin}' is no input of {recipe.name}", f"its inputs: {', '.join(names)}"
            )
        pinned[name].append(pin)
    wanted = chain.from_iterable(
        pinned.get(text.partition("@")[0], _all(store, text) if recipe.as_of else [text])
        for text in recipe.captures
    )
    older = [recipe.extends] if recipe.extends else []
    return tuple(dict.fromkeys(map(store.resolve, [*wanted, *older])))


def _all(store: Store, text: str) -> list[str]:
    if "@" in text:
        return [text]
    withdrawn = store.withdrawn()
    return [name for name in map(str, store.refs(text)) if name not in withdrawn] or [text]


def run(
    recipe: CorpusRecipe,
    store: Store,
    made_from: Sequence[Ref],
    *,
    workers: int = 1,
    engine: Engine | None = None,
) -> Ref:
    """Make the version that ``recipe`` asks for out of the inputs ``made_from`` and return it.

    The inputs are verified before any work. A run that was killed goes on where it stopped, and the same
    inputs give the same bytes, whatever the engine. In memory are, for each worker, a chunk of captures or the
    documents of one shard, and about 150 bytes per document for finding duplicates; only the latter grows.
    Raises UserError for damaged inputs.
    """
    captures, older = _verified(recipe, store, made_from)
    if recipe.decontamination:
        find_tests(recipe.decontamination)  # a wrong name or folder is told before the work, not after it
    with (
        closing(engine or Local(workers)) as where,
        store.write(
            name=recipe.name,
            version=recipe.version,
            kind="dataset",
            recipe=recipe.model_dump(mode="json"),
            made_from=made_from,
            description=recipe.description,
        ) as draft,
    ):
        draft.clear()  # what is finished lies in the working folder until all of it is
        prepared = _prepare(recipe, store, captures, older, draft=draft, engine=where)
        finish(recipe, prepared, draft, where, [store.path(ref) for ref in older])
        if not any(draft.counts[f"documents_{name}"] for name in recipe.rendered()):
            told = ", ".join(f"{reason} {number:,}" for reason, number in draft.drops.most_common(5))
            raise UserError(
                recipe.name, f"not one document is left ({told})", "", "mend the steps or the captures"
            )
    return store.resolve(f"{recipe.name}@{recipe.version}")


def _verified(recipe: CorpusRecipe, store: Store, made_from: Sequence[Ref]) -> tuple[list[Ref], list[Ref]]:
    """Return the captures versions and the version to extend, once every byte of them is as it was made."""
    old = store.resolve(recipe.extends) if recipe.extends else None
    captures = [store.verified(str(ref), "captures") for ref in made_from if ref != old]
    if not old:
        return captures, []
    store.verified(str(old), "dataset")
    said = store.card(old).recipe
    then = said.get("as_of")
    if recipe.as_of and not (then and then <= recipe.as_of.isoformat()):
        raise UserError(
            recipe.name,
            f"extends {old}, which is as of {then or 'the day it was made'}",
            f"a version as of {recipe.as_of} or earlier",
            "leave out extends",
        )
    for field, asked in recipe.model_dump(mode="json").items():
        if field in ("steps", "dedup", "repeats", "formats") and said.get(field) != asked:
            raise UserError(
                recipe.name,
                f"extends {old}, which has other {field}",
                f"{field} as there: {said.get(field)}",
                "take them over, or leave out extends",
            )
    if "markdown" not in recipe.rendered():
        raise UserError(
            recipe.name,
            f"extends {old}, which has no format markdown",
            "a version whose texts new ones can be compared with",
            "make both with the format markdown, or leave out extends",
        )
    return captures, [old]


def _prepare(
    recipe: CorpusRecipe,
    store: Store,
    captures: Sequence[Ref],
    older: Sequence[Ref],
    *,
    draft: Draft,
    engine: Engine,
) -> list[Path]:
    """Return the chunks of all captures, in order, made now or by an earlier run."""
    folders = [store.path(ref) for ref in captures]
    day = recipe.as_of
    then = AsOf(day, recipe.as_of_strict, edited_later(folders, day)) if day else None
    gone, ocr = withdrawn(folders, day), ocr_engine(recipe.ocr)
    taken_down = TakenDown.read(store)
    shared = Plan(recipe.calls(), recipe.dedup, gone, recipe.repeats, then, ocr, taken_down or None)
    choice = choices(folders, then) if then else [None] * len(folders)
    known = _known(store, older)
    out = draft.work / f"prepared-{code_digest()}"  # chunks of other code are not mixed in
    planned = [
        chunks(store.path(ref), out / str(ref), known, chosen)
        for ref, chosen in zip(captures, choice, strict=True)
    ]
    draft.counts["captures"] = sum(len(chunk.rows) for chunk in chain.from_iterable(planned))
    if known:
        current = (
            chosen.kept if chosen else pq.read_metadata(folder / INDEX).num_rows
            for folder, chosen in zip(folders, choice, strict=True)
        )
        draft.counts["captures_known"] = sum(current) - draft.counts["captures"]
    with tqdm(total=draft.counts["captures"], desc="extracting", unit=" captures") as bar:
        for ref, found in zip(captures, planned, strict=True):
            bar.set_postfix_str(str(ref))
            missing = [chunk for chunk in found if not chunk.out.is_file()]
            bar.update(sum(len(chunk.rows) for chunk in found) - sum(len(chunk.rows) for chunk in missing))
            for number in _extracted(missing, shared, engine):
                bar.update(number)
    left = [
        write_left_out(chosen, out / str(ref), recipe.dedup)
        for ref, chosen in zip(captures, choice, strict=True)
        if chosen
    ]
    draft.counts["captures_seen_again"] += sum(chosen.seen_again for chosen in choice if chosen)
    return [*(chunk.out for chunk in chain.from_iterable(planned)), *left]


def _extracted(missing: Sequence[Chunk], shared: Plan, engine: Engine) -> Iterator[int]:
    """Prepare chunks: here one capture at a time over all workers, elsewhere a chunk per job."""
    if isinstance(engine, Local):
        return write_chunks(missing, shared, workers=engine.workers)
    return engine.map(partial(write_chunk, plan=shared), missing)


def _known(store: Store, older: Sequence[Ref]) -> Set[bytes]:
    """Return the captures (see ``known_as``) that the versions ``older``, and those that they extend, were made from.

    What such a version left out because it came after its day is not among them. Some 100 bytes for each.
    """
    found: set[bytes] = set()
    for ref in older:
        below = [one for one in store.card(ref).made_from if ":" not in one.name]
        datasets = [one for one in below if store.card(one).kind == "dataset"]
        mine: set[bytes] = set()
        for one in below:
            if one not in datasets:
                mine.update(
                    map(_key, shards.read(store.path(store.standing(one)) / INDEX, ["url", "sha256"]))
                )
        carried = {
            path.name for one in datasets for path in shards.shard(store.path(one), "dropped", "train")
        }
        for path in shards.shard(store.path(ref), "dropped", "train"):
            if path.name not in carried:  # what an earlier one left out, this one may have read
                rows = shards.read(path, ["stage", "url", "sha256"])
                mine.difference_update(_key(row) for row in rows if row["stage"] == "as_of")
        found |= mine
        del mine
        found |= _known(store, datasets)
    return found


def _key(row: Mapping[str, Any]) -> bytes:
    return known_as(row["url"], row["sha256"])
