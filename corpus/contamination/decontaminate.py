"""Holds documents against the named tests: what may be asked for, what the report says, and what happens to them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from corpus.contamination.benchmarks import LAYOUTS, NAMED, Benchmark, benchmark
from corpus.contamination.overlaps import Index, Overlap
from corpus.document import Document, Drop
from datacards.columns import column
from datacards.errors import UserError

Policy = Literal["mark", "drop", "cut"]

#: One row per overlap of a document with a test item.
CONTAMINATION = pa.schema(
    [
        column("test", pa.string(), "Name of the test"),
        column(
            "item", pa.string(), "The test's own id of the item, or its content hash in the project's copy"
        ),
        column(
            "part", pa.string(), "What was found: stem, stem+gold, stem+choices, sentence, context, filing"
        ),
        column("answered", pa.bool_(), "Whether what gives the answer away stands beside it"),
        column("document_id", pa.string(), "Of the document that was searched: before a cut"),
        column("url", pa.string(), "Address of that document"),
        column("start", pa.int64(), "First character of that document's text"),
        column("end", pa.int64(), "First character behind it"),
        column("coverage", pa.float64(), "Share of the item's text that stands there"),
        column("characters", pa.int64(), "Letters and digits of the item that stand there"),
        column("policy", pa.string(), "What happened: mark, drop, cut"),
    ]
)

#: One row per test, those that were absent too.
TESTS = pa.schema(
    [
        column("test", pa.string(), "Name of the test"),
        column("status", pa.string(), "Where it was found: shipped, folder, absent"),
        column("files", pa.list_(pa.string()), "Its files"),
        column("sha256", pa.string(), "Over all files in order"),
        column("items", pa.int64(), "Items of the test"),
        column("items_unmatchable", pa.int64(), "Too short, or made only of what other items say too"),
        column("items_touched", pa.int64(), "Items with at least one overlap"),
        column("items_answered", pa.int64(), "Items with at least one overlap that gives the answer away"),
        column("documents", pa.int64(), "Documents with at least one overlap"),
    ]
)


class DecontaminationOptions(BaseModel):
    """Which tests a corpus is held against, how, and what happens to a document that overlaps.

    ``folder`` holds the tests that may not be shipped (layouts: ``corpus.contamination.benchmarks``); one that is not there is
    reported as absent. Texts are compared by their letters and digits alone (``corpus.folding``). What is looked
    for are n-grams of ``ngram`` characters: 13 as in the rule of GPT-3 (arXiv:2005.14165, appendix C), there of
    words, which Japanese does not set apart. An n-gram in more than ``maximum_texts`` texts of the tests, such as
    次の記述のうち最も不適切なものはどれか, finds nothing by itself. The finds of one text near each other count together: they are
    reported from ``minimum_coverage`` of the characters of that text that n-grams of its own cover, and
    ``minimum_characters`` of them (of a shorter text all), or from ``minimum_run`` characters in one piece.

    The limits come from annual reports that quote none of the tests (1.9 million characters): formulaic phrases
    reach 25 characters or, of sentences below 30, a coverage of 0.62; sentences that the law prescribes are
    found up to 57 characters long in questions on auditing. Half of a question is still found.

    ``mark`` names the overlaps in the document's ``meta``, ``drop`` removes the document, ``cut`` the spans;
    ``policies`` has another policy for a test.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tests: tuple[str, ...] = NAMED
    folder: str = ""
    ngram: int = Field(default=13, ge=5, le=64)
    maximum_texts: int = Field(default=4, ge=1)
    minimum_coverage: float = Field(default=0.4, gt=0.0, le=1.0)
    minimum_characters: int = Field(default=26, ge=5)
    minimum_run: int = Field(default=80, ge=13)
    policy: Policy = "mark"
    policies: Mapping[str, Policy] = Field(default_factory=dict)

    def policy_of(self, test: str) -> Policy:
        """Return what happens to a document that overlaps with ``test``."""
        return self.policies.get(test, self.policy)


