"""The central bank's summaries of opinions at its meetings, in Japanese and English, as PDF and once as a page."""

from html import escape

from sample.boj_meetings import MEETING_TRAIL, Meeting, meetings, size_label, year_list
from sample.boj_skin import Sheet, current
from sample.boj_speeches import japanese_date
from sample.http import Response, page
from sample.pdf import Block, Heading, Layout, Paragraph, render
from sample.prose import fill, passages

_SECTIONS = {
    "ja": (
        ("Ⅰ．金融経済情勢に関する意見", "（経済情勢）", "economy"),
        ("", "（物　価）", "price"),
        ("Ⅱ．金融政策運営に関する意見", "", "policy"),
        ("Ⅲ．政府の意見", "", "government"),
    ),
    "en": (
        ("I. Opinions on Economic and Financial Developments", "Economic Developments", "english.economy"),
        ("", "Prices", "english.price"),
        ("II. Opinions on Monetary Policy", "", "english.policy"),
    ),
}


def opinions_path(meeting: Meeting, *, english: bool = False) -> str:
    """Where the summary of a meeting lies."""
    name = f"/mopo/mpmsche_minu/opinion_{meeting.day.year}/opi{meeting.day:%y%m%d}.{meeting.opinions}"
    return f"/en{name}" if english else name


def opinions(meeting: Meeting, *, english: bool = False) -> Response:
    """The summary of opinions at a meeting, in either language; every opinion is one line of a list."""
    if english:
        title = "Summary of Opinions at the Monetary Policy Meeting"
        held = f"on {meeting.day:%B} {meeting.previous} and {meeting.day.day}, {meeting.day.year}"
        note = f"Released on {meeting.opinions_published:%B} {meeting.opinions_published.day}, {meeting.opinions_published.year}"
    else:
        title = "金融政策決定会合における主な意見"
        held = f"（{meeting.day.year}年{meeting.day.month}月{meeting.previous}、{meeting.day.day}日開催分）"
        note = f"公表日　{japanese_date(meeting.opinions_published)}"
    parts = _parts(meeting, "en" if english else "ja")
    if meeting.opinions == "pdf":
        blocks: list[Block] = [Paragraph(f"{held}\n{note}", right=True)]
        for heading, sub, texts in parts:
            blocks += [Heading(heading, 1)] if heading else []
            blocks += [Heading(sub, 2)] if sub else []
            blocks += [Paragraph(f"・ {text}", indent=1) for text in texts]
        layout = Layout(footer="{page}", font_size=12, leading=1.8)
        return page(render(title, blocks, layout=layout, title_lines=[title]), "application/pdf")
    body = "".join(
        (f"<h2>{heading}</h2>\n" if heading else "")
        + (f"<h3>{sub}</h3>\n" if sub else "")
        + "<ul>"
        + "".join(f"<li>{escape(text)}</li>\n" for text in texts)
        + "</ul>\n"
        for heading, sub, texts in parts
    )
    return current(
        Sheet(
            opinions_path(meeting, english=english),
            f"{title} {held}",
            f"{title}<span>{held}</span>",
            (f'<p class="txt-right">{note}</p>', body),
            MEETING_TRAIL,
            "en" if english else "ja",
            opinions_path(meeting, english=not english) if meeting.english else "",
            "mopo",
        )
    )


def opinions_index(year: int, *, english: bool = False) -> Response:
    """The list of a year's summaries."""
    prefix = "/en" if english else ""
    rows = "".join(
        f"<tr><td>{meeting.day:%b.} {meeting.previous}, {meeting.day.day}</td>"
        f'<td><a href="{opinions_path(meeting, english=True)}">Summary of Opinions{size_label(opinions(meeting, english=True))}</a></td></tr>\n'
        if english
        else f'<tr><td><a href="{opinions_path(meeting)}">{meeting.day.month}月{meeting.previous}日、{meeting.day.day}日開催分'
        f"{size_label(opinions(meeting))}</a></td><td>{japanese_date(meeting.opinions_published)}</td></tr>\n"
        for meeting in meetings()
        if meeting.day.year == year and (meeting.english or not english)
    )
    title = f"Summary of Opinions {year}" if english else f"金融政策決定会合における主な意見 {year}年"
    return year_list(f"{prefix}/mopo/mpmsche_minu/opinion_{year}/index.htm", title, rows)


def _parts(meeting: Meeting, language: str) -> list[tuple[str, str, list[str]]]:
    pool = passages("meetings/opinions.txt")
    own = meeting.own_en if language == "en" else meeting.own
    parts = []
    for heading, sub, key in _SECTIONS[language]:
        keys = [name for name in pool if name.startswith(f"{key}.")]
        # three of four in Japanese, beginning with another one at every meeting
        turned = [keys[(meeting.number + place) % len(keys)] for place in range(max(2, len(keys) - 1))]
        texts = [fill(pool[name], meeting.values) for name in turned]
        parts.append((heading, sub, [*texts, own] if key.endswith("policy") else texts))
    return parts
