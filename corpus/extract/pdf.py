"""PDF files -> Markdown, as people read them: columns in order, broken lines mended, running lines gone.

PyMuPDF (AGPL-3.0, or a commercial license) is imported here and in ``corpus.extract.tesseract`` only: another backend has to fill the records of
``corpus.extract.layout`` and nothing else. Pages are rendered for an OCR engine only: else no image is decoded.
"""

import itertools
import re
import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymupdf

from corpus.document import Capture, Document, Drop
from corpus.extract import boj
from corpus.extract.layout import Line, Page, Rule, without_margins
from corpus.extract.lines import repaired
from corpus.extract.ocr import MOST_PIXELS, Ocr, PageImage, numbers
from corpus.extract.paragraphs import markdown
from corpus.extract.pdf_notes import CLOSE, OPEN, with_notes
from corpus.extract.record import base_document, language_of
from corpus.extract.ruled import MOST_RULES

MAX_BYTES = 200 << 20
MAX_PAGES = 3000
MAX_IMAGE_PIXELS = 200_000_000  # of the images on a page that is shown to an OCR engine
_FEW = 50  # characters: fewer are no text layer
_LETTERS = 300  # filled outlines: so many are letters of a page that was set without fonts
_EVEN = 0.25  # an engine guesses sizes from the signs in a line; so near to the usual one they are that
_MOSTLY = 0.8  # of the pages: so many images make a file one of images
_FLAGS = (pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES) | pymupdf.TEXT_MEDIABOX_CLIP
_ERRORS = (RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase)
_USELESS_TITLE = re.compile(
    r"^(?:Microsoft |PowerPoint |Word - |無題|untitled|名称未設定)|\.(?:docx?|xlsx?|pptx?|pdf|indd|jtd)$|^[A-Za-z0-9_\-]{1,12}$",
    re.IGNORECASE,
)
_MARK = re.compile(r"\s*[(（]?[注*＊※]?\s?[0-9]{1,3}[)）]?\s*")
_RUNNING = re.compile(r"[。、，,]|^[（(【](?:問|答)")


def extract(capture: Capture, ocr: Ocr | None = None) -> list[Document | Drop]:
    """Return the document of one PDF file, or why there is none; pages that cannot be read are named beside it.

    A page needs OCR when an image covers half of it, or outlines of letters fill it, and it has next to no text.
    Without the engine ``ocr`` such pages are named in the document's meta (``pages_needing_ocr``); a file of
    nothing else is a Drop. With one, it reads them.
    """
    if len(capture.body) > MAX_BYTES:
        return [Drop("too_large", f"{len(capture.body)} bytes of PDF; the limit is {MAX_BYTES}")]
    pymupdf.TOOLS.mupdf_display_errors(False)  # type: ignore[no-untyped-call]
    pymupdf.TOOLS.mupdf_display_warnings(False)  # type: ignore[no-untyped-call]
    try:
        with pymupdf.open(stream=capture.body, filetype="pdf") as file:  # type: ignore[no-untyped-call]
            if file.needs_pass:
                return [Drop("encrypted_pdf", "it opens only with a password")]
            if file.page_count > MAX_PAGES:
                return [Drop("too_many_pages", f"{file.page_count}; the limit is {MAX_PAGES}")]
            return _read(capture, file, ocr)
    except _ERRORS as error:
        return [Drop("broken_pdf", _words(error))]


def _read(capture: Capture, file: Any, ocr: Ocr | None) -> list[Document | Drop]:
    pages, broken, by_engine = [], [], []
    for number in range(file.page_count):
        try:
            page = _page(file[number])
            if page.scanned and ocr and (read := _seen(file[number], ocr)):
                page = replace(page, lines=read, words=(), rules=(), scanned=False)
                by_engine.append(number + 1)
            pages.append(page)
        except _ERRORS as error:
            broken.append(Drop("broken_pdf_page", f"page {number + 1}: {_words(error)}"))
    if not pages:
        return [Drop("broken_pdf", broken[0].detail if broken else "no pages")]
    signs = "".join(line.text for page in pages for line in page.lines)
    scanned = [number for number, page in enumerate(pages, 1) if page.scanned]
    if not signs.strip() or len(scanned) > _MOSTLY * len(pages):
        told = f"pages {numbers(scanned)} of {len(pages)} are images" if scanned else "no text on any page"
        return [Drop("needs_ocr", told)]
    unknown = sum(sign == "\ufffd" or "\ue000" <= sign <= "\uf8ff" for sign in signs)
    if unknown * 4 > len(signs):
        return [Drop("no_unicode_map", f"{unknown} of {len(signs)} characters have no meaning")]
    meta = {
        "pages": str(file.page_count),
        "pages_needing_ocr": numbers(scanned),
        "pages_read_by_ocr": numbers(by_engine),
    }
    return [_document(capture, file, pages, meta), *broken]


