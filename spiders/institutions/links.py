"""The links of a page, each with the words that stand for it, whatever charset the page is in or says it is in."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple
from urllib.parse import urljoin

from parsel import Selector
from scrapy.http import HtmlResponse
from w3lib.url import safe_url_string

from corpus.encoding import decode

Role = Literal["link", "next", "frame"]
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_REFRESH = re.compile(r"^\s*[\d.]+\s*[;,]\s*(?:url\s*=)?\s*[\"']?(.+?)[\"']?\s*$", re.IGNORECASE)
_SIZE = re.compile(
    r"\s*[\[［(（]\s*(?:PDF|ＰＤＦ|Excel|[\d.,０-９]+\s*[KMkmＫＭ][BbＢ])[^\])）］]*[\])）］]", re.IGNORECASE
)
_HEADINGS = ("//main//h1", "//article//h1", "//*[@id='contents' or @id='main']//h1", "//h1", "//title")
_SILENT = "ancestor-or-self::*[self::script or self::style or self::rt or self::rp]"


class Link(NamedTuple):
    """``url`` is absolute and in ASCII, ``title`` what the page calls it, "" for none.

    A ``frame`` is part of the page it stands in, ``next`` is where a list or a page that has moved goes on.
    """

    url: str
    title: str
    role: Role


class Page:
    """A page as its reader sees it: decoded by the evidence of its bytes, not by what it declares."""

    def __init__(self, response: HtmlResponse) -> None:
        declared = _CHARSET.search(response.headers.get("Content-Type") or b"")
        decoded = decode(response.body, declared.group(1).decode("ascii", "replace") if declared else "")
        self.encoding = "utf-8" if decoded.encoding.startswith("utf") else decoded.encoding
        self.tree = Selector(text=decoded.text or "<html></html>", type="html")
        self.url = urljoin(response.url, self.tree.xpath("//base/@href").get("").strip())

    @property
    def heading(self) -> str:
        """The first heading of the page, else its title up to the name of the site."""
        for path in _HEADINGS:
            for found in self.tree.xpath(path):
                if text := text_of(found):
                    return re.split(r"\s*[|｜]\s*", text)[0] if path == "//title" else text
        return ""

    def links(self) -> Iterator[Link]:
        """Yield the links of the page in its order: anchors, areas of maps, next pages, frames, refreshes."""
        for found in self.tree.xpath(
            "//a[@href] | //area[@href] | //link[@href] | //frame[@src] | //iframe[@src]"
        ):
            tag, attributes = found.root.tag, found.attrib
            is_next = "next" in attributes.get("rel", "").lower().split()
            if tag == "link" and not is_next:
                continue
            if tag in ("frame", "iframe"):
                yield from self._link(attributes["src"], "", "frame")
            else:
                yield from self._link(attributes["href"], _title(found), "next" if is_next else "link")
        for content in self.tree.xpath("//meta[@http-equiv and @content]"):
            refresh = _REFRESH.match(content.attrib["content"])
            if content.attrib["http-equiv"].strip().lower() == "refresh" and refresh:
                yield from self._link(refresh.group(1), "", "next")

    def _link(self, address: str, title: str, role: Role) -> Iterator[Link]:
        # The query of a link is in the charset of its page, the path in UTF-8 (WHATWG URL, section 4.4).
        for encoding in (self.encoding, "utf-8"):
            try:
                url = safe_url_string(urljoin(self.url, address.strip()), encoding=encoding)
            except UnicodeError:  # a sign that the charset has not
                continue
            except ValueError:  # a port or bracket that is none
                return
            yield Link(url, title, role)
            return


def _title(link: Selector) -> str:
    shown = text_of(link) or " ".join(filter(None, map(str.strip, link.xpath(".//img/@alt").getall())))
    return _SIZE.sub("", shown or link.attrib.get("alt", "") or link.attrib.get("title", "")).strip()


def text_of(node: Selector) -> str:
    """Return the words of an element on one line: a line break is a space, readings over the words are left out."""
    parts = node.xpath(f".//text()[not({_SILENT})] | .//br").getall()
    return " ".join("".join(" " if part.startswith("<br") else part for part in parts).split())
