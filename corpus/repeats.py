"""Marks and counts, across documents, sentences that the law prescribes and those repeated from year to year."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from corpus.document import Document
from corpus.folding import fold
from corpus.statutory import statutory

Kind = Literal["statutory", "repeated"]
Numbers = NDArray[np.int64]

#: A sentence: the hash of its letters and digits, how many they are, and whether the law prescribes it.
SENTENCE = np.dtype([("hash", "<u8"), ("characters", "<u4"), ("statutory", "?")])


class RepeatOptions(BaseModel):
    """What counts as said before; both only mark and count, nothing is cut.

    A sentence of prose with at least ``minimum_characters`` letters and digits is compared with others; headings
    and table rows are not. It is ``statutory`` if the law prescribes its wording (``corpus.statutory``) or at least
    ``minimum_issuers`` publishers say it word for word: what ten write alike is no one's own. It is ``repeated`` if an earlier document of its own publisher has it. ``memory`` bounds
    what is sorted at once, in MiB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_characters: int = Field(default=10, ge=1)
    minimum_issuers: int = Field(default=10, ge=2)
    memory: int = Field(default=512, ge=1)


class Batch(NamedTuple):
    """The sentences of a run of documents: ``documents`` has the number of the document of each."""

    documents: Numbers
    sentences: NDArray[np.void]


class Repeats(NamedTuple):
    """Per document how many sentences, and how many characters in all, in statutory and in repeated sentences.

    ``frequent`` are the sorted hashes of what so many publishers say.
    """

    sentences: Numbers
    characters: Numbers
    statutory: Numbers
    repeated: Numbers
    frequent: NDArray[np.uint64]


def issuer(document: Document) -> str:
    """Return who speaks in a document: the company of a filing, else the publisher's series."""
    return document.meta.get("edinet_code") or document.source


def sentences(document: Document, options: RepeatOptions) -> NDArray[np.void]:
    """Return the sentences of a document as an array of ``SENTENCE``, in order."""
    text, bounds, _ = _split(document.text, options.minimum_characters)
    found = np.empty(len(bounds), SENTENCE)
    found["hash"] = [_hash(text[first:end]) for first, end in bounds]
    found["characters"] = [end - first for first, end in bounds]
    found["statutory"] = statutory(text, bounds)
    return found


def batch(first: int, documents: Sequence[NDArray[np.void]]) -> Batch:
    """Return the batch of documents that are numbered from ``first`` on."""
    numbers = np.arange(first, first + len(documents))
    sizes = [len(found) for found in documents]
    return Batch(np.repeat(numbers, sizes), np.concatenate(documents or [np.empty(0, SENTENCE)]))


