"""Card and profile -> the RAI properties of Croissant: how data was collected, changed, checked, and what it lacks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from datacards.card import Card, Rights
from datacards.errors import UserError
from datacards.render.header import of_texts
from datacards.render.sites import Sites
from datacards.rights import License, parts_of

Json = dict[str, Any]
Profile = Mapping[str, Any]


def responsible(card: Card, profile: Profile | None, found: Sites) -> Json:
    """Return the properties of https://mlcommons.org/croissant/RAI/1.0 that card, recipe, rights and profile tell."""
    held = profile or {}
    begun = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in found.captured or ()]
    return {
        "rai:dataCollection": _collection(card, found),
        "rai:dataCollectionType": ["Web Scraping"] if found.by_source else [],
        "rai:dataCollectionTimeframe": list(dict.fromkeys(begun)),
        "rai:dataCollectionRawData": "The responses as fetched are kept as WARC 1.1 in the captures that the version "
        "was derived from; made_from of every base document holds the SHA-256 of its response.",
        "rai:dataCollectionMissingData": _missing(card),
        "rai:dataPreprocessingProtocol": _preprocessing(card),
        "rai:dataManipulationProtocol": _manipulation(card.recipe),
        "rai:dataAnnotationProtocol": _annotation(card),
        "rai:machineAnnotationTools": _tools(card),
        "rai:annotationsPerItem": "no human labels",
        "rai:dataBiases": _biases(card, held),
        "rai:dataLimitations": _limitations(card, held),
        "rai:personalSensitiveInformation": _personal(card),
        "rai:dataUseCases": _uses(card),
        "rai:dataReleaseMaintenancePlan": "A version never changes; its files are listed with their SHA-256. "
        "Corrections, later captures and takedowns make a new version, which says what it was made from; a version "
        "that a takedown reached is named as withdrawn together with its successor.",
    }


def _collection(card: Card, found: Sites) -> str:
    inputs = ", ".join(str(ref) for ref in card.made_from) or "no recorded input"
    told = f"Made from {inputs}."
    if captures := card.counts.get("captures"):
        told += f" These hold {captures:,} captured responses."
    if found.by_source:
        told += f" The records come from {len(found.by_source):,} sources: {', '.join(found.by_source)}."
    return told


def _missing(card: Card) -> str:
    if not card.drops:
        return "Nothing was left out."
    left = sum(card.drops.values())
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(card.drops.items()))
    return (
        f"{left:,} were left out, by reason: {reasons}. Each is kept with its reason in the config dropped."
    )


