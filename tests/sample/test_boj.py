"""The central bank of the sample world: two skins, legacy encodings, the traps of the real pages."""

import re
from datetime import datetime
from itertools import combinations
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pymupdf
import pytest
from lxml import html

from sample.boj import addresses, archive_addresses, respond, respond_archive
from sample.boj_conferences import conferences
from sample.boj_meetings import meetings, minutes_body
from sample.boj_speeches import BROKEN_CHARTS, CHARTS_PASSWORD, LOCKED_CHARTS, Speech, speeches
from sample.boj_truth import SERIES, published
from sample.companies import JST
from sample.http import Request, Response


def ask(path: str, host: str = "boj") -> Response:
    request = Request(host, path, {}, {"host": "127.0.0.1:1"}, datetime(2026, 11, 21, tzinfo=JST))
    return respond_archive(request) if host == "boj_archive" else respond(request)


def speech(name: str) -> Speech:
    return next(speech for speech in speeches() if speech.id == name)


def dom(body: bytes) -> Any:
    return html.fromstring(body.decode("utf-8"))


def opened(body: bytes) -> Any:
    return pymupdf.open(stream=body)  # type: ignore[no-untyped-call]


def length(speech: Speech) -> int:
    return sum(len(text) for _, texts in speech.sections for text in texts)


def test_every_address_answers_and_answers_the_same_twice() -> None:
    for host, paths in (("boj", addresses()), ("boj_archive", archive_addresses())):
        for path in paths:
            first = ask(path, host)
            assert first.status == 200, path
            assert ask(path, host) == first


def test_there_are_speeches_of_three_years_and_of_the_archive_long_enough_to_read() -> None:
    years = [speech.date.year for speech in speeches()]
    assert all(years.count(year) >= 6 for year in (2024, 2025, 2026))
    assert years.count(2005) == 3
    assert all(1500 <= length(speech) <= 4000 for speech in speeches())


def test_a_page_of_the_current_skin_holds_its_text_behind_much_navigation_with_mixed_line_ends() -> None:
    body = ask("/about/press/koen_2026/ko261001a.htm").body
    page = dom(body)
    (main,) = page.xpath("//main[@id='contents']")
    assert "信州の工場を訪ねますと" in main.text_content()
    assert body.index(b"<main") > len(body) * 0.4
    assert 0 < body.count(b"\r\n") < body.count(b"\n")


def test_headings_hide_a_second_numeral_and_titles_run_into_their_subtitles() -> None:
    page = dom(ask("/about/press/koen_2026/ko261001a.htm").body)
    assert page.xpath("//h2[@id='p01']")[0].text_content() == "１．1.はじめに"
    assert page.xpath("//h1")[0].text_content().endswith("金融政策長野県金融経済懇談会における挨拶要旨")
    assert page.xpath("//sup/a[@class='red']/text()")[0] == "1"


@pytest.mark.parametrize(("name", "encoding"), [("ko0510b", "shift_jis"), ("ko0506a", "euc_jp")])
def test_the_old_skin_is_written_in_the_encoding_that_it_names(name: str, encoding: str) -> None:
    response = ask(f"/archive/announcements/press/koen_2005/{name}.htm", "boj_archive")
    assert response.headers["Content-Type"] == "text/html"
    declared = re.search(rb"charset=([\w-]+)", response.body)
    assert declared is not None
    assert declared.group(1).decode().lower().replace("-", "_") == encoding
    assert speech(name).title in response.body.decode(encoding)
    with pytest.raises(UnicodeDecodeError):
        response.body.decode("utf-8")


def test_one_page_has_several_addresses() -> None:
    page = "/about/press/koen_2024/ko240606a.htm"
    assert ask(page + "/") == ask(page)
    assert ask("/announcements/press/koen_2024/ko240606a.htm") == ask(page)
    moved = ask("/announcements/press/koen_2025/ko250904a.htm")
    assert moved.status == 301
    assert ask(moved.headers["Location"]).status == 200


def test_two_pairs_of_speeches_are_nearly_but_not_quite_equal() -> None:
    original, edited = (
        ask(path).body for path in ("/about/press/koen_2025/ko250612a.htm", "/branch/kofu/press/ko250612.htm")
    )
    assert original != edited
    first, second = speech("ko241107a"), speech("ko241107b")
    changed = [
        (old, new)
        for (_, texts), (_, others) in zip(first.sections, second.sections, strict=True)
        for old, new in zip(texts, others, strict=True)
        if old != new
    ]
    assert len(changed) == 1


def test_no_other_two_speeches_share_half_of_their_text() -> None:
    grams = {
        speech.id: {
            text[at : at + 5] for _, texts in speech.sections for text in texts for at in range(len(text) - 4)
        }
        for speech in speeches()
    }
    close = {
        (first, second)
        for first, second in combinations(sorted(grams), 2)
        if len(grams[first] & grams[second]) > 0.5 * len(grams[first] | grams[second])
    }
    assert close == {("ko241107a", "ko241107b")}


