"""Finds the row of every token in every model, by the token itself and not by its place."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.fit import some_tokens
from merge.vocabulary import Vocabulary, read_vocabulary, signature

Map = NDArray[np.int64]
KNOWN = "tokenizer.json, vocab.json, vocab.txt, *.tiktoken or a sentencepiece model is needed"
SHARED = 0.5  # the least part of the base's tokens that a model of its family has


@dataclass(frozen=True)
class Words:
    """Where one model's tokenizer lies, how many rows its embedding has (None: it has none), whether it is a vector."""

    folder: Path
    rows: int | None
    vector: bool = False


@dataclass(frozen=True, eq=False)
class Rows:
    """How many rows the result's vocabulary has and, by role, the row of each in that model (-1: none; None: the same).

    ``n`` is None where no model has an embedding of a known name.
    """

    n: int | None
    rows: dict[str, Map | None]
    notes: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether every model has the rows of the result in the result's order."""
        return all(rows is None for rows in self.rows.values())


def find_rows(models: Mapping[str, Words], *, tokenizer: str, new_tokens: str = "") -> Rows:
    """Return for every model, by role, which of its rows belongs to each row of the result.

    The result's rows are those of the model ``tokenizer``, in its order. Rows that no token names are matched by
    place where the base has one there that no token names either, and are the donor's own elsewhere. ``new_tokens`` is
    the role whose rows are taken for tokens that the base lacks and several models have. Raises UserError for a
    vocabulary that is damaged, too large for its embedding, or of another family, and for a token of two owners.
    """
    signatures = {role: signature(words.folder) for role, words in models.items()}
    if not any(signatures.values()):
        return _by_place(models, tokenizer, ["No model has a tokenizer: rows were matched by place."])
    _check_present(models, signatures, tokenizer)
    own = [role for role in models if signatures[role]]  # a vector without a tokenizer has that of the base
    notes: list[str] = []
    if all(signatures[role] == signatures["base"] for role in own):
        if len({words.rows for words in models.values()} - {None}) > 1:
            _check_room({role: models[role] for role in own}, read_vocabulary(models["base"].folder))
        return _by_place(models, tokenizer, notes)
    found = _find(models, own, tokenizer)
    _settle_new(found, models, tokenizer, new_tokens)
    _settle_padding(found, models, tokenizer)
    for role in models:
        if role not in ("base", tokenizer):
            found.notes.extend(_lacking(found, role))
        found.notes.extend(_moved(found, role, tokenizer) if role in own else [])
    rows = {role: _plain(found.maps[role], words.rows) for role, words in models.items()}
    return Rows(_size(models, tokenizer), rows, found.notes)


def _check_present(
    models: Mapping[str, Words], signatures: Mapping[str, Mapping[str, str]], tokenizer: str
) -> None:
    for role, words in models.items():
        if not signatures[role] and (not words.vector or role == tokenizer):
            raise UserError(
                f"the {role} model", f"has no tokenizer in '{words.folder.name}'", KNOWN,
                "put the tokenizer that it was trained with into its folder",
            )  # fmt: skip
        if not signatures[role] and words.rows not in (None, models["base"].rows):
            raise UserError(
                f"the {role} model", f"has {words.rows:,} rows and no tokenizer; the base model has other rows",
                "a vector without a tokenizer has the rows of the base", "save the vector with its tokenizer",
            )  # fmt: skip


def _by_place(models: Mapping[str, Words], tokenizer: str, notes: list[str]) -> Rows:
    """Return the maps of models whose tokens are the same: rows that some lack are padding."""
    base, n = models["base"].rows, _size(models, tokenizer)
    if n is None or base is None:
        return Rows(n, dict.fromkeys(models), notes)
    rows: dict[str, Map | None] = {}
    for role, words in models.items():
        last = min(words.rows if words.rows is not None else base, n)
        last = last if role in ("base", tokenizer) else min(last, base)
        rows[role] = None if last == n == (words.rows or n) else _counted(last, n)
    if base < n:
        _refuse_vector(models, tokenizer, "padding rows")
    if base != n:
        notes = [
            *notes,
            f"The embedding has the {n:,} rows of the {tokenizer} model; the base's has {base:,}.",
        ]
    return Rows(n, rows, notes)


