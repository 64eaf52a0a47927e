"""A dataset version laid out as a release is, for the tests that publish it."""

from datetime import UTC, datetime

from corpus import shards
from corpus.document import Document, Format
from datacards.card import Ref
from datacards.store import Store

PLACES = ("markdown/train-edinet", "markdown/train-wikipedia", "qa/train-edinet", "qa/test-edinet")


def publishable(store: Store, version: str, *, text: str = "政策金利を0.5％に引き上げた。") -> Ref:
    """Write a version with splits, sources, and one file that is large enough to go in parts."""
    recipe = {"version": version, "text": text}
    with store.write(name="words", version=version, kind="dataset", recipe=recipe) as draft:
        for place in PLACES:
            form: Format = "qa" if place.startswith("qa") else "markdown"
            row = Document(
                text=f"{text}（{place}）", format=form, source=place.rpartition("-")[2], title="金融政策",
                url="https://example.invalid/x", captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0",
                attribution="出典：試験", redistribution=True, made_from=(),
            )  # fmt: skip
            path = draft.path / f"{place}-00000.parquet"
            shards.write(path, [shards.document_row(row)], shards.DOCUMENT)
            draft.rows[path.relative_to(draft.path).as_posix()] = 1
        (draft.path / "index").mkdir(exist_ok=True)
        (draft.path / "index" / "00000.parquet").write_bytes(f"{text}{version}".encode() * 120_000)
    return store.resolve(f"words@{version}")
