"""The recipes that a release carries: how it, every dataset below it and their captures were made, as YAML."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from pydantic import Field

from datacards.card import Card, Kind, Record, Ref
from datacards.store import Store

_INDEX = "captures.parquet"


class Code(Record):
    """The code that made a version."""

    commit: str = ""
    libraries: dict[str, str] = Field(default_factory=dict)


class Told(Record):
    """What one recipe file says of a version; ``sources`` only of captures: the series that they hold."""

    ref: str
    digest: str = ""
    kind: Kind
    made_from: tuple[Ref, ...] = ()
    recipe: dict[str, Any] = Field(default_factory=dict)
    provenance: Code = Code()
    sources: tuple[str, ...] = ()


def recipes_below(store: Store, ref: Ref) -> dict[str, str]:
    """Return the recipes of ``ref``, of every dataset below it and of their captures, by file name ``NAME-VERSION.yaml``.

    Earlier captures that only hold bodies of these are left out.
    """
    found: dict[str, str] = {}
    waiting = [ref]
    while waiting:
        here = waiting.pop()
        if (
            ":" in here.name
            or f"{here.name}-{here.version}.yaml" in found
            or not (digest := store.digest(here))
        ):
            continue
        card = store.card(here)
        index = store.path(store.standing(here), _INDEX) if card.kind == "captures" else None
        found[f"{here.name}-{here.version}.yaml"] = recipe_text(
            card, digest, _sources(index) if index and index.is_file() else ()
        )
        if card.kind == "dataset":
            waiting.extend(card.made_from)
    return dict(sorted(found.items()))


def recipe_text(card: Card, digest: str = "", sources: tuple[str, ...] = ()) -> str:
    """Return what ``card`` says of how its version was made: ref, digest, kind, made_from, recipe, provenance.

    It names neither a command nor a time nor the addresses of mirrors, so two builds of one recipe on one code say
    the same. ``digest`` is left out where there is none yet, as of a version in the making.
    """
    told = Told(
        ref=f"{card.name}@{card.version}",
        digest=digest,
        kind=card.kind,
        made_from=card.made_from if card.kind == "dataset" else (),
        recipe={name: value for name, value in card.recipe.items() if name != "base_urls"},
        provenance=Code(commit=card.provenance.commit, libraries=card.provenance.libraries),
        sources=sources,
    )
    said = told.model_dump(mode="json", exclude={"sources"} if card.kind != "captures" else None)
    return yaml.dump(said, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100)


class _Plain(yaml.SafeDumper):
    """Writes no anchors, which readers of a foreign file refuse."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _sources(index: Path) -> tuple[str, ...]:
    found: set[str] = set()
    with pq.ParquetFile(index) as file:
        for batch in file.iter_batches(columns=["source"]):
            found.update(pc.unique(batch["source"]).to_pylist())
    return tuple(sorted(found))
