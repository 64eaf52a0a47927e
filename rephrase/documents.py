"""The markdown documents of a corpus version with their facts, read as often as needed."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import shards
from corpus.document import Document, Fact
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


def _facts(*paths: Path) -> dict[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for path in paths:
        for row in shards.read(path):
            found[row["document_id"]].append(shards.row_fact(row))
    return found
