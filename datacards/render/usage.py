"""Rights -> conditions of use that machines can read: license links and ODRL offers with terms of DUO."""

from collections.abc import Sequence
from typing import Any

from datacards.card import Rights
from datacards.errors import UserError
from datacards.rights import License, mixed, parts_of

Json = dict[str, Any]


def license_links(rights: Sequence[Rights]) -> list[str]:
    """Return the addresses of all licenses, in order of their names; the name itself of one that is unknown."""
    links: list[str] = []
    for one in sorted(rights, key=lambda right: right.license):
        links += [part.url for part in _known(one.license)] or [one.license]
    return list(dict.fromkeys(links))


def usage(rights: Sequence[Rights], given: Sequence[Rights]) -> list[Json]:
    """Return one ODRL offer for the records of every license, and a term of DUO for the texts that are ``given``.

    https://www.w3.org/TR/odrl-vocab/ and, for the terms, http://purl.obolibrary.org/obo/duo.owl.
    """
    offers = [_offer(one) for one in sorted(rights, key=lambda right: right.license)]
    known = [one.license for one in given if _known(one.license)]
    if known and not mixed(known).commercial:
        offers.append(
            {
                "@type": "sc:DefinedTerm",
                "name": "non-commercial use only, taken as a whole",
                "termCode": "DUO_0000046",
                "url": "http://purl.obolibrary.org/obo/DUO_0000046",
            }
        )
    return offers


def _known(name: str) -> tuple[License, ...]:
    try:
        return parts_of(name)
    except UserError:
        return ()


def _offer(rights: Rights) -> Json:
    parts = _known(rights.license)
    permitted, forbidden = ["odrl:read", "odrl:index"], list[str]()
    terms = mixed([rights.license]) if parts else None
    for action, may in (
        ("odrl:distribute", bool(terms and terms.redistribution and rights.redistribution)),
        ("odrl:derive", bool(terms and terms.derivatives)),
        ("cc:CommercialUse", bool(terms and terms.commercial)),
    ):
        (permitted if may else forbidden).append(action)
    duties = ["odrl:attribute"] if terms is None or terms.credit else []
    if terms and terms.share_alike:
        duties.append("cc:ShareAlike")
    told: Json = {
        "@type": ["sc:CreativeWork", "odrl:Offer"],
        "name": rights.license,
        "description": f"{rights.records} records; credit: {rights.attribution}",
        "url": [part.url for part in parts],
        "identifier": " AND ".join(part.spdx for part in parts),
        "odrl:permission": _rules("odrl:Permission", permitted, duties),
        "odrl:prohibition": _rules("odrl:Prohibition", forbidden, []),
    }
    return {key: value for key, value in told.items() if value}


def _rules(kind: str, actions: Sequence[str], duties: Sequence[str]) -> list[Json]:
    made: list[Json] = []
    for action in actions:
        rule: Json = {"@type": kind, "odrl:action": {"@id": action}}
        if action in ("odrl:distribute", "odrl:derive") and duties:
            rule["odrl:duty"] = [{"@type": "odrl:Duty", "odrl:action": {"@id": duty}} for duty in duties]
        made.append(rule)
    return made
