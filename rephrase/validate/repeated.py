"""Repeated: what a claim repeats from prose has the number, the day, the company and the direction that stand there."""

import re
from functools import lru_cache
from operator import itemgetter

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period
from rephrase.grounding.mentions import Mention, mentions, shared
from rephrase.grounding.quantities import Quantity
from rephrase.grounding.source import Source, source_of

NAME, VERSION = "repeated", 1

#: Characters with meaning around a mention that must be the same for it to be the same statement.
FEWEST = 7
#: How many characters fewer may be the same around a mention that is believed, too.
MARGIN = 2
_GAP = re.compile(r"[＿_]{2,}|[（(]\s*[　 ]*[）)]|〔[　 ]*〕|［[　 ]*］|□{1,}|【[　 ]*】")
_TOPIC = re.compile(
    r"^(?P<topic>[^\n]*?(?:は|が))、?(?:それぞれ)?(?:いくら|何|どの|どれ|どう|いつ|どんな)[^\n]*$"
)
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
    text = _told(candidate)
    ground = _ground(source)
    named = mentions(text, source.own, _company(source))
    for one in named:
        if one.sort == "we":
            continue
        if other := _contradiction(one, ground):
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


def _told(candidate: Candidate) -> str:
    """Return what a candidate says as statements: the gap filled, or the topic of the question before the answer."""
    question, answer = candidate.question.strip(), candidate.answer.strip().rstrip("。")
    if _GAP.search(question):
        said = re.sub(r"(?:です|でした|である|であった)$", "", answer)
        return _GAP.sub(lambda _: said, question)
    lines = question.splitlines()
    topic = next((match["topic"] for line in lines if (match := _TOPIC.match(line))), "")
    return f"{question}\n{topic}{answer}\n{answer}" if topic else f"{question}\n{answer}"


def _company(source: Source) -> str:
    """Return whose filing it is."""
    return source.chunk.document.meta.get("filer", "")


@lru_cache(maxsize=256)
def _ground(source: Source) -> list[Mention]:
    """Return what a source mentions; ``source_of`` gives the same one for items about one chunk."""
    return mentions(source.text, source.own, _company(source))


def _contradiction(one: Mention, ground: list[Mention]) -> Mention | None:
    """Return the mention that stands where the claim puts another one, None where none or an equal one does."""
    seats = [(*shared(one, other), other) for other in ground if _comparable(one, other)]
    best = max(
        ((length, other) for length, meaning, other in seats if meaning >= FEWEST),
        key=itemgetter(0),
        default=None,
    )
    if best is None:
        return None
    margin = 0 if _whole(one, best[1]) else MARGIN
    near = [other for length, _, other in seats if length >= best[0] - margin]
    return None if any(_equal(one, other) for other in near) else near[0]


def _whole(one: Mention, other: Mention) -> bool:
    """Whether the words before both mentions are the same up to the beginning of a clause: a whole topic."""
    topic = re.split(r"[、。(（「|・:：]", other.left, maxsplit=1)[0]
    return len(topic) > 3 and one.left.startswith(topic)


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
