"""The files of dataset versions that a run reads, with the digests that their cards list."""

from collections.abc import Iterator, Sequence
from typing import get_args

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from train.base import Shard
from train.recipe import Format


def trained(store: Store, corpora: Sequence[Ref], formats: Sequence[Format] | None) -> tuple[Shard, ...]:
    """Return the training files of the corpora, format by format; raise UserError where one of ``formats`` has none."""
    found: list[Shard] = []
    for format_ in formats or get_args(Format):
        shards = [shard for ref in corpora for shard in _of(store, ref, format_, "train")]
        if formats and not shards:
            raise UserError(
                "formats",
                f"no training text in the format '{format_}'",
                todo="correct the recipe or name its corpus",
            )
        found += shards
    return _some(found, corpora)


def replayed(store: Store, versions: Sequence[Ref]) -> tuple[Shard, ...]:
    """Return all training files of versions that are read against forgetting."""
    found = [
        shard
        for format_ in get_args(Format)
        for ref in versions
        for shard in _of(store, ref, format_, "train", replay=True)
    ]
    return _some(found, versions) if versions else ()


def measured(
    store: Store, versions: Sequence[Ref], formats: Sequence[Format] | None = None
) -> tuple[Shard, ...]:
    """Return the files of versions that are measured only: those that a version itself keeps for tests, else all."""
    found: list[Shard] = []
    for ref in versions:
        for split in ("test", "train"):
            of_split = [
                shard
                for format_ in formats or get_args(Format)
                for shard in _of(store, ref, format_, split, validation=True)
            ]
            if of_split:
                break
        found += _some(of_split, [ref])
    return tuple(found)


def _of(
    store: Store, ref: Ref, format_: str, split: str, *, replay: bool = False, validation: bool = False
) -> Iterator[Shard]:
    listed = {file.path: file.sha256 for file in store.card(ref).files}
    for path in sorted(store.path(ref).glob(f"{format_}/{split}-*.parquet")):
        sha256 = listed[f"{format_}/{path.name}"]
        yield Shard(path, sha256, str(ref), format_, replay=replay, validation=validation)


def _some(found: Sequence[Shard], versions: Sequence[Ref]) -> tuple[Shard, ...]:
    if not found:
        raise UserError(
            ", ".join(map(str, versions)), "holds no training text", f"folders: {', '.join(get_args(Format))}"
        )
    return tuple(found)
