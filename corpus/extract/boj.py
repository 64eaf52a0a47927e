"""Bank of Japan pages, the present skin and the old one -> Markdown with speaker, dates and kind.

Nothing here depends on one form of markup alone: the Bank changed its skin in 2011 and its paths in 2022.
"""

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from corpus.document import Capture, Document, Drop
from corpus.extract.blocks import blocks, plain
from corpus.extract.dates import DAY, ENGLISH_DAY, all_dates
from corpus.extract.record import base_document, language_of
from corpus.extract.tree import Element, classes, remove, select, text_of

#: Part of the path -> kind, and whether the date in the file name is that of the event or of publication.
_KINDS = (
    ("/koen_", "speech"),
    ("/kaiken_", "press_conference"),
    ("/minu_", "minutes"),
    ("/opinion_", "opinions"),
    ("/record_", "transcript"),
    ("/mpmdeci/", "statement"),
    ("/release_", "statement"),
    ("/outlook/", "outlook"),
)
_NAMED_DAY = re.compile(r"/(?:ko|kk|g|k|opi|gjrk)(\d{2})(\d{2})(\d{2})[a-z]?\d?(?:_\w+)?\.(?:html?|pdf)/?$")
_CONTENT = (
    '//main[@id="contents"]',
    '//*[@id="contents" and not(self::a)]',
    '//*[@id="contents-skip" and not(self::a)]',
    '//*[contains(concat(" ", normalize-space(@class), " "), " main ")]',
    "//body",
)
_CHROME = re.compile(
    r"^(?:topic_path|topicpath|breadcrumbs?|pankuzu|header|footer|glnav|sns|right_nav|left_col|page_?top)$",
    re.IGNORECASE,
)
_BREADCRUMB = re.compile(r"^(?:ホーム|トップ|Home)\s*(?:[>＞]|&gt;)")
_SITE = re.compile(r"(?<!\s)\s*[:：|｜]\s*(?:日本銀行|Bank of Japan).*$")
_CONTENTS = re.compile(r"^(?:#+ |\*\*)?[\[［【]?\s*目\s*次\s*[\]］】]?(?:\*\*)?$")
_SPEAKER = re.compile(
    r"^日本銀行[ 　]*(?:政策委員会[ 　]*)?((?:審議委員|副総裁|総裁|議長|理事|[一-鿿]{2,12}(?:局長|所長|支店長)))[ 　]+"
    r"([一-鿿々ヶぁ-んァ-ヴー]{1,6}(?:[ 　][一-鿿々ヶぁ-んァ-ヴー]{1,6})?)$"
)
_NAMED_IN_TITLE = re.compile(
    r"(?:における|での|、|・|^)(?:日本銀行)?([一-鿿々]{0,4}?)(審議委員|副総裁|総裁|理事)(?:講演|挨拶|基調|記者会見|発言)"
)
_SPEECH = re.compile(r"^【(?:挨拶|講演|基調講演|特別講演|発言)】")
_ALONE = re.compile(rf"^(?:{DAY}|{ENGLISH_DAY})$")


@dataclass(frozen=True, slots=True)
class _Head:
    """What the top of a page says about the rest."""

    title: str
    subtitle: str
    role: str
    speaker: str
    event_at: date | None
    published_at: date | None


def extract(capture: Capture, tree: Element) -> list[Document | Drop]:
    """Return the document of one page of the Bank of Japan, or why there is none."""
    url_kind = kind_of(capture.url)
    content = _content(tree)
    if content is None:
        return [Drop("no_content", "no element that could hold the text")]
    title, subtitle = _titles(tree, content)
    kind = "speech" if url_kind == "page" and _SPEECH.match(title) else url_kind
    parts = _body(blocks(content, link_lists=False), title, subtitle)
    if not parts:
        return [Drop("empty_page", title)]
    head = _head(capture.url, kind, title, subtitle, parts)
    opening = [f"# {head.title}"] if head.title else []
    text = "\n\n".join([*opening, *([head.subtitle] if head.subtitle else []), *parts])
    return [
        base_document(
            capture,
            text=text,
            title=head.title,
            kind=kind,
            language=language_of(text, declared=capture.meta.get("language") or "en"),
            event_at=head.event_at,
            published_at=head.published_at,
            meta={"subtitle": head.subtitle, "speaker": head.speaker, "role": head.role},
        )
    ]


def kind_of(url: str) -> str:
    """Return what the Bank publishes at an address of this form: speech, minutes, ..., or page."""
    path = urlsplit(url).path
    return next((kind for part, kind in _KINDS if part in path), "page")


