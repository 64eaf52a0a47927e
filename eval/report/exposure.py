"""Scores with and without the items that a model may have read, as the corpora below it say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from datacards.evaluated import TaskRecord
from datacards.store import Store
from eval.compare.clean import Part
from eval.compare.many import Compared, compare_many
from eval.compare.outcome import restricted
from eval.contamination.exposed import Exposure, exposures
from eval.contamination.sentences import sentence_of
from eval.contamination.split import Split, split
from eval.report.blocks import Block, Cell, Grid, Lines, Value, Words
from eval.report.found import Column, Found, Taken
from eval.report.numbers import plain
from eval.report.pairs import Pairs, outcomes_of, paired_blocks
from eval.report.slugs import slug

_TOLD = (
    "Clean items are those that no corpus version below a model shows; of the others a corpus shows the text, or the text "
    "with the answer beside it. A gap whose interval leaves out zero says that the score of the whole test is off by it."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of what the models have read: a split of every task by its lineage, and comparisons on clean items."""

    splits: Mapping[str, Split]
    clean: Pairs
    told: tuple[str, ...]


def seen(store: Store, found: Found) -> Seen:
    """Return the splits of all tasks whose samples are kept, and every model against the baseline on clean items."""
    known: dict[str, Exposure] = {}
    whole = {
        str(one.evaluation): one.evaluation
        for one in found.trails
        if all(other.outcome for other in found.trails if other.evaluation == one.evaluation)
    }
    for name, ref in whole.items():
        own = exposures(store, ref)
        known |= {
            one.key: own[one.record.task]
            for one in found.trails
            if str(one.evaluation) == name and not one.is_example
        }
    splits = {
        one.key: split(one.outcome, known[one.key])
        for one in found.trails
        if one.outcome and one.key in known
    }
    clean, told = _clean(found, known)
    return Seen(splits, clean, told)


def _clean(found: Found, known: Mapping[str, Exposure]) -> tuple[Pairs, tuple[str, ...]]:
    """Return every model against the baseline without the items that a corpus of any model shows, and what was left out."""
    base = found.labels[found.baseline]
    outcomes, _ = outcomes_of(found)
    dirty: dict[str, frozenset[str]] = {}
    unlooked: set[str] = set()
    for one in known.values():
        dirty[one.task] = dirty.get(one.task, frozenset()) | one.dirty
        unlooked |= {one.task} if one.unlooked else set()
    wanted = {task: ids for task, ids in dirty.items() if ids and task not in unlooked}
    kept = {
        label: {
            task: clean
            for task, one in own.items()
            if task in wanted and (clean := restricted(one, set(one.ids) - wanted[task])).n
        }
        for label, own in outcomes.items()
    }
    told = tuple(
        f"{task}: without {len(ids):,} items that a corpus of the models shows"
        for task, ids in wanted.items()
    )
    kept = {label: own for label, own in kept.items() if own}
    if base not in kept or len(kept) < 2:
        return Pairs(base, Compared((), (), (), ()), ()), told
    compared = compare_many(kept, baseline=base, groups=False)
    return Pairs(base, Compared(compared.tasks, (), (), ()), ()), told


def exposure_blocks(found: Found, held: Seen, suite: str, records: Sequence[TaskRecord]) -> Iterable[Block]:
    """Yield the table of a suite's scores on all, clean and dirty items, and the comparisons on clean ones."""
    names = {record.task for record in records}
    known = [
        (taken, column, held.splits[taken.key])
        for record in records
        for column in found.columns
        if (taken := column.taken.get(record.task)) and taken.key in held.splits
    ]
    rows: list[tuple[Value, ...]] = [
        (Cell(taken.record.task, strong=True), column.label, *_cells(taken, one))
        for taken, column, one in known
        if one.exposure.looked
    ]
    if rows:
        head = ("task", "model", "all", "clean", "text seen", "answer seen", "all less clean")
        caption = f"{suite or 'Tasks of no suite'}: with and without what was seen in training"
        yield Grid(f"seen-{slug(suite)}", caption, head, tuple(rows), range(2, 7))
        yield Words(_TOLD)
        told = (f"{c.label}: {sentence_of(one)}" for _, c, one in known if one.exposure.looked)
        yield Lines("What may be quoted of seen items", tuple(told))
    yield from _unknown(known)
    clean = [one for one in held.clean.compared.tasks if one.task in names]
    yield from paired_blocks(found, held.clean, clean, suite, "clean items", tasks=True)
    yield from (
        Words(f"{told}.")
        for told in held.told
        if clean and told.partition(":")[0] in names and "nobody" not in told
    )


def _cells(taken: Taken, one: Split) -> Iterable[Value]:
    for part in (one.all, one.clean, one.text, one.label):
        yield _part(taken, part)
    gap = one.inflation
    if gap is None:
        yield ""
    else:
        spread = "" if gap.low is None or gap.high is None else f"[{gap.low:+.3f}, {gap.high:+.3f}]"
        yield Cell(f"{gap.value:+.4f}", spread, (taken.key,), strong=one.inflated)


def _unknown(known: Sequence[tuple[Taken, Column, Split]]) -> Iterable[Words]:
    """Yield what is known from which corpora, and what is not known."""
    told: dict[str, list[str]] = {}
    for taken, column, one in known:
        if one.exposure.looked:
            told.setdefault(f"Known from {', '.join(one.exposure.reports)}", []).append(taken.record.task)
        elif one.exposure.unlooked:
            said = f"No item can be called clean for {column.label}, since {'; '.join(one.exposure.unlooked)}"
            told.setdefault(said, []).append(taken.record.task)
        for name in one.exposure.unknown:
            told.setdefault(f"What {name} was trained on is not known", []).append(taken.record.task)
    for said, tasks in told.items():
        yield Words(f"{said} ({', '.join(dict.fromkeys(tasks))}).")


def _part(taken: Taken, part: Part | None) -> Value:
    if part is None:
        return ""
    if part.value is None:
        return f"{part.n:,} items"
    _, low, high = part.interval
    spread = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return Cell(plain(part.value), f"{part.n:,} items{spread}", (taken.key,))


def seen_facts(held: Seen) -> list[dict[str, Any]]:
    """Return the splits as plain values for JSON, without the levels of the items."""
    told = []
    for key, one in held.splits.items():
        row = asdict(one) | {"lineage": key, "inflated": one.inflated}
        row["exposure"].pop("levels")
        told.append(row)
    return told
