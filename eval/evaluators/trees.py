"""Items as rows of tokens in which what several choices, or several items, share stands once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from eval.evaluators.encoding import Pair

ALIKE = (
    16  # tokens at least that must be shared to be computed once for many rows, or to put items into one row
)
MANY = 8  # items at least whose common beginning is worth a pass of its own
ROW = 512  # tokens of a row that items join: attention grows with the square of it


@dataclass(frozen=True, slots=True)
class Line:
    """What one choice has the model read: ``tokens``, and after the last of them ``scored`` is scored."""

    owner: int  # the place of the item
    choice: int
    tokens: tuple[int, ...]
    scored: tuple[int, ...]
    cut: bool = False

    @property
    def free(self) -> int:
        """Return how many tokens at the beginning nothing is read from."""
        return len(self.tokens) - len(self.scored)


@dataclass(frozen=True, slots=True)
class Read:
    """One number to read: how likely ``token`` is after the token at ``place`` of the row."""

    place: int
    token: int
    owner: int
    choice: int


@dataclass(slots=True)
class Row:
    """A tree of tokens, every branch written out before the next: a token sees those whose branch it stands on.

    ``depths`` are the positions of the tokens in their own text, ``ends`` where in the row the branch of each ends: the
    token at q sees the one at k where ``k <= q < ends[k]``. ``shared`` tokens at the beginning are common to all rows that
    it stands beside.
    """

    tokens: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    forked: bool = False
    path: list[int] = field(default_factory=list)  # where the tokens of the last line stand

    def add(self, line: Line, common: int) -> None:
        """Add a line that has ``common`` tokens in common with the last one; lines come in the order of their tokens."""
        self.forked |= common < len(self.path)
        for place in self.path[common:]:
            self.ends[place] = len(self.tokens)
        del self.path[common:]
        first = len(self.tokens)
        added = range(first, first + len(line.tokens) - common)
        self.path += added
        self.tokens += line.tokens[common:]
        self.depths += range(common, len(line.tokens))
        self.ends += [-1] * len(added)
        places = self.path[line.free :]
        self.reads += map(Read, places, line.scored, [line.owner] * len(places), [line.choice] * len(places))

    def closed(self) -> "Row":
        """Return the row with the ends of its last branch."""
        for place in self.path:
            self.ends[place] = len(self.tokens)
        return self


def lines_of(owner: int, pair: Pair, longest: int) -> Iterator[Line]:
    """Yield what each choice of an item has the model read.

    Whatever does not fit into ``longest`` tokens loses its beginning: the last ``longest + 1`` count, of which the very last
    is scored and not read.
    """
    for choice, tokens in enumerate(pair.choices):
        whole = (pair.context + tokens)[-(longest + 1) :]
        cut = len(whole) < len(pair.context) + len(tokens)
        yield Line(owner, choice, tuple(whole[:-1]), tuple(whole[-len(tokens) :]), cut)


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two texts have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def alike(
    lines: Iterable[Line], *, beginnings: bool = True, worth: int = 0
) -> Iterator[tuple[list[int], list[Line]]]:
    """Yield groups of lines in the order of their tokens, with the beginning that all of a group share.

    The beginning is empty where there is none that is worth a pass, and batches, of its own: one that saves ``worth``
    tokens. On an accelerator many small passes cost more than they save.
    """
    ordered = sorted(lines, key=lambda line: line.tokens)
    if not beginnings:
        if ordered:
            yield [], ordered
        return
    rest = []
    for _, members in groupby(ordered, key=lambda line: line.tokens[:ALIKE]):
        group = list(members)
        size = min(common(group[0].tokens, group[-1].tokens), *(line.free for line in group))
        items = len({line.owner for line in group})
        if size >= ALIKE and items >= MANY and size * items >= worth:
            yield list(group[0].tokens[:size]), group
        else:
            rest += group
    if rest:
        yield [], rest


def rows_of(lines: Sequence[Line], beginning: int, limit: int) -> Iterator[Row]:
    """Yield rows for ``lines``, which come in the order of their tokens and share ``beginning`` tokens.

    Lines of one item share a row, and items that have much in common with the one before as long as the row stays short;
    no row with branches is longer than ``limit`` (0: no branches), but a line that goes on where the last one ended
    always joins.
    """
    row, last = Row(), None
    for line in lines:
        if last is not None:
            shared = common(last.tokens, line.tokens)
            size = len(row.tokens) + len(line.tokens) - shared
            akin = line.owner == last.owner or (shared - beginning >= ALIKE and size <= ROW)
            follows = shared == len(last.tokens)
            joins = akin and size <= limit and not (line.cut or last.cut)
            if not ((follows and not row.forked) or joins):
                yield row.closed()
                row, shared = Row(), 0
            row.add(line, shared)
        else:
            row.add(line, 0)
        last = line
    if last is not None:
        yield row.closed()


def batches(rows: Iterable[Row], beginning: int, batch_tokens: int, most_reads: int) -> Iterator[list[Row]]:
    """Yield batches of like length, longest first, that come to ``batch_tokens`` tokens after the shared beginning.

    What is read in one batch is bounded too, as every place read costs the scores of the whole vocabulary. A row that is
    larger than a bound goes alone.
    """
    batch: list[Row] = []
    reads = 0
    for row in sorted(rows, key=lambda row: (-len(row.tokens), row.tokens)):
        width = len((batch or [row])[0].tokens) - beginning
        if batch and ((len(batch) + 1) * width > batch_tokens or reads + len(row.reads) > most_reads):
            yield batch
            batch, reads = [], 0
        batch.append(row)
        reads += len(row.reads)
    if batch:
        yield batch
