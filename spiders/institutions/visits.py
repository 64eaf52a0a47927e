"""Which sites are due: how long ago a finished crawl visited them, and how often they want to be visited."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from datacards.card import Card
from datacards.store import Store
from spiders.institutions.site import Site

NAME = "institutions"
VISITED = "site "  # the counts of a crawl's card that begin so say how many pages of a site were read
_OF_NO_BEARING = {"description", "license", "cadence"}  # on which pages a visit captures


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
    counts when it was made by the same rules and for all the kinds that are wanted now.
    """
    wanted = {site.name: site for site in sites}
    seen: dict[str, tuple[str, datetime]] = {}
    for ref in reversed(store.refs(NAME)):
        if seen.keys() >= wanted.keys():
            break
        card = store.card(ref)
        for site in wanted.values():
            if card.counts.get(VISITED + site.name) and _covers(card, site, kinds):
                seen.setdefault(site.name, (str(ref), card.created_at))
    return [_decided(site, seen.get(site.name), now, ignore=ignore) for site in wanted.values()]


def _covers(card: Card, site: Site, kinds: tuple[str, ...]) -> bool:
    then = set(card.recipe.get("kinds", ()))
    files = (given for given in card.recipe.get("sites", ()) if given.get("name") == site.name)
    by_same_rules = any(_rules(given) == _rules(site.model_dump(mode="json")) for given in files)
    return by_same_rules and (not then or (bool(kinds) and then >= set(kinds)))


def _rules(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _OF_NO_BEARING}


def _decided(site: Site, last: tuple[str, datetime] | None, now: datetime, *, ignore: bool) -> Visit:
    if last is None:
        return Visit(site.name, due=True, why="no finished version has visited it by these rules")
    version, at = last
    days = (now - at).days
    said = f"{version} visited it {days} days ago"
    if ignore:
        return Visit(site.name, due=True, why=f"{said}, and cadence=ignore", last=version)
    if site.cadence is None:
        return Visit(site.name, due=True, why=f"{said}, and it has no cadence", last=version)
    why = f"{said}, and its cadence is {site.cadence.days} days"
    return Visit(site.name, due=days >= site.cadence.days, why=why, last=version)
