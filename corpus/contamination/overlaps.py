"""Finds which texts of the evaluation sets a document holds: exact matches of their n-grams, put together."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.contamination.answered import exposed
from corpus.contamination.benchmarks import Item
from corpus.contamination.ngrams import Hashes, candidates, own_ngrams, sieve
from corpus.folding import Codes, Folded, Places, fold

_APART = np.uint32(0xFFFFFFFF)  # stands between two texts of the index; no character folds to it
_ARRAYS = ("codes", "bounds", "own", "keys", "firsts", "postings", "table")
_PAIRS = 1 << 18  # matches verified together: bounds the memory


class Overlap(NamedTuple):
    """Characters [start, end) of a document that say what a test item says.

    ``part`` is ``stem``, ``stem+gold`` (the right choice follows), ``stem+choices`` (all do), ``sentence``,
    ``context`` or ``filing``. ``answered``: words that give the answer away stand beside it. ``coverage`` is the
    share of the item's text that is there, ``characters`` how many of its letters and digits.
    """

    test: str
    item: str
    part: str
    answered: bool
    start: int
    end: int
    coverage: float
    characters: int


class Run(NamedTuple):
    """An exact match: the folded characters [start, end) of a document are those of the index from ``at`` on."""

    text: int
    start: int
    end: int
    at: int


@dataclass(frozen=True)
class Index:
    """The texts of the tests, folded, with the n-grams that tell them from others; read-only.

    Text ``i`` is ``codes[bounds[i, 0]:bounds[i, 1]]`` and belongs to the ``items[i]``, since equal texts are kept
    once. ``keys`` are the sorted hashes of the n-grams that stand in at most ``maximum_texts`` texts; the n-gram
    ``keys[k]`` begins at ``postings[firsts[k]:firsts[k + 1]]``. ``own`` marks the codes that such n-grams cover.
    ``filings`` are the items that are a whole filing, by its EDINET document id.
    """

    ngram: int
    minimum_coverage: float
    minimum_characters: int
    minimum_run: int
    codes: Codes
    bounds: Places
    own: NDArray[np.bool_]
    keys: Hashes
    firsts: Places
    postings: Places
    table: Hashes
    items: tuple[tuple[Item, ...], ...]
    filings: dict[str, tuple[Item, ...]]

    @classmethod
    def build(
        cls,
        items: Iterable[Item],
        *,
        ngram: int = 13,
        maximum_texts: int = 4,
        minimum_coverage: float = 0.4,
        minimum_characters: int = 26,
        minimum_run: int = 80,
    ) -> "Index":
        """Return the index of ``items``; the same items give the same index."""
        texts: dict[bytes, list[Item]] = {}
        filings: dict[str, list[Item]] = {}
        for item in items:
            if item.filing:
                filings.setdefault(item.filing, []).append(item)
            else:
                texts.setdefault(_folded_item(item, ngram).tobytes(), []).append(item)
        parts = [np.frombuffer(key, np.uint32) for key in texts]
        codes, bounds = _joined(parts)
        own, keys, firsts, postings = own_ngrams(codes, bounds, ngram, maximum_texts)
        return cls(
            ngram, minimum_coverage, minimum_characters, minimum_run, codes, bounds, own, keys, firsts, postings,
            sieve(keys), tuple(map(tuple, texts.values())), {key: tuple(found) for key, found in filings.items()},
        )  # fmt: skip

    def save(self, path: Path) -> None:
        """Write the index as one file of NumPy's ``.npz`` without pickled objects."""
        rows = [[item[:] for item in items] for items in self.items]
        limits = [self.ngram, self.minimum_coverage, self.minimum_characters, self.minimum_run]
        told = json.dumps([limits, rows, list(self.filings.values())])
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        with path.open("wb") as file:  # np.savez would add .npz to another name
            np.savez(file, told=np.frombuffer(told.encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Return the index in the file ``path``."""
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        limits, rows, filings = json.loads(arrays.pop("told").tobytes())
        items = tuple(tuple(map(_item, row)) for row in rows)
        whole = {row[0][-1]: tuple(map(_item, row)) for row in filings}
        ngram, coverage, characters, run = limits
        codes, bounds, own, keys, firsts, postings, table = (arrays[name] for name in _ARRAYS)
        return cls(
            ngram, coverage, characters, run, codes, bounds, own, keys, firsts, postings, table, items, whole
        )

    def unmatchable(self) -> list[Item]:
        """Return the items without an n-gram of their own: too short, or made of what others say too."""
        sums = np.concatenate([[0], np.cumsum(self.own)])
        empty = np.flatnonzero(sums[self.bounds[:, 1]] == sums[self.bounds[:, 0]])
        return [item for number in empty for item in self.items[number]]

    def overlaps(self, text: str, filing: str = "") -> list[Overlap]:
        """Return what ``text`` shares with the tests, in order; ``filing`` is its EDINET document id if it has one.

        An item that occurs twice is reported twice. About 20 ns a character where nothing is found.
        """
        found = [
            Overlap(item.test, item.id, item.part, True, 0, len(text), 1.0, len(text))
            for item in self.filings.get(filing, ())
        ]
        document = fold(text)
        for number, runs in self._grouped(self._runs(document.codes)):
            found.extend(self._reported(document, number, runs))
        return sorted(found, key=lambda o: (o.start, o.end, o.test, o.item, o.part))

    def touched(self, text: str) -> list[Item]:
        """Return the items of which at least one n-gram of their own stands in ``text``, in order; filings are none."""
        numbers = sorted(set(self._runs(fold(text).codes)[:, 0].tolist()))
        return [item for number in numbers for item in self.items[number]]

    def _runs(self, codes: Codes) -> NDArray[np.int64]:
        """Return rows (text, start, end, at): stretches that n-grams of their own show to be equal."""
        places, keys = candidates(codes, self.ngram, self.table)
        key = np.searchsorted(self.keys, keys)
        known = key < len(self.keys)
        known[known] = self.keys[key[known]] == keys[known]
        if not known.any():  # as in nearly every document
            return np.empty((0, 4), np.int64)
        places, key = places[known], key[known]
        counts = self.firsts[key + 1] - self.firsts[key]
        here = np.repeat(places, counts)
        steps = np.arange(len(here)) - np.repeat(np.cumsum(counts) - counts, counts)
        there = self.postings[np.repeat(self.firsts[key], counts) + steps]
        true = self._verified(codes, here, there)
        here, there = here[true], there[true]
        order = np.lexsort((here, there - here))
        here, there = here[order], there[order]
        if not len(here):
            return np.empty((0, 4), np.int64)
        breaks = np.flatnonzero((np.diff(there - here) != 0) | (np.diff(here) > self.ngram)) + 1
        first, last = np.concatenate([[0], breaks]), np.concatenate([breaks - 1, [len(here) - 1]])
        text = np.searchsorted(self.bounds[:, 0], there[first], side="right") - 1
        return np.stack([text, here[first], here[last] + self.ngram, there[first]], axis=1)

    def _verified(self, codes: Codes, here: Places, there: Places) -> NDArray[np.bool_]:
        """Return whether the n-grams are really equal, and not only their hashes."""
        span = np.arange(self.ngram)
        true = np.empty(len(here), np.bool_)
        for first in range(0, len(here), _PAIRS):
            part = slice(first, first + _PAIRS)
            true[part] = (codes[here[part, None] + span] == self.codes[there[part, None] + span]).all(axis=1)
        return true

    @cached_property
    def _wanted(self) -> NDArray[np.int64]:
        """For every text, how many characters of its own must be there; a short one has to be there as a whole."""
        sums = np.concatenate([[0], np.cumsum(self.own)])
        own = sums[self.bounds[:, 1]] - sums[self.bounds[:, 0]]
        least = np.minimum(self.minimum_characters, np.ceil(0.95 * own))
        return np.maximum(np.ceil(self.minimum_coverage * own), least).astype(np.int64)

    def _grouped(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, list[Run]]]:
        """Yield (text, its runs near each other) where they may cover enough of it."""
        if not len(rows):
            return
        total = np.bincount(rows[:, 0], rows[:, 2] - rows[:, 1], minlength=len(self.bounds))
        rows = rows[(total >= np.minimum(self._wanted, self.minimum_run))[rows[:, 0]]]
        runs = [Run(*row) for row in rows[np.lexsort((rows[:, 1], rows[:, 0]))].tolist()]
        for number, same in groupby(runs, key=attrgetter("text")):
            first, end = self.bounds[number].tolist()
            yield from ((number, near) for near in _near(list(same), first, end))

    def _reported(self, document: Folded, number: int, runs: Sequence[Run]) -> Iterator[Overlap]:
        first, end = self.bounds[number]
        own = self.own[first:end]
        covered = np.zeros(end - first, np.bool_)
        longest = 0
        for run in runs:
            covered[run.at - first : run.at - first + run.end - run.start] = True
            longest = max(longest, run.end - run.start)
        there = int((covered & own).sum())
        if there < self._wanted[number] and longest < self.minimum_run:
            return
        coverage = there / int(own.sum())
        start, stop = self._widened(document.codes, runs)
        span = int(document.places[start]), int(document.places[stop - 1]) + 1
        for item in self.items[number]:
            part, answered = exposed(item, document, start, stop)
            yield Overlap(item.test, item.id, part, answered, *span, round(coverage, 4), int(covered.sum()))

    def _widened(self, codes: Codes, runs: Sequence[Run]) -> tuple[int, int]:
        """Return the stretch of all runs, longer by what is equal beyond n-grams that others share."""
        run, last = min(runs, key=lambda r: r.start), max(runs, key=lambda r: r.end)
        start, at = run.start, run.at
        while start and at and codes[start - 1] == self.codes[at - 1]:
            start, at = start - 1, at - 1
        end, at = last.end, last.at + last.end - last.start
        while end < len(codes) and at < len(self.codes) and codes[end] == self.codes[at]:
            end, at = end + 1, at + 1
        return start, end


def _near(runs: Sequence[Run], first: int, end: int) -> Iterator[list[Run]]:
    """Yield the runs of one text, in order of start, in groups: the longest one and what lies where it lets expect.

    A text that lies apart in a document by less than its own length, and 200 characters, is still one.
    """
    starts = [run.start for run in runs]
    slack = end - first + 200
    used = [False] * len(runs)
    for number in sorted(range(len(runs)), key=lambda n: (runs[n].start - runs[n].end, n)):
        if used[number]:
            continue
        run = runs[number]
        left = run.start - (run.at - first) - slack
        right = run.start + end - run.at + slack
        inside = [n for n in range(bisect_left(starts, left), bisect_left(starts, right)) if not used[n]]
        for n in inside:
            used[n] = True
        yield [runs[n] for n in inside]


def _folded_item(item: Item, ngram: int) -> Codes:
    """Return the text of an item as it is looked for: one shorter than an n-gram with its choices."""
    codes = fold(item.text).codes
    return codes if len(codes) >= ngram else fold(item.text + "".join(item.choices)).codes


def _joined(parts: Sequence[Codes]) -> tuple[Codes, Places]:
    """Return the texts one after the other, each followed by a code that is in none, and their bounds."""
    apart = np.array([_APART], np.uint32)
    codes = np.concatenate([piece for part in parts for piece in (part, apart)] or [apart])
    ends = np.cumsum([len(part) + 1 for part in parts], dtype=np.int64) - 1
    starts = ends - np.array([len(part) for part in parts], np.int64)
    return codes, np.stack([starts, ends], axis=1)


def _item(row: Sequence[object]) -> Item:
    test, name, part, text, choices, gold, answers, filing = row
    return Item(test, name, part, text, tuple(choices), gold, tuple(answers), filing)  # type: ignore[arg-type]
