"""The samples files of an evaluation: one row per item with what the model made of it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eval.items import Answer, Reply, Result, Surprise

#: Every samples file begins with these: all that statistics need.
COMMON = [
    ("id", pa.string()),  # hash of the item's content, equal wherever and whenever it is scored
    ("cluster", pa.string()),  # items that share a text; its own id where an item shares nothing
    ("group", pa.string()),  # the part of the test: a subject, a category, a source
    ("value", pa.float64()),  # what the item scored: 1 or 0, a share, a judge's score, bits
    ("weight", pa.float64()),  # 1; the bytes of a passage
    ("context_sha256", pa.string()),  # of the whole prompt, UTF-8
]
CHOICE = pa.schema(
    [
        *COMMON,
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
REPLY = pa.schema(
    [
        *COMMON,
        ("targets", pa.list_(pa.string())),
        ("reply", pa.string()),
        ("reply_tokens", pa.int32()),
        ("finish", pa.string()),  # stop or length
        ("context_tokens", pa.int32()),
        ("truncated", pa.bool_()),
    ]
)
PASSAGE = pa.schema([*COMMON, ("nats", pa.float64()), ("tokens", pa.int32())])


def write_samples(
    path: Path, results: Sequence[Result], values: Sequence[float], weights: Sequence[float]
) -> None:
    """Write one row per result, with what it scored, as zstd Parquet with the schema of its kind."""
    rows = [
        {**_common(result, value, weight), **_own(result)}
        for result, value, weight in zip(results, values, weights, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=_schema(results[0])), path, compression="zstd")


def _schema(result: Result) -> pa.Schema:
    return CHOICE if isinstance(result, Answer) else REPLY if isinstance(result, Reply) else PASSAGE


def _common(result: Result, value: float, weight: float) -> dict[str, Any]:
    item = result.item
    prompt = item.text if isinstance(result, Surprise) else result.item.context  # type: ignore[union-attr]
    return {
        "id": item.id,
        "cluster": item.cluster or item.id,
        "group": item.group,
        "value": value,
        "weight": weight,
        "context_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
    }


def _own(result: Result) -> dict[str, Any]:
    if isinstance(result, Surprise):
        return {"nats": result.nats, "tokens": result.tokens}
    if isinstance(result, Reply):
        return {
            "targets": list(result.item.targets),
            "reply": result.text,
            "reply_tokens": result.tokens,
            "finish": result.finish,
            "context_tokens": result.context_tokens,
            "truncated": result.truncated,
        }
    return {
        "choices": list(result.item.choices),
        "gold": result.item.gold,
        "loglikelihoods": list(result.loglikelihoods),
        "choice_tokens": list(result.choice_tokens),
        "context_tokens": result.context_tokens,
        "truncated": result.truncated,
        "prediction": result.prediction,
        "correct": result.prediction == result.item.gold,
        "prediction_norm": result.prediction_norm,
        "correct_norm": result.prediction_norm == result.item.gold,
    }
