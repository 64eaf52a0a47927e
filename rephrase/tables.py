"""The two logs of a version as tables: what was asked and answered, and what was judged about it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.document import Drop
from datacards.columns import column
from rephrase.base import Exchange, Question, Reject

_UNIT = [
    column("document_id", pa.string(), "The markdown document that was asked about"),
    column("source", pa.string(), "Its source"),
    column("license", pa.string(), "Its license"),
    column("start", pa.int64(), "First character of the passage in it"),
    column("end", pa.int64(), "First character behind the passage"),
    column("style", pa.string(), "easy, medium, hard, qa or multiple_choice"),
    column("sample", pa.int64(), "Which time the passage was asked about in this style, from 0"),
    column("key", pa.string(), "SHA-256 over all that decides the answer: prompt, model, sampling"),
]
REPLY = pa.schema(
    [
        *_UNIT,
        column("purpose", pa.string(), "ask, or round_trip: the question asked again to see whether its answer returns"),
        column("text", pa.string(), "What the engine wrote"),
        column("finish_reason", pa.string(), "Why it stopped: stop, length, abort, error, repetition, refused"),
        column("prompt_tokens", pa.int64(), "Tokens of the prompt as the engine counted them"),
        column("completion_tokens", pa.int64(), "Tokens of the text"),
        column("logprobs", pa.string(), "JSON: log-probabilities of the texts that were scored"),
    ]
)  # fmt: skip
VERDICT = pa.schema(
    [
        *_UNIT,
        column("item", pa.int64(), "Which item of the reply, from 0"),
        column("attempts", pa.int64(), "How many requests the unit took"),
        column("outcome", pa.string(), "accepted, or the reason code of the first check that refused"),
        column("detail", pa.string(), "What the check found"),
        column("id", pa.string(), "The document that was made of it, if accepted"),
    ]
)  # fmt: skip
ACCEPTED = "accepted"


def reply_row(exchange: Exchange) -> dict[str, Any]:
    """Return the row of a request and its reply."""
    reply = exchange.reply._asdict()
    reply["logprobs"] = json.dumps(dict(reply["logprobs"]), sort_keys=True) if reply["logprobs"] else ""
    return {**_unit(exchange), "key": exchange.request.key, "purpose": exchange.purpose, **reply}


def verdict_row(item: Question | Reject, made: str = "") -> dict[str, Any]:
    """Return the row of a judgment; ``made`` is the id of the document that an accepted item became."""
    drop = item.drop if isinstance(item, Reject) else Drop(ACCEPTED)
    unit = item.unit
    return {
        **_unit(item),
        "item": unit.item if unit else 0,
        "attempts": unit.attempts if unit else 0,
        "outcome": drop.reason,
        "detail": drop.detail,
        "id": made,
    }


def _unit(item: Question | Reject | Exchange) -> dict[str, Any]:
    unit, parent = item.unit, item.parent
    span = unit.span if unit else item.spans[0] if isinstance(item, Question) else None
    style = unit.style if unit else item.style if isinstance(item, Question) else ""
    return {
        "document_id": parent.id,
        "source": parent.source,
        "license": parent.license,
        "start": span.start if span else None,
        "end": span.end if span else None,
        "style": style,
        "sample": unit.sample if unit else 0,
        "key": unit.key if unit else "",
    }


def logged(folder: Path) -> Counter[str]:
    """Return what the two logs of a version count: requests, tokens, and accepted items by style."""
    counts: Counter[str] = Counter()
    for path in sorted((folder / "replies").glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(columns=["prompt_tokens", "completion_tokens"]):
            counts["requests"] += batch.num_rows
            for name in batch.schema.names:
                counts[name] += pc.sum(batch[name]).as_py() or 0
    for path in sorted((folder / "verdicts").glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(columns=["style", "outcome"]):
            accepted = batch["style"].filter(pc.equal(batch["outcome"], ACCEPTED))
            for one in pc.value_counts(accepted).to_pylist():
                counts[f"accepted_{one['values']}"] += one["counts"]
    return counts