def count_repeats(
    read: Callable[[], Iterable[Batch]], issuers: Sequence[str], days: Sequence[int], options: RepeatOptions
) -> Repeats:
    """Return what is repeated across documents, of which ``issuers`` and ``days`` (numbers that grow) say whose and when.

    ``read`` yields the batches of all documents and is called once for every part of the hashes that fits
    into memory, so that only numbers per document grow with the corpus (36 bytes each). The result depends on
    neither the order nor the size of batches. A day must be known: a document without one is given that of its
    capture.
    """
    names = {name: number for number, name in enumerate(sorted(set(issuers)))}
    who = np.array([names[name] for name in issuers], np.int64)
    when = np.array(days, np.int64)
    sums = np.zeros((4, len(who)), np.int64)
    total = 0
    for one in read():
        total += len(one.sentences)
        np.add.at(sums[0], one.documents, 1)
        np.add.at(sums[1], one.documents, one.sentences["characters"].astype(np.int64))
    parts = max(1, -(-total * 128 // (options.memory << 20)))
    frequent = []
    for part in range(parts):
        pieces = [_part(one, part, parts) for one in read()]
        joined = (
            Batch(*(np.concatenate(column) for column in zip(*pieces, strict=True)))
            if pieces
            else batch(0, [])
        )
        frequent.append(_count(joined, who, when, sums, options.minimum_issuers))
    numbers, characters, statutory, repeated = sums
    return Repeats(numbers, characters, statutory, repeated, np.sort(np.concatenate(frequent)))


def described(document: Document, repeats: Repeats, number: int) -> Document:
    """Return the document with ``statutory_share`` and ``repeated_share`` of its prose in ``meta``, if it has any."""
    whole = int(repeats.characters[number])
    if not whole:
        return document
    shares = {
        "statutory_share": f"{repeats.statutory[number] / whole:.4f}",
        "repeated_share": f"{repeats.repeated[number] / whole:.4f}",
    }
    return replace(document, meta={**document.meta, **shares})


def marks(
    text: str, frequent: NDArray[np.uint64], earlier: NDArray[np.uint64], options: RepeatOptions
) -> list[tuple[int, int, Kind]]:
    """Return the characters [start, end) of sentences said before, in order, each once.

    ``frequent`` and ``earlier`` are sorted hashes: those of ``Repeats`` and those of the publisher's earlier documents.
    A sentence that is both is statutory.
    """
    seen, bounds, places = _split(text, options.minimum_characters)
    found: list[tuple[int, int, Kind]] = []
    for (first, end), prescribed in zip(bounds, statutory(seen, bounds), strict=True):
        key = np.uint64(_hash(seen[first:end]))
        span = int(places[first]), int(places[end - 1]) + 1
        if prescribed or _among(key, frequent):
            found.append((*span, "statutory"))
        elif _among(key, earlier):
            found.append((*span, "repeated"))
    return found


def _among(key: np.uint64, keys: NDArray[np.uint64]) -> bool:
    at = int(np.searchsorted(keys, key))
    return at < len(keys) and bool(keys[at] == key)


def _hash(sentence: str) -> int:
    return int.from_bytes(blake2b(sentence.encode(), digest_size=8).digest(), "little")


def _split(text: str, minimum: int) -> tuple[str, list[tuple[int, int]], Numbers]:
    """Return the folded text, the bounds of its sentences of prose that are long enough, and its places."""
    seen = fold(text)
    ends, skipped = _ends(text)
    cuts = np.searchsorted(seen.places, ends).tolist()
    bounds = [
        (first, end)
        for first, end, skip in zip([0, *cuts], cuts, skipped, strict=False)
        if end - first >= minimum and not skip
    ]
    return seen.text(0, len(seen.codes)), bounds, seen.places


def _ends(text: str) -> tuple[list[int], list[bool]]:
    """Return where sentences end, and whether what ends there is a heading or a table row."""
    ends: list[int] = []
    skipped: list[bool] = []
    start = 0
    for line in text.splitlines(keepends=True):
        skip = line.startswith(("|", "#"))
        if not skip:
            at = line.find("。")
            while at >= 0:
                ends.append(start + at + 1)
                skipped.append(False)
                at = line.find("。", at + 1)
        start += len(line)
        ends.append(start)
        skipped.append(skip)
    return ends, skipped


def _part(one: Batch, part: int, parts: int) -> Batch:
    chosen = one.sentences["hash"] % np.uint64(parts) == part
    return Batch(one.documents[chosen], one.sentences[chosen])


def _count(
    one: Batch, who: Numbers, when: Numbers, sums: Numbers, minimum_issuers: int
) -> NDArray[np.uint64]:
    """Add the characters of statutory and repeated sentences to ``sums``; return the hashes that many issuers have."""
    keys, issuers, days = one.sentences["hash"], who[one.documents], when[one.documents]
    order = np.lexsort((days, issuers, keys))
    keys, issuers, days = keys[order], issuers[order], days[order]
    documents = one.documents[order]
    characters = one.sentences["characters"][order].astype(np.int64)
    new_key = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
    new_issuer = new_key | np.append(True, issuers[1:] != issuers[:-1])[: len(keys)]
    group = np.cumsum(new_key) - 1
    often = np.bincount(group, new_issuer)[group] >= minimum_issuers if len(keys) else new_key
    statutory = often | one.sentences["statutory"][order]
    first_day = days[new_issuer][np.cumsum(new_issuer) - 1] if len(keys) else days
    repeated = days > first_day
    np.add.at(sums[2], documents[statutory], characters[statutory])
    np.add.at(sums[3], documents[repeated], characters[repeated])
    return np.unique(keys[often])
