"""Converts published question sets of dialogues into rows of the vendored files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.items import content_id

QUESTIONS, REFERENCES = "question_full-v4.jsonl", "reference_answer_gpt4o-human-v0.jsonl"
REFERRED = ("coding", "math", "reasoning")  # MT-bench shows its judge references in these categories alone


def ja_mt_bench(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per dialogue of Japanese MT-bench, in order of number, with the references that a judge is shown."""
    answers = {row["question_id"]: row["choices"][0]["turns"] for row in _lines(folder / REFERENCES)}
    for row in sorted(_lines(folder / QUESTIONS), key=lambda row: int(row["question_id"])):
        said = {
            "number": row["question_id"],
            "category": row["category"],
            "turns": row["turns"],
            "references": answers[row["question_id"]] if row["category"] in REFERRED else [],
        }
        yield {"id": content_id(said), **said}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
