"""Format multiple_choice: a question in the style of Japanese examinations; no source has it natively."""

from collections.abc import Iterator, Sequence

from corpus.document import Document

LETTERS = "ABCDEFGHIJ"


def render(question: str, choices: Sequence[str], answer: int) -> str:
    """Return the text of one item; ``answer`` is the index of the right choice.

    Raises ValueError unless there are 2 to 10 different choices and the answer is one of them.
    """
    shown = [choice.strip() for choice in choices]
    if not 2 <= len(shown) <= len(LETTERS) or len(set(shown)) < len(shown):
        raise ValueError(f"choices must be 2 to {len(LETTERS)} different ones, not {shown!r}")
    if not 0 <= answer < len(shown):
        raise ValueError(f"answer must be the index of one of {len(shown)} choices, not {answer}")
    lines = [f"{letter}: {choice}" for letter, choice in zip(LETTERS, shown, strict=False)]
    return "\n".join([f"問題：{question.strip()}", "選択肢：", *lines, f"答え：{LETTERS[answer]}"])


def documents(_document: Document) -> Iterator[Document]:
    """Yield nothing: multiple-choice documents come from rephrasing."""
    return iter(())
