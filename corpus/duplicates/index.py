"""The signature index: one row per document, kept in every version, so that later versions sign nothing again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.document import Document, day_in_japan
from corpus.duplicates.compared import DedupOptions, comparable, content_hash, states
from corpus.duplicates.minhash import MinHasher, band_keys
from corpus.repeats import SENTENCE, Batch, RepeatOptions, batch, issuer, sentences
from datacards.errors import UserError

FOLDER = "index"
EPOCH = date(1970, 1, 1)

#: What ranks documents, smallest first: the day a reader could first have it, then those with facts, then the
#: longest; the identity decides the rest, so that the order follows from the documents alone.
_RANKED = pa.schema(
    [
        ("key", pa.binary(16)),  # the document's id as bytes
        ("content", pa.binary(16)),  # what exact copies share
        ("available", pa.int32()),  # days since 1970-01-01
        ("n_facts", pa.int64()),
        ("length", pa.int64()),  # characters of the text as de-duplication sees it
        ("states", pa.binary(8)),  # what only this document states, zeros when nothing
        ("issuer", pa.string()),  # who speaks in it
        ("sentences", pa.binary()),  # what it says, as ``corpus.repeats.SENTENCE``
    ]
)
#: What a version adds: where the text lies (the config, and the row in its shard of the same number as the index
#: file), and the position of the document that stands for this one, its own when it stays.
PLACE = pa.schema([("config", pa.string()), ("row", pa.int64()), ("survivor", pa.int64())])


def schema(options: DedupOptions) -> pa.Schema:
    """Return the columns of the index: what ranks, a 64-bit key per band, the MinHash signature."""
    bands = [(band_column(band), pa.uint64()) for band in range(options.bands)]
    return pa.schema([*_RANKED, *bands, ("signature", pa.binary(4 * options.permutations))])


def band_column(band: int) -> str:
    """Return the name of the column that holds the keys of a band."""
    return f"band_{band:03d}"


class Signer:
    """Makes the index row of a document; MinHash signatures as in datasketch 2, scheme ``affine32``."""

    def __init__(self, options: DedupOptions, repeats: RepeatOptions | None = None) -> None:
        self.options, self.repeats = options, repeats
        self._hasher = MinHasher(options.permutations, options.ngram, options.seed)
        self._bands = [band_column(band) for band in range(options.bands)]

    def rows(self, documents: Sequence[Document]) -> list[dict[str, Any]]:
        """Return the index rows of documents, by column."""
        seen = [comparable(document.text) for document in documents]
        signatures = self._hasher.sign_many(seen)
        keys = band_keys(signatures, self.options.bands, self.options.rows).tolist()
        return [
            {
                "key": bytes.fromhex(document.id),
                "content": content_hash(text),
                "available": (available(document) - EPOCH).days,
                "n_facts": len(document.facts),
                "length": len(text),
                "states": states(document),
                "issuer": issuer(document),
                "sentences": sentences(document, self.repeats).tobytes() if self.repeats else b"",
                "signature": signature.astype("<u4").tobytes(),
                **dict(zip(self._bands, bands, strict=True)),
            }
            for document, text, signature, bands in zip(documents, seen, signatures, keys, strict=True)
        ]


def available(document: Document) -> date:
    """Return the first day (in Japan) on which a reader could have had the document."""
    return document.available_at or document.published_at or day_in_japan(document.captured_at)


class Part(NamedTuple):
    """A Parquet file with index columns, the number of documents in it, and where their texts are.

    ``version`` is the folder of the version that the file is the index of; None for prepared documents, whose
    texts stand in the same file, among rows of drops that have no index columns.
    """

    path: Path
    documents: int
    version: Path | None = None


@dataclass(frozen=True)
class Index:
    """Index files in order: those of earlier versions, then those of the documents to be judged.

    A document's *position* counts through all parts; ``earlier`` is how many belong to earlier versions.
    """

    parts: Sequence[Part]
    earlier: int

    @property
    def count(self) -> int:
        """How many documents there are, earlier ones included."""
        return sum(part.documents for part in self.parts)

    def numbers(self, column: str) -> npt.NDArray[Any]:
        """Return a numeric column over all positions."""
        return np.concatenate([np.zeros(0, np.int64), *(_numbers(part, column) for part in self.parts)])

    def survivors(self) -> npt.NDArray[np.int64]:
        """Return the position of the survivor of every earlier document."""
        old = [_numbers(part, "survivor") for part in self.parts if part.version]
        return np.concatenate([np.zeros(0, np.int64), *old])

    def issuers(self) -> npt.NDArray[np.int32]:
        """Return who speaks in each document, as a number for each issuer."""
        numbers: dict[str, int] = {}
        found = [np.zeros(0, np.int32)]
        for part in self.parts:
            column = _column(part, "issuer").combine_chunks().dictionary_encode()
            own = [numbers.setdefault(name, len(numbers)) for name in column.dictionary.to_pylist()]
            found.append(np.array(own, np.int32)[column.indices.to_numpy(zero_copy_only=False)])
        return np.concatenate(found)

    def said(self) -> Iterator[Batch]:
        """Yield the sentences of all documents, those of a part at a time."""
        first = 0
        for part in self.parts:
            found = [np.frombuffer(one, SENTENCE) for one in _column(part, "sentences").to_pylist()]
            yield batch(first, found)
            first += part.documents

    def words(self, column: str) -> npt.NDArray[np.uint64]:
        """Return a column of fixed-size bytes as (count, size / 8) words, whose order is that of the bytes."""
        found = [_words(part, column) for part in self.parts if part.documents]
        return np.concatenate(found) if found else np.zeros((0, 2), np.uint64)


def prepared_parts(chunks: Iterable[Path]) -> list[Part]:
    """Return the parts of prepared chunks."""
    found = []
    for path in chunks:
        column = pq.read_table(path, columns=["length"])["length"]
        found.append(Part(path, len(column) - column.null_count))
    return found


def version_parts(folder: Path) -> list[Part]:
    """Return the parts of a version's index, in order; raise UserError when it has none."""
    paths = sorted((folder / FOLDER).glob("*.parquet"))
    if not paths:
        raise UserError(
            f"{folder.parent.name}@{folder.name}",
            "has no signature index to extend",
            "a version that a corpus recipe made",
            "name another version under extends, or none",
        )
    return [Part(path, pq.read_metadata(path).num_rows, folder) for path in paths]


