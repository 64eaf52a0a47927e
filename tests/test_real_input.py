"""The corpus stage on real input: EDINET packages, code lists, the Bank's pages, an annual report, a dump.

The input lies beside the checkout on some machines and is never part of it; elsewhere this is skipped.
``python tests/test_real_input.py FOLDER STORE`` makes the same version to look at.
"""

import mimetypes
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpus import shards
from corpus.document import Capture
from corpus.recipe import CorpusRecipe
from corpus.run import inputs, run
from datacards.card import Ref
from datacards.recipe import read_recipe
from datacards.store import Store
from spiders.warc import Segments
from spiders.wikipedia.categories import Choice
from spiders.wikipedia.choice import read_dump

ROOT = Path(__file__).resolve().parent.parent
PARTS = {
    # folder: (source, license, what the spider would have known)
    "edinet/type1_zip": ("edinet", "PDL-1.0", {}),
    "edinet/conformance": ("edinet", "PDL-1.0", {}),
    "edinet/xbrl": ("edinet", "PDL-1.0", {}),
    "edinet/pdf": ("edinet", "PDL-1.0", {"kind": "filing"}),
    "edinet/codelist": ("edinet", "PDL-1.0", {"kind": "company_list"}),
    "edinet/json": ("edinet", "PDL-1.0", {"kind": "index"}),
    "edinet/doclist_csv": ("edinet", "PDL-1.0", {"kind": "index"}),
    "lists": ("lists", "all-rights-reserved", {}),
    "terms": ("terms", "PDL-1.0", {}),
    "boj": ("boj", "BOJ-terms", {}),
    "html": ("pages", "all-rights-reserved", {}),
    "encoding": ("pages", "all-rights-reserved", {}),
    "compressed": ("pages", "all-rights-reserved", {}),
    "pdf": ("pages", "all-rights-reserved", {}),
}
WIKI_ROOTS = ("地理学", "社会学", "言語", "日本語")  # what the few pages of the cut-out are about


def capture_all(data: Path, store: Store) -> Ref:
    """Keep every file of the folder as one capture of a captures version; return its Ref."""
    with (
        store.write(name="real", version="2026.11.21", kind="captures", recipe={"name": "real"}) as draft,
        Segments(draft.path) as segments,
    ):
        for part, (source, license_, meta) in PARTS.items():
            for path in sorted((data / part).iterdir()):
                media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                segments.write(
                    Capture(
                        url=f"https://example.invalid/{part}/{path.name}", source=source, status=200,
                        fetched_at=datetime(2026, 11, 21, tzinfo=UTC), headers=(("Content-Type", media_type),),
                        media_type=media_type, body=path.read_bytes(), license=license_, meta=meta,
                    )
                )  # fmt: skip
        for capture in read_dump(data / "wikipedia" / "jawiki_pages_a.xml.bz2", Choice(roots=WIKI_ROOTS)):
            segments.write(capture)
        segments.close(index=True)
    return store.resolve("real")


def build(data: Path, store: Store) -> Ref:
    """Make the corpus version of the real input with the steps of the shipped recipe."""
    capture_all(data, store)
    shipped = read_recipe(ROOT / "corpus" / "recipes" / "fin-ja.yaml", CorpusRecipe)
    recipe = shipped.model_copy(update={"name": "real-documents", "captures": ("real",)})
    return run(recipe, store, inputs(recipe, store))


@pytest.mark.slow
def test_real_input_becomes_documents_and_what_does_not_is_named(shared_data: Path, store: Store) -> None:
    ref = build(shared_data, store)
    folder, card = store.path(ref), store.card(ref)
    assert store.verify(ref) == []
    documents = list(shards.read_documents(folder, "markdown"))
    facts = [row for path in shards.shard(folder, "facts", "train") for row in shards.read(path)]
    texts = {document.id: document.text for document in documents}

    # Every fact points at the characters that display it, also after cleaning.
    assert len(facts) > 1000
    assert all(texts[row["document_id"]][row["start"] : row["end"]] == row["value"] for row in facts)

    # The real packages: text, tables and numbers.
    filings = [d for d in documents if "S100U4EY" in d.url]
    assert filings
    assert max(d.n_chars for d in filings) > 50_000
    assert any("| 売上高 |" in d.text or "売上高" in d.text for d in filings)

    # The annual report as a PDF: words that line breaks cut are whole again, page numbers are gone. It is
    # recognized as the same report as the instance, which stays because it has the facts.
    aside = [row for path in shards.shard(folder, "dropped", "train") for row in shards.read(path)]
    (report,) = [row for row in aside if "TIS_FY2017" in row["url"] and row["text"]]
    assert "ハードウェア" in report["text"]
    assert "\n- 8 -\n" not in report["text"]
    (instance,) = [d for d in documents if "TIS_2018" in d.url]
    assert (report["reason"], report["detail"]) == ("near_duplicate", instance.id)

    # A dump becomes one document for each wanted article, under the article's own address.
    articles = {d.title for d in documents if d.source == "wikipedia"}
    assert {"日本語", "地理学"} <= articles
    assert not articles & {"コケ植物"}

    # The list format: a company, its code and its industry on every line.
    lines = [line for d in shards.read_documents(folder, "listing") for line in d.text.splitlines()]
    assert len(lines) > 3000

    # Damaged and hostile input is set aside, counted and named; nothing disappears.
    assert Counter(row["reason"] for row in aside) == card.drops
    reasons = {row["url"].rpartition("/")[2]: row["reason"] for row in aside}
    assert reasons["pdfminer_aes-256.pdf"] == "encrypted_pdf"
    assert reasons["poppler-85140-0.pdf"] == "broken_pdf"
    assert reasons["scan-bad.pdf"] == "needs_ocr"
    accounted = {row["url"] for row in aside} | {d.url.partition("#")[0] for d in documents}
    missing = [
        path.name
        for part in PARTS
        for path in (shared_data / part).iterdir()
        if f"https://example.invalid/{part}/{path.name}" not in accounted
    ]
    assert missing == []


if __name__ == "__main__":
    made = build(Path(sys.argv[1]), Store(Path(sys.argv[2])))
    sys.stdout.write(f"{made} is in the store\n")
