"""The progress bar: lively on a terminal, a line now and then in a log."""

import sys

from tqdm import tqdm


def progress(total: int, unit: str, *, done: int = 0, shown: bool = True) -> "tqdm[None]":
    """Return a bar over ``total`` units of which ``done`` are done already; it shows rate and time left."""
    every = 0.5 if sys.stderr.isatty() else 15.0
    return tqdm(
        total=total,
        initial=done,
        unit=f" {unit}",
        mininterval=every,
        maxinterval=2 * every,
        disable=not shown,
    )
