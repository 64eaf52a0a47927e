"""What a release gives of a record whose text may not be given on: everything but the text, with hashes."""

from collections.abc import Iterator
from hashlib import sha256

import pyarrow as pa

from datacards.release.recipes import recipes_below

__all__ = ["POINTER", "pointer_table", "recipes_below"]

_SPANS = pa.list_(pa.struct([("id", pa.string()), ("start", pa.int64()), ("end", pa.int64())]))

#: The columns of documents without ``text`` and ``meta``, and what proves a text that was made again.
POINTER = pa.schema(
    [
        ("id", pa.string()),  # over format, source, url, section and text
        ("text_sha256", pa.string()),  # of the text in UTF-8, hexadecimal
        ("format", pa.string()),
        ("source", pa.string()),
        ("url", pa.string()),
        ("title", pa.string()),
        ("section", pa.string()),
        ("language", pa.string()),
        ("event_at", pa.date32()),
        ("published_at", pa.date32()),
        ("available_at", pa.date32()),
        ("captured_at", pa.timestamp("us", tz="UTC")),
        ("license", pa.string()),
        ("attribution", pa.string()),
        ("redistribution", pa.bool_()),
        ("made_from", _SPANS),
        ("n_chars", pa.int64()),
        ("cluster_size", pa.int64()),
        ("version", pa.string()),  # of the dataset that the record was in: name@version
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
