"""Japanese PDFs for the sample world, as publishers make them: running headers, page numbers, broken lines.

    body = render("有価証券報告書", [Heading("第１【企業の概況】", 1), Paragraph("当社は…"), Table((("売上高", "百万円"),))])

Lines break wherever they are full, inside words too; equal arguments give equal bytes.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

#: gothic is embedded (IPAex Gothic); mincho is the reader's own HeiseiMin-W3, so the file holds no font.
Face = Literal["gothic", "mincho"]

#: Signs that may not begin a line; they hang at the end of the line before.
NO_LINE_START = frozenset("、。，．）」』】〕｝〉》・ー々ゃゅょっャュョッ％")

_ASCII_SIGNS = frozenset(map(chr, range(0x21, 0x7F)))
_ASCII_RUN = re.compile(r"(?<=[^!-~])[!-~]+\Z")

# reportlab keeps one font table for the whole process; two renderings at once would mix their subsets
_RENDERING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 (chapter) to 4; it is listed in the outline of the file."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; "\\n" forces a line break. indent is the number of characters of the left margin.

    With right every line ends at the right margin, as dates and signatures do.
    """

    text: str
    indent: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Ruled rows of cells; every cell is drawn by itself. The columns share the width, or as weights say."""

    rows: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins on a new page."""


Block = Heading | Paragraph | Table | PageBreak


@dataclass(frozen=True, slots=True)
class Layout:
    """Measures in points; header is drawn at the top right, or alternating on odd and even pages when two."""

    header: tuple[str, ...] = ()
    footer: str = "- {page} -"
    face: Face = "gothic"
    font_size: float = 10.5
    margin: float = 72.0
    leading: float = 1.7


def render(
    title: str,
    blocks: Sequence[Block],
    *,
    layout: Layout | None = None,
    author: str = "",
    title_lines: Sequence[str] = (),
    password: str = "",
) -> bytes:
    """Draw blocks in order and return the bytes of a PDF 1.4 file.

    title is the document's title in its metadata; title_lines are drawn in large letters on top of the first
    page. With a password the file opens only with it (128-bit). The result depends on the arguments alone.
    """
    with _RENDERING:
        layout = layout or Layout()
        register(layout.face)
        target = BytesIO()
        canvas = Canvas(
            target,
            pagesize=A4,
            invariant=1,
            encrypt=StandardEncryption(password, strength=128) if password else None,
        )
        canvas.setTitle(title)
        canvas.setAuthor(author)
        sheet = _Sheet(canvas, layout)
        for line in title_lines:
            sheet.text(line, size=layout.font_size * 1.5, centered=True)
        if title_lines:
            sheet.gap(1.5)
        for block in blocks:
            sheet.block(block)
        sheet.close()
        return target.getvalue()


def truncated(body: bytes, keep: float = 0.4) -> bytes:
    """The first part of a file, as a broken transfer leaves it (no cross-reference table: unreadable)."""
    return body[: int(len(body) * keep)]


def break_lines(text: str, width: float, font: str, size: float) -> Iterator[str]:
    """Cut text into lines of at most width points, at any character but before NO_LINE_START.

    A run of ASCII (an English word, a number) stays together where a line can hold it.
    """
    for forced in text.split("\n"):
        line, used = "", 0.0
        for sign in forced:
            wide = float(pdfmetrics.stringWidth(sign, font, size))
            if line and used + wide > width and sign not in NO_LINE_START:
                run = _ASCII_RUN.search(line) if sign in _ASCII_SIGNS else None
                kept, line = (line[: run.start()], line[run.start() :]) if run else (line, "")
                yield kept.rstrip(" ")
                used = float(pdfmetrics.stringWidth(line, font, size))
                if sign == " ":
                    continue
            line, used = line + sign, used + wide
        yield line


