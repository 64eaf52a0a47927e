"""Which sites are due: how long ago a finished crawl visited them, and how often they want to be visited."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from datacards.card import Card
from datacards.lineage import read_jsonl
from datacards.provenance import without_folders
from datacards.store import Store
from spiders.failures import FINAL, UNWANTED
from spiders.institutions.site import Site

NAME = "institutions"
VISITED = "site "  # the counts of a crawl's card that begin so say how many pages of a site were read
_LASTING = UNWANTED | FINAL  # failures that another visit would not mend
_OF_NO_BEARING = {"description", "license", "cadence"}  # on which pages a visit captures


class _Last(NamedTuple):
    version: str
    at: datetime
    lacking: int  # captures of the site that may be had another time


class Visit(NamedTuple):
    """What was decided for a site: ``due`` or not, and ``why``; ``last`` is the newest version that visited it."""

    site: str
    due: bool
    why: str
    last: str = ""


def plan(
    sites: Iterable[Site], kinds: tuple[str, ...], store: Store, now: datetime, *, ignore: bool
) -> list[Visit]:
    """Return a decision for every site, by the cards of the finished crawls in ``store``.

    ``kinds`` are those that are wanted, none for all; ``now`` is aware; with ``ignore`` every site is due. A visit
    counts when it was made by the same rules and for all the kinds that are wanted now, and when it got everything:
    a site that was down, or of which a page failed, is due whatever its cadence.
    """
    wanted = {site.name: site for site in sites}
    seen: dict[str, _Last] = {}
    withdrawn = store.withdrawn()
    for ref in reversed([one for one in store.refs(NAME) if str(one) not in withdrawn]):
        if seen.keys() >= wanted.keys():
            break
        card, failures = store.card(ref), _failures(store.path(ref, "failures.jsonl"))
        for site in wanted.values():
            if site.name in seen or not _covers(card, site, kinds):
                continue
            base = card.recipe.get("base_urls", {}).get(site.key)
            lacking = sum(url.startswith(f"{base}/") for url in failures)
            if lacking or card.counts.get(VISITED + site.name):
                seen[site.name] = _Last(str(ref), card.created_at, lacking)
    return [_decided(site, seen.get(site.name), now, ignore=ignore) for site in wanted.values()]


def _covers(card: Card, site: Site, kinds: tuple[str, ...]) -> bool:
    then = set(card.recipe.get("kinds", ()))
    files = (given for given in card.recipe.get("sites", ()) if given.get("name") == site.name)
    by_same_rules = any(_rules(given) == _rules(site.model_dump(mode="json")) for given in files)
    return by_same_rules and (not then or (bool(kinds) and then >= set(kinds)))


def _failures(path: Path) -> list[str]:
    rows = read_jsonl(path)
    return [row["url"] for row in rows if row["reason"] not in _LASTING]


def _rules(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _as_in_a_card(value) for name, value in given.items() if name not in _OF_NO_BEARING}


def _as_in_a_card(value: Any) -> Any:
    # A card names no folder of a machine, and "/", where many sites begin, is one.
    if isinstance(value, dict):
        return {name: _as_in_a_card(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_in_a_card(one) for one in value]
    return without_folders(value) if isinstance(value, str) else value


def _decided(site: Site, last: _Last | None, now: datetime, *, ignore: bool) -> Visit:
    if last is None:
        return Visit(site.name, due=True, why="no finished version has visited it by these rules")
    version, at, lacking = last
    days = (now - at).days
    said = f"{version} visited it {days} days ago"
    if ignore:
        return Visit(site.name, due=True, why=f"{said}, and cadence=ignore", last=version)
    if lacking:
        return Visit(site.name, due=True, why=f"{said}, and lacks {lacking} of its pages", last=version)
    if site.cadence is None:
        return Visit(site.name, due=True, why=f"{said}, and it has no cadence", last=version)
    why = f"{said}, and its cadence is {site.cadence.days} days"
    return Visit(site.name, due=days >= site.cadence.days, why=why, last=version)
