"""Reads what publishers say about machine use of their pages: robots.txt lines, HTTP headers, TDMRep files.

Nothing here asks or decides; ``spiders.signals`` does. Followed: RFC 9309 (groups and paths of robots.txt), the IETF
aipref drafts (``Content-Usage``), the content-signals policy lines (``Content-Signal``), and the TDM Reservation
Protocol (W3C community report, 2024-05-10).
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

#: Crawlers that gather text for training models; a publisher who forbids one of them a page speaks of that use.
AI_AGENTS = (
    "AI2Bot", "Amazonbot", "anthropic-ai", "Applebot-Extended", "Bytespider", "CCBot", "ClaudeBot",
    "cohere-training-data-crawler", "Google-Extended", "GPTBot", "Meta-ExternalAgent",
)  # fmt: skip
_USAGE = ("train-genai", "train-ai", "bots")  # the narrowest category that is stated decides
_SIGNAL = ("ai-train",)
_MAX_RULES = 2000  # of a file that may be hostile


class Line(NamedTuple):
    """One preference in a robots.txt: ``kind`` is content-usage or content-signal, ``path`` where it holds."""

    kind: str
    path: str
    value: str


def refuses(value: str, categories: Iterable[str] = (*_USAGE, *_SIGNAL)) -> bool:
    """Return whether ``train-ai=n, search=y`` or ``ai-train=no`` forbids training; False where it says nothing."""
    stated = {}
    for item in value.split(","):
        name, _, said = item.partition("=")
        stated[name.strip().lower()] = said.partition(";")[0].strip().lower()
    first = next((stated[name] for name in categories if stated.get(name) in ("y", "n", "yes", "no")), "y")
    return first in ("n", "no")


def robots_lines(text: str, agent: str) -> list[Line]:
    """Return the preference lines of a robots.txt that hold for ``agent``: those of its group, else of ``*``.

    Lines in front of every group hold for all.
    """
    everyone: list[Line] = []
    groups: dict[str, list[Line]] = {}
    current, naming = [everyone], False
    for raw in text.splitlines():
        field, colon, value = raw.partition("#")[0].partition(":")
        name, value = field.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            current = (current if naming else []) + [groups.setdefault(value.lower(), [])]
            naming = True
            continue
        naming = False
        if name in ("content-usage", "content-signal"):
            for lines in current:
                if len(lines) < _MAX_RULES:
                    lines.append(_line(name, value))
    own = [lines for named, lines in groups.items() if named != "*" and named and named in agent.lower()]
    return [*everyone, *(line for lines in own or [groups.get("*", [])] for line in lines)]


def _line(kind: str, value: str) -> Line:
    path, rest = "/", value
    if value.startswith(("/", "*")):
        path, _, rest = value.partition(" ")
    return Line(kind, path, rest.strip())


def at_path(lines: Iterable[Line], path: str) -> dict[str, str]:
    """Return, for each kind, the value of the line with the longest pattern that fits ``path`` (RFC 9309, 2.2.2)."""
    found: dict[str, Line] = {}
    for line in lines:
        longest = found.get(line.kind)
        if (longest is None or len(line.path) >= len(longest.path)) and fits(line.path, path):
            found[line.kind] = line
    return {kind: line.value for kind, line in found.items()}


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
            (str(rule["location"]), str(rule["tdm-reservation"]).strip() == "1")
            for rule in rules[:_MAX_RULES]
            if isinstance(rule, dict) and "location" in rule and "tdm-reservation" in rule
        ]

    def reserved(self, path: str) -> bool:
        """Return whether the first rule that fits ``path``, or the most specific one, reserves the rights.

        Publishers write such files in either order; in doubt the reservation counts.
        """
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
    reservation = signals.get("meta tdm-reservation", signals.get("TDM-Reservation", "")).strip()
    if reservation == "1":
        return "tdm-reservation: 1"
    for name in ("X-Robots-Tag", "meta robots"):
        if "noai" in [word.strip().lower() for word in signals.get(name, "").split(",")]:
            return f"{name}: noai"
    return ""
