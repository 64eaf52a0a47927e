"""Card -> PROV-O: what a version was derived from, by which activity, and to whom its records are owed."""

import json
from typing import Any

from datacards.card import Card, Ref
from datacards.render.sites import Sites

Json = dict[str, Any]


def origin(card: Card, found: Sites) -> Json:
    """Return the properties of PROV-O (https://www.w3.org/TR/prov-o/) of a version.

    Every input is named with the SHA-256 of its card, which in turn lists the hashes of its files and inputs.
    """
    return {
        "prov:wasDerivedFrom": [_input(ref) for ref in card.made_from],
        "prov:wasGeneratedBy": _activity(card),
        "prov:wasAttributedTo": [
            {"@type": "prov:Agent", "prov:label": source, "url": list(named)}
            for source, named in found.by_source.items()
        ],
    }


def _input(ref: Ref) -> Json:
    said: Json = {"@type": "prov:Entity", "prov:label": str(ref), "identifier": str(ref)}
    return said | ({"sha256": ref.digest} if ref.digest else {})


def _activity(card: Card) -> Json:
    """Return the run: recipe, code and libraries; never when, where or by which command it ran."""
    made = card.provenance
    libraries = [
        {"@type": "sc:SoftwareApplication", "name": name, "softwareVersion": version}
        for name, version in sorted({"Python": made.python, **made.libraries}.items())
        if name != "kanagura" and version
    ]
    agent: Json = {"@type": "prov:SoftwareAgent", "prov:label": "Kanagura"}
    if version := made.libraries.get("kanagura"):
        agent["softwareVersion"] = version
    if made.commit:
        agent["identifier"] = f"git commit {made.commit}" + (" with local changes" if made.dirty else "")
    recipe = {
        "@type": ["prov:Plan", "prov:Entity"],
        "prov:label": "recipe",
        "encodingFormat": "application/json",
        "text": json.dumps(card.recipe, ensure_ascii=False, sort_keys=True),
    }
    return {
        "@type": "prov:Activity",
        "prov:label": f"made {card.name}@{card.version}",
        "prov:wasAssociatedWith": agent,
        "prov:used": [recipe, *libraries],
    }
