"""The tagged amounts of a filing that can be asked about, and what the filing says elsewhere under the same name."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from bench.measures.passages import Passages
from bench.measures.wordings import Fiscal, Saying, displayed, of_document, shifted, worth, year
from corpus.document import Document, Fact

_LEFT_OUT = re.compile(r"[（(][^（）()]*[）)]|[【】\s　]|[※*]+[0-9０-９]*|^[0-9０-９]+[．.、]|[①-⑳]")
_NO_NAME = re.compile(
    r"[総小合]?計|その他|.*残高|.*変動額.*|.*指標.*|.*うち.*|.*セグメント.*|.*[2-9０２-９].*|.*年内.*|.*顧客への.*|提出会社|連結子会社|.*株式数|.*の数|.*合計額|外、.*|差引.*"
)
_MEASURE = re.compile(r"(?:高|額|資産|負債|利益|損失|費|数|収益|収入|支出|価額|割合|株式)$")
_WORDS = re.compile(r"[ぁ-んァ-ヶー一-鿿々]{2,}")
_OUTFLOW = re.compile(r"(?:支出|支払額|返済|配当金の支払|取得)$")


@dataclass(frozen=True, slots=True)
class Figure:
    """A fact with the words for it: its name, its value with the sign that the name leaves to it, its looks."""

    fact: Fact
    name: str
    value: Decimal
    saying: Saying
    first: date | None  # None for an instant
    last: date

    @property
    def consolidated(self) -> bool:
        """Whether it belongs to the group."""
        return "NonConsolidatedMember" not in self.fact.context


class Figures:
    """The figures of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.passages = Passages(document)
        self.own = of_document(document)
        self.company = document.meta.get("filer", "")
        self.askable = [figure for fact in document.facts if (figure := self._figure(fact))]
        self.cells = [figure for fact in document.facts if (figure := self._cell(fact))]
        self._said: defaultdict[tuple[str, str], set[Decimal]] = defaultdict(set)
        for fact in document.facts:
            if fact.kind == "amount" and re.fullmatch(r"-?\d+(\.\d+)?", fact.number):
                for name in _names(fact.label):
                    self._said[name, fact.period].add(Decimal(fact.number))
        for figure in self.cells:
            self._said[figure.name, figure.fact.period].add(Decimal(figure.fact.number))

    def _figure(self, fact: Fact) -> Figure | None:
        """Return the figure of a fact whose name means something outside of its table, else None."""
        member = fact.context.partition("_")[2]
        if fact.kind != "amount" or member not in ("", "NonConsolidatedMember") or not self.own:
            return None
        saying = displayed(fact, self.passages.piece(fact.start).text)
        span = _days(fact.period)
        names = _names(fact.label)
        if not saying or not span or not names:
            return None
        value = worth(fact, saying)
        name = names[-1] if value < 0 and len(names) > 1 else names[0]
        if _NO_NAME.fullmatch(name) or not _WORDS.search(name):
            return None
        if value < 0 and (name.endswith("損失") or _OUTFLOW.search(name)):
            value = -value
        return Figure(fact, name, value, saying, span[0] if len(span) == 2 else None, span[-1])

    def _cell(self, fact: Fact) -> Figure | None:
        """Return the figure of a fact about a part (a segment, a shareholder), named by its column and its row."""
        member = fact.context.partition("_")[2]
        if fact.kind != "amount" or member in ("", "NonConsolidatedMember") or not self.own:
            return None
        row = self.passages.piece(fact.start)
        saying, span = displayed(fact, row.text), _days(fact.period)
        if not row.is_row or not saying or not span:
            return None
        column = row.text.count("|", 0, fact.start - row.start)
        names = _names(row.text.split("|")[1]), _names(self.passages.column(fact.start, column))
        if not all(one and _WORDS.fullmatch(one[0]) and len(one[0]) <= 20 for one in names):
            return None
        row_first = not _MEASURE.search(names[0][0])  # 社外取締役の固定報酬, but 通信機器の売上高
        name = f"{names[0][0]}の{names[1][0]}" if row_first else f"{names[1][0]}の{names[0][0]}"
        if re.search("期|年|当|前|残高|変動", name) or names[0][0] == names[1][0]:
            return None
        value = worth(fact, saying)
        return Figure(fact, name, value, saying, span[0] if len(span) == 2 else None, span[-1])

    def figure(self, fact: Fact) -> Figure | None:
        """Return the figure of a fact, if it may be asked about."""
        return next((one for one in (*self.askable, *self.cells) if one.fact is fact), None)

    def stated(self, name: str, period: str) -> set[Decimal]:
        """Return all numbers that the filing gives under a name for a period, whosever they are, without signs."""
        numbers = self._said[name, period]
        return {abs(number) for number in numbers} | {
            abs(number) * 100 for number in numbers if abs(number) < 10
        }

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str], list[Figure]]:
        found: defaultdict[tuple[str, str, str], list[Figure]] = defaultdict(list)
        for one in (*self.askable, *self.cells):
            found[one.fact.concept, one.fact.context.partition("_")[2], one.fact.unit].append(one)
        return found

    def others(self, one: Figure) -> list[Figure]:
        """Return the same item of the same accounts at other times."""
        same = self._by_name[one.fact.concept, one.fact.context.partition("_")[2], one.fact.unit]
        return [other for other in same if other.fact.period != one.fact.period]

    def before(self, one: Figure) -> Figure | None:
        """Return the same item a year earlier, the nearest in the text."""
        same = [other for other in self.others(one) if other.last == shifted(one.last, -1)]
        return min(same, key=lambda other: abs(other.fact.start - one.fact.start), default=None)

    def beside(self, one: Figure) -> list[Figure]:
        """Return other items of the same time, accounts and unit that stand close."""
        row = self.passages.at(one.fact.start)
        return [
            other
            for other in (self.cells if one in self.cells else self.askable)
            if other.name != one.name
            and other.fact.period == one.fact.period
            and other.saying == one.saying
            and abs(other.fact.start - one.fact.start) < 400
            and (other.fact.context == one.fact.context or self.passages.at(other.fact.start) == row)
        ]

    def fiscal(self, one: Figure) -> Fiscal | None:
        """Return the fiscal year that a figure belongs to, or at whose end it stands; None for other times."""
        if not self.own or shifted(self.own, one.last.year - self.own.year) != one.last:
            return None
        if one.first and not 360 <= (one.last - one.first).days + 1 <= 371:
            return None
        whole = self.document.meta.get("period_type", "FY") == "FY"
        return Fiscal(one.last, self.own, one.consolidated, whole)

    @cached_property
    def term(self) -> int:
        """Return the number of the fiscal year that is reported on (第28期), 0 when the cover does not say it."""
        head = unicodedata.normalize("NFKC", self.document.text[:3000])
        found = re.search(r"事業年度】[ |]*第 ?(\d+)期(?!第?\d*四半期|中)", head)
        return int(found[1]) if found else 0

    def ordinal(self, fiscal: Fiscal) -> str:
        """Return 第28期 for a fiscal year, "" when unknown."""
        return f"第{self.term - (fiscal.own.year - fiscal.last.year)}期" if self.term else ""


def _names(label: str) -> list[str]:
    """Return the names in a label without units and marks: 当期純利益又は当期純損失（△） has two."""
    plain = _LEFT_OUT.sub("", label)
    return [name for name in re.split(r"又は|または", plain) if name]


def _days(period: str) -> list[date]:
    try:
        return [date.fromisoformat(part) for part in period.split("/")]
    except ValueError:
        return []


def tells_time(text: str, one: Figure) -> bool:
    """Whether a passage with its context says in any words when a figure was."""
    plain = unicodedata.normalize("NFKC", text)
    ends = {one.last, one.last - timedelta(days=365)} if one.first else {one.last}
    years = {said for end in ends for era in (True, False) for said in (f"{year(end, era=era)}年",)}
    marks = ("当期", "前期", "当連結", "前連結", "当事業", "前事業", "当中間", "前中間", "現在")
    return any(said in plain for said in years) or any(mark in plain for mark in marks)


def companies(documents: Iterable[Document]) -> list[str]:
    """Return the filers of some documents, in order."""
    return sorted({name for document in documents if (name := document.meta.get("filer", ""))})
