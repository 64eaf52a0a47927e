"""A second crawl asks only whether something has changed, stores only what has, and yields everything."""

import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from corpus.captures import INDEX as CAPTURES
from corpus.captures import read_captures
from datacards.errors import UserError
from datacards.store import Store
from spiders.arguments import today
from tests.spiders.bank import HTML, INDEX, WORDS, failures, made, page, speech, speeches
from tests.spiders.conftest import ROOT, Answer, Crawler, Site

TAGGED, DATED, BARE, CHANGING = (speech(day) for day in range(5, 9))
DATE = "Sat, 21 Nov 2026 03:00:00 GMT"


@dataclass
class Page:
    """A page that answers a conditional request as its validators allow; ``told`` are the statuses of its answers."""

    body: bytes
    etag: str = ""
    modified: str = ""
    told: list[int] = field(default_factory=list)

    def __call__(self, asked: BaseHTTPRequestHandler) -> Answer:
        headers = {"ETag": self.etag} if self.etag else {}
        headers |= {"Last-Modified": self.modified} if self.modified else {}
        same = (self.etag and asked.headers.get("If-None-Match") == self.etag) or (
            self.modified and asked.headers.get("If-Modified-Since") == self.modified
        )
        self.told.append(304 if same else 200)
        return (304, headers, b"") if same else (200, {**HTML, **headers}, self.body)


def text(name: str) -> bytes:
    return page(name * 20_000)[2]


def bank(site: Site) -> dict[str, Page]:
    """Let the site have one page of every kind; return them by path."""
    pages = {
        INDEX: Page(speeches(5, 6, 7, 8)[2], etag='"list"'),
        TAGGED: Page(text("甲"), etag='W/"5"'),
        DATED: Page(text("乙"), modified=DATE),
        BARE: Page(text("丙")),
        CHANGING: Page(text("丁"), etag='"8"', modified=DATE),
    }
    site.pages |= pages
    return pages


def again(crawler: Crawler, version: str, *more: str) -> subprocess.CompletedProcess[str]:
    done = crawler.run(*WORDS[:-1], f"version={version}", *more)
    assert "Traceback" not in done.stderr
    return done


def records(store: Path) -> Iterator[tuple[str, str]]:
    """Yield type and profile of every record of every segment, read by another reader that checks the digests."""
    for segment in sorted(store.glob("*/*/warc/*.warc.gz")):
        with segment.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                record.content_stream().read()
                yield (
                    record.rec_type,
                    (record.rec_headers.get_header("WARC-Profile") or "").rpartition("/")[2],
                )


def test_an_unchanged_site_costs_little_and_a_version_still_holds_all_of_it(
    site: Site, crawl_site: Callable[[], Crawler], capsys: pytest.CaptureFixture[str]
) -> None:
    pages, crawler = bank(site), crawl_site()
    assert again(crawler, "2026.11.21").returncode == 0
    whole, before = made(crawler, "2026.11.21")
    pages[CHANGING].body, pages[CHANGING].etag, pages[CHANGING].modified = text("戊"), '"8a"', ""
    done = again(crawler, "2026.11.22")
    assert done.returncode == 0
    card, after = made(crawler, "2026.11.22")

    assert {path: one.told for path, one in pages.items()} == {
        INDEX: [200, 304],  # and still leads to its documents
        TAGGED: [200, 304],
        DATED: [200, 304],
        BARE: [200, 200],
        CHANGING: [200, 200],
    }
    assert (card.counts["captures"], card.counts["captures_unchanged"], card.counts["captures_new"]) == (
        5,
        4,
        1,
    )
    assert card.counts["bytes_new"] == len(text("戊"))
    sent = len(text("丙")) + len(text("戊"))
    assert sent <= card.counts["bytes_downloaded"] < sent + 5_000 < whole.counts["bytes_downloaded"]
    told = rf"5 captures \(1 new, 4 unchanged\), .* {card.counts['bytes_downloaded']:,} bytes downloaded"
    assert re.search(told, done.stdout)
    assert [str(ref) for ref in card.made_from] == ["boj_speeches@2026.11.21"]

    for path in (INDEX, TAGGED, DATED, BARE):
        assert after[path] == before[path]  # the same capture, of the day when its body came
    assert (before[CHANGING].body, after[CHANGING].body) == (text("丁"), text("戊"))
    store = Store(crawler.store)
    assert [store.verify(ref) for ref in store.refs()] == [[], []]
    assert Counter(records(crawler.store)) == {
        ("warcinfo", ""): 2,
        ("response", ""): 6,
        ("metadata", ""): 10,
        ("revisit", "server-not-modified"): 3,
        ("revisit", "identical-payload-digest"): 1,
    }
    for segment in crawler.store.glob("*/*/warc/*"):  # as `warcio check` does
        checker = Checker(type("Options", (), {"inputs": [str(segment)], "verbose": True}))
        checker.process_all()
        assert checker.exit_value == 0
    assert "digest failed" not in capsys.readouterr().out


