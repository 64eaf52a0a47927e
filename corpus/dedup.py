"""Finds documents that say the same: exact copies first, then MinHash near-duplicates, every one verified.

A document leaves if and only if the smallest document in one of its buckets is a verified near-duplicate of
it. The rule looks only at smaller documents, so adding larger ones never changes a verdict.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from datasketch import MinHash
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from corpus.document import Document, Drop

SCHEME = "affine32"  # of datasketch 2; signatures of different schemes cannot be compared
_MEETINGS = ("statement", "minutes", "opinions", "press_conference")
_MARGIN = 0.1  # signatures of 128 values blur the similarity by 0.035: nearly three deviations


class DedupOptions(BaseModel):
    """How near-duplicates are found; the defaults find 99 % of the pairs above 0.8 (16 bands of 8 rows)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ngram: PositiveInt = 5  # characters
    permutations: int = Field(default=128, ge=8, le=1024)
    bands: PositiveInt = 16
    rows: PositiveInt = 8
    threshold: float = Field(default=0.8, gt=0.0, le=1.0)  # Jaccard similarity of the sets of n-grams
    seed: int = Field(default=1, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _fits(self) -> "DedupOptions":
        if self.bands * self.rows > self.permutations:
            raise ValueError(f"bands x rows must be at most {self.permutations}, the permutations")
        return self


@dataclass(frozen=True, slots=True)
class Entry:
    """What deduplication holds in memory of a document: about 1 KB, whatever its length.

    ``order`` decides who is smaller; it follows from the document alone and ends with its id.
    ``states`` is what only this document states (see ``states``), empty when that is unknown.
    """

    order: tuple[str, ...]
    id: str
    url: str
    content: bytes
    signature: bytes
    states: bytes


class Similar(NamedTuple):
    """Two documents, by position, that both stay although they resemble each other, and why."""

    smaller: int
    larger: int
    similarity: float
    reason: str  # below_threshold, states_otherwise


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Who leaves, for whom survivors stand (themselves included), and who only looked alike, by position."""

    removed: dict[int, Drop]
    cluster_sizes: dict[int, int]
    similar: list[Similar]


def comparable(text: str) -> str:
    """Return ``text`` as deduplication sees it: NFKC without white space. Applying it twice changes nothing."""
    return unicodedata.normalize("NFKC", "".join(unicodedata.normalize("NFKC", text).split()))


def shingles(text: str, n: int) -> frozenset[str]:
    """Return the set of character n-grams of a text; one shorter than n is its own only shingle."""
    seen = comparable(text)
    return frozenset(seen[at : at + n] for at in range(max(1, len(seen) - n + 1)))


def content_hash(text: str) -> bytes:
    """Return the digest that exact copies share."""
    return hashlib.sha256(comparable(text).encode()).digest()


def states(document: Document) -> bytes:
    """Return the digest of what tells a document from one with nearly the same words, or nothing.

    That is the amounts that it states, else, for what comes of a meeting, the day of the meeting.
    """
    stated: object = sorted({(f.concept, f.period, f.number) for f in document.facts if f.kind == "amount"})
    if not stated and document.event_at and document.meta.get("kind") in _MEETINGS:
        stated = document.event_at.isoformat()
    return hashlib.sha256(repr(stated).encode()).digest() if stated else b""


class Signer:
    """Makes MinHash signatures (Broder 1997): ``permutations`` values of 32 bits as little-endian bytes."""

    def __init__(self, options: DedupOptions) -> None:
        self.options = options
        self._empty = MinHash(num_perm=options.permutations, seed=options.seed, scheme=SCHEME)

    def __call__(self, text: str) -> bytes:
        """Return the signature of a text."""
        sketch = self._empty.copy()
        sketch.update_batch([piece.encode() for piece in shingles(text, self.options.ngram)])
        return np.asarray(sketch.hashvalues).astype("<u4").tobytes()


def find_duplicates(
    entries: Sequence[Entry], text_of: Callable[[int], str], options: DedupOptions
) -> Duplicates:
    """Return who is a duplicate of whom among ``entries``; ``text_of`` gives the text at a position.

    Candidates whose signatures agree well enough are verified by the exact similarity of their n-gram sets.
    Two documents that state something else (the reports of two years, the statements of two meetings) are
    never duplicates: those pairs, and candidates below the threshold, come back as ``similar``. The order of
    ``entries`` does not matter.
    Memory grows with the number of entries (about 1 KB each) and of candidate pairs, not with the text.
    """
    ranked = sorted(range(len(entries)), key=lambda i: entries[i].order)
    first: dict[bytes, int] = {}
    survivor: dict[int, int] = {}
    reason: dict[int, str] = {}
    for i in ranked:
        if (original := first.setdefault(entries[i].content, i)) != i:
            survivor[i], reason[i] = original, "exact_duplicate"
    unique = [i for i in ranked if i not in survivor]
    similar = []
    for pair in _verified(entries, unique, text_of, options):
        if pair.reason:
            similar.append(pair)
        elif pair.larger not in survivor:  # pairs come in order: the smallest one that it resembles wins
            survivor[pair.larger], reason[pair.larger] = pair.smaller, "near_duplicate"
    for i in ranked:  # the smaller comes first, so its own survivor is final already
        if i in survivor:
            survivor[i] = survivor.get(survivor[i], survivor[i])
    return Duplicates(
        removed={i: Drop(reason[i], entries[survivor[i]].id) for i in survivor},
        cluster_sizes={i: count + 1 for i, count in Counter(survivor.values()).items()},
        similar=[pair for pair in similar if pair.smaller not in survivor and pair.larger not in survivor],
    )


def _verified(
    entries: Sequence[Entry], unique: list[int], text_of: Callable[[int], str], options: DedupOptions
) -> Iterator[Similar]:
    """Yield every candidate pair that was compared exactly, in order; a duplicate has no reason to stay."""
    signatures = np.array([np.frombuffer(entries[i].signature, "<u4") for i in unique])
    grams = lru_cache(maxsize=8)(lambda i: shingles(text_of(i), options.ngram))
    for smaller, larger in _candidates(signatures, options):
        agreement = float(np.mean(signatures[smaller] == signatures[larger]))
        if agreement < options.threshold - _MARGIN:
            continue
        one, other = unique[smaller], unique[larger]
        common = len(grams(one) & grams(other))
        similarity = common / (len(grams(one)) + len(grams(other)) - common)
        stated = entries[one].states, entries[other].states
        if similarity < options.threshold:
            yield Similar(one, other, similarity, "below_threshold")
        elif all(stated) and stated[0] != stated[1]:
            yield Similar(one, other, similarity, "states_otherwise")
        else:
            yield Similar(one, other, similarity, "")


def _candidates(
    signatures: "np.ndarray[tuple[int, int], np.dtype[np.uint32]]", options: DedupOptions
) -> list[tuple[int, int]]:
    """Return (smallest, other) of every bucket of every band, by rank, sorted; one band at a time."""
    pairs: set[tuple[int, int]] = set()
    for band in range(options.bands if len(signatures) > 1 else 0):
        part = np.ascontiguousarray(signatures[:, band * options.rows : (band + 1) * options.rows])
        keys = part.view(np.dtype((np.void, part.dtype.itemsize * options.rows))).ravel()
        order = np.argsort(keys, kind="stable")  # stable: within a bucket the smallest rank comes first
        smallest = int(order[0])
        for before, here in pairwise(order.tolist()):
            if keys[before] == keys[here]:
                pairs.add((smallest, here))
            else:
                smallest = here
    return sorted(pairs)
