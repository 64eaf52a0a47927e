"""``scrapy check`` tells whether a site still answers as its spider expects."""

from collections.abc import Callable

from tests.spiders.conftest import Crawler, Site

SPIDERS = (
    "boj_minutes", "boj_opinions", "boj_outlook", "boj_press_conferences", "boj_speeches", "boj_statements", "edinet",
    "institutions", "wikipedia",
)  # fmt: skip


def test_every_spider_fits_the_sample_world(crawler: Crawler) -> None:
    crawler.verb = "check"
    done = crawler.run(*SPIDERS, "-v", "-s", "KANAGURA_SITES=sample/sites")
    assert done.returncode == 0, done.stderr
    assert done.stderr.rstrip().endswith("OK")
    for spider in SPIDERS:
        assert f"[{spider}] checked_list (@names_documents post-hook) ... ok" in done.stderr


def test_a_site_that_has_changed_fails_its_check(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    for path in ("/about/press/koen_2025/index.htm", "/about/press/koen_2026/index.htm"):
        site.pages[path] = (
            200,
            {"Content-Type": "text/html"},
            b"<html><body><div id='app'></div></body></html>",
        )
    crawler = crawl_site()
    crawler.verb = "check"
    done = crawler.run("boj_speeches", "boj_minutes")
    assert done.returncode == 1
    assert "the list names 0 documents, at least 1 are expected" in done.stderr
    assert "minu_" in done.stderr  # the other one is not there at all
    assert "no_index" in done.stderr
