"""Finds documents in the Bank of Japan's lists by their date-coded names, whatever the markup of the rows."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from parsel import Selector
from scrapy.http import HtmlResponse

from spiders.addresses import Addresses
from spiders.boj.addresses import address
from spiders.boj.days import day_after, day_in, days_of_rows, is_only_a_day, leaves_out_its_day, span_of
from spiders.boj.people import Person, event, person, person_within

_SIZE = re.compile(r"[\[［(（]\s*(?:PDF|ＰＤＦ|HTML)[^\])）］]*[\])）］]", re.IGNORECASE)
_MAIN = (
    '//main | //*[@id="contents"] | //*[@id="contents-skip"]'
    ' | //*[contains(concat(" ", normalize-space(@class), " "), " main ")]'
)
_TWIN = '//p[contains(@class, "lang")]//a[@href] | //a[contains(@class, "lang-link")][@href]'
_HEADING = "//main//h1 | //*[@id='contents']//h1 | //h1"
_SHOWN = './/span[not(@aria-hidden) and not(contains(@class, "txt-hide"))]'
_LABELS = (
    "本文",
    "全文",
    "日本語",
    "PDF",
    "Text",
    "Full text",
    "Full Text",
    "English",
    "ENGLISH",
    "Japanese",
)  # name no document
_AROUND = ("ancestor::tr[1]", "ancestor::*[self::li or self::dd][1]", "ancestor::p[1]")


class Row(NamedTuple):
    """One document as a list names it; the day in its name lies in [first, last] (a month where it has no day)."""

    url: str
    spelled: tuple[str, ...]  # other addresses that links gave for it
    stem: str  # code and letter: equal for a page, its attachments and its twin (not for speeches)
    part: str  # "1", "2", ... for an attachment
    language: str
    title: str
    person: Person
    event: str
    first: date
    last: date
    told: date | None  # the date that the row tells


_Days = dict[Any, dict[Any, date | None]]  # the elements of tables -> of their rows -> the day of the row


class Facts(NamedTuple):
    """What the top of a page says: its heading, the subtitle inside of it, who signed it."""

    title: str = ""
    subtitle: str = ""
    person: Person = Person()


def rows_of(response: HtmlResponse, pattern: str, addresses: Addresses) -> list[Row]:
    """Return the documents that a page links to from its main part, each address once, in order."""
    found: dict[str, Row] = {}
    days: _Days = {}
    for link in _main(response, ".//a[@href]"):
        row = named(link.attrib["href"], response.url, pattern, addresses)
        if row is None:
            continue
        row = _told(row, link, days)
        found[row.url] = merged([found[row.url], row]) if row.url in found else row
    return list(found.values())


def named(link: str, page: str, pattern: str, addresses: Addresses) -> Row | None:
    """Return the document that a link leads to, as far as its address tells; None when it is none of the series."""
    at = address(link, page, addresses)
    match = re.search(pattern, at.url) if at else None
    span = span_of(match["code"]) if match else None
    if at is None or match is None or span is None:
        return None
    return Row(
        url=at.url,
        spelled=(at.spelled,) if at.spelled != at.url else (),
        stem=f"{match['code']}{match['letter']}",
        part=match["part"],
        language="en" if "/en/" in at.url else "ja",
        title="",
        person=Person(),
        event="",
        first=span[0],
        last=span[1],
        told=None,
    )


def lists_of(response: HtmlResponse, pattern: str, addresses: Addresses) -> list[tuple[str, int | None]]:
    """Return the other lists that a list links to, with the year of their folder where it has one."""
    found: dict[str, int | None] = {}
    for link in _main(response, ".//a/@href"):
        at = address(link.get(), response.url, addresses)
        match = re.search(pattern, at.url) if at else None
        if at and match:
            year = match.groupdict().get("year")
            found[at.url] = int(year) if year else None
    return list(found.items())


def merged(rows: Sequence[Row]) -> Row:
    """Return one row for a document that several rows name; the earlier ones are the better witnesses."""
    best = rows[0]
    return best._replace(
        spelled=tuple(dict.fromkeys(url for row in rows for url in row.spelled)),
        title=next((row.title for row in rows if row.title), ""),
        person=next((row.person for row in rows if row.person.name), next((row.person for row in rows if row.person.role), Person())),
        event=next((row.event for row in rows if row.event), ""),
        told=next((row.told for row in rows if row.told and row.told > best.last), next((row.told for row in rows if row.told), None)),
    )  # fmt: skip


def _main(response: HtmlResponse, path: str) -> Sequence[Selector]:
    areas = response.xpath(_MAIN) or response.xpath("//body")
    return areas[0].xpath(path) if areas else ()


def _told(row: Row, link: Selector, days: _Days) -> Row:
    """Add what the words around a link tell."""
    around = next((found[0] for path in _AROUND if (found := link.xpath(path))), None)
    label = _SIZE.sub("", text_of(link)).strip()
    subtitle = text_of(link.xpath(_SHOWN)[-1]) if link.xpath(_SHOWN) else ""
    title = label.removesuffix(subtitle).strip() if label != subtitle else label
    row = row._replace(title="" if is_only_a_day(title) or title in _LABELS else title)
    if around is None:
        return row._replace(person=person_within(title, row.language), told=day_in(label, row.first.year))
    if around.root.tag == "tr":
        return _told_in_table(row, link, around, subtitle, days)
    before = around.xpath("preceding-sibling::dt[1]") if around.root.tag == "dd" else ()
    outside = " ".join([*(text_of(dt) for dt in before), _beside(around)])
    return row._replace(
        person=next(
            (who for text in (outside, title) if any(who := person_within(text, row.language))), Person()
        ),
        event=event(subtitle),
        told=day_after(outside, row.first) or day_after(label, row.first),
    )


def _told_in_table(row: Row, link: Selector, around: Selector, subtitle: str, days: _Days) -> Row:
    cells = around.xpath("./td | ./th")
    own = next((cell for cell in cells if cell.root in link.root.iterancestors()), None)
    linked = [cell for cell in cells if cell.xpath(".//a[@href]")]
    others = [text_of(cell) for cell in cells if cell not in linked]
    if len(linked) > 1 and own is not None:  # several documents in a row: each cell speaks for itself
        return row._replace(told=day_after(text_of(own), row.first))
    told = day_after(" ".join([*others, text_of(link)]), row.first)
    if told is None or leaves_out_its_day(text_of(cells[0])):
        table = around.xpath("ancestor::table[1]")[0]
        if table.root not in days:
            rows = table.xpath(".//tr")
            told_days = days_of_rows(rows, row.first.year)
            days[table.root] = dict(zip([each.root for each in rows], told_days, strict=True))
        told = days[table.root].get(around.root) or told
    people = [who for text in others if any(who := person(text, row.language))]
    name = next((who.name for who in people if who.name), "")
    role = next((who.role for who in people if who.role), "")
    texts = (text_of(around), row.title)
    within = next((who for text in texts if any(who := person_within(text, row.language))), Person())
    beside = _beside(own) if own is not None else ""
    return row._replace(
        person=Person(name, role) if name or role else within,
        event=event(subtitle or beside),
        told=told,
    )


def _beside(around: Selector) -> str:
    """Return the text of an element that is no link."""
    texts = around.xpath(".//text()[not(ancestor::a)]").getall()
    return " ".join(_SIZE.sub("", " ".join(texts)).split())


def text_of(node: Selector) -> str:
    """Return the text of an element with runs of spaces, also full-width and no-break ones, as one space."""
    return " ".join(" ".join(node.xpath(".//text()").getall()).split())


def page_title(response: HtmlResponse) -> str:
    """Return the heading of a page, else its title up to the site's name."""
    heading = response.xpath(_HEADING)
    if heading:
        return text_of(heading[0])
    title = response.xpath("//title")
    return re.split(r"\s*[:：]\s*日本銀行", text_of(title[0]))[0] if title else ""


