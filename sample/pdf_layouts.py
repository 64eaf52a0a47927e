"""PDF files in the layouts that publishers use, each with the text it was made from: truth for readers of PDF.

    for name, layout in LAYOUTS.items():
        made = layout()
        made.body, made.pieces   # bytes; paragraphs, headings, cells and notes in reading order

What repeats on pages (running headers, page numbers) and readings over words are drawn and are not in the truth. Equal
calls give equal bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

from sample.pdf import break_lines
from sample.pdf_book import GOTHIC, LEADING, MARGIN, SIZE, TWO, Book, Flow, Stroke, prose, width

UPRIGHT = "HeiseiKakuGo-W5"  # the reader's own font; only here, and set from top to bottom


@dataclass(frozen=True, slots=True)
class Made:
    """A file and the pieces of text it was made from, in reading order."""

    body: bytes
    pieces: tuple[str, ...]


def one_column() -> Made:
    """Indented paragraphs on many pages, headers that differ between odd and even pages."""
    book = Book("経済と物価の展望", ("見本銀行　調査部", "経済と物価の展望"))
    flow, pieces = Flow(book), [book.title]
    for text in prose(30):
        flow.text("　" + text)
        pieces.append(text)
    return Made(book.body(), tuple(pieces))


def two_columns(shuffled: int | None = None) -> Made:
    """Two columns under a title and headings, page numbers in Roman."""
    book = Book("賃金と物価の好循環", ("調査季報　第12号",), "{roman}")
    flow, pieces = Flow(book, TWO), [book.title]
    for number, text in enumerate(prose(36)):
        if number % 6 == 0:
            flow.heading(f"{number // 6 + 1}．論点の整理", 2)
            pieces.append(f"{number // 6 + 1}．論点の整理")
        flow.text("　" + text)
        pieces.append(text)
    return Made(book.body(shuffled=shuffled), tuple(pieces))


def shuffled_stream() -> Made:
    """The same, drawn in a random order."""
    return two_columns(shuffled=7)


def sidebar() -> Made:
    """A narrow column of remarks to the right of a wide one of text."""
    book = Book("地域経済の報告", footer="－　{page}　－")
    flow, pieces = Flow(book, ((MARGIN, 380.0),)), [book.title]
    texts, remarks = prose(30), prose(30, "speeches/themes.txt", "speeches/policy.txt")
    for page in range(5):
        if page:
            flow.turn()
        for text in texts[page * 4 : page * 4 + 4]:
            flow.text("　" + text)
            pieces.append(text)
        remark = remarks[page][:90].rstrip("、。") + "。"
        y = flow.top - 60
        for line in break_lines(remark, 120, GOTHIC, 8.5):
            flow.strokes.append(Stroke(415, y, line, 8.5))
            y -= 13
        pieces.append(remark)
    return Made(book.body(), tuple(pieces))


_COMPANIES = (
    (
        "見本ソフトウェア株式会社",
        "東京都千代田区",
        "ソフトウェアの開発及び運用の受託並びに関連する機器の販売",
        "1,234",
    ),
    ("例示データセンター株式会社", "大阪府大阪市", "データセンターの運営", "△567"),
    (
        "架空インフラストラクチャーサービス株式会社",
        "愛知県名古屋市",
        "情報システムの保守、運用及びコンサルティング",
        "10,890",
    ),
)


def ruled_tables() -> Made:
    """Ruled tables: broken cells, rows that only the file's order and the figures beside them part, a head of two rows."""
    book = Book("関係会社の状況")
    flow, pieces = Flow(book), [book.title]
    for number, text in enumerate(prose(6)):
        flow.text("　" + text)
        pieces.append(text)
        rows: list[tuple[str, ...]] = [("会社名", "所在地", "事業の内容", "金額（百万円）"), *_COMPANIES]
        if number % 2:
            rows = [
                ("回次", "第１期", "第２期", "第３期"),
                *(
                    (f"項目{n}", *(f"{(n * 7919 + k * 104729) % 99991:,}" for k in range(3)))
                    for n in range(1, 9)
                ),
            ]
        for cells in _ruled(flow, rows, every=3 if number % 2 else 1):
            pieces += cells
    return Made(book.body(), tuple(pieces))


