"""Facts: the generator that asks what documents say, in two passes over them and without a model."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as Generated
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from pydantic import Field

from corpus.document import Document, Drop, Span
from rephrase.base import Generator, Question, Reject, Style, Unit
from rephrase.candidate import Candidate
from rephrase.facts import amounts, cloze, companies, computed, mined, terms, wrong
from rephrase.facts.agreement import Agreement, Names
from rephrase.facts.claim import Claim, Option, number
from rephrase.facts.companies import core
from rephrase.facts.passage import Passages
from rephrase.facts.templates import TEMPLATES
from rephrase.facts.wrong import CHOICES
from rephrase.places import Places, arranged
from rephrase.places import chance as drawn_by
from rephrase.validate import verdict

Family = Literal["amounts", "computed", "terms", "companies", "mined", "cloze"]
Own = Mapping[tuple[str, ...], Sequence[Option]]  # the amounts of a document by name and unit, and by unit
_QUOTED = 4  # answers of a contradiction that its reject tells


@dataclass(frozen=True, slots=True)
class Refused(Reject):
    """A reject that tells what kind of question it would have been."""

    kind: str = ""


def claims(document: Document) -> Iterator[Claim]:
    """Yield every claim of a document whose answer may become a wrong choice of a question about another document."""
    yield from amounts.claims(document)
    yield from companies.claims(document)
    yield from terms.claims(document)


class Facts(Generator):
    """Asks what documents say.

    ``families`` are those to ask about. ``per_group`` caps the questions that one concept in one unit may give over
    the whole corpus, ``amounts_each`` and ``computed_each`` how many a filing may give, ``mined_each`` how many a document
    may give of each kind that is mined from prose (``cloze`` and ``heading`` are two of them): which ones are kept follows
    from their keys.
    """

    families: tuple[Family, ...] = ("amounts", "computed", "terms", "companies", "mined", "cloze")
    per_group: int = Field(default=2000, ge=1)
    amounts_each: int = Field(default=300, ge=0)
    computed_each: int = Field(default=60, ge=0)
    mined_each: int = Field(default=10, ge=0)

    def generate(
        self, documents: Callable[[], Iterator[Document]], *, styles: tuple[Style, ...], seed: int, work: Path
    ) -> Generated[Question | Reject]:
        """Yield the questions of each document, in the order of the documents; what fails a check is a reject.

        The first pass learns what documents tell differently and collects wrong choices, the last one asks; between
        them contradicting answers are collected, where there are any. Memory:
        33 bytes for each claim (a fact gives one to three), and the pools of wrong choices (see ``wrong.Pools``), which
        are bounded for each concept; nothing of the prose.
        """
        agreement, names, pools = Agreement(), Names(), wrong.Pools()
        for document in documents():
            rights = wrong.lean(document)
            for claim in self._shared(document):
                agreement.add(claim, document.license)
                if claim.kind == "code":
                    names.add(core(claim.subject), claim.answer)
                if claim.group:
                    pools.add(claim, rights, document.id)
        agreement.settle(self.per_group, seed)
        if agreement.contested:
            for document in documents():
                for claim in self._shared(document):
                    agreement.hear(claim)
        asking = Asking(styles, seed, agreement, names, pools, Places())
        at = 0
        for document in documents():
            shared = self._shared(document)
            numbered = list(enumerate(shared, at))
            at += len(shared)
            yield from asking.contradictions(document, shared)
            chosen = [claim for place, claim in numbered if agreement.asked[place]]
            yield from asking.about(
                document, [*self._capped(chosen, seed), *self._told(document, seed)], shared
            )

    def _shared(self, document: Document) -> list[Claim]:
        """Return what other documents might tell, too, and differently."""
        found: list[Claim] = []
        if "amounts" in self.families:
            found += amounts.claims(document)
        if "companies" in self.families:
            found += companies.claims(document)
        if "terms" in self.families:
            found += terms.claims(document)
        if "computed" in self.families:
            found += computed.claims(document)
        return found

    def _capped(self, found: list[Claim], seed: int) -> Iterator[Claim]:
        """Yield the claims of one document, in order, no more amounts and computed ones than may be."""
        caps = {"amount": self.amounts_each, "count": self.amounts_each} | dict.fromkeys(
            ("difference", "growth", "ratio"), self.computed_each
        )
        parts: defaultdict[int | None, list[Claim]] = defaultdict(list)
        for claim in found:
            parts[caps.get(claim.kind)].append(claim)
        for most, part in parts.items():
            yield from part if most is None else drawn(part, most, seed)

    def _told(self, document: Document, seed: int) -> Iterator[Claim]:
        """Yield what the prose of a document tells, no more of each kind than may be."""
        found: list[Claim] = []
        if "mined" in self.families:
            found += mined.claims(document)
        if "cloze" in self.families:
            found += cloze.claims(document)
        kinds: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in found:
            kinds[claim.kind].append(claim)
        for _, part in sorted(kinds.items()):
            yield from drawn(part, self.mined_each, seed)


def drawn(found: Sequence[Claim], most: int, seed: int) -> list[Claim]:
    """Return ``most`` claims, in order, drawn by their identities: else the first ones would get all."""
    if len(found) <= most:
        return list(found)
    ranked = sorted(range(len(found)), key=lambda place: (number(f"{seed}|{found[place].identity}"), place))
    return [found[place] for place in sorted(ranked[:most])]


@dataclass
class Asking:
    """Words claims as questions, places their choices and has each checked."""

    styles: tuple[Style, ...]
    seed: int
    agreement: Agreement
    names: Names
    pools: wrong.Pools
    places: Places

    def contradictions(self, document: Document, shared: Sequence[Claim]) -> Iterator[Reject]:
        """Yield a reject for each identity that documents answer differently, at the first of them."""
        for claim in shared:
            if answers := self.agreement.answers(claim.identity):
                drop = Drop("ambiguous_fact", f"{claim.key}: {' / '.join(answers[:_QUOTED])}")
                yield Reject(drop, document, claim.questions[0])

    def about(
        self, document: Document, found: Sequence[Claim], shared: Sequence[Claim]
    ) -> Iterator[Question | Reject]:
        """Yield the questions of some claims of a document; ``shared`` are all of its claims that others share."""
        passages = Passages(document)
        own: defaultdict[tuple[str, ...], list[Option]] = defaultdict(list)
        for claim in shared:
            if claim.group[:1] == ("amount",):
                own[claim.group].append(claim.option())
                own[claim.group[2:]].append(claim.option())
        for claim in found:
            if self.names.shared(core(claim.subject)):
                yield Reject(Drop("shared_name", claim.key), document, claim.questions[0])
            elif needed := next(filter(self.agreement.is_contested, claim.needs), ""):
                yield Reject(
                    Drop("ambiguous_operand", f"{claim.key} needs {needed}"), document, claim.questions[0]
                )
            else:
                yield from self._ask(claim, passages, own)

    def _ask(self, claim: Claim, passages: Passages, own: Own) -> Iterator[Question | Reject]:
        which = number(f"{self.seed}|{claim.identity}") % len(TEMPLATES[claim.kind])
        chance = drawn_by(self.seed, "choices", claim.identity)
        asked, chunk = claim.questions[which], passages.around(claim.places)
        beside: list[Option] = []
        for style in self.styles:
            if style == "multiple_choice" and claim.closed:
                beside = self._wrong(claim, passages.document, own, chance)
                if len(beside) < CHOICES - 1:
                    drop = Drop("too_few_choices", claim.key)
                    yield Refused(drop, passages.document, asked, Unit(chunk.span, style), kind=claim.kind)
                    continue
            elif style != "qa" or not claim.open:
                continue
            kept = beside if style == "multiple_choice" else []
            candidate = Candidate(style, asked, claim.answer, chunk, tuple(one.answer for one in kept))
            if refused := verdict(candidate):
                text = "\n".join((asked, claim.answer, *candidate.wrong))
                yield Refused(refused, passages.document, text, Unit(chunk.span, style), kind=claim.kind)
            else:
                place = self.places.take(passages.document.license, chance) if kept else -1
                yield question(claim, which, passages.document, kept, place)

    def _wrong(self, claim: Claim, document: Document, own: Own, chance: random.Random) -> list[Option]:
        if not claim.group:
            return wrong.picked(claim, claim.wrong, (), chance)
        fits = wrong.Fitting(claim, document, self.agreement.is_contested)
        # Amounts of other names come last, and only those of one size: near misses, as a table shows them.
        near = (one for one in own.get(claim.group[2:], ()) if wrong.alike(claim, one))
        others = chain(self.pools.near(claim, document.license, chance), near)
        return wrong.picked(claim, list(filter(fits, own.get(claim.group, ()))), filter(fits, others), chance)


def question(claim: Claim, which: int, document: Document, beside: Sequence[Option], place: int) -> Question:
    """Return the question of a claim in wording ``which``, for multiple choice with the wrong choices ``beside``."""
    meta = {
        "subject": claim.subject,
        **claim.meta,
        "asks": claim.kind,
        "template": f"{claim.kind}.{which + 1:02d}",
    }
    meta["wrong_programs"] = "; ".join(one.program for one in beside if one.program)
    spans = [Span(document.id, *at) for at in claim.places]
    spans += [Span(one.id or document.id, *at) for one in beside for at in one.places]
    return Question(
        style="multiple_choice" if beside else "qa",
        question=claim.questions[which],
        answer=claim.answer,
        parent=document,
        spans=tuple(dict.fromkeys(spans)),
        beside=tuple(one.document for one in beside if one.document),
        key=claim.key,
        choices=arranged(claim.answer, [one.answer for one in beside], place) if beside else (),
        answer_index=place,
        meta={name: value for name, value in meta.items() if value},
    )
