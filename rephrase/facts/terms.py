"""Terms as claims: what they mean, what they are called in English, how they are read, and each the other way."""

import re
from collections.abc import Iterator
from functools import partial

from corpus.document import Document
from corpus.formats.terms import describes
from rephrase.facts.claim import Claim, Option, folded

_LATIN, _KATAKANA, _KANJI, _MIXED = "latin", "katakana", "kanji", "mixed"
_SCRIPTS = (
    (_LATIN, re.compile(r"[\x20-\x7eＡ-Ｚａ-ｚ０-９]+")),
    (_KATAKANA, re.compile(r"[ァ-ヺー・＝]+")),
    (_KANJI, re.compile(r"[一-鿿々〆]+")),
)
_NOTE = re.compile(r"[（(][^（()）]*[）)]$|、.*$")
_TAIL = re.compile(r"(?:[ァ-ヺー]+|[一-鿿々]{1,2}|[A-Za-z0-9]+|[ぁ-ん]+)$")
_SHORTEST, _LONGEST = 2, 60  # signs of English that may be asked about


def script(word: str) -> str:
    """Return the script that a word is written in: only words of one script look alike."""
    return next((name for name, pattern in _SCRIPTS if pattern.fullmatch(word)), _MIXED)


def head_noun(word: str) -> str:
    """Return what a Japanese compound ends with, its head: リスク of 信用リスク, 資産 of 繰延税金資産.

    What stands in brackets or behind a comma only tells words apart and is no part of it.
    """
    bare = _NOTE.sub("", word) or word
    found = _TAIL.search(bare)
    return found[0] if found else bare


def related(document: Document) -> list[str]:
    """Return the terms that a glossary page names as related."""
    return [term for term in document.meta.get("related_terms", "").split(",") if term]


def category(document: Document) -> str:
    """Return what kind of term a page explains: the statement and the section of an item of accounts, else nothing."""
    return " > ".join(document.meta.get("place", "").split(" > ")[:2])


def claims(document: Document) -> Iterator[Claim]:
    """Yield what a page tells of its term, in both directions where the other one gives nothing away."""
    yield from _described(document)
    if document.meta.get("kind") == "term" and document.title:
        yield from _named(document, "english", "from_english")
        yield from _named(document, "reading", "")


def _described(document: Document) -> Iterator[Claim]:
    apart = frozenset(map(folded, related(document)))
    for fact in document.facts:
        if fact.kind != "term" or not describes(fact.value):
            continue
        word, value = fact.subject, fact.value.strip()
        key = f"term|{word}"
        at = fact.start + fact.value.index(value)
        claim = partial(
            Claim, key=key, places=((at, at + len(value)),), subject=word, apart=apart, fact=fact,
            meta={"subject": word, "concept": fact.concept},
        )  # fmt: skip
        yield claim(
            kind="definition", identity=f"{key}|definition", group=("term", "definition", category(document)),
            words={"subject": word}, answer=value,
        )  # fmt: skip
        # The other direction is a question only when the description does not give the word away.
        if folded(word) not in folded(value):
            yield claim(
                kind="headword", identity=f"headword|{folded(value)}",
                group=("term", "headword", category(document), script(word)), words={"value": value}, answer=word,
            )  # fmt: skip


def _named(document: Document, name: str, back: str) -> Iterator[Claim]:
    """Yield a term's other name, and with ``back`` the term to that name.

    English names are no choices: a Japanese question with four of them is not Japanese for the most part.
    """
    word, other = document.title, document.meta.get(name, "")
    at = document.text.find(other)
    if len(other) < _SHORTEST or at < 0 or folded(other) == folded(word) or word not in document.text:
        return
    here, shown = document.text.index(word), ((at, at + len(other)),)
    claim = partial(
        Claim, key=f"term|{word}", subject=word, apart=frozenset(map(folded, related(document))),
        meta={"subject": word, "concept": name},
    )  # fmt: skip
    yield claim(
        kind=name, identity=f"term|{word}|{name}", group=("term", name, category(document)),
        words={"subject": word}, answer=other, places=shown, closed=name != "english",
    )  # fmt: skip
    if back and len(other) <= _LONGEST:
        yield claim(
            kind=back, identity=f"{name}|{folded(other)}", group=("term", back, category(document), script(word)),
            words={"value": other}, answer=word, places=((here, here + len(word)), *shown),
        )  # fmt: skip


class Alike:
    """Says whether another term, or what is said of it, could be right where a claim is asked.

    So it is with terms that one page names as related, with terms of one head noun, with terms that hold one another,
    and where the description of one names the other.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim, self._subject = claim, folded(claim.subject)
        self._head = head_noun(claim.subject)
        self._texts = [folded(text) for text in (claim.answer, *claim.words.values())]

    def __call__(self, option: Option) -> bool:
        """Judge a term; ``option`` holds it and what it would stand for."""
        one, other = self._subject, option.folded_subject
        if other in self._claim.apart or one in option.apart or one in other or other in one:
            return True
        if head_noun(option.subject) == self._head or one in option.folded_answer:
            return True
        return any(other in text for text in self._texts)
