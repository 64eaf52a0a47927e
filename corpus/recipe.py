"""What a corpus recipe may ask for."""

from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from corpus.contamination.decontaminate import DecontaminationOptions
from corpus.document import Format
from corpus.duplicates.compared import DedupOptions
from corpus.formats import FORMATS
from corpus.formats import options as format_options
from corpus.repeats import RepeatOptions
from corpus.steps import STEPS
from corpus.steps import options as step_options
from datacards.card import NAME, VERSION
from datacards.recipe import Recipe


def _chosen(
    what: str, known: Iterable[str], options: Callable[[Any], type[BaseModel]], given: Any
) -> dict[str, dict[str, Any]]:
    """Return ``name`` or ``{name: {option: value}}`` as the latter, all options spelled out."""
    name, chosen = next(iter(given.items())) if isinstance(given, dict) and len(given) == 1 else (given, {})
    if not isinstance(name, str) or name not in known:
        told = f"the known {what}s are {', '.join(known)}"
        raise PydanticCustomError(what, "{told}", {"told": told})
    model = options(name)
    try:
        return {name: model.model_validate(chosen or {}).model_dump(mode="json")}
    except ValidationError as error:
        first = error.errors()[0]
        allowed = ", ".join(model.model_fields) or "none"
        where = ".".join(map(str, first["loc"])) or "its options"
        told = f"{what} {name}: {where}: {first['msg']}; its options are {allowed}"
        raise PydanticCustomError(f"{what}_option", "{told}", {"told": told}) from error


Step = Annotated[dict[str, dict[str, Any]], BeforeValidator(partial(_chosen, "step", STEPS, step_options))]
FormatChoice = Annotated[
    dict[Format, dict[str, Any]], BeforeValidator(partial(_chosen, "format", FORMATS, format_options))
]
Engine = Annotated[
    dict[str, dict[str, Any]], BeforeValidator(lambda given: {given: {}} if isinstance(given, str) else given)
]
CapturesName = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}(@{VERSION.pattern})?$")]


class CorpusRecipe(Recipe):
    """Which captures become which formats, through which steps.

    ``captures`` names versions of captures: ``boj_speeches@2026.11.21``, or ``boj_speeches`` for the newest.
    ``steps`` are cleaning steps in order, each a name or ``name: {option: value}``; ``formats`` likewise.
    ``shard_characters`` is how much text, of base documents and of what left, one shard is made of at most, but for
    one longer document.
    ``extends`` names an earlier version of a corpus: its documents stay as they are, and only what it does not have
    is added.

    ``repeats`` says what counts as said before, ``decontamination`` which tests the documents are held against;
    null leaves either out.

    ``ocr`` is the engine that reads pages without text, a name or ``name: {option: value}``; null names such pages.

    ``as_of`` asks for what a reader could have had at the end of that Japanese day (see ``corpus.times.asof``); a name
    without a version then stands for all its versions. ``as_of_strict`` takes only what was fetched by then.
    """

    captures: tuple[CapturesName, ...] = Field(min_length=1)
    extends: CapturesName | None = None
    steps: tuple[Step, ...]
    dedup: DedupOptions = DedupOptions()
    repeats: RepeatOptions | None = RepeatOptions()
    decontamination: DecontaminationOptions | None = DecontaminationOptions()
    formats: tuple[FormatChoice, ...] = Field(default=tuple(FORMATS), min_length=1, validate_default=True)
    shard_characters: int = Field(default=100_000_000, ge=1)
    ocr: Engine | None = None
    as_of: date | None = None
    as_of_strict: bool = False

    @field_validator("captures", "formats")
    @classmethod
    def _once(cls, given: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [next(iter(one)) if isinstance(one, dict) else one for one in given]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise PydanticCustomError("doubled", "named twice: {names}", {"names": ", ".join(doubled)})
        return given

    def calls(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Return the steps as (name, options), in order."""
        return tuple(next(iter(step.items())) for step in self.steps)

    def rendered(self) -> dict[Format, dict[str, Any]]:
        """Return the formats by name with their options, in order."""
        return {name: chosen for one in self.formats for name, chosen in one.items()}
