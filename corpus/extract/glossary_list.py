"""Glossary pages that explain many terms at once: definition lists, and tables with a row for each term."""

from collections.abc import Iterator
from typing import NamedTuple

from corpus.extract.blocks import plain
from corpus.extract.tree import Element, select

_LONGEST = 60  # characters of a headword; longer ones are questions
_SHORTEST = 15  # characters of an explanation; shorter ones are values
_MOST = 0.8  # share of the entries that must be explained in sentences: other lists are no glossaries


class Entry(NamedTuple):
    """One term as it stands on the page: the words before the explanation, and its paragraphs."""

    words: tuple[str, ...]  # the headword, then what stands between it and the explanation (a reading)
    paragraphs: tuple[str, ...]


def entries(content: Element) -> list[Entry]:
    """Return the terms that a page explains in lists or tables, in order; none where it explains fewer than two."""
    found = [*_of_lists(content), *_of_tables(content)]
    explained = [entry for entry in found if _explains(entry)]
    return explained if len(explained) >= max(2, _MOST * len(found)) else []


def _explains(entry: Entry) -> bool:
    headword, text = entry.words[0], "".join(entry.paragraphs)
    return 0 < len(headword) <= _LONGEST and len(text) >= _SHORTEST and text.endswith(("。", "）", "."))


def _of_lists(content: Element) -> Iterator[Entry]:
    for one in select(content, ".//dl"):
        headword, paragraphs = "", list[str]()
        for part in select(one, "./dt | ./dd | ./div/dt | ./div/dd"):
            if part.tag == "dt":
                if paragraphs:
                    yield Entry((headword,), tuple(paragraphs))
                headword, paragraphs = plain(part), []
            elif text := plain(part):
                paragraphs.append(text)
        if paragraphs:
            yield Entry((headword,), tuple(paragraphs))


def _of_tables(content: Element) -> Iterator[Entry]:
    for row in select(content, ".//table[not(.//table)]//tr[td]"):
        cells = [plain(cell) for cell in select(row, "./th | ./td")]
        if len(cells) >= 2:
            yield Entry(tuple(cells[:-1]), (cells[-1],))
