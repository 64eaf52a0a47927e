"""Chooses the documents of a version that a site shows: evenly over formats and sources, with parents and children."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from datacards.card import Card, Ref
from datacards.site.parts import Part, Place, parts, pick, scan
from datacards.store import Store

Key = TypeVar("Key", bound=Hashable)
Stratum = tuple[str, str]  # format, source

PARENTS = 8  # of one document; a section of many filings has many more
CHILDREN = 4  # of one document and format
LEVELS = 3  # from a question over a section to the page
_LATER = {"text", "meta", "title", "url", "attribution", "section"}  # what only the pages need


@dataclass(frozen=True, slots=True)
class Choice:
    """The documents to show: ``places`` by id; the first ``own`` of ``parts`` are of the version, others of its inputs.

    ``counts`` tells how many rows the version has of every (format, source).
    """

    parts: tuple[Part, ...]
    own: int
    counts: Mapping[Stratum, int]
    places: Mapping[str, Place]

    @property
    def total(self) -> int:
        """Return the number of documents of the version."""
        return sum(self.counts.values())

    @property
    def shown(self) -> int:
        """Return how many documents of the version itself are shown."""
        return sum(place.part < self.own for place in self.places.values())


def choose(store: Store, ref: Ref, card: Card, most: int) -> Choice:
    """Return at most ``most`` documents of a dataset version, and at most as many of its inputs that they were made from.

    All of them when there are no more. Else a third are those with the smallest ids of every format and source (an id
    is a hash, so that is a fair draw that stays as the version grows), a third may be their parents, and the rest is
    what was made from these, or more of the draw. Memory grows with ``most``, not with the version.
    """
    own = parts(store, ref, card)
    counts = _count(own, str(ref))
    total = sum(counts.values())
    drawn = _draw(own, _quotas(counts, most), str(ref))
    first = _quotas(counts, most if total <= most else max(1, most // 3))
    found = {name: place for key, kept in drawn.items() for name, place in list(kept.items())[: first[key]]}
    every = [*own, *_inputs(store, card)]
    new = list(found)
    for _ in range(LEVELS):
        room = most - len(found) if total > most else most
        wanted = _parents(every, [found[name] for name in new], found, min(room, max(1, most // 3)))
        reached = _locate(every, wanted, str(ref)) if wanted else {}
        new = [name for name in wanted if name in reached]
        found |= {name: reached[name] for name in new}
    if (room := most - len(found)) > 0 and total > most:
        found |= _children(own, found, room, str(ref))
        found |= _more(drawn, found, most - len(found))
    return Choice(tuple(every), len(own), counts, found)


def even(counts: Mapping[Key, int], budget: int) -> dict[Key, int]:
    """Return how many to take of each, at most its count, so that the numbers are as equal as may be."""
    found: dict[Key, int] = {}
    waiting = sorted(counts, key=lambda key: (counts[key], str(key)))
    for place, key in enumerate(waiting):
        found[key] = min(counts[key], budget // (len(waiting) - place))
        budget -= found[key]
    return found


def _quotas(counts: Mapping[Stratum, int], budget: int) -> dict[Stratum, int]:
    by_format: defaultdict[str, dict[Stratum, int]] = defaultdict(dict)
    for stratum, number in counts.items():
        by_format[stratum[0]][stratum] = number
    shares = even({name: sum(rows.values()) for name, rows in by_format.items()}, budget)
    return {key: n for name, rows in by_format.items() for key, n in even(rows, shares[name]).items()}


def _inputs(store: Store, card: Card) -> list[Part]:
    """Return the parts of all dataset versions below, the nearest first; what is not here, or withdrawn, is left out."""
    withdrawn = store.withdrawn()
    found, waiting, seen = [], list(card.made_from), set()
    for ref in waiting:  # it grows while it is read
        if ":" in ref.name or str(ref) in seen or str(ref) in withdrawn or not store.digest(ref):
            continue
        seen.add(str(ref))
        below = store.card(ref)
        if below.kind == "dataset":
            found += parts(store, ref, below)
            waiting += below.made_from
    return found


# -- passes over all rows ------------------------------------------------------------------------------------


def _progress(of: Sequence[Part], label: str) -> Any:
    return tqdm(
        total=sum(part.rows for part in of),
        desc=label,
        unit=" rows",
        unit_scale=True,
        disable=None,
        leave=False,
    )


def _pairs(batch: pa.RecordBatch) -> tuple[npt.NDArray[np.int64], list[Stratum]]:
    """Return for every row the number of its (format, source) in the list that comes with it."""
    form, source = (
        pc.dictionary_encode(pc.fill_null(batch.column(name), "")) for name in ("format", "source")
    )
    codes = (
        form.indices.to_numpy().astype(np.int64) * max(len(source.dictionary), 1) + source.indices.to_numpy()
    )
    seen, numbers = np.unique(codes, return_inverse=True)
    forms, sources = form.dictionary.to_pylist(), source.dictionary.to_pylist()
    width = max(len(sources), 1)
    return numbers, [(forms[code // width], sources[code % width]) for code in seen.tolist()]


def _count(of: Sequence[Part], label: str) -> dict[Stratum, int]:
    found: defaultdict[Stratum, int] = defaultdict(int)
    with _progress(of, f"{label}: counting") as bar:
        for part in of:
            for _, batch in scan(part, "format", "source"):
                numbers, strata = _pairs(batch)
                for stratum, n in zip(
                    strata, np.bincount(numbers, minlength=len(strata)).tolist(), strict=True
                ):
                    found[stratum] += n
                bar.update(len(batch))
    return dict(sorted(found.items()))


class _Smallest:
    """The ``most`` smallest ids of one stratum with their places."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: dict[str, Place] = {}
        self.limit: str | None = None if most else ""

    def add(self, name: str, place: Place) -> None:
        if self.limit is None or name < self.limit:
            self.kept.setdefault(name, place)
            if len(self.kept) >= 2 * self.most:
                self.cut()

    def cut(self) -> None:
        """Forget what is too large, and know from now on what is."""
        names = sorted(self.kept)[: self.most]
        self.kept = {name: self.kept[name] for name in names}
        if names and len(names) == self.most:
            self.limit = names[-1]


