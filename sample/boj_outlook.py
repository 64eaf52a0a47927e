"""The central bank's outlook reports as PDFs in both languages: the view on the day, the full text the day after."""

from collections.abc import Iterator
from datetime import date, timedelta

from sample.boj_meetings import MEETING_TRAIL, Meeting, meetings
from sample.boj_skin import Sheet, current, file_label
from sample.boj_speeches import japanese_date
from sample.http import Response, page
from sample.pdf import Block, Heading, Layout, Paragraph, Table, render
from sample.prose import fill, passages

INDEX = "/mopo/outlook/index.htm"


def outlooks() -> Iterator[tuple[Meeting, str]]:
    """Every report as (meeting, letter): b for the view, a for the full text, newest first."""
    for meeting in meetings():
        if meeting.outlook:
            yield meeting, "a"
            yield meeting, "b"


def outlook_path(meeting: Meeting, letter: str, *, english: bool = False) -> str:
    """Where a report lies; its name holds year and month."""
    return f"{'/en' if english else ''}/mopo/outlook/gor{meeting.day:%y%m}{letter}.pdf"


def outlook_day(meeting: Meeting, letter: str) -> date:
    """The day of publication: of the full text the next business day."""
    later = 3 if meeting.day.weekday() == 4 else 1
    return meeting.day + timedelta(days=later if letter == "a" else 0)


def outlook(meeting: Meeting, letter: str, *, english: bool = False) -> Response:
    """A report as PDF with a table of forecasts; the full text adds chapters."""
    pool = passages("meetings/outlook.txt")
    values, year = meeting.values, meeting.day.year
    if english:
        title = f"Outlook for Economic Activity and Prices ({meeting.day:%B} {year})"
        keys = [f"english.{number}" for number in ((1, 2, 3, 4) if letter == "a" else (1, 2, 4))]
        blocks: list[Block] = [Heading("The Bank's View" if letter == "b" else "Full Text", 1)]
        blocks += [Paragraph(fill(pool[key], values)) for key in keys] + [Paragraph(meeting.own_en)]
        if letter == "a":
            more = passages("meetings/english.txt")
            blocks.append(Heading("Background", 1))
            blocks += [Paragraph(fill(more[f"minutes.{number}"], values)) for number in (1, 2, 3)]
    else:
        title = f"経済・物価情勢の展望（{year}年{meeting.day.month}月）"
        first = "summary.1" if meeting.number % 2 else "summary.2"
        blocks = [Heading("【基本的見解】", 1), Heading("＜概要＞", 2)]
        blocks += [Paragraph(f"・ {fill(pool[key], values)}") for key in (first, "summary.3", "summary.4")]
        blocks.append(Paragraph(f"・ {meeting.own}"))
        if letter == "a":
            blocks.append(Heading("【背景説明】", 1))
            blocks += [Paragraph(fill(pool[f"background.{number}"], values)) for number in (1, 2, 3, 4)]
    head = ("", "GDP", "CPI") if english else ("年度", "実質ＧＤＰ", "消費者物価指数")
    figures = [(str(year - 1 + ahead), f"+{values['gdp']}", f"+{values['cpi']}") for ahead in (0, 1)]
    blocks.append(Table((head, *figures)))
    signed = (
        f"{meeting.day:%B} {meeting.day.day}, {year}\nBank of Japan"
        if english
        else f"{japanese_date(outlook_day(meeting, letter))}\n日本銀行"
    )
    layout = Layout(header=(title,), footer="{page}", font_size=11)
    return page(
        render(title, [Paragraph(signed, right=True), *blocks], layout=layout, title_lines=[title]),
        "application/pdf",
    )


def outlook_index(*, english: bool = False) -> Response:
    """The list of all reports: days as terms, documents as their definitions."""
    rows = []
    for meeting, letter in outlooks():
        if english and not meeting.english:
            continue
        day = outlook_day(meeting, letter)
        told = f"{day:%B} {day.day}, {day.year}" if english else japanese_date(day, "&nbsp;")
        name = {"a": ("全文", "Full Text"), "b": ("基本的見解", "The Bank's View")}[letter][english]
        title = (
            f"Outlook Report, {name}"
            if english
            else f"経済・物価情勢の展望（{meeting.day.year}年{meeting.day.month}月、{name}）"
        )
        label = file_label(title, outlook(meeting, letter, english=english).body)
        rows.append(
            f'<dt>{told}</dt>\n<dd><a href="{outlook_path(meeting, letter, english=english)}">{label}</a></dd>\n'
        )
    heading = (
        "Outlook for Economic Activity and Prices" if english else "経済・物価情勢の展望（展望レポート）"
    )
    return current(
        Sheet(
            f"{'/en' if english else ''}{INDEX}",
            heading,
            heading,
            (f"<dl>\n{''.join(rows)}</dl>",),
            MEETING_TRAIL,
            "en" if english else "ja",
            INDEX if english else f"/en{INDEX}",
            "mopo",
        )
    )
