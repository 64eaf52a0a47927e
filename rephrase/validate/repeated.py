"""Repeated: what a claim repeats from prose has the number, the day, the company and the direction that stand there."""

import re
from operator import itemgetter

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period
from rephrase.grounding.mentions import Mention, mentions, of_source, shared
from rephrase.grounding.quantities import Quantity
from rephrase.grounding.source import Source, source_of
from rephrase.grounding.told import told

NAME, VERSION = "repeated", 2

#: Characters with meaning around a mention that must be the same for it to be the same statement.
FEWEST = 7
#: How many characters fewer may be the same around a mention that is believed, too.
MARGIN = 2
#: Characters with meaning of a topic: 売上高 alone is that of every segment.
FEWEST_OF_TOPIC = 5
_MEANING = re.compile(r"[一-鿿々ァ-ヶーA-Za-z]")
_CLAUSE = re.compile(r"[、。(（「|・:：]")
_WAYS = r"(?:(?P<up>増|上昇|拡大|伸長|上回)|(?P<down>減|下落|低下|縮小|下回))"
_BEHIND = re.compile(rf"(?:の|ほど|程度)?(?!増減){_WAYS}")
_BEFORE = re.compile(rf"{_WAYS}(?:加|少)?(?:率|額|幅|数)?は$")
_ASKED = re.compile(rf"(?:何(?:％|%|パーセント|ポイント)|いくら|どれだけ|どのくらい|どの程度)(?!増減){_WAYS}")
_REASONS = {
    "quantity": "other_number",
    "time": "other_time",
    "company": "other_company",
    "we": "other_company",
}


def check(candidate: Candidate) -> Drop | None:
    """Refuse a claim whose words stand in the passage around another value than the claim's.

    The words around a number, a day, a period or a company of the claim are looked for in passage and context. Where the
    longest run of the same words surrounds only values that differ, the claim says something else than its source. A claim
    in words of its own is not judged. Gaps of a question (＿＿) are filled with the answer first.
    """
    source = source_of(candidate.chunk)
    text = told(candidate)
    ground = of_source(source)
    named = mentions(text, source.own, _company(source))
    bare = all(one.sort != "time" for one in named)
    for one in named:
        if one.sort == "we":
            continue
        if other := _contradiction(one, ground, bare=bare) or _of_another_topic(one, ground, source):
            return Drop(
                _REASONS[one.sort], f"{text[one.start : one.end]} / {source.text[other.start : other.end]}"
            )
    turned = next((one for one in named if _turned(one, candidate, ground)), None)
    return Drop("other_direction", text[turned.start : turned.end]) if turned else None


def _turned(one: Mention, candidate: Candidate, ground: list[Mention]) -> bool:
    """Whether a change of this size goes the other way wherever the source tells its direction."""
    mine = _direction(one) or _asked_direction(candidate.question)
    if not mine or one.sort != "quantity":
        return False
    theirs = {
        _direction(other) for other in ground if other.sort == "quantity" and _same_size(one, other)
    } - {""}
    return bool(theirs) and mine not in theirs


def _direction(one: Mention) -> str:
    """Return up or down where the words beside a quantity say so: 5.2％増, 減少額は8百万円."""
    found = _BEHIND.match(one.right) or _BEFORE.search(one.left[:6][::-1])
    return ("up" if found["up"] else "down") if found else ""


def _asked_direction(question: str) -> str:
    """Return the direction in which a question says that something went: 何％減少しましたか."""
    found = _ASKED.search(question)
    return ("up" if found["up"] else "down") if found else ""


def _same_size(one: Mention, other: Mention) -> bool:
    mine, theirs = one.value, other.value
    if not (isinstance(mine, Quantity) and isinstance(theirs, Quantity) and mine.unit == theirs.unit):
        return False
    return abs(abs(mine.value) - abs(theirs.value)) < max(mine.step, theirs.step)


def _company(source: Source) -> str:
    """Return whose filing it is."""
    return source.chunk.document.meta.get("filer", "")


