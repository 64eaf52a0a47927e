"""Finance articles of a dump: none missed, none twice, whatever the form of its tables and the state of its files."""

import bz2
import hashlib
import json
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from corpus.captures import read_captures
from corpus.document import Capture
from datacards.store import Store
from sample import wikipedia
from sample.wikipedia import BROKEN_DATE, DATE, OLD_DATE
from sample.wikipedia_pages import pages
from sample.world import World
from spiders.warc import Segments
from tests.spiders.conftest import BASES, NOWHERE, ROOT, Crawler

WORDS = ("wikipedia", "-a", "version=2026.11.21")
DUMP = f"jawiki-{DATE}-pages-articles.xml.bz2"
# What the sample wiki has besides finance: other subjects, a list of meanings, a person, a house at the end of a way.
OTHERS = {"味噌汁", "将棋", "琵琶湖", "折り紙", "俳句", "レート (曖昧さ回避)", "帆影算三", "汐見町短資会館"}
TRUTH = {page.title for page in pages() if page.ns == 0 and not page.redirect} - OTHERS


def version(crawler: Crawler) -> Path:
    store = Store(crawler.store)
    return store.path(store.resolve("wikipedia"))


def articles(crawler: Crawler) -> list[Capture]:
    return [c for c in read_captures(version(crawler)) if c.meta["kind"] == "article"]


def identities(crawler: Crawler) -> set[tuple[str, str]]:
    found = [(c.url, c.sha256) for c in articles(crawler)]
    assert len(found) == len(set(found))
    return set(found)


def ledger(crawler: Crawler, name: str) -> list[dict[str, Any]]:
    path = version(crawler) / f"{name}.jsonl"
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def card(crawler: Crawler) -> Any:
    return json.loads((version(crawler) / "card.json").read_bytes())


