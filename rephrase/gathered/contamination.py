"""Questions that a test asks: held against the same tests as the corpus was, by the question, its answer and choices."""

from difflib import SequenceMatcher
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from corpus.contamination.benchmarks import NAMED, Benchmark
from corpus.contamination.decontaminate import DecontaminationOptions, build_index, find_tests
from corpus.document import Drop
from corpus.folding import folded
from rephrase.candidate import Candidate

_PIECE = 4  # characters: what two Japanese texts share in shorter pieces says nothing
_LEAST = 16  # characters in all that two longer texts must share: less than that is a phrase


class ContaminationOptions(BaseModel):
    """Which tests questions are held against: ``tests`` and ``folder`` as in a corpus recipe.

    An item is looked at when ``ngram`` characters in a row, which at most ``maximum_texts`` texts of the tests have,
    stand in a question or in its answer or choices; it is the same question when pieces of four characters and more
    that both have, in one order, make up ``minimum_share`` of the shorter one (the rule of Cosmopedia: 10-grams, then
    SequenceMatcher over 0.5). ``filings`` leaves out all questions about a filing that is itself an item of a test.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tests: tuple[str, ...] = NAMED
    folder: str = ""
    ngram: int = Field(default=10, ge=5, le=64)
    maximum_texts: int = Field(default=4, ge=1)
    minimum_share: float = Field(default=0.5, gt=0.0, le=1.0)
    filings: bool = False


class Contamination:
    """Holds questions against the tests that were found.

    ``absent`` names those that were not. Memory: the tests. Raises UserError for an unknown test or folder.
    """

    def __init__(self, options: ContaminationOptions | None = None) -> None:
        self.options = options or ContaminationOptions()
        own = self.options
        asked = DecontaminationOptions(
            tests=own.tests, folder=own.folder, ngram=own.ngram, maximum_texts=own.maximum_texts
        )
        self.tests: list[Benchmark] = find_tests(asked)
        self._index = build_index(self.tests, asked)

    @property
    def absent(self) -> tuple[str, ...]:
        """Return the tests that were named but not found."""
        return tuple(test.name for test in self.tests if test.status == "absent")

    def told(self) -> list[dict[str, Any]]:
        """Return for the card: name, status, digest and number of items of every test."""
        return [
            {"test": test.name, "status": test.status, "sha256": test.sha256, "items": len(test.items)}
            for test in self.tests
        ]

    def check(self, candidate: Candidate) -> Drop | None:
        """Return Drop("in_test") when a test asks the same, else None."""
        filing = candidate.chunk.document.meta.get("docID", "")
        if self.options.filings and (items := self._index.filings.get(filing)):
            return Drop("in_test", f"{items[0].test} {items[0].id}")
        text = "\n".join((candidate.question, candidate.answer, *candidate.wrong))
        ours = [folded(candidate.question or candidate.answer), folded(text)]
        for item in self._index.touched(text):
            theirs = [folded(item.text), folded(item.text + "".join(item.choices))]
            if any(self._same(one, other) for one in ours for other in theirs):
                return Drop("in_test", f"{item.test} {item.id}")
        return None

    def _same(self, ours: str, theirs: str) -> bool:
        blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
        common = sum(block.size for block in blocks if block.size >= _PIECE)
        shorter = min(len(ours), len(theirs))
        return common > self.options.minimum_share * shorter and common >= min(_LEAST, shorter)
