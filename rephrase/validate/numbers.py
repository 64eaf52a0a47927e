"""Numbers grounded: every quantity of a claim is one of its source, of the item and the period that the claim names."""

import re
from dataclasses import replace

from corpus.document import Drop
from corpus.folding import folded
from rephrase.candidate import Candidate
from rephrase.grounding import fit
from rephrase.grounding.calendar import months_of
from rephrase.grounding.claims import Claim
from rephrase.grounding.derived import is_called_for, is_derived
from rephrase.grounding.mentions import is_copied
from rephrase.grounding.naming import is_another
from rephrase.grounding.numerals import narrow
from rephrase.grounding.quantities import Quantity, quantities
from rephrase.grounding.reading import Stated, is_name
from rephrase.grounding.source import Source, source_of

NAME, VERSION = "numbers", 3

_SENTENCE = 14  # letters and digits of a sentence that is not said by chance
_SPACE = re.compile(r"\s")
#: The reasons of one quantity, the one that says most first.
_BOUND = ("other_item", "other_period")
_ORDER = ("other_item", "other_period", "other_bound", "wrong_sign")


def check(candidate: Candidate) -> Drop | None:
    """Refuse a claim with a quantity that its passage and context do not prove.

    Value and unit must stand there (``number_not_in_source``, ``unit_not_in_source``), equal at the displayed precision
    (約 and 超 allow for rounding), or follow from two amounts that do (``not_recomputed``), of the item, the period and
    the sign that the claim names (``other_item``, ``other_period``, ``wrong_sign``, ``other_bound``,
    ``wrong_direction``). Wrong choices must differ from the answer (``equal_value``) and be wrong (``true_choice``).
    """
    source = source_of(candidate.chunk)
    claim = Claim(candidate, source.own, source.reading.known)
    for one in claim.statements:
        drop = judge(one, claim, source)
        # What is copied with the words before it is of the item and the time that those words name.
        if drop and not (drop.reason in _BOUND and _is_repeated(one, claim, source)):
            return drop
    drop = _course(claim) or _time_asked(claim, source)
    return drop or (_choices(candidate, source) if candidate.wrong else None)


def _is_repeated(one: Stated, claim: Claim, source: Source) -> bool:
    """Whether a quantity stands in the source with the words before it, or in all of its sentence."""
    if is_copied(claim.text, one.quantity.end, source):
        return True
    said = folded(claim.text[slice(*one.sentence)])
    return len(said) >= _SENTENCE and said in source.folded


def judge(one: Stated, claim: Claim, source: Source) -> Drop | None:
    """Return what speaks against one quantity of a claim, or None."""
    said = one.quantity
    told = True if _is_framing(one, claim, source) else _tells_length(one, claim)
    if told is None and said.is_token:
        told = (
            said.text in source.text
            or bool(fit.grounds(said, source.reading))
            or _is_shown(said.text, source)
        )
    if told is not None:
        return None if told else Drop("number_not_in_source", said.text)
    reasons = _reasons(one, claim, source)
    if reasons is None or (is_called_for(one, claim) and is_derived(one, claim, source)):
        return None
    if is_called_for(one, claim):
        reasons.add("not_recomputed")
    return Drop(_said_most(reasons, said, source), said.text)


def _said_most(reasons: set[str], said: Quantity, source: Source) -> str:
    """Return the reason that says most."""
    for reason in _ORDER:
        if reason in reasons:
            return reason
    if _digits(said.text) in {_digits(other.quantity.text) for other in source.reading.statements}:
        return "unit_not_in_source"
    return "not_recomputed" if reasons else "number_not_in_source"


def _reasons(one: Stated, claim: Claim, source: Source) -> set[str] | None:
    """Return why no statement of the source with the value of a quantity is what the claim says; None where one is."""
    found = fit.grounds(one.quantity, source.reading)
    named = any(
        (ground.table >= 0 or ground.fact) and fit.has_item(one, claim, ground, source.reading)
        for ground in found
    )
    if found and not named and is_another(claim.words(one), found, source.reading):
        return {"other_item"}
    reasons = {_against(one, claim, ground, source) for ground in found}
    return None if None in reasons else {reason for reason in reasons if reason}


def _against(one: Stated, claim: Claim, ground: Stated, source: Source) -> str | None:
    """Return why a statement of the source is not what a claim says with the same value, or None."""
    reading = source.reading
    if fit.has_item(one, claim, ground, reading) is False:
        return "other_item"
    if fit.has_period(one, claim, ground, source) is False:
        return "other_period"
    if not fit.has_bound(one.quantity, ground):
        return "other_bound"
    names = claim.named(one, reading.by_name)
    return None if fit.has_sign(one, claim, ground, names, reading) else "wrong_sign"


def _is_shown(text: str, source: Source) -> bool:
    return _SPACE.sub("", narrow(text)).lower() in _SPACE.sub("", source.reading.plain).lower()


def _digits(text: str) -> str:
    return re.sub(r"[^\d.]", "", narrow(text))


_FROM_TO = re.compile(r"[^。、\n\d]{0,12}から[^。\n\d]{0,24}")


