"""New survivors for clusters whose survivor goes: members are made again from their captures, and verified anew."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from corpus import shards
from corpus.captures import INDEX, capture_of
from corpus.document import Capture, Document, Drop
from corpus.duplicates.compared import comparable, content_hash, states
from corpus.duplicates.near import Reason
from corpus.duplicates.similarity import jaccard
from corpus.extract.ocr import engine as ocr_engine
from corpus.prepare import BYTES_PER_SECOND, MEGABYTES, SECONDS, Plan, prepare
from corpus.recipe import CorpusRecipe
from corpus.sandbox import sandboxed
from corpus.times.asof import AsOf, as_first_said
from corpus.times.withdrawn import edited_later, withdrawn
from datacards.card import Ref
from datacards.store import Store
from datacards.takedown.eraser import Job
from datacards.takedown.removed import among
from datacards.takedown.tables import groups

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A document that was dropped for one that goes: where it stands in ``dropped/``, and itself."""

    shard: str
    row: int
    old: str  # the id of the survivor that goes
    said: Row
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a member: it survives (``into`` is its own id), or leaves for ``into``; "" when nobody knows it."""

    member: Member
    into: str
    reason: str
    size: int = 1


def orphans(job: Job, keep: Mapping[str, Any]) -> list[Member]:
    """Return the members that stay of clusters whose survivor goes."""
    found = []
    for name in sorted(name for name in keep if name.startswith("dropped/")):
        start = 0
        for table in groups(job.folder / name):
            mask = among(table["detail"], job.removed.ids) & among(table["stage"], {"dedup"})
            mask &= keep[name][start : start + table.num_rows]
            for at in mask.nonzero()[0].tolist():
                row = table.slice(at, 1).to_pylist()[0]
                found.append(Member(name.rpartition("/")[2], start + at, row["detail"], row))
            start += table.num_rows
    return found


def made_again(job: Job, recipe: CorpusRecipe, members: Sequence[Member]) -> list[Member]:
    """Return the members with their documents, facts and all, by the steps of the recipe, out of their captures."""
    if not members:
        return []
    versions = list(_captures(job.store, job.card.made_from))
    folders = [job.store.path(ref) for ref in versions]
    wanted = {member.said["url"].partition("#")[0] for member in members}
    plan = _plan(recipe, folders)
    captures = list(_read(folders, wanted, first=recipe.as_of is not None))
    documents: dict[str, Document] = {}
    largest = max((len(one.body) for one in captures), default=0)
    results = sandboxed(
        partial(prepare, plan=plan),
        iter(captures),
        workers=1,
        seconds=SECONDS + largest / BYTES_PER_SECOND,
        megabytes=MEGABYTES,
    )
    for result in results:
        for row in () if isinstance(result, Drop) else result:
            if row.get("drop") is None:
                one = shards.row_document(
                    {n: row[n] for n in shards.DOCUMENT.names}, map(shards.row_fact, row["facts"])
                )
                documents[one.id] = one
    return [replace(member, document=documents.get(member.said["document_id"])) for member in members]


def _plan(recipe: CorpusRecipe, folders: Sequence[Path]) -> Plan:
    day = recipe.as_of
    then = AsOf(day, recipe.as_of_strict, edited_later(folders, day)) if day else None
    gone = withdrawn(folders, day)
    return Plan(recipe.calls(), recipe.dedup, gone, recipe.repeats, then, ocr_engine(recipe.ocr))


def _captures(store: Store, made_from: Sequence[Ref]) -> Iterator[Ref]:
    """Yield the captures versions that a corpus version, or one that it extends, was made from."""
    for ref in made_from:
        if store.digest(ref):
            card = store.card(ref)
            if card.kind == "captures":
                yield store.standing(ref)
            elif card.kind == "dataset":
                yield from _captures(store, card.made_from)


def _read(folders: Sequence[Path], wanted: set[str], *, first: bool) -> Iterator[Capture]:
    for folder in folders:
        for table in groups(folder / INDEX):
            rows = table.filter(among(table["url"], wanted)).to_pylist()
            yield from ((as_first_said if first else capture_of)(folder, row) for row in rows)


def judged(members: Sequence[Member], recipe: CorpusRecipe) -> list[Verdict]:
    """Return what becomes of the members of each cluster, as de-duplication would say of them alone.

    The smallest survives; another one leaves for the first survivor that says the same and states nothing else.
    """
    clusters: dict[str, list[Member]] = {}
    found: list[Verdict] = []
    for member in members:
        if member.document is None:
            found.append(Verdict(member, "", "survivor_taken_down"))
        else:
            clusters.setdefault(member.old, []).append(member)
    for same in clusters.values():
        found += _cluster(sorted(same, key=_rank), recipe)
    return found


def _cluster(members: Sequence[Member], recipe: CorpusRecipe) -> Iterator[Verdict]:
    stay: list[tuple[Member, str]] = []
    left: list[Verdict] = []
    for member in members:
        assert member.document is not None  # noqa: S101  the others were sorted out
        text = comparable(member.document.text)
        for head, said in stay:
            assert head.document is not None  # noqa: S101
            if reason := _same(text, said, member.document, head.document, recipe):
                left.append(Verdict(member, head.document.id, reason))
                break
        else:
            stay.append((member, text))
    yield from left
    for head, _ in stay:
        assert head.document is not None  # noqa: S101
        size = 1 + sum(one.into == head.document.id for one in left)
        yield Verdict(head, head.document.id, "", size)


def _same(text: str, said: str, one: Document, other: Document, recipe: CorpusRecipe) -> str:
    """Return why ``one`` leaves for ``other``, "" when it does not."""
    if content_hash(text) == content_hash(said):
        return Reason.EXACT
    mine, theirs = states(one), states(other)
    if mine != theirs and any(mine) and any(theirs):
        return ""
    return Reason.NEAR if jaccard(said, text, recipe.dedup.ngram) >= recipe.dedup.threshold else ""


def _rank(member: Member) -> tuple[date, bool, int, str]:
    document = member.document
    assert document is not None  # noqa: S101
    day = member.said["available_at"] or date.max
    return day, not document.facts, -len(comparable(document.text)), document.id
