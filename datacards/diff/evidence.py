"""What two versions and those below them say of documents: their captures, what they dropped, takedowns between them."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datacards.card import Card, Ref
from datacards.diff.items import Item, address
from datacards.diff.parts import Files, Part
from datacards.diff.versions import Version
from datacards.errors import UserError
from datacards.keys import KEY, Keys, among, column_keys, key_of, keys

_DROPPED = ("reason", "detail", "stage", "source", "url", "sha256", "document_id")
_NONE = key_of("")


class Wanted(NamedTuple):
    """What is looked for, as sorted keys: documents, bytes of captures, addresses of a source, bytes at an address."""

    ids: Keys
    captures: Keys
    addresses: Keys
    answers: Keys


def capture_key(sha256: str) -> bytes:
    """Return the key of a capture's bytes: half of their SHA-256."""
    return key_of(sha256[:32])


def address_key(source: str, url: str) -> bytes:
    """Return the key of an address of a source."""
    return key_of(f"{source}\n{address(url)}")


def answer_key(source: str, url: str, sha256: str) -> bytes:
    """Return the key of bytes at an address of a source."""
    return key_of(f"{source}\n{address(url)}\n{sha256[:32]}")


class Captures:
    """Which captures the two versions were made from, of those that are looked for."""

    def __init__(self, files: Files, versions: Sequence[Version], wanted: Wanted) -> None:
        self.wanted = wanted
        self.absent = tuple(", ".join(map(str, one.absent)) for one in versions)
        shape = len(wanted.addresses)
        self.had = np.zeros((2, len(wanted.captures)), bool)
        self.answered = np.zeros((2, len(wanted.answers)), bool)
        self.first = np.full(
            (2, shape), np.iinfo(np.uint64).max, np.uint64
        )  # of the keys of an address's bytes
        self.last = np.zeros((2, shape), np.uint64)
        if not len(wanted.captures) + shape:
            return
        sides = {str(ref): ref for one in versions for ref in one.captures}
        for label, ref in sides.items():
            self._read(
                files, ref, [side for side, one in enumerate(versions) if label in map(str, one.captures)]
            )

    def _read(self, files: Files, ref: Ref, sides: Sequence[int]) -> None:
        for batch in files.batches(captures_part(files, ref), ["url", "source", "sha256"]):
            halves = column_keys(pc.utf8_slice_codeunits(batch.column("sha256"), 0, 32))
            at = among(halves, self.wanted.captures)
            hits = batch.filter(pa.array(at >= 0))  # few rows in most batches, and texts cost
            told = [hits.column(name).to_pylist() for name in ("source", "url", "sha256")]
            answers = among(_keys(answer_key(*row) for row in zip(*told, strict=True)), self.wanted.answers)
            places = among(_address_keys(batch), self.wanted.addresses)
            here = places >= 0
            numbers = halves[here].view(">u8")[::2].astype(np.uint64)
            for side in sides:
                self.had[side, at[at >= 0]] = True
                self.answered[side, answers[answers >= 0]] = True
                np.minimum.at(self.first[side], places[here], numbers)
                np.maximum.at(self.last[side], places[here], numbers)

    def at_home(self, item: Item) -> bool:
        """Return whether a document has the address of its capture; that of an article, for one, is another."""
        return bool(self.answered[:, self._answers(item)].any())

    def has(self, side: int, item: Item) -> bool:
        """Return whether the evidence of a document is among the captures of a version: its bytes, at its address.

        A document that has another address than its capture is looked for by the bytes alone.
        """
        if self.at_home(item):
            return bool(self.answered[side, self._answers(item)].any())
        at = among(_keys(map(capture_key, item.evidence)), self.wanted.captures)
        return bool(self.had[side, at[at >= 0]].any())

    def _answers(self, item: Item) -> npt.NDArray[np.int64]:
        made = _keys(answer_key(item.source, item.url, one) for one in item.evidence)
        at = among(made, self.wanted.answers)
        return at[at >= 0]

    def knows(self, side: int, item: Item) -> bool:
        """Return whether the address of a row is among the captures of a version."""
        at = self._place(item)
        return at >= 0 and bool(self.first[side, at] <= self.last[side, at])

    def same(self, item: Item) -> bool:
        """Return whether both versions have the same bytes of the address of a row (of three and more, the outermost)."""
        at = self._place(item)
        return at >= 0 and bool(
            self.first[0, at] == self.first[1, at] and self.last[0, at] == self.last[1, at]
        )

    def _place(self, item: Item) -> int:
        key = np.array([address_key(item.source, item.url)], KEY)
        return int(among(key, self.wanted.addresses)[0])


def captures_part(files: Files, ref: Ref) -> Part:
    """Return the index of a captures version; raise UserError when its card names none."""
    for file in files.store.card(ref).files:
        if file.path == "captures.parquet":
            part = Part(ref, file.path, file.rows or 0, file.sha256)
            return part if file.rows is not None else files.counted(part)
    raise UserError(str(ref), "its card names no captures.parquet", todo="restore it")


def _keys(made: Iterable[bytes]) -> Keys:
    return np.frombuffer(b"".join(made), KEY)


def _address_keys(batch: pa.RecordBatch) -> Keys:
    """Return the key of each row's address."""
    columns = (batch.column(name).to_pylist() for name in ("source", "url"))
    return _keys(address_key(source or "", url or "") for source, url in zip(*columns, strict=True))


class Drop(NamedTuple):
    """What a version says of something that it dropped."""

    reason: str
    detail: str
    stage: str
    document_id: str
    sha256: str
    source: str
    url: str

    @property
    def told(self) -> str:
        """The stage and the reason, as ``length: too_short``."""
        return f"{self.stage}: {self.reason}"