def named_day(url: str) -> date | None:
    """Return the day that the file name states (``ko250114a.htm``), if it states one."""
    found = _NAMED_DAY.search(urlsplit(url).path)
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups())
    try:
        return date(year + (1900 if year > 90 else 2000), month, day)
    except ValueError:
        return None


def dates_of(kind: str, url: str, heading: str, lines: list[str]) -> tuple[date | None, date | None]:
    """Return (day of the event, day of publication).

    ``heading`` is title and subtitle, ``lines`` the first lines of the text. A day that stands alone on a line
    is the day of publication; the file name gives the meeting's last day for minutes and opinions, the day of
    publication for the rest. The day of an event is never taken for that of publication.
    """
    named = named_day(url)
    alone = next(
        (d for line in lines if _ALONE.match(line) or "公表日" in line for d in all_dates(line)), None
    )
    year = alone.year if alone else (named.year if named else None)
    told = all_dates(heading, year=year)
    if kind in ("minutes", "opinions", "transcript"):
        return (told[-1] if told else named), alone
    if kind == "press_conference":
        told = told or next(
            (d for line in lines if not _ALONE.match(line) and (d := all_dates(line, year))), []
        )
        return (told[0] if told else None), alone or named
    told = told or next((d for line in lines[:3] if not _ALONE.match(line) and (d := all_dates(line))), [])
    event = (told[0] if told else None) or alone or named
    # The translation of a speech bears the speech's day and comes out some time later, which no page tells.
    translated = kind == "speech" and "/en/" in url
    return event, None if translated else alone or named


def _content(tree: Element) -> Element | None:
    """Return the element that holds the text, with the navigation inside it removed."""
    for path in _CONTENT:
        for found in select(tree, path):
            if len(text_of(found).strip()) > 20:
                for element in list(found.iter("header", "footer", "nav", "aside", "div", "ul", "p")):
                    if element is not found and (
                        element.tag in ("footer", "nav") or any(map(_CHROME.match, classes(element)))
                    ):
                        remove(element)
                return found
    return None


def _titles(tree: Element, content: Element) -> tuple[str, str]:
    """Return title and subtitle; the Bank joins them by a span without a separator."""
    heading = next(content.iter("h1"), None)
    if heading is None:
        whole = next((plain(e) for e in tree.iter("title")), "")
        return _SITE.sub("", whole).strip(), ""
    spans = [span for span in heading.iterchildren("span") if "txt-hide" not in span.get("class", "")]
    visible = [span for span in spans if span.get("aria-hidden") is None]
    subtitle = " ".join(plain(span) for span in visible if plain(span))
    outside = plain(heading)
    if subtitle and outside.endswith(subtitle) and outside != subtitle:
        return outside.removesuffix(subtitle).strip(" 　"), subtitle
    return outside, ""


def _body(parts: list[str], title: str, subtitle: str) -> list[str]:
    """Return the blocks without breadcrumb, language switch, table of contents and repeated titles."""
    kept: list[str] = []
    contents = False
    for part in parts:
        bare = part.lstrip("# ").strip()
        early = len(kept) < 6
        if early and (_BREADCRUMB.match(bare) or bare in ("English", "ENGLISH", "日本語", "印刷用", "PDF")):
            continue
        if early and _same(bare, title, subtitle):
            continue
        if _CONTENTS.match(part):
            contents = True
            continue
        if contents and part.startswith(("- ", "1. ")):
            contents = False
            continue
        contents = False
        kept.append(part)
    while kept and kept[-1].lstrip("# ") in (
        "ページの先頭へ",
        "このページの先頭へ",
        "トップページへ",
        "戻る",
    ):
        kept.pop()
    return kept


def _same(text: str, title: str, subtitle: str) -> bool:
    squeezed = re.sub(r"\s", "", text)
    wanted = [re.sub(r"\s", "", part) for part in (title, subtitle, title + subtitle) if part]
    return squeezed in wanted


def _head(url: str, kind: str, title: str, subtitle: str, parts: list[str]) -> _Head:
    lines = [line.strip(" 　*#―－—-") for part in parts[:10] for line in part.split("\n")][:24]
    role = speaker = ""
    for line in lines:
        if found := _SPEAKER.match(line):
            role, speaker = found.group(1), found.group(2).replace("\u3000", " ")
            break
    else:
        found = next(filter(None, map(_NAMED_IN_TITLE.search, (title + subtitle, *lines[:4]))), None)
        if found:
            speaker, role = found.group(1), found.group(2)
    event_at, published_at = dates_of(kind, url, f"{title} {subtitle}", lines)
    return _Head(title, subtitle, role, speaker, event_at, published_at)
