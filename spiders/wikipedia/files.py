"""Which files make a dump: their names, their published sums, and where they lie in a folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datacards.errors import UserError
from spiders.wikipedia.choice import TABLES

LATEST = "latest"
#: What a file is needed for -> the ends of its name, the preferred one first.
ENDS: Mapping[str, tuple[str, ...]] = {
    **{table: (f"{table}.sql.gz", f"{table}.sql") for table in TABLES},
    "dump": (
        "pages-articles.xml.bz2", "pages-articles-multistream.xml.bz2", "pages-articles.xml.gz", "pages-articles.xml",
    ),
}  # fmt: skip
_LINE = re.compile(r"^([0-9a-f]{40}) [ *](\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listed:
    """The files of one dump: ``names`` by what they are for, ``sums`` (SHA-1) by name where published."""

    date: str
    names: Mapping[str, str]
    sums: Mapping[str, str] = field(default_factory=dict)


def sums_name(wiki: str, date: str) -> str:
    """Return the name of the list of sums."""
    return f"{wiki}-{date}-sha1sums.txt"


def assumed(wiki: str, date: str) -> Listed:
    """Return the files that a dump without a list of sums should have."""
    return Listed(date, {role: f"{wiki}-{date}-{ends[0]}" for role, ends in ENDS.items()})


def listed_in(text: str, wiki: str) -> Listed | None:
    """Return the files that a list of sums names, None if the dump itself is not among them."""
    sums = {name: sha1 for sha1, name in _LINE.findall(text)}
    return _among(sorted(sums), wiki, LATEST, sums)


def found_in(folder: Path, wiki: str, date: str) -> Listed:
    """Return the files in ``folder``, of the newest date unless one is given; UserError when there is no dump."""
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise UserError(
            "folder", f"{folder}: {error.strerror}", todo="name a folder of dump files"
        ) from error
    listed = _among(names, wiki, date, {})
    if listed is None:
        when = "YYYYMMDD" if date == LATEST else date
        raise UserError(
            "folder", f"no dump of {wiki} in {folder}", f"{wiki}-{when}-{ENDS['dump'][0]}", "check the names"
        )
    sums = folder / sums_name(wiki, listed.date)
    text = sums.read_text(encoding="utf-8", errors="replace") if sums.is_file() else ""
    return Listed(listed.date, listed.names, {name: sha1 for sha1, name in _LINE.findall(text)})


def _among(names: list[str], wiki: str, date: str, sums: Mapping[str, str]) -> Listed | None:
    for end in ENDS["dump"]:
        name = re.compile(rf"{re.escape(wiki)}-(\d{{8}}|{LATEST})-{re.escape(end)}")
        dates = [found[1] for one in names if (found := name.fullmatch(one)) and date in (LATEST, found[1])]
        if dates:
            newest = max(dates, key=lambda one: (one != LATEST, one))
            chosen = {
                role: f"{wiki}-{newest}-{own}"
                for role, ends in ENDS.items()
                for own in reversed(ends)
                if f"{wiki}-{newest}-{own}" in names
            }
            return Listed(newest, chosen, sums)
    return None
