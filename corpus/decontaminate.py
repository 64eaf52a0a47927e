"""Overlap of documents with the named evaluation sets: per test item which document, which span, and what to do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from corpus.benchmarks import NAMED, Benchmark, Item, benchmark
from corpus.document import Document, Drop
from corpus.folding import Codes, Folded, Places, fold, folded
from corpus.ngrams import Hashes, candidates, hashes, sieve

Policy = Literal["mark", "drop", "cut"]


class DecontaminationOptions(BaseModel):
    """Which tests a corpus is held against, how, and what happens to a document that overlaps.

    ``folder`` holds the tests that may not be shipped (layouts: ``corpus.benchmarks``); one that is not there is
    reported as absent. Texts are compared by their letters and digits alone (``corpus.folding``). A stretch is
    looked for by its n-grams of ``ngram`` characters, 13 as in GPT-3's 13-gram rule (arXiv:2005.14165, appendix
    C), but characters: Japanese has no spaces between words. One that stands in more than ``maximum_texts``
    texts of the tests (``次の記述のうち、最も不適切なものはどれか``) says nothing by itself. Matches of a text within a
    stretch little longer than it count together: they are reported when they cover ``minimum_coverage`` of the
    characters of the text that n-grams of its own cover, or ``minimum_run`` characters in one piece.

    ``mark`` names the overlaps in the document's ``meta``, ``drop`` removes the document, ``cut`` the spans;
    ``policies`` has another policy for a test.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tests: tuple[str, ...] = NAMED
    folder: str = ""
    ngram: int = Field(default=13, ge=5, le=64)
    maximum_texts: int = Field(default=4, ge=1)
    minimum_coverage: float = Field(default=0.6, gt=0.0, le=1.0)
    minimum_run: int = Field(default=60, ge=13)
    policy: Policy = "mark"
    policies: Mapping[str, Policy] = {}

    def policy_of(self, test: str) -> Policy:
        """Return what happens to a document that overlaps with ``test``."""
        return self.policies.get(test, self.policy)


class Overlap(NamedTuple):
    """Characters [start, end) of a document that say what a test item says.

    ``part`` is ``stem``, ``stem+gold`` (the right choice follows), ``stem+choices`` (all do), ``sentence``,
    ``context`` or ``filing``. ``answered``: the answer stands beside it too. ``coverage`` is the share of the
    item's text that is there, ``characters`` how many of its letters and digits.
    """

    test: str
    item: str
    part: str
    answered: bool
    start: int
    end: int
    coverage: float
    characters: int


class Text(NamedTuple):
    """A text of the tests, folded, at [start, end) of the index; equal texts of several items are one."""

    start: int
    end: int
    items: tuple[Item, ...]


class _Run(NamedTuple):
    """An exact match: folded characters [start, end) of a document are those of the tests from ``at`` on."""

    text: int
    start: int
    end: int
    at: int
