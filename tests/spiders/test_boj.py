"""The Bank of Japan's series: every page, attachment and twin that the lists lead to, each once."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from corpus.captures import read_captures
from datacards.card import Card
from datacards.store import Store
from sample.boj_truth import SERIES, published
from sample.world import World
from spiders.boj.spider import (
    BojMinutes,
    BojOpinions,
    BojOutlook,
    BojPressConferences,
    BojSpeeches,
    BojStatements,
)
from tests.spiders.conftest import Crawler, Site

KINDS = {
    spider.name: spider.series.kind
    for spider in (BojSpeeches, BojPressConferences, BojMinutes, BojOpinions, BojStatements, BojOutlook)
}


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
    good = [c for c in captures if c.meta["kind"] == KINDS[series] and c.status == 200]

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


def crawled(
    crawler: Crawler, series: str, *words: str, status: int = 0
) -> tuple[dict[str, dict[str, str]], Card]:
    """Crawl 2024 and return the meta of every capture by path, and the card."""
    done = crawler.run(series, "-a", "since=2024-01-01", "-a", "until=2024-12-31", *words)
    assert done.returncode == status, done.stderr
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
    found, card = crawled(crawl_site(), "boj_minutes", "-a", "languages=ja", status=3)
    assert found[folder + "g240614.htm"]["event_at"] == "2024-06-14"
    assert card.drops["http_500"] == 1
