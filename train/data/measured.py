"""The rows that the loss is measured on: documents that are never trained on, source by source."""

from dataclasses import replace

import numpy as np

from train.data.fitting import Ints
from train.data.packing import Packed, Rows
from train.data.tokens import Tokens

CHOOSES = "measured"  # whatever the seed: runs that are compared are measured on the same documents


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
