"""Finds documents in the Bank of Japan's lists by their date-coded names, whatever the markup of the rows."""

import calendar
import re
import unicodedata
from datetime import date
from typing import NamedTuple

from parsel import Selector
from scrapy.http import HtmlResponse

from spiders.addresses import Addresses

_DAYS = (
    re.compile(r"(?P<y>\d{4}) ?年 ?(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?日"),
    re.compile(r"(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})"),
    re.compile(r"(?P<month>[A-Z][a-z]{2})[a-z]*\.? (?P<d>\d{1,2}),? (?P<y>\d{4})"),
    re.compile(r"(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?日"),  # the year is the folder's
)
_SIZE = re.compile(r"[\[［(（]\s*(?:PDF|ＰＤＦ|HTML)[^\])）］]*[\])）］]", re.IGNORECASE)
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_MAIN = (
    '//main | //*[@id="contents"] | //*[@id="contents-skip"]'
    ' | //*[contains(concat(" ", normalize-space(@class), " "), " main ")]'
)
_TWIN = '//p[contains(@class, "lang")]//a[@href] | //a[contains(@class, "lang-link")][@href]'


class Row(NamedTuple):
    """One link to a document; the day in its name lies in [first, last] (a month where the name has no day)."""

    url: str
    stem: str  # code and letter: equal for a page, its attachments and its twin
    part: str  # "1", "2", ... for an attachment
    language: str
    title: str
    speaker: str
    first: date
    last: date
    told: date | None  # the date that the row tells


def rows_of(response: HtmlResponse, pattern: str, addresses: Addresses) -> list[Row]:
    """Return the documents that a page links to from its main part, each address once, in order."""
    found: dict[str, Row] = {}
    areas = response.xpath(_MAIN) or response.xpath("//body")
    for link in areas[0].xpath(".//a[@href]") if areas else ():
        url = addresses.canonical(link.attrib["href"], response.url)
        match = re.search(pattern, url) if url else None
        span = _span(match) if match else None
        if match and span and url not in found:
            found[url] = _row(link, url, match, span)
    return list(found.values())


def _row(link: Selector, url: str, match: re.Match[str], span: tuple[date, date]) -> Row:
    around = (link.xpath("ancestor::tr[1]") or link.xpath("ancestor::*[self::li or self::dd][1]") or [None])[
        0
    ]
    title = _title(text_of(link))
    row = text_of(around) if around is not None else ""
    cells = around.xpath("./td | ./th") if around is not None else []
    others = [text_of(cell) for cell in cells if not cell.xpath(".//a[@href]")]
    speaker = next((cell for cell in others if cell and not day_in(cell, span[0].year)), "")
    return Row(
        url=url,
        stem=f"{match['code']}{match['letter']}",
        part=match["part"],
        language="en" if "/en/" in url else "ja",
        title=title,
        speaker=speaker,
        first=span[0],
        last=span[1],
        told=day_in(row, span[0].year),
    )


def _span(match: re.Match[str]) -> tuple[date, date] | None:
    """Return the first and the last day that a name stands for, None where its digits are no date."""
    code = match["code"]
    # The century is known: the series begin in 1998. The folder's year may be the next one (December's minutes).
    year, month = int(code[:2]) + (1900 if code[:2] >= "90" else 2000), int(code[2:4])
    try:
        if len(code) == 6:
            return (day := date(year, month, int(code[4:])), day)
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    except ValueError:
        return None


def day_in(text: str, year: int) -> date | None:
    """Return the first day that ``text`` names; ``year`` is meant where it names none."""
    for pattern in _DAYS:
        for match in pattern.finditer(unicodedata.normalize("NFKC", text)):
            said = match.groupdict()
            month = said.get("m") or _MONTHS.get(said.get("month") or "", 0)
            try:
                return date(int(said.get("y") or year), int(month), int(said["d"]))
            except ValueError:
                continue
    return None


def text_of(node: Selector) -> str:
    """Return the text of an element with runs of spaces, also full-width and no-break ones, as one space."""
    return " ".join(" ".join(node.xpath(".//text()").getall()).split())


def _title(text: str) -> str:
    return _SIZE.sub("", text).strip()


def page_title(response: HtmlResponse) -> str:
    """Return the heading of a page, else its title up to the site's name."""
    heading = response.xpath("//main//h1 | //*[@id='contents']//h1 | //h1")
    if heading:
        return text_of(heading[0])
    title = response.xpath("//title")
    return re.split(r"\s*[:：]\s*日本銀行", text_of(title[0]))[0] if title else ""


def twin_link(response: HtmlResponse, addresses: Addresses) -> str:
    """Return the address of the same document in the other language, "" where the page links to none."""
    for link in response.xpath(_TWIN):
        url = addresses.canonical(link.attrib["href"], response.url)
        if url and url != response.url and url.endswith((".htm", ".html", ".pdf")):
            return url
    return ""
