"""The central bank's speeches: composed from hand-written passages and dressed in either skin."""

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from html import escape
from typing import Any

from sample.boj_skin import Sheet, current, file_label, numbered, older, paragraphs
from sample.http import Response, page
from sample.pdf import Block, Heading, Layout, Paragraph, Table, render, truncated
from sample.prose import fill, notes, passages, table, wide

_TEXTS = tuple(f"speeches/{name}.txt" for name in ("economy", "prices", "policy", "themes", "archive"))
#: The folder of a year's speeches in the current skin.
FOLDER = "/about/press/koen_{year}"

PRESS_TRAIL = (("/about/index.htm", "日本銀行について"), ("/about/press/index.htm", "講演・記者会見・談話"))

POSTS_EN = {
    "総裁": "Governor",
    "副総裁": "Deputy Governor",
    "審議委員": "Member of the Policy Board",
    "理事": "Executive Director",
}

#: Speeches whose attached charts are bad input on purpose.
LOCKED_CHARTS, BROKEN_CHARTS = "ko251120a", "ko240606a"

#: The key of the locked file; it is not published on the site.
CHARTS_PASSWORD = "mihon"  # noqa: S105 - the key of a sample file, so that a test can open it


@dataclass(frozen=True, slots=True)
class Speech:
    """One speech; sections are (heading, paragraphs) with "[^note ...]" footnotes inside the paragraphs.

    Page and translation link to each other when linked. also_at is a second address of the page, only_at an
    old address that it never left.
    """

    id: str
    date: date
    kind: str
    post: str
    speaker: str
    title: str
    event: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    english: str = ""
    event_en: str = ""
    sections_en: tuple[str, ...] = ()
    speaker_en: str = ""
    english_id: str = ""
    linked: bool = True
    charts: bool = False
    wide_digits: bool = False
    encoding: str = "utf-8"
    also_at: str = ""
    only_at: str = ""
    branch_copy: str = ""

    @property
    def path(self) -> str:
        """Where the page lies on its host."""
        if self.only_at:
            return self.only_at
        if self.encoding == "utf-8":
            return f"{FOLDER.format(year=self.date.year)}/{self.id}.htm"
        return f"/archive/announcements/press/koen_{self.date.year}/{self.id}.htm"

    @property
    def english_path(self) -> str:
        """Where the translation lies; its letter may differ."""
        folder = self.path.rpartition("/")[0]
        english = folder.replace("/archive", "/archive/en") if self.encoding != "utf-8" else "/en" + folder
        return f"{english}/{self.english_id or self.id}.htm"

    @property
    def post_en(self) -> str:
        """What the English pages call the post."""
        return POSTS_EN[self.post.removeprefix("政策委員会")]

    @property
    def charts_path(self) -> str:
        """Where the attached charts lie."""
        return f"{FOLDER.format(year=self.date.year)}/data/{self.id}1.pdf"


@cache
def speeches() -> tuple[Speech, ...]:
    """Every speech of the sample world, newest first."""
    written = table("speeches/speeches.toml")
    made: dict[str, Speech] = {}
    for row in written["speech"]:
        made[row["id"]] = _edited(made[row["copy_of"]], row) if "copy_of" in row else _composed(row, written)
    return tuple(sorted(made.values(), key=lambda speech: (speech.date, speech.id), reverse=True))


def speech_page(speech: Speech) -> Response:
    """The Japanese page of a speech in the skin of its time."""
    return _older_page(speech) if speech.encoding != "utf-8" else current(_current_sheet(speech))


def english_page(speech: Speech) -> Response:
    """The official translation: a subset of the paragraphs, without section headings."""
    body = [
        f'<p class="txt-right">{speech.speaker_en}<br>{speech.post_en}<br>{speech.date:%B} {speech.date.day}, {speech.date.year}</p>',
        "\n".join(f"<p>{escape(text)}</p>" for text in speech.sections_en),
    ]
    sheet = Sheet(
        path=speech.english_path,
        title=speech.english,
        heading=f"{escape(speech.english)}<span>{escape(speech.event_en)}</span>",
        blocks=tuple(body),
        trail=(("/en/about/press/index.htm", "Speeches and Statements"),),
        language="en",
        twin=speech.path if speech.linked else "",
    )
    return current(sheet) if speech.encoding == "utf-8" else older(sheet, "shift_jis")


