"""The two records of scoring by likelihood: an Item of a task, and an Answer, a model's likelihoods for it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = pa.schema(
    [
        ("id", pa.string()),  # hash of the item's content, equal wherever and whenever it is scored
        ("context_sha256", pa.string()),  # of the whole prompt, UTF-8
        ("choices", pa.list_(pa.string())),
        ("gold", pa.int32()),  # index of the right choice; null where none of them is right
        ("loglikelihoods", pa.list_(pa.float64())),  # natural logarithm, sum over the tokens of each choice
        ("choice_tokens", pa.list_(pa.int32())),
        ("context_tokens", pa.int32()),
        ("truncated", pa.bool_()),  # the prompt did not fit the model and lost its beginning
        ("prediction", pa.int32()),
        ("correct", pa.bool_()),
        ("prediction_norm", pa.int32()),  # by likelihood per character of the choice
        ("correct_norm", pa.bool_()),
    ]
)


def content_id(content: Mapping[str, Any]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 over the canonical JSON of ``content``."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Item:
    """One question: the model reads ``context`` and the likelihood of each of ``continuations`` is taken.

    ``choices`` are the continuations without delimiter, as people name them; ``gold`` is the index of the right one,
    None where no choice is right (such an item stays in and is always wrong). ``label`` is the item's class.
    """

    id: str
    context: str
    continuations: tuple[str, ...]
    choices: tuple[str, ...]
    gold: int | None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The log-likelihoods of one model for the choices of ``item``, with token counts."""

    item: Item
    loglikelihoods: tuple[float, ...]
    choice_tokens: tuple[int, ...] = ()
    context_tokens: int = 0
    truncated: bool = False

    @property
    def prediction(self) -> int:
        """Return the index of the likeliest choice, the first of equals."""
        return _argmax(self.loglikelihoods)

    @property
    def prediction_norm(self) -> int:
        """Return the index of the choice that is likeliest per character, the first of equals."""
        sizes = [len(choice) for choice in self.item.choices]
        return _argmax([value / size for value, size in zip(self.loglikelihoods, sizes, strict=True)])


def _argmax(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def write_samples(path: Path, answers: Sequence[Answer]) -> None:
    """Write one row per answer as zstd Parquet with the schema ``SAMPLES``."""
    rows = [
        {
            "id": answer.item.id,
            "context_sha256": hashlib.sha256(answer.item.context.encode()).hexdigest(),
            "choices": list(answer.item.choices),
            "gold": answer.item.gold,
            "loglikelihoods": list(answer.loglikelihoods),
            "choice_tokens": list(answer.choice_tokens),
            "context_tokens": answer.context_tokens,
            "truncated": answer.truncated,
            "prediction": answer.prediction,
            "correct": answer.prediction == answer.item.gold,
            "prediction_norm": answer.prediction_norm,
            "correct_norm": answer.prediction_norm == answer.item.gold,
        }
        for answer in answers
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SAMPLES), path, compression="zstd")
