"""A dump is captured when its SHA-1 is the published one, and refused when it is not or is too large."""

import bz2
import hashlib
from collections.abc import Callable

from corpus.captures import read_captures
from datacards.store import Store
from tests.spiders.conftest import Crawler, Site

DUMP = bz2.compress("<mediawiki><page><title>日本銀行</title></page></mediawiki>".encode())
NAME = "jawiki-20261101-pages-articles.xml.bz2"
WORDS = ("wikipedia", "-a", "version=2026.11.21")


def sums(body: bytes = DUMP) -> tuple[int, dict[str, str], bytes]:
    lines = f"{'0' * 40}  jawiki-20261101-pages-meta.xml.bz2\n{hashlib.sha1(body).hexdigest()}  {NAME}\n"  # noqa: S324
    return 200, {"Content-Type": "text/plain"}, lines.encode()


def dump(body: bytes = DUMP) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/octet-stream"}, body


def test_the_latest_dump_is_found_through_its_sums(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    site.pages |= {
        "/jawiki/latest/jawiki-latest-sha1sums.txt": sums(),
        f"/jawiki/20261101/{NAME}": dump(),
    }
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    found = {c.meta["kind"]: c for c in read_captures(store.path(store.resolve("wikipedia")))}
    assert found["dump"].body == DUMP
    assert found["dump"].meta["date"] == "20261101"
    assert found["dump"].license == "CC-BY-SA-4.0"


def test_a_dump_with_another_sum_or_too_large_makes_no_version(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {
        "/jawiki/20261101/jawiki-20261101-sha1sums.txt": sums(),
        f"/jawiki/20261101/{NAME}": dump(DUMP[:-1]),
    }
    crawler = crawl_site()
    words = (*WORDS, "-a", "date=20261101")
    done = crawler.run(*words)
    assert (done.returncode, "answered with sha1_mismatch" in done.stderr.splitlines()[-1]) == (1, True)
    site.pages[f"/jawiki/20261101/{NAME}"] = dump()
    done = crawler.run(*words, "-s", "DOWNLOAD_MAXSIZE=20")
    assert (done.returncode, "too_large" in done.stderr.splitlines()[-1]) == (1, True)
    assert crawler.run(*words).returncode == 0


def test_a_dump_that_is_not_there_makes_no_version(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    """The list of sums alone is no dump."""
    site.pages["/jawiki/latest/jawiki-latest-sha1sums.txt"] = sums()
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert (done.returncode, "answered with http_404" in done.stderr.splitlines()[-1]) == (1, True)
    assert Store(crawler.store).refs() == []
