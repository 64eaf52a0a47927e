"""Files made to harm: each ends in text or in a drop with a name, in bounded time, and harms nothing else."""

import time
from pathlib import Path

import pymupdf
import pytest

from bench.hostile import run
from corpus.document import Drop
from corpus.sandbox import sandboxed
from corpus.shards import read_documents
from datacards.store import Store
from sample import hostile
from tests.corpus.test_run import build, capture, crawl, recipe, sentences

#: Those that are quick to make and to read, and one of each kind.
CHOSEN = (
    "zip/", "xml/", "body/gzip", "body/w", "body/empty", "body/byte", "pdf/cycle", "pdf/giant", "pdf/script", "pdf/count",
    "pdf/outline", "pdf/truncated", "html/deep_div", "html/deep_list", "html/colspan", "html/references", "html/nul",
    "html/invalid", "html/comment_open", "html/codec", "html/frames", "wiki/templates", "wiki/tables", "wiki/laughs", "list/quotes",
)  # fmt: skip


@pytest.mark.slow
def test_every_hostile_file_ends_in_text_or_a_named_drop(tmp_path: Path) -> None:
    hostile.write(tmp_path, lambda name: name.startswith(CHOSEN))
    found = run(tmp_path, workers=2, seconds=120, megabytes=2048)
    assert len(found) > 40
    for name, one in found.items():
        assert one is not None, name
        assert one.documents or one.drops, name
        assert not {"extract_crash", "extract_timeout", "extract_error"} & {r for r, _ in one.drops}, (
            name,
            one,
        )
    reasons = {name: [reason for reason, _ in one.drops] for name, one in found.items() if one}
    assert (
        reasons["zip/bomb.zip"] == reasons["zip/overlapping.zip"] == reasons["zip/many.zip"] == ["zip_bomb"]
    )
    assert reasons["zip/traversal.zip"] == reasons["zip/absolute.zip"] == ["broken_zip"]
    assert reasons["body/gzip_bomb.html.gz"] == ["too_large"]
    assert reasons["body/gzip_cut.html.gz"] == ["broken_gzip"]
    assert reasons["list/quotes.csv"] == ["broken_csv"]


def _trap(item: str) -> int:
    """Hang, eat memory or read past all memory, as asked."""
    while item == "hang":
        time.sleep(0.01)
    if item == "eat":
        return len(bytearray(3 << 30))
    if item == "crash":
        import ctypes

        ctypes.string_at(0)
    return len(item)


def test_a_crash_a_hang_and_a_glutton_cost_only_themselves() -> None:
    items = ["一", "crash", "二二", "hang", "三三三", "eat", "四四四四"]
    found = list(sandboxed(_trap, items, workers=2, seconds=3, megabytes=600))
    assert [one.reason if isinstance(one, Drop) else one for one in found] == [
        1, "extract_crash", 2, "extract_timeout", 3, "extract_crash", 4,
    ]  # fmt: skip


def test_a_title_of_halves_of_characters_does_not_stop_a_run(store: Store) -> None:
    """PyMuPDF returns them as lone surrogates, which UTF-8 cannot hold."""
    file = pymupdf.open()
    leaf = file.new_page()
    for n in range(14):
        leaf.insert_text((50, 50 + n * 20), sentences(n, 1)[:40], fontname="japan")
    file.set_metadata({"title": "x"})
    body = file.tobytes().replace(b"/Title(x)", b"/Title<FEFF5831D800>")
    path = "about/press/koen_2024/data/ko249005a.pdf"
    crawl(store, "boj_speeches", [capture(path, body, media="application/pdf")])
    folder, _ = build(store, recipe(captures=["boj_speeches"]))
    [document] = read_documents(folder, "markdown")
    assert document.title.startswith("報")
    assert "\ufffd" in document.title
