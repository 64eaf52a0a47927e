"""The central bank's lists of speeches by year, in the current skin, in English and in the old skin."""

from html import escape

from sample.boj_skin import Sheet, current, older
from sample.boj_speeches import FOLDER, PRESS_TRAIL, Speech, japanese_date, speeches
from sample.http import Response


def year_index(year: int) -> Response:
    """The list of a year's speeches in the current skin, newest first, with the row markup varied."""
    rows: list[str] = []
    for speech in _of_year(year):
        rows.append(_row(len(rows), speech, speech.path, ""))
        if speech.also_at:
            rows.append(_row(len(rows), speech, speech.also_at, "（再掲）"))
        if speech.branch_copy:
            rows.append(_row(len(rows), speech, speech.branch_copy, "（支店掲載分）"))
    head = '<thead><tr><th scope="col">公表日</th><th scope="col">講演者</th><th scope="col">題名</th></tr></thead>'
    listing = (
        f'<div class="tbl-box">\n<table class="js-tbl">\n<caption class="non-caption">表　{year}年の講演・挨拶等</caption>\n'
        f"{head}\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n</div>"
    )
    return current(
        Sheet(
            path=FOLDER.format(year=year) + "/index.htm",
            title=f"講演・挨拶等 {year}年",
            heading=f"講演・挨拶等　{year}年",
            blocks=('<p class="txt-right">題名をクリックすると本文をご覧いただけます。</p>', listing),
            trail=PRESS_TRAIL,
            twin=f"/en/about/press/koen_{year}/index.htm",
        )
    )


def english_index(year: int) -> Response:
    """The English list of a year: only the translated speeches."""
    rows = "".join(
        f"<tr><td>{speech.date:%b.}&nbsp;{speech.date.day}, {year}</td><td>{_who_en(place, speech)}</td>"
        f'<td><a href="{speech.english_path}">{escape(speech.english)}</a><br>{escape(speech.event_en)}</td></tr>\n'
        for place, speech in enumerate(_translated(year))
    )
    return current(
        Sheet(
            path=f"/en/about/press/koen_{year}/index.htm",
            title=f"Speeches {year}",
            heading=f"Speeches {year}",
            blocks=(f'<div class="tbl-box"><table class="js-tbl"><tbody>\n{rows}</tbody></table></div>',),
            trail=(("/en/about/press/index.htm", "Speeches and Statements"),),
            language="en",
            twin=FOLDER.format(year=year) + "/index.htm",
        )
    )


def archive_index(year: int) -> Response:
    """The list of a year's speeches in the old skin."""
    rows = "\n".join(
        f"<TR><TD NOWRAP>{speech.date.year}年 {speech.date.month}月{speech.date.day: >2}日<TD>{escape(speech.post)}　"
        f'{escape(speech.speaker)}<TD><A HREF="{speech.id}.htm">{escape(speech.title)}</A>'
        for speech in _of_year(year)
    )
    return older(
        Sheet(
            path=f"/archive/announcements/press/koen_{year}/index.htm",
            title=f"講演・挨拶等 {year}年",
            heading=f"講演・挨拶等　{year}年",
            blocks=(f'<TABLE BORDER="1" CLASS="js-tbl">\n{rows}\n</TABLE>',),
            trail=(("/archive/announcements/press/index.htm", "講演・記者会見(2010年以前の過去資料)"),),
        ),
        "shift_jis",
    )


def archive_english_index(year: int) -> Response:
    """The English list of a year in the old skin."""
    rows = "\n".join(
        f'<LI>{speech.date:%B} {speech.date.day}, {year} <A HREF="{speech.english_path}">{escape(speech.english)}</A> '
        f"{speech.speaker_en}, {speech.post_en}"
        for speech in _translated(year)
    )
    path = f"/archive/en/announcements/press/koen_{year}/index.htm"
    title = f"Speeches {year}"
    return older(Sheet(path, title, title, (f"<UL>\n{rows}\n</UL>",), language="en"), "shift_jis")


def _translated(year: int) -> list[Speech]:
    """The translated speeches of a year, newest first, those of one day in the order of their English names."""
    found = [speech for speech in _of_year(year) if speech.english]
    return sorted(found, key=lambda speech: (-speech.date.toordinal(), speech.english_path))


def _who_en(place: int, speech: Speech) -> str:
    """Speaker and post in one cell; three orders take turns."""
    family, given = speech.speaker_en.split()
    forms = (
        f"{speech.speaker_en}<br>{speech.post_en}",
        f"{speech.post_en} {speech.speaker_en}",
        f"{given} {family.title()}, {speech.post_en} of the Bank of Japan",
    )
    return forms[place % len(forms)]


def spelled(place: int, href: str) -> str:
    """A link as editors write it: one page has many addresses, and the forms take turns."""
    forms = (
        href,
        f"http://www.boj.or.jp{href}",
        f"https://www.boj.or.jp.:443{href}",
        f"{href}/" if href.endswith(".htm") else href,
        f"http://www.boj.or.jp:80{href}#contents",
        href.replace("/about/press/koen_", "/announcements/press/koen_"),
    )
    return forms[place % len(forms)]


def _of_year(year: int) -> list[Speech]:
    return [speech for speech in speeches() if speech.date.year == year]


def _row(place: int, speech: Speech, href: str, suffix: str) -> str:
    """One row of a year's list; the real rows were never seen raw, so five forms take turns."""
    day = japanese_date(speech.date, "&nbsp;")
    who = f"{escape(speech.post)}　{escape(speech.speaker)}"
    title = f"【{speech.kind}】{escape(speech.title)}{suffix}"
    event = escape(speech.event)
    # the page's own folder: some rows link by name alone; those of one year in every spelling of an address
    name = href.rsplit("/", 1)[1] if href == speech.path else href
    if speech.date.year == 2025:
        name = href = spelled(place, href)
    forms = (
        f'<tr>\n<td class="txt-right">{day}</td>\n<td>{who}</td>\n<td><a href="{href}">{title}</a><br>\n{event}</td>\n</tr>\n',
        f'<tr><th scope="row">{day}</th><td>{who}</td><td><a href="{name}">{title}<span>{event}</span></a></td></tr>\n',
        f'<tr>\n<td>\n{day}\n</td>\n<td><p>{who}</p></td>\n<td><p class="mt0"><a href="{name}">\n{title}\n</a></p>\n<p>{event}</p></td>\n</tr>\n',
        f'<TR><TD NOWRAP>{day}<TD>{who}<TD><A HREF="{href}">{title}</A> {event}\n',
        f'<tr class="even"><td class="w20"><span>{day}</span></td><td>{who}</td><td><ul class="no-list"><li><a href="{href}">{title}</a></li><li>{event}</li></ul></td></tr>\n',
    )
    return forms[place % len(forms)]
