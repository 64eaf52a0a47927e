"""De-duplicates a folder of Parquet documents with datatrove's MinHash at its defaults, over character 5-grams.

``python datatrove_minhash.py DOCS OUT WORK`` runs its four stages (signatures, buckets, clusters, filter), each on two
workers. datatrove takes n-grams of words; it is given a tokenizer whose words are characters.
"""

import sys
from typing import Any

import pyarrow as pa
from datatrove.data import Document
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers.parquet import ParquetWriter
from datatrove.utils.word_tokenizers import WordTokenizer

WORKERS = 2
# Ids as text: its writer leaves out what is falsy, the number 0 too.
KEPT = pa.schema([("doc_id", pa.string()), ("text", pa.string())])


class Characters(WordTokenizer):
    """Takes every character for a word."""

    def word_tokenize(self, text: str) -> list[str]:
        return list(text)

    def sent_tokenize(self, text: str) -> list[str]:
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


def main(docs: str, out: str, work: str) -> None:
    """Write the documents of ``docs/*.parquet`` that stay to ``out``; what lies between goes to ``work``."""
    config = MinhashConfig()
    signatures, pairs, removals = f"{work}/signatures", f"{work}/pairs", f"{work}/removals"

    def run(name: str, tasks: int, *steps: PipelineStep) -> None:
        log = f"{work}/log/{name}"
        LocalPipelineExecutor(pipeline=list(steps), tasks=tasks, workers=WORKERS, logging_dir=log).run()

    read = ParquetReader(docs, id_key="doc_id")
    run("signatures", WORKERS, read, MinhashDedupSignature(signatures, config, language=Characters()))
    run("buckets", config.num_buckets, MinhashDedupBuckets(signatures, pairs, config=config))
    run("clusters", 1, MinhashDedupCluster(pairs, removals, config=config))
    write = ParquetWriter(out, adapter=_row, schema=KEPT)
    run("filter", WORKERS, ParquetReader(docs, id_key="doc_id"), MinhashDedupFilter(removals), write)


def _row(_: Any, document: Document) -> dict[str, Any]:
    return {"doc_id": str(document.id), "text": document.text}


if __name__ == "__main__":
    main(*sys.argv[1:])
