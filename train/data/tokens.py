"""The tokens of a run: made once for each file and tokenizer, mapped by every process and every resumed run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datacards.errors import UserError
from train.base import Shard, TrainData
from train.data import cache, drawn
from train.data.cache import LENGTHS, OTHERS, SOURCES, TOKENS
from train.data.drawn import uniform
from train.data.fitting import Ints
from train.data.tokenizer import Encoder, digest, key
from train.progress import progress

NOTE, TIMES, HELD = "data.json", "times.npy", "held.npy"
MOST = 30_000  # groups that are told apart; of a further one only version and format


class Group(NamedTuple):
    """Whose documents are counted together."""

    corpus: str
    format: str
    source: str


class File(NamedTuple):
    """One shard as a run keeps it in mind."""

    path: str
    sha256: str
    corpus: str
    format: str
    replay: bool
    validation: bool
    entry: str


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """All rows of all files of a run, numbered through; one of no text has the length 0.

    ``times`` says how often an epoch reads each, replay weighed in; ``held`` which are measured. ``tokenizer`` is the
    digest of its files. Memory is some 20 bytes a row: ids and texts stay in the files.
    """

    files: tuple[File, ...]
    starts: Ints  # of the rows of each file, and the number of all
    flat: tuple[NDArray[np.uint32], ...]
    begins: Ints  # of the tokens of each file, and the number of all
    offsets: Ints
    lengths: NDArray[np.int32]
    group: NDArray[np.int16]
    groups: tuple[Group, ...]
    times: NDArray[np.float32]
    held: NDArray[np.bool_]
    tokenizer: str

    @property
    def n_documents(self) -> int:
        """The number of documents with text that are trained on."""
        return int(np.count_nonzero((self.times > 0) & (self.lengths > 0)))

    @property
    def n_tokens(self) -> int:
        """The number of their tokens, each counted once."""
        return int(self.lengths[self.times > 0].sum(dtype=np.int64))

    @property
    def dropped(self) -> int:
        """The number of documents that would be read and have no text."""
        return int(np.count_nonzero(((self.times > 0) | self.held) & (self.lengths == 0)))

    def first(self, documents: Ints) -> Ints:
        """Return the places of the first tokens of documents."""
        return self.offsets[documents]

    def read(self, first: int, n: int) -> NDArray[np.uint32]:
        """Return ``n`` tokens from a place on; all of them are of one file."""
        file = int(np.searchsorted(self.begins, first, "right")) - 1
        at = first - int(self.begins[file])
        return self.flat[file][at : at + n]

    def drawn(self, seed: int | str) -> NDArray[np.float64]:
        """Return a number in [0, 1) for every document, drawn from seed, file and row."""
        found = np.empty(len(self.lengths))
        for file, begin, end in zip(self.files, self.starts, self.starts[1:], strict=False):
            found[begin:end] = uniform(np.arange(end - begin, dtype=np.uint64), drawn.key(seed, file.sha256))
        return found


def tokenize(base: Path, data: TrainData, work: Path) -> None:
    """Make the tokens of every shard that is not in the cache yet, and write to ``work`` what ``read_tokens`` needs.

    Every entry of the cache that is used is hashed first; a damaged one is made again. Raises UserError where the
    tokenizer has no end-of-text token or a shard has no column ``text``.
    """
    named, folder = key(base), data.cache or work / "tokens"
    places = [cache.place(folder, named, shard) for shard in data.shards]
    missing = [
        (place, shard)
        for place, shard in dict(zip(places, data.shards, strict=True)).items()
        if not cache.found(place, thorough=True)
    ]
    if missing:
        _fill(missing, Encoder.of(base))
    _note(work, data, places, digest(base))


def _fill(missing: Sequence[tuple[Path, Shard]], encoder: Encoder) -> None:
    total = sum(int(pq.read_metadata(shard.path).num_rows) for _, shard in missing)
    with progress(total, "documents") as bar:
        loaded = encoder.loaded()
        for place, shard in missing:
            cache.make(place, shard, loaded, bar.update)


def _note(work: Path, data: TrainData, places: Sequence[Path], tokenizer: str) -> None:
    files = [
        File(
            str(shard.path),
            shard.sha256,
            shard.corpus,
            shard.format,
            shard.replay,
            shard.validation,
            str(place),
        )
        for shard, place in zip(data.shards, places, strict=True)
    ]
    for name, arrays in (
        (TIMES, [_times(shard) for shard in data.shards]),
        (HELD, [_held(shard) for shard in data.shards]),
    ):
        np.save(work / name, np.concatenate(arrays))
    note = {"tokenizer": tokenizer, "replay_share": data.replay_share, "files": files}
    part = work / f"{NOTE}.part"
    part.write_text(json.dumps(note), encoding="utf-8")
    part.rename(work / NOTE)


def _times(shard: Shard) -> NDArray[np.float32]:
    return np.ones(shard.rows, np.float32) if shard.times is None else shard.times


def _held(shard: Shard) -> NDArray[np.bool_]:
    return np.zeros(shard.rows, bool) if shard.held_out is None else shard.held_out


def read_tokens(work: Path) -> Tokens:
    """Return what ``tokenize`` made, from the files alone; the tokens stay on disk until they are used.

    Raises UserError when nothing is there to train on.
    """
    note = json.loads((work / NOTE).read_bytes())
    files = tuple(File(*one) for one in note["files"])
    entries = []
    for file in files:
        if (entry := cache.found(Path(file.entry), thorough=False)) is None:
            raise UserError("train", "its tokens are gone", todo="run the same command again")
        entries.append(entry)
    numbers: dict[Group, int] = {}
    lengths, groups = [], []
    for file, entry in zip(files, entries, strict=True):
        lengths.append(entry.array(LENGTHS).astype(np.int32))
        of_source = [_number(numbers, Group(file.corpus, file.format, source)) for source in entry.sources]
        groups.append(np.array(of_source, np.int16)[entry.array(SOURCES)])
    length = np.concatenate(lengths)
    offsets = np.concatenate(([0], np.cumsum(length, dtype=np.int64)))
    starts = np.cumsum([0, *map(len, lengths)])
    held = np.load(work / HELD, allow_pickle=False)
    times = np.load(work / TIMES, allow_pickle=False)
    times[held] = 0
    _weigh(times, length, starts, files, note["replay_share"])
    if not np.any(length[times > 0]):
        raise UserError("train", "the corpus holds no text", todo="name another corpus or other formats")
    return Tokens(
        files=files,
        starts=starts,
        flat=tuple(entry.array(TOKENS) for entry in entries),
        begins=offsets[starts],
        offsets=offsets[:-1],
        lengths=length,
        group=np.concatenate(groups),
        groups=tuple(numbers),
        times=times,
        held=held,
        tokenizer=note["tokenizer"],
    )


def _number(numbers: dict[Group, int], group: Group) -> int:
    """Return the number of a group, a new one for a new group as long as 16 bits hold them."""
    if group not in numbers and len(numbers) >= MOST:
        group = group._replace(source=OTHERS)
    return numbers.setdefault(group, len(numbers))


def _weigh(
    times: NDArray[np.float32], lengths: NDArray[np.int32], starts: Ints, files: Sequence[File], share: float
) -> None:
    """Multiply the times of replayed files by what makes them ``share`` of all tokens of an epoch."""
    tokens = {True: 0.0, False: 0.0}
    parts = [slice(begin, end) for begin, end in pairwise(starts.tolist())]
    for file, part in zip(files, parts, strict=True):
        tokens[file.replay] += float(times[part].astype(np.float64) @ lengths[part])
    if tokens[True]:
        factor = tokens[False] * share / (1 - share) / tokens[True]
        for file, part in zip(files, parts, strict=True):
            if file.replay:
                times[part] *= np.float32(factor)
