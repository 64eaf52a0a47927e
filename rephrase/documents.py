"""The markdown documents of a corpus version with their facts, read as often as needed, all or a part of them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import shards
from corpus.document import Document, Fact, Span
from rephrase.base import REPHRASED


class Documents:
    """Call it to start a pass over the documents of the version in ``folder``, in order.

    Rephrasings, which such a version may hold beside them, are none: what a model wrote is no evidence. In memory are the facts of one shard, which lie in the file of the same name.
    """

    def __init__(self, folder: Path) -> None:
        self._texts = shards.shard(folder, "markdown", "train")
        named = {path.name for path in self._texts}
        facts = shards.shard(folder, "facts", "train")
        self._beside = {path.name: path for path in facts}
        self._alone = [path for path in facts if path.name not in named]

    def __call__(self) -> Iterator[Document]:
        """Yield the documents, facts attached."""
        elsewhere = _facts(*self._alone)
        for path in self._texts:
            beside = self._beside.get(path.name)
            facts = _facts(beside) if beside else {}
            for row in shards.read(path):
                one = row["id"]
                document = shards.row_document(row, (*facts.get(one, ()), *elsewhere.get(one, ())))
                if document.meta.get("kind") != REPHRASED:
                    yield document

    @property
    def characters(self) -> int:
        """Return how many characters they have together."""
        return sum(
            pc.sum(pq.read_table(path, columns=["n_chars"])["n_chars"]).as_py() or 0 for path in self._texts
        )

    def __len__(self) -> int:
        """Return how many they are."""
        return sum(pq.read_metadata(path).num_rows for path in self._texts)


class Drawn:
    """About ``share`` of all passages, drawn by chance that follows from the ids of their documents and their places.

    They come from at least about ``least`` documents where there are so many: a filing may be longer than a thousand
    pages of other sources, and a few of them would speak for nobody else.
    """

    def __init__(self, documents: Documents, share: float, least: int = 200) -> None:
        self._documents = documents
        self._of_documents = min(1.0, max(share, least / max(len(documents), 1)))
        self._of_passages = share / self._of_documents

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self._of_documents >= 1.0 and self._of_passages >= 1.0

    def __call__(self) -> Iterator[Document]:
        """Yield the documents from which passages are drawn, facts attached."""
        return (one for one in self._documents() if _chance(one.id) < self._of_documents)

    def takes(self, span: Span) -> bool:
        """Return whether a passage is one of those that were drawn."""
        return _chance(f"{span.id}|{span.start}") < self._of_passages


def _chance(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def _facts(*paths: Path) -> dict[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for path in paths:
        for row in shards.read(path):
            found[row["document_id"]].append(shards.row_fact(row))
    return found
