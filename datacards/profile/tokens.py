"""Counts tokens by named tokenizers: all of them of a small version, else an estimate with its standard error."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datacards.card import VERSION
from datacards.errors import UserError
from datacards.profile.blocks import Shard, Unit, draw, sampled, units
from datacards.profile.record import Tokens

FILE = "tokenizer.json"
COMMIT = re.compile(r"[0-9a-f]{40}")
EXACT = 20_000_000  # characters of all formats up to which every text is counted
SAMPLE = 4_000_000  # characters of one format that an estimate looks at, or little more
_UNITS = 256
_AT_ONCE = 2_000_000  # characters that are tokenized at once


class Tokenizer(NamedTuple):
    """A tokenizer with the name it is told by, and the SHA-256 of its file."""

    name: str
    sha256: str
    made: Any

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of every text, without special tokens."""
        return [len(one.ids) for one in self.made.encode_batch_fast(list(texts), add_special_tokens=False)]


def load(named: str) -> Tokenizer:
    """Return the tokenizer of a local folder or ``tokenizer.json``, or of ``hf:org/name@<commit>``.

    A folder is told by its name alone. Raises UserError when there is no such file.
    """
    from tokenizers import Tokenizer as Made

    if named.startswith("hf:"):
        name, path = named, _from_hub(named)
    else:
        path = Path(named).expanduser()
        path = path / FILE if path.is_dir() else path
        name = _told(path.resolve().parent) if path.name == FILE else path.stem
    try:
        text = path.read_text(encoding="utf-8")
        described = json.loads(text)
    except (OSError, ValueError) as error:
        raise UserError(
            "tokenizers", f"'{name}' holds no {FILE} that can be read", todo="correct it"
        ) from error
    if not isinstance(described, dict) or "model" not in described:
        raise UserError("tokenizers", f"the {FILE} of '{name}' is none", todo="name another one")
    made = Made.from_str(text)
    made.no_truncation()
    made.no_padding()
    return Tokenizer(name, sha256(text.encode()).hexdigest(), made)


def _told(folder: Path) -> str:
    """Return the name of a folder; of a version in a store ``name@version``."""
    return f"{folder.parent.name}@{folder.name}" if VERSION.fullmatch(folder.name) else folder.name


def _from_hub(named: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository, _, revision = named.removeprefix("hf:").partition("@")
    if not COMMIT.fullmatch(revision):
        raise UserError("tokenizers", f"'{named}' names no commit", "hf:org/name@<commit>", "pin the commit")
    try:
        return Path(hf_hub_download(repository, FILE, revision=revision))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise UserError(
            "tokenizers", f"'{named}' cannot be fetched: {error}", todo="check the name and the network"
        ) from error


def tokens(
    named: Sequence[str], files: Mapping[str, Sequence[Shard]], characters: Mapping[str, int], seed: int = 0
) -> Iterator[Tokens]:
    """Yield the tokens of every format in ``files`` by every named tokenizer; ``characters`` are those per format."""
    exact = sum(characters.values()) <= EXACT
    for one in map(load, named):
        for name, of_format in files.items():
            yield (_all if exact else _estimate)(one, name, of_format, characters.get(name, 0), seed)


def _all(one: Tokenizer, name: str, files: Sequence[Shard], characters: int, seed: int) -> Tokens:
    found = units(files, "text")
    rows = sum(unit.rows for unit in found)
    counted = sum(
        sum(one.sizes(part))
        for _, texts in sampled(found, "text", rows=rows or 1, seed=seed)
        for part in _parts(texts)
    )
    return Tokens(
        tokenizer=one.name, sha256=one.sha256, format=name, tokens=counted, stderr=None, rows=rows, of=rows,
        characters=characters,
    )  # fmt: skip


def _estimate(one: Tokenizer, name: str, files: Sequence[Shard], characters: int, seed: int) -> Tokens:
    """Estimate the tokens of a format by the ratio of tokens to characters in a sample in two stages.

    Units are drawn with equal chances, then rows in each. The number of characters of all texts is known, so what
    is estimated is the ratio; its error is that between units, without a correction for a finite number of them
    (W. G. Cochran, Sampling Techniques, 3rd edition, 1977, sections 6.4 and 11.8).
    """
    found = units(files, "text")
    of = sum(unit.rows for unit in found)
    if not of:
        return Tokens(
            tokenizer=one.name, sha256=one.sha256, format=name, tokens=0, stderr=0.0, rows=0, of=0,
            characters=characters,
        )  # fmt: skip
    wanted = max(int(SAMPLE / max(characters / of, 1)), 2)
    chosen = draw(found, most=min(_UNITS, wanted), seed=seed)
    each = max(wanted // len(chosen), 1)
    rows, made = 0, []
    for unit, texts in sampled(chosen, "text", rows=each, seed=seed):
        rows += len(texts)
        made.append(_weighed(one, unit, texts))
    y, x = np.array(made).T
    ratio = y.sum() / max(x.sum(), 1)
    n = len(made)
    rest = ((y - ratio * x) ** 2).sum()
    error = characters * np.sqrt(rest / (n * max(n - 1, 1))) / max(x.mean(), 1e-9)
    return Tokens(
        tokenizer=one.name, sha256=one.sha256, format=name, tokens=round(ratio * characters),
        stderr=round(float(error), 1), rows=rows, of=of, characters=characters,
    )  # fmt: skip


def _weighed(one: Tokenizer, unit: Unit, texts: Sequence[str]) -> tuple[float, float]:
    """Return tokens and characters of a whole unit as the rows drawn from it let expect."""
    weight = unit.rows / len(texts)
    counted = sum(sum(one.sizes(part)) for part in _parts(texts))
    return weight * counted, weight * sum(map(len, texts))


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= _AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part
