"""``train step``: the documents behind a step."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from datacards.cli import store_option
from datacards.render.markdown import plain

if TYPE_CHECKING:
    from train.watch.rows import StepRow

NAMES = {"loss": "loss", "lr": "rate", "grad_norm": "gradient norm", "update_norm": "update norm"}


@click.command("step")
@click.argument("ref")
@click.argument("step", type=click.IntRange(1))
@click.option(
    "--rows", "most", type=click.IntRange(1), help="Only so many rows, those with the highest losses."
)
@click.option("--text", "whole", is_flag=True, help="All of each document's text, not its beginning.")
@store_option
def command(*, ref: str, step: int, most: int | None, whole: bool, root: str) -> None:
    """Print the rows of STEP (from 1) of the checkpoint REF, those with the highest losses first, and their documents.

    REF is NAME@VERSION of a finished version, or of one whose run has stopped. Every batch is a function of corpus,
    recipe, seed and step, so nothing needs to have been kept.
    """
    from datacards.store import Store
    from train.watch.again import asked_for, batches, check_step, figures
    from train.watch.rows import highest, row_losses, step_rows

    store = Store(root)
    asked = asked_for(store, ref)
    with batches(store, asked) as (tokens, schedule):
        check_step(asked, schedule, step)
        rows, sums = schedule.rows(step - 1), asked.sums(step)
        chosen = highest(row_losses(rows, sums), most or rows.n) if sums else range(rows.n)[:most]
        held = step_rows(tokens, rows, sums, chosen=chosen, whole=whole)
    told = [f"{NAMES[name]} {value:.4g}" for name, value in figures(asked, step).items()]
    click.echo(f"step {step:,} of {asked.label}: {', '.join([*told, f'{rows.n:,} rows'])}")
    for line in lines(held, whole=whole):
        click.echo(line)


def lines(rows: "Sequence[StepRow]", *, whole: bool) -> Iterable[str]:
    """Yield what is printed of rows; no sign of a document steers the terminal."""
    for row in rows:
        loss = f"loss {row.loss:.4f}, " if math.isfinite(row.loss) else ""
        yield f"row {row.number:,}: {loss}{row.tokens:,} tokens, {len(row.pieces):,} document{'s'[: len(row.pieces) != 1]}"
        for piece in row.pieces:
            part = f"{piece.tokens:,} tokens"
            if piece.tokens < piece.of:
                part = f"tokens {piece.begin + 1:,} to {piece.begin + piece.tokens:,} of {piece.of:,}"
            said = [piece.id, piece.format, piece.source, part, piece.license, piece.url]
            yield "  " + plain(" · ".join(filter(None, said)))
            text = piece.text.splitlines() if whole else [piece.text]
            yield from (f"    {plain(one)}" for one in text if one.strip())
