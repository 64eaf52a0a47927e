"""Which figures of questions stood already in a document that a model has read: by the facts of its corpora."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eval.living.questions import Asked

_COLUMNS = ["subject", "concept", "period", "number"]
_OPERAND = re.compile(r"([^\s:,()]+):(\d{4}-\d\d-\d\d(?:/\d{4}-\d\d-\d\d)?)")
#: What EDINET's taxonomy adds to the name of an item where the five-year summary tells it again.
_SUMMARY = re.compile(r"(?:IFRS)?(?:KeyFinancialData|SummaryOfBusinessResults)$")
_LEGAL = re.compile(r"株式会社|有限会社|合同会社|[(（][株有][)）]|㈱|㈲")


class Figure(NamedTuple):
    """An amount of a company for a period; ``number`` is "" where only its name is known."""

    subject: str
    concept: str
    period: str
    number: str


def figures(asked: Asked) -> tuple[Figure, ...]:
    """Return the figures that the answer of a question rests on: one, or those of its program."""
    meta = asked.meta
    subject, period = company(meta.get("subject", "")), meta.get("fact_period", "")
    if operands := _OPERAND.findall(meta.get("program", "")):
        return tuple(Figure(subject, item(concept), when, "") for concept, when in operands)
    return (Figure(subject, item(meta.get("concept", "")), period, plain(meta.get("number", ""))),)


def company(name: str) -> str:
    """Return the name of a company as it is compared: in NFKC, without spaces and the kind of company."""
    return _LEGAL.sub("", "".join(unicodedata.normalize("NFKC", _LEGAL.sub("", name)).split())).casefold()


def item(concept: str) -> str:
    """Return the name of an item as it is compared: without what the summary of a report adds to it."""
    return _SUMMARY.sub("", concept.rpartition(":")[2])


def plain(number: str) -> str:
    """Return an exact decimal number in its one shortest form, "" for what is no number."""
    try:
        found = Decimal(number)
    except InvalidOperation:
        return ""
    return f"{found.normalize():f}" if found.is_finite() else ""


def ends(period: str) -> str:
    """Return the last day of a period, ``YYYY-MM-DD``."""
    return period.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Told:
    """Figures that a corpus states: by their names, and by their numbers whatever they are called there."""

    named: frozenset[tuple[str, str, str]]
    numbered: frozenset[tuple[str, str, str]]

    def has(self, figure: Figure) -> bool:
        """Say whether a figure is among them."""
        return figure[:3] in self.named or bool(
            figure.number and (figure.subject, figure.period, figure.number) in self.numbered
        )


def told(wanted: Collection[Figure], files: Iterable[Path]) -> Told:
    """Return which of the ``wanted`` figures the facts in ``files`` state.

    Of every file the columns are read batch by batch, and only rows whose period is wanted are looked at. Memory: the
    wanted figures.
    """
    periods = pa.array(sorted({figure.period for figure in wanted}), pa.string())
    names = {figure[:3] for figure in wanted}
    numbers = {(figure.subject, figure.period, figure.number) for figure in wanted if figure.number}
    named: set[tuple[str, str, str]] = set()
    numbered: set[tuple[str, str, str]] = set()
    for path in files:
        for subject, concept, period, number in _rows(path, periods):
            named |= {(subject, concept, period)} & names
            numbered |= {(subject, period, number)} & numbers
    return Told(frozenset(named), frozenset(numbered))


def _rows(path: Path, periods: pa.Array) -> Iterator[tuple[str, str, str, str]]:
    with pq.ParquetFile(path) as file:
        if not set(_COLUMNS) <= set(file.schema_arrow.names):
            return
        for batch in file.iter_batches(1 << 16, columns=_COLUMNS):
            kept = batch.filter(pc.is_in(batch["period"], value_set=periods))
            folded = [_folded(kept["subject"], company), _folded(kept["concept"], item)]
            yield from zip(
                *folded, kept["period"].to_pylist(), _folded(kept["number"], plain), strict=True
            )  # fmt: skip


def _folded(values: pa.Array, fold: Callable[[str], str]) -> list[str]:
    """Return a column folded; each different value is folded once."""
    encoded = pc.fill_null(values, "").dictionary_encode()
    words = [fold(value) for value in encoded.dictionary.to_pylist()]
    return [words[place] for place in encoded.indices.to_pylist()]
