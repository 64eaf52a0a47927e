"""What a release gives of a record whose text may not be given on: a pointer with hashes, and the recipes beside it."""

from collections.abc import Iterator
from hashlib import sha256

import pyarrow as pa
import yaml

from datacards.card import Card, Ref
from datacards.store import Store

_SPANS = pa.list_(pa.struct([("id", pa.string()), ("start", pa.int64()), ("end", pa.int64())]))

#: The columns of documents without ``text`` and ``meta``, and what proves a text that was made again.
POINTER = pa.schema(
    [
        ("id", pa.string()),  # over format, source, url, section and text
        ("text_sha256", pa.string()),  # of the text in UTF-8, hexadecimal
        ("format", pa.string()),
        ("source", pa.string()),
        ("url", pa.string()),
        ("title", pa.string()),
        ("section", pa.string()),
        ("language", pa.string()),
        ("event_at", pa.date32()),
        ("published_at", pa.date32()),
        ("available_at", pa.date32()),
        ("captured_at", pa.timestamp("us", tz="UTC")),
        ("license", pa.string()),
        ("attribution", pa.string()),
        ("redistribution", pa.bool_()),
        ("made_from", _SPANS),
        ("n_chars", pa.int64()),
        ("cluster_size", pa.int64()),
        ("version", pa.string()),  # of the dataset that the record was in: name@version
    ]
)
_GIVEN = [name for name in POINTER.names if name not in ("text_sha256", "version")]


def pointer_table(table: pa.Table, version: str) -> pa.Table:
    """Return the pointers of the documents in ``table``, in order; ``version`` is the dataset they are in."""
    digests = [sha256(text.as_buffer()).hexdigest() for text in _texts(table["text"])]
    told = table.select(_GIVEN)
    told = told.append_column("text_sha256", pa.array(digests, pa.string()))
    told = told.append_column("version", pa.array([version] * len(table), pa.string()))
    return told.select(POINTER.names).cast(POINTER)


def _texts(column: pa.ChunkedArray) -> Iterator[pa.Scalar]:
    for chunk in column.chunks:
        yield from chunk


def recipes_below(store: Store, ref: Ref) -> dict[str, str]:
    """Return the recipes of ``ref`` and of every dataset version below it as YAML, by file name ``NAME@VERSION.yaml``."""
    found: dict[str, str] = {}
    waiting = [ref]
    while waiting:
        here = waiting.pop()
        if ":" in here.name or f"{here}.yaml" in found or not (digest := store.digest(here)):
            continue
        card = store.card(here)
        if card.kind == "dataset":
            found[f"{here}.yaml"] = recipe_text(card, digest)
            waiting.extend(card.made_from)
    return dict(sorted(found.items()))


def recipe_text(card: Card, digest: str = "") -> str:
    """Return what ``card`` says of how its version was made: ref, digest, kind, made_from, recipe, provenance.

    It names neither a command nor a time, so two builds of one recipe on one code say the same. ``digest`` is left
    out where there is none yet, as of a version in the making.
    """
    said = {
        "ref": f"{card.name}@{card.version}",
        "digest": digest,
        "kind": card.kind,
        "made_from": [one.model_dump() for one in card.made_from],
        "recipe": card.recipe,
        "provenance": {"commit": card.provenance.commit, "libraries": card.provenance.libraries},
    }
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=100)
