"""Choices: four of one type, different by value, of which the wrong ones are wrong for certain."""

import re
import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import combinations

from corpus.document import Drop, Fact
from rephrase.candidate import Candidate
from rephrase.grounding.answers import GAP, Answer, covers, equal, read
from rephrase.grounding.periods import Period, periods
from rephrase.grounding.quantities import Quantity, quantities

NAME, VERSION = "choices", 1

CHOICES = 4

_CATCH_ALL = re.compile(
    r"(?:すべて|全て|いずれも|どれも|両方とも?|上記|以上)[^。]{0,8}(?:正しい|誤り|誤って|該当|当てはま|あてはま)"
    r"|(?:該当|当てはま|あてはま)[^。]{0,6}(?:なし|ない|ありません)|^(?:わから|分から|不明|特に)[^。]{0,4}(?:ない|なし)?。?$"
    r"|(?:どれ|どちら|いずれ)でもない|上記の?(?:すべて|全て|いずれ)|^[A-DＡ-Ｄ](?:と|及び|または)[A-DＡ-Ｄ](?:の両方)?$"
)
_SENTENCE = re.compile(r"(?:ます|です|した|する|される|れる|いる|ある|ない|った|なる|なった)$")
_LIST = re.compile(r"(?:[、,・/]|及び|および|並びに|ならびに|または|又は|もしくは|や|と|か)")
_CASE = re.compile(r"[。はがをにで]")
_APART = re.compile(r"[、。,(（）)\n|]")
_RELATIVE = re.compile(
    r"(?:前|当|今|昨|翌|来|同)(?:年度?|々?期|年同期|期末|連結会計年度|事業年度)|前年|昨年|[はがの]"
)


def check(candidate: Candidate) -> Drop | None:
    """Refuse choices that are not four, not of one type, not different, or of which a wrong one may be right.

    One type is: all amounts of one unit, all periods of one granularity, else all words or all sentences. Words are
    different when none holds another, periods when none lies in another, amounts when none is another one rounded.
    """
    if candidate.style != "multiple_choice":
        return None
    every = (candidate.answer, *candidate.wrong)
    if len(every) != CHOICES:
        return Drop("choice_count", str(len(every)))
    if found := next((one for one in every if _CATCH_ALL.search(one.strip())), None):
        return Drop("catch_all_choice", found[:40])
    answers = [read(one) for one in every]
    return _mixed(answers, every) or _alike(answers) or _also_right(candidate, answers)


def _mixed(answers: list[Answer], every: tuple[str, ...]) -> Drop | None:
    kinds = {one.kind for one in answers}
    if kinds == {"text"}:
        kinds = {
            "sentence" if said.rstrip().endswith("。") or _SENTENCE.search(one.text) else "words"
            for one, said in zip(answers, every, strict=True)
        }
    return Drop("mixed_choices", " / ".join(sorted(kinds))) if len(kinds) > 1 else None


def _alike(answers: list[Answer]) -> Drop | None:
    right = answers[0]
    for one, other in combinations(answers, 2):
        pair = f"{one.text} / {other.text}"[:100]
        if _same(one, other, rounded=one is right) or (one is right and _bounds(other, right)):
            return Drop("equal_choices", pair)
        if _nested(one, other):
            return Drop("nested_choices", pair)
    return None


def _bounds(wrong: Answer, right: Answer) -> bool:
    """Return whether a wrong amount such as 100億円以上 is true of the right one."""
    return wrong.kind.startswith("amount") and covers(wrong.amounts[0], right.amounts[0])


def _nested(one: Answer, other: Answer) -> bool:
    """Return whether one choice is part of the other: words of the other's, days of its days."""
    if one.kind == "text":
        values = [
            (*(q.value for q in said.amounts), *(p.first for p in said.periods)) for said in (one, other)
        ]
        apart = values[0] != values[1] and all(values)
        return not apart and (one.words in other.words or other.words in one.words)
    if one.amounts:
        return False
    return any(p.holds(q) or q.holds(p) for p in one.periods for q in other.periods)