@dataclass
class Mirror:
    """A mirror of the newest sample dump; ``asked`` are the first and last bytes asked for, by file."""

    files: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    ranges: bool = True
    then: Callable[["Mirror", str], None] = lambda mirror, name: None
    base: str = ""

    def answer(self, name: str, asked: str, condition: str) -> tuple[int, dict[str, str], bytes]:
        body = self.files.get(name)
        if body is None:
            return 404, {}, b""
        tag = self.tags.get(name, f'"{hashlib.sha256(body).hexdigest()[:8]}"')
        headers = {"ETag": tag, "Content-Encoding": "x-gzip"} if name.endswith(".gz") else {"ETag": tag}
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        if not found or not self.ranges or condition not in ("", tag):
            return 200, headers, body
        start, end = int(found[1]), min(int(found[2]) + 1, len(body))
        if start >= len(body):
            return 416, {**headers, "Content-Range": f"bytes */{len(body)}"}, b""
        return 206, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(body)}"}, body[start:end]


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A mirror that does as it is told, on loopback."""
    told = Mirror(wikipedia.files(DATE))
    lines = [f"{hashlib.sha1(body).hexdigest()}  {name}\n" for name, body in told.files.items()]  # noqa: S324
    told.files |= dict.fromkeys(
        (f"jawiki-{when}-sha1sums.txt" for when in (DATE, "latest")), "".join(lines).encode()
    )

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            asked = self.headers.get("Range", "")
            told.asked.append((name, asked.removeprefix("bytes=")))
            status, headers, body = told.answer(name, asked, self.headers.get("If-Range", ""))
            told.then(told, name)
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    told.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def crawl_mirror(tmp_path: Path, mirror: Mirror) -> Crawler:
    return Crawler(tmp_path / "store", dict.fromkeys(BASES, mirror.base))


@pytest.fixture
def offline(tmp_path: Path) -> Crawler:
    """Crawls with no host to ask."""
    return Crawler(tmp_path / "store", dict.fromkeys(BASES, NOWHERE))


def dump_folder(folder: Path, names: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, body in names.items():
        (folder / name).write_bytes(body)
    return folder


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


def test_a_killed_crawl_asks_only_for_the_missing_bytes(crawl_mirror: Crawler, mirror: Mirror) -> None:
    piece = ("-s", "KANAGURA_DUMP_PIECE=2000", "-s", "LOG_LEVEL=ERROR")
    process = subprocess.Popen(
        crawl_mirror.command(*WORDS, *piece, "-s", "DOWNLOAD_DELAY=0.05"),
        cwd=ROOT,
        env=crawl_mirror.environment(),
    )
    while sum(name == DUMP for name, _ in mirror.asked) < 5 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    draft = crawl_mirror.store / ".drafts" / "wikipedia@2026.11.21"
    here = (draft / ".work" / DUMP).stat().st_size
    assert 0 < here < len(mirror.files[DUMP])
    mirror.asked.clear()
    assert crawl_mirror.run(*WORDS, *piece).returncode == 0
    asked = [int(part.partition("-")[0]) for name, part in mirror.asked if name == DUMP]
    assert asked[0] == here
    assert asked == list(range(here, len(mirror.files[DUMP]), 2000))
    tables = [(name, part) for name, part in mirror.asked if name.endswith(".gz")]
    assert all(
        int(part.partition("-")[0]) >= len(mirror.files[name]) for name, part in tables
    )  # nothing is missing
    assert {c.meta["title"] for c in articles(crawl_mirror)} == TRUTH
    assert not (version(crawl_mirror) / ".work").exists()


def test_a_server_without_ranges_sends_the_files_whole(crawl_mirror: Crawler, mirror: Mirror) -> None:
    mirror.ranges = False
    assert crawl_mirror.run(*WORDS, "-s", "KANAGURA_DUMP_PIECE=2000").returncode == 0
    assert Counter(name for name, _ in mirror.asked)[DUMP] == 1
    assert {c.meta["title"] for c in articles(crawl_mirror)} == TRUTH


def test_a_file_too_large_for_a_server_without_ranges_is_one_line(
    crawl_mirror: Crawler, mirror: Mirror
) -> None:
    mirror.ranges = False
    done = crawl_mirror.run(*WORDS, "-s", "DOWNLOAD_MAXSIZE=20000")
    assert (done.returncode, "too_large" in done.stderr.strip().splitlines()[-1]) == (1, True)


@pytest.mark.parametrize(
    "limit", [[], ["-s", "DOWNLOAD_MAXSIZE=20000"]], ids=["sent whole", "too large to be sent"]
)
def test_a_file_that_changes_on_the_way_begins_anew(
    crawl_mirror: Crawler, mirror: Mirror, limit: list[str]
) -> None:
    """The first pieces are of a file that another one replaces: the parts of two files are no file."""
    good = mirror.files[DUMP]
    mirror.files[DUMP] = b"x" * len(good)

    def change(mirror: Mirror, name: str) -> None:
        if sum(one == DUMP for one, _ in mirror.asked) == 3:
            mirror.files[DUMP] = good

    mirror.then = change
    done = crawl_mirror.run(*WORDS, "-s", "KANAGURA_DUMP_PIECE=5000", *limit)
    assert done.returncode == 0, done.stderr
    assert {c.meta["title"] for c in articles(crawl_mirror)} == TRUTH
    assert ledger(crawl_mirror, "failures") == []


def test_a_file_with_a_wrong_sum_is_fetched_once_more(crawl_mirror: Crawler, mirror: Mirror) -> None:
    good = mirror.files[DUMP]
    mirror.files[DUMP] = bytes([*good[:99], good[99] ^ 1, *good[100:]])

    def mend(mirror: Mirror, name: str) -> None:
        if name == DUMP:
            mirror.files[DUMP] = good

    mirror.then = mend
    assert crawl_mirror.run(*WORDS).returncode == 0
    assert Counter(name for name, _ in mirror.asked)[DUMP] == 2
    assert ledger(crawl_mirror, "failures") == []
    assert {c.meta["title"] for c in articles(crawl_mirror)} == TRUTH


def test_without_the_tables_articles_are_chosen_by_their_own_links(
    crawl_mirror: Crawler, mirror: Mirror
) -> None:
    """A mirror that lists a table and has it not, or does not list it at all."""
    del mirror.files[f"jawiki-{DATE}-page.sql.gz"]
    assert crawl_mirror.run(*WORDS).returncode == 0
    assert card(crawl_mirror)["counts"]["chosen by links in the text"] == 1
    assert {c.meta["title"] for c in articles(crawl_mirror)} == TRUTH
    assert len(ledger(crawl_mirror, "categories")) > 40


def test_a_dump_without_published_sums_needs_a_date(crawl_mirror: Crawler, mirror: Mirror) -> None:
    for when in ("latest", DATE):
        del mirror.files[f"jawiki-{when}-sha1sums.txt"]
    done = crawl_mirror.run(*WORDS)
    assert (done.returncode, "name a date" in done.stderr) == (1, True)
    assert crawl_mirror.run(*WORDS, "-a", f"date={DATE}").returncode == 0
    assert {c.meta["title"] for c in articles(crawl_mirror)} == TRUTH


def test_a_dump_that_is_not_there_makes_no_version(crawl_mirror: Crawler, mirror: Mirror) -> None:
    """The list of sums alone is no dump."""
    del mirror.files[DUMP]
    done = crawl_mirror.run(*WORDS)
    assert (done.returncode, "answered with http_404" in done.stderr.splitlines()[-1]) == (1, True)
    assert Store(crawl_mirror.store).refs() == []


def test_a_folder_of_dump_files_needs_no_network(offline: Crawler, crawler: Crawler, tmp_path: Path) -> None:
    names = wikipedia.files(DATE)
    sums = "".join(f"{hashlib.sha1(body).hexdigest()}  {name}\n" for name, body in names.items())  # noqa: S324
    folder = dump_folder(tmp_path / "20261101", names | {f"jawiki-{DATE}-sha1sums.txt": sums.encode()})
    offline.store = tmp_path / "local"
    done = offline.run(*WORDS, "-a", f"folder={folder}")
    assert done.returncode == 0, done.stderr
    assert crawler.run(*WORDS).returncode == 0
    assert identities(offline) == identities(crawler)
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
        assert "scrapy crawl" in done.stderr or "folder" in done.stderr


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


def test_a_crawl_that_is_asked_to_stop_while_it_reads_stops(crawl_mirror: Crawler, mirror: Mirror) -> None:
    """Ctrl-C in the middle of a long file: the draft stays, and the next run goes on."""
    text = "債券である。" * 400
    page = "<page><title>債券{n}</title><ns>0</ns><id>{n}</id><revision><id>{n}</id><text>{text}</text></revision></page>\n"
    body = "".join(page.format(n=n, text=text) for n in range(1, 20_001))
    mirror.files = {DUMP: bz2.compress(f"<mediawiki>{body}</mediawiki>".encode())}
    words = (*WORDS, "-a", f"date={DATE}", "-a", "roots=金融", "-s", "LOG_LEVEL=INFO")
    with subprocess.Popen(
        crawl_mirror.command(*words),
        cwd=ROOT,
        env=crawl_mirror.environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and not any(name == DUMP for name, _ in mirror.asked):
            time.sleep(0.01)
        time.sleep(0.3)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in said
    assert time.monotonic() - begun < 5
    assert Store(crawl_mirror.store).refs() == []
