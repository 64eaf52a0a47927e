"""One article of a Wikipedia dump (the XML of its ``<page>``) -> one document, without the wiki."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from corpus.document import Capture, Document, Drop, day_in_japan
from corpus.extract.record import base_document
from corpus.extract.wikimarkup import categories, to_markdown
from datacards.rights import license_of

_REDIRECTION = re.compile(r"\s*#\s*(?:redirect|転送|リダイレクト)\s*:?\s*\[\[", re.IGNORECASE)
_DISAMBIGUATION = ("{{aimai", "{{曖昧さ回避", "{{人名の曖昧さ回避", "{{地名の曖昧さ回避", "{{disambig")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a dump: its last revision."""

    title: str
    namespace: str
    id: str
    revision: str
    timestamp: str
    redirect: bool
    text: str


def extract(capture: Capture) -> list[Document | Drop]:
    """Return the document of an article, or why it is none. Which articles there are is the spider's choice."""
    try:
        page = read_page(capture.body)
    except (ParseError, DefusedXmlException) as error:
        return [Drop("broken_page", f"{type(error).__name__}: {error}")]
    return [_article(capture, page)]


def read_page(body: bytes) -> Page:
    """Return the page whose XML ``body`` is, as the export schemas 0.10 and 0.11 of mediawiki.org/xml have it.

    Raises ParseError for broken XML and DefusedXmlException for XML that declares a document type.
    """
    element = fromstring(body, forbid_dtd=True)
    revision = element
    values: dict[str, str] = {}
    for child in element:
        name = _local(child)
        if name == "revision":
            revision = child  # the last one counts
        else:
            values[name] = child.text or ""
    of = {_local(child): child.text or "" for child in revision}
    return Page(
        title=values.get("title", ""),
        namespace=values.get("ns", ""),
        id=values.get("id", ""),
        revision=of.get("id", ""),
        timestamp=of.get("timestamp", ""),
        redirect="redirect" in values,
        text=of.get("text", ""),
    )


def _article(capture: Capture, page: Page) -> Document | Drop:
    """Return the document of one page, or why it is none."""
    if page.namespace != "0":
        return Drop("other_namespace")
    if page.redirect or _REDIRECTION.match(page.text):
        return Drop("redirect")
    if any(mark in page.text.lower() for mark in _DISAMBIGUATION) or page.title.endswith("(曖昧さ回避)"):
        return Drop("disambiguation")
    body = to_markdown(page.text)
    if not body:
        return Drop("empty_article")
    path = page.title.replace(" ", "_").replace("%", "%25").replace("?", "%3F")  # else they end the path
    url = f"https://{capture.meta.get('language') or 'ja'}.wikipedia.org/wiki/{path}"
    inside = ",".join(categories(page.text))
    document = base_document(
        capture,
        text=f"# {page.title}\n\n{body}",
        title=page.title,
        kind="article",
        url=url,
        language=capture.meta.get("language") or "ja",
        published_at=_day(page.timestamp),
        meta={"page": page.id, "revision": page.revision, "categories": inside},
    )
    license_ = license_of("CC-BY-SA-4.0")
    attribution = license_.attribute(f"{url}?oldid={page.revision}", page.title, changed=True)
    return replace(
        document, license=license_.id, attribution=attribution, redistribution=license_.redistribution
    )


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _day(timestamp: str) -> date | None:
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    return day_in_japan(moment.replace(tzinfo=moment.tzinfo or UTC))
