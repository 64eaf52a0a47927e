"""The central bank's minutes of meetings: HTML until 2024, PDF from 2025."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from html import escape

from sample.boj_skin import Sheet, current, file_label
from sample.boj_speeches import japanese_date
from sample.http import Response, page
from sample.pdf import Block, Heading, Layout, Paragraph, render
from sample.prose import fill, passages, table, wide

_MINUTES = "/mopo/mpmsche_minu/minu_{year}/g{day:%y%m%d}.{kind}"
MEETING_TRAIL = (("/mopo/index.htm", "金融政策"), ("/mopo/mpmsche_minu/index.htm", "金融政策決定会合の運営"))

#: Section of the minutes -> the passages that may stand in it, one form of each.
_SECTIONS: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    (
        "金融経済情勢に関する執行部からの報告の概要",
        (
            ("１．最近の金融市場調節の運営実績", ("operations.1", "operations.2")),
            ("２．金融・為替市場動向", ("markets.1", "markets.2")),
            ("３．海外金融経済情勢", ("overseas.1", "overseas.2")),
            ("４．国内金融経済情勢", ("domestic.1 domestic.2", "domestic.2 domestic.1")),
        ),
    ),
    (
        "金融経済情勢と展望に関する委員会の検討の概要",
        (
            ("１．経済情勢", ("board.economy.1", "board.economy.2", "board.economy.1 board.economy.2")),
            (
                "２．物価と賃金",
                ("board.price.1 board.wage.1", "board.price.2", "board.price.1 board.price.2"),
            ),
            ("３．リスク要因", ("board.risk.1", "board.risk.1 board.risk.2")),
        ),
    ),
    (
        "当面の金融政策運営に関する委員会の検討の概要",
        (("", ("policy.1 policy.2", "policy.1 policy.3", "policy.1 policy.2 policy.3")),),
    ),
    ("政府からの出席者の発言", (("", ("government.1 government.2", "government.2")),)),
)
_ROMAN = "ⅠⅡⅢⅣⅤ"


@dataclass(frozen=True, slots=True)
class Meeting:
    """One Monetary Policy Meeting of two days; minutes, statement and opinions name the form each is published in."""

    day: date
    previous: int
    approved: str
    published: date
    vote: str
    minutes: str
    statement: str
    opinions: str
    opinions_published: date
    outlook: bool
    english: bool
    own: str
    own_en: str
    values: dict[str, str]
    number: int

    @property
    def minutes_path(self) -> str:
        """Where the Japanese minutes lie; the English ones lie below /en, always as HTML."""
        return _MINUTES.format(year=self.day.year, day=self.day, kind=self.minutes)

    @property
    def english_minutes_path(self) -> str:
        """Where the English minutes lie."""
        return "/en" + _MINUTES.format(year=self.day.year, day=self.day, kind="htm")

    @property
    def statement_path(self) -> str:
        """Where the statement lies: the folder was renamed in 2025."""
        folder = "state" if self.statement == "htm" else "mpr"
        return f"/mopo/mpmdeci/{folder}_{self.day.year}/k{self.day:%y%m%d}a.{self.statement}"


@cache
def meetings() -> tuple[Meeting, ...]:
    """Every meeting, newest first."""
    figures = table("speeches/speeches.toml")["figures"]
    rows = table("meetings/meetings.toml")["meeting"]
    found = [
        Meeting(
            day=row["date"],
            number=number,
            values={"year": str(row["date"].year), **figures[str(row["date"].year)], "rate": row["rate"]},
            **{key: row[key] for key in row if key not in ("date", "rate")},
        )
        for number, row in enumerate(rows)
    ]
    return tuple(sorted(found, key=lambda meeting: meeting.day, reverse=True))


def minutes_page(meeting: Meeting) -> Response:
    """The Japanese minutes as HTML or PDF."""
    days = f"{meeting.day.year}年{meeting.day.month: >2}月{meeting.previous}、{meeting.day.day}日"
    title = "金融政策決定会合議事要旨"
    note = (
        f"本議事要旨は、日本銀行法第20条第1項に定める「議事の概要を記載した書類」として、{meeting.approved}開催の"
        "政策委員会・金融政策決定会合で承認されたものである。"
    )
    if meeting.minutes == "htm":
        return _minutes_html(meeting, title, days, note)
    blocks: list[Block] = [
        Paragraph(f"（{wide(days)}開催分）", indent=10),
        Paragraph(f"本稿の公表日　{japanese_date(meeting.published)}", right=True),
        Paragraph(wide(note)),
        Heading("（開催要領）", 1),
        *(Paragraph(line) for line in _attendance(meeting)),
    ]
    for number, (heading, parts) in enumerate(minutes_body(meeting)):
        blocks.append(Heading(f"{_ROMAN[number]}．{heading}", 1))
        for sub, texts in parts:
            blocks += [Heading(sub, 2)] if sub else []
            blocks += [Paragraph(wide(text)) for text in texts]
    blocks.append(Paragraph("以　　上", right=True))
    layout = Layout(
        header=(f"{title}（{days}開催分）", "公表資料　政策委員会"),
        footer="{page}",
        font_size=12,
        leading=1.9,
        margin=85,
    )
    return page(
        render(f"{title}（{days}開催分）", blocks, layout=layout, title_lines=[title]), "application/pdf"
    )


def english_minutes(meeting: Meeting) -> Response:
    """The English minutes, with the hidden duplicate numeral in every heading."""
    heads = ("Economic Developments", "Prices", "Wages", "Monetary Policy for the Immediate Future")
    texts = passages("meetings/english.txt")
    blocks = [
        f'<h2><span aria-hidden="true">{_ROMAN[place]}</span><span class="txt-hide">{place + 1}</span>. {head}</h2>\n'
        f"<p>{escape(fill(texts[f'minutes.{place + 1}'], meeting.values))}</p>"
        for place, head in enumerate(heads)
    ]
    blocks.append(f"<p>{escape(meeting.own_en)}</p>")
    days = f"on {meeting.day:%B} {meeting.previous} and {meeting.day.day}, {meeting.day.year}"
    return current(
        Sheet(
            meeting.english_minutes_path,
            f"Minutes of the Monetary Policy Meeting {days}",
            f"Minutes of the Monetary Policy Meeting <span>{days}</span>",
            tuple(blocks),
            (("/en/mopo/index.htm", "Monetary Policy"),),
            "en",
            meeting.minutes_path,
            "mopo",
        )
    )


def minutes_body(meeting: Meeting) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """The sections of the minutes; a meeting's number chooses the form of each passage."""
    pool = passages("meetings/minutes.txt")
    body = [
        (
            heading,
            [
                (
                    sub,
                    [fill(pool[key], meeting.values) for key in forms[meeting.number % len(forms)].split()],
                )
                for sub, forms in parts
            ],
        )
        for heading, parts in _SECTIONS
    ]
    # what only this meeting discussed, and the vote against where there was one
    dissent = [] if meeting.vote == "全員一致" else [fill(pool["policy.dissent"], meeting.values)]
    body[2][1].append(("", [f"　{meeting.own}", *dissent]))
    vote = (
        f"　以上の議論を踏まえ、議長から議案が提出され、採決に付された。採決の結果は{meeting.vote}であった。"
    )
    return [*body, ("採決", [("", [vote])])]


