"""The central bank's press conferences: HTML until 2024, PDF from 2025, and one of 2005 in the old skin."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from html import escape
from typing import Any

from sample.boj_skin import Sheet, current, file_label, older
from sample.boj_speeches import PRESS_TRAIL, japanese_date
from sample.http import Response, page
from sample.pdf import Block, Layout, Paragraph, render
from sample.prose import fill, passages, table, wide

_WEEKDAYS = "月火水木金土日"
ARCHIVED = "/archive/announcements/press/kaiken_2005/kk0509a.htm"


@dataclass(frozen=True, slots=True)
class Conference:
    """One press conference; the date in its name is the day of publication."""

    id: str
    who: str
    event: date
    time: str
    place: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def published(self) -> date:
        """The day in the name."""
        return date(2000 + int(self.id[2:4]), int(self.id[4:6]), int(self.id[6:8]))

    @property
    def path(self) -> str:
        """Where the record lies."""
        kind = "htm" if self.published.year < 2025 else "pdf"
        return f"/about/press/kaiken_{self.published.year}/{self.id}.{kind}"

    @property
    def title(self) -> str:
        """What the lists call it."""
        return f"{self.who}記者会見（{self.event.month}月{self.event.day}日分）"


@cache
def conferences() -> tuple[Conference, ...]:
    """Every press conference since 2011, newest first."""
    written = table("meetings/meetings.toml")
    figures = table("speeches/speeches.toml")["figures"]
    return tuple(_conference(row, figures) for row in reversed(written["conference"]))


def conference_page(conference: Conference) -> Response:
    """The record of a press conference in the form of its year."""
    lead = (
        f"―　{japanese_date(conference.event)}（{_WEEKDAYS[conference.event.weekday()]}）\n"
        + (f"於　{conference.place}\n" if conference.place else "")
        + conference.time
    )
    title = f"{conference.who}記者会見"
    if conference.path.endswith("pdf"):
        blocks: list[Block] = [
            Paragraph(f"{japanese_date(conference.published)}\n日本銀行", right=True),
            Paragraph(wide(lead), indent=10),
        ]
        for question, answer in conference.pairs:
            blocks += [Paragraph(f"（問）\n　{wide(question)}"), Paragraph(f"（答）\n　{wide(answer)}")]
        blocks.append(Paragraph("以　　上", right=True))
        layout = Layout(footer="{page}", font_size=12, leading=2.0, margin=85)
        return page(render(title, blocks, layout=layout, title_lines=[title]), "application/pdf")
    blocks_html = [
        f'<p class="txt-right">{japanese_date(conference.published)}<br>\n日本銀行</p>',
        "<p>" + "<br>\n".join(lead.split("\n")) + "</p>",
    ]
    for question, answer in conference.pairs:
        blocks_html.append(f"<p>（問）<br>\n　{escape(question)}</p>\n<p>（答）<br>\n　{escape(answer)}</p>")
    blocks_html.append('<p class="txt-right">以　上</p>')
    full = f"{title} {japanese_date(conference.event)}（{_WEEKDAYS[conference.event.weekday()]}）{conference.time}"
    return current(
        Sheet(
            conference.path,
            full,
            f"{title}<span>{escape(full.removeprefix(title + ' '))}</span>",
            tuple(blocks_html),
            PRESS_TRAIL,
        )
    )


def archive_conference() -> Response:
    """A press conference of 2005 in the old skin, with the older marks of question and answer."""
    pairs = passages("meetings/archive.txt").values()
    body = "\n".join(
        "".join(f"<P>{line[:3]}</P>\n<P>　{escape(line[3:])}</P>\n" for line in pair.splitlines())
        for pair in pairs
    )
    title = "総裁記者会見要旨 ( 9月 8日)"
    head = "<P ALIGN=right>2005年 9月 9日<BR>日本銀行</P>\n<P>―平成17年9月8日（木）<BR>午後３時半から約４０分</P>"
    trail = (
        (
            "/archive/announcements/press/index.htm",
            "講演・記者会見(2010年以前の過去資料)",
        ),
    )
    return older(
        Sheet(ARCHIVED, title, title, (head, body), trail),
        "euc_jp",
    )


def conference_index(year: int) -> Response:
    """The list of a year's press conferences; there is no English one."""
    rows = "".join(
        f'<tr>\n<td>{japanese_date(conference.published, "&nbsp;")}</td>\n<td><a href="{conference.path}">'
        f"{conference.title}{_size(conference_page(conference))}</a></td>\n</tr>\n"
        for conference in conferences()
        if conference.published.year == year
    )
    title = f"記者会見 {year}年"
    listing = f'<div class="tbl-box"><table class="js-tbl"><tbody>\n{rows}</tbody></table></div>'
    return current(Sheet(f"/about/press/kaiken_{year}/index.htm", title, title, (listing,), PRESS_TRAIL))


def archive_conference_index() -> Response:
    """The list of 2005 in the old skin."""
    title = "記者会見 2005年"
    listing = f'<TABLE BORDER="1">\n<TR><TD>2005年 9月 9日<TD><A HREF="{ARCHIVED}">総裁記者会見要旨 ( 9月 8日)</A>\n</TABLE>'
    return older(
        Sheet("/archive/announcements/press/kaiken_2005/index.htm", title, title, (listing,)), "shift_jis"
    )


def _conference(row: dict[str, Any], figures: dict[str, dict[str, str]]) -> Conference:
    values = figures[str(row["event"].year)] | {"rate": row["rate"], "vote": row["vote"]}
    pool = passages("meetings/questions.txt")
    pairs = []
    for key in row["questions"]:
        question, answer = fill(pool[key], values).split("\n答: ")
        pairs.append((question.removeprefix("問: "), answer))
    return Conference(row["id"], row["who"], row["event"], row["time"], row.get("place", ""), tuple(pairs))


def _size(response: Response) -> str:
    return file_label("", response.body) if response.headers["Content-Type"] == "application/pdf" else ""
