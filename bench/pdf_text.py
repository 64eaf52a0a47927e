"""The text of PDF files against the truth: real reports beside their XBRL, and layouts whose text is known.

``python -m bench.pdf_text [PDF XBRL]`` reads an annual report and holds it against the text blocks of the same
report's XBRL (an instance or a type 1 package): only what a block answers is judged, since a report holds more than
its blocks. Without arguments it makes files in twelve layouts and judges all of their text. Peers see the same bytes:
PyMuPDF's plain text, its Markdown (pymupdf4llm without its layout model) and pypdfium2, as far as they are installed.

``char_f1`` counts signs that answer each other, ``order_errors`` neighbors of the truth that changed places,
``broken_words`` words of the truth cut by a line end or a space, ``false_numbers`` numbers the truth does not know;
``paragraphs`` is the share of the truth's longer paragraphs that come as one, whole and alone.
"""

import itertools
import json
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import click
from lxml import etree, html
from rich.console import Console
from rich.table import Table

from bench import measured
from bench.measures.alignment import Likeness, likeness, signs

_READ = """
import json, sys, time
from pathlib import Path
out, *paths = map(Path, sys.argv[1:])
{reader}
found = []
for path in paths:
    body, start = path.read_bytes(), time.perf_counter()
    text, pages = read(body)
    found.append((text, pages, time.perf_counter() - start))
out.write_text(json.dumps(found), encoding="utf-8")
"""
_OURS = """
from datetime import UTC, datetime
from corpus.document import Capture, Document
from corpus.extract.pdf import extract
def read(body):
    capture = Capture(url="https://example.jp/report.pdf", source="bench", fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        status=200, headers=(), media_type="application/pdf", body=body, license="all-rights-reserved", meta={})
    (document, *_) = [one for one in extract(capture) if isinstance(one, Document)]
    return document.text, int(document.meta["pages"])
"""
_PLAIN = """
import pymupdf
def read(body):
    with pymupdf.open(stream=body, filetype="pdf") as file:
        return "\\n".join(page.get_text() for page in file), file.page_count
"""
_MARKDOWN = """
import pymupdf, pymupdf4llm
pymupdf4llm.use_layout(False)
def read(body):
    with pymupdf.open(stream=body, filetype="pdf") as file:
        return pymupdf4llm.to_markdown(file, show_progress=False), file.page_count
"""
_PDFIUM = """
import pypdfium2
def read(body):
    file = pypdfium2.PdfDocument(body)
    return "\\n".join(page.get_textpage().get_text_bounded() for page in file), len(file)
"""
#: Who reads -> what must be installed, and how.
READERS: Mapping[str, tuple[str, str]] = {
    "ours": ("pymupdf", _OURS),
    "peer": ("pymupdf", _PLAIN),
    "pymupdf4llm": ("pymupdf4llm", _MARKDOWN),
    "pypdfium2": ("pypdfium2", _PDFIUM),
}
_BREAKS = frozenset(
    ("p", "div", "td", "th", "tr", "table", "br", "li", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6")
)
_LONG = 40  # signs from which a piece of the truth counts as a paragraph


def text_blocks(path: Path) -> list[list[str]]:
    """Return the pieces (paragraphs, cells) of each text block that no other block holds, in the file's order."""
    body = path.read_bytes()
    if body.startswith(b"PK"):
        try:
            with zipfile.ZipFile(path) as package:
                names = [
                    name for name in package.namelist() if name.endswith(".xbrl") and "AuditDoc" not in name
                ]
                if not names:
                    raise click.BadParameter(f"{path}: no .xbrl in it", param_hint="XBRL")
                body = package.read(names[0])
        except zipfile.BadZipFile as error:
            raise click.BadParameter(f"{path}: {error}", param_hint="XBRL") from error
    try:
        root = etree.fromstring(
            body, etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
        )
    except etree.XMLSyntaxError as error:
        raise click.BadParameter(
            f"{path}: no instance, and no package with one: {error}", param_hint="XBRL"
        ) from error
    sources = [one.text or "" for one in root if isinstance(one.tag, str) and one.tag.endswith("TextBlock")]
    blocks = [_pieces(source) for source in sources if source.strip()]
    flat = [signs("\n".join(block)).text for block in blocks]
    kept: list[int] = []
    for at in sorted(range(len(flat)), key=lambda n: (-len(flat[n]), n)):
        if not any(flat[at] in flat[other] for other in kept):
            kept.append(at)
    return [blocks[at] for at in sorted(kept)]


def _pieces(source: str) -> list[str]:
    texts = [""]

    def walk(element: etree._Element) -> None:
        breaks = element.tag in _BREAKS
        texts.extend([""] * breaks)
        if isinstance(element.tag, str):
            texts[-1] += element.text or ""
            for child in element:
                walk(child)
        texts.extend([""] * breaks)
        texts[-1] += element.tail or ""

    walk(html.fromstring(f"<div>{source}</div>"))
    return [" ".join(text.split()) for text in texts if text.strip()]


def read(who: str, paths: Sequence[Path]) -> tuple[list[str], dict[str, float]]:
    """Read files in a process of its own; return their texts and what that took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        cost = measured(_READ.replace("{reader}", READERS[who][1]), (str(out), *map(str, paths)))
        found = json.loads(out.read_text(encoding="utf-8"))
    pages, seconds = sum(one[1] for one in found), sum(one[2] for one in found)
    return [one[0] for one in found], {
        "pages_per_s": round(pages / seconds, 1),
        "peak_mb": round(cost.peak, 1),
    }


def paragraphs(pieces: Sequence[str], text: str) -> float:
    """Return the share of the truth's longer pieces that stand whole and alone between empty lines."""
    own = {signs(part).text for part in text.split("\n\n")}
    long = [found for piece in pieces if len(found := signs(piece).text) >= _LONG]
    return round(sum(piece in own for piece in long) / max(len(long), 1), 4)


def _installed() -> list[str]:
    return [who for who, (module, _) in READERS.items() if find_spec(module)]


def _report(pdf: Path, xbrl: Path, console: Console) -> dict[str, float]:
    blocks = text_blocks(xbrl)
    table = Table(
        "reader", "char F1", "order errors", "broken words", "false numbers", "found", "pages/s", "peak MB"
    )
    figures: dict[str, float] = {
        "blocks": len(blocks),
        "truth_signs": sum(len(signs(p).text) for b in blocks for p in b),
    }
    for who in _installed():
        (text,), cost = read(who, [pdf])
        like = likeness(blocks, text, whole=False)
        found = {**like.figures(), "found": round(like.same / max(like.truth, 1), 5), **cost}
        table.add_row(who, *(f"{value:g}" for value in found.values()))
        figures |= _named(who, found)
    console.print(table)
    return figures


def _named(who: str, found: Mapping[str, float]) -> dict[str, float]:
    return {name if who == "ours" else f"{name}_{who}": value for name, value in found.items()}


def _layouts(console: Console) -> dict[str, float]:
    from sample.pdf_layouts import LAYOUTS  # noqa: PLC0415 - needs reportlab, which a report's reader does not

    table = Table(
        "layout", "reader", "char F1", "order errors", "broken words", "false numbers", "paragraphs"
    )
    made = {name: layout() for name, layout in LAYOUTS.items()}
    figures: dict[str, float] = {}
    rows: dict[str, list[tuple[str, ...]]] = {name: [] for name in made}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.pdf" for name in made]
        for path, one in zip(paths, made.values(), strict=True):
            path.write_bytes(one.body)
        for who in _installed():
            texts, cost = read(who, paths)
            likes = [
                likeness([one.pieces], text, whole=True)
                for one, text in zip(made.values(), texts, strict=True)
            ]
            whole = [paragraphs(one.pieces, text) for one, text in zip(made.values(), texts, strict=True)]
            for name, like, share in zip(made, likes, whole, strict=True):
                rows[name].append(
                    (name, who, *(f"{value:g}" for value in like.figures().values()), f"{share:g}")
                )
            found = {
                **sum(likes, Likeness()).figures(),
                "worst_char_f1": round(min(like.char_f1 for like in likes), 5),
                "paragraphs": round(sum(whole) / len(whole), 4),
                **cost,
            }
            figures |= _named(who, found)
    for row in itertools.chain.from_iterable(rows.values()):
        table.add_row(*row)
    console.print(table)
    return figures


@click.command()
@click.argument("pdf", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.argument("xbrl", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def main(pdf: Path | None, xbrl: Path | None) -> None:
    """Hold PDF against XBRL, or without arguments made files against what they were made from."""
    console = Console(width=130)
    if pdf and not xbrl:
        raise click.UsageError("PDF needs the XBRL of the same report beside it")
    figures = _report(pdf, xbrl, console) if pdf and xbrl else _layouts(console)
    sys.stdout.flush()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
