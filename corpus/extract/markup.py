"""XML and XHTML from outside as trees: no entity resolved, nothing opened, sizes bounded by the parser."""

from lxml import etree, html

from corpus.encoding import decode
from corpus.extract.tables import Element


def parse_xml(body: bytes, *, recover: bool = False) -> Element | None:
    """Return the tree of an XML file, or None. No entity is resolved, nothing outside is opened."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return None


def parse_page(body: bytes) -> tuple[Element | None, bool]:
    """Return the tree of a page and whether it had to be mended: XHTML first, then whatever can be read."""
    root = parse_xml(body)
    if root is not None:
        return root, False
    if b"inlineXBRL" in body[:10_000]:
        return parse_xml(body, recover=True), True
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False
    )
    text = decode(body).text
    try:
        return html.document_fromstring(text.encode("utf-8", "replace"), parser=parser), False
    except etree.ParserError:
        return None, True
