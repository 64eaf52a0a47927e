"""Amounts of filings as claims: each number with its company, its period, its name and its displayed precision."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from corpus.document import Document, Fact
from rephrase.facts import wording
from rephrase.facts.claim import Claim


class Amount(NamedTuple):
    """An amount in words: ``number`` in multiples of ``unit``, what it is called, and when it was so."""

    fact: Fact
    number: int
    unit: str
    name: str  # without the place or the scope that the qualifier tells
    qualifier: str
    when: str

    @property
    def said(self) -> str:
        """Return the amount as it is written in an answer."""
        return written(self.number, self.unit)

    @property
    def label(self) -> str:
        """Return the name under which the amount is asked for."""
        return self.name + self.qualifier

    @property
    def identity(self) -> str:
        """Return what names the amount: two that share it are the same one."""
        return f"amount|{self.fact.subject}|{self.label}|{self.when}"


def written(number: int, unit: str) -> str:
    """Return a whole number of ``unit`` as the documents write it in sentences."""
    return f"{'マイナス' if number < 0 else ''}{abs(number):,}{unit}"


def amounts(document: Document) -> Iterator[Amount]:
    """Yield every amount of a document that words can name exactly, in the order of its facts."""
    beside = any(map(wording.own_accounts, document.facts))
    for fact in document.facts:
        if fact.kind != "amount":
            continue
        said, when, name = wording.amount(fact), wording.period(fact.period), wording.label(fact)
        qualifier = wording.qualifier(fact, beside=beside)
        if said and when and name and qualifier is not None:
            yield Amount(fact, *said, name, qualifier, when)


def claims(document: Document) -> Iterator[Claim]:
    """Yield a claim for every amount that can be named."""
    for one in amounts(document):
        fact, counter = one.fact, wording.counted_in(one.fact)
        meta = {"concept": fact.concept, "fact_period": fact.period, "number": fact.number}
        yield Claim(
            kind="count" if counter else "amount",
            key=one.identity,
            identity=one.identity,
            group=("amount", wording.family(one.name) + one.qualifier, one.unit),
            words={"subject": fact.subject, "period": one.when, "label": one.label, "counter": counter},
            answer=one.said,
            places=((fact.start, fact.end),),
            subject=fact.subject,
            value=Decimal(one.number),
            fact=fact,
            meta=meta,
        )
