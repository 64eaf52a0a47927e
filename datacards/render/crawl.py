"""The report of a crawl in the README of its captures: what came, what it was, what publishers said, what it cost."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from datacards.card import Card

#: The beginning of a count's name -> the heading of its column.
_GROUPS = {
    "kind ": "what it is",
    "status ": "HTTP status",
    "media_type ": "media type",
    "signal ": "what publishers said of machines",
    "skipped ": "listed, but passed over",
}
_SUMMARY = {
    "captures": "captures",
    "captures_new": "with new bytes",
    "captures_unchanged": "unchanged, asked again",
    "captures_carried": "unchanged, not asked again",
    "kept_aside": "kept aside (no good document)",
    "disallowed": "not captured: unwanted by the publisher",
    "failed": "not captured: failed",
    "incomplete": "missing, and worth another try",
    "requests": "requests of the last run",
    "bytes_downloaded": "bytes downloaded by the last run",
    "bytes_new": "bytes of new bodies",
}
Table = Callable[[Iterable[str], Iterable[Iterable[object]]], str]


def crawl_report(card: Card, table: Table) -> list[str]:
    """Return the paragraphs of the report; every number is a count of the card."""
    groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    rest = []
    for name, number in sorted(card.counts.items()):
        group = next((start for start in _GROUPS if name.startswith(start)), "")
        if group:
            groups[group].append((name.removeprefix(group), number))
        elif name not in _SUMMARY:
            rest.append((name.replace("_", " "), number))
    lacking = card.counts.get("incomplete", 0)
    end = f"**Incomplete: {lacking:,} captures are missing.**" if lacking else "Complete."
    told = [(said, card.counts[name]) for name, said in _SUMMARY.items() if name in card.counts]
    parts = ["## The crawl", end, table(["what", "number"], told)]
    parts += [table([_GROUPS[start], "captures"], rows) for start, rows in groups.items()]
    return [*parts, table(["counted besides", "number"], rest)] if rest else parts
