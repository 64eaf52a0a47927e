"""XML and XHTML from outside as trees: no entity resolved, nothing opened, sizes bounded by the parser."""

import re
from html.entities import html5

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


_NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,30};)")
_XML_OWN = frozenset(["amp;", "lt;", "gt;", "quot;", "apos;"])
#: References to control characters: no text holds them, and marks of ours are such.
_CONTROL = re.compile(
    rb"&#(?:0*(?:[0-8]|1[1-24-9]|2[0-9]|3[01])(?![0-9])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])(?![0-9a-fA-F]));?"
)
_VOID = re.compile(rb"<((?:br|col|hr|img|input|link|meta)\b)([^<>]*?)(?<!/)>", re.IGNORECASE)
_VOID_END = re.compile(rb"</(?:br|col|hr|img|input|link|meta)\s*>", re.IGNORECASE)
_DECLARED = re.compile(r"""^(\s*<\?xml[^>]*?)\s+encoding=(?:"[^"]*"|'[^']*')""")
_STYLE = re.compile(rb"(<style\b[^>]*>\s*)<!--(.{0,200000}?)-->(?=\s*</style>)", re.DOTALL | re.IGNORECASE)


def _prepared(body: bytes) -> bytes:
    """Return a page as UTF-8, whatever it declares, without what browsers understand and XML does not.

    That are names of HTML for signs, and comments around styles. A name that no DTD explains would vanish, and
    with it the space between two numbers.
    """
    body = _DECLARED.sub(r"\1", decode(body).text.lstrip("\ufeff"), count=1).encode("utf-8", "replace")
    if b"<!--" in body:
        body = _STYLE.sub(rb"\1\2", body)
    return _NAMED.sub(_numeric, _CONTROL.sub(b"", body))


def _numeric(found: re.Match[bytes]) -> bytes:
    name = found[1].decode()
    if name in _XML_OWN or name not in html5:
        return found[0]
    return "".join(f"&#{ord(sign)};" for sign in html5[name]).encode()


def parse_page(body: bytes) -> tuple[Element | None, bool]:
    """Return the tree of a page and whether it had to be mended: XHTML first, then whatever can be read."""
    body = _prepared(body)
    root = parse_xml(body)
    if root is not None:
        return root, False
    inline = b"inlineXBRL" in body[:10_000]
    closed = _VOID_END.sub(b"", _VOID.sub(rb"<\1\2/>", body))
    root = parse_xml(closed, recover=inline)
    if root is not None or inline:
        return root, inline
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False
    )
    try:
        return html.document_fromstring(body, parser=parser), False
    except etree.ParserError:
        return None, True
