"""Format qa: a question with its answer; native are those of press conferences, FAQ pages and glossaries."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from corpus.document import Document, Span
from corpus.formats import faq, multiple_choice
from corpus.formats.derived import derived
from corpus.formats.labels import values
from corpus.formats.terms import describes, term

LABELS = ("質問：", "回答：")
_ASKS = r"(?:記者|質問者|幹事社)[^\s（）()【】:：。、]{0,6}"
_ANSWERS = r"[^\s（）()【】:：。、]{0,8}(?:総裁|審議委員|委員長|社長|会長|頭取|大臣|長官)"
# The Bank marks who speaks with （問） and （答）, in older transcripts with 【問】 and 【答】; others name the
# speakers, which counts only where a line begins, since a sentence may name them, too.
_MARK = re.compile(
    r"[(（【〔［\[][ 　]{0,3}(?P<who>問|答)[ 　]{0,3}[0-9０-９]{0,2}[ 　]{0,3}[)）】〕］\]]"
    rf"|^[ \t　]*(?:[(（【〔［\[][ 　]*(?:(?P<asks>{_ASKS})|(?P<answers>{_ANSWERS}))[ 　]*[)）】〕］\]]"
    rf"|(?:(?P<ask>{_ASKS})|(?P<answer>{_ANSWERS}))[:：])",
    re.MULTILINE,
)
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_END = re.compile(r"\s*(?:^\s*以\s*上\s*)?\Z", re.MULTILINE)


class Pair(NamedTuple):
    """A question and its answer."""

    question: str
    answer: str


def render(question: str, answer: str) -> str:
    """Return the text of one pair. Raises ValueError for one that ``parse`` could not read back."""
    pair = Pair(question.strip(), answer.strip())
    text = "\n".join(label + part for label, part in zip(LABELS, pair, strict=True))
    if parse(text) != pair:
        raise ValueError(f"no line of a question may begin with {LABELS[1]!r}")
    return text


def parse(text: str) -> Pair:
    """Return the pair that ``render`` wrote as ``text``. Raises ValueError, which says what is wrong."""
    return Pair(*values(text, LABELS))


def documents(batch: Iterable[Document]) -> Iterator[Document]:
    """Yield one document per answered question; its span is the pair as the parent shows it.

    In a press conference, questions asked in a row before an answer belong together, and so do answers given
    in a row. On other pages (``corpus.formats.faq``) an answer belongs to the question right before it. A
    term of a glossary answers what it is.
    """
    for document in batch:
        identity = document.id
        seen: set[str] = set()
        for question, answer, spans in _native(document):
            try:
                text = render(question, answer)
            except ValueError:
                continue
            if text not in seen:
                seen.add(text)
                yield derived(document, "qa", text, [Span(identity, *span) for span in spans])


def _native(document: Document) -> Iterator[tuple[str, str, list[tuple[int, int]]]]:
    """Yield (question, answer, spans) of what a document asks and answers itself."""
    kind = document.meta.get("kind")
    if kind == "press_conference":
        for start, end, question, answer in _pairs(document.text):
            yield question, answer, [(start, end)]
    elif kind == "term":
        found = term(document)
        if found and document.language == "ja" and describes(found.description):
            yield f"「{found.keyword}」とは何ですか。", found.description, [found.named, found.described]
    elif kind not in multiple_choice.NO_PAGES and document.language == "ja":
        taken = [(item.start, item.end) for item in multiple_choice.items(document.text)]
        for pair in faq.pairs(document.text):
            if not any(pair.start < end and start < pair.end for start, end in taken):
                yield pair.question, pair.answer, [(pair.start, pair.end)]


def _pairs(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, question, answer) of every answered question."""
    turns = [(_asks(m), m.start(), m.end()) for m in _MARK.finditer(text)]
    bounds = [*(start for _, start, _ in turns), len(text)][1:]
    questions: list[str] = []
    answers: list[str] = []
    start = last = 0
    for (asks, begin, after), bound in zip(turns, bounds, strict=True):
        stop = _stop(text, after, bound)
        said = text[after:stop].strip()
        if asks:
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


def _asks(mark: re.Match[str]) -> bool:
    return mark["who"] == "問" or bool(mark["asks"] or mark["ask"])


def _stop(text: str, after: int, bound: int) -> int:
    """Return where a turn ends: before the next mark, a heading, and the closing 以上."""
    heading = _HEADING.search(text, after, bound)
    bound = heading.start() if heading else bound
    end = _END.search(text[after:bound])
    return after + end.start() if end else bound
