"""``train plan RECIPE``: what a run will take, before anything is loaded."""

from pathlib import Path

import click

from datacards.cli import store_option


@click.command("plan")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--corpus", "corpora", multiple=True, metavar="NAME@VERSION",
    help="A dataset version to train on; may be given several times.",
)  # fmt: skip
@click.option(
    "--replay", multiple=True, metavar="NAME@VERSION", help="A version of general text, as for train."
)
@click.option(
    "--validate", multiple=True, metavar="NAME@VERSION", help="A version that is only measured, as for train."
)
@click.option(
    "--fraction",
    type=click.FloatRange(0, 1, min_open=True),
    help="Plan for this share of the pages, as for train.",
)
@click.option(
    "--model-config", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The config.json of the base, where the base itself is not here.",
)  # fmt: skip
@click.option("--card-memory", default=80.0, show_default=True, help="Memory of one card in GB (10^9 bytes).")
@click.option("--cards", type=click.IntRange(1, 4096), help="Cards; the recipe's processes, else 4.")
@click.option("--tokens", type=click.IntRange(1), help="Tokens to train on, instead of a corpus.")
@click.option("--documents", type=click.IntRange(1), help="Documents that hold these tokens.")
@click.option("--price", type=click.FloatRange(0), help="What one card costs for an hour.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@store_option
def command(
    *, recipe: Path, corpora: tuple[str, ...], replay: tuple[str, ...], validate: tuple[str, ...], fraction: float | None, model_config: Path | None, card_memory: float, cards: int | None,
    tokens: int | None, documents: int | None, price: float | None, as_json: bool, root: str,
) -> None:  # fmt: skip
    """Tell steps, memory on each card, hours and disk of the run that RECIPE asks for; no GPU and no weights are needed."""
    from datacards.recipe import read_recipe
    from datacards.store import Store
    from train.inputs import Inputs
    from train.plan.run import plan
    from train.plan.told import told
    from train.recipe import TrainRecipe

    made = plan(
        read_recipe(recipe, TrainRecipe).of_fraction(fraction or 1), Inputs(corpora, replay, validate), Store(root), config=model_config, card=card_memory * 1e9,
        cards=cards, numbers=(tokens, documents), price=price,
    )  # fmt: skip
    click.echo(made.model_dump_json() if as_json else told(made))


if __name__ == "__main__":
    command()
