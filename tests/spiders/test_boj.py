"""The Bank of Japan's series: every page, attachment and twin that the lists lead to, each once."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from parsel import Selector
from scrapy.http import HtmlResponse

from corpus.captures import read_captures
from datacards.card import Card
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
from spiders.boj_addresses import address
from spiders.boj_days import days_of_rows
from spiders.boj_rows import lists_of, rows_of
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


def crawled(crawler: Crawler, series: str, *words: str) -> tuple[dict[str, dict[str, str]], Card]:
    """Crawl 2024 and return the meta of every capture by path, and the card."""
    done = crawler.run(series, "-a", "since=2024-01-01", "-a", "until=2024-12-31", *words)
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    ref = store.resolve(series)
    return {urlsplit(c.url).path: dict(c.meta) for c in read_captures(store.path(ref))}, store.card(ref)


def html(main: str) -> tuple[int, dict[str, str], bytes]:
    text = f"<html><body><main id='contents'>{main}</main></body></html>"
    return 200, {"Content-Type": "text/html; charset=UTF-8"}, text.encode()


def test_pages_decide_what_lists_leave_open_and_the_rest_is_counted(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """Two members whom no other day knows spoke on one day; of a third day no page names its twin."""
    ja, en = "/about/press/koen_2024/", "/en/about/press/koen_2024/"
    row = "<tr><td>{}</td><td>{}</td><td><a href='{}.htm'>【挨拶】見本</a></td></tr>"
    members = ("ko240105a", "ko240105b", "ko240205a", "ko240205b")
    rows = [row.format("2024年1月5日", f"審議委員　見本　{name[-1]}子", name) for name in members]
    site.pages[ja + "index.htm"] = html(
        f"<table>{''.join(rows)}</table>".replace("a子", "甲").replace("b子", "乙")
    )
    rows = [row.format("", f"Member of the Policy Board, MIHON {given}", name) for given, name in (("Otsu", members[0]), ("Ko", members[1]), ("Otsu", members[2]))]  # fmt: skip
    site.pages[en + "index.htm"] = html(f"<table>{''.join(rows)}</table>")
    for name in members:
        site.pages[f"{ja}{name}.htm"] = html("<h1>見本</h1>")
        site.pages[f"{en}{name}.htm"] = html("<h1>Sample</h1>")
    lang = "<h1>{}</h1><p class='lang'><a class='lang-link' href='{}{}.htm'>x</a></p>"
    site.pages[f"{ja}{members[0]}.htm"] = html(lang.format("見本", en, members[1]))
    site.pages[f"{en}{members[0]}.htm"] = html(lang.format("Sample", ja, members[1]))
    found, card = crawled(crawl_site(), "boj_speeches")
    twins = {path: urlsplit(meta.get("twin", "")).path for path, meta in found.items() if "/ko24" in path}
    assert twins == {
        f"{ja}ko240105a.htm": f"{en}ko240105b.htm",  # its own page says so
        f"{en}ko240105b.htm": f"{ja}ko240105a.htm",  # the Japanese page links to it
        f"{en}ko240105a.htm": f"{ja}ko240105b.htm",  # its own page says so
        f"{ja}ko240105b.htm": "",
        f"{ja}ko240205a.htm": "",
        f"{ja}ko240205b.htm": "",
        f"{en}ko240205a.htm": "",
    }
    assert card.counts["twins_undecided"] == 1


def test_a_page_is_asked_for_where_it_was_found_when_it_is_not_where_pages_moved_to(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    old, new = "/announcements/press/koen_2024/", "/about/press/koen_2024/"
    links = [f"{old}ko240105a.htm", "ko240105a.htm/", f"{old}ko240106a.htm/", f"{old}ko240107a.htm"]
    site.pages[new + "index.htm"] = html("".join(f"<li><a href='{link}'>【講演】</a></li>" for link in links))
    site.pages[f"{new}ko240105a.htm"] = site.pages[f"{old}ko240106a.htm"] = html("<h1>見本</h1>")
    found, card = crawled(crawl_site(), "boj_speeches", "-a", "languages=ja")
    good = {path: meta for path, meta in found.items() if meta["kind"] == "speech" and "problem" not in meta}
    assert set(good) == {f"{new}ko240105a.htm", f"{old}ko240106a.htm"}
    assert good[f"{old}ko240106a.htm"]["identity"] == f"{site.base}{new}ko240106a.htm"
    assert good[f"{new}ko240105a.htm"]["found_as"] == f"{site.base}{old}ko240105a.htm"
    assert card.counts["selected"] == 3
    asked = Counter(path for path in site.requests if "ko24" in path)
    assert set(asked.values()) == {1}
    assert f"{old}ko240105a.htm" not in asked
    assert f"{old}ko240107a.htm" in asked


def test_a_list_in_the_form_of_the_calendar_tells_day_and_speaker(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    """Names of 2010 and before hold no day; rows leave out the day, later days the month."""
    folder = "/archive/announcements/press/koen_2005/"
    cells = (
        ("8月24日（水）", "10:30", "【挨拶】見本副総裁（埼玉）", "ko0508a"),
        ("", "14:00", "【講演】見本総裁（東京）", "ko0508b"),
        ("25日（木）", "未定", "【挨拶】審議委員　例文　一", "ko0508c"),
    )
    rows = "".join(
        f"<tr><td>{day}</td><td>{time}</td><td>○</td><td><a href='{name}.htm'>{title}</a></td></tr>"
        for day, time, title, name in cells
    )
    site.pages[folder + "index.htm"] = html(f"<table>{rows}</table>")
    for *_, name in cells:
        site.pages[f"{folder}{name}.htm"] = html("<h1>見本</h1>")
    done = crawl_site().run("boj_speeches", "-a", "since=2005-01-01", "-a", "until=2005-12-31")
    assert done.returncode == 0, done.stderr
    store = Store(crawl_site().store)
    metas = {c.url[-11:-4]: c.meta for c in read_captures(store.path(store.resolve("boj_speeches")))}
    told = {name: [metas[name].get(field) for field in ("event_at", "speaker", "role")] for *_, name in cells}
    assert told == {
        "ko0508a": ["2005-08-24", "見本", "副総裁"],
        "ko0508b": ["2005-08-24", "見本", "総裁"],
        "ko0508c": ["2005-08-25", "例文 一", "審議委員"],
    }


def test_a_list_that_only_leads_to_documents_a_second_time_may_fail(
    site: Site, crawl_site: Callable[[], Crawler]
) -> None:
    folder = "/mopo/mpmsche_minu/minu_2024/"
    site.pages[folder + "index.htm"] = html("<a href='g240614.htm'>議事要旨</a>")
    site.pages[folder + "g240614.htm"] = html("<h1>議事要旨</h1>")
    site.pages["/mopo/mpmsche_minu/minu_all/index.htm"] = (500, {}, b"")
    found, card = crawled(crawl_site(), "boj_minutes", "-a", "languages=ja")
    assert found[folder + "g240614.htm"]["event_at"] == "2024-06-14"
    assert card.drops["http_500"] == 1
