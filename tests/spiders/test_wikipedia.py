"""Finance articles of a dump: none missed, none twice, whatever the form of its tables; from a site or a folder."""

import bz2
import hashlib
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from datacards.store import Store
from sample import wikipedia
from sample.wikipedia import BROKEN_DATE, DATE, OLD_DATE
from sample.wikipedia_pages import pages
from sample.world import World
from spiders.warc import Segments
from tests.spiders.conftest import BASES, NOWHERE, ROOT, Crawler
from tests.spiders.wiki_truth import (
    DUMP,
    TRUTH,
    WORDS,
    articles,
    card,
    dump_folder,
    identities,
    ledger,
    version,
)


@pytest.fixture
def offline(tmp_path: Path) -> Crawler:
    """Crawls with no host to ask."""
    return Crawler(tmp_path / "store", dict.fromkeys(BASES, NOWHERE))


def test_every_finance_article_is_captured_once_as_it_stands_in_the_dump(crawler: Crawler) -> None:
    done = crawler.run(*WORDS)
    assert done.returncode == 0, done.stderr
    found = articles(crawler)
    assert Counter(c.meta["title"] for c in found) == Counter(TRUTH)
    xml = bz2.decompress(wikipedia.dump())
    assert all(xml.count(c.body) == 1 and c.body.startswith(b"<page>") for c in found)
    assert {c.license for c in found} == {"CC-BY-SA-4.0"}
    sha1 = hashlib.sha1(wikipedia.dump()).hexdigest()  # noqa: S324
    assert {(c.meta["dump"], c.meta["dump_file"], c.meta["dump_sha1"]) for c in found} == {(DATE, DUMP, sha1)}
    assert {c.signals["robots"] for c in found} == {"200"}
    of = {c.meta["title"]: c.meta["category_path"] for c in found}
    assert of["損益計算書"] == "経済 > 企業会計 > 財務諸表" or of["損益計算書"] == "経済 > 企業会計"
    assert card(crawler)["drops"] == {}


def test_the_walk_is_published_with_what_was_not_entered(crawler: Crawler) -> None:
    assert crawler.run(*WORDS).returncode == 0
    rows = {row["title"]: row for row in ledger(crawler, "categories")}
    assert rows["日本の企業"] == {
        "title": "日本の企業", "depth": 1, "parent": "企業", "pages": 10, "entered": True, "why_not": "",
    }  # fmt: skip
    assert (rows["経済学者"]["why_not"], rows["経済学者"]["pages"]) == ("stop word 経済学者", 1)
    assert (rows["短資会社の旧社屋"]["depth"], rows["短資会社の旧社屋"]["why_not"]) == (4, "deeper than 3")
    assert "将棋" not in rows
    counts = card(crawler)["counts"]
    assert (counts["missing linktarget"], counts["missing page"], counts["missing wanted page"]) == (1, 1, 0)
    assert {row["role"] for row in ledger(crawler, "files")} == {
        "categorylinks",
        "linktarget",
        "page",
        "dump",
    }
    assert counts["pages"] == len(pages())


def test_tables_of_the_old_form_choose_the_same_articles(crawler: Crawler, world: World) -> None:
    assert crawler.run(*WORDS).returncode == 0
    old = Crawler(crawler.store.with_name("old"), crawler.base_urls)
    before = len(world.requests)
    assert old.run(*WORDS, "-a", f"date={OLD_DATE}").returncode == 0
    assert identities(old) == identities(crawler)  # an unchanged article is the same capture in the next dump
    assert not any("linktarget" in path for _, path in world.requests[before:])


