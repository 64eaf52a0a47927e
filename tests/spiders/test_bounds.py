"""Whatever a server sends, the crawl stays inside its bounds, says what became of each page, and goes on."""

import gzip
import os
import re
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path

import brotli
import pytest
from warcio.archiveiterator import ArchiveIterator

from datacards.store import Store
from spiders.failures import FINAL
from tests.spiders.bank import HTML, INDEX, PAGE, WORDS, failures, index, lines, made, page, speech, speeches
from tests.spiders.conftest import ROOT, Answer, Crawler, Site

Script = Callable[[BaseHTTPRequestHandler], Answer | None]
SIZE = 1_000_000  # DOWNLOAD_MAXSIZE in these tests
MEASURED = """
import atexit, sys
from scrapy.cmdline import execute
status = "/proc/self/status"
atexit.register(lambda: sys.stderr.write(next(line for line in open(status) if line.startswith("VmHWM"))))
execute()
"""


def moved(where: str) -> Answer:
    return 301, {"Location": where}, b""


def raw(*parts: bytes, pause: float = 0) -> Script:
    """Return a page that writes these bytes, with pauses between, and closes the connection."""

    def write(asked: BaseHTTPRequestHandler) -> None:
        for part in parts:
            asked.wfile.write(part)
            time.sleep(pause)

    return write


def endless(head: bytes, block: bytes, times: int) -> Script:
    """Return a page of ``times`` blocks that are never all in memory here."""

    def write(asked: BaseHTTPRequestHandler) -> None:
        asked.wfile.write(head)
        for _ in range(times):
            asked.wfile.write(block)

    return write