def _counted(last: int, n: int) -> Map:
    rows = np.full(n, -1, np.int64)
    rows[:last] = np.arange(last)
    return rows


def _size(models: Mapping[str, Words], tokenizer: str) -> int | None:
    own = models[tokenizer].rows
    return models["base"].rows if own is None else own


def _refuse_vector(models: Mapping[str, Words], tokenizer: str, what: str) -> None:
    if models[tokenizer].vector:
        raise UserError(
            f"the {tokenizer} model", f"is a task vector with {what} that the base lacks",
            "a vector says how rows of the base change", "take the tokenizer of a model that has those rows",
        )  # fmt: skip


def _check_room(models: Mapping[str, Words], vocabulary: Vocabulary | None) -> None:
    """Raise UserError naming the tokens whose rows lie behind the last row of an embedding."""
    for role, words in models.items():
        if vocabulary is None or words.rows is None:
            continue
        if beyond := sorted((row, token) for token, row in vocabulary.rows.items() if row >= words.rows):
            raise UserError(
                f"the {role} model",
                f"its embedding has {words.rows:,} rows, and {len(beyond):,} tokens stand behind them:"
                f" {some_tokens(token for _, token in beyond)}",
                "every token has a row",
                "give it the tokenizer that it was trained with, or resize its embedding",
            )


@dataclass(frozen=True, eq=False)
class _Found:
    """Where the tokens of the result stand in every model, before it is settled whose new tokens and padding it takes."""

    n: int  # rows of the result
    tokens: list[str]  # of the result
    places: Map  # the row of each of them
    maps: dict[str, Map]  # by role
    notes: list[str]

    def padding(self) -> Map:
        """Return the rows that no token names."""
        unnamed = np.ones(self.n, bool)
        unnamed[self.places] = False
        return np.flatnonzero(unnamed)


def _find(models: Mapping[str, Words], own: Sequence[str], tokenizer: str) -> _Found:
    """Look every token of the result up in every model; at most two vocabularies are held at a time."""
    donor = _read(models, tokenizer)
    n = _size(models, tokenizer) or max(donor.rows.values(), default=-1) + 1
    places = np.fromiter(donor.rows.values(), np.int64, len(donor.rows))
    found = _Found(n, list(donor.rows), places, {tokenizer: np.arange(n)}, _assumed(tokenizer, donor))
    beside: dict[str, set[str]] = {tokenizer: set()}  # tokens that the result has not
    n_base = len(donor.rows)
    for role in sorted(set(own) - {tokenizer}, key=lambda role: role != "base"):
        mine = _read(models, role)
        found.maps[role] = _map(found, mine, models[role].rows)
        beside[role] = {token for token in mine.rows if token not in donor.rows}
        found.notes.extend([*_assumed(role, mine), *_dropped(role, beside[role], tokenizer)])
        n_base = len(mine.rows) if role == "base" else n_base
        for one in (role, tokenizer) if role == "base" else (role,):
            here = found.maps[one][places] >= 0
            both = int(np.count_nonzero(here & (found.maps["base"][places] >= 0)))
            if both + len(beside[one] & beside["base"]) < SHARED * n_base:
                _refuse_stranger(tokenizer if role == "base" else role, n_base, mine, donor)
    for role in models:
        found.maps.setdefault(role, found.maps["base"].copy())
    return found


def _read(models: Mapping[str, Words], role: str) -> Vocabulary:
    vocabulary = read_vocabulary(models[role].folder)
    if vocabulary is None:
        raise UserError(
            f"the {role} model", "its tokenizer differs from the others and is of no known format", KNOWN,
            "save the tokenizer again, as tokenizer.json",
        )  # fmt: skip
    _check_room({role: models[role]}, vocabulary)
    return vocabulary


def _map(found: _Found, mine: Vocabulary, size: int | None) -> Map:
    rows = np.full(found.n, -1, np.int64)
    rows[found.places] = np.fromiter(
        (mine.rows.get(token, -1) for token in found.tokens), np.int64, len(found.tokens)
    )
    size = found.n if size is None else size
    named = np.zeros(max(size, found.n, max(mine.rows.values(), default=0) + 1), bool)
    named[np.fromiter(mine.rows.values(), np.int64, len(mine.rows))] = True
    named[size:] = True  # these are no rows at all
    padding = found.padding()
    by_place = padding[~named[padding]]
    rows[by_place] = by_place
    return rows