def test_what_lies_in_an_earlier_version_is_missed_when_that_is_gone_and_then_fetched_again(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    pages, crawler = bank(site), crawl_site()
    for version in ("2026.11.21", "2026.11.22"):
        assert again(crawler, version).returncode == 0
    store = Store(crawler.store)
    newest = store.resolve("boj_speeches")
    shutil.rmtree(store.path(store.resolve("boj_speeches@2026.11.21")))
    assert store.verify(newest) == ["boj_speeches@2026.11.21, which holds bodies of its captures, is gone"]
    with pytest.raises(UserError, match=r"2026\.11\.21/warc/00000\.warc\.gz: cannot be read"):
        list(read_captures(store.path(newest)))
    assert again(crawler, "2026.11.23").returncode == 0
    card, found = made(crawler)
    assert (card.counts["captures_new"], card.made_from) == (5, ())
    assert {path: capture.body for path, capture in found.items()} == {
        p: one.body for p, one in pages.items()
    }
    assert {path: one.told for path, one in pages.items()} == {
        path: [200, 200, 200] if path == BARE else [200, 304, 200] for path in pages
    }


def test_a_body_that_is_damaged_is_fetched_again_and_stored_again(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    pages, crawler = bank(site), crawl_site()
    assert again(crawler, "2026.11.21").returncode == 0
    folder = crawler.store / "boj_speeches" / "2026.11.21"
    rows = {row["url"].removeprefix(site.base): row for row in pq.read_table(folder / CAPTURES).to_pylist()}
    for path in (TAGGED, BARE, CHANGING):
        with (folder / rows[path]["warc"]).open("r+b") as stream:
            stream.seek(rows[path]["offset"] + 40)
            stream.write(bytes(8))
    asked: list[str | None] = []

    def always_unchanged(request: BaseHTTPRequestHandler) -> Answer:
        asked.append(request.headers.get("If-None-Match"))
        return 304, {}, b""

    site.pages[CHANGING] = always_unchanged
    done = again(crawler, "2026.11.22")
    assert done.returncode == 3
    assert f"{site.base}{BARE} is fetched again" in done.stderr
    card, found = made(crawler)
    assert {path: pages[path].told for path in (TAGGED, DATED, BARE)} == {
        TAGGED: [200, 304, 200],
        DATED: [200, 304],
        BARE: [200, 200],
    }
    assert [found[path].body for path in (TAGGED, DATED, BARE)] == [text("甲"), text("乙"), text("丙")]
    assert (card.counts["captures_new"], card.counts["captures_unchanged"]) == (3, 2)
    assert (found[CHANGING].meta["problem"], failures(crawler)) == ("http_304", {CHANGING: "http_304"})
    assert asked == ['"8"', None]  # once as a question, once without one, and never again
    store = Store(crawler.store)
    assert store.verify(store.resolve("boj_speeches")) == []


def test_a_second_crawl_that_is_killed_goes_on(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    pages, crawler = bank(site), crawl_site()
    assert again(crawler, "2026.11.21").returncode == 0
    pages[CHANGING].body, pages[CHANGING].etag, pages[CHANGING].modified = text("戊"), '"8a"', ""
    first = len(site.requests)
    words = (*WORDS[:-1], "version=2026.11.22")
    process = subprocess.Popen(
        crawler.command(*words, "-s", "DOWNLOAD_DELAY=0.5", "-s", "LOG_LEVEL=ERROR"),
        cwd=ROOT,
        env=crawler.environment(),
    )
    while (
        len(site.requests) < first + 5 and process.poll() is None
    ):  # two about the host, the list, two pages
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stopped = len(site.requests)
    assert again(crawler, "2026.11.22").returncode == 0
    asked = Counter(site.requests[first:])
    assert asked[INDEX] == 1
    assert sum(asked[path] for path in pages) <= len(pages) + 1  # one was on its way
    assert len(site.requests[stopped:]) < 2 + len(pages)
    card, found = made(crawler)
    assert (card.counts["captures_unchanged"], card.counts["captures_new"]) == (4, 1)
    assert {path: capture.body for path, capture in found.items()} == {
        p: one.body for p, one in pages.items()
    }


def test_the_same_command_on_a_day_that_stayed_incomplete_fetches_what_is_missing(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    pages, crawler = bank(site), crawl_site()
    site.pages[DATED] = (503, HTML, b"sorry")
    day, words = today().strftime("%Y.%m.%d"), WORDS[:-2]
    done = crawler.run(*words)
    assert done.returncode == 3
    assert f"made boj_speeches@{day}: 5 captures" in done.stdout
    assert "INCOMPLETE: 1 captures are missing" in done.stdout
    assert failures(crawler) == {DATED: "http_503"}

    site.pages[DATED] = pages[DATED]
    done = crawler.run(*words)
    assert done.returncode == 0, done.stderr
    assert f"going on as boj_speeches@{day}.1" in done.stdout
    card, found = made(crawler)
    assert card.version == f"{day}.1"
    assert {path: capture.body for path, capture in found.items()} == {
        p: one.body for p, one in pages.items()
    }
    assert (card.counts["captures_new"], card.counts["captures_unchanged"]) == (1, 4)
    assert pages[DATED].told == [200]
    assert pages[TAGGED].told == pages[INDEX].told == pages[CHANGING].told == [200, 304]

    before = len(site.requests)
    done = crawler.run(*words)
    assert done.returncode == 0
    assert f"boj_speeches@{day}.1 exists already, made from the same request: nothing to do" in done.stdout
    assert len(site.requests) == before
