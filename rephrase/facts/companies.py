"""Lists of companies as claims: code, name, market and industry, each from the other where that tells only one."""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from corpus.document import Document, Fact
from rephrase.facts.claim import Claim, folded

#: Concept of a fact -> the kinds of question that ask for it, and that ask from it for the company.
KINDS = {
    "sec_code": ("code", "from_code"),
    "industry": ("industry", "from_industry"),
    "market": ("market", "from_market"),
}
_CODE = re.compile(r"[0-9A-Z]{4,5}")  # in base 36 a number: neighbors are of one industry, mostly
_FORM = re.compile(r"株式会社|有限会社|合同会社|\(株\)|㈱")


def core(name: str) -> str:
    """Return a company's name without its legal form, as lists differ in it: 株式会社灯台 and 灯台㈱ are one company."""
    return _FORM.sub("", folded(name)) or folded(name)


def claims(document: Document) -> Iterator[Claim]:
    """Yield what a list tells of its companies.

    Many companies share an industry or a market: for one of those is asked only with choices, none other of which
    is of that industry in any list.
    """
    code: Fact | None = None
    for fact in document.facts:
        if fact.kind == "company" and fact.concept in KINDS:
            code = fact if fact.concept == "sec_code" else code
            yield from _of_fact(document, fact, code if code and code.subject == fact.subject else None)


def _of_fact(document: Document, fact: Fact, code: Fact | None) -> Iterator[Claim]:
    ask, back = KINDS[fact.concept]
    if fact.concept == "sec_code" and not _CODE.fullmatch(fact.value):
        return
    identity = f"company|{core(fact.subject)}|{fact.concept}"
    shown, unique = (fact.start, fact.end), fact.concept == "sec_code"
    claim = partial(
        Claim, key=f"company|{fact.subject}|{fact.concept}", subject=fact.subject, fact=fact,
        meta={"subject": fact.subject, "concept": fact.concept},
    )  # fmt: skip
    yield claim(
        kind=ask, identity=identity, group=("company", fact.concept), words={"subject": fact.subject},
        answer=fact.value, places=(shown,), value=Decimal(int(fact.value, 36)) if unique else None,
    )  # fmt: skip
    name = document.text.rfind(fact.subject, 0, fact.start)
    if name >= 0:
        yield claim(
            kind=back, identity=f"{back}|{fact.value if unique else core(fact.subject)}", group=("company", back),
            words={"value": fact.value}, answer=fact.subject, places=((name, name + len(fact.subject)), shown),
            apart=frozenset([folded(fact.value)]), open=unique, needs=(identity,),
        )  # fmt: skip
    if code and fact.concept == "industry":
        yield claim(
            kind="code_industry", identity=f"code_industry|{code.value}", group=("company", fact.concept),
            words={"value": code.value}, answer=fact.value, places=(shown, (code.start, code.end)),
            needs=(f"from_code|{code.value}",),
        )  # fmt: skip
