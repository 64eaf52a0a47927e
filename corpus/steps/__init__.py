"""The cleaning steps: each a plain function, ``Document -> Document | Drop``; the table says which there are."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, create_model

from corpus.document import Document, Drop
from corpus.steps.boilerplate import boilerplate
from corpus.steps.language import language
from corpus.steps.length import length
from corpus.steps.personal import personal
from corpus.steps.quality import quality
from corpus.steps.repetition import repetition
from corpus.steps.unicode import unicode

STEPS: Mapping[str, Callable[..., Document | Drop]] = {
    "unicode": unicode,
    "boilerplate": boilerplate,
    "personal": personal,
    "language": language,
    "length": length,
    "repetition": repetition,
    "quality": quality,
}


class Left(NamedTuple):
    """A document that left: why, at which step, and as it was before that step."""

    drop: Drop
    step: str
    document: Document


def options(step: str) -> type[BaseModel]:
    """Return the options of a step as a strict pydantic model, read off its keyword arguments."""
    fields: dict[str, Any] = {
        name: (parameter.annotation, parameter.default)
        for name, parameter in inspect.signature(STEPS[step]).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return create_model(step, __config__=ConfigDict(frozen=True, extra="forbid"), **fields)


def clean(document: Document, steps: Sequence[tuple[str, Mapping[str, Any]]]) -> Document | Left:
    """Return the document after all ``(name, options)``, or where and why it left."""
    for name, chosen in steps:
        result = STEPS[name](document, **chosen)
        if isinstance(result, Drop):
            return Left(result, name, document)
        document = result
    return document
