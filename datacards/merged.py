"""What a merge leaves in its version: how alike the task vectors are, tensor by tensor, and what is told of it."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from datacards.card import Card, Record, Ref

SIMILARITY = "similarity.json"  # one object per tensor, one line each
MERGED = "merge.json"
MAIN = ("domain", "instruct")  # the pair of arXiv 2409.19854, told first wherever it is there
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")

Roles = tuple[str, str]
Cosine = Annotated[float, Field(ge=-1, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Finite(Record):
    """A record whose numbers are numbers: JSON as others may write it holds NaN too."""

    model_config = ConfigDict(allow_inf_nan=False)


class Pair(Finite):
    """Two task vectors in one tensor; ``cosine`` is None where one of them is zero.

    ``signs_agree`` is the share of elements with the same sign among the ``moved`` that neither vector leaves at zero,
    None where there are none.
    """

    roles: Roles
    cosine: Cosine | None
    signs_agree: Share | None = None
    moved: int | None = None


class Similarity(Finite):
    """One tensor of fig. 4 in arXiv 2409.19854, with what each model changed of it.

    ``type`` is the name without its layer. ``norm_base`` and ``norms`` are Euclidean norms of the base and of the task
    vectors ``model - base`` by role; ``unchanged`` is the share of elements whose vector is 0.
    """

    tensor: str
    layer: int | None
    type: str
    n: int
    shape: tuple[int, ...] = ()
    norm_base: float | None = None
    norms: dict[str, float] = Field(default_factory=dict)
    unchanged: dict[str, Share] = Field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_three(cls, said: Any) -> Any:
        """Read the form of versions up to November 2026, which knew one pair, too."""
        if not isinstance(said, dict) or "norm_domain" not in said:
            return said
        pair = {"roles": MAIN, "cosine": said.get("cosine"), "signs_agree": said.get("signs_agree")}
        norms = {role: said.get(f"norm_{role}") for role in MAIN}
        kept = {key: said[key] for key in ("tensor", "layer", "type", "n") if key in said}
        return kept | {"norms": norms, "pairs": [pair]}

    def cosine(self, roles: Roles) -> float | None:
        """Return the cosine of two vectors, None where there is none."""
        return next((pair.cosine for pair in self.pairs if pair.roles == roles), None)


class Spread(Finite):
    """Mean, deviation (of the population), max and min of the cosines of some tensors: the numbers below fig. 4."""

    type: str = ""
    tensors: int
    mean: Cosine
    std: float
    max: Cosine
    min: Cosine


class Alike(Finite):
    """How alike two task vectors are: over all tensors, per type, and as one long vector (``whole``).

    ``mean_abs`` is the mean of the cosines without their signs, ``chance`` what two random directions would give for
    it; ``along`` says by how much of a vector's length the other one lies along it: the dot product over the square of
    its length. ``signs_agree`` counts all elements.
    """

    roles: Roles
    tensors: int
    spread: Spread | None
    types: tuple[Spread, ...] = ()
    mean_abs: Share | None = None
    chance: Share | None = None
    whole: Cosine | None = None
    along: dict[str, float] = Field(default_factory=dict)
    signs_agree: Share | None = None


class Vector(Finite):
    """One task vector: its length, as such and over that of the base, and the share of weights it leaves as they were.

    ``kept`` estimates how much of the cosines with it storage has left: 1 where nothing was rounded away.
    """

    role: str
    norm: float
    relative: float | None
    unchanged: Share
    kept: Share


class Method(Record):
    """A merge method that was used, and where it is described."""

    name: str
    title: str = ""
    link: str = ""


class Merged(Finite):
    """What a merge tells of itself, in ``merge.json``; ``independence`` and ``notes`` are sentences in plain English."""

    methods: tuple[Method, ...] = ()
    models: dict[str, Ref] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    independence: tuple[str, ...] = ()
    vectors: tuple[Vector, ...] = ()
    pairs: tuple[Alike, ...] = ()


def kind_of(name: str) -> str:
    """Return a tensor's type with every number in it as ``*``: the experts of a layer are of one kind."""
    return _NUMBER.sub("*", name)


def pairs_of(roles: Sequence[str]) -> list[Roles]:
    """Return all pairs in the order of the roles, that of the paper first."""
    found = list(combinations(roles, 2))
    return sorted(found, key=lambda pair: pair != MAIN)


def to_lines(rows: Sequence[Similarity]) -> str:
    """Return the text of ``similarity.json``: a list, one tensor a line."""
    lines = ",\n".join(json.dumps(row.model_dump(mode="json"), ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n"


def asked_of(card: Card) -> dict[str, Any]:
    """Return the merge recipe in the recipe of a merged checkpoint; that of an evolved one holds it as ``merge``."""
    inside = card.recipe.get("merge")
    return inside if isinstance(inside, dict) else card.recipe


def read_similarity(path: Path) -> list[Similarity]:
    """Return the tensors of a ``similarity.json``, in the present form or an earlier one; none where it is another's."""
    try:
        return TypeAdapter(list[Similarity]).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return []


def read_merged(path: Path) -> Merged | None:
    """Return what a ``merge.json`` says, None where there is none or where it is another's."""
    try:
        return Merged.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def main_pair(pairs: Mapping[Roles, float | None]) -> Roles | None:
    """Return the pair to tell of first: the paper's, else the one whose cosine is farthest from zero."""
    if MAIN in pairs:
        return MAIN
    return max(pairs, key=lambda pair: abs(pairs[pair] or 0.0), default=None)
