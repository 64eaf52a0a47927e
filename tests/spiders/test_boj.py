"""The Bank of Japan's series: every page, attachment and twin that the lists lead to, each once."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from scrapy.http import HtmlResponse

from corpus.captures import read_captures
from datacards.store import Store
from sample.boj_truth import SERIES, published
from sample.world import World
from spiders.addresses import Addresses
from spiders.boj import (
    BojMinutes,
    BojOpinions,
    BojOutlook,
    BojPressConferences,
    BojSpeeches,
    BojStatements,
)
from spiders.boj_rows import rows_of
from tests.spiders.conftest import Crawler, Site

SPIDERS = (BojSpeeches, BojPressConferences, BojMinutes, BojOpinions, BojStatements, BojOutlook)
ADDRESSES = Addresses({"boj": "https://www.boj.or.jp", "boj_archive": "https://www2.boj.or.jp"})


@pytest.mark.parametrize("series", SERIES)
def test_every_document_of_a_series_is_captured_once_with_its_twin(
    series: str, crawler: Crawler, world: World
) -> None:
    before = len(world.requests)
    done = crawler.run(series, "-a", "since=2005-01-01", "-a", "version=2026.11.21")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"made {series}@2026.11.21: ")
    store = Store(crawler.store)
    ref = store.resolve(f"{series}@2026.11.21")
    assert store.verify(ref) == []
    captures = list(read_captures(store.path(ref)))
    kind = next(spider.series.kind for spider in SPIDERS if spider.name == series)
    good = [c for c in captures if c.meta["kind"] == kind and c.status == 200]

    wanted = {world.base_urls[one.host] + one.path: one for one in published(series)}
    assert {c.url for c in good} == set(wanted)
    assert len(good) == len(wanted)
    asked = Counter(world.requests[before:])
    assert max(asked.values()) == 1
    told = {c.url: (c.meta.get("twin", ""), c.meta["language"]) for c in good}
    assert told == {
        url: (one.twin and world.base_urls[one.host] + one.twin, one.language) for url, one in wanted.items()
    }
    people = {c.url: (c.meta.get("speaker", ""), c.meta.get("role", "")) for c in good}
    assert {url: _person(*who) for url, who in people.items()} == {
        url: _person(one.speaker, one.role) for url, one in wanted.items()
    }
    card = store.card(ref)
    assert [(r.license, r.redistribution) for r in card.rights] == [("BOJ-terms", False)]
    assert card.counts["selected"] <= len(wanted)
    assert f"crawl {series}" in card.provenance.command
    assert not [name for name in card.counts if name.startswith("invalid")]


def _person(name: str, role: str) -> tuple[frozenset[str], str]:
    """An English name is the same in either order."""
    return frozenset(name.lower().split() if name.isascii() else [name]), role


def test_a_speech_has_the_facts_that_lists_and_page_tell(crawler: Crawler, world: World) -> None:
    done = crawler.run("boj_speeches", "-a", "since=2024-01-01")
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    captures = {c.url: c for c in read_captures(store.path(store.resolve("boj_speeches")))}
    base = world.base_urls["boj"]
    speech = captures[f"{base}/about/press/koen_2024/ko240919a.htm"]
    assert speech.meta == {
        "kind": "speech",
        "language": "ja",
        "series": "boj_speeches",
        "title": "【挨拶】経済・物価情勢と金融政策の正常化",
        "speaker": "鷹野 怜子",
        "role": "副総裁",
        "event": "静岡県金融経済懇談会",
        "event_at": "2024-09-19",
        "published_at": "2024-09-19",
        "twin": f"{base}/en/about/press/koen_2024/ko240919a.htm",
    }
    assert speech.signals["robots"] == "404"
    english = captures[speech.meta["twin"]].meta
    assert (english["speaker"], english["role"]) == ("TAKANO Reiko", "Deputy Governor")
    assert english["event"] == "Meeting with Local Leaders in Shizuoka"
    chart = captures[f"{base}/about/press/koen_2024/data/ko241107a1.pdf"]
    assert chart.media_type == "application/pdf"
    assert chart.meta["attachment_of"] == f"{base}/about/press/koen_2024/ko241107a.htm"
    assert (chart.meta["speaker"], chart.meta["event_at"]) == ("三枝 聡", "2024-11-07")
    moved = captures[f"{base}/announcements/press/koen_2024/ko240322a.htm"].meta
    assert moved["identity"] == f"{base}/about/press/koen_2024/ko240322a.htm"
    assert captures[moved["identity"]].meta["problem"] == "http_404"
    twice = captures[f"{base}/about/press/koen_2024/ko240606a.htm"].meta
    assert twice["found_as"] == f"{base}/announcements/press/koen_2024/ko240606a.htm"


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


def test_every_observed_address_belongs_to_its_series(shared_data: Path) -> None:
    """The date-coded names of addresses seen in public are recognized by the series they belong to."""
    known = {
        "speech": BojSpeeches,
        "press conference": BojPressConferences,
        "minutes": BojMinutes,
        "policy statement": BojStatements,
    }
    seen = 0
    for line in (shared_data / "boj" / "observed_urls.csv").read_text(encoding="utf-8").splitlines()[1:]:
        url, _, kind = line.partition(",")
        if "{" in url or url.endswith(("index.htm", ".xml")):
            continue
        for name, spider in known.items():
            named = kind.strip('"').startswith(name)
            assert bool(re.search(spider.series.pattern, url)) == named, url
            seen += named
    assert seen >= 15


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


def test_minutes_pair_with_their_english_twins_by_date(site: Site, crawl_site: Callable[[], Crawler]) -> None:
    """Minutes are PDFs: only the date in the name says which English document is the same."""
    folder = "/mopo/mpmsche_minu/minu_2024/"
    html = {"Content-Type": "text/html; charset=UTF-8"}
    lists = {
        "": "<tr><td>6月13日、14日 [PDF 171KB]</td><td>8月5日</td><td><a href='g240614.pdf'>議事要旨</a></td></tr>"
        "<tr><td>7月31日</td><td><a href='g240731.pdf'>議事要旨 [PDF 200KB]</a></td></tr>",
        "/en": "<tr><td><a href='g240614.htm'>June 13 and 14, 2024</a></td></tr>",
    }
    for language, rows in lists.items():
        page = f"<html><body><main><table>{rows}</table></main></body></html>"
        site.pages[f"{language}{folder}index.htm"] = (200, html, page.encode())
    for name in ("g240614.pdf", "g240731.pdf"):
        site.pages[folder + name] = (200, {"Content-Type": "application/pdf"}, f"%PDF-1.4 {name}".encode())
    site.pages[f"/en{folder}g240614.htm"] = (200, html, b"<html><body><main>Minutes</main></body></html>")
    crawler = crawl_site()
    done = crawler.run("boj_minutes", "-a", "since=2024-01-01", "-a", "until=2024-12-31")
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    captures = read_captures(store.path(store.resolve("boj_minutes")))
    found = {c.url.rpartition("/")[2]: c.meta for c in captures if c.meta["kind"] == "minutes"}
    assert found["g240614.pdf"]["twin"] == f"{site.base}/en{folder}g240614.htm"
    assert found["g240614.pdf"]["event_at"] == "2024-06-14"
    assert found["g240614.htm"]["language"] == "en"
    assert "twin" not in found["g240731.pdf"]
    assert found["g240731.pdf"]["title"] == "議事要旨"


def test_a_press_conference_has_the_day_of_its_title_and_the_publication_of_its_name(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    folder = "/about/press/kaiken_2025/"
    rows = (
        "<tr><td>2025年 1月27日</td><td><a href='kk250127a.pdf'>総裁記者会見（1月24日分）</a></td></tr>"
        "<tr><td>2025年 1月 6日</td><td><a href='kk250106a.htm'>総裁記者会見（12月26日分）</a></td></tr>"
        "<tr><td>2025年 3月 3日</td><td><a href='kk250303a.htm'>総裁記者会見</a></td></tr>"
    )
    html = {"Content-Type": "text/html; charset=UTF-8"}
    site.pages[folder + "index.htm"] = (200, html, f"<main><table>{rows}</table></main>".encode())
    for name in ("kk250127a.pdf", "kk250106a.htm", "kk250303a.htm"):
        site.pages[folder + name] = (200, html, b"<html><body>Q&amp;A</body></html>")
    crawler = crawl_site()
    done = crawler.run("boj_press_conferences", "-a", "since=2025-01-01", "-a", "until=2025-12-31")
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    captures = read_captures(store.path(store.resolve("boj_press_conferences")))
    days = {
        c.url.rpartition("/")[2]: (c.meta.get("event_at", ""), c.meta["published_at"])
        for c in captures
        if c.meta["kind"] == "press_conference"
    }
    assert days == {
        "kk250127a.pdf": ("2025-01-24", "2025-01-27"),
        "kk250106a.htm": ("2024-12-26", "2025-01-06"),
        "kk250303a.htm": ("", "2025-03-03"),
    }
