"""Items as rows of tokens in which what several choices share stands once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from os.path import commonprefix

from eval.evaluators.encoding import Pair

ALIKE = 16  # tokens at least that rows must share for their common beginning to be computed once
MANY = 8  # rows at least


@dataclass(frozen=True, slots=True)
class Read:
    """One number to read: how likely ``token`` is after the token at ``place`` of the row, for one ``choice``."""

    place: int
    token: int
    choice: int


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens with what is to be read from them: a ``trunk`` that all choices share, and a branch from each of ``starts``.

    A branch goes on where the trunk ends and sees the trunk and itself alone. ``owner`` is the place of the item.
    """

    owner: int
    tokens: list[int]
    trunk: int
    starts: tuple[int, ...]
    reads: tuple[Read, ...]

    @property
    def free(self) -> int:
        """Return how many tokens at the beginning nothing is read from."""
        return min(read.place for read in self.reads)


def rows_of(owner: int, pair: Pair, longest: int, *, branches: bool = True) -> list[Row]:
    """Return the rows of one item; without ``branches`` there is a row for every choice that needs one of its own.

    Whatever does not fit into ``longest`` tokens loses its beginning: the last ``longest + 1`` tokens count, of which
    the very last is not read. Such choices see different prompts and share no row.
    """
    wholes = [(pair.context + choice)[-(longest + 1) :] for choice in pair.choices]
    cut = any(len(pair.context) + len(choice) > longest + 1 for choice in pair.choices)
    inputs = [tuple(whole[:-1]) for whole in wholes]
    leaves = _leaves(inputs)
    if len(leaves) == 1 or (branches and not cut):
        trunk = len(commonprefix(leaves)) if len(leaves) > 1 else len(leaves[0])
        return [_row(owner, leaves, trunk, _reads(pair, wholes, inputs, range(len(inputs)), leaves, trunk))]
    rows = []
    for leaf in leaves:
        mine = [n for n, tokens in enumerate(inputs) if _leaf(tokens, leaves) == leaf]
        rows.append(_row(owner, [leaf], len(leaf), _reads(pair, wholes, inputs, mine, [leaf], len(leaf))))
    return rows


def _leaves(inputs: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the inputs that are not the beginning of another one, in their order."""
    distinct = list(dict.fromkeys(inputs))
    return [
        one
        for one in distinct
        if not any(len(other) > len(one) and other[: len(one)] == one for other in distinct)
    ]


def _leaf(tokens: tuple[int, ...], leaves: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return next(leaf for leaf in leaves if leaf[: len(tokens)] == tokens)


def _row(owner: int, leaves: Sequence[tuple[int, ...]], trunk: int, reads: tuple[Read, ...]) -> Row:
    tokens = list(leaves[0][:trunk])
    starts = []
    for leaf in leaves if len(leaves) > 1 else ():
        starts.append(len(tokens))
        tokens += leaf[trunk:]
    return Row(owner, tokens, trunk, tuple(starts), reads)


def _reads(
    pair: Pair,
    wholes: Sequence[list[int]],
    inputs: Sequence[tuple[int, ...]],
    choices: Sequence[int],
    leaves: Sequence[tuple[int, ...]],
    trunk: int,
) -> tuple[Read, ...]:
    begins, at = {}, trunk
    for leaf in leaves:
        begins[leaf] = at
        at += len(leaf) - trunk
    reads = []
    for choice in choices:
        begin, size = begins[_leaf(inputs[choice], leaves)], len(inputs[choice])
        for depth in range(size - len(pair.choices[choice]), size):
            place = depth if depth < trunk else begin + depth - trunk
            reads.append(Read(place, wholes[choice][depth + 1], choice))
    return tuple(reads)


def alike(rows: Sequence[Row]) -> Iterator[tuple[list[int], list[Row]]]:
    """Yield groups of rows with the beginning that all of a group share, empty where there is none worth the trouble."""
    rest = []
    for _, members in groupby(
        sorted(rows, key=lambda row: row.tokens[:ALIKE]), key=lambda row: row.tokens[:ALIKE]
    ):
        group = list(members)
        beginnings = [
            row.tokens[: min(row.free, row.trunk)]
            for row in (min(group, key=lambda r: r.tokens), max(group, key=lambda r: r.tokens))
        ]
        shared = commonprefix([tuple(tokens) for tokens in beginnings])
        size = min(len(shared), *(min(row.free, row.trunk) for row in group))
        if size >= ALIKE and len(group) >= MANY:
            yield list(shared[:size]), group
        else:
            rest += group
    if rest:
        yield [], rest


def batches(rows: Sequence[Row], beginning: int, batch_tokens: int, most_reads: int) -> Iterator[list[Row]]:
    """Yield batches of like length, longest first, that come to ``batch_tokens`` tokens after the shared beginning.

    What is read in one batch is bounded too, as every number read costs a row of the vocabulary. A row that is larger
    than a bound goes alone.
    """
    batch: list[Row] = []
    reads = 0
    for row in sorted(rows, key=lambda row: (-len(row.tokens), row.tokens)):
        width = len((batch or [row])[0].tokens) - beginning
        places = len({read.place for read in row.reads})
        if batch and ((len(batch) + 1) * width > batch_tokens or reads + places > most_reads):
            yield batch
            batch, reads = [], 0
        batch.append(row)
        reads += places
    if batch:
        yield batch
