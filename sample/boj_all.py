"""The central bank's lists over all years, and its calendar of what comes; two years have no list of their own."""

from html import escape

from sample.boj_lists import spelled
from sample.boj_meetings import MEETING_TRAIL, meetings
from sample.boj_opinions import opinions_path
from sample.boj_skin import Sheet, current
from sample.http import Response

#: What is listed over all years -> title in either language.
ALL = {
    "minu": ("金融政策決定会合議事要旨", "Minutes of the Monetary Policy Meetings"),
    "opinion": ("金融政策決定会合における主な意見", "Summary of Opinions at the Monetary Policy Meetings"),
    "state": ("金融政策に関する決定事項等", "Statements on Monetary Policy"),
}


def all_path(what: str, *, english: bool = False) -> str:
    """Where the list over all years lies."""
    folder = "mpmdeci" if what == "state" else "mpmsche_minu"
    return f"{'/en' if english else ''}/mopo/{folder}/{what}_all/index.htm"


def all_list(what: str, lists: tuple[str, ...], *, english: bool = False) -> Response:
    """Every document of a series under its year, links in every spelling; and the lists of the years."""
    blocks = [
        '<ul class="page-link">'
        + "".join(
            f'<li><a href="{path.removesuffix("index.htm")}">{path[-14:-10]}</a></li>\n' for path in lists
        )
        + "</ul>"
    ]
    found = list(_documents(what, english=english))
    for year in dict.fromkeys(year for year, _, _ in found):
        rows = "".join(
            f'<dt>{escape(label)}</dt>\n<dd><a href="{spelled(place, href)}">{"Text" if english else "本文"}</a></dd>\n'
            for place, (of, label, href) in enumerate(found)
            if of == year
        )
        blocks.append(f"<h2>{year}{'' if english else '年'}</h2>\n<dl>\n{rows}</dl>")
    title = ALL[what][english]
    path = all_path(what, english=english)
    language = "en" if english else "ja"
    return current(Sheet(path, title, title, tuple(blocks), MEETING_TRAIL, language, category="mopo"))


def _documents(what: str, *, english: bool) -> list[tuple[int, str, str]]:
    found = []
    for meeting in meetings():
        if (english and not meeting.english) or (what == "state" and not meeting.statement):
            continue
        days = f"{meeting.day.month}月{meeting.previous}、{meeting.day.day}日開催分"
        label = f"{meeting.day:%B} {meeting.previous} and {meeting.day.day}" if english else days
        href = {
            "minu": meeting.english_minutes_path if english else meeting.minutes_path,
            "opinion": opinions_path(meeting, english=english),
            "state": ("/en" if english else "") + meeting.statement_path,
        }[what]
        found.append((meeting.day.year, label, href))
    return found