def _draw(of: Sequence[Part], quotas: Mapping[Stratum, int], label: str) -> dict[Stratum, dict[str, Place]]:
    """Return the smallest ids of every (format, source) in order, as many as its quota, with their places."""
    kept = {stratum: _Smallest(most) for stratum, most in quotas.items()}
    with _progress(of, f"{label}: choosing") as bar:
        for number, part in enumerate(of):
            for start, batch in scan(part, "id", "format", "source"):
                numbers, strata = _pairs(batch)
                here = [kept[stratum] for stratum in strata]
                limits = pa.array([one.limit for one in here], pa.string()).take(pa.array(numbers))
                ids = pc.fill_null(batch.column("id"), "")
                near = pc.fill_null(pc.less(ids, limits), fill_value=True)
                rows = np.flatnonzero(near.to_numpy(zero_copy_only=False))
                for row, name in zip(rows.tolist(), ids.take(pa.array(rows)).to_pylist(), strict=True):
                    here[numbers[row]].add(name, Place(number, start + row))
                bar.update(len(batch))
    for one in kept.values():
        one.cut()
    return {key: kept[key].kept for key in sorted(kept)}


def _more(
    drawn: Mapping[Stratum, Mapping[str, Place]], have: Mapping[str, Place], room: int
) -> dict[str, Place]:
    """Return further documents of the draw: one of every format and source, then another, and so on."""
    left = [[(n, p) for n, p in kept.items() if n not in have] for kept in drawn.values()]
    turns = range(max(map(len, left), default=0))
    return dict([rows[turn] for turn in turns for rows in left if turn < len(rows)][: max(room, 0)])


def _parents(of: Sequence[Part], places: Sequence[Place], have: Mapping[str, Place], room: int) -> list[str]:
    """Return the ids of parents that are not chosen yet: the first of every document, then the second, and so on."""
    lists: dict[Place, list[str]] = {}
    for place, row in pick(of, places, without=_LATER):
        ids = (span["id"] for span in row["made_from"] or () if span and span["id"])
        lists[place] = [one for one in dict.fromkeys(ids) if not one.startswith("sha256:")][:PARENTS]
    rounds = (lists[p][turn] for turn in range(PARENTS) for p in places if turn < len(lists[p]))
    return [one for one in dict.fromkeys(rounds) if one not in have][: max(room, 0)]


def _locate(of: Sequence[Part], wanted: Sequence[str], label: str) -> dict[str, Place]:
    """Return where the documents ``wanted`` lie, those that are found; what is nearest to the version counts."""
    found: dict[str, Place] = {}
    names = pa.array(wanted, pa.string())
    with _progress(of, f"{label}: parents") as bar:
        for number, part in enumerate(of):
            for start, batch in scan(part, "id"):
                rows = np.flatnonzero(
                    pc.is_in(batch.column("id"), value_set=names).to_numpy(zero_copy_only=False)
                )
                for row, name in zip(
                    rows.tolist(), batch.column("id").take(pa.array(rows)).to_pylist(), strict=True
                ):
                    found.setdefault(name, Place(number, start + row))
                bar.update(len(batch))
                if len(found) == len(wanted):
                    return found
    return found


def _children(of: Sequence[Part], have: Mapping[str, Place], room: int, label: str) -> dict[str, Place]:
    """Return documents made from those chosen: the first of every parent and format, then the second, and so on."""
    kept: defaultdict[tuple[str, str], _Smallest] = defaultdict(lambda: _Smallest(CHILDREN))
    names = pa.array(have, pa.string())
    with _progress(of, f"{label}: derived") as bar:
        for number, part in enumerate(of):
            folder = part.name.partition("/")[0]
            for start, batch in scan(part, "id", "made_from"):
                spans = batch.column("made_from")
                parents, rows = pc.list_flatten(spans).field("id"), pc.list_parent_indices(spans)
                hits = pc.is_in(parents, value_set=names)
                pairs = zip(parents.filter(hits).to_pylist(), rows.filter(hits).to_pylist(), strict=True)
                for parent, row in pairs:
                    if (name := batch.column("id")[row].as_py()) and name not in have:
                        kept[parent, folder].add(name, Place(number, start + row))
                bar.update(len(batch))
    lists = {key: sorted(kept[key].kept)[:CHILDREN] for key in sorted(kept)}
    turns = (
        (key, names[turn]) for turn in range(CHILDREN) for key, names in lists.items() if turn < len(names)
    )
    found: dict[str, Place] = {}
    for key, name in turns:
        if len(found) == room:
            break
        found.setdefault(name, kept[key].kept[name])
    return found
