"""The type=2 PDF of a sample filing: the same words and tables as the inline files, set as a printed report."""

from collections.abc import Iterator
from functools import cache

from sample import pdf
from sample.filing import Block, Cell, Filing, Grid, Heading, Part, Section, shown


@cache
def report_pdf(filing: Filing) -> bytes:
    """An A4 report with the company's name in the running header and a page number in the footer."""
    company = filing.company
    blocks: list[pdf.Block] = []
    for number, (_, content) in enumerate(filing.files):
        blocks += _blocks(filing, content)
        if number == 0:
            blocks.append(pdf.PageBreak())
    layout = pdf.Layout(header=(company.name, "有価証券報告書"), footer="- {page} -", font_size=9)
    return pdf.render(
        f"{company.name} 有価証券報告書",
        blocks,
        layout=layout,
        author=company.name,
        title_lines=("有価証券報告書",),
    )


def hidden_notice() -> bytes:
    """What EDINET gives for a document under non-disclosure, whatever kind of file was asked for."""
    text = "この書類は、財務局職員により不開示とされたため、閲覧することができません。"
    return pdf.render("不開示", [pdf.Paragraph(text)])


def _blocks(filing: Filing, blocks: tuple[Block, ...]) -> Iterator[pdf.Block]:
    def text(parts: tuple[Part, ...]) -> str:
        return "".join(shown(part, filing.loss_mark) for part in parts)

    for block in blocks:
        if isinstance(block, Section):
            yield from _blocks(filing, block.blocks)
        elif isinstance(block, Heading):
            yield pdf.Heading(block.text, min(block.level, 4))
        elif isinstance(block, Grid):
            if block.note:
                yield pdf.Paragraph(block.note)
            yield pdf.Table(tuple(_row(filing, row) for row in block.rows))
        else:
            yield pdf.Paragraph("　" + text(block.parts))


def _row(filing: Filing, row: tuple[Part | Cell, ...]) -> tuple[str, ...]:
    cells: list[str] = []
    for cell in row:
        parts = cell.parts if isinstance(cell, Cell) else (cell,)
        cells.append("".join(shown(part, filing.loss_mark) for part in parts))
        cells += [""] * (cell.colspan - 1 if isinstance(cell, Cell) else 0)
    return tuple(cells)
