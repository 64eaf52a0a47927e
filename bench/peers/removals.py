"""Judges which removals of a de-duplication are right, by the exact similarity of the documents."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq

THRESHOLD = 0.8  # Jaccard similarity of the sets of character 5-grams
SPAN = 5
BINS = (0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0, 1.1)


@dataclass(frozen=True)
class Pair:
    """Two documents of one family, the earlier first, and their exact Jaccard similarity."""

    earlier: int
    later: int
    similarity: float


@dataclass(frozen=True)
class Truth:
    """What is known of a corpus: pairs inside its families, and how many documents ought to go.

    A family is an original with all that was made from it, however unlike; ``surplus`` counts the documents that
    resemble another one of theirs at 0.80 or more, less one survivor for each group of such.
    """

    documents: int
    pairs: Sequence[Pair]
    surplus: int


@dataclass(frozen=True)
class Quality:
    """Share of removals that are right, of the surplus that went, and of what went by similarity (see ``BINS``)."""

    precision: float
    recall: float
    by_bin: dict[str, float]


def read_truth(folder: Path) -> Truth:
    """Measure the families of a corpus: ``docs/*.parquet`` (doc_id, text), ``truth.parquet`` (doc_id, base_id).

    Families are compared by their texts as they stand, each pair within; the columns kind, jaccard and group of
    ``truth.parquet`` are not needed. Ids are whole numbers, a smaller one is an earlier document.
    """
    told = pq.read_table(folder / "truth.parquet", columns=["doc_id", "base_id"])
    base = dict(zip(told["doc_id"].to_pylist(), told["base_id"].to_pylist(), strict=True))
    families: dict[int, list[int]] = defaultdict(list)
    for document in sorted(base):
        original = document
        while base[original] != original:
            original = base[original]
        families[original].append(document)
    related = {one: family for family in families.values() if len(family) > 1 for one in family}
    texts: dict[int, str] = {}
    for path in sorted((folder / "docs").glob("*.parquet")):
        table = pq.read_table(path, columns=["doc_id", "text"])
        texts.update(
            (one, text)
            for one, text in zip(table["doc_id"].to_pylist(), table["text"].to_pylist(), strict=True)
            if one in related
        )
    pairs: list[Pair] = []
    surplus = 0
    for family in families.values():
        if len(family) > 1:
            found = list(_pairs(family, [_grams(texts[one]) for one in family]))
            surplus += len(family) - _groups(family, found)
            pairs.extend(found)
    return Truth(len(base), pairs, surplus)


def judge(truth: Truth, kept: Collection[int]) -> Quality:
    """Return how right it is that of the documents ``kept`` stayed and the others went.

    A removal is right when the document resembles, at 0.80 or more, another one that stayed or is earlier.
    """
    stayed = set(kept)
    right: set[int] = set()
    nearest: dict[int, Pair] = {}
    alike: set[int] = set()
    for pair in truth.pairs:
        if pair.similarity >= THRESHOLD:
            alike |= {pair.earlier, pair.later}
            if pair.later not in stayed:
                right.add(pair.later)
            elif pair.earlier not in stayed:
                right.add(pair.earlier)
        if pair.later not in nearest or pair.similarity > nearest[pair.later].similarity:
            nearest[pair.later] = pair
    removed = truth.documents - len(stayed)
    by_bin: dict[str, float] = {}
    for low, high in pairwise(BINS):
        went = [
            pair.later not in stayed or pair.earlier not in stayed
            for pair in nearest.values()
            # Below the threshold only those count that have no better reason to go.
            if low <= pair.similarity < high and (low >= THRESHOLD or not alike & {pair.earlier, pair.later})
        ]
        name = f"{low:.2f}-{high:.2f}" if low < 1 else "1"
        by_bin[name] = sum(went) / len(went) if went else float("nan")
    return Quality(len(right) / max(1, removed), len(right) / max(1, truth.surplus), by_bin)


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + SPAN] for at in range(max(1, len(text) - SPAN + 1)))


def _pairs(family: Sequence[int], grams: Sequence[frozenset[str]]) -> list[Pair]:
    found = []
    for at, later in enumerate(family):
        for before, earlier in enumerate(family[:at]):
            common = len(grams[at] & grams[before])
            similarity = common / (len(grams[at]) + len(grams[before]) - common)
            found.append(Pair(earlier, later, similarity))
    return found


def _groups(family: Sequence[int], pairs: Sequence[Pair]) -> int:
    """Return into how many groups the pairs at the threshold join a family."""
    group = {one: one for one in family}
    for pair in pairs:
        if pair.similarity >= THRESHOLD:
            old, new = group[pair.later], group[pair.earlier]
            group = {one: new if said == old else said for one, said in group.items()}
    return len(set(group.values()))