def _ruled(flow: Flow, rows: Sequence[tuple[str, ...]], every: int) -> list[tuple[str, ...]]:
    """Draw rows with rules around each ``every`` of them, and return them."""
    edges = [MARGIN, MARGIN + 130, MARGIN + 220, MARGIN + 360, A4[0] - MARGIN]
    broken = [
        [
            list(break_lines(cell, right - left - 6, GOTHIC, 9))
            for cell, left, right in zip(row, edges, edges[1:], strict=False)
        ]
        for row in rows
    ]
    flow.room(10 + sum(13 * max(map(len, row)) + 6 for row in broken))
    y = flow.y + sum(13 * max(map(len, row)) + 6 for row in broken)
    for number, row in enumerate(broken):
        height = 13 * max(map(len, row)) + 6
        if number == 0 or (number - 1) % every == 0:
            flow.strokes.append(Stroke(edges[0], y, x2=edges[-1], y2=y))
        flow.strokes += [Stroke(x, y, x2=x, y2=y - height) for x in edges]
        for cell, left, right in zip(row, edges, edges[1:], strict=False):
            for at, line in enumerate(cell):
                figure = line.strip("△0123456789,") == ""
                x = right - 4 - width(line, 9) if figure else left + 3
                flow.strokes.append(Stroke(x, y - 12 - 13 * at, line, 9))
        y -= height
    flow.strokes.append(Stroke(edges[0], y, x2=edges[-1], y2=y))
    flow.gap(1)
    return list(rows)


_STATEMENT = (
    ("資産の部",), ("流動資産",), ("現金及び預金", "46,741", "26,137"), ("受取手形及び売掛金", "84,722", "92,915"),
    ("商品及び製品", "4,145", "4,341"), ("貸倒引当金", "△181", "△170"), ("流動資産合計", "166,666", "152,162"),
    ("固定資産",), ("建物及び構築物（純額）", "38,497", "37,118"), ("土地", "22,583", "21,435"),
    ("固定資産合計", "169,828", "185,459"), ("資産合計", "336,494", "337,621"),
)  # fmt: skip


def unruled_tables() -> Made:
    """Statements without rules: names without values, heads of two lines."""
    book = Book("財務諸表")
    flow, pieces = Flow(book), [book.title]
    for number, text in enumerate(prose(4)):
        flow.text("　" + text)
        pieces.append(text)
        flow.gap(1)
        flow.room(LEADING * 2)
        for x, name, day in (
            (300, "前連結会計年度", f"（{2024 + number}年３月31日）"),
            (420, "当連結会計年度", f"（{2025 + number}年３月31日）"),
        ):
            flow.strokes += [Stroke(x, flow.y + 12, name, 9), Stroke(x, flow.y, day, 9)]
            pieces += [name, day]
        for name, *values in _STATEMENT:
            flow.room(15)
            flow.strokes.append(
                Stroke(MARGIN + (0 if name.endswith(("の部", "資産合計")) else 12), flow.y, name, 9)
            )
            pieces += [name, *values]
            for value, right in zip(values, (370, 490), strict=False):
                flow.strokes.append(Stroke(right - width(value, 9), flow.y, value, 9))
        flow.gap(1.5)
    return Made(book.body(), tuple(pieces))


def footnotes() -> Made:
    """Raised marks in paragraphs that go on over the page, notes in small letters at its foot."""
    book = Book("物価の基調をどう見るか")
    flow, pieces = Flow(book), [book.title]
    flow.bottom = MARGIN + 60
    texts, notes = prose(16), prose(16, "speeches/themes.txt")
    number = page = 0
    waiting: list[tuple[int, str]] = []  # notes stand behind the last paragraph that begins on their page
    for text, note in zip(texts, notes, strict=True):
        mark = ""
        if len(book.pages) > page and flow.y - flow.bottom > 6 * LEADING:
            page, number = len(book.pages), number + 1
            mark = f"{{{number}}}"
            said = note[:60].rstrip("、。") + "。"
            strokes, y = flow.strokes, MARGIN + 40
            strokes.append(Stroke(MARGIN, y + 14, x2=MARGIN + 120, y2=y + 14))
            for line in break_lines(said, A4[0] - 2 * MARGIN - 10, GOTHIC, 8):
                if y == MARGIN + 40:
                    strokes.append(Stroke(MARGIN, y + 3, str(number), 5))
                strokes.append(Stroke(MARGIN + 8, y, line, 8))
                y -= 12
        starts = len(book.pages) + (flow.y - LEADING < flow.bottom)
        while waiting and waiting[0][0] < starts:
            pieces.append(waiting.pop(0)[1])
        head, tail = text[:20], text[20:]
        flow.text("　" + head + mark + tail)
        pieces.append(head + mark.strip("{}") + tail)
        if mark:
            waiting.append((page, f"{number}{said}"))
    return Made(book.body(), (*pieces, *(text for _, text in waiting)))