def test_year_lists_name_their_speeches_newest_first_in_rows_of_several_forms() -> None:
    body = ask("/about/press/koen_2026/index.htm").body.decode("utf-8")
    assert "2026年&nbsp;10月1日" in body
    named = re.findall(r"ko26\d{4}a\.htm", body)
    assert named == sorted(named, reverse=True)
    assert len(named) == 6
    assert "<TD NOWRAP>" in body
    assert '<th scope="row">' in body


def test_english_twins_translate_the_same_figures() -> None:
    page = dom(ask("/en/about/press/koen_2026/ko261001a.htm").body)
    assert page.get("lang") == "en"
    assert "around 2.1 percent" in page.text_content()
    assert page.xpath("//a[@class='lang-link']/@href") == ["/about/press/koen_2026/ko261001a.htm"]


def test_charts_are_pdfs_of_which_one_is_locked_and_one_is_broken() -> None:
    good, locked, broken = (
        ask(speech(name).charts_path).body for name in ("ko261001a", LOCKED_CHARTS, BROKEN_CHARTS)
    )
    with opened(good) as file:
        assert "図表1" in file[0].get_text()
    with opened(locked) as file:
        assert file.needs_pass
        assert file.authenticate(CHARTS_PASSWORD)
    assert broken.startswith(b"%PDF")
    assert b"%%EOF" not in broken


def test_press_conferences_become_pdfs_in_2025_and_hold_questions_and_answers() -> None:
    assert len(conferences()) == 6
    for conference in conferences():
        body = ask(conference.path).body
        if conference.published.year < 2025:
            text = dom(body).text_content()
        else:
            with opened(body) as file:
                assert len(file) > 1
                text = "".join(page.get_text() for page in file)
        assert text.count("（問）") == text.count("（答）") == len(conference.pairs)


def test_minutes_run_over_pages_with_alternating_headers_and_words_broken_by_lines() -> None:
    newest = meetings()[0]
    with opened(ask(newest.minutes_path).body) as file:
        pages = [page.get_text() for page in file]
        assert [entry[1] for entry in file.get_toc() if entry[0] == 1][-1] == "Ⅴ．採決"
    assert len(pages) == 5
    assert pages[0].startswith("金融政策決定会合議事要旨（")
    assert pages[1].startswith("公表資料")
    assert pages[2].rstrip().endswith("3")
    assert "。株価は一時下落した" in "".join(pages).replace("\n", "")


def test_minutes_tell_of_a_vote_against_only_where_there_was_one() -> None:
    for meeting in meetings():
        told = any(
            "主張した" in text for _, parts in minutes_body(meeting) for _, texts in parts for text in texts
        )
        assert told == (meeting.vote != "全員一致")


def test_statements_have_twins_in_english_by_the_same_name() -> None:
    newest = meetings()[0]
    with opened(ask("/en" + newest.statement_path).body) as file:
        assert "unanimous vote" in file[0].get_text().replace("\n", " ")


def test_every_document_is_listed_somewhere() -> None:
    lists = [path for path in addresses() if path.endswith("index.htm")]
    linked = set()
    for path in lists:
        page = dom(ask(path).body)
        page.make_links_absolute("http://boj" + path)
        linked |= {urlsplit(link[2]).path.removesuffix("/") for link in page.iterlinks()}
    linked |= {path.replace("/announcements/press/", "/about/press/") for path in linked}  # pages moved
    documents = {path for path in addresses() if path not in lists and "/data/" not in path}
    assert documents <= linked


def test_the_truth_names_every_document_once_and_twins_name_each_other() -> None:
    for series in SERIES:
        found = {(one.host, one.path): one for one in published(series)}
        assert len(found) == len(published(series))
        for one in found.values():
            assert ask(one.path, one.host).status == 200
            if one.twin:
                assert found[one.host, one.twin].twin == one.path
    told = {one.path for series in SERIES for one in published(series) if one.host == "boj"}
    again = {speech.also_at for speech in speeches()}
    assert told == {path for path in addresses() if not path.endswith("index.htm")} - again


def test_some_documents_stand_only_in_the_lists_over_all_years_and_one_page_only_at_an_old_address() -> None:
    assert ask("/mopo/mpmsche_minu/minu_2023/index.htm").status == 404
    assert ask("/mopo/mpmsche_minu/minu_2023/g231219.htm").status == 200
    assert ask("/about/press/koen_2024/ko240322a.htm").status == 404
    assert ask("/announcements/press/koen_2024/ko240322a.htm").status == 200


def test_the_feed_links_to_the_host_that_was_asked() -> None:
    feed = ET.fromstring(ask("/rss/whatsnew.xml").body)  # noqa: S314 - made by ourselves
    links = [link.text or "" for link in feed.findall("./channel/item/link")]
    assert len(links) == 8
    assert all(link.startswith("http://127.0.0.1:1/about/press/koen_") for link in links)
