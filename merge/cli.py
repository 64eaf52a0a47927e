"""``merge RECIPE`` and ``merge evolve RECIPE`` (also ``kanagura merge``)."""

from pathlib import Path

import click

from datacards.cli import DefaultRun, store_option


@click.group(cls=DefaultRun)
def main() -> None:
    """Merge checkpoints of one family into one, as RECIPE says."""


@main.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--domain",
    help="The model that learned the domain; instead of the recipe's. NAME@VERSION, hf:org/model@COMMIT or a folder.",
)
@click.option("--base", help="The model that the others began from; instead of the recipe's.")
@click.option("--instruct", help="The model that follows instructions; instead of the recipe's.")
@store_option
def run_(recipe: Path, domain: str | None, base: str | None, instruct: str | None, root: str) -> None:
    """Merge checkpoints of one family into one as RECIPE says, and measure how alike their task vectors are."""
    from datacards.merged import MERGED, read_merged
    from datacards.recipe import read_recipe
    from datacards.store import Store
    from merge.recipe import MergeRecipe
    from merge.run import run

    asked = read_recipe(recipe, MergeRecipe)
    named = {"domain": domain, "base": base, "instruct": instruct}
    asked = asked.model_copy(update={role: text for role, text in named.items() if text})
    store = Store(root)
    made = run(asked, store)
    card = store.card(made.ref)
    if made.existed:
        click.echo(f"{made.ref} exists already and was made from an equal recipe: nothing to do.")
        return
    told = f"{made.ref}: {card.counts['weights']:,} weights in {card.counts['tensors']:,} tensors"
    if "cosine_mean" in card.metrics:
        m = card.metrics
        told += (
            f"; cosine of the task vectors {m['cosine_mean']:.3f} ± {m['cosine_std']:.3f}"
            f" (from {m['cosine_min']:.3f} to {m['cosine_max']:.3f})"
        )
    click.echo(told)
    merged = read_merged(store.path(made.ref) / MERGED)
    for note in merged.notes if merged else ():
        click.echo(note)


@main.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--domain", help="The model that learned the domain; instead of the merge's.")
@click.option("--base", help="The model that the others began from; instead of the merge's.")
@click.option("--instruct", help="The model that follows instructions; instead of the merge's.")
@click.option("--corpus", default="", help="The dataset version that the objective asks about: NAME@VERSION.")
@store_option
def evolve(recipe: Path, corpus: str, root: str, **named: str | None) -> None:
    """Search for the numbers of a merge that make an objective largest, as RECIPE says, and merge with them."""
    from datacards.store import Store
    from merge.evolve.recipe import read
    from merge.evolve.run import run

    asked = read(recipe).over({role: text for role, text in named.items() if text})
    store = Store(root)
    made = run(asked, store, corpus=corpus)
    if made.existed:
        click.echo(f"{made.ref} exists already and was made from an equal recipe: nothing to do.")
        return
    card = store.card(made.ref)
    start = card.metrics.get("score_start")
    click.echo(
        f"{made.ref}: {card.metrics['score_best']:.6g} after {card.counts['trials']} trials"
        + (f", {start:.6g} as the recipe began" if start is not None else "")
    )
