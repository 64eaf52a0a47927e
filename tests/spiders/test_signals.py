"""What a publisher forbids is not asked for or not kept, is counted and named, and is no failure."""

import gzip
import json
from collections.abc import Callable

import pytest

from datacards.store import Store
from tests.spiders.bank import HTML, INDEX, WORDS, failures, lines, made, page, speech, speeches
from tests.spiders.conftest import Crawler, Site

ROBOTS = "/robots.txt"
TDMREP = "/.well-known/tdmrep.json"
SECRET = "秘密の本文"
OPEN, HEADER, META, NOAI, META_NOAI, FOLDER, FILE = (speech(day) for day in range(5, 12))
REFUSED = {HEADER, META, NOAI, META_NOAI, FOLDER, FILE}
RECORDED = ("-s", "KANAGURA_OBEY_SIGNALS=False")


def with_meta(name: str, content: str) -> tuple[int, dict[str, str], bytes]:
    body = f'<html><HEAD><META NAME="{name}" CONTENT="{content}"></HEAD><body><h1>{SECRET}</h1></body></html>'
    return 200, HTML, body.encode()


def forbidding(site: Site) -> None:
    """Let the site forbid training on six of its seven speeches, each in another way."""
    rules = [{"location": FILE, "tdm-reservation": 1, "tdm-policy": "https://example.org/policy.json"}]
    site.pages |= {
        ROBOTS: (200, {}, f"User-agent: *\nContent-Usage: {FOLDER} train-ai=n\n".encode()),
        TDMREP: (200, {"Content-Type": "application/json"}, json.dumps(rules).encode()),
        INDEX: speeches(*range(5, 12)),
        OPEN: page("公開", **{"X-Robots-Tag": "noarchive", "Content-Usage": "train-ai=y"}),
        HEADER: page(SECRET, **{"TDM-Reservation": "1"}),
        META: with_meta("TDM-Reservation", "1"),
        NOAI: page(SECRET, **{"X-Robots-Tag": "noai"}),
        META_NOAI: with_meta("ROBOTS", "noindex, NOAI"),
        FOLDER: page(SECRET),
        FILE: page(SECRET),
    }


def unpacked(crawler: Crawler) -> bytes:
    """Return all that the store holds, WARC segments unpacked."""
    return b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in crawler.store.rglob("*")
        if path.is_file()
    )