def _contradiction(one: Mention, ground: list[Mention], *, bare: bool) -> Mention | None:
    """Return the mention that stands where the claim puts another one, None where none or an equal one does.

    A ``bare`` claim names no time.
    """
    seats = [(*shared(one, other), other) for other in ground if _comparable(one, other)]
    best = max(
        (
            (length, other)
            for length, meaning, other in seats
            if meaning >= FEWEST or _whole(one, other, bare=bare)
        ),
        key=itemgetter(0),
        default=None,
    )
    if best is None:
        return None
    margin = 0 if _whole(one, best[1]) else MARGIN
    near = [other for length, _, other in seats if length >= best[0] - margin]
    return None if any(_equal(one, other) for other in near) else near[0]


def _of_another_topic(one: Mention, ground: list[Mention], source: Source) -> Mention | None:
    """Return a quantity that the topic of the claim has, where the claim's stands with another topic alone.

    The unit of the same number under the topic must be the same, too. A tagged fact that the topic names is its own.
    """
    if not isinstance(one.value, Quantity) or len(_MEANING.findall(one.topic)) < FEWEST_OF_TOPIC:
        return None
    same = [other for other in ground if other.topic and _related(one.topic, other.topic)]
    own = [other for other in same if isinstance(other.value, Quantity)]
    if any(_same_size(one, other) for other in own):
        return None
    for other in own:
        if isinstance(other.value, Quantity) and one.value.value == other.value.value:
            return other
    alike = [o for o in own if isinstance(o.value, Quantity) and o.value.unit == one.value.unit]
    elsewhere = [other for other in ground if _same_size(one, other)]
    if elsewhere and any(
        _is_tagged(one, name, source) for name in source.reading.by_name if one.topic.endswith(name)
    ):
        return None
    sentences = {other.sentence for other in alike}
    return alike[0] if alike and elsewhere and not any(o.sentence in sentences for o in elsewhere) else None


def _is_tagged(one: Mention, name: str, source: Source) -> bool:
    """Whether a fact of this name says the value of a mention."""
    value = one.value
    return isinstance(value, Quantity) and any(
        ground.fact and ground.quantity.unit == value.unit and abs(ground.quantity.value) == abs(value.value)
        for ground in source.reading.by_name[name]
    )


def _related(one: str, other: str) -> bool:
    return one.endswith(other) or other.endswith(one)


def _whole(one: Mention, other: Mention, *, bare: bool | None = None) -> bool:
    """Whether the words before both mentions are the same up to the beginning of a clause: a whole topic.

    With ``bare`` the claim's clause may have nothing before it either, and a short topic is one, too: 負債は.
    """
    topic = _CLAUSE.split(other.left, maxsplit=1)[0]
    if bare is None:
        return len(topic) > 3 and one.left.startswith(topic)
    return bare and len(topic) > 2 and topic == _CLAUSE.split(one.left, maxsplit=1)[0] and topic[0] == "は"


def _comparable(one: Mention, other: Mention) -> bool:
    if one.sort == "company":
        return other.sort in ("company", "we")
    if one.sort != other.sort:
        return False
    if isinstance(one.value, Quantity) and isinstance(other.value, Quantity):
        return one.value.unit == other.value.unit or one.value.value == other.value.value
    return True


def _equal(one: Mention, other: Mention) -> bool:
    mine, theirs = one.value, other.value
    if isinstance(mine, Quantity) and isinstance(theirs, Quantity):
        return _same_size(one, other)
    if isinstance(mine, Period) and isinstance(theirs, Period):
        return _same_time(mine, theirs)
    return bool(theirs) and (str(mine) in str(theirs) or str(theirs) in str(mine))


def _same_time(mine: Period, theirs: Period) -> bool:
    """Whether two times may be one: the same days, the same year end, or one within the other where it says less."""
    if mine.same(theirs) or (mine.said and mine.said == theirs.said):
        return True
    if mine.said.startswith("m") or theirs.said.startswith("m"):  # a day without its year: 4月1日
        return (mine.last.month, mine.last.day) == (theirs.last.month, theirs.last.day)
    if not (mine.known and theirs.known):
        return mine.said == theirs.said or not (mine.said and theirs.said)
    if mine.kind == theirs.kind:
        return False
    if "fiscal_year" in (mine.kind, theirs.kind):
        return mine.last == theirs.last and mine.instant == theirs.instant
    return mine.holds(theirs) or theirs.holds(mine)
