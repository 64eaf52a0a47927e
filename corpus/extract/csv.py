"""The EDINET code list (CP932, zipped) -> the listed companies of each industry, with facts for questions."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from datetime import date

from corpus.document import Capture, Document, Drop, Fact
from corpus.encoding import decode
from corpus.extract.archive import ArchiveError, members
from corpus.extract.dates import all_dates
from corpus.extract.record import base_document

_NAME, _INDUSTRY, _LISTED, _SECURITY = "提出者名", "提出者業種", "上場区分", "証券コード"
_FULL_WIDTH = str.maketrans(
    "ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


def extract(capture: Capture) -> list[Document | Drop]:
    """Return one document for each industry, in the order of the first company, and what was left out.

    A line names a company, its code on the market and its industry. Companies that are not listed, and rows
    that are not whole, are counted in one Drop each.
    """
    try:
        text = _text(capture.body)
    except ArchiveError as error:
        return [error.drop]
    first, _, rest = text.lstrip("\r\n").partition("\n")
    stated = all_dates(first)
    table = rest if stated else text
    industries: dict[str, list[tuple[str, str]]] = {}
    unlisted = broken = 0
    try:
        missing = {_NAME, _INDUSTRY, _LISTED, _SECURITY} - set(_header(table))
    except csv.Error as error:
        return [Drop("broken_list", str(error))]
    if missing:
        return [Drop("unknown_columns", f"no column {', '.join(sorted(missing))}")]
    try:
        rows = list(_rows(table))
    except csv.Error as error:
        return [Drop("broken_list", str(error))]
    for row in rows:
        if row is None:
            broken += 1
        elif row[_LISTED] != "上場" or not row[_SECURITY]:
            unlisted += 1
        else:
            industries.setdefault(row[_INDUSTRY], []).append((row[_NAME], market_code(row[_SECURITY])))
    found: list[Document | Drop] = [
        _document(capture, industry, companies, stated[0] if stated else None)
        for industry, companies in industries.items()
    ]
    if unlisted:
        found.append(Drop("not_listed", f"{unlisted} filers"))
    if broken:
        found.append(Drop("broken_row", f"{broken} rows"))
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
    text = f"# {title}\n"
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
    line = next(csv.reader([table.partition("\n")[0]]), [])
    return [name.strip().translate(_FULL_WIDTH) for name in line]


def _rows(table: str) -> Iterator[dict[str, str] | None]:
    """Yield each row by column names, None for one that is not whole."""
    header = _header(table)
    for row in itertools.islice(csv.reader(io.StringIO(table, newline="")), 1, None):
        if len(row) == len(header):
            yield {name: value.strip() for name, value in zip(header, row, strict=True)}
        elif any(row):
            yield None
