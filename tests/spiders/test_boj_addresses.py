"""One document of the Bank of Japan, one address and one series, whatever list names it and in which form."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from parsel import Selector
from scrapy.http import HtmlResponse

from spiders.addresses import Addresses
from spiders.boj.addresses import address
from spiders.boj.days import days_of_rows
from spiders.boj.rows import lists_of, rows_of
from spiders.boj.spider import (
    BojMinutes,
    BojOpinions,
    BojOutlook,
    BojPressConferences,
    BojSpeeches,
    BojStatements,
)

SPIDERS = (BojSpeeches, BojPressConferences, BojMinutes, BojOpinions, BojStatements, BojOutlook)
ADDRESSES = Addresses({"boj": "https://www.boj.or.jp", "boj_archive": "https://www2.boj.or.jp"})


@pytest.mark.parametrize(
    "spelling",
    [
        "https://www.boj.or.jp/about/press/koen_2022/ko220603a.htm",
        "http://www.boj.or.jp/about/press/koen_2022/ko220603a.htm",
        "https://www.boj.or.jp./about/press/koen_2022/ko220603a.htm/",
        "https://WWW.BOJ.OR.JP:443/about/press/koen_2022/ko220603a.htm#p01",
        "ko220603a.htm",
        " /about/press/koen_2022/ko220603a.htm ",
    ],
)
def test_every_spelling_of_a_link_is_one_address(spelling: str) -> None:
    page = "https://www.boj.or.jp/about/press/koen_2022/index.htm"
    assert ADDRESSES.canonical(spelling, page) == page.replace("index", "ko220603a")


@pytest.mark.parametrize(
    "link", ["https://example.com/a.htm", "javascript:void(0)", "mailto:a@b", "http://[::1", ""]
)
def test_links_that_lead_elsewhere_have_no_address(link: str) -> None:
    page = "https://example.org/x" if not link else "https://www.boj.or.jp/"
    assert ADDRESSES.canonical(link, page) == ""


def named_by(url: str) -> list[str]:
    """Return the spiders that take an address for a document of theirs."""
    at = address(url, "", ADDRESSES)
    return [spider.name for spider in SPIDERS if at and re.search(spider.series.pattern, at.url)]


def observed(folder: Path) -> list[tuple[str, str]]:
    """Return the addresses seen in public, with what they are."""
    with (folder / "boj" / "observed_urls.csv").open(encoding="utf-8", newline="") as file:
        found = [(row["url"], row["kind"]) for row in csv.DictReader(file)]
    lines = (folder / "boj" / "observed_pages.jsonl").read_text(encoding="utf-8").splitlines()
    return found + [(row["url"], row["kind"]) for row in map(json.loads, lines)]


#: How the kind of an observed address begins -> the one spider that must know it.
OWNERS = {
    "speech": "boj_speeches",
    "branch-managers-meeting": "boj_speeches",
    "press conference": "boj_press_conferences",
    "press-conference": "boj_press_conferences",
    "minutes": "boj_minutes",
    "summary of opinions": "boj_opinions",
    "policy statement": "boj_statements",
    "outlook report": "boj_outlook",
}
#: What is knowingly not captured, and why.
NOT_OURS = {
    "counterparty release": "notices about operations",
    "BOJ Review": "research",
    "financial system report": "research, by the spider of institutions",
    "regional economic report": "research",
    "IMES paper": "research",
    "research data": "statistics",
    "Tankan summary": "statistics",
    "accounts every ten days": "statistics",
    "collateral": "statistics",
    "rates notice": "notices about operations",
    "release calendar": "it links to no document",
    "RSS feed": "the lists hold more",
    "press top": "it links to lists that are known",
    "other meeting material": "material of the staff",
    "branch-site terms": "terms of use",
    "site policy": "terms of use",
}


def test_every_observed_document_belongs_to_exactly_one_series(shared_data: Path) -> None:
    seen: Counter[str] = Counter()
    for url, kind in observed(shared_data):
        if any(kind.startswith(start) for start in NOT_OURS):
            assert named_by(url) == [], url
            seen["not ours"] += 1
        elif "{" in url or kind.endswith(("index", "list by year", "(Japanese only)")):
            lists = {path for spider in SPIDERS for path in (*spider.series.lists, *spider.series.others)}
            assert url.removeprefix("https://www.boj.or.jp").replace("{YYYY}", "{year}") in lists, url
            seen["lists"] += 1
        else:
            (owner,) = (name for start, name in OWNERS.items() if kind.startswith(start))
            assert named_by(url) == [owner], url
            seen[owner] += 1
    assert seen == {
        "boj_speeches": 11,
        "boj_press_conferences": 6,
        "boj_minutes": 13,
        "boj_opinions": 3,
        "boj_statements": 5,
        "boj_outlook": 3,
        "lists": 7,
        "not ours": 16,
    }


def variants(url: str) -> Iterator[str]:
    """Yield the spellings of an address that were seen in public, and their mixtures."""
    parts = urlsplit(url.rstrip("/"))
    host = (parts.hostname or "").rstrip(".")
    for scheme, port in (("http", ""), ("https", ""), ("http", ":80"), ("https", ":443")):
        for dot, ending in (("", ""), (".", ""), ("", "/"), (".", "/"), ("", "#p01")):
            yield f"{scheme}://{host}{dot}{port}{parts.path}{ending}"
            if host == "www.boj.or.jp":
                swapped = parts.path.replace("/announcements/press/", "/about/press/")
                yield f"{scheme}://{host.upper()}{dot}{port}{swapped}{ending}"
                yield f"{scheme}://{host}{dot}{port}{swapped.replace('/about/press/', '/announcements/press/')}{ending}"


def test_all_spellings_of_an_observed_document_are_one_address(shared_data: Path) -> None:
    documents = {url for url, _ in observed(shared_data) if named_by(url)}
    identities = set()
    tried = 0
    for url in documents:
        found = {at.url for spelling in variants(url) if (at := address(spelling, "", ADDRESSES))}
        tried += len(set(variants(url)))
        assert len(found) == 1, found
        identities |= found
    assert len(documents) == len(identities) == 41
    assert tried > 1000


@pytest.mark.parametrize(
    ("link", "identity"),
    [
        ("/announcements/press/koen_2015/ko150721a.htm", "/about/press/koen_2015/ko150721a.htm"),
        ("/en/announcements/press/koen_2015/ko150721a.htm", "/en/about/press/koen_2015/ko150721a.htm"),
        ("/announcements/press/koen_2022/siten2207.htm/", "/about/press/koen_2022/siten2207.htm"),
        ("/announcements/release_2013/k130611a.pdf", "/announcements/release_2013/k130611a.pdf"),
        ("/mopo/mpmsche_minu/minu_all/", "/mopo/mpmsche_minu/minu_all/index.htm"),
        ("/about/press/koen_2005/ko0510b.htm", "www2:/archive/announcements/press/koen_2005/ko0510b.htm"),
        (
            "/en/announcements/press/koen_2001/ko0101b.htm",
            "www2:/archive/en/announcements/press/koen_2001/ko0101b.htm",
        ),
        (
            "http://www2.boj.or.jp/archive/announcements/press/kaiken_2003/kk0309b.htm/",
            "www2:/archive/announcements/press/kaiken_2003/kk0309b.htm",
        ),
    ],
)
def test_a_page_that_moved_has_the_address_where_it_is_now(link: str, identity: str) -> None:
    at = address(link, "https://www.boj.or.jp/index.htm", ADDRESSES)
    host, _, path = identity.rpartition(":")
    assert at
    assert at.url == f"https://{host or 'www'}.boj.or.jp{path}"


def test_a_real_schedule_gives_each_document_its_own_day_of_publication(shared_data: Path) -> None:
    """One row holds statement, outlook report, opinions and minutes of a meeting, all named by days alone."""
    body = (shared_data / "boj" / "mpm_index_en_2026-08.html").read_bytes()
    page = HtmlResponse("https://www.boj.or.jp/en/mopo/mpmsche_minu/index.htm", body=body, encoding="utf-8")
    days = {}
    for spider in (BojMinutes, BojOpinions, BojStatements, BojOutlook):
        rows = rows_of(page, spider.series.pattern, ADDRESSES)
        assert [row.title for row in rows] == [""] * len(rows)
        days[spider.name] = {row.stem: str(row.told) for row in rows}
    assert {name: len(found) for name, found in days.items()} == {
        "boj_minutes": 4,
        "boj_opinions": 5,
        "boj_statements": 5,
        "boj_outlook": 3,
    }
    assert days["boj_minutes"]["260123"] == "2026-03-25"
    assert days["boj_opinions"]["260731"] == "2026-08-10"
    assert days["boj_outlook"]["2607b"] == "2026-07-31"
    leads = lists_of(page, BojOpinions.series.leads, ADDRESSES)
    assert leads == [("https://www.boj.or.jp/en/mopo/mpmsche_minu/opinion_all/index.htm", None)]


def test_the_real_calendar_tells_the_day_of_rows_that_leave_it_out(shared_data: Path) -> None:
    text = (shared_data / "boj" / "boj_calendar_index_ja_fragment.html").read_text(encoding="utf-8")
    days = days_of_rows(Selector(text).xpath("//tbody/tr"), 2026)
    assert [day and day.day for day in days] == [24, 24, 25, 26, 27, 28, 31]
    assert {day and day.month for day in days} == {8}


@pytest.mark.parametrize(
    "row",
    [
        '<table><tr><td>2024年&nbsp;1月 5日</td><td>総裁　見本太郎</td><td><a href="{}">【挨拶】年頭</a></td></tr></table>',
        '<table><TR><TD NOWRAP>2024年 1月 5日<TD>総裁　見本太郎<TD><A HREF="{}">【挨拶】年頭</A></table>',
        '<ul><li>2024年1月5日 総裁 <a href="{}">【挨拶】年頭</a></li></ul>',
        '<dl><dt>1月5日</dt><dd><a href="{}">【挨拶】年頭 [PDF 171KB]</a></dd></dl>',
        '<p><a href="{}">【挨拶】年頭 ［ＰＤＦ 1,024KB］</a></p>',
    ],
)
def test_a_document_is_found_whatever_the_markup_of_its_row(row: str) -> None:
    body = f"<html><body><nav><a href='ko231225a.htm'>old</a></nav><main>{row.format('ko240105a.htm')}</main>"
    url = "https://www.boj.or.jp/about/press/koen_2024/index.htm"
    response = HtmlResponse(url, body=body, encoding="utf-8")
    (found,) = rows_of(response, BojSpeeches.series.pattern, ADDRESSES)
    assert found.url == url.replace("index", "ko240105a")
    assert found.title == "【挨拶】年頭"
    assert found.first.isoformat() == "2024-01-05"
    assert found.person in (("見本太郎", "総裁"), ("", "総裁"), ("", ""))
