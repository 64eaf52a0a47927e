"""Question sets in the layout of MT-bench: one JSON object a line, with its category and its turns."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

from datacards.errors import UserError
from eval.items import content_id, sha256_of

MAX_TURNS = 16  # a file with more is no question set
MAX_BYTES = 64 << 20
MOST_NUMBER = (1 << 31) - 1  # of a question: the files of an evaluation hold 32 bits
MATH = "math"  # the one category whose references are shown to the judge


@dataclass(frozen=True, slots=True)
class ChatQuestion:
    """One dialogue: what the user says in every turn, whatever was answered before.

    ``number`` is the question's number in its file, ``languages`` the language (ISO 639-1) that the answer of each
    turn is due in, where it is not Japanese in all of them; ``references`` the right answers by turn, or nothing.
    """

    number: int
    category: str
    turns: tuple[str, ...]
    languages: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the hash of what is asked; references and number do not bear on it."""
        return content_id({"category": self.category, "turns": self.turns, "languages": self.languages})

    def language(self, turn: int) -> str:
        """Return the language that the answer of ``turn`` (from 0) is due in."""
        return self.languages[turn] if self.languages else "ja"


def turn_id(question: ChatQuestion, turn: int) -> str:
    """Return the id of ``turn`` (from 0) of ``question``."""
    return f"{question.id}-{turn + 1}"


def digest_of_questions(questions: tuple[ChatQuestion, ...]) -> str:
    """Return the SHA-256 over all that is asked and held for right, in any order."""
    return sha256_of(sorted(sha256_of(asdict(question)) for question in questions))


def read_questions(path: Path, references: Path | None = None) -> tuple[ChatQuestion, ...]:
    """Return the questions of a JSONL file in its order, with the answers of ``references`` beside theirs.

    A line holds ``question_id``, ``category``, ``turns``, and for translations ``answer_lang``, one code a turn. A
    file of references has the layout of MT-bench's answers. Raises UserError naming the line that is none.
    """
    known = read_answers(references) if references else {}
    found: list[ChatQuestion] = []
    seen: dict[int, int] = {}
    for line, row in rows_of(path):
        question = _question(path, line, row, known)
        if question.number in seen:
            raise UserError(
                f"{path.name}:{line}",
                f"question {question.number} stands in line {seen[question.number]} already",
            )
        seen[question.number] = line
        found.append(question)
    if not found:
        raise UserError(path.name, "no question", "one JSON object a line")
    return tuple(found)


def rows_of(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the number and the object of every line of a JSONL file that is not empty; raise UserError for others."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(path.name, f"more than {MAX_BYTES >> 20} MiB", "question sets are small")
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, _object(f"{path.name}:{number}", line)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(path.name, f"cannot be read: {error}") from error


def _object(where: str, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()  # halves of surrogate pairs, which no file can hold
    except (ValueError, RecursionError) as error:
        raise UserError(where, f"is no JSON: {error}", "one JSON object a line") from error
    if not isinstance(row, dict):
        raise UserError(where, f"is a {type(row).__name__}", "one JSON object a line")
    return row


def _question(
    path: Path, line: int, row: Mapping[str, Any], known: Mapping[int, tuple[str, ...]]
) -> ChatQuestion:
    where = f"{path.name}:{line}"
    number, category, turns = row.get("question_id"), row.get("category"), row.get("turns")
    languages = row.get("answer_lang", [])
    if (
        not isinstance(number, int)
        or isinstance(number, bool)
        or abs(number) > MOST_NUMBER
        or not isinstance(category, str)
        or not category
    ):
        raise UserError(where, "question_id and category", "an integer of 32 bits and a word")
    if not _texts(turns) or not 1 <= len(turns) <= MAX_TURNS or not all(turn.strip() for turn in turns):
        raise UserError(where, "turns", f"a list of 1 to {MAX_TURNS} texts, none of them empty")
    if not _texts(languages) or (languages and len(languages) != len(turns)):
        raise UserError(where, "answer_lang", f"a list of {len(turns)} codes of languages, one a turn")
    references = known.get(number, ())
    if references and len(references) < len(turns):
        raise UserError(where, f"{len(references)} references for {len(turns)} turns", "one a turn")
    return ChatQuestion(number, category, tuple(turns), tuple(languages), references[: len(turns)])


def read_answers(path: Path) -> dict[int, tuple[str, ...]]:
    """Return the answers by turn of a file in the layout of MT-bench's, by number of the question.

    Raises UserError naming the line that is none.
    """
    found: dict[int, tuple[str, ...]] = {}
    for line, row in rows_of(path):
        try:
            number, turns = row["question_id"], row["choices"][0]["turns"]
        except (KeyError, IndexError, TypeError) as error:
            raise UserError(f"{path.name}:{line}", f"is no answer: {error!r}", "choices[0].turns") from error
        if not isinstance(number, int) or not _texts(turns):
            raise UserError(
                f"{path.name}:{line}", "is no answer", "an integer question_id and texts as turns"
            )
        found[number] = tuple(turns)
    return found


def _texts(given: Any) -> TypeGuard[list[str]]:
    return isinstance(given, list) and all(isinstance(text, str) for text in given)
