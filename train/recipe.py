"""What may be asked of a training run: one YAML file, one checkpoint."""

from typing import Any, Literal

from pydantic import Field, NonNegativeInt

from datacards.recipe import Recipe

Format = Literal["markdown", "sections", "categories", "listing", "qa", "multiple_choice"]


class TrainRecipe(Recipe):
    """A base model, the formats to train on, a trainer and its options.

    ``base`` is ``name@version`` of the store, ``hf:org/model@<commit>``, or a local folder. ``formats`` left
    out means: every one that the corpora hold. Which corpora is said on the command line.
    """

    base: str
    formats: tuple[Format, ...] | None = Field(default=None, min_length=1)
    trainer: str = "causal_lm"
    options: dict[str, Any] = Field(default_factory=dict)
    seed: NonNegativeInt = 0
