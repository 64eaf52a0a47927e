"""What a text states: its quantities with their units, the items they belong to, and the facts that they show."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from corpus.document import Fact
from rephrase.grounding import tables
from rephrase.grounding.calendar import Period
from rephrase.grounding.numerals import LARGEST, narrow
from rephrase.grounding.quantities import Quantity, quantities
from rephrase.grounding.units import CODES, IMPLIED, WORD, Unit, announced

_SENTENCE = re.compile(r"[^。！？\n]+[。！？]?[」』）)]*")
_HUNDRED = Decimal(100)
_LENGTHS = ("年", "月", "日")
_SHORT = 24  # characters of a cell that says a number with some words; a longer one is prose
#: Words of heads that name nothing by themselves, or only within their table.
_GENERAL = re.compile(
    r"[総小合]?計|その他|金額|数量|件数|人数|比率|割合|構成比|増減[額率]?|前[年期]比|対前[年期]比|区分|科目|項目|名称|内容|摘要|備考|当社|同社|会社名|氏名|役職|回次|決算年月|会計期間|連結|単体|"
    r"当期首残高|当期末残高|当期変動額(?:合計)?|期首残高|期末残高|(?:前|当)(?:連結会計年度|事業年度|期末?|四半期)|単位|年度|年月|事項|合算|実績|計画|[前当]期末"
)
_DATE_LIKE = re.compile(r"[\d年月日度期第至自終了した間末現在~\-/.四半期令和平成カか]+")

_AMOUNT = re.compile(rf"[△▲~\-]?[\d,.]+(?:[千百十万億兆]*{WORD})?")


class Stated(NamedTuple):
    """A quantity as a text states it.

    ``rows`` and ``columns`` are the names that its row and its column have; ``rows`` begin with the label of its
    ``fact``. ``table`` is the number of its table, -1 for prose. ``sentence`` and ``segment`` are stretches of the
    text: the sentence (or the cell) that it stands in, and what stands there between the quantity before and itself.
    ``either`` says that its sign is not told: (1,234) may be a loss or an enclosed number.
    """

    quantity: Quantity
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    table: int = -1
    sentence: tuple[int, int] = (0, 0)
    segment: tuple[int, int] = (0, 0)
    fact: Fact | None = None
    either: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with all that it states, by value and by unit; ``names`` are those of items in its tables and facts.

    ``columns`` are the names of columns by the number of their table.
    """

    text: str
    plain: str
    statements: list[Stated]
    periods: tuple[Period, ...]
    by_value: Mapping[tuple[str, Decimal], list[Stated]]
    by_unit: Mapping[str, list[Stated]]
    by_name: Mapping[str, list[Stated]]
    columns: Mapping[int, frozenset[str]]
    bare: str  # the narrow text with blanks for its periods
    known: Mapping[str, object]  # the names of rows and of columns
    words: dict[int, frozenset[str]] = field(default_factory=dict)  # by place, filled as claims ask for them


def reading(text: str, found: Sequence[Period], facts: Iterable[tuple[int, int, Fact]] = ()) -> Reading:
    """Read a text with the periods ``found`` in it; ``facts`` stand with the characters [start, end) that show them."""
    plain = narrow(text)
    outside = [(one.start, one.end) for one in found]
    grids = tables.tables(plain)
    statements = [*_prose(text, plain, outside, grids), *_cells(text, outside, grids)]
    statements = _with_facts(sorted(statements, key=lambda one: one.quantity.start), list(facts))
    values: defaultdict[tuple[str, Decimal], list[Stated]] = defaultdict(list)
    units: defaultdict[str, list[Stated]] = defaultdict(list)
    names: defaultdict[str, list[Stated]] = defaultdict(list)
    columns: defaultdict[int, set[str]] = defaultdict(set)
    for one in statements:
        values[one.quantity.unit, abs(one.quantity.value)].append(one)
        units[one.quantity.unit].append(one)
        for part in () if one.quantity.is_token else one.rows:
            if is_name(part):
                names[part].append(one)
        columns[one.table].update(filter(is_name, one.columns))
    held = {number: frozenset(parts) for number, parts in columns.items()}
    return Reading(
        text,
        plain,
        statements,
        tuple(found),
        dict(values),
        dict(units),
        dict(names),
        held,
        _blanked(plain, outside),
        {**dict.fromkeys(part for parts in held.values() for part in parts), **names},
    )


def _blanked(plain: str, outside: Sequence[tuple[int, int]]) -> str:
    for start, end in outside:
        plain = plain[:start] + " " * (end - start) + plain[end:]
    return plain


def is_name(word: str) -> bool:
    """Whether a head names an item: 売上高 does, 合計 and 当期末 do not."""
    return len(word) > 1 and not any(one.fullmatch(word) for one in (_GENERAL, _DATE_LIKE, _AMOUNT))


# -- prose


def _prose(
    text: str, plain: str, outside: Sequence[tuple[int, int]], grids: Sequence[tables.Table]
) -> list[Stated]:
    found: list[Stated] = []
    at = 0
    for start, end in [*((grid.start, grid.end) for grid in grids), (len(text), len(text))]:
        if start > at:
            found += _sentences(text, plain, at, start, outside)
        at = end
    return found


