"""The plug-in that knows captures and corpus versions: finds, listens, erases."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from corpus.captures import INDEX, capture_of
from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.sandbox import sandboxed
from corpus.takedown import records, segments, versions
from corpus.takedown.find import Finder, is_base
from corpus.takedown.grams import GRAM, Grams
from datacards.card import Card, Ref
from datacards.store import Store
from datacards.takedown.eraser import Eraser, Job, Read, Search
from datacards.takedown.removed import Removed, among
from datacards.takedown.request import Request
from datacards.takedown.tables import groups

_PLACES, _SHARE, _OTHERS = 50, 0.2, 100  # a document is named that shares so much; so many are


class CorpusSearch(Grams):
    """The stretches of removed texts, what pages and lists say of them, and which documents say much of them."""

    def __init__(self) -> None:
        super().__init__()
        self.walks: dict[str, records.Walk] = {}
        self.others: list[dict[str, object]] = []
        self.named: set[str] = set()
        self.removed = Removed()

    def read_file(self, path: Path) -> Read:
        """Search a file of any kind, segments of captures, too."""
        if path.name.endswith(".warc.gz"):
            return records.read_segment(path, self, self.removed)
        return super().read_file(path)


class Corpus(Eraser):
    """Erases from captures and from the versions that a corpus recipe made."""

    def made(self, card: Card) -> bool:
        """Return whether a version holds captures, or was made by a corpus recipe."""
        return card.kind == "captures" or (
            card.kind == "dataset" and {"captures", "steps"} <= card.recipe.keys()
        )

    def find(self, store: Store, versions: Sequence[Ref], request: Request) -> Removed | None:
        """Return what a request takes out of the captures and datasets among ``versions``."""
        return Finder(store, versions, request).find()

    def search(self, store: Store, versions: Sequence[Ref], removed: Removed) -> Search | None:
        """Return the stretches that only what goes says; everything that stays is read once."""
        found = CorpusSearch()
        found.removed = removed
        seen: set[str] = set()
        for path, table in _tables(
            store, versions, ["id", "document_id", "url", "made_from", "text", "stage", "sha256"]
        ):
            mask = removed.rows(table) & is_base(table, path)
            for row in table.filter(pa.array(mask)).to_pylist():
                identity = row.get("id") or row.get("document_id") or ""
                if row.get("text") and identity not in seen:
                    seen.add(identity)
                    found.look_for(row["text"])
        if not seen:
            for text in _extracted(store, versions, removed):
                found.look_for(text)
        found.settle()
        for path, table in _tables(store, versions):
            mask = ~removed.rows(table) & is_base(table, path)
            _listen(found, table.filter(pa.array(mask)))
        kept = [ref for ref in versions if store.card(ref).kind == "captures"]
        for ref in tqdm(kept, desc="reading captures", unit=" versions", disable=None):
            found.walks[str(ref)] = records.walk(store.path(ref), removed, found)
        found.others.sort(key=lambda one: (-int(str(one["places"])), str(one["id"])))
        del found.others[_OTHERS:]
        return found

    def erase(self, job: Job) -> None:
        """Fill the draft of a job with what stays."""
        assert isinstance(job.search, CorpusSearch)  # noqa: S101  this plug-in made it
        if job.card.kind == "captures":
            segments.erase(job, job.search.walks[str(job.ref)], job.search)
            (job.notes / f"{job.ref}.gone").write_text(str(job.report.rows["captures"]))
        else:
            versions.erase(job)


def _listen(found: CorpusSearch, table: pa.Table) -> None:
    """Take what documents say that stay, and note those that share much with what goes."""
    shared = found.hear(table)
    for at in np.flatnonzero(shared).tolist():
        row = (
            table.slice(at, 1)
            .select([n for n in ("id", "document_id", "url", "text") if n in table.column_names])
            .to_pylist()[0]
        )
        places = max(1, len(row.get("text") or "") - GRAM + 1)
        if shared[at] >= _PLACES or shared[at] / places >= _SHARE:
            identity = row.get("id") or row.get("document_id") or ""
            if identity in found.named:
                continue
            found.named.add(identity)
            share = min(1.0, float(shared[at]) / places)
            found.others.append(
                {"id": identity, "url": row["url"], "places": int(shared[at]), "share": round(share, 3)}
            )


def _tables(
    store: Store, versions: Sequence[Ref], columns: list[str] | None = None
) -> Iterator[tuple[Path, pa.Table]]:
    """Yield the base documents, and what was dropped, of datasets."""
    for ref in versions:
        for config in ("markdown", "dropped"):
            for path in sorted((store.path(ref) / config).glob("*.parquet")):
                here = [n for n in columns if n in pq.read_schema(path).names] if columns else None
                for table in groups(path, here):
                    yield path, table


def _extracted(store: Store, versions: Sequence[Ref], removed: Removed) -> Iterator[str]:
    """Yield the texts of captures that go and of which no document was made yet."""
    captures = []
    for ref in versions:
        folder = store.path(ref)
        if (folder / INDEX).is_file():
            for table in groups(folder / INDEX):
                rows = table.filter(
                    pa.array(among(table["url"], removed.urls) & among(table["state"], {"new"}))
                )
                captures += [(folder, row) for row in rows.to_pylist()]
    bodies = (capture_of(folder, row) for folder, row in captures)
    for result in sandboxed(texts_of, bodies, workers=1, seconds=300, megabytes=4096) if captures else ():
        yield from () if isinstance(result, Drop) else result


def texts_of(capture: Capture) -> list[str]:
    """Return the texts of the documents that a capture gives."""
    return [one.text for one in extract(capture) if isinstance(one, Document)]