def branch_page(speech: Speech) -> Response:
    """The same speech on a branch's pages: lightly edited, so a near-duplicate and not a copy."""
    sections = tuple(
        (heading, tuple(text.replace("本日は、私から", "本日は、はじめに私から") for text in texts))
        for heading, texts in speech.sections
    )
    edited = replace(
        speech, sections=sections, event=f"{speech.event}（支店掲載分）", english="", charts=False
    )
    return current(replace(_current_sheet(edited), path=speech.branch_copy))


def charts(speech: Speech) -> Response:
    """The charts attached to a speech as a PDF: tables and labels, little prose; two of them unreadable."""
    year = speech.date.year
    blocks: list[Block] = []
    for number, (heading, texts) in enumerate(speech.sections, start=1):
        blocks += [
            Heading(f"図表{number}　{heading}", 1),
            Table(
                (
                    ("年度", "前年比（％）", "水準"),
                    *(
                        (f"{year - back}年度", f"{(number * 7 + back * 3) % 40 / 10}", f"{number + back}兆円")
                        for back in range(3, -1, -1)
                    ),
                ),
                (2, 2, 1),
            ),
            Paragraph(f"（注）{notes(texts[0])[0].replace(chr(0), '')[:60]}"),
            Paragraph("（出所）見本統計局、見本銀行"),
        ]
    body = render(
        f"{speech.title} 図表",
        blocks,
        layout=Layout(
            header=(f"{year}年{speech.date.month}月", speech.title),
            face="mincho" if speech.id == "ko261001a" else "gothic",
        ),
        title_lines=["図　　表"],
        password=CHARTS_PASSWORD if speech.id == LOCKED_CHARTS else "",
    )
    return page(truncated(body) if speech.id == BROKEN_CHARTS else body, "application/pdf")


def japanese_date(day: date, gap: str = "") -> str:
    """A date as the site writes it; gap goes after the year, as a padding space or &nbsp; does there."""
    return f"{day.year}年{gap}{day.month}月{day.day}日"


def _composed(row: dict[str, Any], written: dict[str, Any]) -> Speech:
    """Put one speech together from its passages; every place is filled from its year and region."""
    day = row.get("date") or _date_of(row["id"])
    surname = row["speaker"].split("　")[0]
    values = {"year": str(day.year), "surname": surname, **written["figures"][str(day.year)]}
    values |= written["regions"].get(row.get("region", ""), {})
    japanese = passages(*_TEXTS) | {"own": row["own"]}
    english = passages("speeches/english.txt") if "english" in row else {}
    sections, translated = [], []
    for section in row["sections"]:
        heading, keys = section.split(": ")
        sections.append((heading, tuple(fill(japanese[key], values) for key in keys.split())))
        translated += [fill(english[key], values) for key in keys.split() if key in english]
    optional = (
        "english", "event_en", "english_id", "linked", "charts", "wide_digits", "encoding", "also_at", "only_at",
        "branch_copy",
    )  # fmt: skip
    return Speech(
        id=row["id"],
        date=day,
        kind=row["kind"],
        post=row["post"],
        speaker=row["speaker"],
        title=row["title"],
        event=row["event"],
        sections=tuple(sections),
        sections_en=tuple(translated),
        speaker_en=written["names"][row["speaker"]],
        **{name: row[name] for name in optional if name in row},
    )


def _edited(original: Speech, row: dict[str, Any]) -> Speech:
    """The corrected edition of a speech under its own address: a near-duplicate."""
    sections = original.sections
    for old, new in row["replace"]:
        if not any(old in text for _, texts in sections for text in texts):
            raise ValueError(f"{row['id']}: nothing to correct at {old}")
        sections = tuple((head, tuple(text.replace(old, new) for text in texts)) for head, texts in sections)
    return replace(
        original,
        id=row["id"],
        title=row["title"],
        sections=sections,
        english="",
        sections_en=(),
        charts=False,
    )


def _date_of(name: str) -> date:
    year, month, day = (int(part) for part in re.findall(r"\d\d", name))
    return date(2000 + year, month, day)


