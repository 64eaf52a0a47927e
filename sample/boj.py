"""The central bank's web site and its archive host: every address, what answers there, and where old ones lead."""

from collections.abc import Callable
from functools import cache, partial

from sample.boj_all import ALL, all_list, all_path
from sample.boj_conferences import (
    ARCHIVED,
    archive_conference,
    archive_conference_index,
    conference_index,
    conference_page,
    conferences,
)
from sample.boj_lists import archive_english_index, archive_index, english_index, year_index
from sample.boj_meetings import (
    MEETING_TRAIL,
    english_minutes,
    english_minutes_index,
    meetings,
    minutes_index,
    minutes_page,
)
from sample.boj_opinions import opinions, opinions_index, opinions_path
from sample.boj_outlook import INDEX as OUTLOOK_INDEX
from sample.boj_outlook import outlook, outlook_index, outlook_path, outlooks
from sample.boj_skin import Sheet, current, older
from sample.boj_speeches import PRESS_TRAIL, branch_page, charts, english_page, speech_page, speeches
from sample.boj_statements import statement, statement_index
from sample.http import Request, Response, not_found, page, redirect

Render = Callable[[], Response]

#: Years with lists of their own in the current skin, newest first, and in the old one. What there is of 2023
#: stands only in the lists over all years.
YEARS = (2026, 2025, 2024)
ARCHIVE_YEARS = (2005,)

_TOP = (
    ("/about/press/index.htm", "講演・記者会見・談話"),
    ("/mopo/mpmsche_minu/index.htm", "金融政策決定会合の運営"),
)
# the real address of the archive: a crawler must bring it to the base it was given
_ARCHIVE_LINK = ("https://www2.boj.or.jp/archive/announcements/press/index.htm", "2010年以前の過去資料")
_ALL_YEARS = (
    ("/about/press/koen_all/index.htm", "講演・挨拶等", "/about/press/koen_{year}/index.htm"),
    ("/about/press/kaiken_all/index.htm", "記者会見", "/about/press/kaiken_{year}/index.htm"),
)


def respond(request: Request) -> Response:
    """The main host. It has no robots.txt (404), forgives a slash after .htm, and redirects old folders."""
    path = _canonical(request.path)
    if path == "/rss/whatsnew.xml":
        return _feed(request.headers.get("host", "www.boj.or.jp"))
    render = _site().get(path)
    if render is not None:
        return render()
    if path.startswith("/announcements/press/"):
        moved = path.replace("/announcements/press/", "/about/press/", 1)
        return redirect(moved) if moved in _site() else not_found()
    return not_found()


def respond_archive(request: Request) -> Response:
    """The archive host: pages of 2010 and before, in legacy encodings."""
    render = _archive().get(_canonical(request.path))
    return render() if render is not None else not_found()


def addresses() -> tuple[str, ...]:
    """Every path of the main host that answers with a page of its own."""
    return tuple(_site())


def archive_addresses() -> tuple[str, ...]:
    """Every path of the archive host that answers."""
    return tuple(_archive())


def _canonical(path: str) -> str:
    if path.endswith(".htm/"):
        return path[:-1]
    return path + "index.htm" if path.endswith("/") else path


@cache
def _site() -> dict[str, Render]:
    return (
        _entries()
        | _speech_pages()
        | _conference_pages()
        | _meeting_pages()
        | _outlook_pages()
        | _all_lists()
    )


def _entries() -> dict[str, Render]:
    site: dict[str, Render] = {"/index.htm": partial(_links, "/index.htm", "トップページ", _TOP)}
    for path, title, row in _ALL_YEARS:
        years = tuple((row.format(year=year), f"{year}年") for year in YEARS)
        site[path] = partial(_links, path, title, years)
    press = tuple((path, f"{title}　年別一覧") for path, title, _ in _ALL_YEARS if "/press/" in path)
    site["/about/press/index.htm"] = partial(
        _links, "/about/press/index.htm", "講演・記者会見・談話", (*press, _ARCHIVE_LINK)
    )
    meeting = (
        *((all_path(what), f"{titles[0]}　年別一覧") for what, titles in ALL.items()),
        (OUTLOOK_INDEX, "展望"),
    )
    site["/mopo/mpmsche_minu/index.htm"] = partial(
        _links, "/mopo/mpmsche_minu/index.htm", "金融政策決定会合の運営", meeting, MEETING_TRAIL[:1]
    )
    return site


def _speech_pages() -> dict[str, Render]:
    site: dict[str, Render] = {}
    for year in YEARS:
        site[f"/about/press/koen_{year}/index.htm"] = partial(year_index, year)
        site[f"/en/about/press/koen_{year}/index.htm"] = partial(english_index, year)
    for speech in speeches():
        if speech.encoding != "utf-8":
            continue
        site[speech.path] = partial(speech_page, speech)
        if speech.also_at:
            site[speech.also_at] = partial(speech_page, speech)
        if speech.branch_copy:
            site[speech.branch_copy] = partial(branch_page, speech)
        if speech.english:
            site[speech.english_path] = partial(english_page, speech)
        if speech.charts:
            site[speech.charts_path] = partial(charts, speech)
    return site


