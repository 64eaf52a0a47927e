"""A crawl asks for nothing that a takedown names, and goes on from the successor of what was withdrawn."""

import json
from collections.abc import Callable

from corpus.captures import read_captures
from corpus.takedown.plugin import Corpus
from datacards.store import Store
from datacards.takedown.plan import plan
from datacards.takedown.request import Request
from datacards.takedown.run import Takedown
from tests.spiders.bank import INDEX, WORDS, failures, made, page, speech, speeches
from tests.spiders.conftest import Crawler, Site

KEPT, TAKEN = speech(5), speech(6)


def test_what_was_taken_down_is_not_asked_for_again(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    site.pages |= {INDEX: speeches(5, 6), KEPT: page("甲" * 300), TAKEN: page("乙の講演の本文を述べる" * 30)}
    crawler = crawl_site()
    assert crawler.run(*WORDS[:-1], "version=2026.11.21").returncode == 0
    store = Store(crawler.store)
    url = site.base + TAKEN
    found = plan(store, Request(urls=(url,), reason="訴えによる"), [Corpus()], day="2026.11.21")
    assert found
    Takedown(store, found, [Corpus()]).run()
    assert {c.url for c in read_captures(store.path(store.resolve("boj_speeches")))} == {
        site.base + INDEX,
        site.base + KEPT,
    }

    site.requests.clear()
    assert crawler.run(*WORDS[:-1], "version=2026.11.22").returncode == 0
    card, captures = made(crawler, "2026.11.22")
    assert TAKEN not in site.requests and KEPT in site.requests
    assert failures(crawler) == {TAKEN: "taken_down"}
    assert (card.counts["disallowed"], card.counts["failed"], card.drops) == (1, 0, {"taken_down": 1})
    assert [str(ref) for ref in card.made_from] == ["boj_speeches@2026.11.21.1"]  # where the bodies lie now
    assert len(captures) == 2
    assert store.verify(store.resolve("boj_speeches@2026.11.22")) == []
    told = (store.path(store.resolve("boj_speeches")) / "failures.jsonl").read_text("utf-8")
    assert json.loads(told)["detail"] == "taken down by takedowns@2026.11.21"


def test_a_crawl_that_holds_what_was_taken_down_meanwhile_is_not_finished(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    site.pages |= {INDEX: speeches(6), TAKEN: page("乙の講演の本文を述べる" * 30)}
    crawler = crawl_site()
    assert crawler.run(*WORDS[:-1], "version=2026.11.21").returncode == 0
    store, said = Store(crawler.store), page("乙の講演の本文を述べ直す" * 30)

    def answer(_: object) -> object:
        found = plan(
            store, Request(urls=(site.base + TAKEN,), reason="訴えによる"), [Corpus()], day="2026.11.21"
        )
        if found:
            Takedown(store, found, [Corpus()]).run()
        return said

    site.pages[TAKEN] = answer  # type: ignore[assignment]
    done = crawler.run(*WORDS[:-1], "version=2026.11.22")
    assert done.returncode == 1 and "takedowns@2026.11.21 names" in done.stdout + done.stderr
    assert [str(ref) for ref in store.refs("boj_speeches")] == [
        "boj_speeches@2026.11.21",
        "boj_speeches@2026.11.21.1",
    ]
