"""The embedded default: facts become questions without a model, so every number in them is the source's own.

Wrong choices are true facts of other periods, companies or terms (entity-type-consistent distractors), never
random digits; facts that contradict each other under the words of a question are not asked at all.
"""

import hashlib
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path

from pydantic import Field

from corpus.document import Document, Drop, Fact, Span
from corpus.formats.terms import describes
from rephrase import wording
from rephrase.base import Generator, Question, Reject, Style

CHOICES = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """A fact put into words: ``answer`` to ``questions``; ``group`` says which other answers may stand beside it."""

    parent: Document
    span: Span
    fact: Fact
    key: str
    questions: tuple[str, ...]
    answer: str
    group: tuple[str, ...]


def claims(document: Document) -> Iterator[Claim]:
    """Yield every fact of a document that can be asked in words that name it exactly."""
    beside = any(map(wording.own_accounts, document.facts))
    identity = document.id  # a hash of the whole text: taken once
    for fact in document.facts:
        claim = partial(Claim, document, Span(identity, fact.start, fact.end), fact)
        if fact.kind == "amount":
            yield from _amount(claim, fact, beside=beside)
        elif fact.kind == "company" and fact.concept in wording.COMPANY_QUESTIONS:
            questions = tuple(q.format(subject=fact.subject) for q in wording.COMPANY_QUESTIONS[fact.concept])
            key = f"company|{fact.subject}|{fact.concept}"
            yield claim(key, questions, fact.value, ("company", fact.concept))
        elif fact.kind == "term" and describes(fact.value):
            yield from _term(claim, fact)


def _term(claim: Callable[..., Claim], fact: Fact) -> Iterator[Claim]:
    key, value = f"term|{fact.subject}", fact.value.strip()
    asked = tuple(q.format(subject=fact.subject) for q in wording.TERM_QUESTIONS)
    yield claim(key, asked, value, ("term", "definition"))
    # The other direction is a question only when the description does not give the word away.
    if fact.subject not in value:
        asked = tuple(q.format(value=value) for q in wording.DEFINITION_QUESTIONS)
        yield claim(key, asked, fact.subject, ("term", "headword"))


def _amount(claim: Callable[..., Claim], fact: Fact, *, beside: bool) -> Iterator[Claim]:
    said, when, name = wording.amount(fact), wording.period(fact.period), wording.label(fact)
    qualifier = wording.qualifier(fact, beside=beside)
    if not (said and when and name) or qualifier is None:
        return
    group = ("amount", wording.family(name) + qualifier, said[1])
    name += qualifier
    counter = wording.counted_in(fact)
    words = {"subject": fact.subject, "period": when, "label": name, "counter": counter}
    templates = wording.COUNT_QUESTIONS if counter else wording.AMOUNT_QUESTIONS
    questions = tuple(q.format(**words) for q in templates)
    yield claim(f"amount|{fact.subject}|{name}|{when}", questions, "".join(said), group)


class Facts(Generator):
    """Asks what the facts of the documents say; ``per_group`` caps how many questions one concept may give."""

    per_group: int = Field(default=2000, ge=1)

    def generate(
        self, documents: Callable[[], Iterator[Document]], *, styles: tuple[Style, ...], seed: int, work: Path
    ) -> Iterator[Question | Reject]:
        """Yield the questions of all facts in order of their keys. Memory grows with the number of facts."""
        found = [claim for document in documents() for claim in claims(document)]
        kept, rejects = _agreed(found)
        yield from rejects
        groups: defaultdict[tuple[tuple[str, ...], str], list[Claim]] = defaultdict(list)
        for claim in kept:
            # A choice is text of its document, too: those of one question have one license.
            groups[claim.group, claim.parent.license].append(claim)
        used: dict[str, Counter[int]] = {}  # so that what one license gives does not depend on the others
        for (group, license_), members in sorted(groups.items()):
            answers = Answers(members)
            places = used.setdefault(license_, Counter(dict.fromkeys(range(CHOICES), 0)))
            for claim in _drawn(members, self.per_group, seed):
                chance = random.Random(_number(f"{seed}|{claim.key}|{group}"))  # noqa: S311
                asked = chance.choice(claim.questions)
                if "qa" in styles:
                    yield _question("qa", claim, asked)
                if "multiple_choice" in styles:
                    yield _choices(claim, asked, answers.wrong(claim, chance), chance, places)


def _drawn(members: Sequence[Claim], number: int, seed: int) -> list[Claim]:
    """Return ``number`` claims, in order, drawn by their keys: else the first names of the alphabet get all."""
    if len(members) <= number:
        return list(members)
    chosen = sorted(members, key=lambda claim: _number(f"{seed}|{claim.key}"))[:number]
    return sorted(chosen, key=lambda claim: claim.key)


