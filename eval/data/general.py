"""Converts the published files of the general Japanese tests and of jfinqa into rows of the vendored files."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from datacards.errors import UserError
from eval.items import content_id

TITLE = " [SEP] "  # stands between the title of an article and a paragraph of it in JSQuAD
LANGUAGES = ("ja", "en")


def jcommonsenseqa(path: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per question of ``valid-*.json``, in the order of the publisher's numbers."""
    rows = sorted(_lines(path), key=lambda row: int(row["q_id"]))
    yield from identified(
        {
            "original": str(row["q_id"]),
            "question": row["question"],
            "choices": [row[f"choice{at}"] for at in range(5)],
            "answer": row["label"],
        }
        for row in rows
    )


def jnli(path: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per pair of sentences of ``valid-*.json``, in the order of the publisher's numbers.

    ``image`` is the picture that both sentences describe: pairs of one picture share sentences.
    """
    rows = sorted(_lines(path), key=lambda row: int(row["sentence_pair_id"]))
    yield from identified(
        {
            "original": row["sentence_pair_id"],
            "image": row["yjcaptions_id"].partition("-")[0],
            "sentence1": row["sentence1"],
            "sentence2": row["sentence2"],
            "label": row["label"],
        }
        for row in rows
    )


def jsquad(path: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per question of ``valid-*.json`` with its paragraph, in the order of the file.

    ``answers`` are the different ones among those that people gave, in their order.
    """
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    yield from identified(
        {
            "original": asked["id"],
            "title": article["title"],
            "context": paragraph["context"].partition(TITLE)[2],
            "question": asked["question"],
            "answers": list(dict.fromkeys(answer["text"] for answer in asked["answers"])),
        }
        for article in articles
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    )


def jmmlu(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per line of the ``SUBJECT.csv`` in ``folder`` (question, four choices, letter), by subject."""
    yield from identified(
        {"subject": path.stem, "question": line[0], "choices": line[1:5], "answer": "ABCD".index(line[5])}
        for path in sorted(folder.glob("*.csv"))
        for line in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    )


def mgsm(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the problems of ``mgsm_ja.tsv`` and ``mgsm_en.tsv``: those of one ``number`` are translations.

    Raises UserError where the answers of the languages differ: then the files are no translations of each other.
    """
    rows = [
        {"language": language, "number": number, "question": question, "answer": answer.replace(",", "")}
        for language in LANGUAGES
        for number, (question, answer) in enumerate(_pairs(folder / f"mgsm_{language}.tsv"))
    ]
    answers = [[row["answer"] for row in rows if row["language"] == language] for language in LANGUAGES]
    if answers[0] != answers[1]:
        raise UserError(folder.name, "answers of the languages differ", "the same problems in the same order")
    yield from identified(rows)


def jfinqa(path: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per question of ``jfinqa_v1.json`` with its table, in the order of the publisher's names."""
    rows = sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda row: str(row["id"]))
    yield from identified(
        {
            "original": row["id"],
            "subtask": row["subtask"],
            "company": row["company_name"],
            "filing": row["source_doc_id"],
            "standard": row["accounting_standard"],
            "before": row["pre_text"],
            "headers": row["table"]["headers"],
            "rows": row["table"]["rows"],
            "after": row["post_text"],
            "scale": row["scale"],
            "question": row["qa"]["question"],
            "answer": row["qa"]["answer"],
        }
        for row in rows
    )


def identified(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield ``rows`` with a hash of their content as ``id``; ``copy`` numbers those that stand more than once."""
    copies: Counter[str] = Counter()
    for row in rows:
        first = content_id(row)
        numbered = {**row, "copy": copies[first]} if copies[first] else row
        copies[first] += 1
        yield {"id": content_id(numbered), **numbered}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _pairs(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line:
            yield line.split("\t")