def _current_sheet(speech: Speech) -> Sheet:
    show = wide if speech.wide_digits else str
    head = [
        f'<p class="txt-right">日本銀行{escape(speech.post)}　{escape(speech.speaker)}<br>\n{japanese_date(speech.date)}</p>'
    ]
    if speech.charts:
        label = file_label("図表", charts(speech).body)
        head.append(f'<ul class="link-list01"><li><a href="{speech.charts_path}">{label}</a></li></ul>')
    contents = "".join(
        f'<li><a href="#p{number:02}">{wide(str(number))}．{heading}</a></li>\n'
        for number, (heading, _) in enumerate(speech.sections, start=1)
    )
    head.append(f'<h2 class="non-number">目次</h2>\n<ul class="page-link no-list">\n{contents}</ul>')
    blocks, footnotes = ["\n".join(head)], []
    for number, (heading, texts) in enumerate(speech.sections, start=1):
        shown = []
        for text in texts:
            plain, found = notes(show(text))
            body = escape(plain)
            for note in found:
                footnotes.append(note)
                mark = len(footnotes)
                body = body.replace(
                    "\0", f'<sup><a href="#fn{mark}" id="p{mark}" class="red">{mark}</a></sup>', 1
                )
            shown.append(body)
        blocks.append(numbered(number, heading, f"p{number:02}") + "\n" + paragraphs(shown))
    blocks.append('<p class="txt-right">以　上</p>')
    if footnotes:
        rows = "\n".join(
            f'<li id="fn{mark}"><a href="#p{mark}">{mark}</a>　{escape(note)}</li>'
            for mark, note in enumerate(footnotes, start=1)
        )
        blocks.append(f'<hr>\n<ul class="no-list ml25em">\n{rows}\n</ul>')
    title = f"【{speech.kind}】{speech.title}"
    return Sheet(
        path=speech.path,
        title=f"{title} {speech.event}",
        heading=f"{escape(title)}<span>{escape(speech.event)}</span>",
        blocks=tuple(blocks),
        trail=(*PRESS_TRAIL, (f"{FOLDER.format(year=speech.date.year)}/index.htm", "講演・挨拶等")),
        twin=speech.english_path if speech.english and speech.linked else "",
    )


def _older_page(speech: Speech) -> Response:
    contents = "".join(
        f'<LI><A HREF="#{number}">{wide(str(number))}．{heading}</A>\n'
        for number, (heading, _) in enumerate(speech.sections, start=1)
    )
    blocks = [
        f"<P ALIGN=center><B>{escape(speech.title)}</B></P>",
        f"<P ALIGN=center>{escape(speech.event)}</P>",
        f"<P ALIGN=right>{japanese_date(speech.date, ' ')}<BR>日本銀行</P>",
        f"<P>［目次］</P>\n<OL>\n{contents}</OL>",
    ]
    for number, (heading, texts) in enumerate(speech.sections, start=1):
        body = "\n".join(f"<P>　{escape(notes(wide(text))[0].replace(chr(0), ''))}" for text in texts)
        blocks.append(f'<H2><A NAME="{number}">{wide(str(number))}．{heading}</A></H2>\n{body}')
    if speech.id == "ko0510b":
        blocks.append(_attendance())
    blocks.append("<P ALIGN=right>以　　上</P>")
    return older(
        Sheet(
            path=speech.path,
            title=f"{speech.title}―― {speech.event}",
            heading=escape(speech.title),
            blocks=tuple(blocks),
            trail=(
                ("/archive/announcements/index.htm", "日本銀行について"),
                ("/archive/announcements/press/index.htm", "講演・記者会見(2010年以前の過去資料)"),
                (
                    f"/archive/announcements/press/koen_{speech.date.year}/index.htm",
                    f"講演・挨拶等 {speech.date.year}年",
                ),
            ),
        ),
        speech.encoding,
    )


def _attendance() -> str:
    """A list in fixed-width columns with ditto marks, as old pages carried one."""
    return (
        "<PRE>\n（懇談会出席者）\n　見本　太郎　　宮城県商工会議所連合会　　会頭\n　架空　花子　　　　　　　〃　　　　　　　　副会頭\n"
        "　例文　次郎　　宮城県中小企業団体中央会　　会長\n　仮名　三郎　　　　　　　〃　　　　　　　　専務理事\n</PRE>"
    )
