"""Reading the hand-written texts of the sample world: keyed passages and declarative tables."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

_KEY = re.compile(r"^@(.+)\n", re.MULTILINE)
_NOTE = re.compile(r"\[\^note ([^\]]*)\]")


def read(path: str) -> str:
    """The text of one file under sample/texts."""
    return files("sample").joinpath("texts", path).read_text(encoding="utf-8")


@cache
def passages(*paths: str) -> dict[str, str]:
    """The passages of the files by key: every line "@key" opens one, in the order written."""
    found: dict[str, str] = {}
    for path in paths:
        parts = _KEY.split(read(path))
        for key, body in zip(parts[1::2], parts[2::2], strict=True):
            if key in found:
                raise ValueError(f"{path}: the key {key} is written twice")
            found[key] = body.strip("\n ")  # an ideographic space in front stays
    return found


def table(path: str) -> dict[str, Any]:
    """One TOML file under sample/texts."""
    return tomllib.loads(read(path))


def fill(text: str, values: dict[str, str]) -> str:
    """Put values into the {places} of a passage; a place without a value is a KeyError."""
    return re.sub(r"\{(\w+)\}", lambda place: values[place.group(1)], text)


def notes(text: str) -> tuple[str, list[str]]:
    """A passage without its "[^note ...]" footnotes, where "\\0" marks the places, and the footnotes."""
    return _NOTE.sub("\0", text), _NOTE.findall(text)


def wide(text: str) -> str:
    """ASCII digits and the percent sign as full-width forms, as half of the real pages have them."""
    return text.translate({code: code + 0xFEE0 for code in [*range(0x30, 0x3A), 0x25, 0x2E]})
