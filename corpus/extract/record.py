"""What every base document takes over from its capture: identity of the evidence, time, rights, place."""

import re
from collections.abc import Mapping
from datetime import date

from corpus.document import Capture, Document, Fact, Span
from datacards.rights import license_of

_KANA = re.compile("[ぁ-ヿ]")
_FIELDS = (
    "kind",
    "title",
    "language",
    "event_at",
    "published_at",
)  # of a capture's meta: fields of a document


def base_document(
    capture: Capture,
    *,
    text: str,
    title: str,
    kind: str,
    url: str = "",
    language: str = "",
    event_at: date | None = None,
    published_at: date | None = None,
    meta: Mapping[str, str] | None = None,
    facts: tuple[Fact, ...] = (),
) -> Document:
    """Return the Markdown document that ``capture`` gives; its parent is the whole body of the capture.

    ``kind`` is what the reader of the bytes found (see ``Document``); "page" gives way to what the spider took
    it for. ``meta`` wins over what the spider knew, since the page itself is the better witness. A language and
    dates that the page does not tell are the spider's ``language``, ``event_at`` and ``published_at`` (ISO 8601).
    """
    license_ = license_of(capture.license)
    url = url or capture.url
    known = {name: value for name, value in capture.meta.items() if value and name not in _FIELDS}
    if kind == "page":
        kind = capture.meta.get("kind") or kind
    return Document(
        text=text,
        format="markdown",
        source=capture.source,
        url=url,
        title=title,
        captured_at=capture.fetched_at,
        license=license_.id,
        attribution=license_.attribute(url, title, changed=True),  # taken out of its page and cleaned
        redistribution=license_.redistribution,
        language=language or capture.meta.get("language") or "ja",
        event_at=event_at or _date(capture.meta.get("event_at", "")),
        published_at=published_at or _date(capture.meta.get("published_at", "")),
        made_from=(Span(f"sha256:{capture.sha256}", 0, 0),),
        meta={**known, **{k: v for k, v in (meta or {}).items() if v}, "kind": kind},
        facts=facts,
    )


def language_of(text: str, declared: str = "en") -> str:
    """Return "ja" for text with kana in it, as no other language has them, else what the page declares."""
    head = text[:20_000]
    if len(_KANA.findall(head)) > len(head) / 50:
        return "ja"
    latin = sum(sign.isascii() for sign in head)
    return "en" if declared == "ja" and latin > 0.95 * len(head) else declared


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
