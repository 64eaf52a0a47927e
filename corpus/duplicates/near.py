"""Finds documents that say the same: exact copies first, then MinHash near-duplicates, every one verified.

A document leaves if and only if the smallest document in one of its buckets is a verified near-duplicate of it, and
whoever stands for that one does not state otherwise. The rule looks only at smaller documents, and those of earlier
versions are smaller than all new ones: a published version never changes, and adding to it what became available
later gives what one run over everything would have given.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corpus import shards
from corpus.duplicates.compared import DedupOptions
from corpus.duplicates.index import Index, Part, band_column, signatures_of, texts_of
from corpus.duplicates.similarity import jaccard_pairs
from corpus.engine import Engine

Numbers = npt.NDArray[np.int64]

_MARGIN = 0.1  # signatures of 128 values blur the similarity by 0.035: nearly three deviations
_EDGES = 10_000  # edges that one job verifies
_BYTES = 32_000_000  # of texts that it holds at once, or one longer pair
_GATHERED = 64  # files that candidates are gathered into


class Reason:
    """Why a document leaves, or why it stays beside one that resembles it."""

    EXACT = "exact_duplicate"
    NEAR = "near_duplicate"
    BELOW = "below_threshold"
    OTHERWISE = "states_otherwise"


class Similar(NamedTuple):
    """Two documents, by position, that both stay although they resemble each other, and why."""

    smaller: int
    larger: int
    similarity: float
    reason: str


@dataclass(frozen=True)
class Duplicates:
    """The verdicts, by position.

    ``survivor`` is the position of who stands for a document, its own when it stays; ``exact`` says of the
    others whether they are copies; ``cluster_size`` is for how many a survivor stands, itself included;
    ``keys`` are the ids as (count, 2) big-endian words; ``similar`` are pairs of which both stay.
    """

    survivor: Numbers
    exact: npt.NDArray[np.bool_]
    cluster_size: Numbers
    similar: list[Similar]
    keys: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, 2), np.uint64))

    def id(self, position: int) -> str:
        """Return the id of a document."""
        return "".join(f"{int(word):016x}" for word in self.keys[position])


def find(index: Index, options: DedupOptions, work: Path, engine: Engine) -> Duplicates:
    """Return the verdict on every document of ``index`` that is no earlier one.

    Works in ``work``, where what a killed run has finished is taken up. Peak memory of this process is about
    150 bytes per document; the texts of candidates lie on disk. Time grows linearly with documents and candidates.
    """
    work.mkdir(parents=True, exist_ok=True)
    rank, keys = _ranks(index)
    exact = _copies(index, rank)
    stays = exact == np.arange(index.count)
    shards.write_array(work / "rank.npy", np.where(stays, rank, -1))
    band = partial(_link, parts=index.parts, earlier=index.earlier, work=work)
    position = np.empty_like(rank)
    position[rank] = np.arange(len(rank))
    edges: Numbers = position[_unique(engine.map(band, range(options.bands)))]
    shards.write_array(work / "edges.npy", edges)
    similarity = _verified(index, edges, options, work, engine)
    return replace(_judged(index, rank, exact, edges, similarity, options), keys=keys)


def _ranks(index: Index) -> tuple[Numbers, npt.NDArray[np.uint64]]:
    """Return the rank of every position, smallest 0, and the ids; all earlier documents are smaller than new ones."""
    keys = index.words("key")
    fields = [keys[:, 1], keys[:, 0]]
    longest, facts = -index.numbers("length"), index.numbers("n_facts") == 0
    order = np.lexsort([*fields, longest, facts, index.numbers("available")])
    order = np.concatenate([order[order < index.earlier], order[order >= index.earlier]])
    rank = np.empty(index.count, np.int64)
    rank[order] = np.arange(index.count)
    return rank, keys


def _copies(index: Index, rank: Numbers) -> Numbers:
    """Return for every position that of the smallest document with the same content."""
    content = index.words("content")
    order = np.lexsort((rank, content[:, 1], content[:, 0])) if index.count else np.zeros(0, np.int64)
    same = np.zeros(len(order), bool)
    same[1:] = (content[order[1:]] == content[order[:-1]]).all(axis=1)
    heads = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    first = np.empty(index.count, np.int64)
    first[order] = order[heads]
    return first


def _link(band: int, *, parts: Sequence[Part], earlier: int, work: Path) -> Path:
    """Write the edges of one band, (smallest of its bucket, other) by rank, and return where."""
    out = work / f"edges-{band:03d}.npy"
    if out.is_file():
        return out
    rank = np.load(work / "rank.npy")
    alone = rank >= 0
    ranks = rank[alone].astype(np.uint32)
    keys = Index(parts, earlier).numbers(band_column(band)).astype(np.uint64)[alone]
    del rank, alone
    by_rank = np.argsort(ranks)  # then a stable sort by key leaves the smallest of a bucket first
    ranks, keys = ranks[by_rank], keys[by_rank]
    order = np.argsort(keys, kind="stable")
    ranks, keys = ranks[order], keys[order]
    shared = np.zeros(len(keys), bool)
    shared[1:] = keys[1:] == keys[:-1]
    heads = np.maximum.accumulate(np.where(shared, 0, np.arange(len(keys))))
    other = np.flatnonzero(shared & (ranks >= earlier))
    shards.write_array(out, np.stack([ranks[heads[other]], ranks[other]], axis=1))
    return out


def _unique(bands: Iterator[Path]) -> Numbers:
    """Return the edges of all bands by rank, each once, in order."""
    packed = np.zeros(0, np.uint64)
    for path in bands:
        edges = np.load(path).astype(np.uint64)
        packed = np.union1d(packed, edges[:, 0] << np.uint64(32) | edges[:, 1])
    halves = [packed >> np.uint64(32), packed & np.uint64(0xFFFFFFFF)]
    return np.stack(halves, axis=1).astype(np.int64)


class _Gathering(NamedTuple):
    """Parts whose candidates one job puts side by side; ``first`` is the position of the first document."""

    number: int
    first: int
    parts: list[Part]


def _verified(
    index: Index, edges: Numbers, options: DedupOptions, work: Path, engine: Engine
) -> npt.NDArray[np.float64]:
    """Return the exact similarity of every edge, NaN where the signatures already differ too much."""
    candidates = np.unique(edges)
    shards.write_array(work / "candidates.npy", candidates)
    jobs: list[_Gathering] = []
    first = 0
    size = max(1, -(-index.count // _GATHERED))
    for part in index.parts:
        if not jobs or first - jobs[-1].first >= size:
            jobs.append(_Gathering(len(jobs), first, []))
        jobs[-1].parts.append(part)
        first += part.documents
    gathered = list(engine.map(partial(_gather, work=work), jobs))
    for kind in ("text", "signature", "length"):
        _joined(work / f"{kind}.bin", [path.with_suffix(f".{kind}") for path in gathered])
    shards.write_array(work / "ends.npy", np.cumsum(np.fromfile(work / "length.bin", "<i8")))
    verify = partial(_verify, options=options, work=work)
    found = engine.map(verify, range(0, len(edges), _EDGES))
    return np.concatenate([np.zeros(0), *map(np.load, found)])


def _gather(job: _Gathering, *, work: Path) -> Path:
    """Write texts, signatures and lengths of the candidates in some parts; return the name they share."""
    out = work / f"candidates-{job.number:03d}"
    if out.with_suffix(".length").is_file():
        return out
    candidates = np.load(work / "candidates.npy", mmap_mode="r")
    with (
        _part(out.with_suffix(".text")).open("wb") as text,
        _part(out.with_suffix(".signature")).open("wb") as signature,
        _part(out.with_suffix(".length")).open("wb") as length,
    ):
        first = job.first
        for part in job.parts:
            low, high = np.searchsorted(candidates, [first, first + part.documents])
            wanted = np.asarray(candidates[low:high]) - first
            first += part.documents
            if len(wanted):
                sizes = [text.write(one.encode()) for one in texts_of(part, wanted)]
                length.write(np.array(sizes, "<i8").tobytes())
                signature.write(signatures_of(part, wanted).astype("<u4").tobytes())
    for kind in (".text", ".signature", ".length"):  # the lengths come last: they say that all is there
        _part(out.with_suffix(kind)).replace(out.with_suffix(kind))
    return out


def _verify(start: int, *, options: DedupOptions, work: Path) -> Path:
    """Write the similarities of the edges from ``start`` on and return where."""
    out = work / f"similarity-{start:012d}.npy"
    if out.is_file():
        return out
    edges = np.load(work / "edges.npy", mmap_mode="r")[start : start + _EDGES]
    candidates = np.load(work / "candidates.npy", mmap_mode="r")
    left, right = np.searchsorted(candidates, edges[:, 0]), np.searchsorted(candidates, edges[:, 1])
    width = np.full(2 * len(edges), 4 * options.permutations)
    signatures = _read(work / "signature.bin", np.concatenate([left, right]) * width[0], width).view("<u4")
    one, other = signatures.reshape(2, len(edges), -1)
    alike = np.flatnonzero((one == other).mean(axis=1) >= options.threshold - _MARGIN)
    similarity = np.full(len(left), np.nan)
    ends = np.load(work / "ends.npy", mmap_mode="r")
    used, pairs = np.unique(np.stack([left[alike], right[alike]]), return_inverse=True)
    starts, stops = np.where(used > 0, ends[used - 1], 0), np.asarray(ends[used])
    pairs, sizes = pairs.reshape(2, -1), stops - starts
    batch = np.cumsum(sizes[pairs].sum(axis=0)) // _BYTES
    for number in np.unique(batch):  # pairs whose texts are read together
        some = np.flatnonzero(batch == number)
        texts, places = np.unique(pairs[:, some], return_inverse=True)
        text = _read(work / "text.bin", starts[texts], sizes[texts])
        bounds = np.concatenate([[0], np.cumsum(sizes[texts])])
        smaller, larger = places.reshape(2, -1)
        similarity[alike[some]] = jaccard_pairs(text, bounds[:-1], bounds[1:], smaller, larger, options.ngram)
    shards.write_array(out, similarity)
    return out


def _judged(  # noqa: PLR0917 - what was found out so far, in its order
    index: Index,
    rank: Numbers,
    exact: Numbers,
    edges: Numbers,
    similarity: npt.NDArray[np.float64],
    options: DedupOptions,
) -> Duplicates:
    """Apply the rule to the verified edges."""
    stated = index.words("states")[:, 0]
    otherwise = _otherwise(stated[edges[:, 0]], stated[edges[:, 1]])
    near = (similarity >= options.threshold) & ~otherwise
    survivor = exact.copy()
    survivor[: index.earlier] = index.survivors()
    _removed(edges[near][np.argsort(rank[edges[near][:, 1]], kind="stable")], stated, survivor)
    survivor[index.earlier :] = survivor[exact[index.earlier :]]  # copies go where their original went
    positions = np.arange(index.count)
    size = np.bincount(survivor[index.earlier :], minlength=index.count)
    stay = survivor == positions
    weighed = ~near & ~np.isnan(similarity) & stay[edges[:, 0]] & stay[edges[:, 1]]
    similar = [
        Similar(
            int(edges[at, 0]),
            int(edges[at, 1]),
            float(similarity[at]),
            Reason.BELOW if similarity[at] < options.threshold else Reason.OTHERWISE,
        )
        for at in np.flatnonzero(weighed)
    ]
    return Duplicates(survivor, exact != positions, size, similar)


def _otherwise(one: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Return where both state something, and not the same."""
    return (one != other) & (one != 0) & (other != 0)


def _removed(near: Numbers, stated: npt.NDArray[np.uint64], survivor: Numbers) -> None:
    """Let the larger one of each pair go where the smaller one went, unless it states otherwise than who stays.

    Pairs come in the order of the larger one's rank, then the smaller one's: when a pair comes, the verdict on its
    smaller document is final, and the first pair of the larger one that holds decides.
    """
    for first in range(0, len(near), 1 << 16):
        for smaller, larger in near[first : first + (1 << 16)].tolist():
            into = survivor[smaller]
            if survivor[larger] == larger and not _otherwise(stated[into], stated[larger]):
                survivor[larger] = into


def _joined(path: Path, pieces: list[Path]) -> None:
    """Put files one behind the other."""
    with _part(path).open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as file:
                while block := file.read(1 << 24):
                    out.write(block)
    _part(path).replace(path)


def _read(path: Path, starts: Numbers, sizes: Numbers) -> npt.NDArray[np.uint8]:
    """Return stretches of a file side by side; mapped, each would take 64 KiB of memory, as the kernel maps around it."""
    with path.open("rb") as file:
        places = zip(sizes.tolist(), starts.tolist(), strict=True)
        return np.frombuffer(b"".join(os.pread(file.fileno(), *place) for place in places), np.uint8)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
