"""The document formats: each module renders one base document into the documents of its format."""

from collections.abc import Callable, Iterator, Mapping

from corpus.document import Document, Format
from corpus.formats import categories, listing, markdown, multiple_choice, qa, sections

FORMATS: Mapping[Format, Callable[[Document], Iterator[Document]]] = {
    "markdown": markdown.documents,
    "sections": sections.documents,
    "categories": categories.documents,
    "listing": listing.documents,
    "qa": qa.documents,
    "multiple_choice": multiple_choice.documents,
}