def test_an_unchanged_dump_costs_its_list_of_sums_and_nothing_else(crawler: Crawler, world: World) -> None:
    assert crawler.run(*WORDS).returncode == 0
    first, counts = identities(crawler), card(crawler)["counts"]
    told = {name: ledger(crawler, name) for name in ("categories", "files")}
    meta = {c.url: c.meta for c in articles(crawler)}
    before = len(world.requests)
    assert crawler.run("wikipedia", "-a", "version=2026.11.22").returncode == 0
    asked = [path for host, path in world.requests[before:] if host == "wikipedia"]
    about_hosts = {"/robots.txt", "/.well-known/tdmrep.json"}
    assert [path for path in asked if path not in about_hosts] == [
        "/jawiki/latest/jawiki-latest-sha1sums.txt"
    ]
    assert identities(crawler) == first
    assert {c.url: c.meta for c in articles(crawler)} == meta
    assert {name: ledger(crawler, name) for name in told} == told
    found = card(crawler)["counts"]
    assert (found["dump unchanged"], found["captures_carried"]) == (1, len(first))
    of_crawl = ("captures_", "bytes_", "requests", "signal ", "status ", "dump ")
    same = {name: n for name, n in counts.items() if not name.startswith(of_crawl)}
    assert same == {name: n for name, n in found.items() if not name.startswith(of_crawl)}
    store = Store(crawler.store)
    assert store.verify(store.resolve("wikipedia")) == []
    # Another choice is another question to the dump.
    assert crawler.run("wikipedia", "-a", "version=2026.11.23", "-a", "roots=企業会計").returncode == 0
    assert 0 < len(articles(crawler)) < len(first)
    assert "dump unchanged" not in card(crawler)["counts"]


def test_another_dump_or_one_that_was_damaged_is_read(crawler: Crawler, world: World) -> None:
    assert crawler.run(*WORDS, "-a", f"date={BROKEN_DATE}").returncode == 3
    for number, date in enumerate((BROKEN_DATE, OLD_DATE, DATE), 22):
        before = len(world.requests)
        crawler.run("wikipedia", "-a", f"version=2026.11.{number}", "-a", f"date={date}")
        assert any("pages-articles" in path for _, path in world.requests[before:])
        assert "dump unchanged" not in card(crawler)["counts"]


def test_a_dump_cut_off_gives_what_is_readable_and_says_so(crawler: Crawler, world: World) -> None:
    before = len(world.requests)
    done = crawler.run(*WORDS, "-a", f"date={BROKEN_DATE}")
    assert done.returncode == 3
    asked = [path for _, path in world.requests[before:] if "pages-articles" in path]
    assert len(asked) == 2  # once again after the wrong sum
    failures = {row["reason"]: row["url"] for row in ledger(crawler, "failures")}
    assert set(failures) == {"sha1_mismatch", "truncated_dump"}
    assert all(url.endswith("pages-articles.xml.bz2") for url in failures.values())
    found = {c.meta["title"] for c in articles(crawler)}
    assert 10 < len(found) < len(TRUTH)
    assert found <= TRUTH
    assert card(crawler)["counts"]["failed"] == 2


def test_a_folder_of_dump_files_needs_no_network(offline: Crawler, crawler: Crawler, tmp_path: Path) -> None:
    names = wikipedia.files(DATE)
    sums = "".join(f"{hashlib.sha1(body).hexdigest()}  {name}\n" for name, body in names.items())  # noqa: S324
    folder = dump_folder(tmp_path / "20261101", names | {f"jawiki-{DATE}-sha1sums.txt": sums.encode()})
    offline.store = tmp_path / "local"
    done = offline.run(*WORDS, "-a", f"folder={folder}")
    assert done.returncode == 0, done.stderr
    assert crawler.run(*WORDS).returncode == 0
    assert identities(offline) == identities(crawler)
    first = articles(offline)
    assert offline.run(*WORDS[:-1], "version=2026.11.22", "-a", f"folder={folder}").returncode == 0
    assert articles(offline) == first  # the same files give the same captures
    assert card(offline)["recipe"]["folder"] == "20261101"
    assert str(tmp_path) not in (version(offline) / "card.json").read_text(encoding="utf-8")
    assert ledger(offline, "failures") == []


