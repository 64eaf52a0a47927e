"""What a sample filing is made of before it becomes XHTML, CSV or PDF: blocks, tables and tagged figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sample.companies import Company, Year

#: The taxonomies of the 2025 edition; jpdei has kept its first date.
CRP = "jpcrp_cor"
PFS = "jppfs_cor"
DEI = "jpdei_cor"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number tagged with an element: value is the full amount, shown divided by 10**scale.

    None is the nil fact, shown as a dash. unit is JPY, JPYPerShares, pure or shares.
    """

    name: str
    context: str
    value: Decimal | None
    unit: str = "JPY"
    scale: int = 0
    decimals: int = 0

    @property
    def shown(self) -> str:
        """The digits as printed, without the sign."""
        if self.value is None:
            return "－"
        return f"{abs(self.value) / Decimal(10) ** self.scale:,.{max(0, self.decimals + self.scale)}f}"


@dataclass(frozen=True, slots=True)
class Named:
    """A short text tagged with an element; shown differs from value for dates (format is the ixt function)."""

    name: str
    context: str
    value: str | None
    shown: str = ""
    format: str = ""


Part = str | Figure | Named


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell over several columns or rows."""

    parts: tuple[Part, ...]
    colspan: int = 1
    rowspan: int = 1


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 (第一部) to 5."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph; parts may hold tagged figures."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; note is the line above it, as （単位：百万円）."""

    rows: tuple[tuple[Part | Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A text block: an element around blocks and further sections.

    broken_at is the index of the block from which the text goes on in an ix:continuation.
    """

    name: str
    context: str
    blocks: tuple["Block", ...]
    broken_at: int | None = None


Block = Heading | Para | Grid | Section


@dataclass(frozen=True, slots=True)
class Filing:
    """One annual report: files maps the number in a file name (0101010) to its blocks, in reading order."""

    company: Company
    year: Year
    doc_id: str
    submitted: date
    files: tuple[tuple[str, tuple[Block, ...]], ...]
    dei: tuple[Named | Figure, ...]
    amends: str | None = None

    @property
    def extension(self) -> str:
        """The prefix of the filer's own elements."""
        return f"jpcrp030000-asr_{self.company.edinet_code}-000"

    @property
    def stem(self) -> str:
        """The common part of the file names: form, kind, number, filer, period end, submission, date."""
        number = "02" if self.amends else "01"
        code = f"{self.company.edinet_code}-000"
        return f"jpcrp030000-asr-001_{code}_{self.year.end}_{number}_{self.submitted}"

    @property
    def loss_mark(self) -> str:
        """The sign this filer prints before a negative amount."""
        return loss_mark(self.company)


def loss_mark(company: Company) -> str:
    """△ as most filers print a negative amount, ▲ for the others."""
    return "▲" if company.edinet_code == "E90009" else "△"


def text_block(name: str, *blocks: Block, context: str = "FilingDateInstant", prefix: str = CRP) -> Section:
    """A section tagged with the text block of the given name."""
    return Section(f"{prefix}:{name}TextBlock", context, blocks)


def para(*parts: Part) -> Para:
    """A paragraph of the given parts."""
    return Para(parts)


def sections(blocks: tuple[Block, ...]) -> Iterator[Section]:
    """Every text block, parents before children, in reading order."""
    for block in blocks:
        if isinstance(block, Section):
            yield block
            yield from sections(block.blocks)


def parts_of(blocks: tuple[Block, ...]) -> Iterator[Part]:
    """Every piece of text and every tagged fact inside the blocks, in reading order."""
    for block in blocks:
        if isinstance(block, Section):
            yield from parts_of(block.blocks)
        elif isinstance(block, Heading):
            yield block.text
        elif isinstance(block, Para):
            yield from block.parts
        else:
            yield block.note
            for row in block.rows:
                for cell in row:
                    yield from cell.parts if isinstance(cell, Cell) else (cell,)


def shown(part: Part, loss_mark: str) -> str:
    """A part as the reader sees it."""
    if isinstance(part, str):
        return part
    if isinstance(part, Figure):
        negative = part.value is not None and part.value < 0
        return (loss_mark if negative else "") + part.shown
    return part.shown or part.value or ""