def _attendance(meeting: Meeting) -> list[str]:
    return [
        f"１．開催日時：{meeting.day.year}年{meeting.day.month}月{meeting.previous}日（１４：００〜１６：０２）",
        f"　　　　　　　　　　　　{meeting.day.day}日（　９：００~１１：４７）",
        "２．場　　所：日本銀行本店",
        "３．出席委員：",
        "　　議長　白鳥遼太郎　（総裁）",
        "　　　　　水原恒一郎　（副総裁）",
        "　　　　　鷹野　怜子　（　〃　）",
        "　　　　　浅井　千尋　（審議委員）",
        "　　　　　大和田　修　（　〃　）",
        "　　　　　三枝　　聡　（　〃　）",
        f"４．政府からの出席者：財務省　見本　総括審議官（{meeting.previous}日）<９：００〜１１：３７>",
        "（執行部からの報告者）　理事　北条真由",
        "（事務局）　政策委員会室長　架空太郎",
    ]


def _minutes_html(meeting: Meeting, title: str, days: str, note: str) -> Response:
    blocks = [
        f'<p class="txt-right">{japanese_date(meeting.published)}<br>\n日本銀行</p>\n<ul><li>{note}</li></ul>',
        "<h2>（開催要領）</h2>\n" + "\n".join(f"<p>{escape(line)}</p>" for line in _attendance(meeting)),
    ]
    for number, (heading, parts) in enumerate(minutes_body(meeting)):
        html = (
            f'<h2><span aria-hidden="true">{_ROMAN[number]}</span><span class="txt-hide">{number + 1}</span>．'
            f"{heading}</h2>\n"
        )
        for sub, texts in parts:
            html += f"<h3>{sub}</h3>\n" if sub else ""
            html += "".join(f"<p>{escape(text)}</p>\n" for text in texts)
        blocks.append(html)
    return current(
        Sheet(
            meeting.minutes_path,
            f"{title} （{days}開催分）",
            f'{title}<span>（{days}開催分）<sup><a href="#note" class="red">*</a></sup></span>',
            tuple(blocks),
            MEETING_TRAIL,
            "ja",
            meeting.english_minutes_path if meeting.english else "",
            "mopo",
        )
    )


