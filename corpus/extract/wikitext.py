"""Wikipedia dumps (pages-articles, bz2) -> one document for each article about economy, finance and companies."""

import bz2
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from corpus.document import Capture, Document, Drop
from corpus.extract.record import base_document
from corpus.extract.wikimarkup import categories, to_markdown
from datacards.rights import license_of

#: Where the walk through the categories begins.
ROOTS = (
    "経済", "経済学", "金融", "金融市場", "金融商品", "金融機関", "金融政策", "中央銀行", "銀行", "証券", "証券取引所", "株式", "債券", "投資",
    "保険", "通貨", "外国為替", "会計", "財務", "財政", "租税", "税制", "経営", "企業", "会社", "市場", "貿易", "物価", "景気循環",
)  # fmt: skip
#: Categories that would lead out of the field: people, works and places have economies too.
_STOP = ("人物", "経済学者", "実業家", "作品", "小説", "漫画", "アニメ", "映画", "テレビ", "ゲーム", "楽曲", "架空", "スタブ", "画像", "テンプレート", "利用者", "Wikipedia", "の歴史", "大学", "学校", "鉄道", "駅", "年没", "年生", "各国の")  # fmt: skip
_WORDS = ("金融", "経済", "銀行", "証券", "株式", "投資", "債券", "保険会社", "中央銀行", "通貨", "為替", "会計", "財政", "租税", "企業会計", "市場経済", "金利", "年金")  # fmt: skip
_DEPTH = 3  # steps down from a root; deeper walks drift into people, places and fiction
_RATIO = 100  # times the compressed size; real dumps have about 5, an attack a million
_LEAST = 64 << 20  # bytes that are read whatever the ratio
_TITLES = 5  # titles named in a drop
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


class Dump:
    """A dump file as a stream of pages, compressed or not, whole or cut off."""

    def __init__(self, body: bytes) -> None:
        self._source = BytesIO(body)
        self._packed = body.startswith(b"BZh")
        self._unpacker = bz2.BZ2Decompressor()
        self._left = max(_LEAST, _RATIO * len(body))
        self.damage = ""  # after reading: what ended the pages too early

    def pages(self) -> Iterator[Page]:
        """Yield the pages that can be read; memory stays that of one page."""
        open_elements: list[Element] = []
        try:
            for event, element in iterparse(self, events=("start", "end"), forbid_dtd=True):
                if event == "start":
                    open_elements.append(element)
                    continue
                open_elements.pop()
                if _local(element) == "page":
                    yield _page(element)
                if len(open_elements) == 1:
                    open_elements[0].clear()
        except (ParseError, DefusedXmlException, EOFError, OSError) as error:
            self.damage = self.damage or f"{type(error).__name__}: {error}"

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes of XML, b"" at the end."""
        size = size if size > 0 else 1 << 16
        if not self._packed:
            return self._source.read(size)
        part = b""
        while not part:
            if self._unpacker.eof:  # a dump is many streams, one behind the other
                rest = self._unpacker.unused_data or self._source.read(1 << 16)
                if not rest:
                    return b""
                self._unpacker = bz2.BZ2Decompressor()
                part = self._unpacker.decompress(rest, size)
            elif self._unpacker.needs_input:
                packed = self._source.read(1 << 16)
                if not packed:
                    self.damage = "the compressed stream ends early"
                    return b""
                part = self._unpacker.decompress(packed, size)
            else:
                part = self._unpacker.decompress(b"", size)
        self._left -= len(part)
        if self._left < 0:
            raise OSError("it unpacks to far more than any real dump")
        return part


def extract(capture: Capture) -> list[Document | Drop]:
    """Return the articles of a dump that belong to the field, in the dump's order, and what was left out.

    What is left out is counted in one Drop for each reason: a dump has a million pages of no concern to us.
    """
    wanted = wanted_categories(Dump(capture.body).pages())
    dump = Dump(capture.body)
    articles: list[Document | Drop] = []
    left: dict[str, list[str]] = {}
    for page in dump.pages():
        found = _article(capture, page, wanted)
        if isinstance(found, Drop):
            titles = left.setdefault(found.reason, [])
            titles.append(page.title)
        else:
            articles.append(found)
    drops = [Drop(reason, _counted(titles)) for reason, titles in sorted(left.items())]
    if dump.damage:
        drops.append(Drop("truncated_dump", dump.damage))
    return [*articles, *drops]


def wanted_categories(pages: Iterator[Page]) -> frozenset[str]:
    """Return the categories at most ``_DEPTH`` steps below the roots, by the category pages of the dump."""
    below: dict[str, list[str]] = {}
    for page in pages:
        if page.namespace == "14" and not page.redirect:
            for parent in categories(page.text):
                below.setdefault(parent, []).append(page.title.partition(":")[2])
    found = set(ROOTS)
    edge = list(ROOTS)
    for _ in range(_DEPTH):
        edge = [
            child
            for parent in edge
            for child in below.get(parent, ())
            if child not in found and not _stopped(child)
        ]
        found.update(edge)
    return frozenset(found)


def _article(capture: Capture, page: Page, wanted: frozenset[str]) -> Document | Drop:
    """Return the document of one page, or why it is none."""
    if page.namespace != "0":
        return Drop("other_namespace")
    if page.redirect:
        return Drop("redirect")
    inside = categories(page.text)
    if not any(_of_the_field(category, wanted) for category in inside):
        return Drop("other_subject")
    if any(mark in page.text.lower() for mark in _DISAMBIGUATION) or page.title.endswith("(曖昧さ回避)"):
        return Drop("disambiguation")
    body = to_markdown(page.text)
    if not body:
        return Drop("empty_article")
    path = page.title.replace(" ", "_").replace("%", "%25").replace("?", "%3F")  # else they end the path
    url = f"https://{capture.meta.get('language') or 'ja'}.wikipedia.org/wiki/{path}"
    document = base_document(
        capture,
        text=f"# {page.title}\n\n{body}",
        title=page.title,
        kind="article",
        url=url,
        language=capture.meta.get("language") or "ja",
        published_at=_day(page.timestamp),
        meta={"page": page.id, "revision": page.revision, "categories": ",".join(inside)},
    )
    license_ = license_of("CC-BY-SA-4.0")
    attribution = license_.attribute(f"{url}?oldid={page.revision}", page.title)
    return replace(
        document, license=license_.id, attribution=attribution, redistribution=license_.redistribution
    )


def _of_the_field(category: str, wanted: frozenset[str]) -> bool:
    return category in wanted or (any(word in category for word in _WORDS) and not _stopped(category))


def _stopped(category: str) -> bool:
    return any(word in category for word in _STOP)


def _counted(titles: list[str]) -> str:
    named = "、".join(titles[:_TITLES])
    return f"{len(titles)} pages: {named}{' ...' if len(titles) > _TITLES else ''}"


def _page(element: Element) -> Page:
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


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _day(timestamp: str) -> date | None:
    try:
        return date.fromisoformat(timestamp[:10])
    except ValueError:
        return None
