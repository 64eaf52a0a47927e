"""A pen for PDF files in any layout: strokes on pages, running lines, text that flows down columns."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from sample import pdf
from sample.prose import passages

GOTHIC = "IPAexGothic"
SIZE, LEADING, MARGIN = 10.5, 17.5, 72.0
_MARK = re.compile(r"\{(\d)\}")


@dataclass(frozen=True, slots=True)
class Stroke:
    """One thing to draw: text at its baseline, or (without text) a rule from (x, y) to (x2, y2)."""

    x: float
    y: float
    text: str = ""
    size: float = SIZE
    font: str = GOTHIC
    x2: float = 0.0
    y2: float = 0.0


@dataclass(slots=True)
class Book:
    """Pages of strokes; headings land in the outline when ``outlined``."""

    title: str
    header: tuple[str, ...] = ()
    footer: str = "- {page} -"
    pages: list[list[Stroke]] = field(default_factory=list)
    outline: list[tuple[int, str, int]] = field(default_factory=list)

    def page(self) -> list[Stroke]:
        """Open a page, with its running lines, and return its strokes."""
        number = len(self.pages) + 1
        strokes: list[Stroke] = []
        if self.header:
            text = self.header[number % len(self.header)]
            left = MARGIN if number % 2 else A4[0] - MARGIN - width(text, 8.5)
            strokes.append(Stroke(left, A4[1] - 40, text, 8.5))
        if self.footer:
            text = self.footer.format(page=number, roman="ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹ"[(number - 1) % 10])
            strokes.append(Stroke((A4[0] - width(text, 9)) / 2, 36, text, 9))
        self.pages.append(strokes)
        return strokes

    def body(self, *, shuffled: int | None = None) -> bytes:
        """Return the file; ``shuffled`` draws the strokes of each page in an order made from that seed."""
        target = BytesIO()
        canvas = Canvas(target, pagesize=A4, invariant=1)
        canvas.setTitle(self.title)
        for number, strokes in enumerate(self.pages):
            for at, text, level in self.outline:
                if at == number:
                    canvas.bookmarkPage(text)
                    canvas.addOutlineEntry(text, text, level=level - 1)
            drawn = list(strokes)
            if shuffled is not None:
                random.Random(shuffled + number).shuffle(drawn)
            for one in drawn:
                if one.text:
                    canvas.setFont(one.font, one.size)
                    canvas.drawString(one.x, one.y, one.text)
                else:
                    canvas.line(one.x, one.y, one.x2, one.y2)
            canvas.showPage()
        canvas.save()
        return target.getvalue()


def width(text: str, size: float = SIZE, font: str = GOTHIC) -> float:
    """Return how wide a text is drawn, in points."""
    return float(pdfmetrics.stringWidth(text, font, size))


def prose(count: int, *paths: str) -> list[str]:
    """Return so many paragraphs of the sample world's texts."""
    pdf.register("gothic")
    found = [
        text.strip("　")
        for text in passages(*(paths or ("speeches/economy.txt", "speeches/prices.txt"))).values()
        if not re.search(r"[{\[\n|]", text)
    ]
    return [found[n % len(found)] for n in range(count)]


ONE = ((MARGIN, A4[0] - MARGIN),)
TWO = ((50.0, 285.0), (310.0, 545.0))


class Flow:
    """Running text down the columns of a book, page after page."""

    def __init__(self, book: Book, columns: Sequence[tuple[float, float]] = ONE) -> None:
        pdf.register("gothic")
        self.book, self.columns = book, columns
        self.top, self.bottom = A4[1] - MARGIN, MARGIN
        self.at = len(columns)
        self.y = 0.0
        self.strokes: list[Stroke] = []
        self._next()
        self.strokes.append(Stroke(MARGIN, self.y - 20, book.title, 18))
        self.y = self.top = self.y - 48

    def text(
        self, text: str, *, size: float = SIZE, indent: float = 0.0, readings: Mapping[str, str] | None = None
    ) -> None:
        """Draw a paragraph, broken wherever a line is full.

        A digit in braces, ``{1}``, is drawn small and raised; ``readings`` are drawn over their words.
        """
        left, right = self.columns[self.at]
        marks = {found.start() - 3 * n: found[1] for n, found in enumerate(_MARK.finditer(text))}
        start = 0
        for line in pdf.break_lines(_MARK.sub("", text), right - left - indent, GOTHIC, size):
            self.room(LEADING * size / SIZE)
            x, at = self.columns[self.at][0] + indent, 0
            for place in [n - start for n in marks if start < n <= start + len(line)] + [len(line)]:
                if line[at:place].strip(" "):
                    self.strokes.append(Stroke(x, self.y, line[at:place], size))
                x, at = x + width(line[at:place], size), place
                if label := marks.get(start + place, ""):
                    self.strokes.append(Stroke(x, self.y + size * 0.4, label, size * 0.55))
                    x += width(label, size * 0.55)
                    del marks[start + place]
            self._readings(line, indent, size, readings or {})
            start += len(line)

    def _readings(self, line: str, indent: float, size: float, readings: Mapping[str, str]) -> None:
        for word, reading in readings.items():
            for found in re.finditer(word, line):
                middle = width(line[: found.start()], size) + width(word, size) / 2
                x = self.columns[self.at][0] + indent + middle - width(reading, size / 2) / 2
                self.strokes.append(Stroke(x, self.y + size * 1.02, reading, size / 2))

    def english(self, text: str) -> None:
        """Draw a paragraph of English, broken between words, and inside the long ones with a hyphen."""
        left, right = self.columns[self.at]
        for line in _hyphenated(text, right - left):
            self.room(LEADING)
            left, _ = self.columns[self.at]
            self.strokes.append(Stroke(left, self.y, line))

    def heading(self, text: str, level: int, *, outlined: bool = False) -> None:
        """Draw a heading in large letters."""
        size = SIZE * (1.6, 1.3, 1.15)[level - 1]
        self.room(LEADING * 3)
        self.y += LEADING * 1.4
        self.strokes.append(Stroke(self.columns[self.at][0], self.y, text, size))
        self.y -= LEADING * 0.4
        if outlined:
            self.book.outline.append((len(self.book.pages) - 1, text, level))

    def turn(self) -> None:
        """Go to the next page."""
        self.at = len(self.columns)
        self._next()

    def gap(self, lines: float = 0.4) -> None:
        """Leave room."""
        self.y -= LEADING * lines

    def room(self, height: float) -> None:
        """Go down, to the next column or page where this one is full."""
        if self.y - height < self.bottom:
            self._next()
        self.y -= height

    def _next(self) -> None:
        self.at += 1
        if self.at >= len(self.columns):
            self.at, self.strokes = 0, self.book.page()
            self.top = A4[1] - MARGIN
        self.y = self.top


def _hyphenated(text: str, room: float) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        trial = f"{line} {word}".strip()
        if width(trial) <= room:
            line = trial
            continue
        half = len(word) // 2
        if len(word) > 8 and word.isalpha() and width(f"{line} {word[:half]}-") <= room:
            yield f"{line} {word[:half]}-"
            line = word[half:]
        else:
            yield line
            line = word
    yield line
