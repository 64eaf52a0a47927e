"""Reads what takedowns and purges of a store have written: what is withdrawn, what is gone, what may not come again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Ref
from datacards.errors import UserError
from datacards.withdrawn import RECEIPT, TAKEDOWNS

if TYPE_CHECKING:
    from datacards.store import Store

TOMBSTONES = "tombstones.parquet"
TOMBSTONE = pa.schema(
    [
        ("kind", pa.string()),  # capture, document, dropped
        ("name", pa.string()),  # SHA-256 of a capture's body, id of a document
        ("url", pa.string()),
        ("source", pa.string()),
        ("version", pa.string()),  # that held it
        ("reason", pa.string()),  # url, source, company, document, pattern, copy, made_from, shares_text
    ]
)


def receipts(
    store: "Store", name: str = TAKEDOWNS, file: str = RECEIPT
) -> Iterator[tuple[Ref, dict[str, Any]]]:
    """Yield the receipts of a store, oldest first."""
    for ref in store.refs(name):
        path = store.path(ref, file)
        if path.is_file():
            try:
                yield ref, json.loads(path.read_text("utf-8"))
            except ValueError as error:
                raise UserError(f"{ref}/{file}", "cannot be read", todo="restore it") from error


@dataclass(frozen=True, slots=True)
class TakenDown:
    """What takedowns name for all time to come: addresses, sources and companies; each with the takedown that says so."""

    urls: Mapping[str, str]
    sources: Mapping[str, str]
    companies: Mapping[str, str]

    @classmethod
    def read(cls, store: "Store") -> "TakenDown":
        """Read the receipts of a store, and the addresses of captures in its tombstones."""
        urls: dict[str, str] = {}
        sources: dict[str, str] = {}
        companies: dict[str, str] = {}
        for ref, receipt in receipts(store):
            asked = receipt["request"]
            urls |= dict.fromkeys((url.partition("#")[0] for url in asked["urls"]), str(ref))
            sources |= dict.fromkeys(asked["sources"], str(ref))
            companies |= dict.fromkeys(receipt["companies"], str(ref))
            path = store.path(ref, TOMBSTONES)
            for batch in pq.ParquetFile(path).iter_batches(columns=["kind", "url", "reason"]):
                for row in batch.to_pylist():
                    # What goes only because it quotes something, a list of a site say, may come again without it.
                    if row["kind"] == "capture" and row["reason"] != "shares_text":
                        urls[row["url"]] = str(ref)
        return cls(urls, sources, companies)

    def __bool__(self) -> bool:
        return bool(self.urls or self.sources or self.companies)

    def by(self, url: str, source: str, meta: Mapping[str, str]) -> str:
        """Return which takedown names a capture, "" when none does."""
        told = self.urls.get(url.partition("#")[0]) or self.sources.get(source)
        if told or not self.companies:
            return told or ""
        names = ("edinetCode", "edinet_code", "secCode", "sec_code", "filerName", "filer")
        forms = (form for n in names for form in company_forms(meta.get(n, "")))
        return next((self.companies[form] for form in forms if form in self.companies), "")


def company_forms(name: str) -> list[str]:
    """Return how a company may be named: a security code with and without the digit 0 behind it."""
    name = name.strip()
    if len(name) == 5 and name.endswith("0") and name[:4].isalnum() and name[0].isdigit():
        return [name, name[:4]]
    return [name] if name else []