def head(*more: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: text/html; charset=UTF-8", *more, "", ""]).encode()


def packed(coding: str, body: bytes) -> Answer:
    return 200, {**HTML, "Content-Encoding": coding}, body


def measured(crawler: Crawler, *words: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run a crawl; return what it said, and the peak of its resident memory in MiB."""
    command = [sys.executable, "-c", MEASURED, *crawler.command(*words)[1:]]
    done = subprocess.run(
        command, cwd=ROOT, env=crawler.environment(), capture_output=True, text=True, timeout=120, check=False
    )
    found = re.search(r"VmHWM:\s+(\d+) kB\s*$", done.stderr)
    assert found, done.stderr
    return done, int(found[1]) // 1024


def through(proxy: Site) -> dict[str, str]:
    """Return an environment in which every request that leaves loopback reaches ``proxy``, which writes it down."""
    return {"http_proxy": proxy.base, "https_proxy": proxy.base, "no_proxy": "127.0.0.1"}


# -- redirects and addresses -----------------------------------------------------------------------------


def test_redirects_end_somewhere_and_never_lead_elsewhere(
    site: Site, other_site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    a, b = speech(5), "/b" + speech(5)
    hops = [f"/{number}{speech(7)}" for number in range(12)]
    elsewhere = {
        speech(8): other_site.base + "/",
        speech(9): "http://10.0.0.1/",
        speech(10): "http://[::1]/",
        speech(11): "http://169.254.169.254/latest/meta-data/",
        speech(12): "http://0x7f.1/",
        speech(13): "file:///etc/passwd",
        speech(14): "http://[/",
        speech(15): "",
    }
    long = "/" + "a" * 10_000 + speech(18)
    moved_to = "/移転" + speech(17)
    site.pages |= {
        INDEX: index(*map(speech, (5, 6, 7, *range(8, 18))), long, PAGE.replace("0105", "0119")),
        a: moved(b),
        b: moved(a),
        speech(6): moved(speech(6)),
        **dict(zip([speech(7), *hops], map(moved, [*hops, hops[0]]), strict=True)),
        **{path: moved(where) for path, where in elsewhere.items()},
        speech(16): (304, {}, b""),  # although nobody asked whether it has changed
        speech(17): raw(b"HTTP/1.1 302 Found\r\nLocation: " + moved_to.encode() + b"\r\nContent-Length: 0\r\n\r\n"),
        moved_to.replace("移転", "%E7%A7%BB%E8%BB%A2"): page("移転先"),
        speech(19): page("良い"),
    }  # fmt: skip
    crawler = crawl_site()
    done = crawler.run(*WORDS, **through(other_site))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    card, found = made(crawler)
    assert failures(crawler) == {
        b: "too_many_redirects",
        speech(6): "too_many_redirects",
        hops[4]: "too_many_redirects",
        **dict.fromkeys(elsewhere, "redirect_elsewhere"),
        long: "address_too_long",
        speech(16): "http_304",
    }
    assert other_site.requests == []
    assert max(map(site.requests.count, site.requests)) == 1
    assert found[speech(19)].body == page("良い")[2]
    assert found[moved_to.replace("移転", "%E7%A7%BB%E8%BB%A2")].body == page("移転先")[2]
    assert found[speech(16)].meta["problem"] == "http_304"
    assert card.counts["failed"] == 12
    assert card.counts["incomplete"] == 1  # all but the 304 would end the same way again


@pytest.mark.parametrize(
    "where", ["http://10.0.0.1/", "http://[::1]:8080/", "http://169.254.169.254/", "http://localhost:1/"]
)
def test_a_robots_txt_that_leads_into_a_private_network_is_not_followed(
    site: Site, other_site: Site, crawl_site: Callable[[], Crawler], where: str
) -> None:
    site.pages |= {"/robots.txt": moved(where), INDEX: speeches(5), PAGE: page()}
    done = crawl_site().run(*WORDS, **through(other_site))
    assert done.returncode == 1
    assert "robots.txt of" in lines(done)
    assert (set(site.requests), other_site.requests) == ({"/robots.txt"}, [])


def test_a_robots_txt_that_moved_on_its_own_host_is_followed(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {
        "/robots.txt": moved("/robots/ja.txt"),
        "/robots/ja.txt": (200, {}, f"User-agent: *\nDisallow: {PAGE}\n".encode()),
        INDEX: speeches(5),
        PAGE: page(),
    }
    crawler = crawl_site()
    assert crawler.run(*WORDS).returncode == 0
    assert failures(crawler) == {PAGE: "robots_disallowed"}


def test_a_name_that_leads_into_a_private_network_is_refused(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        pytest.skip(f"this machine's name {name} has no address")
    if ip_address(address).is_global:
        pytest.skip(f"this machine's name {name} leads to the public address {address}")
    site.pages |= {INDEX: speeches(5), PAGE: page()}
    crawler = crawl_site()
    crawler.base_urls = {key: base.replace("127.0.0.1", name) for key, base in crawler.base_urls.items()}
    done = crawler.run(*WORDS, "-s", "ROBOTSTXT_OBEY=False")
    assert done.returncode == 1
    assert f"private_address: {name} resolves to the private address {address}" in lines(done)
    assert site.requests == []


# -- bodies, headers, connections ------------------------------------------------------------------------


@pytest.fixture
def bombs(shared_data: Path) -> dict[str, bytes]:
    """Bodies that unpack to eleven megabytes, and two that break off."""
    folder = shared_data / "compressed"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def hostile(bombs: dict[str, bytes]) -> Iterable[tuple[str, Answer | Script, str]]:
    """Yield what a server may send, and what becomes of it: a failure, a problem, or "" for a page."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    nested = gzip.compress(b"".join([zeros.compress(bytes(1 << 20)) for _ in range(200)]) + zeros.flush())
    whole, length = page("全部")[2], 5 * SIZE
    yield "whole", packed("gzip", gzip.compress(whole)), ""
    yield (
        "two members and dirt",
        packed("gzip", gzip.compress(whole[:30]) + gzip.compress(whole[30:]) + b"dirt"),
        "",
    )
    yield "deflate", packed("deflate", zlib.compress(whole)), ""
    yield "raw deflate", packed("deflate", zlib.compress(whole)[2:-4]), ""
    yield "brotli", packed("br", brotli.compress(whole)), ""
    yield "many short headers", raw(head(*[f"X-{n}: a" for n in range(20_000)]), whole), ""
    yield "no length", raw(head(), whole), ""
    yield "declared", raw(head(f"Content-Length: {length}"), b"x" * 1000), "too_large"
    yield "undeclared", endless(head(), b"x" * 10_000, length // 10_000), "too_large"
    chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
    yield "chunked", endless(head("Transfer-Encoding: chunked"), chunk, length // 10_000), "too_large"
    yield "gzip bomb", packed("gzip", bombs["bomb-gzip.bin"]), "too_large"
    yield "brotli bomb", packed("br", bombs["bomb-br.bin"]), "too_large"
    yield "bomb in a bomb", packed("gzip, gzip", nested), "too_large"
    yield "truncated", packed("gzip", bombs["truncated-crc-error.gz"]), "cut_off"
    yield "unexpected end", packed("gzip", bombs["unexpected-eof.gz"]), "cut_off"
    yield "truncated brotli", packed("br", brotli.compress(os.urandom(5000))[:-100]), "cut_off"
    yield "truncated deflate", packed("deflate", zlib.compress(os.urandom(5000))[:-100]), "cut_off"
    yield "wrong checksum", packed("gzip", gzip.compress(whole)[:-8] + bytes(8)), "cut_off"
    yield "no gzip", packed("gzip", whole), "cut_off"
    yield "half a body", raw(head("Content-Length: 5000"), b"x" * 100), "cut_off"
    yield "half a chunk", raw(head("Transfer-Encoding: chunked"), chunk[:500]), "cut_off"
    yield "half a head", raw(head()[:30]), "no_response"
    yield "nothing", raw(), "no_response"
    yield "no HTTP", raw(b"SSH-2.0-OpenSSH_9.9\r\n"), "no_response"
    yield "one long header", raw(head("X-Long: " + "a" * SIZE), whole), "no_response"
    yield (
        "endless headers",
        endless(head()[:-2], b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 100_000),
        "no_response",
    )
    yield "drop by drop", raw(head("Content-Length: 5000"), *[b"x"] * 50, pause=0.2), "timeout"


def test_each_hostile_answer_is_counted_and_named_and_the_crawl_goes_on_in_little_memory(
    site: Site, crawl_site: Callable[[], Crawler], bombs: dict[str, bytes]
) -> None:
    given = {
        PAGE.replace("0105", f"{n // 28 + 1:02d}{n % 28 + 1:02d}"): one
        for n, one in enumerate(hostile(bombs))
    }
    site.pages |= {path: answer for path, (_, answer, _) in given.items()}
    site.pages |= {
        INDEX: index(*(path.rsplit("/", 1)[-1] for path in given)),
    }
    crawler = crawl_site()
    settings = (f"DOWNLOAD_MAXSIZE={SIZE}", "DOWNLOAD_TIMEOUT=2", "RETRY_TIMES=0")
    done, peak = measured(crawler, *WORDS, *(word for one in settings for word in ("-s", one)))
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert peak < 250
    card, found = made(crawler)
    told = {given[path][0]: reason for path, reason in failures(crawler).items()}
    assert told == {name: reason for name, _, reason in given.values() if reason}
    assert card.counts["failed"] == len(told)
    assert card.counts["incomplete"] == len(told) - sum(reason in FINAL for reason in told.values())
    good = {given[path][0]: capture.body for path, capture in found.items() if path != INDEX}
    assert good == {name: page("全部")[2] for name, _, reason in given.values() if not reason}
    assert {capture.signals["tdmrep"] for capture in found.values()} == {"404"}
    store = Store(crawler.store)
    with next(store.path(store.resolve("boj_speeches")).glob("warc/*")).open("rb") as stream:
        assert sum(1 for _ in ArchiveIterator(stream, check_digests="raise")) == 1 + 2 * len(found)


def test_a_robots_txt_without_end_counts_as_one_that_cannot_be_had(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    rules = b"User-agent: a\nDisallow: /\n" * 400
    site.pages |= {"/robots.txt": endless(head(), rules, 5_000), INDEX: speeches(5), PAGE: page()}
    done, peak = measured(crawl_site(), *WORDS)
    assert done.returncode == 1
    assert re.search(r"robots\.txt of \S+ cannot be reached", done.stderr)
    assert INDEX not in site.requests
    assert peak < 250


def test_a_robots_txt_is_read_up_to_the_limit_of_its_standard(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """RFC 9309, 2.5: at least 500 KiB; names and rules beyond all measure cost no more than their reading."""
    names = "".join(f"User-agent: a{n}\n" for n in range(8_000))
    rules = "".join(f"Disallow: /{n}\n" for n in range(8_000))
    text = f"User-agent: *\nDisallow: {PAGE}\n{names}{rules}".encode()
    site.pages |= {"/robots.txt": (200, {}, text.ljust(1_500_000, b"#")), INDEX: speeches(5, 6), PAGE: page()}
    site.pages[speech(6)] = page()
    crawler = crawl_site()
    done, peak = measured(crawler, *WORDS)
    assert done.returncode == 0, done.stderr
    assert set(made(crawler)[1]) == {INDEX, speech(6)}
    assert peak < 250


def test_a_site_without_end_is_left_at_the_limit_and_the_next_run_goes_on(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    days = range(5, 15)
    site.pages |= {INDEX: speeches(*days), **{speech(day): page("長" * 10_000) for day in days}}
    crawler = crawl_site()
    done = crawler.run(*WORDS, "-s", "KANAGURA_MAX_BYTES=100000")
    assert done.returncode == 1
    assert "more than 100,000 bytes of new pages (KANAGURA_MAX_BYTES)" in lines(done)
    assert Store(crawler.store).refs() == []
    first = [path for path in site.requests if path.startswith(PAGE[:20])]
    assert len(first) <= 1 + 4 + 4  # what is over the limit, and what was on its way: CONCURRENT_REQUESTS
    assert crawler.run(*WORDS).returncode == 0
    assert len(made(crawler)[1]) == 1 + len(days)
    again = site.requests[len(first) + 2 :]
    assert INDEX not in again
    assert len(again) < len(days)


def test_a_reservation_that_is_too_large_to_read_counts_as_one(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {
        INDEX: index(speech(5)),
        speech(5): page("本文"),
        "/.well-known/tdmrep.json": endless(head(f"Content-Length: {50 * SIZE}"), b" " * 10_000, 5_000),
    }
    done = crawl_site().run(*WORDS)
    assert done.returncode == 1
    assert "nothing was captured (ai_use_refused 1 times)" in done.stderr
    assert INDEX not in site.requests
