"""The rows that the loss is measured on: documents that are never trained on, source by source."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from train.data.fitting import Ints
from train.data.packing import Packed, Rows
from train.data.tokens import Tokens

AT_ONCE = 1 << 20  # tokens that are looked through at once
BASE = np.uint64(0x9E3779B97F4A7C15)
CHOOSES = "measured"  # whatever the seed: runs that are compared are measured on the same documents


@dataclass(frozen=True, slots=True)
class Repeated:
    """Of ``of`` documents that are measured under one label ``number`` are trained on, too, word for word."""

    number: int
    of: int


def held_out(tokens: Tokens, width: int, limit: int) -> dict[str, Rows]:
    """Return packed rows of ``width`` tokens for every source that has documents held out, ``limit`` tokens of it at most.

    Documents are drawn by file and row. A source of a version that is measured only goes by ``corpus: source``, for it may be one
    of those trained on, too; one without a name by its format.
    """
    named = [file.corpus for file in tokens.files if file.validation]
    labels: dict[str, list[int]] = {}
    for number, group in enumerate(tokens.groups):
        source = group.source or group.format
        labels.setdefault(f"{group.corpus}: {source}" if group.corpus in named else source, []).append(number)
    tokens = replace(tokens, lengths=np.minimum(tokens.lengths, limit))  # no document alone is above it
    measured = np.flatnonzero(tokens.held & (tokens.lengths > 0))
    drawn_ = tokens.drawn(CHOOSES)[measured]
    of_group = tokens.group[measured]
    found = {}
    for label, groups in sorted(labels.items()):
        here = np.isin(of_group, groups)
        if here.any():
            found[label] = _packed(tokens, measured[here][np.argsort(drawn_[here])], width, limit)
    return found


def _packed(tokens: Tokens, documents: Ints, width: int, limit: int) -> Rows:
    """Return the rows of the first documents that hold ``limit`` tokens together."""
    ahead = np.cumsum(tokens.lengths[documents], dtype=np.int64)
    chosen = np.sort(documents[ahead <= limit]).astype(np.int32)
    packed = Packed.of(chosen, tokens.lengths, width=width, seed=0)
    return packed.rows(np.arange(packed.n_rows), tokens)


def repeated(tokens: Tokens, measured: Mapping[str, Rows]) -> dict[str, Repeated]:
    """Return by label which documents that are measured stand among those trained on, under another address or in another version.

    Their loss falls because they are learned by heart. All tokens are read once, some at a time; labels without such are left out.
    """
    wanted = {label: np.unique(rows.document).tolist() for label, rows in measured.items()}
    texts: dict[int, list[int]] = {}
    for number in {one for some in wanted.values() for one in some}:
        text = _text(tokens, number)
        texts.setdefault(int(_prints(text, np.zeros(1, np.int64))[0]), []).append(number)
    there: set[int] = set()
    known = np.array(sorted(texts), np.uint64)
    for numbers, prints in _printed(tokens) if texts else ():
        for place in np.flatnonzero(np.isin(prints, known)).tolist():
            text = _text(tokens, int(numbers[place]))
            there.update(one for one in texts[int(prints[place])] if np.array_equal(_text(tokens, one), text))
    return {
        label: Repeated(len(there & set(some)), len(some))
        for label, some in wanted.items()
        if there & set(some)
    }


def _text(tokens: Tokens, number: int) -> NDArray[np.uint32]:
    return tokens.read(int(tokens.offsets[number]), int(tokens.lengths[number]))


def _printed(tokens: Tokens) -> Iterator[tuple[Ints, NDArray[np.uint64]]]:
    """Yield documents that are trained on and a number for the text of each, file by file."""
    for begin, end in pairwise(tokens.starts.tolist()):
        full = begin + np.flatnonzero(tokens.lengths[begin:end])
        ahead = np.cumsum(tokens.lengths[full], dtype=np.int64)
        cuts = np.searchsorted(ahead, np.arange(0, int(ahead[-1]) if len(ahead) else 0, AT_ONCE), "right")
        for first, last in pairwise([*np.unique(cuts).tolist(), len(full)]):
            some = full[first:last]
            if not (read := tokens.times[some] > 0).any():
                continue
            at = tokens.offsets[some] - tokens.offsets[some[0]]
            flat = tokens.read(int(tokens.offsets[some[0]]), int(at[-1] + tokens.lengths[some[-1]]))
            yield some[read], _prints(flat, at)[read]


def _prints(flat: NDArray[np.uint32], begins: Ints) -> NDArray[np.uint64]:
    """Return a number of 64 bits for the tokens from each of ``begins`` to the next: equal ones for equal tokens."""
    sizes = np.diff(np.append(begins, len(flat)))
    powers = np.cumprod(np.full(int(sizes.max()), BASE))  # modulo 2 ** 64
    within = np.arange(len(flat)) - np.repeat(begins, sizes)
    return np.add.reduceat((flat.astype(np.uint64) + np.uint64(1)) * powers[within], begins)
