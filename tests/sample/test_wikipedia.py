"""The Wikipedia dump of the sample world: valid, checksummed, and damaged where it is meant to be."""

import bz2
import hashlib
import json
import re
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest

from sample.companies import JST
from sample.http import Request
from sample.wikipedia import BROKEN_DATE, DATE, OLD_DATE, addresses, dump, respond
from sample.wikipedia_pages import COMPANY_ARTICLES, pages

NAMESPACE = {"mw": "http://www.mediawiki.org/xml/export-0.11/"}


def body(path: str) -> bytes:
    response = respond(Request("wikipedia", path, {}, {}, datetime(2026, 11, 21, tzinfo=JST)))
    assert response.status == 200, path
    return response.body


def test_the_dump_is_valid_xml_with_every_page_in_order() -> None:
    root = ET.fromstring(bz2.decompress(dump()))  # noqa: S314 - made by ourselves
    found = [
        (page.findtext("mw:title", "", NAMESPACE), page.findtext("mw:revision/mw:text", "", NAMESPACE))
        for page in root.findall("mw:page", NAMESPACE)
    ]
    assert found == [(page.title, page.text) for page in pages()]
    assert root.findtext("mw:siteinfo/mw:dbname", "", NAMESPACE) == "jawiki"


def test_there_are_finance_articles_others_companies_and_redirects() -> None:
    articles = [page for page in pages() if page.ns == 0 and not page.redirect]
    companies = [page for page in articles if "[[Category:日本の企業]]" in page.text]
    assert len(companies) == COMPANY_ARTICLES
    assert len(articles) - len(companies) >= 30
    titles = {page.title for page in pages()}
    assert all(page.redirect in titles for page in pages() if page.redirect)


def test_categories_of_finance_form_a_cycle() -> None:
    parents = {
        page.title.removeprefix("Category:"): re.findall(r"\[\[Category:([^\]]+)\]\]", page.text)
        for page in pages()
        if page.ns == 14
    }
    assert "金融商品" in parents["金融市場"]
    assert "金融市場" in parents["金融商品"]


@pytest.mark.parametrize("date", [DATE, OLD_DATE, "latest"])
def test_the_sums_are_those_of_the_files(date: str) -> None:
    lines = body(f"/jawiki/{date}/jawiki-{date}-sha1sums.txt").decode().splitlines()
    dated = DATE if date == "latest" else date
    job = json.loads(body(f"/jawiki/{date}/dumpstatus.json"))["jobs"]["articlesdump"]
    assert len(lines) == (3 if date == OLD_DATE else 4)
    for line in lines:
        sha1, name = line.split("  ")
        served = body(f"/jawiki/{dated}/{name}")
        assert sha1 == hashlib.sha1(served, usedforsecurity=False).hexdigest()
        assert job["files"].get(name, {"size": len(served)})["size"] == len(served)
    assert f"jawiki-{dated}-pages-articles.xml.bz2" in job["files"]


def test_a_part_of_a_file_is_served_on_request() -> None:
    """RFC 9110, section 14: with If-Range only of the file that was begun."""
    path = f"/jawiki/{DATE}/jawiki-{DATE}-page.sql.gz"
    whole = body(path)

    def ask(**headers: str) -> tuple[int, str, bytes]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        found = respond(Request("wikipedia", path, {}, given, datetime(2026, 11, 21, tzinfo=JST)))
        return found.status, found.headers.get("Content-Range", ""), found.body

    assert ask(range="bytes=10-19") == (206, f"bytes 10-19/{len(whole)}", whole[10:20])
    assert ask(range="bytes=10-")[2] == whole[10:]
    assert ask(range=f"bytes={len(whole)}-")[:2] == (416, f"bytes */{len(whole)}")
    assert ask(range="bytes=10-19", if_range='"another"') == (200, "", whole)


def test_the_older_dump_stops_early_and_fails_its_sum() -> None:
    served = body(f"/jawiki/{BROKEN_DATE}/jawiki-{BROKEN_DATE}-pages-articles.xml.bz2")
    sums = body(f"/jawiki/{BROKEN_DATE}/jawiki-{BROKEN_DATE}-sha1sums.txt").decode()
    assert hashlib.sha1(served, usedforsecurity=False).hexdigest() not in sums
    with pytest.raises(ValueError, match="end-of-stream"):
        bz2.decompress(served)


def test_every_address_answers() -> None:
    for path in addresses():
        assert body(path)
