"""Turns the training text into one flat file of tokens, once; every process and every resumed run maps it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from train.base import TrainData
from train.data.packing import Ints
from train.progress import progress


@dataclass(frozen=True, slots=True)
class Tokens:
    """The flat tokens, where each document begins in them (n + 1 offsets), and the documents' ids."""

    flat: NDArray[np.uint32]
    offsets: Ints
    ids: tuple[str, ...]
    dropped: int

    def documents(self, first: Ints) -> list[str]:
        """Return the ids of the documents that hold the tokens at the places ``first``."""
        return [self.ids[i] for i in np.unique(np.searchsorted(self.offsets, first, "right") - 1)]


def tokenize(base: Path, data: TrainData, work: Path) -> None:
    """Write the tokens of ``data`` to ``work``, every document followed by the end-of-text token.

    What is there already from an earlier run is kept. Raises UserError where the tokenizer has no such token
    or a shard has no column ``text``.
    """
    done = work / "tokens.json"
    if done.is_file():
        return
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
    if tokenizer.eos_token_id is None:
        raise UserError(base.name, "its tokenizer has no end-of-text token", todo="set eos_token in it")
    lengths: list[int] = []
    ids: list[str] = []
    dropped = 0
    with (work / "tokens.bin").open("wb") as out, progress(data.n, "documents") as bar:
        for batch in (batch for shard in data.shards for batch in data.documents(shard)):
            bar.update(len(batch))
            kept = [(id_, text) for id_, text, _ in batch if text.strip()]
            dropped += len(batch) - len(kept)
            if not kept:
                continue
            texts = [text for _, text in kept]
            rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
            for (id_, _), row in zip(kept, rows, strict=True):
                out.write(np.array([*row, tokenizer.eos_token_id], np.uint32).tobytes())
                lengths.append(len(row) + 1)
                ids.append(id_)
    np.save(work / "lengths.npy", np.array(lengths, np.int64))
    (work / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    done.write_text(
        json.dumps({"dropped": dropped}), encoding="utf-8"
    )  # last: it says that the rest is whole


def read_tokens(work: Path) -> Tokens:
    """Return what ``tokenize`` wrote to ``work``; the tokens stay on disk until they are used."""
    lengths = np.load(work / "lengths.npy", allow_pickle=False)
    if not len(lengths):
        raise UserError("train", "the corpus holds no text", todo="name another corpus or other formats")
    return Tokens(
        flat=np.memmap(work / "tokens.bin", np.uint32, "r"),
        offsets=np.concatenate(([0], np.cumsum(lengths))),
        ids=tuple(json.loads((work / "ids.json").read_bytes())),
        dropped=json.loads((work / "tokens.json").read_bytes())["dropped"],
    )