def _course(claim: Claim) -> Drop | None:
    """Refuse XからYに増加 where Y is less than X, and the answer that something rose to the question of how much it fell."""
    for one in claim.statements:
        if one.quantity.start >= claim.split and claim.asked_direction * claim.went(one) < 0:
            return Drop("wrong_direction", one.quantity.text)
    for one, other in zip(claim.statements, claim.statements[1:], strict=False):
        between = claim.reading.bare[one.quantity.end : other.quantity.start]
        if one.quantity.unit != other.quantity.unit or not _FROM_TO.fullmatch(between):
            continue
        went = claim.went(other)
        if went and went * (other.quantity.value - one.quantity.value) <= 0:
            return Drop("wrong_direction", claim.text[one.quantity.start : other.quantity.end])
    return None


def _time_asked(claim: Claim, source: Source) -> Drop | None:
    """Refuse an answer none of whose quantities is of the one time that its question asks for."""
    if not claim.asked_when:
        return None
    answered = (
        one for one in claim.statements if one.quantity.start >= claim.split and not one.quantity.is_token
    )
    told = [one for one in answered if _reasons(one, claim, source) is None]  # and not computed
    verdicts = {
        fit.one_of(claim.asked_when, its, opening="首" in claim.plain, prose=ground.fact is None)
        for one in told
        for ground in fit.grounds(one.quantity, source.reading)
        if (its := fit.period_in(ground, source))
    }
    return Drop("other_period", claim.text[: claim.split].strip()) if verdicts == {False} else None


_EACH = ("当たり", "あたり", "当り", "につき")
_PER_ONE = re.compile(r"name:1([^\d]{1,3})(?:当たり|あたり|当り)")
_PERIODS = re.compile(r"\s?(?:期間?|[かカヵヶ]年|年間|事業年度|年度)(?!末)")


def _is_framing(one: Stated, claim: Claim, source: Source) -> bool:
    """Whether a number only frames a question: 1株当たり, 過去5期間 of a table of five, 5年超10年以内 of a head."""
    said = one.quantity
    if per := _PER_ONE.fullmatch(said.unit):
        return any(f"1{per[1]}{word}" in source.reading.plain for word in _EACH)
    behind = claim.plain[said.start + len(_digits(said.text)) :]
    if said.unit in ("", "年", "期") and 1 < said.value < 20 and _PERIODS.match(behind):
        years = {period.last.year for period in source.stated if period.known}
        if said.value <= len(years):
            return True
    heads = (name for names in (source.reading.by_name, *source.reading.columns.values()) for name in names)
    return said.unit in _MONTHS and any(narrow(said.text) in name for name in heads)


_LENGTH = re.compile(r"(?:まで|に終了した|終了)の?$")
_MONTHS = {"年": 12, "月": 1}


def _tells_length(one: Stated, claim: Claim) -> bool | None:
    """Say of 1年間 behind 2024年4月1日から2025年3月31日までの whether it is that long; None where it stands elsewhere."""
    before = _LENGTH.search(claim.plain[: one.quantity.start])
    if one.quantity.unit not in _MONTHS or not before:
        return None
    ended = [period for period in claim.periods if period.end == before.start() and period.known]
    if not ended or ended[0].kind != "range":
        return None
    return bool(months_of(ended[0]) == one.quantity.value * _MONTHS[one.quantity.unit])


def _choices(candidate: Candidate, source: Source) -> Drop | None:
    """Refuse wrong choices that say the value of the answer in other words, or another value that is true."""
    right = quantities(candidate.answer)
    if not right:
        return None
    for choice in candidate.wrong:
        wrong = quantities(choice)
        if len(wrong) == len(right) and all(_equal(a, b) for a, b in zip(right, wrong, strict=True)):
            return Drop("equal_value", choice)
        if _is_true(candidate, choice, source):
            return Drop("true_choice", choice)
    return None


def _equal(one: Quantity, other: Quantity) -> bool:
    if one.unit != other.unit or one.value * other.value < 0:
        return False
    return fit.shows(one, other.value, zeros=False) or fit.shows(other, one.value, zeros=False)


def _is_true(candidate: Candidate, choice: str, source: Source) -> bool:
    """Whether the source states each quantity of a choice for the very item and period that the question names."""
    claim = Claim(replace(candidate, answer=choice, wrong=()), source.own, source.reading.known)
    told = [one for one in claim.statements if one.quantity.start >= claim.split]
    return bool(told) and all(
        any(_is_of(one, claim, ground, source) for ground in fit.grounds(one.quantity, source.reading))
        for one in told
    )


def _is_of(one: Stated, claim: Claim, ground: Stated, source: Source) -> bool:
    names = claim.named(one, source.reading.by_name)
    heads = [name for name in ground.columns if is_name(name)]
    part = heads and not claim.named(one, heads)  # of a segment that the question does not ask about
    if part or not any(name in ground.rows for name in names):
        return False
    if not fit.shows(one.quantity, ground.quantity.value, zeros=False):
        return False
    if fit.has_item(one, claim, ground, source.reading) is not True:
        return False
    if fit.has_period(one, claim, ground, source) is not True:
        return False
    return fit.has_sign(one, claim, ground, names, source.reading)
