"""Signals of quality: those that rows carry in meta, else a few cheap ones of a sample of texts."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datacards.profile import meta as said
from datacards.profile.bins import LENGTHS, SHARES, Bins
from datacards.profile.blocks import Shard, draw, sampled, units
from datacards.profile.record import Quality, Signal

#: Signals that stand in meta each under its own name.
MARKED = ("statutory_share", "repeated_share")
#: Signals in the JSON object ``meta["quality"]``; all are shares but the mean length of sentences.
SIGNALS = (
    "hiragana", "katakana", "kanji", "digits", "signs", "tables", "bullets", "ellipses", "ended", "sentence", "variety",
)  # fmt: skip
#: What each signal says, for the page.
TOLD = {
    "hiragana": "hiragana of the visible characters",
    "katakana": "katakana of the visible characters",
    "kana": "hiragana and katakana of all characters",
    "kanji": "kanji of the characters",
    "digits": "digits of the characters",
    "signs": "punctuation and symbols of the visible characters",
    "tables": "characters in rows of tables",
    "bullets": "lines that begin with a bullet",
    "ellipses": "lines that end with an ellipsis",
    "ended": "lines that end like a sentence",
    "sentence": "mean length of sentences, in characters",
    "variety": "different characters of the first thousand",
    "statutory_share": "characters in sentences that the law prescribes",
    "repeated_share": "characters in sentences that the publisher said before",
}
_CARRIED = 200_000  # rows whose signals are read at most
_ROWS, _UNITS, _CHARACTERS = 20_000, 400, 20_000_000  # of a sample of texts
_COUNTED = {
    "kana": r"[\p{Hiragana}\p{Katakana}ー]",
    "kanji": r"\p{Han}",
    "digits": r"\p{Nd}",
}
_ENDED = r"(?m)[。．.！？!?」』）)：:]$"


class FromMeta:
    """The signals that rows carry, of every ``stride``-th row: to read them all would cost most of the pass."""

    def __init__(self, rows: int) -> None:
        self.stride = max(1, -(-rows // _CARRIED))
        self.bins = {name: Bins(LENGTHS if name == "sentence" else SHARES) for name in (*SIGNALS, *MARKED)}
        self.rows = self.of = 0

    def add(self, meta: Mapping[str, pa.Array]) -> None:
        """Count what the rows of a block carry."""
        size = len(meta["quality"])
        first = -self.of % self.stride
        self.of += size
        if self.stride > 1:
            places = pa.array(range(first, size, self.stride))
            meta = {name: meta[name].take(places) for name in ("quality", *MARKED)}
        carried = meta["quality"]
        self.rows += len(carried) - carried.null_count
        for name in MARKED:
            self.bins[name].add(_plain(said.numbers(meta[name])))
        if carried.null_count < len(carried):
            found = said.parsed(carried, len(carried), dict.fromkeys(SIGNALS, pa.float64()))
            for name in SIGNALS:
                self.bins[name].add(_plain(found[name]))

    def found(self, formats: Sequence[str]) -> Quality | None:
        """Return the distributions, None when no row carries a signal."""
        signals = _signals(self.bins)
        if not signals:
            return None
        return Quality(origin="meta", formats=tuple(formats), rows=self.rows, of=self.of, signals=signals)


def of_texts(files: Sequence[Shard], characters: int, seed: int = 0) -> Quality | None:
    """Return cheap signals of a bounded sample of the texts of ``files``; ``characters`` are those of all of them."""
    found = units(files, "text")
    total = sum(unit.rows for unit in found)
    if not total:
        return None
    wanted = max(min(_ROWS, int(_CHARACTERS / max(characters / total, 1))), 1)
    chosen = draw(found, most=min(_UNITS, wanted), seed=seed)
    each = max(wanted // len(chosen), 1)
    bins = {name: Bins(SHARES) for name in (*_COUNTED, "ended")}
    rows = 0
    for _, texts in sampled(chosen, "text", rows=each, seed=seed):
        held = pa.array(texts)
        rows += len(held)
        length = pc.cast(pc.utf8_length(held), pa.float64())
        for name, pattern in _COUNTED.items():
            bins[name].add(_plain(pc.divide(pc.count_substring_regex(held, pattern), length)))
        lines = pc.add(pc.count_substring(held, "\n"), 1)
        ended = pc.count_substring_regex(held, _ENDED)
        bins["ended"].add(_plain(pc.divide(pc.cast(ended, pa.float64()), lines)))
    formats = tuple(dict.fromkeys(shard.config for shard in files))
    return Quality(origin="text", formats=formats, rows=rows, of=total, signals=_signals(bins))


def _signals(bins: Mapping[str, Bins]) -> tuple[Signal, ...]:
    counted = {name: one.histogram() for name, one in bins.items()}
    return tuple(Signal(name=name, values=one) for name, one in counted.items() if one)


def _plain(values: pa.Array) -> npt.NDArray[np.float64]:
    """Return numbers as numpy has them, null as no number."""
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=float)
