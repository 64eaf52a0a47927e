"""Format multiple_choice: a question in the style of Japanese examinations; native are the items of quiz pages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from corpus.document import Document, Span
from corpus.formats.derived import derived
from corpus.formats.labels import values

LETTERS = "ABCDEFGHIJ"
#: What sets choices off on pages, each in its order.
_STYLES = ("アイウエオカキクケコ", "１２３４５６７８９", "123456789", "①②③④⑤⑥⑦⑧⑨⑩", "ＡＢＣＤＥＦＧＨＩＪ", LETTERS, "ａｂｃｄｅｆｇｈｉｊ", "abcdefghij")  # fmt: skip
_PLACES = {sign: place for style in _STYLES for place, sign in enumerate(style)}
_FRONT = r"[ \t　]*(?:#{1,6}[ \t]+|[-*][ \t]+)?(?:\*\*)?"
_CHOICE = re.compile(
    rf"^{_FRONT}(?:[(（]([{''.join(_STYLES)}])[)）]|([{_STYLES[3]}])|([{''.join(_STYLES)}])(?=[.．:：、)）\s]))"
    r"[.．:：、)）]?[ \t　]*(?=\S)(.+)$",
    re.MULTILINE,
)
_ANSWER = re.compile(
    rf"^{_FRONT}[【〔［\[（(]?(?:正解|正答|答え?|解答|回答)(?:番号)?(?:\*\*)?[】〕］\]）)]?(?:は、?)?[:：\s]*(?:\*\*)?"
    rf"[「『（(]?([{''.join(_STYLES)}])(?![ァ-ヶーA-Za-zＡ-Ｚａ-ｚ0-9０-９]).*$",
    re.MULTILINE,
)
_LABEL = re.compile(
    rf"^{_FRONT}[【〔［\[（(]?(?:(?:第[ 　]*[0-9０-９]{{1,3}}[ 　]*問|問題?|設問|クイズ|[QＱ])[ 　]*[0-9０-９]{{0,3}})"
    r"(?:[】〕］\]）)]|[ 　]*[.．:：、]|(?=[ 　\n*]))(?:\*\*)?[ \t　]*",
    re.MULTILINE,
)
_BETWEEN = 600  # characters between the last choice and the answer, say an advertisement or "答えを見る"
_LONGEST = 2000  # characters of a question with its table
#: Kinds of documents that show questions and answers only where they quote somebody, or have a format of their own.
NO_PAGES = (
    "filing", "audit_report", "company_list", "term", "article", "press_conference", "speech", "minutes",
    "opinions", "statement", "outlook",
)  # fmt: skip


class Item(NamedTuple):
    """A question with its choices; ``answer`` is the index of the right one."""

    question: str
    choices: tuple[str, ...]
    answer: int


class Shown(NamedTuple):
    """An item as a page shows it between the characters [start, end)."""

    start: int
    end: int
    item: Item


def render(question: str, choices: Sequence[str], answer: int) -> str:
    """Return the text of one item; ``answer`` is the index of the right choice.

    Raises ValueError unless there are 2 to 10 different choices, the answer is one of them, and ``parse`` can
    read the item back.
    """
    item = _checked(Item(question.strip(), tuple(choice.strip() for choice in choices), answer))
    lines = [f"{letter}: {choice}" for letter, choice in zip(LETTERS, item.choices, strict=False)]
    text = "\n".join([f"問題：{item.question}", "選択肢：", *lines, f"答え：{LETTERS[answer]}"])
    if parse(text) != item:
        raise ValueError(f"a line of an item must not begin like the next part of it: {text!r}")
    return text


def parse(text: str) -> Item:
    """Return the item that ``render`` wrote as ``text``. Raises ValueError, which says what is wrong."""
    at, number = text.find("\n選択肢：\nA: "), 1
    while at >= 0 and number < len(LETTERS) and (after := text.find(f"\n{LETTERS[number]}: ", at + 1)) > 0:
        at, number = after, number + 1
    labels = ["問題：", "選択肢：\nA: ", *(f"{letter}: " for letter in LETTERS[1:number]), "答え："]
    question, *choices, answer = values(text, labels)
    if len(answer) != 1 or answer not in LETTERS[:number]:
        raise ValueError(f"the answer must be one of {', '.join(LETTERS[:number])}, not {answer[:20]!r}")
    return _checked(Item(question, tuple(choices), LETTERS.index(answer)))


def _checked(item: Item) -> Item:
    shown = item.choices
    if not 2 <= len(shown) <= len(LETTERS) or len(set(shown)) < len(shown):
        raise ValueError(f"choices must be 2 to {len(LETTERS)} different ones, not {list(shown)!r}")
    if not 0 <= item.answer < len(shown):
        raise ValueError(f"answer must be the index of one of {len(shown)} choices, not {item.answer}")
    return item


def documents(batch: Iterable[Document]) -> Iterator[Document]:
    """Yield one document per item of a quiz page that states its answer; its span is the item as shown.

    Choices are set off by ア to コ, numbers, ① to ⑩ or letters, one line each, and the answer (正解, 答え, 解答)
    names one of them after the last. All other multiple-choice documents come from rephrasing.
    """
    for document in batch:
        if document.meta.get("kind") in NO_PAGES or document.language != "ja":
            continue
        identity = document.id
        for start, end, item in items(document.text):
            yield derived(document, "multiple_choice", render(*item), [Span(identity, start, end)])


def items(text: str) -> Iterator[Shown]:
    """Yield the items that a page shows, in order; whatever lacks choices or a stated answer is none."""
    after = 0
    for run in _runs(text):
        stated = _ANSWER.search(text, run[-1].end(), run[-1].end() + _BETWEEN)
        asked = _question(text, after, run[0].start())
        if not stated or not asked or any(mark.start() < stated.start() for mark in _later(text, run[-1])):
            continue
        shown = Item(
            asked[1], tuple(choice[4].replace("**", "").strip() for choice in run), _PLACES[stated[1]]
        )
        try:
            render(*shown)
        except ValueError:
            continue
        yield Shown(asked[0], stated.end(), shown)
        after = stated.end()


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Yield the choices that follow one another in one style, from its first sign on."""
    run: list[re.Match[str]] = []
    for choice in _CHOICE.finditer(text):
        sign = _sign(choice)
        style = next(style for style in _STYLES if sign in style)
        place = style.index(sign)
        if run and place == len(run) and _sign(run[0]) in style and not _apart(text, run[-1], choice):
            run.append(choice)
            continue
        if len(run) > 1:
            yield run
        run = [] if place else [choice]
    if len(run) > 1:
        yield run


def _sign(choice: re.Match[str]) -> str:
    return choice[1] or choice[2] or choice[3]


def _apart(text: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Whether something stands between two choices."""
    return bool(text[one.end() : other.start()].strip())


def _later(text: str, last: re.Match[str]) -> Iterator[re.Match[str]]:
    """Yield the labels of questions behind the last choice: an answer behind the next one is not this one's."""
    return _LABEL.finditer(text, last.end(), last.end() + _BETWEEN)


def _question(text: str, after: int, before: int) -> tuple[int, str] | None:
    """Return where the question starts that stands right before the choices, and its words."""
    first = max(after, before - _LONGEST)
    labels = list(_LABEL.finditer(text, first, before))
    if labels:
        start, said = labels[-1].start(), labels[-1].end()
    else:
        paragraph = text.rfind("\n\n", first, len(text[:before].rstrip()))
        start = said = first if paragraph < 0 else paragraph + 2
    words = text[said:before].replace("**", "").strip().lstrip("# ")
    return (start, words) if words else None