def _sentences(
    text: str, plain: str, first: int, last: int, outside: Sequence[tuple[int, int]]
) -> list[Stated]:
    spans = [(a - first, b - first) for a, b in outside if first <= a and b <= last]
    read = [_moved(one, first) for one in quantities(text[first:last], spans)]
    found: list[Stated] = []
    number = 0
    for match in _SENTENCE.finditer(plain, first, last):
        begin = match.start()
        before: tuple[Unit, ...] = ()
        while number < len(read) and read[number].start < match.end():
            one = read[number]
            before = announced(plain[match.start() : one.start]) or before
            if one.bare and len(before) == 1 and not one.is_token:
                one = one.times(before[0])  # 売上高（千円）は5,808,066
            found.append(Stated(one, sentence=match.span(), segment=(begin, one.start)))
            number += 1
            if not (
                one.is_token or one.unit in _LENGTHS
            ):  # までの1年間 is about what follows, as its period is
                begin = one.end
    return found


def _moved(one: Quantity, by: int) -> Quantity:
    return one._replace(start=one.start + by, end=one.end + by)


# -- tables


def _cells(text: str, outside: Sequence[tuple[int, int]], grids: Sequence[tables.Table]) -> list[Stated]:
    found: list[Stated] = []
    for number, grid in enumerate(grids):
        spans = [span for span in outside if grid.start <= span[0] < grid.end]
        for cell in grid.cells:
            if not cell.text or not (any(map(str.isdecimal, cell.text)) or _kanji(cell.text)):
                continue
            apart = [(a - cell.start, b - cell.start) for a, b in spans if cell.start <= a and b <= cell.end]
            short = cell.is_figure or len(cell.text) <= _SHORT
            rows = cell.rows if short else ()
            columns = cell.columns if short and cell.column else ()
            begin = cell.start
            for read in quantities(text[cell.start : cell.end], apart, cell=True):
                unit = _unit(cell) if read.bare and cell.is_figure else None
                one = _moved(read.times(unit) if unit else read, cell.start)
                either = one.bracketed and not one.signed
                segment = (begin, one.start)
                found.append(
                    Stated(one, rows, columns, number, (cell.start, cell.end), segment, None, either)
                )
                begin = one.end
    return found


def _kanji(text: str) -> bool:
    return any(one in text for one in "一二三四五六七八九十百千万億")


def _unit(cell: tables.Cell) -> Unit | None:
    if cell.unit and cell.sure:
        return cell.unit
    for part in (*cell.rows, *cell.columns):
        for pattern, unit in IMPLIED:
            if pattern.search(part):
                return Unit(unit)
    return cell.unit


# -- facts


def _with_facts(statements: list[Stated], facts: list[tuple[int, int, Fact]]) -> list[Stated]:
    """Return the statements with those that facts show made exact, once for every fact.

    What shows no numeral (a dash for nothing) is stated by its fact alone.
    """
    if not facts:
        return statements
    starts = [one.quantity.start for one in statements]
    shown: defaultdict[int, list[Stated]] = defaultdict(list)
    alone: list[Stated] = []
    for start, end, fact in facts:
        at = bisect_right(starts, end - 1) - 1
        if at >= 0 and statements[at].quantity.end > start:
            shown[at] += _of_fact(statements[at], fact)
        else:
            nothing = Quantity(Decimal(0), "", Decimal(1), start, end, fact.value)
            alone += _of_fact(Stated(nothing, sentence=(start, end), segment=(start, start)), fact)
    found = [each for at, one in enumerate(statements) for each in shown.get(at) or [one]]
    return sorted([*found, *alone], key=lambda one: one.quantity.start) if alone else found


def _of_fact(one: Stated, fact: Fact) -> list[Stated]:
    try:
        number = Decimal(fact.number)
    except InvalidOperation:
        return []
    if not (number.is_finite() and abs(number) < LARGEST):
        return []
    shown = one.quantity
    unit = unit_of(fact, shown, number)
    if unit == "percent":
        number = number * _HUNDRED if abs(number) * _HUNDRED == abs(shown.value) else number
    step = shown.step
    if shown.value and number:  # the text shows digits of one scale: 5,808,066 may be in thousands
        step = shown.step * abs(number / shown.value)
    label = tables.name(fact.label)
    # (378) in the row of the employees may be those on average beside them: then the row does not name it.
    same = not label or any(name in part or part in name for name in label for part in one.rows)
    rows = tuple(dict.fromkeys((*label, *one.rows))) if same else label
    return [
        one._replace(
            quantity=shown._replace(value=number, unit=unit, step=step), rows=rows, fact=fact, either=False
        )
    ]


def unit_of(fact: Fact, shown: Quantity, number: Decimal) -> str:
    """Return the unit of a fact by the names of ``units``; that of the text where XBRL only says that it is a number."""
    unit = (
        fact.unit.rpartition(":")[2]
        if "/" not in fact.unit
        else fact.unit.partition("/")[0].rpartition(":")[2]
    )
    unit = unit.removesuffix("PerShares")
    if unit in CODES.values():
        return unit
    if unit in ("shares", "persons"):
        return {"persons": "people"}.get(unit, unit)
    if shown.unit:
        return shown.unit
    if number and abs(number) * _HUNDRED == abs(shown.value):
        return "percent"
    if fact.concept.startswith(("NumberOfEmployees", "AverageNumberOfTemporaryWorkers")):
        return "people"
    return ""
