"""``scrapy crawl`` ends honestly: status 0 with a finished version, else status 1 and one clear line."""

import gzip
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scrapy.utils.project import get_project_settings

from corpus.captures import read_captures
from datacards.errors import UserError
from datacards.store import Store
from sample.world import World
from spiders.addresses import Addresses
from spiders.base import CaptureSpider
from spiders.boj.spider import BojSpeeches
from spiders.edinet.spider import Edinet
from spiders.wikipedia.spider import Wikipedia
from tests.spiders.bank import HTML, INDEX, PAGE, WORDS, index, lines, page
from tests.spiders.conftest import BASES, NOWHERE, ROOT, Crawler, Site


def random_text(size: int) -> str:
    return hashlib.shake_128(b"seed").hexdigest(size // 2)


def test_without_settings_the_real_sites_are_asked_politely() -> None:
    settings = get_project_settings()
    bases = Addresses.read(settings.get("KANAGURA_BASE_URLS"), BASES).bases
    assert bases["boj"] == "https://www.boj.or.jp"
    assert settings.getbool("ROBOTSTXT_OBEY")
    assert settings.getfloat("DOWNLOAD_DELAY") >= 1
    assert settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") == 1
    assert "kanagura" in settings["USER_AGENT"]


def test_without_settings_the_first_request_goes_to_the_real_site_and_fails_clearly(
    site: Site, tmp_path: Path
) -> None:
    """A proxy that refuses every tunnel sees whom a crawl without any setting wants to reach."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("scrapy")), "crawl", *WORDS, "-s", "RETRY_TIMES=0"],
        cwd=ROOT,
        env={**os.environ, "KANAGURA_STORE": str(tmp_path / "store"), "https_proxy": site.base},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "robots.txt of www.boj.or.jp cannot be reached" in lines(done)
    assert "-s KANAGURA_CONTACT=" in done.stderr
    assert set(site.requests) == {"CONNECT www.boj.or.jp:443"}


def test_a_site_that_cannot_be_reached_is_one_line_and_no_version(tmp_path: Path) -> None:
    crawler = Crawler(tmp_path / "store", dict.fromkeys(BASES, NOWHERE))
    done = crawler.run(*WORDS)
    assert done.returncode == 1
    assert "127.0.0.1:9" in lines(done)
    assert Store(crawler.store).refs() == []


def test_an_equal_request_again_does_nothing_and_a_different_one_is_refused(
    crawler: Crawler, world: World
) -> None:
    first = crawler.run(*WORDS, "-s", "KANAGURA_PROGRESS_EVERY=2")
    assert first.returncode == 0
    assert re.search(r"2 captures, 0\.\d MB, 0 failed; \d+ known to come, about 0:00:\d\d", first.stderr)
    asked = len(world.requests)
    again = crawler.run(*WORDS)
    assert again.returncode == 0
    assert "exists already, made from the same request" in again.stdout
    other = crawler.run(*WORDS[:3], *WORDS[5:])
    assert other.returncode == 1
    assert "differs in 'until'" in lines(other)
    assert len(world.requests) == asked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("boj_speechs",), "no spider named 'boj_speechs'; spiders: boj_minutes"),
        (("boj_speeches", "-a", "sinse=2024-01-01"), "unknown key 'sinse'; allowed keys: version, since"),
        (("institutions", "-a", "sites=nowhere"), "no site 'nowhere'; known: jpx"),
        (("boj_speeches", "-s", "KANAGURA_BASE_URLS={}"), "has no address for 'boj'"),
    ],
)
def test_a_wrong_word_is_named_in_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    crawler = Crawler(tmp_path / "store", dict.fromkeys(BASES, NOWHERE))
    done = crawler.run(*words)
    assert done.returncode == 1
    assert said in lines(done)


@pytest.mark.parametrize(
    ("spider", "given", "said"),
    [
        (BojSpeeches, {"since": "2024"}, "since = '2024'"),
        (BojSpeeches, {"since": "2025-01-01", "until": "2024-01-01"}, "is after until"),
        (BojSpeeches, {"version": "1"}, "version = '1'"),
        (Edinet, {"forms": "030000"}, "forms.0 = '030000'"),
        (Edinet, {"types": "1,6"}, "types.1 = '6'"),
        (Wikipedia, {"date": "today"}, "date = 'today'"),
    ],
)
def test_a_wrong_value_is_named(spider: type[CaptureSpider], given: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        spider.read_arguments(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "is no JSON"),
        ('{"boj": "www.boj.or.jp"}', "scheme://host"),
        ('{"boj": "https://www.boj.or.jp/about"}', "scheme://host"),
        ('{"boj": "http://["}', "scheme://host"),
        ('{"boj": "http://localhost:port"}', "scheme://host"),
        ("[]", "is a list"),
    ],
)
def test_a_wrong_base_address_is_named(given: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Addresses.read(given, ("boj",))


def test_a_missing_page_and_a_broken_one_are_kept_aside_and_counted(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {
        INDEX: index("ko240105a.htm", "ko240106a.htm", "ko240107a.htm", "ko240108a.htm"),
        PAGE: page(**{"TDM-Reservation": "1", "X-Robots-Tag": "noai"}),
        "/robots.txt": (200, {}, b"User-agent: *\nAllow: /\nContent-Usage: train-ai=n\n"),
        PAGE.replace("0105", "0107"): (503, {**HTML, "Retry-After": "0"}, b"sorry"),
        PAGE.replace("0105", "0108"): (301, {"Location": "/moved/koen_2024/ko240108a.htm/"}, b""),
        "/moved/koen_2024/ko240108a.htm": page("moved"),
    }
    crawler = crawl_site()
    contact = ("-s", "KANAGURA_CONTACT=mailto:corpus@example.org")
    done = crawler.run(*WORDS, *contact, "-s", "KANAGURA_OBEY_SIGNALS=False")
    assert done.returncode == 3, done.stderr
    assert "INCOMPLETE: 1 captures are missing" in done.stdout
    store = Store(crawler.store)
    ref = store.resolve("boj_speeches")
    assert store.card(ref).drops == {"http_404": 1, "http_503": 1}
    found = {c.url.removeprefix(site.base): c for c in read_captures(store.path(ref))}
    assert found[PAGE].signals == {
        "robots": "200",
        "robots_content-usage": "train-ai=n",
        "tdmrep": "404",
        "TDM-Reservation": "1",
        "X-Robots-Tag": "noai",
        "ai_use": "refused (robots_content-usage: train-ai=n)",
    }
    assert found[PAGE.replace("0105", "0107")].meta["problem"] == "http_503"
    assert found[PAGE.replace("0105", "0108")].meta["kind"] == "redirect"
    moved = found["/moved/koen_2024/ko240108a.htm"]
    assert moved.meta["redirected_from"] == site.base + PAGE.replace("0105", "0108")
    assert moved.meta["kind"] == "speech"
    assert site.requests.count(PAGE.replace("0105", "0107")) == 2  # RETRY_TIMES is 1 here
    assert any("mailto:corpus@example.org" in agent for agent in site.agents)


def test_a_host_whose_robots_file_fails_is_left_alone(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    """RFC 9309, 2.3.1.4: a robots.txt that answers 5xx forbids everything."""
    site.pages |= {"/robots.txt": (503, {}, b""), INDEX: index("ko240105a.htm"), PAGE: page()}
    done = crawl_site().run(*WORDS)
    assert done.returncode == 1
    assert "robots.txt of" in lines(done)
    assert set(site.requests) == {"/robots.txt"}


def test_a_list_that_fails_ends_the_crawl_without_a_version(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages[INDEX] = (500, HTML, b"")
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert done.returncode == 1
    assert "answered with http_500" in lines(done)
    site.pages |= {INDEX: index("ko240105a.htm"), PAGE: page()}
    assert crawler.run(*WORDS).returncode == 0
    assert Store(crawler.store).card(Store(crawler.store).resolve("boj_speeches")).drops == {}


def test_lists_that_moved_to_one_page_do_not_end_the_walk_through_the_years(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """The Japanese list of a year is asked for after the English ones, which may be the same for every year."""
    moved = (301, {"Location": "/en/about/press/index.htm"}, b"")
    years = [f"/about/press/koen_{year}/index.htm" for year in (2022, 2023, 2024)]
    site.pages |= dict.fromkeys([f"/en{path}" for path in years], moved)
    site.pages |= {"/en/about/press/index.htm": index(), INDEX: index("ko240105a.htm"), PAGE: page()}
    words = ("-a", "since=2022-01-01", "-a", "until=2024-12-31", "-a", "version=2026.11.21")
    done = crawl_site().run("boj_speeches", *words)
    assert done.returncode == 0, done.stderr
    assert set(years) <= set(site.requests)


def test_a_host_that_asks_for_fewer_requests_gets_no_further_ones(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    names = [f"ko2401{day:02d}a.htm" for day in range(5, 15)]
    site.pages[INDEX] = index(*names)
    site.pages |= dict.fromkeys((INDEX.replace("index.htm", name) for name in names), (429, HTML, b""))
    crawler = crawl_site()
    done = crawler.run(*WORDS[:-2])
    assert done.returncode == 1
    assert "asks for fewer requests (HTTP 429)" in lines(done)
    assert re.search(r"on another day add -a version=\d{4}\.\d\d\.\d\d\)$", lines(done))
    assert len(site.requests) < 2 + 2 * len(names)
    assert Store(crawler.store).refs() == []


def test_a_site_without_any_page_makes_no_version(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /\n")
    done = crawl_site().run(*WORDS)
    assert done.returncode == 1
    assert "nothing was captured (robots_disallowed 1 times)" in lines(done)


def test_pages_that_appear_after_an_empty_crawl_are_found_by_the_next(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert (done.returncode, "every page was missing" in lines(done)) == (1, True)
    site.pages |= {INDEX: index("ko240105a.htm"), PAGE: page()}
    assert crawler.run(*WORDS).returncode == 0


def test_a_store_that_cannot_be_written_is_one_line(
    site: Site, crawl_site: Callable[[], Crawler], tmp_path: Path
) -> None:
    (tmp_path / "store").write_text("a file where the store should be")
    site.pages |= {INDEX: index("ko240105a.htm"), PAGE: page()}
    done = crawl_site().run(*WORDS)
    assert done.returncode == 1
    assert "boj_speeches@2026.11.21" in lines(done)
    assert site.requests == []


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """A file that may not grow further is the same to a writer as a disk that is full."""
    site.pages |= {INDEX: index("ko240105a.htm"), PAGE: page(random_text(200_000))}
    crawler = crawl_site()
    done = crawler.run(*WORDS, limit=50_000)
    assert done.returncode == 1
    assert "File too large" in lines(done)
    assert Store(crawler.store).refs() == []
    assert crawler.run(*WORDS).returncode == 0
    store = Store(crawler.store)
    assert store.verify(store.resolve("boj_speeches")) == []
    assert len(list(read_captures(store.path(store.resolve("boj_speeches"))))) == 2


def test_a_compressed_page_is_kept_decoded_and_one_that_inflates_too_far_is_not(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    packed = {**HTML, "Content-Encoding": "gzip"}
    site.pages |= {
        INDEX: index("ko240105a.htm", "ko240106a.htm"),
        PAGE: (200, packed, gzip.compress(page("圧縮")[2])),
        PAGE.replace("0105", "0106"): (200, packed, gzip.compress(b"0" * 5_000_000)),
    }
    crawler = crawl_site()
    assert crawler.run(*WORDS, "-s", "DOWNLOAD_MAXSIZE=1000000").returncode == 0
    store = Store(crawler.store)
    ref = store.resolve("boj_speeches")
    found = {c.url.removeprefix(site.base): c for c in read_captures(store.path(ref))}
    assert found[PAGE].body == page("圧縮")[2]
    assert "X-Crawl-Content-Length" in dict(found[PAGE].headers)
    assert store.card(ref).drops == {"too_large": 1}
