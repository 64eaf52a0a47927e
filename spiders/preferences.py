"""Reads what publishers say about machine use of their pages: robots.txt lines, HTTP headers, TDMRep files.

Nothing here asks or decides; ``spiders.signals`` does. Followed: RFC 9309 (groups and paths of robots.txt), the IETF
aipref drafts (``Content-Usage``), the content-signals policy lines (``Content-Signal``), and the TDM Reservation
Protocol (W3C community report, 2024-05-10).
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from spiders.robots import ABOUT_SITE, fields, token

#: Crawlers that gather text for training models; a publisher who forbids one of them a page speaks of that use.
AI_AGENTS = (
    "AI2Bot", "Amazonbot", "anthropic-ai", "Applebot-Extended", "Bytespider", "CCBot", "ClaudeBot",
    "cohere-training-data-crawler", "Google-Extended", "GPTBot", "Meta-ExternalAgent",
)  # fmt: skip
_USAGE = ("train-genai", "train-ai", "bots")  # the narrowest category that is stated decides
_SIGNAL = ("ai-train",)
_LINES = ("content-usage", "content-signal")
_ENCODED = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class Line(NamedTuple):
    """One preference in a robots.txt: ``kind`` is content-usage or content-signal, ``path`` where it holds."""

    kind: str
    path: str
    value: str


def refuses(value: str, categories: Iterable[str] = (*_USAGE, *_SIGNAL)) -> bool:
    """Return whether ``train-ai=n, search=y`` or ``ai-train=no`` forbids training; False where it says nothing.

    Of two statements about one category the refusal counts.
    """
    stated: dict[str, set[str]] = {}
    for item in value.split(","):
        name, _, said = item.partition("=")
        said = said.partition(";")[0].strip().lower()
        if said in ("y", "n", "yes", "no"):
            stated.setdefault(name.strip().lower(), set()).add(said[0])
    first = next((stated[name] for name in categories if name in stated), set())
    return "n" in first


def robots_lines(text: str, agent: str) -> list[Line]:
    """Return the preference lines of a robots.txt that hold for ``agent``: those of its groups, else of ``*``.

    ``agent`` is a User-Agent whose product token begins it. Lines in front of every group hold for all.
    """
    own = token(agent)
    everyone: list[Line] = []
    groups: dict[str, list[Line]] = {}
    current, naming = [everyone], False
    for field, value in fields(text):
        if field == "user-agent":
            current, naming = current if naming else [], True
            if (name := token(value)) in (own, "*"):
                current.append(groups.setdefault(name, []))
        else:
            naming = naming and field in ABOUT_SITE
            for lines in current if field in _LINES else ():
                lines.append(_line(field, value))
    return everyone + groups.get(own, groups.get("*", []))


def _line(kind: str, value: str) -> Line:
    path, rest = "/", value
    if value.startswith(("/", "*")):
        path, rest = [*value.split(None, 1), ""][:2]
    return Line(kind, _encoded(path), rest.strip())


def at_path(lines: Iterable[Line], path: str) -> dict[str, str]:
    """Return, for each kind, what the lines with the longest pattern that fits ``path`` say (RFC 9309, 2.2.2)."""
    found: dict[str, list[Line]] = {}
    path = _encoded(path)
    for line in lines:
        others = found.get(line.kind, [])
        length = len(others[0].path) if others else -1
        if len(line.path) >= length and fits(line.path, path):
            found[line.kind] = others if len(line.path) == length else []
            found[line.kind].append(line)
    return {kind: ", ".join(line.value for line in longest) for kind, longest in found.items()}


def _encoded(path: str) -> str:
    """Return a path as it is compared: what need not be percent-encoded is not, what must be is (RFC 9309, 2.2.2)."""
    return quote(_ENCODED.sub(_unreserved, path), safe=_ASCII)


def _unreserved(encoded: re.Match[str]) -> str:
    sign = chr(int(encoded[0][1:], 16))
    return sign if sign.isascii() and (sign.isalnum() or sign in "-._~") else encoded[0].upper()


def fits(pattern: str, path: str) -> bool:
    """Return whether a robots.txt path pattern, with ``*`` and a closing ``$``, fits; in linear time."""
    whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for part in others:
        if (begin := path.find(part, at)) < 0:
            return False
        at = begin + len(part)
    if not whole or at == len(path):
        return True
    return bool(others) and path.endswith(others[-1])


class Reservations:
    """The rules of a ``/.well-known/tdmrep.json``: where the rights to text and data mining are reserved."""

    def __init__(self, body: bytes) -> None:
        """Read the file; raise ValueError for what is no list of rules."""
        rules = json.loads(body)
        if not isinstance(rules, list):
            raise ValueError("no list of rules")
        self._rules = [
            (_encoded(str(rule["location"])), str(rule["tdm-reservation"]).strip() == "1")
            for rule in rules
            if isinstance(rule, dict) and "location" in rule and "tdm-reservation" in rule
        ]

    def reserved(self, path: str) -> bool:
        """Return whether the first rule that fits ``path``, or the most specific one, reserves the rights.

        Publishers write such files in either order; in doubt the reservation counts.
        """
        path = _encoded(path)
        fitting = [rule for rule in self._rules if fits(rule[0], path)]
        if not fitting:
            return False
        return fitting[0][1] or max(fitting, key=lambda rule: len(rule[0]))[1]


def refusal(signals: Mapping[str, str]) -> str:
    """Return which of the recorded signals forbids training on a page, "" when none does."""
    for name in ("robots_ai", "tdmrep_reserved"):
        if name in signals:
            return f"{name}: {signals[name]}"
    for name in ("robots_content-usage", "robots_content-signal", "Content-Usage", "Content-Signal"):
        if name in signals and refuses(signals[name]):
            return f"{name}: {signals[name]}"
    # What stands in the page goes before the header of its response (TDMRep, section 6).
    reservation = signals.get("meta tdm-reservation", signals.get("TDM-Reservation", ""))
    if "1" in [said.strip() for said in reservation.split(",")]:  # it may stand there more than once
        return "tdm-reservation: 1"
    for name in ("X-Robots-Tag", "meta robots"):
        if "noai" in [word.strip().lower() for word in signals.get(name, "").split(",")]:
            return f"{name}: noai"
    return ""
