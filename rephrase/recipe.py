"""What may be asked of the rephrase stage."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from corpus.document import Format
from datacards.recipe import Recipe
from rephrase.base import Style


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(words)) < len(words):
        raise ValueError("each may be named once")
    return words


class RephraseRecipe(Recipe):
    """Asks for questions about the documents of one corpus version.

    ``holdout`` is the share of facts whose every question goes to the split ``test`` and never to ``train``.
    ``carry`` names the formats of the corpus version that go into this version unchanged, so that one version
    can hold all six.
    """

    generator: str = "facts"
    options: dict[str, Any] = Field(default_factory=dict)
    styles: Annotated[tuple[Style, ...], Field(min_length=1), AfterValidator(_once)] = (
        "qa",
        "multiple_choice",
    )
    holdout: float = Field(default=0.0, ge=0.0, lt=1.0)
    carry: Annotated[tuple[Format, ...], AfterValidator(_once)] = ()
    seed: int = 0
