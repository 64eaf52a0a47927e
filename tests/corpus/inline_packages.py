"""Whole packages of random inline filings: manifests, page order, continued blocks, encodings, audit reports."""

import io
import zipfile
from dataclasses import dataclass
from random import Random

from tests.corpus.inline_numbers import HIDDEN, Numbers, Truth
from tests.corpus.inline_pages import STYLE, Pages

STEM = "jpcrp030000-asr-001_E99999-000_2025-03-31_01_2025-06-20"
HEADER = f"""<div style="display:none"><ix:header><ix:hidden>
<ix:nonNumeric name="jpdei_cor:EDINETCodeDEI" contextRef="F">E99999</ix:nonNumeric>
<ix:nonFraction name="jpdei_cor:NumberOfSubmissionDEI" contextRef="F" unitRef="JPY">{HIDDEN}</ix:nonFraction>
</ix:hidden><ix:resources>
<xbrli:context id="Y"><xbrli:period><xbrli:startDate>2024-04-01</xbrli:startDate><xbrli:endDate>2025-03-31</xbrli:endDate>
</xbrli:period></xbrli:context>
<xbrli:context id="I"><xbrli:period><xbrli:instant>2025-03-31</xbrli:instant></xbrli:period></xbrli:context>
<xbrli:unit id="JPY"><xbrli:measure>iso4217:JPY</xbrli:measure></xbrli:unit>
</ix:resources></ix:header></div>"""
NAMESPACES = (
    'xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" '
    'xmlns:ixt="http://www.xbrl.org/inlineXBRL/transformation/2011-07-31" '
    'xmlns:ixt4="http://www.xbrl.org/inlineXBRL/transformation/2020-02-12" '
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


@dataclass(frozen=True)
class Made:
    """A package and what is true of it: the tagged numbers in reading order."""

    body: bytes
    truth: tuple[Truth, ...]


def archive(files: dict[str, bytes]) -> bytes:
    """Return a zip of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, body in files.items():
            target.writestr(name, body)
    return buffer.getvalue()


def page(body: str, rng: Random) -> bytes:
    """Return a page with this body, in one of the ways in which vendors write XHTML."""
    head = f"<head><title>秘{HIDDEN}</title>{STYLE}</head>"
    doctype, encoding = "", "utf-8"
    kind = rng.random()
    if kind < 0.15:
        body = body.replace("&#160;", "&nbsp;")  # no XML entity: such a page is not well-formed
    elif kind < 0.25:
        doctype = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/x.dtd">'
        body = body.replace("&#160;", "&nbsp;")
    elif kind < 0.3:
        encoding = "utf-16"
    elif kind < 0.35:
        body = body.replace("<br/>", "<br>")  # as in HTML: not well-formed either
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n{doctype}<html {NAMESPACES}>{head}<body>{body}</body></html>'
    return (b"\xef\xbb\xbf" if encoding == "utf-8" and rng.random() < 0.7 else b"") + text.encode(encoding)


def make(seed: int) -> Made:
    """Return the package of a seed."""
    rng = Random(seed)  # noqa: S311 - the same package for the same seed
    numbers = Numbers(rng)
    pages = Pages(rng, numbers)
    bodies = []
    for number in range(rng.randint(1, 4)):
        parts = pages.parts(rng.randint(1, 5))
        if rng.random() < 0.6:
            cut = rng.randint(0, len(parts))
            parts[cut:] = [pages.block("".join(parts[cut:]))]
        bodies.append("".join(parts) or f"<p>{number}</p>")
    _continue(bodies, rng)
    bodies[0] = HEADER + bodies[0] if rng.random() < 0.5 else bodies[0] + HEADER
    folder = rng.choice(["XBRL/PublicDoc/", "PublicDoc/", "S100ABCD/XBRL/PublicDoc/", ""])
    names = [f"01{n:02}010_honbun_{STEM}_ixbrl.htm" for n in range(len(bodies))]
    with_manifest = rng.random() < 0.8
    listed = list(names)
    if with_manifest and rng.random() < 0.5:
        rng.shuffle(names)
        listed = list(names)
        if rng.random() < 0.3 and len(names) > 1:
            names[-1] = f"0999999_honbun_{STEM}_ixbrl.htm"  # one more page, which the manifest does not name
            listed = names[:-1]
    files = {folder + n: page(b, rng) for n, b in zip(names, bodies, strict=True)}
    if with_manifest:
        entries = "".join(f"<ixbrl>{name}</ixbrl>" for name in listed)
        files[f"{folder}manifest_PublicDoc.xml"] = (
            f'<?xml version="1.0" encoding="utf-8"?><manifest xmlns="http://disclosure.edinet-fsa.go.jp/2013/manifest">'
            f"<list><instance>{entries}</instance></list></manifest>"
        ).encode()
    items = list(files.items())
    rng.shuffle(items)
    return Made(archive(dict(items)), tuple(numbers.truth))


def _continue(bodies: list[str], rng: Random) -> None:
    """Let a text block of one page go on in the next ones."""
    if len(bodies) < 2 or rng.random() < 0.5:
        return
    name = "jpcrp_cor:NotesTextBlock"
    for at, body in enumerate(bodies):
        after = f' continuedAt="part{at + 1}"' if at + 1 < len(bodies) else ""
        begin = (
            f'<ix:nonNumeric name="{name}" contextRef="Y" escape="true"{after}>'
            if at == 0
            else f'<ix:continuation id="part{at}"{after}>'
        )
        bodies[at] = f"{begin}{body}</ix:{'nonNumeric' if at == 0 else 'continuation'}>"