def facts_of(response: HtmlResponse, language: str) -> Facts:
    """Return what a page says at its top; its title is that of the browser where it has no heading."""
    shown = [text_of(span) for span in response.xpath(f"({_HEADING})[1]").xpath(_SHOWN)]
    subtitle = shown[-1] if shown else ""
    title = page_title(response).removesuffix(subtitle).strip()
    lines = [" ".join(text.get().split()) for text in _main(response, ".//p//text()")[:12]]
    blocks = [text_of(block) for block in _main(response, ".//p")[:3]]
    signed = [who for line in lines if len(line) < 60 and any(who := person(line, language)) and who.role]
    told = [
        who
        for line in (subtitle, title, *lines[:4], *blocks)
        if len(line) < 100 and any(who := person_within(line, language))
    ]
    people = sorted([*signed, *told], key=lambda who: not (who.name and who.role))
    return Facts(title, subtitle, people[0] if people else Person())


def twin_link(response: HtmlResponse, pattern: str, addresses: Addresses) -> Row | None:
    """Return the same document in the other language as the page links to it, None where it links to none."""
    here = "en" if "/en/" in response.url else "ja"
    for link in response.xpath(_TWIN):
        row = named(link.attrib["href"], response.url, pattern, addresses)
        if row and row.language != here and not row.part:
            return row
    return None