class Drops:
    """What one version, and the datasets below it, dropped of what is looked for: some 200 bytes for each."""

    def __init__(self, files: Files, version: Version, wanted: Wanted) -> None:
        unique: dict[str, Part] = {}
        for ref, card in version.all:
            unique.update((part.sha256, part) for part in files.parts(ref, card, "dropped"))
        found: list[list[npt.NDArray[np.bytes_]]] = [[], [], []]
        kept = []
        for part in unique.values():
            for batch in files.batches(part, _DROPPED, needed=_DROPPED):
                made = (
                    column_keys(batch.column("document_id")),
                    column_keys(pc.utf8_slice_codeunits(batch.column("sha256"), 0, 32)),
                    _address_keys(batch),
                )
                hits = np.zeros(batch.num_rows, bool)
                for one, looked_for in zip(made, wanted[:3], strict=True):
                    hits |= (among(one, looked_for) >= 0) & (one != _NONE)
                if hits.any():
                    for held, one in zip(found, made, strict=True):
                        held.append(one[hits])
                    kept.append(batch.filter(pa.array(hits)))
        self._rows = pa.Table.from_batches(kept) if kept else None
        self._keys = [np.concatenate([np.zeros(0, KEY), *held]) for held in found]
        self._order = [np.argsort(one, kind="stable") for one in self._keys]
        self._sorted = [one[order] for one, order in zip(self._keys, self._order, strict=True)]

    def __len__(self) -> int:
        return 0 if self._rows is None else self._rows.num_rows

    def of_document(self, document_id: str) -> list[Drop]:
        """Return what was dropped under an id."""
        return self._found(0, [key_of(document_id)])

    def of_captures(self, item: Item, *, anywhere: bool) -> list[Drop]:
        """Return what was dropped of the bytes that a document was made from, at its address or anywhere."""
        found = self._found(1, map(capture_key, item.evidence))
        place = address_key(item.source, item.url)
        return [drop for drop in found if anywhere or address_key(drop.source, drop.url) == place]

    def of_address(self, item: Item) -> list[Drop]:
        """Return what was dropped of the address of a row: the capture, or a document of the very same address."""
        found = self._found(2, [address_key(item.source, item.url)])
        return [drop for drop in found if not drop.document_id or drop.url == item.url]

    def _found(self, by: int, wanted: Iterable[bytes]) -> list[Drop]:
        if self._rows is None:
            return []
        found = []
        for key in wanted:
            bounds = [
                np.searchsorted(self._sorted[by], np.array([key], KEY), side)[0] for side in ("left", "right")
            ]
            for at in self._order[by][bounds[0] : bounds[1]].tolist():
                row = {name: self._rows[name][at].as_py() or "" for name in Drop._fields}
                found.append(Drop(**row))
        return found


class Takedowns:
    """What takedowns between the two versions name: those that made the second one, or one below it, a successor, and
    those that lie in time between the two.
    """

    def __init__(self, files: Files, a: Version, b: Version) -> None:
        self._named: dict[str, str] = {}
        self.made = ""  # the takedown that made the second version, out of the first or of one in between
        for ref in files.store.refs("takedowns"):
            card, successors = files.store.card(ref), _successors(files, ref)
            if _between(card, successors, a, b):
                self._read(files, ref, card)
                self.made = (
                    str(ref) if str(b.ref) in successors and str(a.ref) not in successors else self.made
                )

    def _read(self, files: Files, ref: Ref, card: Card) -> None:
        for file in card.files:
            if file.path == "tombstones.parquet":
                part = Part(ref, file.path, file.rows or 0, file.sha256)
                for batch in files.batches(part, ["name", "reason"], needed=["name", "reason"]):
                    for row in batch.to_pylist():
                        self._named[row["name"]] = f"{ref}: {row['reason']}"

    def names(self, item: Item) -> str:
        """Return the takedown that names a row or the captures that it was made from, "" for none."""
        found = (self._named.get(one) for one in (item.id, *item.evidence))
        return next(filter(None, found), "")


def _successors(files: Files, ref: Ref) -> set[str]:
    path = files.store.path(ref, "receipt.json")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))["withdrawn"]
        return {one["successor"] for one in said if one.get("successor")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{ref}/receipt.json", f"cannot be read: {error!r}", todo="restore it") from error


def _between(card: Card, successors: set[str], a: Version, b: Version) -> bool:
    if successors & b.refs and not successors & a.refs:
        return True
    return a.card.created_at < card.created_at <= b.card.created_at


def wanted_of(items: Iterable[Item]) -> Wanted:
    """Return what is to be looked for to judge rows, as sorted keys."""
    ids: set[bytes] = set()
    captures: set[bytes] = set()
    places: set[bytes] = set()
    answers: set[bytes] = set()
    for item in items:
        ids.add(key_of(item.id))
        ids.update(key_of(one) for one in item.parents if item.generator)
        captures.update(map(capture_key, item.evidence))
        answers.update(answer_key(item.source, item.url, one) for one in item.evidence)
        places.add(address_key(item.source, item.url))
    return Wanted(*(np.sort(_keys(one)) for one in (ids, captures, places, answers)))


def merged(parts: Sequence[Wanted]) -> Wanted:
    """Return what several ask for."""
    columns = list(zip(*parts, strict=True)) or [(keys([]),)] * 4
    return Wanted(*(np.unique(np.concatenate([keys([]), *column])) for column in columns))
