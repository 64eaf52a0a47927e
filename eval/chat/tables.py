"""The files of an evaluation of dialogues: scores a turn for statistics, answers, and every judgment."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eval.chat.grading import Graded
from eval.chat.questions import turn_id
from eval.samples import COMMON

TURNS = pa.schema(
    [
        *COMMON,  # value: the score, nan where no judge gave one
        ("turn", pa.int32()),  # from 1
        ("failure", pa.string()),  # '' for none
        ("injected", pa.bool_()),  # the model went on with the next turn by itself
        ("finish", pa.string()),  # stop or length
        ("answer_characters", pa.int32()),
    ]
)
ANSWERS = pa.schema(
    [
        ("way", pa.string()),  # official or corrected
        ("id", pa.string()),
        ("number", pa.int32()),  # of the question in its file
        ("category", pa.string()),
        ("turn", pa.int32()),
        ("answer", pa.string()),  # as the judge and the next turn see it
        ("written", pa.string()),  # as the model wrote it
        ("gate", pa.string()),
        ("stopped_by", pa.string()),
        ("finish", pa.string()),
        ("tokens", pa.int32()),
        ("context_tokens", pa.int32()),
        ("truncated", pa.bool_()),  # the dialogue did not fit the model and lost its beginning
    ]
)
JUDGMENTS = pa.schema(
    [
        ("way", pa.string()),
        ("id", pa.string()),
        ("repeat", pa.int32()),
        ("score", pa.float64()),  # within the scale; null for none
        ("official", pa.float64()),  # as published: whatever the range, -1 for none
        ("failure", pa.string()),
        ("text", pa.string()),
        ("attempts", pa.int32()),
        ("tokens_in", pa.int64()),
        ("tokens_out", pa.int64()),
        ("judge", pa.string()),  # the name that the server gave
    ]
)


def write_turns(path: Path, graded: Sequence[Graded]) -> None:
    """Write one row per turn of one way."""
    rows = [
        {
            "id": turn_id(one.question, one.turn),
            "cluster": one.question.id,
            "group": one.question.category,
            "value": math.nan if turn.score is None else turn.score,
            "weight": 1.0,
            "context_sha256": hashlib.sha256(one.question.turns[one.turn].encode()).hexdigest(),
            "turn": one.turn + 1,
            "failure": turn.failure,
            "injected": one.said.injected,
            "finish": one.said.raw.finish,
            "answer_characters": len(one.said.text),
        }
        for one, turn in ((row.answered, row.turn) for row in graded)
    ]
    _write(path, rows, TURNS)


def write_answers(path: Path, graded: Sequence[Graded]) -> None:
    """Write one row per answer; questions are not repeated here, as not every set may be passed on."""
    rows = [
        {
            "way": one.way,
            "id": turn_id(one.question, one.turn),
            "number": one.question.number,
            "category": one.question.category,
            "turn": one.turn + 1,
            "answer": one.said.text,
            "written": one.said.raw.text,
            "gate": one.gate,
            "stopped_by": one.said.raw.stopped_by,
            "finish": one.said.raw.finish,
            "tokens": one.said.raw.tokens,
            "context_tokens": one.said.raw.context_tokens,
            "truncated": one.said.raw.truncated,
        }
        for one in (row.answered for row in graded)
    ]
    _write(path, rows, ANSWERS)


def write_judgments(path: Path, graded: Sequence[Graded]) -> None:
    """Write one row per judgment of every answer that went to the judge."""
    rows = [
        {
            "way": row.answered.way,
            "id": turn_id(row.answered.question, row.answered.turn),
            "repeat": repeat,
            "score": judgment.score,
            "official": judgment.official,
            "failure": judgment.failure,
            "text": judgment.text,
            "attempts": judgment.attempts,
            "tokens_in": judgment.tokens_in,
            "tokens_out": judgment.tokens_out,
            "judge": judgment.judge,
        }
        for row in graded
        for repeat, judgment in enumerate(row.judgments)
    ]
    _write(path, rows, JUDGMENTS)


def _write(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")
