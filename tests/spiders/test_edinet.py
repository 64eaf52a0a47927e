"""Filings of EDINET: chosen by form, reconciled with each day's list, and no key anywhere."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta

from corpus.captures import read_captures
from datacards.store import Store
from sample import edinet_days
from sample.edinet import DATES, KEY
from sample.world import World
from spiders.edinet import Edinet
from spiders.edinet_api import JAPAN
from tests.spiders.conftest import Crawler, Site

DAYS = ("-a", "since=2026-06-19", "-a", "until=2026-06-25")
VERSION = ("-a", "version=2026.11.21")


def _only(day: object) -> tuple[str, ...]:
    return ("-a", f"since={day}", "-a", f"until={day}")


def test_annual_reports_are_captured_and_every_row_is_accounted_for(crawler: Crawler, world: World) -> None:
    done = crawler.run("edinet", *DAYS, *VERSION)
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    ref = store.resolve("edinet")
    card = store.card(ref)
    assert store.verify(ref) == []
    counts = card.counts
    assert counts["listed"] == counts["selected"] + counts["skipped"] > counts["selected"] > 0
    assert counts["unreconciled_days"] == 0
    assert counts["kind filing"] == counts["selected"]
    assert card.rights[0].license == "PDL-1.0"
    days = [json.loads(line) for line in (store.path(ref) / "days.jsonl").read_text().splitlines()]
    assert [day["date"] for day in days] == [f"2026-06-{n}" for n in range(19, 26)]
    for day in days:
        assert day["listed"] == day["selected"] + sum(day["skipped"].values())

    captures = list(read_captures(store.path(ref)))
    filings = {c.meta["docID"]: c for c in captures if c.meta["kind"] == "filing"}
    assert {c.meta["formCode"] for c in filings.values()} <= {"030000", "030001"}
    assert all(c.body.startswith(b"PK") for c in filings.values())
    assert edinet_days.HIDDEN not in filings
    assert [c.meta["kind"] for c in captures if c.media_type == "application/zip"] == ["company_list"]
    if edinet_days.EDITED in filings:  # the later row corrects the period
        assert filings[edinet_days.EDITED].meta["periodStart"].endswith("-01")
    broken = [c for c in filings.values() if "problem" in c.meta]
    assert card.drops == {c.meta["problem"]: 1 for c in broken}
    _holds_no_key(crawler)


def _holds_no_key(crawler: Crawler) -> None:
    """The key is in no log line and in no byte of the store, packed or not."""
    key = KEY.encode()
    assert KEY not in "".join(crawler.logs)
    for path in crawler.store.rglob("*"):
        assert not path.is_file() or key not in path.read_bytes(), path
    for ref in Store(crawler.store).refs():
        for capture in read_captures(Store(crawler.store).path(ref)):
            assert key not in capture.body + repr((capture.url, capture.headers, capture.meta)).encode()


def test_the_key_stays_hidden_at_the_most_talkative_log_level(crawler: Crawler, world: World) -> None:
    day = DATES[-1].isoformat()
    words = (*_only(day), "-a", "forms=010/053000", "-a", "codelist=no", "-s", "LOG_LEVEL=DEBUG")
    before = len(world.requests)
    done = crawler.run("edinet", *words, *VERSION)
    assert done.returncode == 0, done.stderr
    assert any(KEY in path for _, path in world.requests[before:])
    _holds_no_key(crawler)
    card = Store(crawler.store).card(Store(crawler.store).resolve("edinet"))
    assert card.drops == {"server_error": 1}  # HTTP 200 with an error in its body is no filing
    assert (card.counts["kind filing"], card.counts["kept_aside"]) == (1, 1)


def test_a_truncated_archive_is_kept_aside(crawler: Crawler) -> None:
    listed = next(
        day
        for day in DATES
        for row in edinet_days.rows(day, datetime.now(JAPAN))
        if row["docID"] == edinet_days.TRUNCATED
    )
    done = crawler.run("edinet", *_only(listed), "-a", "codelist=no", *VERSION)
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    card = store.card(store.resolve("edinet"))
    assert card.drops == {"truncated_zip": 1}
    problems = {
        c.meta["docID"]: c.meta["problem"]
        for c in read_captures(store.path(store.resolve("edinet")))
        if "problem" in c.meta
    }
    assert problems == {edinet_days.TRUNCATED: "truncated_zip"}


def test_a_refused_key_ends_the_crawl_in_one_line(crawler: Crawler) -> None:
    done = crawler.run("edinet", *DAYS, *VERSION, EDINET_API_KEY="another-key")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "the key was refused" in done.stderr.splitlines()[-1]
    assert "another-key" not in done.stderr
    assert Store(crawler.store).refs() == []


def test_a_missing_key_is_said_before_any_request(crawler: Crawler, world: World) -> None:
    before = len(world.requests)
    done = crawler.run("edinet", *DAYS, *VERSION, EDINET_API_KEY="")
    assert done.returncode == 1
    assert "EDINET_API_KEY: is not set" in done.stderr.splitlines()[-1]
    assert len(world.requests) == before


def test_hostile_answers_are_no_filings_and_the_key_never_returns(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """A PDF for a ZIP, an apology page, and a redirect that repeats the key are kept aside, redacted."""
    day = date(2026, 1, 5)
    rows = [
        {**dict.fromkeys(edinet_days.FIELDS, None), "seqNumber": n, "docID": f"S100AAA{n}", "legalStatus": "1",
         "ordinanceCode": "010", "formCode": "030000", "withdrawalStatus": "0"}
        for n in range(4)
    ]  # fmt: skip
    metadata = {"parameter": {"date": str(day), "type": "2"}, "resultset": {"count": 5}, "status": "200"}
    body = json.dumps({"metadata": metadata, "results": rows}).encode()
    query = f"Subscription-Key={KEY}"
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    document = "/api/v2/documents/S100AAA{}?type=1&" + query
    site.pages |= {
        f"/api/v2/documents.json?date={day}&type=2&{query}": (200, json_type, body),
        document.format(0): (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7 notice %%EOF"),
        document.format(1): (200, {"Content-Type": "text/html"}, f"<p>sorry {KEY}</p>".encode()),
        document.format(2): (302, {"Location": f"https://example.org/login?{query}"}, b""),
        document.format(3): (404, json_type, b'{"metadata": {"status": "404"}}'),
    }
    crawler = crawl_site()
    done = crawler.run("edinet", *_only(day), "-a", "codelist=no", *VERSION)
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    card = store.card(store.resolve("edinet"))
    assert card.drops == {
        "pdf_instead_of_zip": 1,
        "maintenance": 1,
        "redirect_elsewhere": 1,
        "not_found": 1,
    }
    assert card.counts["unreconciled_days"] == 1  # the list says five and holds four
    _holds_no_key(crawler)


def test_a_day_without_its_list_makes_no_version(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    """The documents are asked for when all lists are there: one that is missing would cost every document."""
    metadata = {"parameter": {"date": "2026-01-05"}, "resultset": {"count": 0}, "status": "200"}
    body = json.dumps({"metadata": metadata, "results": []}).encode()
    path = f"/api/v2/documents.json?date=2026-01-05&type=2&Subscription-Key={KEY}"
    site.pages[path] = (200, {"Content-Type": "application/json"}, body)
    crawler = crawl_site()
    words = ("-a", "since=2026-01-05", "-a", "until=2026-01-06", "-a", "codelist=no")
    done = crawler.run("edinet", *words, *VERSION)
    assert done.returncode == 1
    assert "answered with http_404" in done.stderr.splitlines()[-1]
    assert Store(crawler.store).refs() == []


def test_since_without_until_means_up_to_yesterday() -> None:
    """As in the other series, whose documents of today are not waited for either."""
    yesterday = datetime.now(JAPAN).date() - timedelta(days=1)
    assert Edinet(since="2026-01-05").days[:2] == [date(2026, 1, 5), date(2026, 1, 6)]
    assert Edinet(since="2026-01-05").days[-1] == max(yesterday, date(2026, 1, 5))
    assert Edinet().days == [yesterday]
