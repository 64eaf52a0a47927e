"""What a column of a Parquet file means, written into the file itself beside its name and type."""

import pyarrow as pa

MEANING = b"description"


def column(name: str, type_: pa.DataType, meaning: str) -> pa.Field:
    """Return the Arrow field of a column that carries its meaning as metadata; Parquet files keep it."""
    return pa.field(name, type_, metadata={MEANING: meaning.encode()})


def meaning(field: pa.Field) -> str:
    """Return the meaning that a column carries, '' for one without."""
    return (field.metadata or {}).get(MEANING, b"").decode("utf-8", "replace")
