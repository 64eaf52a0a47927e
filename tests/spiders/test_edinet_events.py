"""What happens to filings after their day: each event once, in its order, whoever's list tells of it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from corpus.captures import read_captures
from corpus.times.withdrawn import withdrawn
from datacards.lineage import read_jsonl
from datacards.store import Store
from sample import edinet_days
from sample.edinet import KEY
from spiders.edinet.api import DayList, Filing
from spiders.edinet.changes import Tombstone, joined, tombstones
from spiders.edinet.notices import Notices
from spiders.edinet.spider import Edinet
from tests.spiders.conftest import Crawler, Site

ONE, TWO, THREE = "2026-06-20", "2026-06-21", "2026-06-22"
JSON = {"Content-Type": "application/json; charset=utf-8"}


def row(number: int, **known: str | None) -> dict[str, Any]:
    """Return an annual report as a list names it; ``known`` are fields that differ."""
    flags = dict.fromkeys(("withdrawalStatus", "docInfoEditStatus", "disclosureStatus"), "0")
    told = {"docID": f"S100AAA{number}", "ordinanceCode": "010", "formCode": "030000", "legalStatus": "1"}
    told |= {"filerName": f"株式会社見本{number}", "submitDateTime": f"{ONE} 09:00"}
    return {**dict.fromkeys(edinet_days.FIELDS, None), "seqNumber": number, **flags, **told, **known}


def nothing_left(number: int, **known: str | None) -> dict[str, Any]:
    """Return a row that has lost all its fields."""
    empty = dict.fromkeys(edinet_days.FIELDS, None)
    return {**empty, "seqNumber": number, "docID": f"S100AAA{number}", "legalStatus": "0", **known}


WITHDRAWAL = nothing_left(8, parentDocID="S100AAA1", withdrawalStatus="1", submitDateTime=f"{TWO} 10:00")


def body_of(day: str, rows: list[dict[str, Any]]) -> bytes:
    """Return the list of a day as the API gives it."""
    metadata = {"parameter": {"date": day, "type": "2"}, "resultset": {"count": len(rows)}, "status": "200"}
    return json.dumps({"metadata": metadata, "results": rows}, ensure_ascii=False).encode()


class Lists:
    """The API of one test; every document it is asked for is a small archive."""

    def __init__(self, site: Site, crawler: Crawler) -> None:
        self.site, self.crawler, self.store = site, crawler, Store(crawler.store)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("XBRL/PublicDoc/0101010_honbun.htm", "<html>本文</html>")
        for number in range(9):
            path = f"/api/v2/documents/S100AAA{number}?type=1&Subscription-Key={KEY}"
            site.pages[path] = (200, {"Content-Type": "application/octet-stream"}, out.getvalue())

    def serve(self, day: str, *rows: dict[str, Any], **headers: str) -> None:
        path = f"/api/v2/documents.json?date={day}&type=2&Subscription-Key={KEY}"
        self.site.pages[path] = (200, {**JSON, **headers}, body_of(day, list(rows)))

    def crawl(self, version: str, *days: str, status: int = 0, resync: str = "all") -> None:
        words = ("-a", f"since={days[0]}", "-a", f"until={days[-1]}", "-a", f"resync={resync}")
        done = self.crawler.run("edinet", *words, "-a", "codelist=no", "-a", f"version={version}")
        assert done.returncode == status, done.stderr

    def folder(self, version: str) -> Path:
        return self.store.path(self.store.resolve(f"edinet@{version}"))

    def filings(self, version: str) -> set[str]:
        found = (c.meta.get("docID", "") for c in read_captures(self.folder(version)))
        return {name for name in found if name}

    def told(self, version: str) -> list[tuple[str, str, str]]:
        rows = read_jsonl(self.folder(version) / "tombstones.jsonl")
        return sorted((one["docID"], one["what"], one["said_at"]) for one in rows)


@pytest.fixture
def lists(site: Site, crawl_site: Callable[[], Crawler]) -> Lists:
    return Lists(site, crawl_site())


def test_a_withdrawal_ends_a_filing_whose_list_is_not_read_again(lists: Lists) -> None:
    lists.serve(ONE, row(1), row(2))
    lists.serve(TWO)
    lists.crawl("2026.07.01", ONE)
    lists.serve(TWO, WITHDRAWAL)
    lists.crawl("2026.07.02", ONE, TWO, resync="0")
    assert lists.filings("2026.07.02") == {"S100AAA2"}
    assert lists.told("2026.07.02") == [("S100AAA1", "withdrawn", f"{TWO}T10:00:00+09:00")]
    (told,) = read_jsonl(lists.folder("2026.07.02") / "tombstones.jsonl")
    assert (told["date"], told["was"]["formCode"]) == (ONE, "030000")  # as the list that was kept says
    assert withdrawn([lists.folder("2026.07.02")]) == {"S100AAA1": "withdrawn"}
    # The document's own row says the same a day later: that is no second event.
    lists.serve(ONE, nothing_left(1, withdrawalStatus="2"), row(2))
    lists.crawl("2026.07.03", ONE, TWO)
    assert lists.told("2026.07.03") == lists.told("2026.07.02")


def test_a_withdrawal_of_a_filing_of_another_time_is_told_too(lists: Lists) -> None:
    lists.serve(TWO, WITHDRAWAL)
    lists.crawl("2026.07.01", TWO)
    (told,) = read_jsonl(lists.folder("2026.07.01") / "tombstones.jsonl")
    assert (told["docID"], told["what"], told["date"], told["was"]) == ("S100AAA1", "withdrawn", TWO, {})


def test_a_filing_is_hidden_from_the_notice_on_and_back_with_the_next(lists: Lists) -> None:
    """Its own row, on a day that is not read again, says nothing of either."""
    lists.serve(ONE, row(1), row(2))
    lists.crawl("2026.07.01", ONE)
    lists.serve(TWO, row(1, disclosureStatus="1", opeDateTime=f"{TWO} 17:30"))
    lists.crawl("2026.07.02", ONE, TWO, resync="0")
    assert lists.filings("2026.07.02") == {"S100AAA2"}
    assert withdrawn([lists.folder("2026.07.02")]) == {"S100AAA1": "hidden"}
    lists.serve(THREE, row(1, disclosureStatus="3", opeDateTime=f"{THREE} 09:10"))
    lists.crawl("2026.07.03", ONE, THREE, resync="0")
    assert lists.filings("2026.07.03") == {"S100AAA1", "S100AAA2"}
    assert withdrawn([lists.folder("2026.07.03")]) == {}


def test_versions_that_were_finished_out_of_order_lose_no_event(lists: Lists) -> None:
    lists.serve(ONE, nothing_left(4, withdrawalStatus="2"))
    lists.serve(TWO, nothing_left(5, withdrawalStatus="2"))
    lists.crawl("2026.07.02", TWO)
    lists.crawl("2026.07.01", ONE)
    lists.crawl("2026.07.03", ONE, TWO)
    assert [name for name, *_ in lists.told("2026.07.03")] == ["S100AAA4", "S100AAA5"]


def test_a_list_of_another_day_is_none(lists: Lists) -> None:
    lists.serve(ONE, row(1))
    path = "/api/v2/documents.json?date={}&type=2&Subscription-Key=" + KEY
    lists.site.pages[path.format(TWO)] = lists.site.pages[path.format(ONE)]
    lists.crawl("2026.07.01", ONE, TWO, status=1)
    assert "answered with wrong_day" in lists.crawler.logs[-1].splitlines()[-1]


def test_a_day_whose_list_is_refused_costs_that_day_and_says_so(lists: Lists) -> None:
    lists.serve(ONE, row(1))
    lists.serve(TWO, row(2), **{"X-Robots-Tag": "noai"})
    lists.crawl("2026.07.01", ONE, TWO, status=3)
    assert lists.filings("2026.07.01") == {"S100AAA1"}
    days = {one["date"]: one for one in read_jsonl(lists.folder("2026.07.01") / "days.jsonl")}
    assert {day: one["reconciled"] for day, one in days.items()} == {ONE: True, TWO: False}
    counts = lists.store.card(lists.store.resolve("edinet")).counts
    assert (counts["incomplete"], counts["unreconciled_days"], counts["days"]) == (1, 1, 2)


# -- without a crawl -----------------------------------------------------------------------------------------


def on(number: int) -> datetime:
    return datetime(2026, 7, number, 3, 0, tzinfo=UTC)


def day_list(*rows: dict[str, Any]) -> DayList:
    return DayList(date.fromisoformat(ONE), len(rows), tuple(map(Filing.model_validate, rows)))


def compared(*readings: DayList | list[dict[str, Any]]) -> list[Tombstone]:
    """Return the ledger after a list was read once on each day of July."""
    known: list[Tombstone] = []
    before = None
    for number, given in enumerate(readings, 1):
        after = given if isinstance(given, DayList) else day_list(*given)
        notices = Notices()
        rows = [one.model_dump(mode="json") for one in after.filings]
        for one in rows:  # as a list writes them
            for name in ("opeDateTime", "submitDateTime"):
                one[name] = one[name] and one[name][:16].replace("T", " ")
        notices.read(after.day, body_of(ONE, rows), on(number))
        notices.remember(after)
        known = joined(known, tombstones(before, after, on(number), notices))
        before = after
    return known


def test_a_document_that_is_listed_twice_on_its_day_was_edited_once() -> None:
    own = row(1, docInfoEditStatus="2", periodEnd="2026-03-31")
    notice = row(1, docInfoEditStatus="1", periodEnd="2026-03-30", opeDateTime=f"{ONE} 15:00")
    for others in ([], [row(3)]):  # the list as it was, and one that changed elsewhere
        told = compared([own, notice], [own, notice, *others], [own, notice])
        changes = [one["changes"] for one in told if one["docID"] == "S100AAA1"]
        assert changes == [{}, {"periodEnd": ["2026-03-31", "2026-03-30"]}]


def test_a_notice_that_is_no_longer_listed_is_no_document_that_vanished() -> None:
    notice = row(1, docInfoEditStatus="1", opeDateTime=f"{ONE} 15:00")
    assert [one["what"] for one in compared([notice, row(2)], [row(2)])] == ["edited"]
    assert [one["what"] for one in compared([row(1), row(2)], [row(2)])] == ["vanished"]


@pytest.mark.parametrize("at", [None, f"{ONE} 17:30"])
def test_the_last_of_many_changes_is_the_last_word(tmp_path: Path, at: str | None) -> None:
    """Hidden, disclosed again, hidden again: EDINET may give the second the date of the first, or none."""
    hidden, back = [row(1, disclosureStatus="2", opeDateTime=at)], [row(1)]
    readings = [[row(1)], hidden, back, hidden, hidden, back, hidden, back]
    for number in range(1, len(readings) + 1):
        ledger = compared(*readings[:number])
        lines = (json.dumps(one) for one in ledger)
        (tmp_path / "tombstones.jsonl").write_text("\n".join(lines), encoding="utf-8")
        expected = {"S100AAA1": "hidden"} if readings[number - 1] is hidden else {}
        assert withdrawn([tmp_path]) == expected
        assert joined(ledger, []) == ledger
    assert len(ledger) == 6


def test_moments_of_two_clocks_are_compared_as_moments(tmp_path: Path) -> None:
    """Hidden at 17:30 in Japan, which is 08:30 UTC; noticed to be back at 09:00 UTC."""
    common = {"docID": "S100AAA1", "date": ONE, "changes": {}, "was": {}}
    hidden = {"what": "hidden", "said_at": f"{ONE}T17:30:00+09:00", "noticed_at": f"{ONE}T08:45:00+00:00"}
    back = {"what": "disclosed_again", "said_at": "", "noticed_at": f"{ONE}T09:00:00+00:00"}
    lines = "\n".join(json.dumps({**common, **one}) for one in (hidden, back))
    (tmp_path / "tombstones.jsonl").write_text(lines, encoding="utf-8")
    assert withdrawn([tmp_path]) == {}


def test_a_list_that_is_as_it_was_is_not_read_a_second_time() -> None:
    spider = Edinet(since=ONE, until=ONE)
    spider.settings = Settings(
        {"KANAGURA_BASE_URLS": {"edinet": "http://a.jp", "edinet_codelist": "http://a.jp"}}
    )
    body = body_of(ONE, [row(1)])
    held = {"sha256": hashlib.sha256(body).hexdigest(), "fetched_at": on(1), "seen_at": on(1)}
    asked: list[str] = []
    spider.earlier = lambda url: held if "documents.json" in url else None
    spider.earlier_capture = asked.append  # type: ignore[assignment]
    spider._keep(spider.days[0], body, on(2))
    assert len(list(spider._documents())) == 1
    assert asked == []
    assert "tombstones" not in spider.ledgers
