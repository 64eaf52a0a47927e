"""Small pieces of Markdown (GitHub's), everything escaped that is not made here."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote


class Markdown(str):
    """Text that is Markdown already; every other value is escaped before it becomes a part of a page."""

    __slots__ = ()


_SIGNS = re.compile(r"[\\`*\[\]~|$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def text(value: object) -> str:
    """Return a value as text of one line: whole numbers with commas, Markdown as it is, anything else escaped."""
    if isinstance(value, Markdown):
        return value
    said = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return _SIGNS.sub(r"\\\g<0>", plain(said)).translate(_HTML)


def plain(said: str) -> str:
    """Return text of one line without signs that steer a terminal or turn the direction of writing."""
    line = " ".join(said.split())
    return "".join("\ufffd" if unicodedata.category(sign) in ("Cc", "Cf", "Cs") else sign for sign in line)


def code(value: object) -> Markdown:
    """Return a value as code within a line, also within a table."""
    said = plain(str(value)).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", said)), default=0)
    ticks, space = "`" * (longest + 1), " " if "`" in said else ""
    return Markdown(f"{ticks}{space}{said}{space}{ticks}")


def strong(value: object) -> Markdown:
    """Return a value set in bold."""
    return Markdown(f"**{text(value)}**")


def link(said: str, url: str) -> Markdown:
    """Return a link to a web address, plain text for anything else."""
    if not url.startswith(("https://", "http://")):
        return Markdown(text(said))
    return Markdown(f"[{text(said) or 'address'}]({quote(plain(url), safe=':/?#@!$&+,;=%~-._')})")


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Return a table, or a dash when there are no rows."""
    lines = ["| " + " | ".join(map(text, row)) + " |" for row in rows]
    if not lines:
        return "-"
    titles = list(map(text, head))
    return "\n".join(
        ["| " + " | ".join(titles) + " |", "| " + " | ".join("---" for _ in titles) + " |", *lines]
    )


def fenced(said: str, language: str) -> str:
    """Return a block of code; its fence is longer than any in it."""
    longest = max(map(len, re.findall("`+", said)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{said.rstrip()}\n{fence}"


def share(part: int, whole: int) -> str:
    """Return a share in percent, with as many digits as it takes to tell it from none and from all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if part in (0, whole) or 1 <= percent <= 99 else f"{percent:.2g} %"
