"""Pages of a dump: cut out byte for byte, up to where the file is damaged, without a way to harm the reader."""

import bz2
import gzip
import random
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Capture
from spiders.wikipedia import stream as wiki_stream
from spiders.wikipedia.categories import Choice
from spiders.wikipedia.choice import read_dump
from spiders.wikipedia.dump import MAX_PAGE, Dump, Origin, Page, articles, capture_of

HEAD = (
    b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="ja">\n  <siteinfo></siteinfo>\n'
)
TAIL = b"\n</mediawiki>\n"
ORIGIN = Origin("jawiki", "20261101", "d.xml", "0" * 40, datetime(2026, 11, 3, tzinfo=UTC), {"robots": "200"})


def page(
    title: str, text: str = "本文[[Category:金融]]", ns: int = 0, number: int = 7, extra: str = ""
) -> bytes:
    return (
        f"<page>\n    <title>{title}</title>\n    <ns>{ns}</ns>\n    <id>{number}</id>\n{extra}    <revision>\n"
        f"      <id>{number + 90}</id>\n      <timestamp>2026-05-06T01:02:03Z</timestamp>\n"
        f'      <text xml:space="preserve">{text}</text>\n    </revision>\n  </page>'
    ).encode()


def write(folder: Path, body: bytes, name: str = "d.xml") -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def xml(*pages: bytes) -> bytes:
    return HEAD + b"\n  ".join(pages) + TAIL


def read(path: Path) -> tuple[list[Page], str, list[str]]:
    dump = Dump(path)
    found = [one for batch in dump.batches() for one in batch]
    return found, dump.damage, dump.broken


def captured(path: Path, counts: Counter[str] | None = None) -> list[Capture]:
    found = articles(
        Dump(path), lambda _: 0, lambda _: "金融", ORIGIN, Counter() if counts is None else counts
    )
    return [one for one in found if one is not None]


