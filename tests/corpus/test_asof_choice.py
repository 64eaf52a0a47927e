"""Which captures were current on a day, and which of their documents were out: rules one by one, and random worlds."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from corpus.captures import INDEX
from corpus.document import Capture, Document
from corpus.times.asof import (
    KEPT,
    SEEN_AGAIN,
    SEEN_LATER,
    SUPERSEDED,
    AsOf,
    Choice,
    as_first_said,
    as_listed,
    choices,
    judged,
    judged_rows,
)
from corpus.times.revised import revised_on
from corpus.times.withdrawn import Edit, edited_later, withdrawn
from datacards.store import Store
from spiders.records import Carried
from spiders.warc import Segments
from tests.corpus.asof_world import (
    CRAWLS,
    Visit,
    World,
    article,
    code_list,
    edinet,
    fill,
    moment,
    page,
    sentences,
    tombstone,
    web,
)

JULY = date(2026, 7, 1)


def row(sha256: str, fetched: str, *, seen: str = "", version: int = 0, **more: Any) -> dict[str, Any]:
    """Return a row of an index as far as the choice looks at it; moments are days at noon."""
    told = {"status": 200, "kind": "page", "problem": "", "sha256": sha256, "version": version}
    moments = {"fetched_at": _noon(fetched), "seen_at": _noon(seen or fetched)}
    return {**told, **moments, **more}


def _noon(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=3, tzinfo=UTC)


def codes(*rows: dict[str, Any], strict: bool = False) -> list[int]:
    stated: Callable[[dict[str, Any]], datetime] = lambda one: one.get("own", one["fetched_at"])  # noqa: E731
    found = [(rows.index(one), code) for one, code in judged_rows(rows, AsOf(JULY, strict), stated)]
    return [code for _, code in sorted(found)]


def test_the_last_body_fetched_by_the_day_is_current() -> None:
    old, new, later = row("a", "2026-05-01"), row("b", "2026-06-01"), row("c", "2026-08-01")
    assert codes(old, new, later) == [SUPERSEDED, KEPT, SEEN_LATER]


def test_a_body_that_came_back_is_current_again_and_read_where_it_was_first() -> None:
    rows = row("a", "2026-05-01"), row("b", "2026-06-01"), row("a", "2026-06-20", version=2)
    assert codes(*rows) == [KEPT, SUPERSEDED, SEEN_AGAIN]
    assert codes(*rows[:2], row("a", "2026-07-02", version=2)) == [SUPERSEDED, KEPT, SEEN_AGAIN]


def test_a_body_that_still_stood_counts_as_seen_then() -> None:
    assert codes(row("a", "2026-05-01", seen="2026-06-02"), row("b", "2026-06-01")) == [KEPT, SUPERSEDED]
    assert codes(row("a", "2026-05-01", seen="2026-07-02"), row("b", "2026-06-01")) == [SUPERSEDED, KEPT]


def test_of_what_was_fetched_later_only_the_earliest_may_have_been_there() -> None:
    rows = row("a", "2026-08-01"), row("b", "2026-09-01")
    assert codes(*rows) == [KEPT, SEEN_LATER]
    assert codes(*rows, strict=True) == [SEEN_LATER, SEEN_LATER]


def test_the_end_of_the_day_is_that_in_japan() -> None:
    last = row("a", "2026-07-01") | {"fetched_at": datetime(2026, 7, 1, 14, 59, 59, tzinfo=UTC)}
    first = row("b", "2026-07-01") | {"fetched_at": datetime(2026, 7, 1, 15, 0, 0, tzinfo=UTC)}
    first["seen_at"] = first["fetched_at"]
    assert codes(last, first) == [KEPT, SEEN_LATER]


def test_an_error_in_between_takes_nothing_away() -> None:
    lost = row("x", "2026-06-01", status=404), row("y", "2026-08-01", problem="http_404")
    assert codes(row("a", "2026-05-01"), *lost) == [KEPT, KEPT, SEEN_LATER]


def test_of_revisions_the_newest_of_the_day_counts_whenever_it_was_fetched() -> None:
    own = [_noon(day) for day in ("2026-04-01", "2026-06-30", "2026-07-02")]
    rows = [
        row(sha, day, kind="article", own=at) for sha, day, at in zip("abc", CRAWL_DAYS, own, strict=True)
    ]
    assert codes(*rows)[:2] == [SUPERSEDED, KEPT]
    assert codes(*rows, strict=True)[:2] == [KEPT, SUPERSEDED]


def kept(choice: Choice) -> list[Capture]:
    """Return the captures of a version that are read, as they are read."""
    index = pq.read_table(choice.folder / INDEX).to_pylist()
    return [as_first_said(choice.folder, index[number]) for number in choice.rows]


CRAWL_DAYS = ["2026-05-01", "2026-08-01", "2026-08-02"]


def test_of_lists_of_companies_the_newest_that_states_a_day_by_then_counts(store: Store) -> None:
    """The second list was fetched on the first of August and says how things stood the day before."""
    days = [date(2026, 3, 31), date(2026, 7, 31)]
    told = [{"kind": "company_list", "as_of": day.isoformat()} for day in days]
    lists = [
        edinet(crawl, "", code_list(day), **about)
        for crawl, day, about in zip(CRAWLS, days, told, strict=False)
    ]
    folders = [store.path(ref) for ref in fill(store, World({"edinet": lists}, []))]
    for day, codes in {date(2026, 7, 30): [[0], []], date(2026, 7, 31): [[], [0]]}.items():
        assert [choice.rows for choice in choices(folders, AsOf(day))] == codes
    assert [choice.rows for choice in choices(folders, AsOf(days[1], strict=True))] == [[0], []]


def test_what_a_crawl_found_unchanged_later_is_read_as_it_was_said_at_first(
    store: Store, tmp_path: Path
) -> None:
    """The words of a list that came with a later crawl are later words, also when only that crawl is read."""
    one, two = CRAWLS[:2]
    body = page("講演", sentences(1), published="2026-02-01")
    visits = [web(crawl, "a.html", body, "2026-02-01", title=f"題 {crawl}") for crawl in (one, two)]
    fill(store, World({"press": visits}, []))
    [choice] = choices([store.path(store.resolve("press"))], AsOf(date(2026, 6, 1)))
    assert [(c.fetched_at, c.meta["title"]) for c in kept(choice)] == [(moment(one), f"題 {one}")]
    earlier = store.path(store.resolve(f"press@{one}"))
    with Segments(tmp_path / "three", earlier=[earlier]) as segments:
        segments.carry(Carried(visits[0].capture.url, "press", "PDL-1.0", {"title": "後の題"}))
        segments.close(index=True)
    (tmp_path / "three").rename(earlier.with_name("2026.08.02"))
    [choice] = choices([earlier.with_name("2026.08.02")], AsOf(date(2026, 6, 1)))
    assert [capture.meta["title"] for capture in kept(choice)] == [f"題 {one}"]


def test_what_was_said_of_a_filing_after_the_day_is_taken_back_in_order() -> None:
    visit = web(CRAWLS[2], "a", b"", docID="S100", filerName="丙", title="三", docDescription="三")
    edits = (Edit("filerName", "乙", "丙"), Edit("docDescription", None, "三"), Edit("filerName", "甲", "乙"))
    meta = as_listed(visit.capture, {"S100": edits}).meta
    assert (meta["filerName"], meta["docDescription"], meta["title"]) == ("甲", "", "")
    untouched = replace(visit.capture, meta={"docID": "S100", "filerName": "昔"})
    assert as_listed(untouched, {"S100": edits}) is untouched


def test_tombstones_count_from_the_moment_that_edinet_states_else_from_notice(tmp_path: Path) -> None:
    said = [
        tombstone("S1", "withdrawn", "2026-07-01T23:59:00+09:00"),
        tombstone("S2", "withdrawn", "2026-07-02T00:00:00+09:00"),
        tombstone("S3", "vanished", ""),
        tombstone("S4", "edited", "2026-07-03T00:00:00+09:00", {"secCode": [None, "13010"]}),
    ]
    (tmp_path / "tombstones.jsonl").write_text("\n".join(map(json.dumps, said)), encoding="utf-8")
    assert withdrawn([tmp_path], JULY) == {"S1": "withdrawn"}
    assert withdrawn([tmp_path]) == {"S1": "withdrawn", "S2": "withdrawn", "S3": "vanished"}
    assert edited_later([tmp_path], JULY) == {"S4": (Edit("secCode", None, "13010"),)}
    assert edited_later([tmp_path], date(2026, 7, 3)) == {}


@pytest.mark.parametrize(
    ("body", "day"),
    [
        (page("題", "本文", revised="2026-07-02T09:00:00+09:00"), date(2026, 7, 2)),
        ("<p>最終更新日：令和8年7月3日</p>".encode("cp932"), date(2026, 7, 3)),
        ("<dl><dt>改訂日</dt><dd>2026/07/04</dd></dl>".encode(), date(2026, 7, 4)),
        (b'<script>{"dateModified": "2026-07-05"}</script>', date(2026, 7, 5)),
        (b"%PDF-1.7\n1 0 obj <</ModDate (D:20260706120000+09'00')>>", date(2026, 7, 6)),
        (b"%PDF-1.7\n<xmp:ModifyDate>2026-07-07T12:00:00+09:00</xmp:ModifyDate>", date(2026, 7, 7)),
        (page("題", "更新日は毎月変わる。", published="2026-01-01"), None),
        (b"%PDF-1.7\n1 0 obj <</ModDate (D:20269906)>>", None),
        (b"", None),
    ],
)
def test_a_body_says_when_it_was_revised_or_does_not(body: bytes, day: date | None) -> None:
    assert revised_on(web(CRAWLS[0], "a", body).capture) == day


# -- random worlds ------------------------------------------------------------------------------------------

DAYS = [date(2026, month, day) for month, day in ((3, 31), (4, 1), (6, 1), (8, 1), (9, 1), (12, 1), (12, 31))]
BODIES = st.tuples(st.integers(0, 2), st.sampled_from([None, *DAYS]), st.sampled_from([None, None, *DAYS]))
ANSWERS = st.one_of(st.none(), st.just("lost"), BODIES)
HISTORIES = st.lists(st.tuples(*[ANSWERS] * len(CRAWLS)), min_size=1, max_size=3)
REVISIONS = st.lists(st.tuples(*[st.sampled_from([None, *range(len(DAYS))])] * len(CRAWLS)), max_size=2)


def world_of(pages: list[Any], articles: list[Any]) -> World:
    """Return the world of pages (what each crawl was answered) and of articles (the revision each dump held)."""
    visits: dict[str, list[Visit]] = {}
    for number, answers in enumerate(pages):
        first: bytes | None = None
        for crawl, answer in zip(CRAWLS, answers, strict=True):
            if answer is None:
                continue
            if answer == "lost":
                visits.setdefault("press", []).append(
                    web(crawl, f"{number}.html", b"<html></html>", status=404)
                )
                continue
            seed, published, revised = answer
            said = {"published": published, "revised": revised}
            body = page("題", sentences(seed), **{name: day.isoformat() for name, day in said.items() if day})
            first = first or body
            # The bytes that came first are those that were published, if they tell when: all others are news.
            since = max(published, revised or published).isoformat() if published and body == first else ""
            visits.setdefault("press", []).append(web(crawl, f"{number}.html", body, since))
    for number, dumps in enumerate(articles):
        for crawl, revision in zip(CRAWLS, dumps, strict=True):
            if revision is not None:
                at = datetime.combine(DAYS[revision], datetime.min.time(), UTC) + timedelta(hours=12)
                text = sentences(10 * number + revision)
                made = article(crawl, f"記事{number}", revision, at.isoformat(), text)
                visits.setdefault("wikipedia", []).append(made)
    return World(visits, [])


def had(world: World, then: AsOf) -> list[Document]:
    """Return the documents that a reader could have had, in order."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        found = choices([store.path(ref) for ref in fill(store, world)], then)
        captures = [capture for choice in found for capture in kept(choice)]
    return [one for capture in captures for one in judged(capture, then) if isinstance(one, Document)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, REVISIONS, st.sampled_from(DAYS), st.booleans())
def test_in_every_world_a_day_shows_what_the_world_of_that_day_shows(
    pages: list[Any], articles: list[Any], day: date, strict: bool
) -> None:
    world, then = world_of(pages, articles), AsOf(day, strict)
    documents = had(world, then)
    event(f"documents: {min(len(documents), 3)}")
    assert documents == had(world.stood(day), then)
    assert all(one.available_at and one.available_at <= day for one in documents)
    if strict:
        assert all(one.captured_at.date() <= day for one in documents)
