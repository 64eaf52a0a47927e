"""Finds what a request names: captures in all their versions, the documents they gave, and all that is made of these."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.captures import INDEX, capture_of, said_at
from corpus.takedown.grams import text_of_body
from datacards.card import Ref
from datacards.store import Store
from datacards.takedown.receipt import company_forms
from datacards.takedown.removed import Mask, Removed, among
from datacards.takedown.request import Patterns, Request
from datacards.takedown.tables import UNNAMED, captured, derived, groups

_NAMES = ("edinet_code", "edinetCode", "sec_code", "secCode", "filer", "filerName", "cover_name")
_COLUMNS = ("id", "document_id", "url", "source", "meta", "text", "made_from", "stage", "detail", "reason")
_TABLES = (
    "facts",
    "similar",
    "contamination",
    "replies",
    "verdicts",
    "index",
)  # what has no row that stands for a document


class Finder:
    """Gathers what a request takes out of the versions of a store; memory grows with what goes."""

    def __init__(self, store: Store, versions: Sequence[Ref], request: Request) -> None:
        kinds = {str(ref): store.card(ref).kind for ref in versions}
        self.store, self.request = store, request
        self.captures = [ref for ref in versions if kinds[str(ref)] == "captures"]
        self.datasets = [ref for ref in versions if kinds[str(ref)] == "dataset"]
        self.patterns = Patterns(request.patterns)
        self.companies = {form for name in request.companies for form in company_forms(name)}
        self.removed = Removed(companies=set(self.companies), patterns=self.patterns)
        self.wanted: dict[str, set[str]] = {}  # digest of a body -> addresses of documents that it gave

    def find(self) -> Removed:
        """Return what goes. Every index is read a few times, every table of documents at least twice."""
        removed = self.removed
        self._add_urls(self.request.urls, "url")
        self._directly()
        self._captures_named()
        while True:
            before = removed.size()
            self._addresses()
            self._bodies()
            self._documents()
            self._children()
            if self.request.copies:
                self._copies()
            if removed.size() == before:
                self._versions()
                return removed

    def _versions(self) -> None:
        """Note which versions hold any of it."""
        removed = self.removed
        for ref, table in self._indexes(["url"]):
            if among(table["url"], removed.urls).any():
                removed.versions.add(str(ref))
        for path, table in self._tables(["id", "document_id", "made_from", "url", "stage"]):
            name = f"{path.parent.parent.parent.name}@{path.parent.parent.name}"
            if name not in removed.versions and removed.rows(table).any():
                removed.versions.add(name)
        for ref, config, path in self._unnamed():
            for table in groups(path):
                if (removed.said(table) & derived(table, config)).any():
                    removed.versions.add(str(ref))

    def _unnamed(self) -> Iterator[tuple[Ref, str, Path]]:
        """Yield the tables whose rows only patterns can name."""
        for ref in self.datasets if self.patterns else ():
            for config in UNNAMED:
                for path in sorted((self.store.path(ref) / config).glob("*.parquet")):
                    yield ref, config, path

    # -- what the request names itself ---------------------------------------------------------------------

    def _directly(self) -> None:
        for path, table in self._tables():
            base = is_base(table, path)
            for mask, why in self._selected(table, base):
                rows = table.filter(pa.array(mask))
                self._take(rows, base[mask], why)
        if self.companies:
            self._by_facts()

    def _selected(self, table: pa.Table, base: Mask) -> Iterator[tuple[Mask, str]]:
        id_ = "id" if "id" in table.column_names else "document_id"
        yield among(table[id_], set(self.request.documents)), "document"
        yield among(table["url"], set(self.request.urls)) & base, "url"
        yield among(table["source"], set(self.request.sources)) & base, "source"
        if self.companies and "meta" in table.column_names:
            yield self._of_companies(table["meta"]) & base, "company"
        if self.patterns:
            said = table["text"].to_pylist() if "text" in table.column_names else [""] * table.num_rows
            texts = zip(table["url"].to_pylist(), said, strict=True)
            fits = np.array([self.patterns.fit(u) or self.patterns.fit(t or "") for u, t in texts], np.bool_)
            # What was left out of questions has the id of its document, which stays: see Removed.said.
            yield fits & (base if "document_id" in table.column_names else True), "pattern"

    def _of_companies(self, metas: pa.ChunkedArray) -> Mask:
        mask = np.zeros(len(metas), np.bool_)
        for name in self.companies:
            mask |= np.asarray(pc.match_substring(metas, name).fill_null(False).to_numpy())
        for at in np.flatnonzero(mask):
            mask[at] = self._is_company(json.loads(metas[int(at)].as_py()))
        return mask

    def _is_company(self, meta: dict[str, str]) -> bool:
        return any(form in self.companies for name in _NAMES for form in company_forms(meta.get(name, "")))

    def _by_facts(self) -> None:
        """Take the documents whose statements are those of a company; a list that only names it stays."""
        owners: set[str] = set()
        for ref in self.datasets:
            for path in sorted((self.store.path(ref) / "facts").glob("*.parquet")):
                for batch in pq.ParquetFile(path).iter_batches(
                    10_000, columns=["document_id", "kind", "subject"]
                ):
                    mask = among(batch["kind"], {"amount"}) & among(batch["subject"], self.companies)
                    owners.update(batch["document_id"].filter(pa.array(mask)).to_pylist())
        if owners:
            for path, table in self._tables():
                if "id" in table.column_names:
                    mask = among(table["id"], owners) & is_base(table, path)
                    self._take(table.filter(pa.array(mask)), mask[mask], "company")

    def _take(self, rows: pa.Table, base: Mask, why: str) -> None:
        """Take documents; of a base document its capture, too, of any other only itself."""
        removed = self.removed
        id_ = "id" if "id" in rows.column_names else "document_id"
        for row, is_base in zip(rows.to_pylist(), base.tolist(), strict=True):
            if row[id_]:
                removed.ids.add(row[id_])
                removed.why.setdefault(row[id_], why)
            if is_base:
                removed.bases.update({row[id_]} - {""})
                for digest in _digests(row):
                    self.wanted.setdefault(digest, set()).add(row["url"])
                if "made_from" not in row:
                    self._add_urls([row["url"]], why)
                self._note(row)
            elif "made_from" in row and why in ("document", "pattern"):
                parents = [span["id"] for span in row["made_from"]]
                removed.stays[row[id_]] = next(iter(parents), "")

    def _note(self, row: dict[str, str]) -> None:
        """Note where a document lies, and the id of a filing, as other tables name them."""
        self.removed.places.add(row["url"])
        if docid := json.loads(row.get("meta") or "{}").get("docID"):
            self.removed.filings.add(docid)

    def _add_urls(self, urls: Sequence[str], why: str) -> None:
        for url in urls:
            plain = url.partition("#")[0]
            self.removed.urls.add(plain)
            self.removed.why.setdefault(plain, why)

    # -- captures ------------------------------------------------------------------------------------------

    def _captures_named(self) -> None:
        """Take the captures of named sources and companies, and those that a pattern fits."""
        for ref, table in self._indexes(
            ["url", "source", "kind", "warc", "offset", "about", "n_bytes", "sha256", "state", "media_type"]
        ):
            folder = self.store.path(ref)
            mask = among(table["source"], set(self.request.sources))
            self._add_urls(table["url"].filter(pa.array(mask)).to_pylist(), "source")
            if not (self.companies or self.patterns):
                continue
            for row in table.filter(pa.array(~mask)).to_pylist():
                if self.companies and self._is_company(said_at(folder, row["warc"], row["about"])["meta"]):
                    self._add_urls([row["url"]], "company")
                if self.patterns and (self.patterns.fit(row["url"]) or self._body_fits(folder, row)):
                    self._add_urls([row["url"]], "pattern")

    def _body_fits(self, folder: Path, row: dict[str, object]) -> bool:
        if row["state"] != "new" or row["kind"] in ("index", "redirect"):
            return False
        text = text_of_body(capture_of(folder, row).body, str(row["media_type"]))
        return bool(text) and self.patterns.fit(text or "")

    def _addresses(self) -> None:
        """Take the addresses of the bodies that named documents were made of: where several have it, the document's own."""
        at: dict[str, set[str]] = {}
        for _, table in self._indexes(["url", "sha256"]):
            rows = table.filter(pa.array(among(table["sha256"], set(self.wanted)))).to_pylist()
            for row in rows:
                at.setdefault(row["sha256"], set()).add(row["url"])
        for digest, urls in at.items():
            places = {url.partition("#")[0] for url in self.wanted[digest]}
            self._add_urls(sorted(urls & places or urls), "document")

    def _bodies(self) -> None:
        """Take all bodies of the addresses that go, and see which of them other addresses have, too."""
        removed = self.removed
        for _, table in self._indexes(["url", "sha256"]):
            removed.digests.update(
                table["sha256"].filter(pa.array(among(table["url"], removed.urls))).to_pylist()
            )
        self.elsewhere: dict[str, set[str]] = {}
        for _, table in self._indexes(["url", "sha256"]):
            mask = among(table["sha256"], removed.digests) & ~among(table["url"], removed.urls)
            for row in table.filter(pa.array(mask)).to_pylist():
                self.elsewhere.setdefault(row["sha256"], set()).add(row["url"])

    def _indexes(self, columns: list[str]) -> Iterator[tuple[Ref, pa.Table]]:
        for ref in self.captures:
            with pq.ParquetFile(self.store.path(ref, INDEX)) as file:
                for number in range(file.num_row_groups):
                    yield ref, file.read_row_group(number, columns=columns)

    # -- documents -----------------------------------------------------------------------------------------

    def _documents(self) -> None:
        """Take the base documents of the captures that go, those that were dropped, too."""
        removed = self.removed
        digests = {f"sha256:{digest}" for digest in removed.digests}
        for path, table in self._tables(["id", "document_id", "url", "meta", "made_from", "stage"]):
            if "made_from" in table.column_names:
                mask = self._from(table["made_from"], digests)
            else:
                mask = removed.at(table["url"]) & is_base(table, path)
            for row in table.filter(pa.array(mask)).to_pylist():
                self._document(row)

    @staticmethod
    def _from(made_from: pa.ChunkedArray, digests: set[str]) -> Mask:
        column = made_from.combine_chunks()
        mask = np.zeros(len(column), np.bool_)
        hit = among(pc.struct_field(pc.list_flatten(column), "id"), digests)
        mask[np.asarray(pc.list_parent_indices(column))[hit]] = True
        return mask

    def _document(self, row: dict[str, str]) -> None:
        removed = self.removed
        id_, url = row.get("id") or row.get("document_id") or "", row["url"]
        plain = url.partition("#")[0]
        if any(plain in self.elsewhere.get(digest, ()) for digest in _digests(row)):
            return  # another address said the same, and this is its document
        if id_ and id_ not in removed.ids:
            removed.ids.add(id_)
            removed.why.setdefault(id_, removed.why.get(plain, "same_capture"))
        removed.bases.update({id_} - {""})
        self._note(row)

    def _children(self) -> None:
        """Take everything that is made from what goes, through all versions."""
        removed = self.removed
        while True:
            before = len(removed.ids)
            for _, table in self._tables(["id", "made_from"]):
                if "made_from" in table.column_names:  # Markdown, too: rephrasings
                    removed.ids.update(
                        table["id"].filter(pa.array(removed.children(table["made_from"]))).to_pylist()
                    )
            if len(removed.ids) == before:
                return

    def _copies(self) -> None:
        """Take the other documents of the clusters of those that go."""
        heads: set[str] = set()
        for _, table in self._tables(["document_id", "stage", "detail"]):
            if "stage" in table.column_names:
                dedup = among(table["stage"], {"dedup"})
                here = among(table["document_id"], self.removed.ids) & dedup
                heads.update(table["detail"].filter(pa.array(here)).to_pylist())
        heads |= self.removed.bases
        for path, table in self._tables():
            base = is_base(table, path)
            mask = among(table["id"], heads) if "id" in table.column_names else among(table["detail"], heads)
            mask &= base if "id" in table.column_names else among(table["stage"], {"dedup"})
            new = ~among(table["id" if "id" in table.column_names else "document_id"], self.removed.ids)
            self._take(table.filter(pa.array(mask & new)), base[mask & new], "copy")

    def _tables(self, columns: Sequence[str] = _COLUMNS) -> Iterator[tuple[Path, pa.Table]]:
        """Yield the tables of documents and drops of all datasets, a row group at a time."""
        for ref in self.datasets:
            for path in sorted(self.store.path(ref).glob("*/*.parquet")):
                if path.parent.name in _TABLES:
                    continue
                with pq.ParquetFile(path) as file:
                    here = [name for name in columns if name in file.schema_arrow.names]
                    if "url" not in file.schema_arrow.names:
                        continue
                    for number in range(file.num_row_groups):
                        yield path, file.read_row_group(number, columns=here)


def is_base(table: pa.Table, path: Path) -> Mask:
    """Return which rows of a table of documents, or of drops, have evidence of their own."""
    if path.parent.name == "dropped":
        return ~among(table["stage"], {"rephrase"})
    if path.parent.name == "markdown" and "made_from" in table.column_names:
        return captured(table["made_from"])
    return np.full(table.num_rows, path.parent.name in ("markdown", "pointers"))


def _digests(row: Mapping[str, Any]) -> list[str]:
    spans = row.get("made_from") or ()
    return [s["id"].removeprefix("sha256:") for s in spans if s["id"].startswith("sha256:")]