PAGES = [page(f"頁{n}", "文" * (n * 37 % 400), number=n + 1) for n in range(300)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("plain", bytes),
        ("bzip2", bz2.compress),
        ("gzip", gzip.compress),
        ("many streams", lambda body: b"".join(bz2.compress(body[n : n + 999]) for n in range(0, len(body), 999))),
        ("many members", lambda body: b"".join(gzip.compress(body[n : n + 999]) for n in range(0, len(body), 999))),
        ("padded", lambda body: bz2.compress(body) + b"\0" * 1000),
    ],
)  # fmt: skip
def test_pages_are_their_own_bytes_however_packed(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    found, damage, broken = read(write(tmp_path, pack(xml(*PAGES))))
    assert [one.raw for one in found] == PAGES
    assert (damage, broken) == ("", [])


@given(st.integers(1, 200), st.randoms(use_true_random=False))
def test_pages_are_whole_wherever_a_block_ends(block: int, chance: random.Random) -> None:
    pages = [page(f"頁{n}", "文" * chance.randrange(60)) for n in range(chance.randrange(6))]
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(wiki_stream, "BLOCK", block)
        found, damage, _ = read(write(Path(folder), xml(*pages)))
    assert [one.raw for one in found] == pages
    assert damage == ""


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("pack", [bytes, bz2.compress, gzip.compress])
def test_a_dump_cut_off_gives_every_whole_page_before_the_damage(
    tmp_path: Path, share: float, pack: Callable[[bytes], bytes]
) -> None:
    chance = random.Random(2)  # noqa: S311  the same every time
    pages = [page(f"頁{n}", chance.randbytes(3000).hex()) for n in range(400)]
    body = pack(xml(*pages))
    cut = body[: int(len(body) * share)]
    found, damage, _ = read(write(tmp_path, cut))
    assert [one.raw for one in found] == pages[: len(found)]
    assert damage
    if pack is bytes:  # a byte more would be a page more
        assert len(found) == cut.count(b"</page>")
    else:  # a bzip2 block has 900 kB
        assert len(found) >= 400 * share - 320


def test_a_file_that_ends_in_a_character_or_without_its_last_tag_is_damaged(tmp_path: Path) -> None:
    body = xml(page("金利"), page("国債", "債券である"))
    cut = body[: body.index("債券".encode()) + 4]
    found, damage, _ = read(write(tmp_path, cut))
    assert ([one.title for one in found], damage) == (["金利"], "the XML ends early")
    assert read(write(tmp_path, body[: -len(TAIL)]))[1] == "the XML ends early"
    assert read(write(tmp_path, b""))[1] == "the XML ends early"


def test_the_capture_of_an_article_is_evidence_with_a_permanent_address() -> None:
    raw = page("景気は100% 回復?", "x", number=12)
    capture = capture_of(Page(raw, "景気は100% 回復?", 0, 12, False), "経済 > 景気", ORIGIN)
    assert capture is not None
    assert capture.body == raw
    assert capture.url == (
        "https://ja.wikipedia.org/w/index.php?title="
        "%E6%99%AF%E6%B0%97%E3%81%AF100%25_%E5%9B%9E%E5%BE%A9%3F&oldid=102"
    )
    assert (capture.media_type, capture.license, capture.signals) == (
        "application/xml", "CC-BY-SA-4.0", {"robots": "200"},
    )  # fmt: skip
    assert capture.meta == {
        "kind": "article", "title": "景気は100% 回復?", "language": "ja", "page_id": "12", "revision": "102",
        "revised_at": "2026-05-06T01:02:03Z", "published_at": "2026-05-06", "dump": "20261101", "dump_file": "d.xml",
        "dump_sha1": "0" * 40, "category_path": "経済 > 景気",
    }  # fmt: skip


def test_what_is_no_article_is_counted(tmp_path: Path) -> None:
    redirect = page("日銀", extra='    <redirect title="日本銀行" />\n')
    counts: Counter[str] = Counter()
    found = captured(write(tmp_path, xml(page("金利"), redirect, page("Template:金", ns=10))), counts)
    assert [one.meta["title"] for one in found] == ["金利"]
    assert counts == {"pages": 3, "articles": 1, "skipped redirect": 1, "skipped other_namespace": 1}


def test_a_document_type_ends_the_reading_before_any_page(tmp_path: Path) -> None:
    head = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    found, damage, _ = read(write(tmp_path, head + xml(page("爆弾", "&b;"))))
    assert (found, damage) == ([], "it declares a document type, as no dump does")


def test_a_page_that_is_broken_or_hostile_is_named_and_costs_no_other(tmp_path: Path) -> None:
    pages = [
        page("金利"), page("爆弾", "&b;"), page("開", "<b>"), b"<page><ns>0</ns></page>",
        page("閉", "<![CDATA[</page>]]>"), page("国債").replace(b"<id>97</id>", b"<id>x</id>"), page("株式"),
    ]  # fmt: skip
    path = write(tmp_path, xml(*pages))
    dump = Dump(path)
    found = [c for c in articles(dump, lambda _: 0, lambda _: "", ORIGIN, Counter()) if c]
    assert [one.meta["title"] for one in found] == ["金利", "株式"]
    assert [said.partition(":")[0] for said in dump.broken] == ["a page", "爆弾", "開", "閉", "国債"]
    assert dump.unread == 5


def test_a_page_without_end_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    body = xml(page("金利"), page("巨大", "長" * (MAX_PAGE // 2)), page("株式"))
    path = write(tmp_path, bz2.compress(body))
    tracemalloc.start()
    try:
        found, damage, broken = read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [one.title for one in found] == ["金利", "株式"]
    assert (damage, broken) == ("", ["巨大: has more than 16 MiB"])
    assert peak < 3 * MAX_PAGE


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
def test_a_dump_that_unpacks_without_end_is_stopped(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    found, damage, _ = read(write(tmp_path, pack(HEAD + b" " * (70 << 20))))
    assert (found, damage) == ([], "it unpacks to far more than any real dump")


def test_a_dump_alone_is_read_by_the_links_in_its_text(tmp_path: Path) -> None:
    pages = [
        page("Category:債券", "[[Category:金融]]", ns=14, number=1),
        page("国債", "[[Category:債券|こくさい]]", number=2),
        page("将棋", "[[Category:盤上遊戯]]", number=3),
    ]
    found = list(read_dump(write(tmp_path, bz2.compress(xml(*pages))), Choice(roots=("金融",))))
    assert [(one.meta["title"], one.meta["category_path"]) for one in found] == [("国債", "金融 > 債券")]


def test_the_real_pages_are_cut_as_they_stand(shared_data: Path) -> None:
    path = shared_data / "wikipedia/jawiki_pages_a.xml.bz2"
    found, damage, broken = read(path)
    assert (len(found), damage, broken) == (17, "", [])
    body = bz2.decompress(path.read_bytes())
    assert all(body.count(one.raw) == 1 for one in found)
    assert len(captured(path)) == 11
