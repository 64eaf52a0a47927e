"""The loss on documents that are never trained on, source by source."""

from collections.abc import Mapping

from train.data.schedule import Rows, batch
from train.data.tokens import Tokens
from train.trainers.engine import Engine


def measure(engine: Engine, tokens: Tokens, rows: Mapping[str, Rows], n_rows: int) -> dict[str, float]:
    """Return the nats per token of every source; ``n_rows`` is how many rows a process takes at a time.

    Every process must call this, and all get the same figures.
    """
    return {name: _loss(engine, tokens, some, n_rows) for name, some in rows.items()}


def _loss(engine: Engine, tokens: Tokens, rows: Rows, n_rows: int) -> float:
    total, together = 0.0, n_rows * engine.world
    for first in range(0, rows.n, together):
        at = first + engine.rank * n_rows
        part = batch(rows, tokens, slice(at, at + n_rows), n_rows)
        total += sum(engine.measure(part))
    return total / max(1, int(rows.targets().sum()))


def counts(rows: Mapping[str, Rows]) -> dict[str, int]:
    """Return how many tokens of every source are predicted."""
    return {name: int(some.targets().sum()) for name, some in rows.items()}
