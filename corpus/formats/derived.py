"""What the formats make: a document of some stretches of another, whose origin and rights it keeps."""

from collections.abc import Iterable
from dataclasses import replace

from corpus.document import Document, Format, Span
from datacards.rights import combined


def derived(
    parent: Document,
    name: Format,
    text: str,
    spans: Iterable[Span],
    *,
    title: str = "",
    section: str = "",
    block: str = "",
) -> Document:
    """Return the document of format ``name`` that ``parent`` gives; ``spans`` are the characters it came from.

    Facts, and the places of text blocks, point into the parent and stay with it; ``block`` names the one that
    the new document is. Its license stays; where that forbids to give on what was made from the text, so does
    ``redistribution``.
    """
    meta = {name: value for name, value in parent.meta.items() if name != "blocks"}
    return replace(
        parent,
        text=text,
        format=name,
        title=title or parent.title,
        section=section,
        redistribution=parent.redistribution and combined([parent.license], derived=True).redistribution,
        made_from=tuple(spans),
        meta={**meta, "block": block} if block else meta,
        facts=(),
    )