def _agreed(found: Sequence[Claim]) -> tuple[list[Claim], list[Reject]]:
    """Return one claim per key and group, in order, and a reject for each key that has two different answers.

    What is said of companies that share a name is rejected, too: nobody could tell which one is asked about.
    """
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for claim in found:
        if claim.group == ("company", "sec_code"):
            codes[claim.fact.subject].add(claim.answer)
    by_key: defaultdict[tuple[str, tuple[str, ...]], list[Claim]] = defaultdict(list)
    for claim in found:
        by_key[claim.key, claim.group[:2]].append(claim)
    kept, rejects = [], []
    for _, same in sorted(by_key.items()):
        answers = sorted({claim.answer for claim in same})
        if len(codes.get(same[0].fact.subject, ())) > 1:
            rejects.append(Reject(Drop("shared_name", same[0].key), same[0].parent, same[0].questions[0]))
        elif len(answers) == 1 or _one_number([claim.fact for claim in same]):
            kept.append(max(same, key=lambda claim: _decimals(claim.fact)))
        else:
            drop = Drop("ambiguous_fact", f"{same[0].key}: {' / '.join(answers[:4])}")
            rejects.append(Reject(drop, same[0].parent, same[0].questions[0]))
    return kept, rejects


def _decimals(fact: Fact) -> int:
    return int(fact.decimals) if fact.decimals.lstrip("-").isdigit() else 0


def _one_number(facts: Sequence[Fact]) -> bool:
    """Say whether amounts shown at different precisions are one number, cut off or rounded.

    Japanese statements cut off below the displayed unit where others round, so either is agreement.
    """
    if not all(fact.number for fact in facts):
        return False
    finest = Decimal(max(facts, key=_decimals).number)
    for fact in facts:
        step = Decimal(1).scaleb(-_decimals(fact))
        shown = Decimal(fact.number) / step
        if shown not in ((finest / step).to_integral_value(mode) for mode in (ROUND_DOWN, ROUND_HALF_UP)):
            return False
    return True


def _question(style: Style, claim: Claim, asked: str) -> Question:
    fact = claim.fact
    meta = {
        "subject": fact.subject,
        "concept": fact.concept,
        "fact_period": fact.period,
        "number": fact.number,
    }
    return Question(
        style=style,
        question=asked,
        answer=claim.answer,
        parent=claim.parent,
        spans=(claim.span,),
        key=claim.key,
        meta={name: value for name, value in meta.items() if value},
    )


def _choices(
    claim: Claim, asked: str, wrong: list[Claim], chance: random.Random, places: Counter[int]
) -> Question | Reject:
    if len(wrong) < CHOICES - 1:
        return Reject(Drop("too_few_choices", claim.key), claim.parent, asked)
    # The least used place so far, ties by chance: positions stay balanced whatever the number of questions.
    fewest = min(places.values())
    place = chance.choice([p for p in sorted(places) if places[p] == fewest])
    places[place] += 1
    answers = [one.answer for one in wrong]
    choices = [*answers[:place], claim.answer, *answers[place:]]
    base = _question("multiple_choice", claim, asked)
    return Question(
        style="multiple_choice",
        question=base.question,
        answer=base.answer,
        parent=base.parent,
        spans=(claim.span, *(one.span for one in wrong)),
        beside=tuple(one.parent for one in wrong),
        key=base.key,
        choices=tuple(choices),
        answer_index=place,
        meta=base.meta,
    )


class Answers:
    """The answers of one group, from which wrong choices are drawn without going through all of them each time."""

    def __init__(self, members: Sequence[Claim]) -> None:
        self.by_answer: dict[str, Claim] = {}
        for claim in members:
            self.by_answer.setdefault(claim.answer, claim)
        self.all = sorted(self.by_answer)
        self.own: defaultdict[str, set[str]] = defaultdict(set)
        for claim in members:
            self.own[claim.fact.subject].add(claim.answer)

    def wrong(self, claim: Claim, chance: random.Random) -> list[Claim]:
        """Return up to three claims whose answers are true elsewhere and false here, other periods of the subject first.

        A question that names subject, scope and period has one true answer at the displayed precision (see
        ``_agreed``), so any other text of the same unit is wrong; the same text is not.
        """
        mine = self.own[claim.fact.subject]
        near = sorted(mine - {claim.answer}) if claim.group[0] == "amount" else []
        chance.shuffle(near)
        picked = near[:2]
        # Of related terms some mean the same, so none of their answers is surely wrong.
        banned = mine.union(*(self.own.get(term, ()) for term in wording.related(claim.parent)))
        start, step = chance.randrange(len(self.all)), _stride(len(self.all), chance)
        for turn in range(len(self.all)):
            if len(picked) == CHOICES - 1:
                break
            answer = self.all[(start + turn * step) % len(self.all)]
            if answer not in banned:
                picked.append(answer)
        picked += near[2 : 2 + CHOICES - 1 - len(picked)]
        chance.shuffle(picked)
        return [self.by_answer[answer] for answer in picked]


def _stride(size: int, chance: random.Random) -> int:
    """Return a step that visits every one of ``size`` places once."""
    step = chance.randrange(1, size + 1)
    while math.gcd(step, size) > 1:
        step = chance.randrange(1, size + 1)
    return step


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
