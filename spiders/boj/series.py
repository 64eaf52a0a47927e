"""The Bank of Japan's series, one record each: where it is listed, how its documents are named, what dates mean."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from spiders.boj.meta import Kind
from spiders.boj.rows import Row
from spiders.boj.twins import Twins, by_speaker, by_stem

_ENDING = r"(?P<letter>[a-z]?)(?P<part>\d*)\.(?:html?|pdf)$"
_MEETINGS = (
    "/mopo/mpmsche_minu/index.htm",
    "/mopo/mpmsche_minu/past.htm",
)  # each row has all documents of a meeting


@dataclass(frozen=True, slots=True)
class Series:
    """Where a series is listed and how its documents are named.

    ``pattern`` finds code (YYMM or YYMMDD), letter and part in the address of a document. ``dated`` says what
    the date in the name is. ``lists`` are the paths that must be read, with {year} once for every year;
    ``others`` are second ways to the same documents, read where they exist; ``leads`` finds further lists that
    lists link to. English lists have the same paths below /en; before 2011 ``archived`` on the archive host.
    """

    kind: Kind
    pattern: str
    dated: Literal["event", "publication", "both"]
    lists: tuple[str, ...]
    others: tuple[str, ...] = ()
    leads: str = r"(?!)"
    archived: str = ""
    english: bool = True
    twins: Callable[[Iterable[Row]], Twins] = by_stem


SPEECHES = Series(
    kind="speech",
    pattern=r"(?:/press/koen_\d{4}/(?:data/)?|/branch/\w+/press/)(?:ko|siten)(?P<code>\d{4}(?:\d\d)?)"
    + _ENDING,
    dated="both",
    lists=("/about/press/koen_{year}/index.htm",),
    leads=r"/press/koen_(?P<year>\d{4})/index\.htm$",
    archived="/archive{en}/announcements/press/koen_{year}/index.htm",
    twins=by_speaker,
)
PRESS_CONFERENCES = Series(
    kind="press_conference",
    pattern=r"/press/kaiken_\d{4}/(?:data/)?kk(?P<code>\d{4}(?:\d\d)?)" + _ENDING,
    dated="publication",
    lists=("/about/press/kaiken_{year}/index.htm",),
    leads=r"/press/kaiken_(?P<year>\d{4})/index\.htm$",
    archived="/archive{en}/announcements/press/kaiken_{year}/index.htm",
    english=False,
)
MINUTES = Series(
    kind="minutes",
    pattern=r"/mpmsche_minu/minu_\d{4}/(?:data/)?g(?P<code>\d{6})" + _ENDING,
    dated="event",
    lists=("/mopo/mpmsche_minu/minu_{year}/index.htm",),
    others=("/mopo/mpmsche_minu/minu_all/index.htm", *_MEETINGS),
    leads=r"/mpmsche_minu/minu_(?:(?P<year>\d{4})|all)/index\.htm$",
)
OPINIONS = Series(
    kind="opinions",
    pattern=r"/mpmsche_minu/opinion_\d{4}/(?:data/)?opi(?P<code>\d{6})" + _ENDING,
    dated="event",
    lists=("/mopo/mpmsche_minu/opinion_{year}/index.htm",),
    others=("/mopo/mpmsche_minu/opinion_all/index.htm", *_MEETINGS),
    leads=r"/mpmsche_minu/opinion_(?:(?P<year>\d{4})|all)/index\.htm$",
)
STATEMENTS = Series(  # their folder was renamed over the years, so each year is asked for twice
    kind="statement",
    pattern=r"/(?:mpmdeci/(?:state|mpr)|announcements/release)_\d{4}/(?:data/)?k(?P<code>\d{6})" + _ENDING,
    dated="both",
    lists=("/mopo/mpmdeci/mpr_{year}/index.htm", "/mopo/mpmdeci/state_{year}/index.htm"),
    others=("/mopo/mpmdeci/state_all/index.htm", *_MEETINGS),
    leads=r"/mpmdeci/(?:state|mpr)_(?:(?P<year>\d{4})|all)/index\.htm$",
)
OUTLOOK = (
    Series(  # the name holds a month; the view is published on the day of the meeting, the full text after it
        kind="outlook",
        pattern=r"/mopo/outlook/(?:\w+/)?gor(?P<code>\d{4})" + _ENDING,
        dated="publication",
        lists=("/mopo/outlook/index.htm",),
        others=_MEETINGS,
        leads=r"/mopo/outlook/(?:\w*?(?P<year>\d{4})?\w*/)?index\.htm$",
    )
)
