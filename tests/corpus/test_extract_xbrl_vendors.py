"""Filings in the manners of many vendors, made at random: every number is kept, none is made up, every fact is exact."""

import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from corpus.document import Capture, Document
from corpus.extract import xbrl
from corpus.extract.fidelity import examine, is_whole, pages_of
from tests.corpus.inline_numbers import HIDDEN
from tests.corpus.inline_packages import Made, make

PAGE_NUMBERS = {"12", "13"}  # the generator's: they go by design


def _document(made: Made) -> Document:
    capture = Capture(
        url="https://example.com/S100AAAA",
        source="edinet_filings",
        fetched_at=datetime(2025, 7, 1, tzinfo=UTC),
        status=200,
        headers=(),
        media_type="application/octet-stream",
        body=made.body,
        license="PDL-1.0",
    )
    document = xbrl.extract(capture)[0]
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_random_filings_are_read_truly(first: int) -> None:
    checked = 0
    for seed in range(first, first + 20):
        made = make(seed)
        if not made.truth:
            continue
        document = _document(made)
        found = examine(pages_of(made.body), document.text, document.facts)
        where = f"package {seed}"
        assert found.displayed == len(made.truth), where
        assert (found.kept, found.placed) == (found.displayed, found.displayed), where
        assert found.false == (), where
        assert set(found.lost) <= PAGE_NUMBERS, where
        assert HIDDEN not in document.text, where
        have = Counter((fact.concept, fact.context, fact.number) for fact in document.facts)
        assert have == Counter((one.concept, one.context, one.number) for one in made.truth), where
        for fact in document.facts:
            assert is_whole(document.text, fact), (where, fact)
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", document.text), where
        checked += len(made.truth)
    assert checked > 100
