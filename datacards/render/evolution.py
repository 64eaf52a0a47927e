"""The part of a merged checkpoint's page that says how its numbers were searched for."""

from datacards.card import Card
from datacards.render.markdown import code, table

FIGURE, TRIALS, BEST = "evolution.svg", "trials.parquet", "best.yaml"
_BEST = "best/"  # a number of the best trial among a card's metrics


def evolution(card: Card) -> list[str]:
    """Return the parts of the page of a checkpoint whose merge was chosen by a search, none for any other version."""
    if card.kind != "checkpoint" or not {FIGURE, TRIALS, BEST} <= {file.path for file in card.files}:
        return []
    objective = card.recipe.get("objective")
    name = objective.get("plugin", "") if isinstance(objective, dict) else ""
    numbers = [
        (code(key.removeprefix(_BEST)), f"{value:.4g}")
        for key, value in card.metrics.items()
        if key.startswith(_BEST)
    ]
    tried = card.counts.get("trials", 0)
    start, best = card.metrics.get("score_start"), card.metrics.get("score_best", 0.0)
    told = f"CMA-ES ([arXiv 1604.00772](https://arxiv.org/abs/1604.00772)) varied {len(numbers)} numbers of the merge in {tried:,} trials. "
    told += f"The objective {code(name)} scores the best of them {best:.6g}"
    told += (
        f" and the recipe as it began {start:.6g}."
        if start is not None
        else "; the recipe as it began has no score."
    )
    return [
        "## How its numbers were found",
        told,
        "What a model was chosen by does not test it: scores on what the objective reads are no test scores any more.",
        f"![The score of every trial with the best so far, and where the best has its numbers]({FIGURE})",
        table(["number", "in the best trial"], numbers),
        f"Every trial is a row of {code(TRIALS)}; {code(BEST)} is the recipe with which `merge` gives this model again.",
    ]