def test_a_page_that_is_closed_to_training_is_not_kept_but_counted_and_named(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    forbidding(site)
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert done.returncode == 0, done.stderr  # what is unwanted is not missing
    card, found = made(crawler)
    assert set(found) == {INDEX, OPEN}
    assert failures(crawler) == dict.fromkeys(REFUSED, "ai_use_refused")
    assert (card.counts["disallowed"], card.counts["failed"], card.counts["incomplete"]) == (6, 0, 0)
    assert card.drops == {"ai_use_refused": 6}
    assert "6 unwanted by their publishers" in done.stdout
    assert not {FOLDER, FILE} & set(site.requests)  # the host had said so before
    assert SECRET.encode() not in unpacked(crawler)
    assert found[OPEN].signals == {
        "robots": "200",
        "tdmrep": "200",
        "X-Robots-Tag": "noarchive",
        "Content-Usage": "train-ai=y",
    }
    assert site.requests.count(ROBOTS) == site.requests.count(TDMREP) == 1


def test_signals_that_are_only_recorded_are_recorded_and_still_known_when_nothing_has_changed(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """A 304 repeats few headers and no page: what the page said of itself still holds, and is obeyed later."""
    forbidding(site)
    for path in REFUSED:
        status, headers, body = site.pages[path]  # type: ignore[misc]
        fresh = (status, {**headers, "ETag": '"1"'}, body)
        site.pages[path] = lambda asked, fresh=fresh: (
            (304, {"ETag": '"1"'}, b"") if asked.headers.get("If-None-Match") else fresh
        )
    crawler = crawl_site()
    assert crawler.run(*WORDS, *RECORDED).returncode == 0
    said = {path: capture.signals.get("ai_use") for path, capture in made(crawler)[1].items()}
    assert said == {
        INDEX: None,
        OPEN: None,
        HEADER: "refused (tdm-reservation: 1)",
        META: "refused (tdm-reservation: 1)",
        NOAI: "refused (X-Robots-Tag: noai)",
        META_NOAI: "refused (meta robots: noai)",
        FOLDER: "refused (robots_content-usage: train-ai=n)",
        FILE: "refused (tdmrep_reserved: 1)",
    }
    assert crawler.run(*WORDS[:-1], "version=2026.11.22", *RECORDED).returncode == 0
    card, found = made(crawler, "2026.11.22")
    assert card.counts["captures_unchanged"] == 8
    assert {path: capture.signals.get("ai_use") for path, capture in found.items()} == said
    assert [one.headers.get("if-none-match") for one in site.seen if one.path == META] == [None, '"1"']

    assert crawler.run(*WORDS[:-1], "version=2026.11.23").returncode == 0
    assert set(made(crawler, "2026.11.23")[1]) == {INDEX, OPEN}
    assert failures(crawler) == dict.fromkeys(REFUSED, "ai_use_refused")


def test_a_stopped_crawl_that_only_recorded_signals_goes_on_obeying_them(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    forbidding(site)
    good = site.pages[OPEN]
    site.pages[OPEN] = (503, {"Retry-After": "3600"}, b"")
    crawler = crawl_site()
    assert crawler.run(*WORDS, *RECORDED).returncode == 1
    assert Store(crawler.store).refs() == []
    site.pages[OPEN] = good
    assert crawler.run(*WORDS).returncode == 0
    card, found = made(crawler)
    assert set(found) == {INDEX, OPEN}
    assert card.drops == {"ai_use_refused": 6}


@pytest.mark.parametrize(
    ("robots", "why"),
    [
        ("User-agent: GPTBot\nDisallow: /\n", "robots_ai: GPTBot"),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=no\n", "robots_content-signal: search=yes, ai-train=no"),
    ],
)  # fmt: skip
def test_a_host_that_forbids_training_altogether_is_asked_for_nothing_else(
    site: Site, crawl_site: Callable[[], Crawler], robots: str, why: str
) -> None:
    site.pages |= {ROBOTS: (200, {}, robots.encode()), INDEX: speeches(5), OPEN: page()}
    crawler = crawl_site()
    done = crawler.run(*WORDS)
    assert done.returncode == 1
    assert "nothing was captured (ai_use_refused 1 times)" in lines(done)
    assert why in done.stderr
    assert set(site.requests) == {ROBOTS, TDMREP}
    assert crawler.run(*WORDS, *RECORDED).returncode == 0
    card, found = made(crawler)
    assert {capture.signals["ai_use"] for capture in found.values()} == {f"refused ({why})"}
    assert (
        card.recipe["kanagura_obey_signals"] is False
    )  # the card tells, and it is another version's request
    assert "differs in 'kanagura_obey_signals'" in lines(crawler.run(*WORDS))


def test_what_speaks_of_other_crawlers_or_other_uses_forbids_nothing(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """No robots.txt for us in 4xx (RFC 9309, 2.3.1.3); a TDMRep file that is no JSON says nothing."""
    site.pages |= {
        ROBOTS: (200, {}, b"# GPTBot\nUser-agent: Googlebot-Image\nDisallow: /\nUser-agent: corpus\nDisallow: /\n"),
        TDMREP: (200, {}, b"<html>"),
        INDEX: speeches(5),
        OPEN: page(**{"X-Robots-Tag": "noimageai"}),
    }  # fmt: skip
    crawler = crawl_site()
    contact = ("-s", "KANAGURA_CONTACT=mailto:corpus@example.org")
    assert crawler.run(*WORDS, *contact).returncode == 0
    assert made(crawler)[1][OPEN].signals == {
        "robots": "200",
        "tdmrep": "200 unreadable",
        "X-Robots-Tag": "noimageai",
    }


def test_a_crawl_that_does_not_ask_for_robots_txt_still_obeys_the_other_signals(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    forbidding(site)
    crawler = crawl_site()
    assert crawler.run(*WORDS, "-s", "ROBOTSTXT_OBEY=False").returncode == 0
    _, found = made(crawler)
    assert set(found) == {INDEX, OPEN, FOLDER}
    assert found[FOLDER].signals == {"robots": "not asked", "tdmrep": "200"}
    assert ROBOTS not in site.requests