def _same(one: Answer, other: Answer, *, rounded: bool) -> bool:
    """Return whether two choices say the same, in other words for the same numbers, too."""
    if (
        one.words != other.words
        or len(one.amounts) != len(other.amounts)
        or len(one.periods) != len(other.periods)
    ):
        return False
    if not one.words.strip(GAP) and not one.amounts and not one.periods:
        return one.text == other.text  # nothing but signs
    pairs = zip(one.amounts, other.amounts, strict=True)
    same = all(equal(a, b) if rounded else (a.value, a.unit) == (b.value, b.unit) for a, b in pairs)
    return same and all(p.same(q) for p, q in zip(one.periods, other.periods, strict=True))


def _also_right(candidate: Candidate, answers: list[Answer]) -> Drop | None:
    """Refuse a wrong choice that the passage gives as an answer, too: as another fact, or in one breath with the right one."""
    right, wrong = answers[0], answers[1:]
    if right.kind.startswith("amount") and len(right.amounts) == 1:
        asked = periods(candidate.question)
        if any(not period.known for period in asked):
            return None  # 当期 tells years apart, though not here
        others = _other_facts(candidate, right.amounts[0], asked)
        for one in wrong:
            stated = any(_shows(fact, one.amounts[0]) for fact in others)
            if stated or (not asked and _stated_beside(candidate, right.amounts[0], one.amounts[0])):
                return Drop("stated_choice", one.text[:100])
    elif right.kind == "text" and not right.amounts:
        passage = unicodedata.normalize("NFKC", candidate.chunk.passage)
        for one in wrong:
            if one.text in passage and _listed(passage, right.text, one.text):
                return Drop("stated_choice", one.text[:100])
    return None


def _other_facts(candidate: Candidate, right: Quantity, asked: list[Period]) -> list[Fact]:
    """Return the facts of the chunk about the item of the right amount, those of the periods asked for if there are any."""
    span = candidate.chunk.span
    facts = [
        f for f in candidate.chunk.document.facts if f.number and span.start <= f.start and f.end <= span.end
    ]
    items = {(f.subject, f.concept) for f in facts if _shows(f, right)}
    same = [f for f in facts if (f.subject, f.concept) in items]
    return [f for f in same if any(_of(f, period) for period in asked)] if asked else same


def _shows(fact: Fact, amount: Quantity) -> bool:
    try:
        number = Decimal(fact.number)
    except InvalidOperation:
        return False
    return (number * 100 if amount.unit == "percent" else number) == amount.value


def _of(fact: Fact, period: Period) -> bool:
    """Return whether a fact is of a period: of the same days, or as of its last one."""
    try:
        days = [date.fromisoformat(part) for part in fact.period.split("/")]
    except ValueError:
        return False
    return days[-1] == period.last and (len(days) == 1 or days[0] == period.first)


def _stated_beside(candidate: Candidate, right: Quantity, wrong: Quantity) -> bool:
    """Return whether prose gives the wrong amount as another value of the right one's item: 120億円（前期は110億円）.

    That is one behind the right amount in its sentence, with no name of its own.
    """
    passage = unicodedata.normalize("NFKC", candidate.chunk.passage)
    shown = wrong.text.strip()
    at = passage.find(shown) if shown else -1
    if at < 0:
        return False
    start = max(passage.rfind("。", 0, at), passage.rfind("\n", 0, at)) + 1
    sentence = passage[start : at + len(shown)]
    before = [one for one in quantities(sentence) if one.unit == right.unit and one.end <= at - start]
    own = _APART.split(sentence[before[-1].end : at - start])[-1] if before else "?"
    return bool(before) and equal(before[-1], right) and not _RELATIVE.sub("", own).strip()


def _listed(passage: str, right: str, wrong: str) -> bool:
    """Return whether two words stand in one enumeration, with others between them or not."""
    for match in re.finditer(re.escape(right), passage):
        after, before = passage[match.end() :][:100], passage[max(0, match.start() - 100) : match.start()]
        ahead, behind = after.find(wrong), before.rfind(wrong)
        between = [after[:ahead]] if ahead >= 0 else []
        between += [before[behind + len(wrong) :]] if behind >= 0 else []
        if any(_LIST.search(words) and not _CASE.search(words) for words in between):
            return True
    return False
