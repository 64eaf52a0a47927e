"""How often each document of the corpora is read: what is left out, held out, read more or less often, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from datacards.errors import UserError
from datacards.profile.blocks import blocks
from train.base import Shard
from train.data import drawn
from train.data.clauses import Clause, Clauses, Mask, clauses
from train.recipe import TrainRecipe

HOLDS_OUT = drawn.key("held out")  # whatever the seed: runs that are compared hold out the same pages


@dataclass
class Chosen:
    """How many documents are left out and why, whose those are that are trained on, and under which licenses.

    ``documents`` counts what is trained on by format and source, ``held_out`` what is measured. ``licenses`` is None when the
    files do not say of every document under which license it is.
    """

    left_out: Counter[str] = field(default_factory=Counter)
    documents: Counter[tuple[str, str]] = field(default_factory=Counter)
    licenses: Counter[str] | None = field(default_factory=Counter)
    held_out: int = 0

    @property
    def sources(self) -> Counter[str]:
        """The documents that are trained on, by source."""
        return self._by(1)

    @property
    def formats(self) -> Counter[str]:
        """The documents that are trained on, by format."""
        return self._by(0)

    def _by(self, part: int) -> Counter[str]:
        found: Counter[str] = Counter()
        for names, n in self.documents.items():
            found[names[part]] += n
        return found

    def leave(self, reason: str, rows: Mask) -> None:
        """Count rows that are left out."""
        if n := int(np.count_nonzero(rows)):
            self.left_out[reason] += n


def prepare(recipe: TrainRecipe, shards: Sequence[Shard]) -> tuple[tuple[Shard, ...], Chosen]:
    """Return the shards with how often each row is read and which are held out, and what that leaves out.

    Of each file the columns that the recipe names are read, a bounded block at a time; memory is 5 bytes a document, and none
    where nothing is asked. A document is first chosen by ``only`` and ``without``, then held out with its page or not, then taken by
    ``fraction``, then weighed by ``mixture``. Replayed files are held out from alike, and otherwise whole.

    Raises UserError for a value that fits no document, for a choice that leaves none, and where the recipe and the
    versions that are given do not agree on replay and validation.
    """
    _agree(recipe, shards)
    choice = _Choice(recipe)
    chosen = Chosen()
    total = sum(shard.rows for shard in shards)
    with tqdm(total=total, desc="choosing", unit=" documents", disable=None) as bar:
        found = tuple(choice.judged(shard, chosen, bar) for shard in shards)
    choice.clauses.check([shard for shard in shards if not (shard.replay or shard.validation)])
    _check_left(recipe, found, chosen)
    return found, chosen


def _agree(recipe: TrainRecipe, shards: Sequence[Shard]) -> None:
    replayed, measured = any(one.replay for one in shards), any(one.validation for one in shards)
    if recipe.replay and not replayed:
        raise UserError("replay", "no version to replay is given", "--replay NAME@VERSION", "name one")
    if replayed and not recipe.replay:
        todo = "say which share of all tokens it is to be"
        raise UserError("--replay", "the recipe says nothing of it", "replay: {share: 0.05}", todo)
    if measured and not recipe.validation:
        todo = "say what is to be measured"
        raise UserError("--validate", "the recipe says nothing of it", "validation: {tokens: 200000}", todo)
    if recipe.validation and not recipe.validation.share and not measured:
        told = "holds out nothing, and no version to measure is given"
        raise UserError("validation", told, "a share above 0, or --validate NAME@VERSION", "say one")


def _check_left(recipe: TrainRecipe, shards: Sequence[Shard], chosen: Chosen) -> None:
    own = [shard for shard in shards if not (shard.replay or shard.validation)]
    if not any(shard.n for shard in own):
        asked = [
            name for name in ("only", "without", "validation", "fraction", "mixture") if _asks(recipe, name)
        ]
        raise UserError(
            ", ".join(asked) or "train",
            f"leave none of {sum(shard.rows for shard in own):,} documents",
            "some must be left to train on",
            "correct the recipe",
        )
    if recipe.validation and not chosen.held_out:
        told = f"share = {recipe.validation.share} holds out none of {sum(shard.rows for shard in own):,} documents"
        raise UserError("validation", told, "some must be measured", "hold out a larger share")


def _asks(recipe: TrainRecipe, name: str) -> bool:
    return bool(
        getattr(recipe, name) != type(recipe).model_fields[name].get_default(call_default_factory=True)
    )


class _Choice:
    """What a recipe says of every document."""

    def __init__(self, recipe: TrainRecipe) -> None:
        self.only = clauses(recipe.only, "only")
        self.without = clauses(recipe.without, "without")
        self.mixture = [
            (clauses(one.where, f"mixture.{number}.where"), one.times)
            for number, one in enumerate(recipe.mixture)
        ]
        weighed = [clause for entry, _ in self.mixture for clause in entry]
        self.clauses = Clauses([*self.only, *self.without, *weighed])
        self.share = recipe.validation.share if recipe.validation else 0.0
        self.fraction, self.takes = recipe.fraction, drawn.key("fraction", recipe.seed)

    def judged(self, shard: Shard, chosen: Chosen, bar: "tqdm[None]") -> Shard:
        """Return a shard with the times of its rows; count what is left out and what is read."""
        if shard.validation:
            chosen.held_out += shard.rows
            bar.update(shard.rows)
            return replace(shard, times=np.zeros(shard.rows, np.float32), held_out=np.ones(shard.rows, bool))
        columns = {"source", "license"}
        columns |= {"url", "id"} if self.share or self.fraction < 1 else set()
        columns |= set() if shard.replay else set(self.clauses.columns(shard))
        times, held, at = [np.zeros(0, np.float32)], [np.zeros(0, bool)], 0
        for block in blocks(shard.path, sorted(columns)):
            pages = drawn.pages(block, shard.sha256, at) if "url" in columns else np.zeros(0, np.uint64)
            fits = {} if shard.replay else self.clauses.fit(block, shard)
            one, out = self._rows(block.num_rows, pages, fits, chosen, whole=shard.replay)
            times.append(one)
            held.append(out)
            _count(block, shard, one > 0, chosen)
            at += block.num_rows
            bar.update(block.num_rows)
        all_times, all_held = np.concatenate(times), np.concatenate(held)
        chosen.held_out += int(np.count_nonzero(all_held))
        return replace(
            shard,
            times=None if np.all(all_times == 1) else all_times,
            held_out=all_held if all_held.any() else None,
        )

    def _rows(
        self, n: int, pages: drawn.Numbers, fits: Mapping[Clause, Mask], chosen: Chosen, *, whole: bool
    ) -> tuple[NDArray[np.float32], Mask]:
        """Return how often rows are read, and which are held out."""
        stay = np.ones(n, bool)
        if not whole:
            for clause, wanted in [
                *((one, True) for one in self.only),
                *((one, False) for one in self.without),
            ]:
                fit = fits[clause] == wanted
                chosen.leave(f"{'only' if wanted else 'without'}_{clause.key}", stay & ~fit)
                stay &= fit
        held = stay & (drawn.uniform(pages, HOLDS_OUT) < self.share) if self.share else np.zeros(n, bool)
        chosen.leave("held_out", held)
        stay &= ~held
        if whole:
            return stay.astype(np.float32), held
        if self.fraction < 1:
            taken = drawn.uniform(pages, self.takes) < self.fraction
            chosen.leave("fraction", stay & ~taken)
            stay &= taken
        times = np.ones(n, np.float32)
        for entry, weight in reversed(self.mixture):  # the first that fits is the last that is written
            times[np.logical_and.reduce([fits[clause] for clause in entry])] = weight
        chosen.leave("mixture", stay & (times == 0))
        times[~stay] = 0
        return times, held


def _count(block: pa.Table, shard: Shard, read: Mask, chosen: Chosen) -> None:
    """Count whose the rows are that are read, and under which licenses."""
    if not read.any():
        return
    stays = block.filter(pa.array(read))
    if "source" in block.column_names:
        for source, n in _counted(stays["source"]).items():
            chosen.documents[shard.format, source] += n
    else:
        chosen.documents[shard.format, ""] += len(stays)
    known = "license" in block.column_names and not stays["license"].null_count
    if not known:
        chosen.licenses = None
    elif chosen.licenses is not None:
        chosen.licenses.update(_counted(stays["license"]))


def _counted(column: pa.ChunkedArray) -> Counter[str]:
    rows = column.value_counts().to_pylist()
    return Counter({str(row["values"] or ""): row["counts"] for row in rows})