def _document(capture: Capture, file: Any, pages: list[Page], meta: dict[str, str]) -> Document:
    pages = with_notes(without_margins(pages))
    title = _title(capture, file, pages)
    outline = _outline(file)
    text = markdown(pages, outline, title)
    kind = boj.kind_of(capture.url)
    event_at, published_at = boj.dates_of(kind, capture.url, title, text[:1500].split("\n"))
    told = capture.source.startswith("boj") or boj.named_day(capture.url) is not None
    return base_document(
        capture,
        text=text,
        title=title,
        kind=kind,
        language=language_of(text, declared=capture.meta.get("language") or "ja"),
        event_at=event_at if told else None,
        published_at=published_at if told else None,
        meta=meta,
    )


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _page(page: Any) -> Page:
    """Return one page in the records of ``corpus.extract.layout``."""
    lines = tuple(_lines(page.get_text("dict", flags=_FLAGS)))
    rules = tuple(itertools.islice(_rules(page), MOST_RULES + 1)) if lines else ()
    words: tuple[Line, ...] = ()
    if len(rules) > 3:
        sizes = {line.size for line in lines} or {10.0}
        marked = any(OPEN in line.text for line in lines)
        found = _words_with_marks(page) if marked else page.get_text("words", flags=_FLAGS)
        words = tuple(
            Line(repaired(text), x0, y0, x1, y1, min(max(sizes), y1 - y0), order=order)
            for order, (x0, y0, x1, y1, text, *_) in enumerate(found)
        )
    few = sum(len(line.text.strip()) for line in lines) < _FEW
    return Page(
        width=page.rect.width,
        height=page.rect.height,
        lines=lines,
        words=words,
        rules=rules,
        scanned=few and _is_picture(page),
    )


def _is_picture(page: Any) -> bool:
    """Whether images cover half of a page, or so many outlines are filled as letters have; decodes no image."""
    log = page.get_bboxlog()
    images = [box for kind, box, *_ in log if kind in ("fill-image", "fill-imgmask")]
    area = sum(abs(page.rect & box) for box in images)
    outlines = sum(kind == "fill-path" for kind, *_ in log)
    return bool(area > 0.5 * abs(page.rect) or outlines >= _LETTERS)


def _seen(page: Any, ocr: Ocr) -> tuple[Line, ...]:
    """Return what an engine reads on a page, in points; nothing where its images are too large to be decoded."""
    if sum(image[2] * image[3] for image in page.get_images()) > MAX_IMAGE_PIXELS:
        return ()
    dpi = min(ocr.dpi, 72 * (MOST_PIXELS / max(abs(page.rect), 1.0)) ** 0.5)
    picture = page.get_pixmap(dpi=int(dpi), colorspace=pymupdf.csGRAY, alpha=False)
    scale = page.rect.width / picture.width
    image = PageImage(picture.width, picture.height, bytes(picture.samples), dpi)
    read = ocr.read(image)
    usual = statistics.median(line.size for line in read) if read else 0.0
    return tuple(
        replace(
            line,
            text=repaired(line.text),
            x0=line.x0 * scale,
            y0=line.y0 * scale,
            x1=line.x1 * scale,
            y1=line.y1 * scale,
            size=scale * (usual if abs(line.size - usual) < _EVEN * usual else line.size),
        )
        for line in read
    )


