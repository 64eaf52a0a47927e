"""What a crawl of the central bank must bring home: every document of every series, once, under one address."""

from collections.abc import Iterator
from dataclasses import dataclass

from sample.boj_conferences import ARCHIVED, conferences
from sample.boj_meetings import meetings
from sample.boj_opinions import opinions_path
from sample.boj_outlook import outlook_path, outlooks
from sample.boj_speeches import Speech, speeches

SERIES = (
    "boj_speeches", "boj_press_conferences", "boj_minutes", "boj_opinions", "boj_statements", "boj_outlook",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Published:
    """One document: the short name of its host, its path there, and the path of its twin on the same host.

    speaker and role are those of a speech or conference in the words of the document's language.
    """

    path: str
    host: str = "boj"
    twin: str = ""
    speaker: str = ""
    role: str = ""

    @property
    def language(self) -> str:
        """As the path says."""
        return "en" if "/en/" in self.path else "ja"


def published(series: str) -> list[Published]:
    """Every document of one of SERIES."""
    found = {
        "boj_speeches": _speeches,
        "boj_press_conferences": _conferences,
        "boj_minutes": _minutes,
        "boj_opinions": _opinions,
        "boj_statements": _statements,
        "boj_outlook": _outlook,
    }
    return list(found[series]())


def _speeches() -> Iterator[Published]:
    for speech in speeches():
        host = "boj" if speech.encoding == "utf-8" else "boj_archive"
        ja = {"host": host, "speaker": _name(speech), "role": speech.post.removeprefix("政策委員会")}
        yield Published(speech.path, twin=speech.english_path if speech.english else "", **ja)
        if speech.branch_copy:
            yield Published(speech.branch_copy, **ja)
        if speech.charts:
            yield Published(speech.charts_path, **ja)
        if speech.english:
            yield Published(speech.english_path, host, speech.path, speech.speaker_en, speech.post_en)


def _conferences() -> Iterator[Published]:
    for conference in conferences():
        role = next(post for post in ("副総裁", "審議委員", "総裁") if conference.who.endswith(post))
        yield Published(conference.path, speaker=conference.who.removesuffix(role), role=role)
    yield Published(ARCHIVED, "boj_archive", role="総裁")


def _minutes() -> Iterator[Published]:
    for meeting in meetings():
        yield from _both(meeting.minutes_path, meeting.english_minutes_path if meeting.english else "")


def _opinions() -> Iterator[Published]:
    for meeting in meetings():
        yield from _both(
            opinions_path(meeting), opinions_path(meeting, english=True) if meeting.english else ""
        )


def _statements() -> Iterator[Published]:
    for meeting in meetings():
        if meeting.statement:
            yield from _both(
                meeting.statement_path, f"/en{meeting.statement_path}" if meeting.english else ""
            )


def _outlook() -> Iterator[Published]:
    for meeting, letter in outlooks():
        english = outlook_path(meeting, letter, english=True) if meeting.english else ""
        yield from _both(outlook_path(meeting, letter), english)


def _both(japanese: str, english: str) -> Iterator[Published]:
    yield Published(japanese, twin=english)
    if english:
        yield Published(english, twin=japanese)


def _name(speech: Speech) -> str:
    return speech.speaker.replace("　", " ")