def vertical() -> Made:
    """Text from top to bottom, its lines from right to left, two tiers on each page."""
    if UPRIGHT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(UPRIGHT, isVertical=True))
    book = Book("地方だより")
    pieces = [text for text in prose(24) if not any(sign.isascii() for sign in text)]
    slots = [(x, top) for top in (770.0, 410.0) for x in range(520, 70, -20)]
    at, strokes = 2, book.page()
    strokes.append(Stroke(505, 770, book.title, 16, UPRIGHT))
    for text in pieces:
        rest = "　" + text
        while rest:
            if at == len(slots):
                at, strokes = 0, book.page()
            strokes.append(Stroke(*slots[at], rest[:32], SIZE, UPRIGHT))
            rest, at = rest[32:], at + 1
    return Made(book.body(), (book.title, *pieces))


_READINGS = {"物価": "ぶっか", "景気": "けいき", "賃金": "ちんぎん", "企業": "きぎょう", "消費": "しょうひ"}


def ruby() -> Made:
    """Readings in small letters over the words."""
    book = Book("やさしい経済")
    flow, pieces = Flow(book), [book.title]
    for text in prose(16):
        flow.text("　" + text, readings=_READINGS)
        pieces.append(text)
    return Made(book.body(), tuple(pieces))


def conference() -> Made:
    """Questions and answers, whose marks stand before the text in its line."""
    book = Book("総裁記者会見", ("見本銀行",))
    flow, pieces = Flow(book), [book.title]
    for number, (text, more) in enumerate(zip(prose(12), prose(12, "speeches/policy.txt"), strict=True)):
        asked, said = (("（問）", "（答）"), ("【問】", "【答】"))[number // 6]
        flow.text(asked + text[:70] + "についてお聞かせください。")
        flow.text(said + text)
        flow.text("　" + more)
        pieces += [asked, text[:70] + "についてお聞かせください。", said, text, more]
    return Made(book.body(), tuple(pieces))


def headings() -> Made:
    """Chapters, sections and paragraphs in the outline."""
    book = Book("金融システムの点検", ("見本銀行",))
    flow, pieces = Flow(book), [book.title]
    for number, text in enumerate(prose(24)):
        for every, level, name in ((8, 1, "第{}章　総論"), (4, 2, "{}．検討の視点"), (2, 3, "（{}）背景")):
            if number % every == 0:
                said = name.format(number // every + 1)
                flow.heading(said, level, outlined=True)
                pieces.append(said)
        flow.text("　" + text)
        pieces.append(text)
    return Made(book.body(), tuple(pieces))


def mixed() -> Made:
    """Paragraphs in Japanese and English by turns; English words are hyphenated."""
    book = Book("経済情勢 Economic Developments")
    flow, pieces = Flow(book), [book.title]
    for text, english in zip(prose(14), prose(14, "speeches/english.txt"), strict=True):
        flow.text("　" + text)
        flow.gap(0.6)
        flow.english(english)
        flow.gap(0.6)
        pieces += [text, english]
    return Made(book.body(), tuple(pieces))


#: Every layout by name.
LAYOUTS: Mapping[str, Callable[[], Made]] = {
    layout.__name__: layout
    for layout in (
        one_column, two_columns, shuffled_stream, sidebar, ruled_tables, unruled_tables, footnotes, vertical, ruby,
        conference, headings, mixed,
    )
}  # fmt: skip