def _refuse_stranger(role: str, n_base: int, one: Vocabulary, other: Vocabulary) -> None:
    examples = [token for token in one.rows if token not in other.rows]
    raise UserError(
        f"the {role} model",
        f"its tokenizer has fewer than half of the {n_base:,} tokens of the base's; not in both are"
        f" {some_tokens(examples or [token for token in other.rows if token not in one.rows])}",
        "models of one family share their tokens",
        "merge models that descend from one base",
    )


def _assumed(role: str, vocabulary: Vocabulary) -> list[str]:
    return [f"The {role} model: {vocabulary.assumed}."] if vocabulary.assumed else []


def _dropped(role: str, tokens: Collection[str], tokenizer: str) -> list[str]:
    if not tokens:
        return []
    lacks = f"which the tokenizer of the {tokenizer} model lacks, went no further"
    return [f"{_tokens(len(tokens))} of the {role} model, {lacks}: {some_tokens(sorted(tokens))}."]


def _tokens(n: int) -> str:
    return f"{n:,} token" if n == 1 else f"{n:,} tokens"


def _settle_new(found: _Found, models: Mapping[str, Words], tokenizer: str, new_tokens: str) -> None:
    """Leave each token that the base lacks to one model, whose row is the result's."""
    new = np.flatnonzero(found.maps["base"][found.places] < 0)
    at = found.places[new]
    roles = [role for role, words in models.items() if role != "base" and not words.vector]
    holds = np.array([found.maps[role][at] >= 0 for role in roles]).reshape(len(roles), len(at))
    if new_tokens:
        chosen = holds[roles.index(new_tokens)].copy()
        holds[:, chosen] = False
        holds[roles.index(new_tokens)] = chosen
    owners = holds.sum(axis=0)
    if (several := np.flatnonzero(owners > 1)).size:
        having = [role for role, row in zip(roles, holds, strict=True) if row[several].any()]
        raise UserError(
            "merge",
            f"{_tokens(len(several))} that the base lacks, in several models ({', '.join(having)}):"
            f" {some_tokens(found.tokens[i] for i in new[several])}",
            "a new token takes its row from one model",
            f"say in the recipe whose: new_tokens: {having[0]}",
        )
    if (nobody := np.flatnonzero(owners == 0)).size:
        _refuse_vector(models, tokenizer, f"tokens ({some_tokens(found.tokens[i] for i in new[nobody])})")
    for role, words in models.items():
        if role == "base":
            continue
        mine = np.zeros(len(at), bool) if words.vector else holds[roles.index(role)]
        found.maps[role][at[~mine]] = -1
        if mine.any():
            found.notes.append(
                f"{_tokens(int(mine.sum()))} that the base lacks got the rows of the {role} model:"
                f" {some_tokens(found.tokens[i] for i in new[mine])}."
            )


def _settle_padding(found: _Found, models: Mapping[str, Words], tokenizer: str) -> None:
    """Leave the rows without a token, where the base has none at that place, to the model whose tokenizer is taken."""
    padding = found.padding()
    alone = padding[found.maps["base"][padding] < 0]
    if not alone.size:
        return
    _refuse_vector(models, tokenizer, "padding rows")
    for role in models:
        if role != tokenizer:
            found.maps[role][alone] = -1
    found.notes.append(f"{len(alone):,} rows that no token names are those of the {tokenizer} model alone.")


def _lacking(found: _Found, role: str) -> list[str]:
    lacks = np.flatnonzero((found.maps[role][found.places] < 0) & (found.maps["base"][found.places] >= 0))
    if not lacks.size:
        return []
    listed = some_tokens(found.tokens[i] for i in lacks)
    return [f"The {role} model lacks {_tokens(len(lacks))} of the base and changes nothing there: {listed}."]


def _moved(found: _Found, role: str, tokenizer: str) -> list[str]:
    here = found.maps[role][found.places]
    moved = int(np.count_nonzero((here >= 0) & (here != found.places)))
    if not moved:
        return []
    return [
        f"{_tokens(moved)} of the {role} model stood at other rows than in the {tokenizer} model: matched by token."
    ]


def _plain(rows: Map, size: int | None) -> Map | None:
    return None if size in (None, len(rows)) and np.array_equal(rows, np.arange(len(rows))) else rows
