"""How many documents and tokens there are to train on, and how long each is: counted, or estimated and said so."""

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

Lengths = NDArray[np.int64]
EXACT = 20_000_000  # characters up to which every text is tokenized
UNITS, ROWS = 128, 200  # of a sample: places in the files, and documents at each
ASSUMED = 0.65  # tokens a character of Japanese text, where no tokenizer says


@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """The tokens of every document, each with its end-of-text token; ``how`` says where the numbers come from.

    ``stderr`` is that of the sum of tokens, None where nothing was estimated by a sample.
    """

    lengths: Lengths
    how: str
    stderr: float | None = None

    @property
    def documents(self) -> int:
        """The number of documents that are not empty."""
        return len(self.lengths)

    @property
    def tokens(self) -> int:
        """The tokens of all documents."""
        return int(self.lengths.sum())


def said(tokens: int, documents: int) -> Amount:
    """Return the amount that numbers alone tell of, with documents as unequal as an exponential distribution has them."""
    if not 0 < documents <= tokens:
        raise UserError(
            "--documents", f"{documents:,} documents of {tokens:,} tokens", "at least one token a document"
        )
    places = (np.arange(documents) + 0.5) / documents
    lengths = np.maximum(1, np.round(-np.log1p(-places) * tokens / documents)).astype(np.int64)
    lengths[-1] += tokens - lengths.sum()  # the longest takes what rounding left
    return Amount(np.maximum(lengths, 1), "as said on the command line; lengths assumed exponential")


def counted(
    files: Sequence[Path], chosen: Sequence[NDArray[np.bool_]], base: Path | None, profiles: Sequence[Profile]
) -> Amount:
    """Return the amount in Parquet files with a column ``text``.

    ``chosen`` says of every file which rows are read; empty, all are. Tokens come from the tokenizer in ``base``, of all texts
    or, where these are long, of a sample; without it from what ``profiles`` say of some tokenizer; else they are assumed.
    """
    masks: list[NDArray[np.bool_] | None] = list(chosen) or [None] * len(files)
    characters = [_characters(path, mask) for path, mask in zip(files, masks, strict=True)]
    of_all = np.concatenate(characters) if characters else np.zeros(0, np.int64)
    if base is not None and (base / "tokenizer.json").is_file():
        made = load(str(base))
        if of_all.sum() <= EXACT:
            tokens = [_tokens(made, path, mask) for path, mask in zip(files, masks, strict=True)]
            return Amount(np.concatenate(tokens) + 1, "counted by the base's tokenizer")
        ratio, error = _ratio(made, files)
        how = f"estimated by the base's tokenizer from a sample ({ratio:.3f} tokens a character)"
        return Amount(_scaled(of_all, ratio), how, error * float(of_all.sum()))
    known = [one for profile in profiles for one in profile.tokens if one.characters]
    if known:
        ratio = sum(one.tokens for one in known) / sum(one.characters for one in known)
        names = ", ".join(sorted({one.tokenizer for one in known}))
        return Amount(
            _scaled(of_all, ratio), f"estimated by the version's profile, with the tokenizer {names}"
        )
    return Amount(_scaled(of_all, ASSUMED), f"assumed: {ASSUMED} tokens a character, no tokenizer is here")


def _scaled(characters: Lengths, ratio: float) -> Lengths:
    return np.maximum(1, np.round(characters * ratio)).astype(np.int64) + 1


def _characters(path: Path, mask: NDArray[np.bool_] | None) -> Lengths:
    """Return the characters of every text that is read and not empty."""
    if "text" not in pq.read_schema(path).names:
        raise UserError(f"{path.parent.name}/{path.name}", "has no column 'text'", todo="name another corpus")
    sizes = [
        pc.fill_null(pc.utf8_length(pc.utf8_trim_whitespace(block["text"])), 0).to_numpy()
        for block in blocks(path, ["text"])
    ]
    found = np.concatenate(sizes).astype(np.int64) if sizes else np.zeros(0, np.int64)
    found = found if mask is None else found[mask]
    return found[found > 0]


def _tokens(made: Tokenizer, path: Path, mask: NDArray[np.bool_] | None) -> Lengths:
    found: list[int] = []
    at = 0
    with tqdm(
        total=pq.read_metadata(path).num_rows, desc="tokens", unit=" documents", disable=None, leave=False
    ) as bar:
        for block in blocks(path, ["text"]):
            texts = block["text"].to_pylist()
            kept = texts if mask is None else [t for t, yes in zip(texts, mask[at:], strict=False) if yes]
            found += made.sizes([text for text in kept if text and text.strip()])
            at += len(texts)
            bar.update(len(texts))
    return np.array(found, np.int64)


def _ratio(made: Tokenizer, files: Sequence[Path]) -> tuple[float, float]:
    """Return tokens a character, and the standard error of that, of documents drawn at equal chances.

    The ratio of two sums over places, with its error between them (W. G. Cochran, Sampling Techniques, section 6.4).
    """
    parts = [Part(path, "", "train", pq.read_metadata(path).num_rows) for path in files]
    places = draw(units(parts, "text"), most=UNITS, seed=0)
    pairs = [
        (sum(made.sizes(texts)), sum(map(len, texts)))
        for _, texts in tqdm(
            sampled(places, "text", rows=ROWS, seed=0), desc="tokens", disable=None, total=len(places)
        )
    ]
    y, x = np.array(pairs, np.float64).T
    ratio = float(y.sum() / max(x.sum(), 1))
    rest = float(((y - ratio * x) ** 2).sum())
    n = len(pairs)
    return ratio, float(np.sqrt(rest / (n * max(n - 1, 1))) / max(x.mean(), 1e-9))
