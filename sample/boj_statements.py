"""The central bank's policy statements, in Japanese and English: HTML until 2024, PDF from 2025."""

from html import escape

from sample.boj_meetings import MEETING_TRAIL, Meeting, meetings, size_label, year_list
from sample.boj_skin import Sheet, current
from sample.boj_speeches import japanese_date
from sample.http import Response, page
from sample.pdf import Layout, Paragraph, render
from sample.prose import fill, passages


def statement(meeting: Meeting, *, english: bool = False) -> Response:
    """The policy statement of a meeting, in either language, as HTML or PDF."""
    vote_en = {"８対１": "an 8-1 majority"}.get(meeting.vote, "a unanimous")
    values = meeting.values | {"vote_en": vote_en}
    if english:
        title = "Statement on Monetary Policy"
        pool = passages("meetings/english.txt")
        first, second = (fill(pool[f"statement.{number}"], values) for number in (1, 2))
        texts = [first, meeting.own_en, second]
        signed = (f"{meeting.day:%B} {meeting.day.day}, {meeting.day.year}", "Bank of Japan")
    else:
        title = "当面の金融政策運営について"
        texts = _statement_texts(meeting)
        signed = (japanese_date(meeting.day), "日本銀行")
    path = ("/en" if english else "") + meeting.statement_path
    if meeting.statement == "pdf":
        blocks = [Paragraph(f"{number}. {text}") for number, text in enumerate(texts, start=1)]
        head = Paragraph("\n".join(signed), right=True)
        layout = Layout(footer="{page}", font_size=12, leading=1.9)
        return page(render(title, [head, *blocks], layout=layout, title_lines=[title]), "application/pdf")
    body = "\n".join(f"<li>{escape(text)}</li>" for text in texts)
    twin = (meeting.statement_path if english else "/en" + meeting.statement_path) if meeting.english else ""
    return current(
        Sheet(
            path,
            title,
            title,
            (
                f'<p class="txt-right">{signed[0]}<br>{signed[1]}</p>',
                f'<ol class="no-list">\n{body}\n</ol>',
            ),
            MEETING_TRAIL,
            "en" if english else "ja",
            twin,
            "mopo",
        )
    )


def statement_index(year: int, *, english: bool = False) -> Response:
    """The list of a year's statements, in the folder of that year's name."""
    prefix = "/en" if english else ""
    folder = "state" if english or year < 2025 else "mpr"
    rows = "".join(
        f'<tr><td>{japanese_date(meeting.day, "&nbsp;")}</td><td><a href="{prefix}{meeting.statement_path}">'
        f"{'Statement on Monetary Policy' if english else '当面の金融政策運営について'}"
        f"{size_label(statement(meeting, english=english))}</a></td></tr>\n"
        for meeting in meetings()
        if meeting.day.year == year and meeting.statement and (meeting.english or not english)
    )
    title = f"Statements {year}" if english else f"金融政策に関する決定事項等 {year}年"
    return year_list(f"{prefix}/mopo/mpmdeci/{folder}_{year}/index.htm", title, rows)


def _statement_texts(meeting: Meeting) -> list[str]:
    pool = passages("meetings/minutes.txt")
    values = meeting.values
    return [
        f"日本銀行は、本日、政策委員会・金融政策決定会合において、次回金融政策決定会合までの金融市場調節方針を、以下のとおりとすることを決定した（{meeting.vote}）。無担保コールレート（オーバーナイト物）を、{values['rate']}％程度で推移するよう促す。",
        fill(pool["domestic.1"], values).strip("　"),
        meeting.own,
        fill(pool["overseas.1" if meeting.number % 2 else "overseas.2"], values).strip("　"),
        f"消費者物価（除く生鮮食品）の前年比は、{values['cpi']}％程度となっている。先行き、基調的な物価上昇率は徐々に高まっていくと予想される。",
        "今後の金融政策運営については、経済・物価・金融情勢次第であるが、上記の見通しが実現していくとすれば、それに応じて、引き続き政策金利を引き上げ、金融緩和の度合いを調整していく。",
    ]
