"""De-duplicates a folder of Parquet documents with Daft's own MinHash, 16 bands of 8, no candidate compared.

``python daft_minhash.py DOCS OUT`` runs on Daft's native runner. A document leaves when an earlier one shares a bucket
with it. Daft takes n-grams of words, so the texts of DOCS must have their characters spaced; so have those of OUT.
"""

import sys

import daft
from daft import DataType, col, functions

BANDS, ROWS, NGRAM = 16, 8, 5


def main(docs: str, out: str) -> None:
    """Write the documents of ``docs/*.parquet`` that stay to ``out``."""
    documents = daft.read_parquet(f"{docs}/*.parquet")
    signature = functions.minhash(
        col("text"), num_hashes=BANDS * ROWS, ngram_size=NGRAM, hash_function="xxhash"
    )
    signed = documents.select("doc_id", signature.cast(DataType.list(DataType.uint32())).alias("s")).collect()
    gone = daft.from_pydict({"doc_id": []}).select(col("doc_id").cast(DataType.int64()))
    for band in range(BANDS):
        key = col("s").slice(band * ROWS, (band + 1) * ROWS)
        one = signed.select("doc_id", functions.hash(key).alias("key"))
        first = one.groupby("key").agg(col("doc_id").min().alias("first"))
        later = one.join(first, on="key").where(col("first") != col("doc_id"))
        gone = gone.union_all(later.select("doc_id"))
    documents.join(gone.distinct(), on="doc_id", how="anti").write_parquet(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