def index_of(chunks: Iterable[Path], versions: Iterable[Path]) -> Index:
    """Return the index over earlier ``versions`` and prepared ``chunks``."""
    old = [part for folder in versions for part in version_parts(folder)]
    return Index([*old, *prepared_parts(chunks)], sum(part.documents for part in old))


def texts_of(part: Part, wanted: npt.NDArray[np.int64]) -> Iterator[str]:
    """Yield the texts, as de-duplication sees them, of documents of a part by their sorted numbers in it."""
    if part.version is None:
        rows = np.flatnonzero(pq.read_table(part.path, columns=["length"])["length"].is_valid().to_numpy())
        yield from map(comparable, _texts(part.path, rows[wanted]))
        return
    places = pq.read_table(part.path, columns=["config", "row"]).take(pa.array(wanted)).to_pylist()
    shard = f"train-{part.path.stem}.parquet"
    texts = {
        config: _texts(
            part.version / config / shard, np.array([p["row"] for p in places if p["config"] == config])
        )
        for config in {place["config"] for place in places}
    }
    yield from (comparable(next(texts[place["config"]])) for place in places)


def _texts(path: Path, rows: npt.NDArray[np.int64]) -> Iterator[str]:
    """Yield the texts of ascending rows of a Parquet file, a row group at a time."""
    with pq.ParquetFile(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            here = rows[(rows >= first) & (rows < first + count)] - first
            if len(here):
                yield from file.read_row_group(group, ["text"])["text"].take(pa.array(here)).to_pylist()
            first += count


def signatures_of(part: Part, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """Return the signatures of documents of a part, by their numbers in it, as (n, permutations)."""
    column = pq.read_table(part.path, columns=["signature"])["signature"].drop_null().take(pa.array(wanted))
    flat = np.frombuffer(b"".join(column.to_pylist()), "<u4")
    return flat.reshape(len(wanted), -1) if len(wanted) else flat.reshape(0, 1)


def _column(part: Part, name: str) -> pa.ChunkedArray:
    return pq.read_table(part.path, columns=[name])[name].drop_null()


def _numbers(part: Part, column: str) -> npt.NDArray[Any]:
    return np.asarray(_column(part, column).to_numpy())


def _words(part: Part, column: str) -> npt.NDArray[np.uint64]:
    found = _column(part, column).combine_chunks()
    size = found.type.byte_width
    raw = np.frombuffer(found.buffers()[1], np.uint8)[
        found.offset * size : (found.offset + part.documents) * size
    ]
    return raw.view(">u8").reshape(part.documents, size // 8).astype(np.uint64)