def minutes_index(year: int) -> Response:
    """The list of a year's minutes; a meeting whose minutes are not out yet has text only."""
    rows = "".join(
        f'<tr><td><a href="{meeting.minutes_path}">{meeting.day.month}月{meeting.previous}日、{meeting.day.day}日開催分'
        f"{size_label(minutes_page(meeting))}</a></td><td>{japanese_date(meeting.published)}</td></tr>\n"
        for meeting in _of_year(year)
    )
    if year == max(meeting.day.year for meeting in meetings()):
        rows = f"<tr><td>10月29日、30日開催分</td><td>{year}年12月23日</td></tr>\n" + rows
    return year_list(f"/mopo/mpmsche_minu/minu_{year}/index.htm", f"金融政策決定会合議事要旨 {year}年", rows)


def english_minutes_index(year: int) -> Response:
    """The English list: only the meetings whose minutes are translated."""
    rows = "".join(
        f'<tr><td><a href="{meeting.english_minutes_path}">{meeting.day:%b.} {meeting.previous}, {meeting.day.day}</a></td></tr>\n'
        for meeting in _of_year(year)
        if meeting.english
    )
    return year_list(f"/en/mopo/mpmsche_minu/minu_{year}/index.htm", f"Minutes {year}", rows)


def year_list(path: str, title: str, rows: str) -> Response:
    """One year's list, in the language of its path."""
    table_html = f'<div class="tbl-box">\n<table class="js-tbl">\n<caption class="non-caption">表　{title}</caption>\n<tbody>\n{rows}</tbody>\n</table>\n</div>'
    language = "en" if path.startswith("/en/") else "ja"
    return current(Sheet(path, title, title, (table_html,), MEETING_TRAIL, language, "", "mopo"))


def size_label(response: Response) -> str:
    """The size that a link to a PDF shows; nothing for a page."""
    return file_label("", response.body) if response.headers["Content-Type"] == "application/pdf" else ""


def _of_year(year: int) -> list[Meeting]:
    return [meeting for meeting in meetings() if meeting.day.year == year]
