"""A dump larger than memory is fetched in pieces: through kills, breaks, changes, and servers that know no pieces."""

import bz2
import hashlib
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

import pytest

from datacards.store import Store
from sample import wikipedia
from sample.wikipedia import DATE
from tests.spiders.conftest import BASES, ROOT, Crawler
from tests.spiders.wiki_truth import (
    DUMP,
    TRUTH,
    WORDS,
    articles,
    card,
    ledger,
    version,
)


@dataclass
class Mirror:
    """A mirror of the newest sample dump; ``asked`` are the first and last bytes asked for, by file."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    ranges: bool = True
    cut: int = 0  # the request for the dump whose answer breaks off, counted from 1
    then: Callable[["Mirror", str], None] = lambda mirror, name: None
    base: str = ""

    def answer(self, name: str, asked: str, condition: str) -> tuple[int, dict[str, str], bytes]:
        body = self.files.get(name)
        if body is None:
            return 404, {}, b""
        tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
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
            if name == DUMP and told.cut and sum(one == DUMP for one, _ in told.asked) == told.cut:
                self.wfile.write(body[:100])
                self.close_connection = True
            else:
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


def test_a_connection_that_breaks_within_a_piece_costs_that_piece(
    crawl_mirror: Crawler, mirror: Mirror
) -> None:
    mirror.cut = 4
    assert crawl_mirror.run(*WORDS, "-s", "KANAGURA_DUMP_PIECE=5000").returncode == 0
    asked = [part for name, part in mirror.asked if name == DUMP]
    assert len(asked) == len(set(asked)) + 1 == -(-len(mirror.files[DUMP]) // 5000) + 1
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


@pytest.mark.slow
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