def _conference_pages() -> dict[str, Render]:
    lists: dict[str, Render] = {
        f"/about/press/kaiken_{year}/index.htm": partial(conference_index, year) for year in YEARS
    }
    return lists | {conference.path: partial(conference_page, conference) for conference in conferences()}


def _meeting_pages() -> dict[str, Render]:
    site: dict[str, Render] = {}
    for year in YEARS:
        site[f"/mopo/mpmsche_minu/minu_{year}/index.htm"] = partial(minutes_index, year)
        site[f"/en/mopo/mpmsche_minu/minu_{year}/index.htm"] = partial(english_minutes_index, year)
        site[f"/mopo/mpmsche_minu/opinion_{year}/index.htm"] = partial(opinions_index, year)
        site[f"/en/mopo/mpmsche_minu/opinion_{year}/index.htm"] = partial(opinions_index, year, english=True)
        site[f"/mopo/mpmdeci/{_folder(year)}_{year}/index.htm"] = partial(statement_index, year)
        site[f"/en/mopo/mpmdeci/state_{year}/index.htm"] = partial(statement_index, year, english=True)
    for meeting in meetings():
        site[meeting.minutes_path] = partial(minutes_page, meeting)
        site[opinions_path(meeting)] = partial(opinions, meeting)
        if meeting.statement:
            site[meeting.statement_path] = partial(statement, meeting)
        if meeting.english:
            site[meeting.english_minutes_path] = partial(english_minutes, meeting)
            site[opinions_path(meeting, english=True)] = partial(opinions, meeting, english=True)
            site["/en" + meeting.statement_path] = partial(statement, meeting, english=True)
    return site


def _outlook_pages() -> dict[str, Render]:
    site: dict[str, Render] = {
        OUTLOOK_INDEX: outlook_index,
        f"/en{OUTLOOK_INDEX}": partial(outlook_index, english=True),
    }
    for meeting, letter in outlooks():
        for english in (False, True) if meeting.english else (False,):
            path = outlook_path(meeting, letter, english=english)
            site[path] = partial(outlook, meeting, letter, english=english)
    return site


def _all_lists() -> dict[str, Render]:
    site: dict[str, Render] = {}
    for what in ALL:
        for english in (False, True):
            path = all_path(what, english=english)
            years = tuple(
                path.replace(f"{what}_all", f"{what if english or what != 'state' else _folder(year)}_{year}")
                for year in YEARS
            )
            site[path] = partial(all_list, what, years, english=english)
    return site


def _folder(year: int) -> str:
    """The folder of the statements was renamed."""
    return "state" if year < 2025 else "mpr"


@cache
def _archive() -> dict[str, Render]:
    site: dict[str, Render] = {
        "/archive/announcements/press/index.htm": _archive_top,
        "/archive/announcements/press/kaiken_2005/index.htm": archive_conference_index,
        ARCHIVED: archive_conference,
    }
    for year in ARCHIVE_YEARS:
        site[f"/archive/en/announcements/press/koen_{year}/index.htm"] = partial(archive_english_index, year)
        site[f"/archive/announcements/press/koen_{year}/index.htm"] = partial(archive_index, year)
    for speech in speeches():
        if speech.encoding != "utf-8":
            site[speech.path] = partial(speech_page, speech)
            if speech.english:
                site[speech.english_path] = partial(english_page, speech)
    return site


def _links(
    path: str,
    title: str,
    links: tuple[tuple[str, str], ...],
    trail: tuple[tuple[str, str], ...] = PRESS_TRAIL[:1],
) -> Response:
    rows = "\n".join(f'<li><a href="{href}">{label}</a></li>' for href, label in links)
    return current(Sheet(path, title, title, (f'<ul class="link-list02">\n{rows}\n</ul>',), trail))


def _archive_top() -> Response:
    rows = "".join(
        f'<LI><A HREF="koen_{year}/index.htm">講演・挨拶等 {year}年</A>\n'
        f'<LI><A HREF="kaiken_{year}/index.htm">記者会見 {year}年</A>\n'
        for year in ARCHIVE_YEARS
    )
    title = "講演・記者会見(2010年以前の過去資料)"
    return older(
        Sheet("/archive/announcements/press/index.htm", title, title, (f"<UL>\n{rows}</UL>",)), "shift_jis"
    )


def _feed(host: str) -> Response:
    """What is new, as RSS 2.0: plain http links, RFC 822 dates, empty descriptions, the link as guid."""
    items = "".join(
        f"<item><title>【{speech.kind}】{speech.title}（{speech.speaker}）</title><link>http://{host}{speech.path}</link>"
        f"<description></description><pubDate>{speech.date:%a, %d %b %Y} 10:30:00 +0900</pubDate>"
        f'<guid isPermaLink="true">http://{host}{speech.path}</guid></item>\n'
        for speech in speeches()[:8]
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel><title>新着情報</title>'
        f"<link>http://{host}/</link><description>新着情報</description>\n{items}</channel></rss>\n"
    )
    return page(body.encode("utf-8"), "application/rss+xml")
