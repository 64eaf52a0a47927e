"""What may be asked of the rephrase stage."""

from typing import Any

from pydantic import Field

from datacards.recipe import Recipe
from rephrase.base import Style


class RephraseRecipe(Recipe):
    """Asks for questions about the documents of one corpus version.

    ``holdout`` is the share of facts whose every question goes to the split ``test`` and never to ``train``.
    ``carry`` names the formats of the corpus version that go into this version unchanged, so that one version
    can hold all six.
    """

    generator: str = "facts"
    options: dict[str, Any] = Field(default_factory=dict)
    styles: tuple[Style, ...] = ("qa", "multiple_choice")
    holdout: float = Field(default=0.0, ge=0.0, lt=1.0)
    carry: tuple[str, ...] = ()
    seed: int = 0
