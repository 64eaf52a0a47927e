"""Finds which captures of a store hold the evidence that pointers name, and which sources lack theirs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Ref
from datacards.rebuild.groups import Group, evidence, read_group, word_of, words
from datacards.rebuild.release import Release
from datacards.store import Store

INDEX = "captures.parquet"
Words = npt.NDArray[np.uint64]


class Held(NamedTuple):
    """``versions`` hold evidence of pointers, or other bodies of their addresses; ``missing`` counts pointers by source."""

    versions: tuple[Ref, ...]
    missing: Counter[str]


def url_words(urls: Iterable[str]) -> Words:
    """Return addresses as numbers to find them by, 8 bytes for each."""
    hashes = (blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest() for url in urls)
    return np.fromiter((int.from_bytes(one, "big") for one in hashes), np.uint64)


def among(values: Words, known: Words) -> npt.NDArray[np.bool_]:
    """Return which values are among the ``known`` ones, which are sorted."""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    return known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values


def held(store: Store, release: Release, groups: Sequence[Group], chosen: Sequence[str] = ()) -> Held:
    """Look for the evidence of pointers in the captures ``chosen``, or else in all of the store.

    The versions that the release was made from come first, in its order, then the newest. Memory: 16 bytes for each
    pointer of a base document.
    """
    digests, urls = _needed(groups)
    versions: list[Ref] = []
    here: list[Words] = []
    for ref in _candidates(store, release, chosen):
        found: list[Words] = []
        address = False
        for sha, url in _index(store.path(ref, INDEX)):
            found.append(sha[among(sha, digests)])
            address = address or bool(among(url, urls).any())
        mine = np.unique(np.concatenate(found or [np.empty(0, np.uint64)]))
        if len(mine) or address:
            versions.append(ref)
            here.append(mine)
    known = np.unique(np.concatenate(here or [np.empty(0, np.uint64)]))
    return Held(tuple(versions), _missing(groups, known))


def _candidates(store: Store, release: Release, chosen: Sequence[str]) -> list[Ref]:
    datasets = [told for told in release.recipes.values() if told.kind == "dataset"]
    names = dict.fromkeys(str(one) for told in datasets for one in told.made_from)
    order = {name: number for number, name in enumerate(names)}
    if chosen:
        refs = [store.verified(text, "captures") for text in chosen]
    else:
        gone = store.withdrawn()
        standing = [ref for ref in reversed(store.refs()) if str(ref) not in gone]
        refs = [ref for ref in standing if store.card(ref).kind == "captures"]
    return sorted(refs, key=lambda ref: order.get(str(ref), len(order)))


def _index(path: Path) -> Iterator[tuple[Words, Words]]:
    if not path.is_file():
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["sha256", "url"]):
            yield words(batch["sha256"]), url_words(batch["url"].to_pylist())


def _needed(groups: Sequence[Group]) -> tuple[Words, Words]:
    digests: list[Words] = []
    urls: list[Words] = []
    for group in groups:
        pointers = read_group(group)
        found = [word_of(sha) for row in evidence(pointers) for sha in row]
        digests.append(np.unique(np.array(found, np.uint64)))
        urls.append(np.unique(url_words(pointers["url"].unique().to_pylist())))
    none = [np.empty(0, np.uint64)]
    return np.unique(np.concatenate(digests or none)), np.unique(np.concatenate(urls or none))


def _missing(groups: Sequence[Group], known: Words) -> Counter[str]:
    """Count the pointers of base documents, by source, whose evidence is not here."""
    missing: Counter[str] = Counter()
    for group in groups:
        pointers = read_group(group)
        named = [(source, sha) for source, row in _evidence(pointers) for sha in row]
        lost = ~among(np.array([word_of(sha) for _, sha in named], np.uint64), known)
        missing.update(source for (source, _), gone in zip(named, lost, strict=True) if gone)
    return missing


def _evidence(pointers: pa.Table) -> Iterator[tuple[str, list[str]]]:
    return zip(pointers["source"].to_pylist(), evidence(pointers), strict=True)
