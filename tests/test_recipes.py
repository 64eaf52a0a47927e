"""Every recipe in the repository parses, and asks for plug-ins that exist."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml

from datacards import plugins
from datacards.recipe import Recipe, read_recipe

ROOT = Path(__file__).resolve().parent.parent
STAGES = {
    "corpus": ("CorpusRecipe", None),
    "rephrase": ("RephraseRecipe", "generator"),
    "train": ("TrainRecipe", "trainer"),
    "merge": ("MergeRecipe", "merger"),
    "eval": ("EvalRecipe", "evaluator"),
    "datacards": ("ReleaseRecipe", None),
}
MODULES = {"datacards": "datacards.release.recipe"}  # the others have theirs at STAGE.recipe
SAMPLES = {
    "fin-sample-documents.yaml": "corpus",
    "fin-sample.yaml": "rephrase",
    "fin-sample-public.yaml": "datacards",
    "train-sample.yaml": "train",
    "merge-sample.yaml": "merge",
    "eval-sample.yaml": "eval",
}


def recipes() -> list[tuple[str, Path]]:
    """Return (stage, path) of every recipe: those of the stages and those of the sample world."""
    own = [(stage, path) for stage in STAGES for path in sorted((ROOT / stage / "recipes").glob("*.yaml"))]
    return own + [(SAMPLES[path.name], path) for path in sorted((ROOT / "sample/recipes").glob("*.yaml"))]


def model(stage: str) -> type[Recipe]:
    """Return the recipe class of a stage."""
    found: type[Recipe] = getattr(import_module(MODULES.get(stage, f"{stage}.recipe")), STAGES[stage][0])
    return found


@pytest.mark.parametrize(("stage", "path"), recipes(), ids=lambda part: getattr(part, "name", part))
def test_a_recipe_parses_and_its_plug_in_takes_its_options(stage: str, path: Path) -> None:
    recipe = read_recipe(path, model(stage))
    assert recipe.description
    field = STAGES[stage][1]
    if field:
        data = {**recipe.model_dump(), **yaml.safe_load(path.read_text(encoding="utf-8"))}
        plugins.make(f"kanagura.{field}s", data[field], data["options"])


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_ships_a_recipe(stage: str) -> None:
    assert list((ROOT / stage / "recipes").glob("*.yaml"))
