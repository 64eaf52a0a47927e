"""Reads which token stands at which row of an embedding, from the tokenizer files of a model folder."""

import base64
import importlib
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from datacards.errors import UserError
from datacards.places import sha256_of
from merge.fit import read_json, some_tokens

CONFIG, ADDED = "tokenizer_config.json", "added_tokens.json"
PIECES = ("tokenizer.model", "spiece.model")  # sentencepiece models whose pieces are numbered like the rows
OTHER = re.compile(r"(?i)token|vocab|tekken|\.(model|spm|bpe)$")  # what else looks like a part of a tokenizer
MOST_BYTES = 256 << 20
MOST_ROWS = 1 << 24
SAVE = "save the tokenizer again, as tokenizer.json"
# An array of merges is half of a tokenizer.json and says nothing of rows: it is cut out before the rest is parsed.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT = rb'(?:[^"\[\]]++|' + _STRING + rb")*+"
MERGES = re.compile(
    rb'("merges")\s*+:\s*+\[(?:[^"\[\]]++|' + _STRING + rb"|\[" + _FLAT + rb"\])*+\]", re.DOTALL
)
# The special tokens that the class QWenTokenizer puts behind the ranks of its file, in this order.
QWEN = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|extra_{i}|>" for i in range(205)))


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The row of every token, and a sentence on what had to be assumed, if anything."""

    rows: dict[str, int]
    assumed: str = ""


def signature(folder: Path) -> dict[str, str]:
    """Return digests of all that decides which token stands at which row; nothing where there is no tokenizer.

    Equal signatures mean equal vocabularies, whatever the format of the tokenizer is.
    """
    paths = _files(folder)
    digests = {path.name: sha256_of(path) for path in paths}
    if paths and paths[0].name != "tokenizer.json":
        listed = _listed(folder)
        text = json.dumps(sorted(listed), ensure_ascii=True)
        digests |= {CONFIG: sha256(text.encode()).hexdigest()} if listed else {}
    return digests


def _files(folder: Path) -> list[Path]:
    """Return the files that hold the vocabulary, the one that is read first in front."""
    for name in ("tokenizer.json", "vocab.json", "vocab.txt"):
        if (folder / name).is_file():
            more = [] if name == "tokenizer.json" else [ADDED]
            return [folder / one for one in (name, *more) if (folder / one).is_file()]
    ranks = sorted(path for path in folder.glob("*.tiktoken") if path.is_file())
    pieces = [folder / name for name in PIECES if (folder / name).is_file()]
    if ranks or pieces:
        added = [folder / ADDED] if (folder / ADDED).is_file() else []
        return [*(ranks or pieces[:1]), *added]
    known = (CONFIG, "special_tokens_map.json")
    return sorted(
        path
        for path in folder.iterdir()
        if OTHER.search(path.name)
        and path.name not in known
        and path.suffix not in {".py", ".safetensors"}
        and path.is_file()
    )


def read_vocabulary(folder: Path) -> Vocabulary | None:
    """Return the vocabulary of the tokenizer in ``folder``; None where its format is not known.

    Known are ``tokenizer.json``, ``vocab.json``, ``vocab.txt``, ``*.tiktoken`` and sentencepiece models. Raises
    UserError for a file that is damaged, for a token that stands at two rows and for two tokens at one row.
    """
    paths = _files(folder)
    first = paths[0] if paths else folder
    with_added, assumed = True, ""
    tokens: Iterable[tuple[str, int]]
    if first.name == "tokenizer.json":
        tokens, with_added = _fast(first), False
    elif first.name == "vocab.json":
        tokens = _numbered(read_json(_bounded(first), once=True), first)
    elif first.name == "vocab.txt":
        tokens = _lines(_bounded(first))
    elif first.suffix == ".tiktoken":
        if len([path for path in paths if path.suffix == ".tiktoken"]) > 1:
            raise UserError(
                f"'{folder.name}'", "holds several *.tiktoken files", "one is read", "remove the other"
            )
        tokens, assumed = _ranked(_bounded(first))
    elif first.name in PIECES:
        tokens = _pieces(_bounded(first))
        assumed = f"the rows of its tokens were taken to be numbered like the pieces of {first.name}"
    else:
        return None
    rows = _joined(tokens, first)
    if with_added:
        _join(rows, _added(folder), first)
    _distinct(rows, first)
    return Vocabulary(rows, assumed)


def _fast(path: Path) -> Iterator[tuple[Any, Any]]:
    data = read_json(_bounded(path), once=True, without=MERGES)
    model = data.get("model")
    listed = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(listed, list):  # Unigram: a list of [token, score]
        for row, entry in enumerate(listed):
            yield entry[0] if isinstance(entry, list) and entry else entry, row
    elif isinstance(listed, dict):  # BPE, WordPiece, WordLevel
        yield from listed.items()
    else:
        raise UserError(_where(path), "holds no vocabulary", todo=SAVE)
    added = data.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(one, dict) for one in added):
        raise UserError(_where(path), "has added_tokens that are no list of tokens", todo=SAVE)
    yield from ((one.get("content"), one.get("id")) for one in added)


def _numbered(data: Mapping[str, Any], path: Path) -> Iterable[tuple[str, int]]:
    if not data:
        raise UserError(_where(path), "holds no vocabulary", todo=SAVE)
    return data.items()


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    """Yield one token a line, as the tokenizer of BERT reads them."""
    try:
        with path.open(encoding="utf-8", newline=None) as lines:
            for row, line in enumerate(lines):
                yield line.removesuffix("\n"), row
    except UnicodeDecodeError as error:
        raise UserError(_where(path), f"is damaged: {error}", todo=SAVE) from error


def _ranked(path: Path) -> tuple[list[tuple[str, int]], str]:
    """Return the ranks of a file of tiktoken, its bytes written as byte-level tokenizers write them."""
    letters = _letters()
    tokens: list[tuple[str, int]] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                written, rank = line.split()
                token = base64.b64decode(written, validate=True).decode("latin-1").translate(letters)
                tokens.append((token, int(rank)))
            except ValueError as error:
                raise UserError(_where(path), f"line {number:,} is no token and rank", todo=SAVE) from error
    if not tokens:
        raise UserError(_where(path), "holds no vocabulary", todo=SAVE)
    n = max(rank for _, rank in tokens) + 1
    told = bool(_listed(path.parent))
    kind = _tokenizer_config(path.parent).get("tokenizer_class")
    if told:
        return tokens, ""
    if kind == "QWenTokenizer" and n == len(tokens):
        tokens.extend((token, n + i) for i, token in enumerate(QWEN))
        return tokens, (
            f"its special tokens were taken to follow the {n:,} ranks of its *.tiktoken file in the order of"
            f" QWenTokenizer, {QWEN[0]} at row {n:,}"
        )
    return (
        tokens,
        f"rows behind the {n:,} ranks of its *.tiktoken file, where special tokens stand, have no names",
    )


def _letters() -> dict[int, int]:
    """Return the printable character that stands for each byte in the vocabularies of byte-level tokenizers."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(plain)]
    return {byte: byte for byte in plain} | {byte: 256 + i for i, byte in enumerate(others)}


