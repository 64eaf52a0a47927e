"""Questions that were asked before: the same words, nearly the same words, or one pattern too often."""

import hashlib
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryFile

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
_KINDS = re.compile(
    r"(?:有価証券|四半期|半期|臨時|統合|年次|内部統制|監査)?報告書?|決算(?:短信|説明)|議事要旨|会見|説明会|資料|訂正|確認書"
)
_NAMED = re.compile(r"[ァ-ヶーA-Za-z]{3,}|[一-鿿々]{2,}")
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

    Memory: 8 bytes a question for equal ones (16 for a moment); for similar ones 48 more (88 for a moment), of at most
    twice ``remembered`` questions; 8 MiB of counts; some MiB of what is not sorted in yet. The texts of ``remembered``
    questions lie in files without a name in ``work``, which ``close`` lets go of.
    """

    def __init__(self, options: DuplicateOptions | None = None, work: Path | None = None) -> None:
        self.options = options or DuplicateOptions()
        self._equal = Seen()
        self._near = [Similar(work)]
        self._patterns = Sketch()
        self._sources: Counter[tuple[str, str]] = Counter()

    def check(self, candidate: Candidate, *, template: str = "") -> Drop | None:
        """Return why a question is refused (equal_question, similar_question, over_cap), or None and remember it.

        ``template`` names the words that it was made with, where there is such a thing. Rephrasings are compared by
        their text and have no pattern.
        """
        style, source = candidate.style, candidate.chunk.document.source
        asked, answer = comparable(candidate.question), comparable(candidate.answer)
        exact = number_of(style, folded(asked), folded(answer) if not asked or generic(candidate) else "")
        if exact in self._equal:
            return Drop("equal_question")
        pattern = template or pattern_of(asked)
        counted = number_of(source, style, pattern)
        of_source, used = self._sources[source, style], self._patterns.count(counted)
        if asked and used >= max(self.options.patterns_from, self.options.per_pattern * of_source):
            return Drop("over_cap", f"{used} of {of_source}: {pattern[:100]}")
        text = "\n".join((style, asked, answer))
        numbers = number_of(*_DIGITS.findall(text))
        if self.options.remembered:
            keys = self._near[-1].keys(text, numbers)
            if any(near.holds(text, keys, self.options.threshold) for near in self._near):
                return Drop("similar_question")
            self._remember(text, keys)
        self._equal.add(exact)
        self._patterns.add(counted)
        self._sources[source, style] += 1
        return None

    @property
    def nbytes(self) -> int:
        """Bytes that grow with the questions."""
        return self._equal.nbytes + sum(near.nbytes for near in self._near)

    def close(self) -> None:
        """Let go of the files."""
        for near in self._near:
            near.close()

    def _remember(self, text: str, keys: list[int]) -> None:
        """Note a question; what is older than the last ``remembered`` and more is forgotten as a whole."""
        if len(self._near[-1]) >= self.options.remembered:
            for old in self._near[:-1]:
                old.close()
            self._near = [self._near[-1], Similar(self._near[-1].work)]
        self._near[-1].add(text, keys)


class Similar:
    """Texts by the bands of their MinHash signatures; they lie in a file, where those that share a band are compared."""

    def __init__(self, work: Path | None) -> None:
        self.work = work
        self._hasher = MinHasher(_BANDS * _ROWS, ngram=5)
        self._bands = [Postings() for _ in range(_BANDS)]
        self._ends = np.zeros(1024, np.uint64)
        self._count = 0
        self._texts = TemporaryFile(dir=work)  # noqa: SIM115  closed with this object

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes that grow with the texts."""
        return self._ends.nbytes + sum(band.nbytes for band in self._bands)

    def close(self) -> None:
        """Let go of the file."""
        self._texts.close()

    def keys(self, text: str, numbers: int) -> list[int]:
        """Return the 32-bit key of every band; texts with other ``numbers`` have other keys."""
        bands = band_keys(self._hasher.sign(text)[None], _BANDS, _ROWS)[0]
        return [int(one) for one in (bands ^ np.uint64(numbers)) >> np.uint64(32)]

    def holds(self, text: str, keys: list[int], threshold: float) -> bool:
        """Return whether a text is at least so similar to an earlier one with the same numbers and first line."""
        met = {number for band, key in zip(self._bands, keys, strict=True) for number in band.of(key)}
        style, stated = text.partition("\n")[0], _DIGITS.findall(text)
        earlier = (self._text(number) for number in sorted(met))
        return any(
            one.partition("\n")[0] == style
            and _DIGITS.findall(one) == stated
            and jaccard(one, text, 5) >= threshold
            for one in earlier
        )

    def add(self, text: str, keys: list[int]) -> None:
        """Note a text under its keys."""
        for band, key in zip(self._bands, keys, strict=True):
            band.add(key, self._count)
        if self._count + 2 > len(self._ends):
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

    What it could name is a term in 「」 or a name of the title, of two characters and more; 当社 names nothing, and
    neither does a period, which many documents share.
    """
    asked = comparable(candidate.question)
    if _POINTING.search(asked):
        return True
    title = _KINDS.sub(" ", comparable(candidate.chunk.document.title))
    return "「" not in asked and not any(match[0] in title for match in _NAMED.finditer(asked))


def pattern_of(asked: str) -> str:
    """Return a question with every run of kanji, katakana, letters and digits as one sign."""
    return _WORDS.sub("＿", asked)


def number_of(*parts: str) -> int:
    """Return a 64-bit number that follows from texts."""
    digest = hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