def find_tests(options: DecontaminationOptions) -> list[Benchmark]:
    """Return the tests that the options name, the absent ones too.

    Raises UserError for a folder that is none, and for a name that neither the project nor the folder knows.
    """
    folder = Path(options.folder).expanduser() if options.folder else None
    if folder and not folder.is_dir():
        raise UserError("decontamination", f"{folder} is no folder", "the folder that holds the tests, or ''")
    tests = [benchmark(name, folder) for name in options.tests]
    if unknown := [test.name for test in tests if test.status == "absent" and test.name not in LAYOUTS]:
        raise UserError(
            "decontamination.tests",
            f"no test named {', '.join(map(repr, unknown))}",
            f"the known tests are {', '.join(LAYOUTS)}; another one lies as NAME.jsonl in decontamination.folder",
            "correct the name",
        )
    return tests


def build_index(tests: Sequence[Benchmark], options: DecontaminationOptions) -> Index:
    """Return the index of all items of ``tests``."""
    return Index.build(
        (item for test in tests for item in test.items),
        ngram=options.ngram,
        maximum_texts=options.maximum_texts,
        minimum_coverage=options.minimum_coverage,
        minimum_characters=options.minimum_characters,
        minimum_run=options.minimum_run,
    )


def find_overlaps(document: Document, index: Index) -> list[Overlap]:
    """Return what a document shares with the tests."""
    return index.overlaps(document.text, document.meta.get("docID", ""))


def treated(
    document: Document, overlaps: Sequence[Overlap], options: DecontaminationOptions
) -> Document | Drop:
    """Return the document as the policies of the tests that it overlaps with want it.

    A mark is ``meta["contamination"]``: a JSON object of test and the item ids, in order. A document of which a
    cut leaves nothing, a filing that is an item itself above all, is dropped.
    """
    by_policy: dict[Policy, list[Overlap]] = {}
    for overlap in overlaps:
        by_policy.setdefault(options.policy_of(overlap.test), []).append(overlap)
    if dropping := by_policy.get("drop"):
        return Drop("contaminated", _told(dropping))
    if cutting := by_policy.get("cut"):
        document = document.edited([(start, end, "") for start, end in _spans(cutting)])
        if not document.text.strip():
            return Drop("contaminated", _told(cutting))
    if marking := by_policy.get("mark"):
        found: dict[str, list[str]] = {}
        for overlap in marking:
            found.setdefault(overlap.test, []).append(overlap.item)
        marks = {test: sorted(set(items)) for test, items in sorted(found.items())}
        meta = {**document.meta, "contamination": json.dumps(marks, ensure_ascii=False)}
        document = replace(document, meta=meta)
    return document


def rows(
    document: Document, overlaps: Sequence[Overlap], options: DecontaminationOptions
) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``CONTAMINATION`` for the overlaps of a document, which is as it was searched."""
    for overlap in overlaps:
        told = overlap._asdict() | {"policy": options.policy_of(overlap.test)}
        yield told | {"document_id": document.id, "url": document.url}


def summary(
    tests: Sequence[Benchmark], index: Index, found: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows of ``TESTS``; ``found`` are all rows of ``CONTAMINATION``, of other tests too. Memory: one entry per item."""
    touched: dict[str, set[str]] = {test.name: set() for test in tests}
    answered: dict[str, set[str]] = {test.name: set() for test in tests}
    documents: dict[str, set[str]] = {test.name: set() for test in tests}
    for row in found:
        if row["test"] not in touched:
            continue
        touched[row["test"]].add(row["item"])
        documents[row["test"]].add(row["document_id"])
        if row["answered"]:
            answered[row["test"]].add(row["item"])
    lost = {(item.test, item.id) for item in index.unmatchable() if item.part != "context"}
    return [
        {
            "test": test.name,
            "status": test.status,
            "files": list(test.files),
            "sha256": test.sha256,
            "items": len({item.id for item in test.items}),
            "items_unmatchable": len({item.id for item in test.items if (test.name, item.id) in lost}),
            "items_touched": len(touched[test.name]),
            "items_answered": len(answered[test.name]),
            "documents": len(documents[test.name]),
        }
        for test in tests
    ]


def _told(overlaps: Sequence[Overlap]) -> str:
    names = list(dict.fromkeys(f"{overlap.test} {overlap.item}" for overlap in overlaps))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _spans(overlaps: Sequence[Overlap]) -> list[tuple[int, int]]:
    """Return the spans of overlaps without overlap, in order."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted((overlap.start, overlap.end) for overlap in overlaps):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans
