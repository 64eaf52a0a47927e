"""Filings of EDINET: chosen by form, reconciled with each day's list, and no key anywhere."""

import csv
import gzip
import io
import json
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from corpus.captures import INDEX, read_captures
from corpus.shards import read
from corpus.times.withdrawn import withdrawn
from datacards.lineage import read_jsonl
from datacards.store import Store
from sample import edinet_days
from sample.edinet import DATES, KEY
from sample.world import World, serve
from spiders.edinet.api import JAPAN
from spiders.edinet.spider import Edinet
from tests.spiders.conftest import BASES, NOWHERE, Crawler, Site

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
    assert counts["listed"] == counts["stored"] + counts["skipped"] + counts["not_stored"]
    assert counts["stored"] + counts["not_stored"] == counts["selected"] > 0
    assert counts["not_stored"] == counts["incomplete"] == 0
    assert counts["unreconciled_days"] == 0
    assert counts["kind filing"] == counts["selected"]
    assert card.rights[0].license == "PDL-1.0"
    days = [json.loads(line) for line in (store.path(ref) / "days.jsonl").read_text().splitlines()]
    assert [day["date"] for day in days] == [f"2026-06-{n}" for n in range(19, 26)]
    for day in days:
        accounted = day["stored"] + sum(day["skipped"].values()) + sum(day["failed"].values())
        assert (day["listed"], day["reconciled"]) == (accounted, True)
        assert sum(listed for listed, _ in day["forms"].values()) == day["listed"]

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
    assert done.returncode == 3, done.stderr
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
    assert done.returncode == 3, done.stderr
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
    assert done.returncode == 3, done.stderr
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


def _ledger(store: Store, name: str, version: str = "") -> list[dict[str, Any]]:
    ref = store.resolve(f"edinet@{version}" if version else "edinet")
    return read_jsonl(store.path(ref) / f"{name}.jsonl")


@contextmanager
def _api(at: datetime) -> Iterator[World]:
    """Serve the sample world as it was at a moment."""
    with serve(now=lambda: at) as served:
        yield served


def test_what_happens_after_the_first_crawl_becomes_a_tombstone_and_costs_only_the_lists(
    tmp_path: Path,
) -> None:
    """One crawl before the day on which a report is withdrawn, one hidden and one edited, and one after it."""
    words = ("edinet", "-a", "since=2025-06-20", "-a", "until=2026-06-25", "-a", "codelist=no")
    before, after = (datetime(2026, 6, day, 23, 0, tzinfo=JAPAN) for day in (24, 26))
    with _api(before) as then:
        crawler = Crawler(tmp_path / "store", {**dict.fromkeys(BASES, NOWHERE), **then.base_urls})
        first = crawler.run(
            *words[:3], "-a", "until=2026-06-24", "-a", "codelist=no", "-a", "version=2026.06.24"
        )
        assert first.returncode == 3, first.stderr  # one archive is cut off, and stays so
    port = int(then.base_urls["edinet"].rsplit(":", 1)[1])
    with serve(ports={"edinet": port}, now=lambda: after) as now:
        done = crawler.run(*words, "-a", "version=2026.06.26")
        assert done.returncode == 3, done.stderr
        asked = [path for host, path in now.requests if host == "edinet" and "/documents/" in path]
    store = Store(crawler.store)
    held = {c.meta["docID"] for c in read_captures(store.path(store.resolve("edinet"))) if "docID" in c.meta}
    assert store.card(store.resolve("edinet")).made_from[0].version == "2026.06.24"
    assert {path.split("/")[4].split("?")[0] for path in asked} & held <= {
        edinet_days.TRUNCATED,
        *_new(store),
    }
    assert store.verify(store.resolve("edinet")) == []

    found = {(one["docID"], one["what"]): one for one in _ledger(store, "tombstones")}
    withdrawn = found[edinet_days.WITHDRAWN, "withdrawn"]
    assert withdrawn["was"]["formCode"] == "030000"  # the row itself has lost all its fields
    assert withdrawn["said_at"].startswith("2026-06-25T")
    assert withdrawn["noticed_at"] > "2026-06-25"
    hidden = [one for (name, what), one in found.items() if (name, what) == (edinet_days.HIDDEN, "hidden")]
    assert hidden[0]["said_at"] == edinet_days.HIDDEN_FROM.isoformat()
    edits = [one["changes"] for one in _ledger(store, "tombstones") if one["docID"] == edinet_days.EDITED]
    assert any("periodStart" in changes for changes in edits)
    assert not {edinet_days.WITHDRAWN, edinet_days.HIDDEN} & held
    first_held = read_captures(store.path(store.resolve("edinet@2026.06.24")))
    assert {edinet_days.WITHDRAWN, edinet_days.HIDDEN} <= {c.meta.get("docID") for c in first_held}


def _new(store: Store) -> set[str]:
    """Return the documents that the newest version fetched itself."""
    rows = read(store.path(store.resolve("edinet")) / INDEX)
    return {row["url"].rsplit("/", 1)[1].split("?")[0] for row in rows if row["state"] == "new"}


def test_old_lists_can_be_taken_as_they_were(crawler: Crawler, world: World) -> None:
    words = ("edinet", *DAYS, "-a", "codelist=no")
    assert crawler.run(*words, "-a", "version=2026.11.20").returncode == 0
    before = len(world.requests)
    assert crawler.run(*words, "-a", "resync=30", *VERSION).returncode == 0
    asked = [path for host, path in world.requests[before:] if host == "edinet" and "/api/" in path]
    assert asked == []
    store = Store(crawler.store)
    one, two = (store.card(store.resolve(f"edinet@{v}")) for v in ("2026.11.20", "2026.11.21"))
    assert two.counts["lists_taken_as_they_were"] == 7
    for name in ("listed", "selected", "stored", "kind filing", "kind index"):
        assert one.counts[name] == two.counts[name]
    assert _ledger(store, "tombstones", "2026.11.20") == _ledger(store, "tombstones")


def test_every_type_that_is_asked_for_is_fetched_where_it_is_offered(crawler: Crawler) -> None:
    day = "2026-06-19"
    done = crawler.run("edinet", *_only(day), "-a", "types=1,2,5", "-a", "codelist=no", *VERSION)
    assert done.returncode in (0, 3), done.stderr
    store = Store(crawler.store)
    found = list(read_captures(store.path(store.resolve("edinet"))))
    kinds: dict[str, set[str]] = {}
    for capture in found:
        if "docID" in capture.meta and "problem" not in capture.meta:
            kinds.setdefault(capture.meta["docID"], set()).add(capture.meta["type"])
            assert capture.body.startswith(b"%PDF" if capture.meta["type"] == "2" else b"PK")
    assert {"1", "2", "5"} in kinds.values()


def test_amendments_name_what_they_amend(crawler: Crawler) -> None:
    assert crawler.run("edinet", *_only("2025-08-05"), "-a", "codelist=no", *VERSION).returncode == 0
    amendments = _ledger(Store(crawler.store), "amendments")
    assert {one["docID"] for one in amendments} == {edinet_days.AMENDED}
    assert all(len(one["parentDocID"]) == 8 for one in amendments)


def test_the_code_list_tells_its_day(crawler: Crawler) -> None:
    assert crawler.run("edinet", *_only("2026-06-20"), *VERSION).returncode == 0
    store = Store(crawler.store)
    (found,) = (
        c for c in read_captures(store.path(store.resolve("edinet"))) if c.meta["kind"] == "company_list"
    )
    assert (found.meta["as_of"], int(found.meta["count"]) > 0) == (
        datetime.now(JAPAN).date().isoformat(),
        True,
    )


def test_real_lists_are_selected_reconciled_and_compared(
    shared_data: Path, site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """Five real days, served as the API serves them; then the largest again, with rows that were changed since."""
    days = {path.stem: _rows(path) for path in sorted((shared_data / "edinet" / "doclist_csv").glob("*.csv"))}
    for day, rows in days.items():
        _serve_list(site, day, rows)
    crawler = crawl_site()
    words = ("-a", "codelist=no", "-a", "forms=010/030000,010/030001", "-a", "types=4")
    for day, rows in days.items():
        done = crawler.run("edinet", *_only(day), *words, "-a", f"version={day.replace('-', '.')}")
        assert done.returncode == 0, done.stderr
        (found,) = _ledger(Store(crawler.store), "days", day.replace("-", "."))
        assert (found["listed"], found["reconciled"]) == (len(rows), True)
        forms = Counter(f"{row['ordinanceCode'] or ''}/{row['formCode'] or ''}" for row in rows)
        assert {form: listed for form, (listed, _) in found["forms"].items()} == forms

    day = "2024-06-27"
    later = [dict(row) for row in days[day]]
    annual = [row for row in later if (row["ordinanceCode"], row["formCode"]) == ("010", "030000")]
    gone, edited, hidden, vanished = annual[:4]
    kept = {"seqNumber": gone["seqNumber"], "docID": gone["docID"], "withdrawalStatus": "2"}
    gone.update({**dict.fromkeys(gone), **kept, "legalStatus": "0"})
    edited.update(docInfoEditStatus="2", opeDateTime="2024-07-01 10:00", filerName="株式会社見本")
    hidden.update(disclosureStatus="2", opeDateTime="2024-07-02 11:30")
    later.remove(vanished)
    _serve_list(site, day, later)
    done = crawler.run("edinet", *_only(day), *words, "-a", "version=2024.07.03")
    assert done.returncode == 0, done.stderr
    told = {one["docID"]: one for one in _ledger(Store(crawler.store), "tombstones") if one["date"] == day}
    words_of = {name: told[row["docID"]]["what"] for name, row in
                {"gone": gone, "edited": edited, "hidden": hidden, "vanished": vanished}.items()}  # fmt: skip
    assert words_of == {"gone": "withdrawn", "edited": "edited", "hidden": "hidden", "vanished": "vanished"}
    assert told[gone["docID"]]["was"]["formCode"] == "030000"
    assert told[edited["docID"]]["changes"]["filerName"][1] == "株式会社見本"
    assert told[hidden["docID"]]["said_at"] == "2024-07-02T11:30:00+09:00"


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [
            {name: (int(v) if name == "seqNumber" else v or None) for name, v in row.items()}
            for row in csv.DictReader(stream)
        ]


def _serve_list(site: Site, day: str, rows: list[dict[str, Any]]) -> None:
    metadata = {"parameter": {"date": day, "type": "2"}, "resultset": {"count": len(rows)}, "status": "200"}
    body = json.dumps({"metadata": metadata, "results": rows}, ensure_ascii=False).encode()
    path = f"/api/v2/documents.json?date={day}&type=2&Subscription-Key={KEY}"
    site.pages[path] = (200, {"Content-Type": "application/json; charset=utf-8"}, body)


def test_a_filing_that_expires_stays_and_one_that_is_withdrawn_does_not(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """EDINET forgets after years what was public until then; what it withdraws was a mistake."""
    day = "2026-01-05"
    rows = [
        {**dict.fromkeys(edinet_days.FIELDS, None), "seqNumber": n, "docID": f"S100AAA{n}", "legalStatus": "1",
         "ordinanceCode": "010", "formCode": "030000", "withdrawalStatus": "0", "filerName": f"見本{n}"}
        for n in range(3)
    ]  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("XBRL/PublicDoc/0101010_honbun.htm", "<html>本文</html>")
    package = (200, {"Content-Type": "application/octet-stream"}, out.getvalue())
    for row in rows:
        site.pages[f"/api/v2/documents/{row['docID']}?type=1&Subscription-Key={KEY}"] = package
    crawler = crawl_site()
    words = ("edinet", *_only(day), "-a", "codelist=no", "-a")
    _serve_list(site, day, rows)
    assert crawler.run(*words, "version=2026.01.06").returncode == 0
    nothing = dict.fromkeys(edinet_days.FIELDS, None)
    rows[0] = {**nothing, "seqNumber": 0, "docID": "S100AAA0", "withdrawalStatus": "0", "legalStatus": "0"}
    rows[1] = {**nothing, "seqNumber": 1, "docID": "S100AAA1", "withdrawalStatus": "2", "legalStatus": "0"}
    _serve_list(site, day, rows)
    before = len(site.requests)
    assert crawler.run(*words, "version=2026.01.07").returncode == 0
    assert not [path for path in site.requests[before:] if "/documents/" in path]
    store = Store(crawler.store)
    held = {
        c.meta["docID"]: c for c in read_captures(store.path(store.resolve("edinet"))) if "docID" in c.meta
    }
    assert set(held) == {"S100AAA0", "S100AAA2"}
    assert held["S100AAA0"].meta["filerName"] == "見本0"  # as it was listed while it was
    (found,) = _ledger(store, "days")
    assert (found["stored"], found["skipped"]) == (1, {"expired_kept": 1, "withdrawn": 1})
    assert withdrawn([store.path(ref) for ref in store.refs("edinet")]) == {"S100AAA1": "withdrawn"}


def late(_: object) -> tuple[int, dict[str, str], bytes]:
    time.sleep(2.5)
    return 200, {}, b""


def test_the_key_is_in_no_log_line_and_no_packed_answer_whatever_the_server_does(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """A list that repeats the request in a packed body, a document that never comes, one that is too large."""
    day = "2026-01-05"
    rows = [
        {**dict.fromkeys(edinet_days.FIELDS, None), "seqNumber": n, "docID": f"S100AAA{n}", "legalStatus": "1",
         "ordinanceCode": "010", "formCode": "030000", "withdrawalStatus": "0"}
        for n in range(2)
    ]  # fmt: skip
    path = f"/api/v2/documents.json?date={day}&type=2&Subscription-Key={KEY}"
    metadata = {"parameter": {"date": day}, "resultset": {"count": 2}, "status": "200", "request": path}
    body = gzip.compress(json.dumps({"metadata": metadata, "results": rows}).encode())
    packed = {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"}
    site.pages[path] = (200, packed, body)
    document = "/api/v2/documents/S100AAA{}?type=1&Subscription-Key=" + KEY
    site.pages[document.format(0)] = (200, {"Content-Type": "application/octet-stream"}, bytes(300_000))
    site.pages[document.format(1)] = late
    crawler = crawl_site()
    words = (*_only(day), "-a", "codelist=no", "-s", "DOWNLOAD_MAXSIZE=100000", "-s", "DOWNLOAD_TIMEOUT=1")
    done = crawler.run("edinet", *words, "-s", "LOG_LEVEL=DEBUG", *VERSION)
    assert done.returncode == 3, done.stderr
    store = Store(crawler.store)
    assert store.card(store.resolve("edinet")).drops == {"timeout": 1, "too_large": 1}
    assert "Subscription-Key=HIDDEN" in done.stderr
    _holds_no_key(crawler)
