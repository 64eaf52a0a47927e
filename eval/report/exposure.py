"""Scores with and without the items that a model may have read, as the corpora below it say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from datacards.evaluated import TaskRecord
from datacards.store import Store
from eval.compare.many import Compared, compare_many
from eval.contamination.exposed import Exposure, exposures
from eval.contamination.split import Part, Split, cleaned, split
from eval.report.blocks import Block, Cell, Grid, Value, Words
from eval.report.found import Found, Taken
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
    base = found.labels[found.baseline]
    outcomes, _ = outcomes_of(found)
    exposed = {
        column.label: [known[one.key] for one in column.taken.values() if one.key in known]
        for column in found.columns
    }
    dirty = {one.task for some in exposed.values() for one in some if one.dirty}
    asked = {
        label: {task: one for task, one in own.items() if task in dirty} for label, own in outcomes.items()
    }
    kept, told = cleaned({label: own for label, own in asked.items() if own}, exposed)
    kept = {label: own for label, own in kept.items() if own}
    if base not in kept or len(kept) < 2:
        return Pairs(base, Compared((), (), (), ()), ()), tuple(told)
    compared = compare_many(kept, baseline=base, groups=False)
    return Pairs(base, Compared(compared.tasks, (), (), ()), ()), tuple(told)


def exposure_blocks(found: Found, held: Seen, suite: str, records: Sequence[TaskRecord]) -> Iterable[Block]:
    """Yield the table of a suite's scores on all, clean and dirty items, and the comparisons on clean ones."""
    tasks = [record.task for record in records]
    rows: list[tuple[Value, ...]] = []
    for task in tasks:
        for column in found.columns:
            taken = column.taken.get(task)
            one = held.splits.get(taken.key) if taken else None
            if taken and one and (one.exposure.reports or one.exposure.unlooked):
                rows.append((Cell(task, strong=True), column.label, *_cells(taken, one)))
    if not rows:
        return
    head = ("task", "model", "all", "clean", "text seen", "answer seen", "all less clean", "known from")
    yield Grid(f"seen-{slug(suite)}", f"{suite or 'Tasks of no suite'}: with and without what was seen in training",
               head, tuple(rows), range(2, 7))  # fmt: skip
    yield Words(_TOLD)
    names = set(tasks)
    unknown = dict.fromkeys(
        name
        for taken in found.trails
        if taken.record.task in names and (one := held.splits.get(taken.key))
        for name in one.exposure.unknown
    )
    if unknown:
        yield Words(
            f"What {', '.join(unknown)} was trained on is not known: no item can be called unseen by it."
        )
    clean = [one for one in held.clean.compared.tasks if one.task in names]
    yield from paired_blocks(found, held.clean, clean, suite, "clean items", tasks=True)
    yield from (Words(f"{told}.") for told in held.told if told.partition(":")[0] in names)


def _cells(taken: Taken, one: Split) -> Iterable[Value]:
    for part in (one.all, one.clean, one.text, one.label):
        yield _part(taken, part)
    gap = one.inflation
    if gap is None:
        yield ""
    else:
        spread = "" if gap.low is None or gap.high is None else f"[{gap.low:+.3f}, {gap.high:+.3f}]"
        yield Cell(f"{gap.value:+.4f}", spread, (taken.key,), strong=gap.beyond_noise)
    looked = ", ".join(one.exposure.reports) if one.exposure.looked else ""
    yield looked or f"{', '.join(one.exposure.unlooked)}: not held against this test"


def _part(taken: Taken, part: Part | None) -> Value:
    if part is None:
        return ""
    if part.value is None:
        return f"{part.n:,} items"
    spread = "" if part.low is None or part.high is None else f" [{part.low:.3f}, {part.high:.3f}]"
    return Cell(plain(part.value), f"{part.n:,} items{spread}", (taken.key,))


def seen_facts(held: Seen) -> list[dict[str, Any]]:
    """Return the splits as plain values for JSON, without the levels of the items."""
    told = []
    for key, one in held.splits.items():
        row = asdict(one) | {"lineage": key, "inflated": one.inflated}
        row["exposure"].pop("levels")
        told.append(row)
    return told
