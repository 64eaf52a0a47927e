"""Packs documents of given lengths with TRL's ``pack_dataset`` and prints what that cost and left.

``python -m bench.peers.trl_packing LENGTHS WIDTH STRATEGY``: LENGTHS is an .npy file. Only its own function is timed; the
last line is one JSON object: CPU seconds, rows and tokens.
"""

import json
import sys
import time

import numpy as np
import pyarrow as pa
from datasets import Dataset, disable_caching, disable_progress_bars
from trl.data_utils import pack_dataset


def main(lengths: str, width: int, strategy: str) -> None:
    """Pack and print."""
    disable_progress_bars()
    disable_caching()
    sizes = np.load(lengths, allow_pickle=False).astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    tokens = pa.array(np.arange(offsets[-1], dtype=np.int32))
    documents = Dataset(pa.table({"input_ids": pa.ListArray.from_arrays(pa.array(offsets), tokens)}))
    begun = time.process_time()
    packed = pack_dataset(documents, seq_length=width, strategy=strategy)
    cpu = time.process_time() - begun
    kept = 0
    for batch in packed.with_format("arrow").iter(1000):
        kept += len(batch["input_ids"].combine_chunks().flatten())
    print(json.dumps({"cpu": cpu, "rows": len(packed), "tokens": kept}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