@pytest.mark.parametrize(
    "name", ["jawiki-latest-pages-articles.xml", f"jawiki-{DATE}-pages-articles-multistream.xml.bz2"]
)
def test_a_dump_file_alone_is_enough(offline: Crawler, tmp_path: Path, name: str) -> None:
    body = wikipedia.dump() if name.endswith("bz2") else bz2.decompress(wikipedia.dump())
    folder = dump_folder(tmp_path / "dump", {name: body})
    assert offline.run(*WORDS, "-a", f"folder={folder}").returncode == 0
    assert {c.meta["title"] for c in articles(offline)} == TRUTH
    assert card(offline)["counts"]["chosen by links in the text"] == 1


def test_damaged_tables_and_wrong_sums_of_a_folder_are_failures_of_the_version(
    offline: Crawler, tmp_path: Path
) -> None:
    names = wikipedia.files(DATE)
    links = f"jawiki-{DATE}-categorylinks.sql.gz"
    sums = "".join(f"{hashlib.sha1(body).hexdigest()}  {name}\n" for name, body in names.items())  # noqa: S324
    names |= {f"jawiki-{DATE}-sha1sums.txt": sums.encode(), links: names[links][:-300]}
    done = offline.run(*WORDS, "-a", f"folder={dump_folder(tmp_path / 'dump', names)}")
    assert done.returncode == 3, done.stderr
    assert {(row["url"], row["reason"]) for row in ledger(offline, "failures")} == {
        (links, "sha1_mismatch"),
        (links, "truncated_table"),
    }
    assert 0 < len(articles(offline)) < len(TRUTH)


def test_a_folder_without_a_dump_is_one_line(offline: Crawler, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        done = offline.run(*WORDS, "-a", f"folder={folder}")
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert done.stderr.strip().splitlines()[-1].startswith("Error: folder: ")


def test_roots_and_depth_can_be_said_on_the_command_line(offline: Crawler, tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", wikipedia.files(OLD_DATE))
    words = ("-a", f"folder={folder}", "-a", "roots=将棋,企業会計", "-a", "depth=0")
    assert offline.run(*WORDS, *words).returncode == 0
    assert {c.meta["category_path"] for c in articles(offline)} == {"将棋", "企業会計"}
    assert card(offline)["recipe"]["choice"]["depth"] == 0


def test_a_crawl_killed_while_it_reads_writes_no_article_twice(offline: Crawler, tmp_path: Path) -> None:
    pages_ = "".join(
        f"<page><title>債券{n}</title><ns>0</ns><id>{n}</id><revision><id>{n + 5000}</id><timestamp>2026-01-02T03:04:05Z"
        f"</timestamp><text>{'債券である。' * 200}[[Category:債券]]</text></revision></page>\n"
        for n in range(1, 4001)
    )
    body = bz2.compress(f"<mediawiki>{pages_}</mediawiki>".encode())
    folder = dump_folder(tmp_path / "dump", {"jawiki-20261101-pages-articles.xml.bz2": body})
    words = (*WORDS, "-a", f"folder={folder}", "-s", "LOG_LEVEL=ERROR")
    draft = offline.store / ".drafts" / "wikipedia@2026.11.21"
    process = subprocess.Popen(offline.command(*words), cwd=ROOT, env=offline.environment())
    while process.poll() is None and sum(p.stat().st_size for p in draft.glob("warc/*")) < 100_000:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Segments(draft) as segments:
        kept = len(segments.rows)
    assert 0 < kept < 4000
    assert offline.run(*words).returncode == 0
    assert len(articles(offline)) == 4000
    written = sum(p.read_bytes().count(b"\x1f\x8b\x08") for p in version(offline).glob("warc/*"))
    assert written < 2.1 * 4000  # two members for each capture


def test_a_crawl_without_any_wanted_article_makes_no_version(offline: Crawler, tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", wikipedia.files(DATE))
    done = offline.run(*WORDS, "-a", f"folder={folder}", "-a", "roots=金触")
    assert (done.returncode, "holds no wanted article" in done.stderr.splitlines()[-1]) == (1, True)
    assert Store(offline.store).refs() == []
