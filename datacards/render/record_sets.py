"""The record sets of a Croissant description: which files and columns every config of a version has."""

import re
from collections.abc import Callable, Sequence
from glob import escape
from typing import Any, NamedTuple
from urllib.parse import quote

import pyarrow as pa

from datacards.card import Card
from datacards.render.header import configs

Json = dict[str, Any]
Schemas = Callable[[str], pa.Schema | None]
SPLITS = "_splits"  # a name begins with a letter or a digit, so no config or source is called so
_SPLITS = {"train": "TrainingSplit", "validation": "ValidationSplit", "test": "TestSplit"}
#: What a column of documents means in vocabularies that others know: rights and provenance of every single record.
_EQUIVALENT = {
    "url": "sc:url",
    "title": "sc:headline",
    "language": "sc:inLanguage",
    "published_at": "sc:datePublished",
    "license": "sc:license",
    "attribution": "sc:creditText",
    "made_from": "prov:wasDerivedFrom",
}


class Config(NamedTuple):
    """One config: the set of its files, its records, and the splits it has."""

    name: str
    files: Json
    records: Json
    splits: tuple[str, ...]


def identifier(*parts: str) -> str:
    """Return an identifier inside of the description: a relative IRI, whatever a name holds."""
    return "/".join(quote(part, safe="") for part in parts)


def record_sets(card: Card, schema_of: Schemas) -> list[Config]:
    """Return every config of the card whose first file opens as Parquet, with its files and its records."""
    found = []
    for config in configs(card):
        name = str(config["config_name"])
        listed = config["data_files"]
        paths: list[str] = []
        splits: list[str] = []
        for one in listed if isinstance(listed, list) else []:
            paths += [one["path"]] if isinstance(one["path"], str) else one["path"]
            splits.append(one["split"])
        schema = schema_of(paths[0]) if paths else None
        if schema is not None:
            found.append(_config(name, sorted(paths), tuple(splits), schema))
    return found


def _config(name: str, paths: Sequence[str], splits: tuple[str, ...], schema: pa.Schema) -> Config:
    file_set = identifier("distribution", f"{name}.files")
    fields = [
        field_of(
            (name, column.name), column, {"fileSet": {"@id": file_set}, "extract": {"column": column.name}}
        )
        for column in schema
    ]
    of_split: Json = {
        "@type": "cr:Field",
        "@id": identifier(name, "split" if "split" not in schema.names else "split_of_file"),
        "name": "split",
        "description": "The split that the record is in.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": file_set},
            "extract": {"fileProperty": "filename"},
            "transform": {"regex": _split_in(paths, splits)},
        },
        "references": {"field": {"@id": f"{SPLITS}/name"}},
    }
    records: Json = {
        "@type": "cr:RecordSet",
        "@id": identifier(name),
        "name": name,
        "description": f"The records of the config {name}, one for every row of its files.",
        "field": [of_split, *fields],
    }
    if "id" in schema.names and "text" in schema.names:
        records["key"] = {"@id": identifier(name, "id")}
    files: Json = {
        "@type": "cr:FileSet",
        "@id": file_set,
        "name": f"{name}.files",
        "description": f"The Parquet files of the config {name}, beside this description.",
        "encodingFormat": "application/x-parquet",
        "includes": [escape(path) for path in paths],
    }
    return Config(name, files, records, splits)


def _split_in(paths: Sequence[str], splits: Sequence[str]) -> str:
    """Return the expression that finds the split in a file's name ``SPLIT-NNNNN`` or ``SPLIT-SOURCE-NNNNN``.

    mlcroissant makes a pattern of it when it looks for the files of one split, and takes what it found through it once
    more: so it names the source of files that have one alone, and lets a bare split match.
    """
    parts = [path.rpartition("/")[2].split("-", 2)[1:] for path in paths]
    sources = {part[0] if len(part) == 2 else "" for part in parts}
    behind = f"-{re.escape(min(sources))}" if len(sources) == 1 and min(sources) else ""
    return f"^({'|'.join(map(re.escape, splits))})(?:{behind}-.+)?$"


def field_of(place: tuple[str, ...], column: pa.Field, source: Json) -> Json:
    """Return the description of a column, or of a part of one; ``source`` says where its values are."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    inner = kind.value_type if listed else kind
    said: Json = {"@type": "cr:Field", "@id": identifier(*place), "name": column.name}
    if told := (column.metadata or {}).get(b"description", b"").decode("utf-8", "replace"):
        said["description"] = told
    if listed:
        said |= {"isArray": True, "arrayShape": "-1"}
    if len(place) == 2 and column.name in _EQUIVALENT:
        said["equivalentProperty"] = _EQUIVALENT[column.name]
    if not pa.types.is_struct(inner):
        return said | {"dataType": data_type(inner), "source": source}
    parts = []
    for part in inner:
        inside = {**source, "transform": {"jsonPath": part.name}}
        parts.append(field_of((*place, part.name), part, inside))
    return said | {"subField": parts}


def data_type(kind: pa.DataType) -> str:
    """Return the data type of Croissant for an Arrow type that is neither a list nor a struct."""
    types = pa.types
    known = (
        (types.is_boolean, "sc:Boolean"),
        (types.is_integer, "sc:Integer"),
        (types.is_floating, "sc:Float"),
        (types.is_date, "sc:Date"),
        (types.is_timestamp, "sc:DateTime"),
    )
    return next((name for suits, name in known if suits(kind)), "sc:Text")


def splits_of(sets: Sequence[Config]) -> Json:
    """Return the record set that names the splits and says what each is for, as the specification asks."""
    names = sorted(
        {split for config in sets for split in config.splits}, key=lambda name: (name != "train", name)
    )
    return {
        "@type": "cr:RecordSet",
        "@id": SPLITS,
        "name": SPLITS,
        "description": "The splits: what is trained on, and what is held out.",
        "dataType": "cr:Split",
        "key": {"@id": f"{SPLITS}/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"{SPLITS}/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": f"{SPLITS}/url", "name": "url", "dataType": ["sc:URL", "cr:Split"]},
        ],
        "data": [
            {f"{SPLITS}/name": name, f"{SPLITS}/url": f"cr:{_SPLITS.get(name, 'Split')}"} for name in names
        ],
    }
