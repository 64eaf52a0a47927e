"""What a corpus recipe may ask for."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from corpus.dedup import DedupOptions
from corpus.document import Format
from corpus.formats import FORMATS
from corpus.steps import STEPS, options
from datacards.card import NAME, VERSION
from datacards.recipe import Recipe


def _step(given: Any) -> dict[str, dict[str, Any]]:
    """Return ``name`` or ``{name: {option: value}}`` as the latter, all options spelled out."""
    name, chosen = next(iter(given.items())) if isinstance(given, dict) and len(given) == 1 else (given, {})
    if not isinstance(name, str) or name not in STEPS:
        raise PydanticCustomError("step", "the known steps are {known}", {"known": ", ".join(STEPS)})
    model = options(name)
    try:
        return {name: model.model_validate(chosen or {}).model_dump(mode="json")}
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(model.model_fields) or "none"
        where = ".".join(map(str, first["loc"])) or "its options"
        told = f"step {name}: {where}: {first['msg']}; its options are {known}"
        raise PydanticCustomError("step_option", "{told}", {"told": told}) from error


Step = Annotated[dict[str, dict[str, Any]], BeforeValidator(_step)]
CapturesName = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}(@{VERSION.pattern})?$")]


class CorpusRecipe(Recipe):
    """Which captures become which formats, through which steps.

    ``captures`` names versions of captures: ``boj_speeches@2026.11.21``, or ``boj_speeches`` for the newest.
    ``steps`` are cleaning steps in order, each a name or ``name: {option: value}``. ``shard_characters`` is
    how much text of base documents one shard is made of at most, but for one document. ``extends`` names an
    earlier version of a corpus: its documents stay as they are, and only what it does not have is added.

    ``as_of`` asks for what a reader could have had at the end of that Japanese day (see ``corpus.asof``); a name
    without a version then stands for all its versions. ``as_of_strict`` takes only what was fetched by then.
    """

    captures: tuple[CapturesName, ...] = Field(min_length=1)
    extends: CapturesName | None = None
    steps: tuple[Step, ...]
    dedup: DedupOptions = DedupOptions()
    formats: tuple[Format, ...] = Field(default=tuple(FORMATS), min_length=1)
    shard_characters: int = Field(default=100_000_000, ge=1)
    as_of: date | None = None
    as_of_strict: bool = False

    @field_validator("captures", "formats")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise PydanticCustomError("doubled", "named twice: {names}", {"names": ", ".join(doubled)})
        return names

    def calls(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Return the steps as (name, options), in order."""
        return tuple(next(iter(step.items())) for step in self.steps)
