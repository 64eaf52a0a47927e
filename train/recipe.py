"""What may be asked of a training run: one YAML file, one checkpoint."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
)

from datacards.recipe import Recipe

Format = Literal["markdown", "sections", "categories", "listing", "qa", "multiple_choice"]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Values = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    Field(min_length=1),
]
Share = Annotated[float, Field(gt=0, lt=1)]


class Weight(BaseModel):
    """Documents that an epoch reads ``times`` as often: all of ``where``'s keys must fit, as in ``only``.

    2 is twice an epoch; 0.5 is every other epoch, half of the documents in each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: dict[Key, Values] = Field(min_length=1)
    times: Annotated[float, Field(ge=0, le=100)]


class Replay(BaseModel):
    """General text against forgetting: its ``share`` of all tokens trained on (arXiv 2403.08763).

    Which version it is from is said on the command line (``--replay NAME@VERSION``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Share = 0.05


class Validation(BaseModel):
    """Documents that are held out, all formats of one page together, and measured every ``every`` steps and at both ends.

    ``share`` of the pages of the corpora is held out; of every source at most ``tokens`` tokens are measured. Versions that are
    only measured are said on the command line (``--validate NAME@VERSION``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    tokens: PositiveInt = 200_000
    every: PositiveInt | None = None


class MonitorAsked(BaseModel):
    """A plug-in of the group ``kanagura.monitors`` that looks at every saved step beside the training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plugin: str = "merge"
    options: dict[str, Any] = Field(default_factory=dict)


class TrainRecipe(Recipe):
    """A base model, the documents to train on, a trainer and its options.

    ``base`` is ``name@version`` of the store, ``hf:org/model@<commit>``, or a local folder. ``formats`` left
    out means: every one that the corpora hold. Which corpora is said on the command line.

    ``only`` and ``without`` choose documents by a column of theirs or, where there is no such column, by a key of
    their ``meta``: ``only: {source: [boj_*]}``, ``without: {edinet_code: [E01234]}``. A value may be a glob. A document
    is trained on that fits some value of every key in ``only`` and none in ``without``. ``fraction`` takes that share of the
    pages, the same ones for one seed, and those of a smaller fraction are among those of a larger one. ``mixture`` reads some
    documents more or less often: the first entry that fits a document counts, ``format`` being a key like any other.
    """

    base: str
    formats: tuple[Format, ...] | None = Field(default=None, min_length=1)
    only: dict[Key, Values] = Field(default_factory=dict)
    without: dict[Key, Values] = Field(default_factory=dict)
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    mixture: tuple[Weight, ...] = ()
    replay: Replay | None = None
    validation: Validation | None = None
    monitor: MonitorAsked | None = None
    trainer: str = "causal_lm"
    options: dict[str, Any] = Field(default_factory=dict)
    seed: NonNegativeInt = 0

    def of_fraction(self, fraction: float) -> "TrainRecipe":
        """Return the recipe for a share of the pages, as a version of its own: NAME-10pct for a tenth."""
        if fraction == 1:
            return self
        name = f"{self.name}-{fraction * self.fraction * 100:g}pct"
        return self.model_copy(update={"name": name, "fraction": fraction * self.fraction})