class _Sheet:
    """The pen: where the next line goes, and the page it goes to."""

    def __init__(self, canvas: Any, layout: Layout) -> None:
        self.canvas = canvas
        self.layout = layout
        self.font = _font_name(layout.face)
        self.page = 0
        self.y = 0.0
        self.width = A4[0] - 2 * layout.margin
        self.outline_level = -1
        self.bookmarks = 0
        self._open()

    def block(self, block: Block) -> None:
        match block:
            case Heading(text, level):
                self._heading(text, level)
            case Paragraph(text, indent, right):
                self.text(text, indent=indent, right=right)
                self.gap(0.4)
            case Table(rows, weights):
                self._table(rows, weights)
            case PageBreak():
                self._turn()

    def text(
        self, text: str, *, size: float = 0.0, indent: int = 0, centered: bool = False, right: bool = False
    ) -> None:
        size = size or self.layout.font_size
        left = indent * self.layout.font_size
        for line in break_lines(text, self.width - left, self.font, size):
            self._need(size * self.layout.leading)
            self.canvas.setFont(self.font, size)
            if centered:
                self.canvas.drawCentredString(A4[0] / 2, self.y, line)
            elif right:
                self.canvas.drawRightString(A4[0] - self.layout.margin, self.y, line)
            else:
                self.canvas.drawString(self.layout.margin + left, self.y, line)

    def gap(self, lines: float) -> None:
        self.y -= lines * self.layout.font_size

    def close(self) -> None:
        self._foot()
        self.canvas.showPage()
        self.canvas.save()

    def _heading(self, text: str, level: int) -> None:
        size = self.layout.font_size * (1.3, 1.2, 1.1, 1.0)[min(level, 4) - 1]
        self.gap(0.8)
        self._need(size * self.layout.leading * 3)
        self.y += size * self.layout.leading * 2  # room for two lines is kept below, not used
        self.bookmarks += 1
        key = f"h{self.bookmarks}"
        self.canvas.bookmarkPage(key)
        # an outline may go down only one step at a time
        self.outline_level = min(level - 1, self.outline_level + 1)
        self.canvas.addOutlineEntry(text, key, level=self.outline_level)
        self.text(text, size=size)
        self.gap(0.3)

    def _table(self, rows: tuple[tuple[str, ...], ...], weights: tuple[float, ...]) -> None:
        columns = max(len(row) for row in rows)
        shares = weights or (1.0,) * columns
        widths = [self.width * share / sum(shares) for share in shares]
        size = self.layout.font_size * 0.9
        for row in rows:
            cells = [
                list(break_lines(cell, wide - 6, self.font, size))
                for cell, wide in zip(row, widths, strict=False)
            ]
            height = max(len(cell) for cell in cells) * size * 1.4 + 4
            self._need(height)
            left = self.layout.margin
            self.canvas.setFont(self.font, size)
            for cell, wide in zip(cells, widths, strict=False):
                self.canvas.rect(left, self.y, wide, height)
                for number, line in enumerate(cell):
                    self.canvas.drawString(left + 3, self.y + height - size * 1.25 * (number + 1), line)
                left += wide
        self.gap(1.0)

    def _need(self, height: float) -> None:
        if self.y - height < self.layout.margin:
            self._turn()
        self.y -= height

    def _turn(self) -> None:
        self._foot()
        self.canvas.showPage()
        self._open()

    def _open(self) -> None:
        self.page += 1
        self.y = A4[1] - self.layout.margin
        if self.layout.header:
            size = self.layout.font_size * 0.8
            self.canvas.setFont(self.font, size)
            if self.page % 2:
                self.canvas.drawRightString(A4[0] - self.layout.margin, A4[1] - 40, self.layout.header[0])
            else:
                self.canvas.drawString(self.layout.margin, A4[1] - 40, self.layout.header[-1])

    def _foot(self) -> None:
        self.canvas.setFont(self.font, self.layout.font_size * 0.9)
        self.canvas.drawCentredString(A4[0] / 2, 36, self.layout.footer.format(page=self.page))


def _font_name(face: Face) -> str:
    return {"gothic": "IPAexGothic", "mincho": "HeiseiMin-W3"}[face]


def register(face: Face) -> None:
    """Make a face known to reportlab."""
    if _font_name(face) in pdfmetrics.getRegisteredFontNames():
        return
    if face == "mincho":
        pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
        return
    # the package would load matplotlib when imported; only its folder is wanted
    found = find_spec("matplotlib_fontja")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("matplotlib-fontja, which brings the Japanese font, is not installed")
    font = Path(found.submodule_search_locations[0]) / "fonts" / "ipaexg.ttf"
    pdfmetrics.registerFont(TTFont("IPAexGothic", str(font)))
