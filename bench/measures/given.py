"""Files that a benchmark is given."""

import click
import pyarrow as pa
import pyarrow.parquet as pq


def opened(path: str) -> pq.ParquetFile:
    """Return a Parquet file that has a column named text; click.BadParameter for any other file."""
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise click.BadParameter(f"{path}: no Parquet file with a column named text") from error
    if "text" not in file.schema_arrow.names:
        raise click.BadParameter(f"{path}: no Parquet file with a column named text")
    return file
