"""A version of questions without what goes: questions, wrong choices that were answers elsewhere, replies, verdicts."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import shards
from corpus.document import Document, Fact
from datacards.card import Card
from datacards.takedown.eraser import Eraser, Job
from datacards.takedown.removed import Mask, among
from datacards.takedown.tables import SHARES, Ledger, erase_tables, groups, held, judge, link, put
from rephrase.base import FORMATS
from rephrase.facts import claims
from rephrase.gathered.counts import Balance
from rephrase.tables import ACCEPTED, logged

_CHOICES, _DROPPED, _VERDICTS, _REPLIES = "multiple_choice", "dropped", "verdicts", "replies"
_UNIT = ("document_id", "start", "end", "style", "sample")


class Rephrase(Eraser):
    """Erases from the versions that a rephrase recipe made."""

    def made(self, card: Card) -> bool:
        """Return whether a version was made by a rephrase recipe."""
        return card.kind == "dataset" and {"generator", "styles"} <= card.recipe.keys()

    def erase(self, job: Job) -> None:
        """Fill the draft of a job with what stays."""
        ledger = Ledger(job.card)
        answers = _answers(job) if job.card.recipe["generator"] == "facts" else set()
        carried = _carried(job, ledger)
        names = [name for name in held(job.card) if name not in carried and name.endswith(".parquet")]
        asked = [name for name in names if name.partition("/")[0] in (_DROPPED, *FORMATS.values())]
        refused = [np.zeros(0, np.bool_)]
        for name in asked:
            config = name.partition("/")[0]
            keep = judge(job, job.folder / name, config)
            if config in (_CHOICES, _DROPPED):
                keep &= ~_borrowed(job, name, keep, answers)
            refused += [keep] if config == _DROPPED else []
            put(job, name, keep, ledger)
        judged = [name for name in names if name.partition("/")[0] == _VERDICTS]
        units = _put_verdicts(job, judged, np.concatenate(refused), ledger)
        replies = [name for name in names if name.partition("/")[0] == _REPLIES]
        for name in replies:
            put(job, name, judge(job, job.folder / name, _REPLIES) & ~_of_units(job, name, units), ledger)
        done = {*carried, *asked, *judged, *replies}
        erase_tables(job, ledger, but=lambda name: name in done)
        for name, number in (dict.fromkeys(logged(job.folder), 0) | logged(job.draft.path)).items():
            ledger.counts[name] = number
        _measure(job)
        ledger.settle(job.draft)


Units = set[tuple[object, ...]]


def _put_verdicts(job: Job, names: list[str], refused: Mask, ledger: Ledger) -> Units:
    """Lay the verdicts down without those on what went; return the units of questions that went though their document stays.

    Both tables tell of what was left out in one order, so that ``refused``, which of the dropped rows stay, is true of
    the verdicts, too.
    """
    gone = {one["name"] for one in job.report.tombstones if one["kind"] == "document"}
    outcomes = [pq.read_table(job.folder / name, columns=["outcome"])["outcome"] for name in names]
    in_step = sum(len(one) - pc.sum(pc.equal(one, ACCEPTED)).as_py() for one in outcomes if len(one)) == len(
        refused
    )
    units: Units = set()
    at = 0
    for name, outcome in zip(names, outcomes, strict=True):
        keep = judge(job, job.folder / name, _VERDICTS)
        accepted = among(outcome, {ACCEPTED})
        follows = np.ones(len(keep), np.bool_)
        if in_step:
            rejects = len(keep) - int(accepted.sum())
            follows[~accepted] = refused[at : at + rejects]
            at += rejects
        table = pq.read_table(job.folder / name, columns=["id", *_UNIT])
        lost = accepted & among(table["id"], gone)
        beside = lost & ~among(table["document_id"], job.removed.ids)
        units.update(zip(*(table.filter(pa.array(beside))[one].to_pylist() for one in _UNIT), strict=True))
        follows &= ~lost
        job.report.rows[_VERDICTS] += int((keep & ~follows).sum())
        put(job, name, keep & follows, ledger)
    return units


def _of_units(job: Job, name: str, units: Units) -> Mask:
    """Return which replies were about some units: they say again what a question said that went."""
    if not units:
        return np.zeros(pq.read_metadata(job.folder / name).num_rows, np.bool_)
    table = pq.read_table(job.folder / name, columns=list(_UNIT))
    mask = among(table["document_id"], {str(one[0]) for one in units})
    for at in np.flatnonzero(mask).tolist():
        mask[at] = tuple(table[one][at].as_py() for one in _UNIT) in units
    job.report.rows[_REPLIES] += int(mask.sum())
    return mask


def _measure(job: Job) -> None:
    """Measure again how right choices are spread, where the card says so."""
    told = {"right_choice_places_p": "places_p", "right_choice_is_longest": "right_is_longest"}
    if not told.keys() & job.draft.metrics.keys():
        return
    spread = Balance()
    for path in sorted((job.draft.path / _CHOICES).glob("*.parquet")):
        for table in groups(path, ["meta"]) if "-carried-" not in path.name else ():
            for meta in map(json.loads, table["meta"].to_pylist()):
                spread.choose(json.loads(meta["choices"]), int(meta["answer"]))
    job.draft.metrics.update({metric: spread.report()[name] for metric, name in told.items()})


def _carried(job: Job, ledger: Ledger) -> set[str]:
    """Carry the formats of the corpus version that takes the place of the one below; return the files that it replaces.

    There they have new survivors, too. Where the version below stays as it is, nothing is replaced.
    """
    replaced: set[str] = set()
    for ref in job.card.made_from[:1]:
        folder = job.laid.get(str(ref))
        for name in (*job.card.recipe["carry"], "facts") if folder else ():
            old = {one for one in held(job.card) if one.startswith(f"{name}/") and "-carried-" in one}
            new = (
                {_as_carried(path): path for path in sorted((folder / name).glob("*.parquet"))}
                if folder
                else {}
            )
            replaced |= old
            for one in sorted(old | new.keys()):
                _replace(job, ledger, one, new.get(one))
    return replaced


def _as_carried(path: Path) -> str:
    split, _, number = path.stem.partition("-")
    return f"{path.parent.name}/{split}-carried-{number}.parquet"


def _replace(job: Job, ledger: Ledger, name: str, new: Path | None) -> None:
    """Lay ``new`` down in place of a carried file, and count what differs."""
    old, config = job.folder / name, name.partition("/")[0]
    if new:
        link(new, job.draft.path / name)
        job.draft.rows[name] = pq.read_metadata(new).num_rows
        job.report.kept[config] += job.draft.rows[name]
    if new and old.is_file() and old.samefile(new):
        job.report.files_linked += 1
        return
    if old.is_file():
        judge(job, old, config)  # for the tombstones
    for path, sign in ((old, -1), (new, 1)):
        for table in groups(path) if path and path.is_file() else ():
            ledger.take(config, table, sign)
    job.report.files_written += 1


def _corpora(job: Job) -> Iterator[Path]:
    """Yield the folder of the corpus version that was asked about; versions whose replies were reused stand behind it."""
    for ref in job.card.made_from[:1]:
        if job.store.digest(ref) and job.store.card(ref).kind == "dataset":
            yield job.store.path(job.store.standing(ref))


def _documents(folder: Path, ids: set[str], *, inside: bool) -> Iterator[Document]:
    """Yield the documents of a corpus version that are among ``ids``, or those that are not, with their facts."""
    for path in shards.shard(folder, "markdown", "train"):
        facts: dict[str, list[Fact]] = {}
        beside = folder / "facts" / path.name
        for table in groups(beside) if beside.is_file() else ():
            mask = among(table["document_id"], ids)
            for row in table.filter(pa.array(mask if inside else ~mask)).to_pylist():
                facts.setdefault(row["document_id"], []).append(shards.row_fact(row))
        for table in groups(path):
            mask = among(table["id"], ids)
            for row in table.filter(pa.array(mask if inside else ~mask)).to_pylist():
                yield shards.row_document(row, facts.get(row["id"], ()))


def _answers(job: Job) -> set[str]:
    """Return the answers that only documents give that go: as wrong choices they would stay behind, shorter than any check."""
    found: set[str] = set()
    for folder in _corpora(job):
        found |= {c.answer for one in _documents(folder, job.removed.bases, inside=True) for c in claims(one)}
    for folder in _corpora(job) if found else ():
        for one in _documents(folder, job.removed.bases, inside=False):
            found.difference_update(claim.answer for claim in claims(one))
    return found


def _borrowed(job: Job, name: str, keep: Mask, answers: set[str]) -> Mask:
    """Return which questions offer, or left beside, an answer that goes; they are noted in the report."""
    parts = [np.zeros(0, np.bool_)]
    start, config = 0, name.partition("/")[0]
    offered, named = (_choices, "id") if config == _CHOICES else (_said, "document_id")
    for table in groups(job.folder / name):
        said = offered(table) if answers else [[]] * table.num_rows
        mask = np.array([not answers.isdisjoint(one) for one in said], np.bool_)
        mask &= keep[start : start + len(mask)]
        start += len(mask)
        parts.append(mask)
        for row in table.filter(pa.array(mask)).to_pylist():
            kind = "document" if config == _CHOICES else "dropped"
            job.report.bury(kind, row[named] or "", row["url"], row["source"], SHARES)
            job.report.rows[config] += 1
    return np.concatenate(parts)


def _choices(table: pa.Table) -> list[list[str]]:
    """Return the choices of questions."""
    return [json.loads(json.loads(meta).get("choices", "[]")) for meta in table["meta"].to_pylist()]


def _said(table: pa.Table) -> list[list[str]]:
    """Return what was left out with a question: its lines, among them wrong choices, and answers that contradict each other."""
    columns = (table[name].to_pylist() for name in ("reason", "detail", "text"))
    return [
        [
            *(text or "").split("\n"),
            *((detail or "").rpartition(": ")[2].split(" / ") if reason == "ambiguous_fact" else []),
        ]
        for reason, detail, text in zip(*columns, strict=True)
    ]