def _words_with_marks(page: Any) -> Iterator[tuple[float, float, float, float, str]]:
    """Yield the words of a page that holds raised digits: those are words of their own."""
    for block in page.get_text("rawdict", flags=_FLAGS)["blocks"]:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                text = "".join(one["c"] for one in span["chars"])
                if _raised(span | {"text": text}):
                    yield *span["bbox"], f"{OPEN}{text.strip()}{CLOSE}"
                    continue
                for space, signs in itertools.groupby(span["chars"], key=lambda one: one["c"].isspace()):
                    word = list(signs)
                    if not space:
                        boxes = [one["bbox"] for one in word]
                        x0, x1 = min(b[0] for b in boxes), max(b[2] for b in boxes)
                        y0, y1 = min(b[1] for b in boxes), max(b[3] for b in boxes)
                        yield x0, y0, x1, y1, "".join(one["c"] for one in word)


def _lines(found: dict[str, Any]) -> Iterator[Line]:
    order = 0
    for block in found["blocks"]:
        for line in block.get("lines", ()):
            order += 1
            spans = line["spans"]
            text = ""
            for span in spans:
                text += f"{OPEN}{span['text'].strip()}{CLOSE}" if _raised(span) else span["text"]
            largest = max(spans, key=lambda span: len(span["text"].strip()))
            x0, y0, x1, y1 = line["bbox"]
            text = repaired(text.replace("\xa0", " "))
            bare = text.lstrip(" \u3000")
            inset = sum(1.0 if sign == "\u3000" else 0.5 for sign in text[: len(text) - len(bare)])
            yield Line(
                text=bare,
                x0=x0 if line["wmode"] else x0 + inset * largest["size"],
                y0=y0,
                x1=x1,
                y1=y1,
                size=largest["size"],
                bold=_bold(largest),
                inset=text.startswith("\u3000"),
                turn=1 if line["wmode"] else round(line["dir"][1]),
                order=order,
            )


def _raised(span: dict[str, Any]) -> bool:
    return bool(span["flags"] & pymupdf.TEXT_FONT_SUPERSCRIPT and _MARK.fullmatch(span["text"]))


def _bold(span: dict[str, Any]) -> bool:
    name = span["font"].lower()
    return bool(span["flags"] & pymupdf.TEXT_FONT_BOLD) or "bold" in name or "heavy" in name


def _rules(page: Any) -> Iterator[Rule]:
    """Yield the ruled lines: strokes, and the thin filled shapes that many programs draw instead."""
    for path in page.get_cdrawings():
        if path.get("fill") == (1.0, 1.0, 1.0) and path["type"] == "f":
            continue  # a white ground
        for item in path["items"]:
            if item[0] == "l":
                yield from _segment(*item[1], *item[2])
            elif item[0] == "re":
                x0, y0, x1, y1 = item[1]
                if min(abs(x1 - x0), abs(y1 - y0)) < 2:
                    yield from _segment(x0, y0, x1, y1)
                elif "s" in path["type"]:
                    yield from _segment(x0, y0, x1, y0)
                    yield from _segment(x0, y1, x1, y1)
                    yield from _segment(x0, y0, x0, y1)
                    yield from _segment(x1, y0, x1, y1)


def _segment(x0: float, y0: float, x1: float, y1: float) -> Iterator[Rule]:
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    if max(x1 - x0, y1 - y0) > 4 and min(x1 - x0, y1 - y0) < 2:
        yield Rule(x0, y0, x1, y1)


def _outline(file: Any) -> dict[str, int]:
    """Return the file's outline: titles without white space and their levels."""
    try:
        return {"".join(title.split()): level for level, title, *_ in file.get_toc(simple=True)}
    except _ERRORS:
        return {}


def _title(capture: Capture, file: Any, pages: list[Page]) -> str:
    """Return the title: what the link to the file said, what the file says, or its largest line."""
    stated = " ".join(str((file.metadata or {}).get("title") or "").split())
    for found in (capture.meta.get("title", ""), stated):
        title = re.sub(r"^\d{6,8}[_\-\s]+", "", found)
        if title and not _USELESS_TITLE.search(title):
            return title
    lines = [line for line in pages[0].lines if len(line.text.strip()) > 1 and not line.turn]
    if not lines:
        return capture.url.rsplit("/", 1)[-1]
    largest = max(line.size for line in lines)
    if largest > 1.1 * statistics.median(line.size for line in lines):
        return "".join(line.text.strip() for line in lines if line.size > largest - 0.5)[:120]
    first = lines[0].text.strip()
    return first if len(first) <= 40 and not _RUNNING.search(first) else capture.url.rsplit("/", 1)[-1]
