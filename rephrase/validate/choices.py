"""Choices: four of one type, different by value, of which the wrong ones are wrong for certain."""

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

from corpus.document import Drop
from corpus.folding import folded
from rephrase.candidate import Candidate
from rephrase.grounding.quantities import values

NAME, VERSION = "choices", 1

CHOICES = 4

_CATCH_ALL = re.compile(
    r"(?:すべて|全て|いずれも|どれも|両方とも?|上記|以上)[^。]{0,8}(?:正しい|誤り|誤って|該当|当てはま|あてはま)"
    r"|(?:該当|当てはま|あてはま)[^。]{0,6}(?:なし|ない|ありません)|^(?:わから|分から|不明|特に)[^。]{0,4}(?:ない|なし|不明)?。?$"
    r"|どれでもない|どちらでもない|いずれでもない|上記(?:の)?(?:すべて|全て|いずれ)|[A-DＡ-Ｄ](?:と|及び|または)[A-DＡ-Ｄ]$"
)
_COURTESY = re.compile(r"(?:です|でした|である|であった|となります|となりました)?[。．]?$")
_AMOUNT = re.compile(
    r"(?:約|およそ|ほぼ)?(?P<sign>マイナス|[△▲−-])?\s*[\d,.]+(?:[兆億万千百十][\d,.]*)*(?P<unit>\D{0,6})"
)
_DAY = re.compile(
    r"(?:(?:明治|大正|昭和|平成|令和)\s*(?:\d+|元)|\d{4}|\d{2}/\d{1,2}期)年?度?(?:\s*\d{1,2}月(?:\d{1,2}日|期|末)?)?(?:第?\d四半期|上期|下期)?(?:末|時点)?"
)
_LIST = re.compile(r"(?:[、,，・／/]|及び|および|並びに|ならびに|または|又は|もしくは|や|と|か)+")


class _Typed(NamedTuple):
    """What a choice is: its kind (amount, day, text), its value (None for text), its unit."""

    kind: str
    value: Decimal | None = None
    unit: str = ""


def check(candidate: Candidate) -> Drop | None:
    """Refuse choices that are not four, not different, of mixed types, or of which a wrong one may be right."""
    if candidate.style != "multiple_choice":
        return None
    every = (candidate.answer, *candidate.wrong)
    if len(every) != CHOICES:
        return Drop("choice_count", str(len(every)))
    if found := next((one for one in every if _CATCH_ALL.search(one.strip())), None):
        return Drop("catch_all_choice", found[:40])
    plain = [_COURTESY.sub("", unicodedata.normalize("NFKC", one).strip()) for one in every]
    seen = [folded(one) or one for one in plain]
    typed = [_typed(one) for one in plain]
    if drop := _types(typed, plain):
        return drop
    if drop := _different(typed, seen):
        return drop
    return _stated(candidate, typed, plain)


def _typed(text: str) -> _Typed:
    if _DAY.fullmatch(text):
        return _Typed("day")
    if (match := _AMOUNT.fullmatch(text)) and len(numbers := values(text)) == 1:
        value = -numbers.pop() if match["sign"] else numbers.pop()
        return _Typed("amount", value, match["unit"])
    return _Typed("text")


def _types(typed: list[_Typed], plain: list[str]) -> Drop | None:
    if len({(one.kind, one.unit) for one in typed}) > 1:
        return Drop("mixed_choices", " / ".join(plain)[:200])
    return None


def _different(typed: list[_Typed], seen: list[str]) -> Drop | None:
    by_value = [one.value for one in typed if one.kind == "amount"]
    if len(set(by_value)) < len(by_value) or (not by_value and len(set(seen)) < len(seen)):
        return Drop("equal_choices")
    if typed[0].kind == "amount":
        return None
    for at, one in enumerate(seen):
        for other in seen[at + 1 :]:
            if one in other or other in one:
                return Drop("nested_choices", f"{one} / {other}"[:100])
    return None


def _stated(candidate: Candidate, typed: list[_Typed], plain: list[str]) -> Drop | None:
    """Refuse a wrong choice that the passage names in one breath with the right one."""
    if typed[0].kind != "text":
        return None
    passage = unicodedata.normalize("NFKC", candidate.chunk.passage)
    for wrong in plain[1:]:
        if wrong in passage and _listed(passage, plain[0], wrong):
            return Drop("stated_choice", wrong[:100])
    return None


def _listed(passage: str, right: str, wrong: str) -> bool:
    """Return whether two words stand side by side in an enumeration, with others between them or not."""
    for match in re.finditer(re.escape(right), passage):
        before, after = passage[max(0, match.start() - 100) : match.start()], passage[match.end() :][:100]
        at, back = after.find(wrong), before.rfind(wrong)
        between = [after[:at]] if at >= 0 else []
        between += [before[back + len(wrong) :]] if back >= 0 else []
        for words in between:
            if _LIST.match(words) and not re.search(r"[。はがをにで]", words):
                return True
    return False