def _pieces(path: Path) -> list[tuple[str, int]]:
    if importlib.util.find_spec("sentencepiece") is None:
        raise UserError(
            _where(path), "is a sentencepiece model", "the package sentencepiece reads it",
            "install sentencepiece, or save the tokenizer as tokenizer.json",
        )  # fmt: skip
    library = importlib.import_module("sentencepiece")
    try:
        model = library.SentencePieceProcessor(model_proto=path.read_bytes())
        return [(model.IdToPiece(row), row) for row in range(model.GetPieceSize())]
    except (RuntimeError, UnicodeDecodeError) as error:
        raise UserError(_where(path), "is no sentencepiece model", todo=SAVE) from error


def _added(folder: Path) -> Iterator[tuple[str, int]]:
    if (folder / ADDED).is_file():
        yield from read_json(_bounded(folder / ADDED), once=True).items()
    yield from _listed(folder)


def _listed(folder: Path) -> list[tuple[str, int]]:
    """Return the tokens that ``added_tokens_decoder`` of the tokenizer's config lists."""
    listed = _tokenizer_config(folder).get("added_tokens_decoder") or {}
    try:
        return [(str(one["content"]), int(row)) for row, one in listed.items()]
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise UserError(
            _where(folder / CONFIG), "has an added_tokens_decoder that is no list of tokens", todo=SAVE
        ) from error


def _tokenizer_config(folder: Path) -> dict[str, Any]:
    return read_json(_bounded(folder / CONFIG)) if (folder / CONFIG).is_file() else {}


def _joined(tokens: Iterable[tuple[str, int]], path: Path) -> dict[str, int]:
    rows: dict[str, int] = {}
    _join(rows, tokens, path)
    return rows


def _join(rows: dict[str, int], tokens: Iterable[tuple[Any, Any]], path: Path) -> None:
    for token, row in tokens:
        if not isinstance(token, str) or type(row) is not int or not 0 <= row < MOST_ROWS:
            shown = f"{some_tokens([token])} at row {row!r:.40}"
            raise UserError(_where(path), f"has the token {shown}", "words at whole numbers from 0 on", SAVE)
        if rows.setdefault(token, row) != row:
            twice = f"{rows[token]:,} and at row {row:,}"
            raise UserError(
                _where(path), f"has the token {some_tokens([token])} twice, at row {twice}",
                "a token stands at one row", "correct the tokenizer",
            )  # fmt: skip


def _distinct(rows: Mapping[str, int], path: Path) -> None:
    taken = np.fromiter(rows.values(), np.int64, len(rows))
    order = np.sort(taken)
    again = order[1:][order[1:] == order[:-1]]
    if again.size:
        row = int(again[0])
        tokens = [token for token, at in rows.items() if at == row]
        raise UserError(
            _where(path), f"has {some_tokens(tokens)} at one row, {row:,}",
            "a row belongs to one token", "correct the tokenizer",
        )  # fmt: skip


def _bounded(path: Path) -> Path:
    if (size := path.stat().st_size) > MOST_BYTES:
        raise UserError(_where(path), f"has {size:,} bytes", f"at most {MOST_BYTES:,} are read", SAVE)
    return path


def _where(path: Path) -> str:
    return f"{path.name} of '{path.parent.name}'"
