"""Format qa: a question with its answer, the native pairs of press conferences among them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from corpus.document import Document, Span

# The Bank marks who speaks with （問） and （答）, in older transcripts with 【問】 and 【答】.
_MARK = re.compile(r"[(（【〔［\[]\s*(問|答)\s*[)）】〕］\]]")
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_END = re.compile(r"\s*(?:^\s*以\s*上\s*)?\Z", re.MULTILINE)


def render(question: str, answer: str) -> str:
    """Return the text of one pair."""
    return f"質問：{question.strip()}\n回答：{answer.strip()}"


def documents(document: Document) -> Iterator[Document]:
    """Yield one document per question that a press conference answers; its span is the pair as marked.

    Questions asked in a row before an answer belong together, and so do answers given in a row.
    """
    if document.meta.get("kind") != "press_conference":
        return
    seen: set[str] = set()
    for start, end, question, answer in _pairs(document.text):
        text = render(question, answer)
        if text not in seen:
            seen.add(text)
            yield replace(
                document,
                text=text,
                format="qa",
                made_from=(Span(document.id, start, end),),
                meta={k: v for k, v in document.meta.items() if k != "blocks"},
                facts=(),
            )


def _pairs(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, question, answer) of every answered question."""
    turns = [(m.group(1), m.start(), m.end()) for m in _MARK.finditer(text)]
    bounds = [*(start for _, start, _ in turns), len(text)][1:]
    questions: list[str] = []
    answers: list[str] = []
    start = last = 0
    for (who, begin, after), bound in zip(turns, bounds, strict=True):
        stop = _stop(text, after, bound)
        said = text[after:stop].strip()
        if who == "問":
            if answers:
                yield start, last, "\n".join(questions), "\n".join(answers)
                questions, answers = [], []
            start = start if questions else begin
            questions.append(said)
        elif questions:
            answers.append(said)
            last = stop
    if answers:
        yield start, last, "\n".join(questions), "\n".join(answers)


def _stop(text: str, after: int, bound: int) -> int:
    """Return where a turn ends: before the next mark, a heading, and the closing 以上."""
    heading = _HEADING.search(text, after, bound)
    bound = heading.start() if heading else bound
    end = _END.search(text[after:bound])
    return after + end.start() if end else bound
