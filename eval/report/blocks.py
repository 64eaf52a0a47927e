"""What a report consists of, whatever it is written as: paragraphs, tables, pictures, examples, lineages."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, what stands smaller behind it, and the lineages that a click on it shows."""

    text: str
    more: str = ""
    trails: tuple[str, ...] = ()
    strong: bool = False


Value = Cell | str


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; ``label`` stands in front of it in bold, ``soft`` ones are remarks."""

    text: str
    label: str = ""
    soft: bool = True


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a caption; columns in ``numbers`` are set flush right, rows in ``minor`` are subdued.

    ``key`` names it in addresses and files, in lower-case ASCII letters, digits and hyphens. A ``folded`` one is opened
    by a click where that is possible.
    """

    key: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    numbers: Sequence[int] = ()
    minor: Sequence[int] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as SVG with its caption; ``told`` says what it shows to who cannot see it."""

    key: str
    caption: str
    told: str
    svg: str


@dataclass(frozen=True, slots=True)
class Replied:
    """What one model wrote, with a remark on it."""

    label: str
    text: str
    note: str
    trail: str


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt with what every model wrote to it."""

    name: str
    prompt: str
    replies: tuple[Replied, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Sentences below a title, opened by a click where that is possible."""

    title: str
    lines: tuple[str, ...]


Block = Words | Grid | Picture | Example | Lines


@dataclass(frozen=True, slots=True)
class Part:
    """A section: its title and what it holds."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """Where numbers come from: ``facts`` are names and values, those in ``hashes`` are set as code."""

    key: str
    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    lead: str
    keys: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    trails: tuple[Trail, ...] = field(default_factory=tuple)
    foot: str = ""
