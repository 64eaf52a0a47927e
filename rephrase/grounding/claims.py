"""What an item claims: its quantities, each with the items and periods that its words name for it."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period, shifted
from rephrase.grounding.mentioned import Mention, leaning, mentions, outside
from rephrase.grounding.naming import FEWEST, pairs, words_before
from rephrase.grounding.numerals import narrow
from rephrase.grounding.periods import periods
from rephrase.grounding.reading import Reading, Stated, reading
from rephrase.grounding.units import WORD, scaled

_BLANK = re.compile(r"[＿_]{2,}|[（(][ 　]{1,6}[）)]|〇〇|○○|●●|□□|【[ 　]*】")
_POLITE = re.compile(r"(?:です|でした|である|となりました|になります)?[。.]?\s*$")
_ASKED = re.compile(rf"何\s?((?:百万|十億|[千万億兆])?{WORD})")
_HOW_MUCH = re.compile(
    rf"何\s?(?:(?:百万|十億|[千万億兆])?{WORD})|いくら|どれだけ|どのくらい|どれくらい|どの程度"
)
_ASKING = re.compile(r"本文によると|教えて|答えて|ください|説明して|何|開示資料")
_BEFORE = re.compile(r"(?:前の(?:連結会計|事業)?(?:期|年度?)|1年前|前年度?|前期)の?(?:[約△▲]|マイナス)?$")
_SINCE = re.compile(r"(?:前の?(?:連結会計|事業)?(?:期|年度?)|1年前|前年度?)末?(?:と|に)比")
_YEAR = 12
_BEHIND = 24  # characters behind a quantity in which its period may follow, in brackets mostly
_UP = re.compile(
    r"[のはほどとにがを、もへ)）分相当]{0,4}(?:増(?!減)|上昇|拡大|伸|成長|上回|プラス|改善|高[くい])"
)
_DOWN = re.compile(
    r"[のはほどとにがを、もへ)）分相当]{0,4}(?:減(?!価|損)|下落|低下|縮小|下回|マイナス|悪化|落ち込|低[くい])"
)
_BASE = re.compile(
    r"(?:末|の?[^、。\s\d]{0,14})(?:に比べ|に比し|と比[べ較]|との比較|比で|比(?=\d)|より(?!以)|対比)|末?に対[しす]"
)


class Claim:
    """The text of an item, read: of a question with a blank, the sentence that the answer completes."""

    def __init__(self, candidate: Candidate, own: Period | None, known: Mapping[str, object]) -> None:
        question, answer = candidate.question, candidate.answer
        if len(_BLANK.findall(question)) == 1:
            question, answer = _BLANK.sub(lambda _: _POLITE.sub("", answer), question), ""
        self.filer = narrow(candidate.chunk.document.meta.get("filer", ""))
        self.text = f"{question}\n{answer}" if question and answer else question or answer
        self.split = len(question) + 1 if question and answer else 0
        self.plain = narrow(self.text)
        self.periods = outside(periods(self.text, own), self.plain, known)
        self.leaning = {one.start: (one, alone) for one, alone in leaning(self.periods, self.plain, own)}
        self.reading: Reading = reading(self.text, self.periods)
        self.known = known

    @cached_property
    def statements(self) -> list[Stated]:
        """Return what is stated; a bare number of an answer counts what its question asks for (何人ですか)."""
        found = self.reading.statements
        asked = {one[1] for one in _ASKED.finditer(self.plain[: self.split])}
        unit = scaled(asked.pop()) if len(asked) == 1 else ()
        if not unit:
            return found
        return [
            one._replace(quantity=one.quantity.times(unit[0]))
            if one.quantity.bare and one.quantity.start >= self.split
            else one
            for one in found
        ]

    @cached_property
    def mentions(self) -> list[Mention]:
        """Return the names of the source's items that the claim holds, the longest where they overlap.

        The filer's own name in a list of holders names no item: it stands in most claims.
        """
        return [
            one for one in mentions(self.plain, self.known) if not self.filer or one.name not in self.filer
        ]

    def named(self, one: Stated, among: Collection[str] | None = None) -> list[str]:
        """Return the names that hold for a quantity: of its segment, else of its sentence, else of the other part."""
        if one.table >= 0:
            own = [part for part in (*one.rows, *one.columns) if part in self.known]
            if own:
                return own
        found = [each for each in self.mentions if among is None or each.name in among]
        for first, last in self._scopes(one):
            if here := [each.name for each in found if first <= each.start and each.end <= last]:
                return here
        return []

    def headed(self, one: Stated, heads: Collection[str]) -> list[str]:
        """Return the heads of columns that hold for a quantity: of several quantities only those beside each."""
        said = [each for each in self.statements if not each.quantity.is_token]
        if len(said) == 1:
            return self.named(one, heads)
        first, last = one.segment
        return [
            each.name
            for each in self.mentions
            if each.name in heads and first <= each.start and each.end <= last
        ]

    def when(self, one: Stated) -> list[Period]:
        """Return the periods that hold for a quantity, as ``named`` does; not those that are only compared with.

        前期 behind a period of its own (2022年3月期は、前期の5億円から) is the year before that one.
        """
        found: list[Period] = []
        for each in self._when(one):
            other, alone = self.leaning.get(each.start, (each, True))
            found += [other] if alone else [each, other]
        return found

    def _when(self, one: Stated) -> list[Period]:
        scopes = list(self._scopes(one))
        before = _BEFORE.search(self.plain[: one.quantity.start])
        for number, (first, last) in enumerate(scopes):
            near = min(last, one.quantity.end + _BEHIND) if number == 1 and one.table < 0 else last
            here = self._said(first, near, bases=number > 1)
            if here and before and here[-1].end <= before.start():
                return [shifted(each, -_YEAR) for each in here if each.known]
            if here and number and self._is_from(one):
                return [shifted(each, -_YEAR) for each in here if each.known]
            if here:
                return here[-1:] if number == 0 and not here[-1].ends else here
        return self._said(0, one.sentence[0], bases=False)[-1:]

    @cached_property
    def asked_when(self) -> list[Period]:
        """Return the periods of a question that is answered for one time; none where it names several."""
        here = [each for each in self.periods if each.end <= self.split]
        return self._said(0, self.split, bases=True) if len(here) == 1 else []

    def words(self, one: Stated) -> frozenset[str]:
        """Return the pairs of letters that name a quantity: in its segment, else in its sentence, else in the question."""
        bare = self.reading.bare
        found = words_before(one, bare)
        if len(found) < FEWEST and one.quantity.start >= self.split:
            found |= pairs(_ASKING.sub("", bare[: self.split]))
        return found

    def _said(self, first: int, last: int, *, bases: bool) -> list[Period]:
        here = [each for each in self.periods if first <= each.start and each.end <= last]
        return [each for each in here if bases or not _BASE.match(self.text, each.end)]

    def _is_from(self, one: Stated) -> bool:
        """Whether a quantity is the one from which something changed since the year before: 前の期に比べて5億円から."""
        return self.plain.startswith(("から", "より"), one.quantity.end) and bool(_SINCE.search(self.plain))

    def went(self, one: Stated) -> int:
        """Return 1 where a quantity is said to be a rise, -1 for a fall, 0 where neither; 何％増加しましたか counts for its answer."""
        return direction(self.after(one)) or (self.asked_direction if one.quantity.start >= self.split else 0)

    @cached_property
    def asked_direction(self) -> int:
        """Return 1 for a question of how much something rose, -1 for how much it fell, else 0."""
        asked = _HOW_MUCH.search(self.plain[: self.split])
        return direction(self.plain[asked.end() : self.split]) if asked else 0

    def _scopes(self, one: Stated) -> Iterator[tuple[int, int]]:
        """Yield stretches of the claim that say what a quantity is about, the nearest first."""
        start = one.quantity.start
        yield one.segment
        yield one.sentence
        if self.split:
            yield (0, self.split) if start >= self.split else (self.split, len(self.text))

    def after(self, one: Stated, characters: int = 12) -> str:
        """Return the narrow characters behind a quantity, within its sentence."""
        return self.plain[
            one.quantity.end : min(one.quantity.end + characters, max(one.sentence[1], one.quantity.end))
        ]

    def around(self, one: Stated) -> str:
        """Return the narrow text of a quantity's segment with what follows it."""
        return self.plain[one.segment[0] : one.quantity.start] + self.after(one)


def direction(text: str) -> int:
    """Return 1 where the words behind a quantity say that it went up, -1 for down, 0 for neither."""
    return 1 if _UP.match(text) else -1 if _DOWN.match(text) else 0
