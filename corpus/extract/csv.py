"""Lists of companies as CSV (EDINET's, zipped, and an exchange's) -> the listed companies of each industry, with facts."""

import csv
import io
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import date

from corpus.document import Capture, Document, Drop, Fact
from corpus.encoding import decode
from corpus.extract.archive import ArchiveError, members
from corpus.extract.dates import all_dates
from corpus.extract.record import base_document

#: What a list calls its columns, in NFKC: EDINET's code list, an exchange's list of issues, others like them.
_NAME = ("提出者名", "銘柄名", "会社名", "企業名", "社名")
_SECURITY = ("証券コード", "コード", "銘柄コード")
_INDUSTRY = ("提出者業種", "33業種区分", "業種", "業種分類", "業種名")
_LISTED, _DAY = ("上場区分",), ("日付", "基準日")
_NEEDED = (_NAME, _SECURITY, _INDUSTRY)
_CODE = re.compile(r"[0-9][0-9A-Z]{3}[0-9A-Z]?")
_LEFT_OUT = {"not_listed": "filers", "no_industry": "issues", "broken_row": "rows"}
_HEAD = 4096  # bytes that hold the header


def recognizes(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a list of companies with codes and industries."""
    lines = decode(head[:_HEAD], "cp932").text.lstrip("\r\n").split("\n")[:2]
    try:
        return any(not _missing(_header(line)) for line in lines)
    except csv.Error:
        return False


def extract(capture: Capture) -> list[Document | Drop]:
    """Return one document for each industry, in the order of the first company, and what was left out.

    A line names a company, its code on the market and its industry. The day of the list stands in its first
    line, as EDINET has it, or in a column; of several, the last one counts. Companies that are not listed,
    issues that are no company's (funds have no industry), and rows that are not whole or whose code is none
    are counted in one Drop each.
    """
    try:
        return _listed(capture, _text(capture.body))
    except ArchiveError as error:
        return [error.drop]
    except csv.Error as error:
        return [Drop("broken_csv", str(error))]


def _listed(capture: Capture, text: str) -> list[Document | Drop]:
    first, _, rest = text.lstrip("\r\n").partition("\n")
    stated = all_dates(first) if _missing(_header(first)) else []
    table = rest if stated else text
    if missing := _missing(_header(table)):
        return [Drop("unknown_columns", f"no column {', '.join(missing)}")]
    industries: dict[str, list[tuple[str, str]]] = {}
    left: Counter[str] = Counter()
    days = set(stated)
    for row in _rows(table):
        name, code, industry = ("", "", "") if row is None else (_of(row, names) for names in _NEEDED)
        if row is None:
            left["broken_row"] += 1
        elif _of(row, _LISTED, "上場") != "上場" or not code:
            left["not_listed"] += 1
        elif industry in ("", "-", "－"):
            left["no_industry"] += 1
        elif not _CODE.fullmatch(code) or not name:
            left["broken_row"] += 1
        else:
            industries.setdefault(industry, []).append((name, market_code(code)))
            days |= {day for day in [_day(_of(row, _DAY))] if day}
    found: list[Document | Drop] = [
        _document(capture, industry, companies, max(days, default=None))
        for industry, companies in industries.items()
    ]
    found += [Drop(reason, f"{left[reason]} {what}") for reason, what in _LEFT_OUT.items() if left[reason]]
    return found or [Drop("empty_list")]


def market_code(code: str) -> str:
    """Return the code as the market shows it: EDINET adds a fifth sign, 0 for common shares.

    Letters occur since 2024 (``330A0``), so a code is never a number.
    """
    return code[:4] if re.fullmatch(r"[0-9][0-9A-Z]{3}0", code) else code


def _document(
    capture: Capture, industry: str, companies: list[tuple[str, str]], day: date | None
) -> Document:
    title = f"上場会社一覧（{industry}）"
    dated = f"\n{day.year}年{day.month}月{day.day}日現在\n" if day else ""
    text = f"# {title}\n{dated}"
    facts = []
    for name, code in companies:
        line = f"{name}, {code}, {industry}"
        start = len(text) + 1
        text += f"\n{line}"
        for concept, label, value, at in (
            ("sec_code", "証券コード", code, start + len(name) + 2),
            ("industry", "業種", industry, start + len(name) + len(code) + 4),
        ):
            facts.append(Fact("company", name, concept, label, value, at, at + len(value)))
    return base_document(
        capture,
        text=text,
        title=title,
        kind="company_list",
        event_at=day,
        published_at=day,
        meta={"industry": industry, "companies": str(len(companies))},
        facts=tuple(facts),
    )


def _text(body: bytes) -> str:
    """Return the list as text; raise ArchiveError for a zip that cannot be read."""
    if body.startswith(b"PK"):
        lists = members(body, lambda name: name.lower().endswith(".csv"))
        if not lists:
            raise ArchiveError("broken_zip", "no list inside")
        body = next(iter(lists.values()))
    return decode(body, "cp932").text


def _header(table: str) -> list[str]:
    line = next(csv.reader(io.StringIO(table.partition("\n")[0], newline="")), [])
    return [unicodedata.normalize("NFKC", name).strip() for name in line]


def _missing(header: list[str]) -> list[str]:
    """Return the columns, by their first name, that a list of companies needs and ``header`` lacks."""
    return [names[0] for names in _NEEDED if not set(names) & set(header)]


def _of(row: dict[str, str], names: tuple[str, ...], default: str = "") -> str:
    """Return the cell of the first column that has one of ``names``."""
    return next((row[name] for name in names if name in row), default)


def _day(text: str) -> date | None:
    """Return the day of ``20190930``, ``2019/9/30`` or ``2019-09-30``, None for anything else."""
    parts = re.fullmatch(r"(\d{4})[/.-]?(\d{1,2})[/.-]?(\d{1,2})", text)
    try:
        return date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None


def _rows(table: str) -> Iterator[dict[str, str] | None]:
    """Yield each row by column names, None for one that is not whole."""
    header = _header(table)
    for row in itertools.islice(csv.reader(io.StringIO(table, newline="")), 1, None):
        if len(row) == len(header):
            yield {name: value.strip() for name, value in zip(header, row, strict=True)}
        elif any(row):
            yield None
