"""The document formats: each module renders the base documents of one shard into the documents of its format.

A format sees a whole shard, in order, so that it may gather what belongs together; it never sees another one.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from corpus.document import Document, Format
from corpus.formats import categories, listing, markdown, multiple_choice, qa, sections

FORMATS: Mapping[Format, Callable[..., Iterator[Document]]] = {
    "markdown": markdown.documents,
    "sections": sections.documents,
    "categories": categories.documents,
    "listing": listing.documents,
    "qa": qa.documents,
    "multiple_choice": multiple_choice.documents,
}


def options(name: Format) -> type[BaseModel]:
    """Return the options of a format as a strict pydantic model, read off its keyword arguments."""
    fields: dict[str, Any] = {
        parameter.name: (parameter.annotation, parameter.default)
        for parameter in inspect.signature(FORMATS[name]).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return create_model(name, __config__=ConfigDict(frozen=True, extra="forbid"), **fields)


def render(batch: Iterable[Document], name: Format, chosen: Mapping[str, Any]) -> Iterator[Document]:
    """Yield the documents of format ``name`` that one shard of base documents gives, with options ``chosen``.

    The same batch gives the same documents in the same order. In memory is at most what the batch holds.
    """
    yield from FORMATS[name](batch, **chosen)
