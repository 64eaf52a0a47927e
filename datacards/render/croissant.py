"""Card -> croissant.json: Croissant 1.1 with RAI, PROV-O and conditions of use, for machines that look for data."""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Card, File
from datacards.places import sha256_of
from datacards.render.header import of_texts
from datacards.render.prov import origin
from datacards.render.record_sets import Json, Schemas, identifier, record_sets, splits_of
from datacards.render.responsible import responsible
from datacards.render.sites import Sites, sites
from datacards.render.usage import license_links, usage

CROISSANT = "croissant.json"

# Appendix 1 of the specification 1.1 and what mlcroissant 1.1 expects beside it; then the vocabularies of section
# "Responsible AI and Governance".
_TERMS = (
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract",
    "field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath",
    "key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace",
    "samplingRate", "sdVersion", "separator", "source", "subField", "transform", "unArchive",
)  # fmt: skip
CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "cc": "http://creativecommons.org/ns#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "duo": "http://purl.obolibrary.org/obo/DUO_",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]


def croissant(card: Card, profile: Mapping[str, Any] | None, schema_of: Schemas, found: Sites) -> Json:
    """Return the Croissant 1.1 description of a dataset version as JSON-LD.

    ``profile`` is what ``profile.json`` holds, None where a version has none. ``schema_of`` gives the Arrow schema of
    one of its files by path, None for one that is no Parquet. ``found`` are the sites that its records name. Nothing
    in the result depends on when, where or by which command the version was made. It follows
    https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html and https://mlcommons.org/croissant/RAI/1.0.
    """
    sets = record_sets(card, schema_of)
    splits = [splits_of(sets)] if sets else []
    head: Json = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": card.name,
        "description": card.description or f"The dataset version {card.name}@{card.version}.",
        "url": "README.md",
        "identifier": f"{card.name}@{card.version}",
        "version": semantic(card.version),
        "datePublished": _published(card.version),
        "creator": {"@type": "sc:Organization", "name": "Kanagura"},
        "citeAs": cite(card),
        "isLiveDataset": False,
        "inLanguage": _languages(profile),
        "keywords": ["finance", "Japanese", *sorted({config.name for config in sets})],
        "license": license_links(of_texts(card)),
        "usageInfo": usage(card.rights, of_texts(card)),
        **responsible(card, profile, found),
        **origin(card, found),
        "distribution": [*_file_objects(card), *(config.files for config in sets)],
        "recordSet": [*splits, *(config.records for config in sets)],
    }
    return {key: value for key, value in head.items() if value not in (None, [], {}, "")}


def semantic(version: str) -> str:
    """Return ``2026.03.05.2`` as semantic versioning writes it: ``2026.3.5+2``."""
    year, month, day, *further = (int(part) for part in version.split("."))
    return f"{year}.{month}.{day}" + "".join(f"+{number}" for number in further)


def cite(card: Card) -> str:
    """Return how to cite a version, as BibTeX; the digest of its content tells it from any other."""
    key = re.sub(r"[^A-Za-z0-9]+", "_", f"{card.name}_{card.version}")
    title = f"{card.name} {card.version}".replace("_", r"\_")
    made = f"Kanagura {card.provenance.libraries.get('kanagura', '')}".strip()
    return (
        f"@misc{{{key},\n  title = {{{title}}},\n  author = {{{{{made}}}}},\n  year = {{{card.version[:4]}}},\n"
        f"  note = {{Dataset version {title.replace(' ', '@')}, SHA-256 of its content {card.content_digest}}}\n}}"
    )


def _published(version: str) -> str | None:
    try:
        return date(*(int(part) for part in version.split(".")[:3])).isoformat()
    except ValueError:  # a version may name a day that no calendar has
        return None


def _languages(profile: Mapping[str, Any] | None) -> list[str]:
    groups = (profile or {}).get("groups", {}).get("language", ())
    return sorted({group["value"] for group in groups if group["value"].isalpha()}) or ["ja"]


def _file_objects(card: Card) -> list[Json]:
    """Return every Parquet file with its hash and size."""
    return [
        {
            "@type": "cr:FileObject",
            "@id": identifier("distribution", *file.path.split("/")),
            "name": file.path,
            "contentUrl": quote(file.path),
            "contentSize": f"{file.bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": file.sha256,
        }
        for file in card.files
        if file.path.endswith(".parquet")
    ]


def text_of(description: Json) -> str:
    """Return the text of ``croissant.json``: equal descriptions give equal bytes."""
    return json.dumps(description, ensure_ascii=False, indent=1) + "\n"


def with_croissant(card: Card, folder: Path) -> Card:
    """Write ``croissant.json`` of a dataset version in ``folder`` and return the card that lists it.

    Other kinds, and a version without a Parquet file, have no records to describe: their card comes back as it is.
    """
    path = folder / CROISSANT
    others = tuple(file for file in card.files if file.path != CROISSANT)
    path.unlink(missing_ok=True)
    card = card.model_copy(update={"files": others})
    if card.kind != "dataset" or not any(file.path.endswith(".parquet") for file in others):
        return card
    profile = folder / "profile.json"
    told = json.loads(profile.read_bytes()) if profile.is_file() else None
    names = [file.path for file in others]
    made = croissant(card, told, lambda name: _schema(folder / name), sites(folder, names))
    path.write_text(text_of(made), encoding="utf-8")
    listed = File(path=CROISSANT, bytes=path.stat().st_size, sha256=sha256_of(path))
    return card.model_copy(update={"files": tuple(sorted((*others, listed), key=lambda file: file.path))})


def _schema(path: Path) -> pa.Schema | None:
    try:
        return pq.read_schema(path)
    except pa.ArrowInvalid:
        return None  # a file by that name that is no Parquet is listed, but has no columns to describe
