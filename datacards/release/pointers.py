"""What a release gives of a record whose text may not be given on: everything but the text, with hashes."""

from collections.abc import Iterator
from hashlib import sha256

import pyarrow as pa

from datacards.columns import DOCUMENT, column
from datacards.release.recipes import recipes_below

__all__ = ["POINTER", "pointer_table", "recipes_below"]

#: The columns of documents without ``text`` and ``meta``, and what proves a text that was made again.
POINTER = pa.schema(
    [
        DOCUMENT.field("id"),
        column("text_sha256", pa.string(), "SHA-256 of the text in UTF-8, hexadecimal"),
        *(field for field in DOCUMENT if field.name not in ("id", "text", "meta")),
        column("version", pa.string(), "The dataset that the record was in: name@version"),
    ]
)
_GIVEN = [name for name in POINTER.names if name not in ("text_sha256", "version")]


def pointer_table(table: pa.Table, version: str) -> pa.Table:
    """Return the pointers of the documents in ``table``, in order; ``version`` is the dataset they are in."""
    digests = [sha256(text.as_buffer()).hexdigest() for text in _texts(table["text"])]
    told = table.select(_GIVEN)
    told = told.append_column("text_sha256", pa.array(digests, pa.string()))
    told = told.append_column("version", pa.array([version] * len(table), pa.string()))
    return told.select(POINTER.names).cast(POINTER)


def _texts(column: pa.ChunkedArray) -> Iterator[pa.Scalar]:
    for chunk in column.chunks:
        yield from chunk
