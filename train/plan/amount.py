"""How many documents and tokens an epoch has, how long each is and how often it is read: counted, or estimated and said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

from datacards.errors import UserError
from datacards.profile.blocks import Shard as Part
from datacards.profile.blocks import blocks, draw, sampled, units
from datacards.profile.record import Profile
from datacards.profile.tokens import Tokenizer, load
from train.base import Shard, TrainData
from train.data.cache import LENGTHS, Entry, found, place
from train.data.tokenizer import key

EXACT = 20_000_000  # characters up to which every text is tokenized
UNITS, ROWS = 128, 200  # of a sample: places in the files, and documents at each
ASSUMED = 0.65  # tokens a character of Japanese text, where no tokenizer says

Lengths = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """The tokens of every document, its end-of-text token among them, and how often an epoch reads it; ``how`` that is known.

    A document of no tokens is none. ``stderr`` is that of the sum of tokens, None where nothing was estimated by a sample.
    """

    lengths: Lengths
    times: NDArray[np.float32]
    how: str
    stderr: float | None = None

    @property
    def documents(self) -> int:
        """The number of documents that are read."""
        return int(np.count_nonzero((self.lengths > 0) & (self.times > 0)))

    @property
    def tokens(self) -> int:
        """The tokens of one epoch."""
        return round(float(self.lengths.astype(np.float64) @ self.times))


def said(tokens: int, documents: int) -> Amount:
    """Return the amount that numbers alone tell of, with documents as unequal as an exponential distribution has them."""
    if not 0 < documents <= tokens:
        raise UserError(
            "--documents", f"{documents:,} documents of {tokens:,} tokens", "at least one token a document"
        )
    places = (np.arange(documents) + 0.5) / documents
    lengths = np.maximum(1, np.round(-np.log1p(-places) * tokens / documents)).astype(np.int32)
    lengths[-1] = max(
        1, int(lengths[-1]) + tokens - int(lengths.sum())
    )  # the longest takes what rounding left
    how = "as said on the command line; lengths assumed exponential"
    return Amount(lengths, np.ones(documents, np.float32), how)


def counted(data: TrainData, base: Path | None, profiles: Sequence[Profile]) -> Amount:
    """Return the amount of what a run reads.

    Tokens come from the token cache where all files are in it; else from the tokenizer in ``base``, of all texts or, where these
    are long, of a sample; without it from what ``profiles`` say of some tokenizer; else they are assumed.
    """
    read = [shard for shard in data.shards if not shard.validation]
    lengths, how, error = _lengths(read, data.cache, base, profiles)
    times = [np.ones(shard.rows, np.float32) if shard.times is None else shard.times for shard in read]
    weighed = _weighed(read, lengths, times, data.replay_share)
    return Amount(np.concatenate(lengths), np.concatenate(weighed), how, error)


def _weighed(
    read: Sequence[Shard], lengths: Sequence[Lengths], times: Sequence[NDArray[np.float32]], share: float
) -> list[NDArray[np.float32]]:
    """Return how often rows are read once replayed ones make up their share of all tokens."""
    own, other = (
        sum(
            float(n.astype(np.float64) @ t)
            for shard, n, t in zip(read, lengths, times, strict=True)
            if shard.replay == replay
        )
        for replay in (False, True)
    )
    factor = np.float32(own * share / (1 - share) / other if other else 1.0)
    return [t * factor if shard.replay else t for shard, t in zip(read, times, strict=True)]


def _lengths(
    read: Sequence[Shard], cache: Path | None, base: Path | None, profiles: Sequence[Profile]
) -> tuple[list[Lengths], str, float | None]:
    here = base if base is not None and (base / "tokenizer.json").is_file() else None
    if here and cache and (entries := _cached(read, cache, here)):
        return [one.array(LENGTHS).astype(np.int32) for one in entries], "from the token cache", None
    characters = [_characters(shard) for shard in read]
    total = sum(int(one.sum()) for one in characters)
    if here:
        made = load(str(here))
        if total <= EXACT:
            return [_tokens(made, shard) for shard in read], "counted by the base's tokenizer", None
        ratio, error = _ratio(made, [shard.path for shard in read])
        how = f"estimated by the base's tokenizer from a sample ({ratio:.3f} tokens a character)"
        return [_scaled(one, ratio) for one in characters], how, error * total
    known = [one for profile in profiles for one in profile.tokens if one.characters]
    if known:
        ratio = sum(one.tokens for one in known) / sum(one.characters for one in known)
        names = ", ".join(sorted({one.tokenizer for one in known}))
        how = f"estimated by the version's profile, with the tokenizer {names}"
        return [_scaled(one, ratio) for one in characters], how, None
    how = f"assumed: {ASSUMED} tokens a character, as no tokenizer is here"
    return [_scaled(one, ASSUMED) for one in characters], how, None


def _cached(read: Sequence[Shard], cache: Path, base: Path) -> list[Entry]:
    """Return the entries of all files in the token cache, none where one is missing."""
    named = key(base)
    entries = [found(place(cache, named, shard), thorough=False) for shard in read]
    whole = [entry for entry in entries if entry is not None]
    return whole if len(whole) == len(entries) else []


def _scaled(characters: Lengths, ratio: float) -> Lengths:
    tokens = np.maximum(1, np.round(characters * ratio)) + 1
    return np.where(characters > 0, tokens, 0).astype(np.int32)


def _characters(shard: Shard) -> Lengths:
    """Return the characters of every text, 0 for one of nothing but space."""
    if "text" not in pq.read_schema(shard.path).names:
        raise UserError(shard.name, "has no column 'text'", todo="name another corpus")
    sizes = [
        pc.fill_null(pc.utf8_length(pc.utf8_trim_whitespace(block["text"])), 0).to_numpy()
        for block in blocks(shard.path, ["text"])
    ]
    return np.concatenate([np.zeros(0, np.int32), *sizes]).astype(np.int32)


def _tokens(made: Tokenizer, shard: Shard) -> Lengths:
    sizes: list[int] = []
    with tqdm(total=shard.rows, desc="tokens", unit=" documents", disable=None, leave=False) as bar:
        for block in blocks(shard.path, ["text"]):
            texts = [text or "" for text in block["text"].to_pylist()]
            counts = made.sizes(texts)
            sizes += [n + 1 if text.strip() else 0 for n, text in zip(counts, texts, strict=True)]
            bar.update(len(texts))
    return np.array(sizes, np.int32)


def _ratio(made: Tokenizer, files: Sequence[Path]) -> tuple[float, float]:
    """Return tokens a character, and the standard error of that, of documents drawn at equal chances.

    The ratio of two sums over places, with its error between them (W. G. Cochran, Sampling Techniques, section 6.4).
    """
    parts = [Part(path, "", "train", pq.read_metadata(path).num_rows) for path in files]
    places = draw(units(parts, "text"), most=UNITS, seed=0)
    of_places = sampled(places, "text", rows=ROWS, seed=0)
    pairs = [
        (sum(made.sizes(texts)), sum(map(len, texts)))
        for _, texts in tqdm(of_places, desc="tokens", unit=" places", disable=None, total=len(places))
    ]
    y, x = np.array(pairs, np.float64).T
    ratio = float(y.sum() / max(x.sum(), 1))
    rest = float(((y - ratio * x) ** 2).sum())
    n = len(pairs)
    return ratio, float(np.sqrt(rest / (n * max(n - 1, 1))) / max(x.mean(), 1e-9))