def _chosen(recipe: Mapping[str, Any], name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield the entries of a list of a recipe, each a name or ``{name: options}``."""
    for entry in recipe.get(name) or ():
        for one, options in entry.items() if isinstance(entry, Mapping) else [(str(entry), {})]:
            yield str(one), options if isinstance(options, Mapping) else {}


def _with_options(name: str, options: Mapping[str, Any]) -> str:
    told = ", ".join(
        f"{key} {value}" for key, value in sorted(options.items()) if value not in (None, "", {}, [])
    )
    return f"{name} ({told})" if told else name


def _preprocessing(card: Card) -> list[str]:
    recipe = card.recipe
    told = [f"step {_with_options(name, options)}" for name, options in _chosen(recipe, "steps")]
    told += [
        _with_options(name, recipe[name])
        for name in ("repeats", "dedup", "decontamination")
        if recipe.get(name)
    ]
    if recipe.get("as_of"):
        told.append(f"only what a reader could have had on {recipe['as_of']}")
    below = sorted(file.path for file in card.files if file.path.startswith("recipes/"))
    if below:
        told.append(f"the recipes of this version and of all below it: {', '.join(below)}")
    return told


def _manipulation(recipe: Mapping[str, Any]) -> str:
    formats = [
        _with_options(name, options if isinstance(options, Mapping) else {})
        for name, options in _chosen(recipe, "formats")
    ]
    told = [f"Texts were rendered as: {'; '.join(formats)}."] if formats else []
    if holdout := recipe.get("holdout"):
        options = (
            _with_options("held out", holdout)
            if isinstance(holdout, Mapping)
            else f"held out: share {holdout}"
        )
        told.append(f"Records were split ({options}).")
    if restricted := recipe.get("restricted"):
        told.append(f"Records whose text may not be given on: {restricted}.")
    return " ".join(told)


def _annotation(card: Card) -> str:
    told = []
    if facts := card.counts.get("facts"):
        told.append(
            f"{facts:,} facts were read from what the sources themselves display, none was labeled by people."
        )
    if generator := card.recipe.get("generator"):
        options = card.recipe.get("options") or {}
        styles = ", ".join(map(str, card.recipe.get("styles") or ()))
        told.append(
            f"Questions ({styles}) were written by the generator {_with_options(str(generator), options)}; each names "
            "the characters that prove its answer, and what did not pass the checks is kept in the config dropped."
        )
    return " ".join(told)


def _tools(card: Card) -> list[str]:
    generator = card.recipe.get("generator")
    model = (card.recipe.get("options") or {}).get("model") if generator else None
    return [str(one) for one in (generator, model) if one]


def _shares(counts: Mapping[str, int]) -> str:
    whole = sum(counts.values())
    first = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:8]
    return ", ".join(f"{name or 'not told'} {number / whole:.1%}" for name, number in first)


def _biases(card: Card, profile: Profile) -> list[str]:
    by_source: Counter[str] = Counter()
    for part in profile.get("parts", ()):
        by_source[part["source"]] += part["rows"]
    named = {
        name[7:]: number for name, number in card.counts.items() if name.startswith("source_") and number
    }
    told = [f"Records by source: {_shares(by_source or named)}."] if by_source or named else []
    for dimension in ("year", "industry", "language"):
        values: Counter[str] = Counter()
        for group in profile.get("groups", {}).get(dimension, ()):
            values[group["value"]] += group["rows"]
        if values:
            told.append(f"Records by {dimension}: {_shares(values)}.")
    return told


def _limitations(card: Card, profile: Profile) -> list[str]:
    told = []
    if card.recipe.get("decontamination"):
        absent, touched = card.counts.get("tests_absent", 0), card.counts.get("test_items_touched", 0)
        told.append(
            f"Held against {card.counts.get('test_items', 0):,} items of evaluation tests, {touched:,} of which were "
            f"found again" + (f"; {absent:,} named tests were not at hand." if absent else ".")
        )
    if (marked := profile.get("marked", {}).get("pages_needing_ocr")) or card.recipe.get("ocr"):
        told.append(f"{marked or 'Some'} pages hold no text layer, or one that was recognized by a machine.")
    texts = _licenses(of_texts(card))
    for one in _licenses(card.rights):
        if one.id == "PDL-1.0":
            told.append(
                "Filings may hold what belongs to third parties; PDL 1.0 does not cover their rights."
            )
        if not one.redistribution:
            pointers = f"Of records under {one.id} only pointers are given."
            told.append(
                pointers if one not in texts else f"Records under {one.id} may not be given to others."
            )
    return told


def _licenses(held: Iterable[Rights]) -> list[License]:
    found: dict[str, License] = {}
    for rights in held:
        try:
            found |= {part.id: part for part in parts_of(rights.license)}
        except UserError:
            continue  # of a license that is unknown nothing is said but its name
    return [found[name] for name in sorted(found)]


def _personal(card: Card) -> list[str]:
    steps = dict(_chosen(card.recipe, "steps"))
    hits = {name[9:]: n for name, n in sorted(card.counts.items()) if name.startswith("personal_")}
    told = ["The sources are public; they name officers, speakers and authors, and these names stay."]
    if "personal" in steps:
        counted = ", ".join(f"{kind} {number:,}" for kind, number in hits.items()) or "none found"
        told.append(
            f"Found by pattern and treated as asked ({_with_options('personal', steps['personal'])}): {counted}."
        )
    elif "steps" in card.recipe:
        told.append("No step looked for addresses, telephone numbers or personal numbers.")
    return told


def _uses(card: Card) -> list[str]:
    splits = sorted(
        {f.path.split("/")[1].split("-")[0] for f in card.files if f.path.count("/") == 1 and f.rows}
    )
    told = ["Training of language models on Japanese financial texts."]
    if "test" in splits or "validation" in splits:
        told.append("Validation and testing on the splits that are held out.")
    if any(not one.commercial for one in _licenses(of_texts(card))):
        told.append("Not for commercial use as a whole: see usageInfo and the license of every record.")
    return told
