"""Prepares the captures that wanted documents may come from: first those of their digest, then others of their address."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from tqdm import tqdm

from corpus.captures import INDEX
from corpus.finish import code_digest
from corpus.prepare import Chunk, Plan, chunks, write_chunks
from corpus.rebuild.wanted import Made, Wanted
from corpus.times.asof import KEPT, SEEN_AGAIN, Choice
from datacards.rebuild.groups import words
from datacards.rebuild.sources import Words, among, url_words

Mask = npt.NDArray[np.bool_]
Chosen = Callable[[Words, Words, Sequence[str]], Mask]


def prepare_wanted(
    wanted: Wanted, folders: Sequence[tuple[Path, Plan]], work: Path, workers: int, made: Made | None
) -> None:
    """Prepare captures of the versions in ``folders``, in order, until nothing is wanted any more or no capture is left.

    Each is prepared once, in the sandbox of the corpus stage; what a killed run has prepared is kept. Memory is a byte
    for each capture beside what ``wanted`` takes.
    """
    tried = [np.zeros(pq.read_metadata(folder / INDEX).num_rows, np.bool_) for folder, _ in folders]
    for folder, _ in folders:
        for digests, urls, _ in _index(folder):
            wanted.see(digests, urls)
    for name, rule in (("body", _by_digest), ("address", _by_address), ("source", _by_source)):
        for number, (folder, plan) in enumerate(folders):
            if not wanted.lacking().any():
                return
            mask = _selected(folder, rule(wanted)) & ~tried[number]
            tried[number] |= mask
            planned = _chunks(folder, mask, work / name)
            _prepare(planned, plan, workers)
            for chunk in planned:
                wanted.take(chunk.out, made)


def _by_digest(wanted: Wanted) -> Chosen:
    digests = np.unique(wanted.digests[wanted.lacking()])
    return lambda shas, urls, sources: among(shas, digests)


def _by_address(wanted: Wanted) -> Chosen:
    known = np.unique(wanted.urls[wanted.lacking()])
    return lambda shas, urls, sources: among(urls, known)


def _by_source(wanted: Wanted) -> Chosen:
    """Choose all captures of a source, for parents whose address nobody tells."""
    lacking = wanted.sources if not wanted.urls[wanted.lacking()].all() else set()
    return lambda shas, urls, sources: np.array([one in lacking for one in sources], np.bool_)


def _index(folder: Path) -> Iterator[tuple[Words, Words, list[str]]]:
    with pq.ParquetFile(folder / INDEX) as file:
        for batch in file.iter_batches(columns=["sha256", "url", "source"]):
            yield words(batch["sha256"]), url_words(batch["url"].to_pylist()), batch["source"].to_pylist()


def _selected(folder: Path, chosen: Chosen) -> Mask:
    parts = [chosen(*columns) for columns in _index(folder)]
    return np.concatenate(parts) if parts else np.zeros(0, np.bool_)


def _chunks(folder: Path, mask: Mask, work: Path) -> list[Chunk]:
    """Return chunks of the chosen rows; where they are prepared to depends on the choice and on the code."""
    codes = np.where(mask, KEPT, SEEN_AGAIN).astype(np.uint8).tobytes()
    out = work / f"{folder.parent.name}@{folder.name}" / f"{code_digest()}-{sha256(codes).hexdigest()[:12]}"
    return chunks(folder, out, choice=Choice(folder, codes))


def _prepare(planned: Sequence[Chunk], plan: Plan, workers: int) -> None:
    missing = [chunk for chunk in planned if not chunk.out.is_file()]
    total = sum(len(chunk.rows) for chunk in missing)
    for _ in tqdm(
        write_chunks(missing, plan, workers=workers),
        total=total,
        desc="extracting",
        unit=" captures",
        disable=None,
    ):
        pass
