"""Dataset versions with many sources, companies, licenses and days, made through the real shards and the real store."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from corpus import shards
from corpus.document import Document, Fact, Span
from datacards.card import Ref
from datacards.store import Store

DAY = date(2025, 6, 20)


def page(
    number: int,
    *,
    source: str = "edinet",
    license_: str = "PDL-1.0",
    day: date = DAY,
    text: str = "",
    **meta: str,
) -> Document:
    """Return a base document; BOJ-terms and all-rights-reserved may not be given on."""
    return Document(
        text=text or f"# 第{number}号\n\n本文の{number}番目です。", format="markdown", source=source,
        url=f"https://example.invalid/{source}/{number}", title=f"第{number}号",
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license=license_, attribution="出典：試験",
        redistribution=license_ not in ("BOJ-terms", "all-rights-reserved"), published_at=day, available_at=day,
        made_from=(Span("sha256:" + f"{number:064x}", 0, 0),), meta=meta,
        facts=(Fact("amount", "会社", "NetSales", "売上高", "本文", 8, 10),),
    )  # fmt: skip


def part(of: Sequence[Document], name: str = "sections") -> Document:
    """Return a derived document with the parents ``of``."""
    first = of[0]
    return Document(
        text="".join(one.text for one in of), format=name, source=first.source, url=first.url,  # type: ignore[arg-type]
        title=first.title, section="業績", captured_at=first.captured_at, license=first.license,
        attribution=first.attribution, redistribution=all(one.redistribution for one in of),
        available_at=max(one.available_at or DAY for one in of),
        made_from=tuple(Span(one.id, 0, one.n_chars) for one in of),
    )  # fmt: skip


def corpus(
    store: Store,
    documents: Sequence[Document],
    version: str = "2026.11.21",
    name: str = "words",
    split: str = "train",
) -> Ref:
    """Write ``documents`` as one dataset version, with facts, and a dropped text that must stay at home."""
    with store.write(name=name, version=version, kind="dataset", recipe={"captures": []}) as draft:
        for config in sorted({one.format for one in documents}):
            rows = [shards.document_row(one) for one in documents if one.format == config]
            put(draft.path, draft.rows, f"{config}/{split}-00000.parquet", rows, shards.DOCUMENT)
        facts = [row for one in documents for row in shards.fact_rows(one)]
        put(draft.path, draft.rows, "facts/train-00000.parquet", facts, shards.FACT)
        left = {
            "reason": "too_short", "detail": "", "stage": "length", "source": "edinet", "sha256": "", "title": "題名",
            "url": "https://example.invalid/left", "document_id": "0" * 32, "available_at": DAY, "license": "BOJ-terms",
            "text": "外に出してはならない本文",
        }  # fmt: skip
        put(draft.path, draft.rows, "dropped/train-00000.parquet", [left], shards.DROPPED)
        draft.drops["too_short"] = 1
    return store.resolve(f"{name}@{version}")


def put(
    folder: Path, rows: dict[str, int], path: str, given: Sequence[dict[str, object]], schema: object
) -> None:
    rows[path] = shards.write(folder / path, given, schema)
