"""Politeness as the server sees it: when requests come, how many at once, and who is said to ask."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.utils.test import get_crawler

from datacards.store import Store
from spiders.pace import Pace, seconds_of
from tests.spiders.bank import HTML, INDEX, WORDS, index, lines, made, page, speech, speeches
from tests.spiders.conftest import Answer, Crawler, Exchange, Site

ROBOTS = "/robots.txt"
SLACK = 0.03  # seconds that a request may take more to its server than the one before it


def gaps(seen: list[Exchange]) -> list[float]:
    return [later.began - earlier.began for earlier, later in pairwise(seen)]


def first(*answers: Answer) -> Callable[..., Answer]:
    """Return a page that gives these answers in turn, and then the last one for ever."""
    given = list(answers)
    return lambda _: given.pop(0) if len(given) > 1 else given[0]


def slowly(seconds: float, answer: Answer) -> Callable[..., Answer]:
    """Return a page that takes its time."""

    def give(_: object) -> Answer:
        time.sleep(seconds)
        return answer

    return give


def busy(status: int = 503, **headers: str) -> Answer:
    return status, {**HTML, **headers}, b"busy"


def test_a_host_is_asked_for_one_thing_at_a_time_and_never_sooner_than_said(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """Nothing is set here but a shorter delay: what is shipped has no jitter that could shorten it further."""
    site.pages |= {INDEX: speeches(*range(5, 13)), **{speech(day): page() for day in range(5, 13)}}
    contact = ("-s", "KANAGURA_CONTACT=mailto:corpus@example.org")
    assert crawl_site().run(*WORDS, *contact, "-s", "DOWNLOAD_DELAY=0.2").returncode == 0
    assert len(site.seen) == 11  # with robots.txt, the TDMRep file and the list
    assert min(gaps(site.seen)) > 0.2 - SLACK
    assert all(later.began > earlier.ended for earlier, later in pairwise(site.seen))
    assert site.agents == {"kanagura/0.1.0 (+mailto:corpus@example.org)"}


def test_a_host_that_asks_for_time_gets_it_while_another_host_goes_on(
    site: Site, other_site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """The time between two requests that robots.txt asks for holds after the pause, too."""
    listed = INDEX.replace("2024", "2011")
    pages = [listed.replace("index.htm", f"ko11010{day}a.htm") for day in range(4, 9)]
    archive = "/archive/announcements/press/koen_2010/"
    archived = [f"{archive}ko10010{day}a.htm" for day in range(1, 10)]
    site.pages |= {
        ROBOTS: (200, {}, b"User-agent: *\nCrawl-delay: 0.3\n"),
        listed: index(*(path.rsplit("/", 1)[-1] for path in pages)),
        **{path: page() for path in pages},
        pages[-1]: first(busy(**{"Retry-After": "2"}), page("later")),  # the newest is asked for first
    }
    other_site.pages |= {
        f"{archive}index.htm": index(*(path.rsplit("/", 1)[-1] for path in archived)),
        **{path: slowly(0.2, page()) for path in archived},
    }
    crawler = crawl_site()
    crawler.base_urls["boj_archive"] = other_site.base.replace("127.0.0.1", "localhost")
    years = ("-a", "since=2010-01-01", "-a", "until=2011-12-31", "-a", "languages=ja")
    done = crawler.run("boj_speeches", *years, "-a", "version=2026.11.21")
    assert done.returncode == 0, done.stderr
    assert len(made(crawler)[1]) == 2 + len(pages) + len(archived)
    after_robots = site.seen[1:]
    assert min(gaps(after_robots)) > 0.3 - SLACK
    times = [one.path for one in after_robots].index(pages[-1])
    asked, then = after_robots[times], after_robots[times + 1]
    assert then.began - asked.ended > 2 - SLACK
    meanwhile = [one for one in other_site.seen if asked.ended < one.began < then.began]
    assert len(meanwhile) >= 3


def test_time_that_is_asked_for_with_the_last_answer_is_given_to_the_next_page(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {
        INDEX: speeches(5, 6, 7),
        speech(7): busy(**{"Retry-After": "1"}),
        speech(6): page(),
        speech(5): page(),
    }
    crawler = crawl_site()
    assert crawler.run(*WORDS, "-s", "RETRY_TIMES=0").returncode == 3
    assert [one.path for one in site.seen[-3:]] == [speech(7), speech(6), speech(5)]
    assert gaps(site.seen)[-2] > 1 - SLACK
    assert made(crawler)[1][speech(7)].meta["problem"] == "http_503"


def test_pauses_grow_and_hold_for_every_page_of_the_host(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {INDEX: speeches(5, 6), speech(6): busy(500), speech(5): page()}
    crawl_site().run(*WORDS, "-s", "RETRY_TIMES=3", "-s", "KANAGURA_RETRY_WAIT=0.2")
    failed = [number for number, one in enumerate(site.seen) if one.path == speech(6)]
    assert len(failed) == 4
    pauses = [gaps(site.seen)[number] for number in failed[:3]]  # whatever was asked for next
    for times, pause in enumerate(pauses):
        assert 0.2 * 2**times - SLACK < pause < 0.2 * 2**times * 1.5 + 0.5


@given(st.integers(0, 40), st.floats(0.01, 10))
def test_a_pause_is_doubled_each_time_with_up_to_half_as_much_more(times: int, wait: float) -> None:
    settings = {"KANAGURA_RETRY_WAIT": wait, "KANAGURA_RETRY_MAX_WAIT": 300.0}
    pause = Pace.from_crawler(get_crawler(settings_dict=settings)).pause(times)
    assert min(wait * 2**times, 300) <= pause <= min(wait * 2**times * 1.5, 300)


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("9" * 400, float("inf")),
        ("-5", None),
        ("soon", None),
        ("Sat, 21 Nov 2026 12:02:00 -0000", None),  # a moment without a zone
        ("Sat, 99 Nov 99999 12:02:00 GMT", None),
        ("", None),
    ],
)
def test_what_retry_after_asks_for(header: str, seconds: float | None) -> None:
    assert seconds_of(header, NOW) == seconds


@pytest.mark.parametrize("status", [503, 429])
def test_a_host_that_asks_for_hours_is_left_alone_until_the_next_run(
    site: Site, crawl_site: Callable[[], Crawler], status: int
) -> None:
    site.pages |= {INDEX: speeches(5, 6, 7), speech(7): page("kept"), speech(5): page()}
    site.pages[speech(6)] = busy(status, **{"Retry-After": "7200"})
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert done.returncode == 1
    assert f"asks to come back in 7200 s (HTTP {status})" in lines(done)
    assert "run the same command again" in lines(done)
    assert Store(crawler.store).refs() == []
    assert site.requests[-1] == speech(6)
    assert speech(5) not in site.requests

    before = len(site.requests)
    site.pages[speech(6)] = page("later")
    assert crawler.run(*WORDS).returncode == 0
    assert set(made(crawler)[1]) == {INDEX, speech(5), speech(6), speech(7)}
    assert {speech(7), INDEX}.isdisjoint(site.requests[before:])  # what was captured is kept


def test_a_host_that_still_asks_for_fewer_requests_gets_none(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {INDEX: speeches(*range(5, 15)), **{speech(day): busy(429) for day in range(5, 15)}}
    done = crawl_site().run(*WORDS, "-s", "RETRY_TIMES=0")
    assert done.returncode == 1
    assert "asks for fewer requests (HTTP 429)" in lines(done)
    assert site.requests[3:] == [speech(14)]


def test_a_host_that_wants_a_day_between_two_requests_is_not_waited_for(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {ROBOTS: (200, {}, b"User-agent: *\nCrawl-delay: 86400\n"), INDEX: speeches(5)}
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert done.returncode == 1
    assert "asks for 86400 s between two requests" in lines(done)
    assert set(site.requests) == {ROBOTS}
