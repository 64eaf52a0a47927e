"""What a release recipe may ask for."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from datacards.recipe import Recipe

Format = Literal["markdown", "sections", "categories", "listing", "qa", "multiple_choice"]
FORMATS: tuple[Format, ...] = ("markdown", "sections", "categories", "listing", "qa", "multiple_choice")


class _Holdout(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ByCompany(_Holdout):
    """All documents of a drawn ``share`` of the companies are the split ``test``: no company is in both."""

    by: Literal["company"]
    share: float = Field(default=0.05, gt=0, lt=1)
    seed: int = 0


class ByTime(_Holdout):
    """What nobody could have read before the Japanese day ``since`` is the split ``test``."""

    by: Literal["time"]
    since: date


class ReleaseRecipe(Recipe):
    """What of a dataset version is given to others, and in which splits.

    ``restricted`` says what becomes of records that may not be given on: ``refuse`` the whole release and name them,
    ``pointers`` (everything but the text, with hashes), or ``leave_out``. ``holdout`` null keeps the splits as they
    are. ``tokenizers`` are those that the card counts tokens with. A file holds at most ``shard_characters`` of text,
    or one longer batch of rows.
    """

    restricted: Literal["refuse", "pointers", "leave_out"] = "refuse"
    holdout: Annotated[ByCompany | ByTime, Field(discriminator="by")] | None = None
    formats: tuple[Format, ...] = Field(default=FORMATS, min_length=1)
    tokenizers: tuple[str, ...] = ()
    shard_characters: int = Field(default=500_000_000, ge=1)

    @field_validator("formats", "tokenizers")
    @classmethod
    def _once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if doubled := sorted({name for name in given if given.count(name) > 1}):
            raise PydanticCustomError("doubled", "named twice: {names}", {"names": ", ".join(doubled)})
        return given
