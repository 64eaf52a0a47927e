"""What may be asked of a training run: one YAML file, one checkpoint."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, StringConstraints

from datacards.recipe import Recipe

Format = Literal["markdown", "sections", "categories", "listing", "qa", "multiple_choice"]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Values = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    Field(min_length=1),
]


class TrainRecipe(Recipe):
    """A base model, the documents to train on, a trainer and its options.

    ``base`` is ``name@version`` of the store, ``hf:org/model@<commit>``, or a local folder. ``formats`` left
    out means: every one that the corpora hold. Which corpora is said on the command line.

    ``only`` and ``without`` choose documents by a column of theirs or, where there is no such column, by a key of
    their ``meta``: ``only: {source: [boj_*]}``, ``without: {edinet_code: [E01234]}``. A value may be a glob. A document
    is trained on that fits some value of every key in ``only`` and none in ``without``.
    """

    base: str
    formats: tuple[Format, ...] | None = Field(default=None, min_length=1)
    only: dict[Key, Values] = Field(default_factory=dict)
    without: dict[Key, Values] = Field(default_factory=dict)
    trainer: str = "causal_lm"
    options: dict[str, Any] = Field(default_factory=dict)
    seed: NonNegativeInt = 0
