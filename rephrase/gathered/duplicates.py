"""Questions that were asked before: the same words, nearly the same words, or one pattern too often."""

import hashlib
import re
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from corpus.document import Drop
from corpus.duplicates.compared import comparable
from corpus.duplicates.minhash import MinHasher, band_keys
from corpus.duplicates.similarity import jaccard
from corpus.folding import folded
from rephrase.candidate import Candidate
from rephrase.gathered.counts import Sketch
from rephrase.gathered.seen import Postings, Seen

_BANDS, _ROWS = 5, 4  # find 97 % of the pairs at a similarity of 0.85, 99.5 % at 0.9
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_POINTING = re.compile(r"当社|同社|当行|同行|弊社|本件|この|その|当期|前期|今期|来期|同期|今後|本書|当該")
_NAMED = re.compile(r"[ァ-ヶーA-Za-z]{3,}|[一-鿿々]{2,}|「([^」]{2,})」")
_WORDS = re.compile(r"[一-鿿々ァ-ヶーA-Za-z0-9]+")


class DuplicateOptions(BaseModel):
    """What counts as asked before.

    ``threshold`` is the Jaccard similarity of the sets of character 5-grams from which questions with their answers
    are too alike. ``remembered`` are the questions among which such ones are looked for: the last ones. ``per_pattern``
    is the share of the questions of a source that may have one pattern (a template; else the question with its names
    and numbers taken out), from ``patterns_from`` questions of that pattern on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=0.85, gt=0.0, le=1.0)
    remembered: int = Field(default=4_000_000, ge=0, lt=2**32)
    per_pattern: float = Field(default=0.1, gt=0.0, le=1.0)
    patterns_from: int = Field(default=1000, ge=1)


class Duplicates:
    """Judges questions in order and remembers those that stay: of several alike the first one does.

    Memory: 8 bytes a question (16 for a moment) for equal ones; for similar ones 48 bytes each, up to twice
    ``remembered``; 16 MiB of counts. The texts of those lie in a file without a name in ``work``.
    """

    def __init__(self, options: DuplicateOptions | None = None, work: Path | None = None) -> None:
        self.options = options or DuplicateOptions()
        self._equal = Seen()
        self._near = [_Near(work)]
        self._patterns, self._sources = Sketch(), Sketch()

    def check(self, candidate: Candidate, *, template: str = "") -> Drop | None:
        """Return why a question is refused (equal_question, similar_question, over_cap), or None and remember it.

        ``template`` names the words that it was made with, where there is such a thing.
        """
        style, source = candidate.style, candidate.chunk.document.source
        asked, answer = comparable(candidate.question), comparable(candidate.answer)
        exact = _hash(style, folded(asked), folded(answer) if generic(candidate) else "")
        if exact in self._equal:
            return Drop("equal_question")
        pattern = _hash(source, style, template or _pattern(asked))
        of_source = _hash(source, style)
        used, most = self._patterns.count(pattern), self.options.per_pattern
        if used >= self.options.patterns_from and used >= most * self._sources.count(of_source):
            return Drop("over_cap", template or _pattern(asked)[:100])
        text = f"{style}\n{asked}\n{answer}"
        numbers = _hash(*_DIGITS.findall(asked), *_DIGITS.findall(answer))
        if self.options.remembered:
            keys = self._near[-1].keys(text, numbers)
            if any(near.holds(text, numbers, keys, self.options.threshold) for near in self._near):
                return Drop("similar_question")
            self._remember(text, keys)
        self._equal.add(exact)
        self._patterns.add(pattern)
        self._sources.add(of_source)
        return None

    @property
    def nbytes(self) -> int:
        """Bytes that grow with the questions."""
        return self._equal.nbytes + sum(near.nbytes for near in self._near)

    def _remember(self, text: str, keys: list[int]) -> None:
        """Note a question; what is older than the last ``remembered`` and more is forgotten as a whole."""
        if len(self._near[-1]) >= self.options.remembered:
            self._near = [self._near[-1], _Near(self._near[-1].work)]
        self._near[-1].add(text, keys)


class _Near:
    """Questions by the bands of their MinHash signatures; their texts in a file, where candidates are compared."""

    def __init__(self, work: Path | None) -> None:
        self.work = work
        self._hasher = MinHasher(_BANDS * _ROWS, ngram=5)
        self._bands = [Postings() for _ in range(_BANDS)]
        self._ends = np.zeros(1024, np.uint64)
        self._count = 0
        self._texts: BinaryIO = TemporaryFile(dir=work)  # noqa: SIM115  closed with this object

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        return self._ends.nbytes + sum(band.nbytes for band in self._bands)

    def keys(self, text: str, numbers: int) -> list[int]:
        """Return the 32-bit key of every band; texts with other numbers have other keys."""
        bands = band_keys(self._hasher.sign(text)[None], _BANDS, _ROWS)[0]
        return [int(one) for one in (bands ^ np.uint64(numbers)) >> np.uint64(32)]

    def holds(self, text: str, numbers: int, keys: list[int], threshold: float) -> bool:
        """Return whether a text is at least so similar to an earlier one that states the same numbers."""
        met: set[int] = set()
        for band, key in zip(self._bands, keys, strict=True):
            met.update(band.of(key))
        for number in sorted(met):
            earlier = self._text(number)
            style, asked, answer = earlier.split("\n", 2)
            if (
                text.startswith(style)
                and _hash(*_DIGITS.findall(asked), *_DIGITS.findall(answer)) == numbers
                and jaccard(earlier, text, 5) >= threshold
            ):
                return True
        return False

    def add(self, text: str, keys: list[int]) -> None:
        for band, key in zip(self._bands, keys, strict=True):
            band.add(key, self._count)
        if self._count + 1 >= len(self._ends):
            self._ends = np.concatenate([self._ends, np.zeros(len(self._ends) // 4, np.uint64)])
        self._texts.seek(int(self._ends[self._count]))
        written = self._texts.write(text.encode("utf-8", "surrogatepass"))
        self._ends[self._count + 1] = self._ends[self._count] + np.uint64(written)
        self._count += 1

    def _text(self, number: int) -> str:
        start, end = int(self._ends[number]), int(self._ends[number + 1])
        self._texts.seek(start)
        return self._texts.read(end - start).decode("utf-8", "surrogatepass")


def generic(candidate: Candidate) -> bool:
    """Return whether a question names nothing that tells its document from others, so that many may ask it.

    What it could name is a number, something in 「」, or a name of two characters and more in the title or the context;
    当社 or 前期 names nothing.
    """
    asked = comparable(candidate.question)
    if _POINTING.search(asked):
        return True
    if _DIGITS.search(asked) or "「" in asked:
        return False
    told = comparable(f"{candidate.chunk.document.title}\n{candidate.chunk.context}")
    return not any(match[0] in told for match in _NAMED.finditer(asked))


def _pattern(asked: str) -> str:
    """Return a question with every run of kanji, katakana, letters and digits as one sign."""
    return _WORDS.sub("＿", asked)


def _hash(*parts: str) -> int:
    digest = hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
