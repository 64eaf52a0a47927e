"""Step length: a document too short to say anything leaves; none is too long."""

from collections.abc import Mapping

from corpus.document import Document, Drop


def length(
    document: Document, *, minimum: int = 100, minimum_by_kind: Mapping[str, int] | None = None
) -> Document | Drop:
    """Drop a document of fewer than ``minimum`` characters, white space not counted.

    ``minimum_by_kind`` has another minimum for a kind: a glossary's term is short by nature.
    """
    wanted = (minimum_by_kind or {}).get(document.meta.get("kind", ""), minimum)
    count = sum(map(len, document.text.split()))
    return Drop("too_short", f"{count} characters, {wanted} needed") if count < wanted else document
