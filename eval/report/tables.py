"""The tables of scores: every suite with the models as columns, its parts, and what the paper prints beside ours."""

from collections.abc import Iterable, Sequence

from datacards.evaluated import Score, TaskRecord
from eval.compare.published import Published, unpaired
from eval.report.blocks import Block, Cell, Grid, Lines, Value, Words
from eval.report.found import Column, Found, Taken
from eval.report.numbers import cell, mean_cells, overall, plain
from eval.report.printed import OVERALL, ROLES, Printed, Publications, Role
from eval.report.slugs import slug

PAIRS: tuple[tuple[str, str, Role, Role], ...] = (
    ("Table I", "before and after continual pretraining", "base", "domain"),
    ("Table III", "the instruct model and the merged one", "instruct", "merged"),
)
MOST = 60  # parts of a test that a table shows


def score_table(found: Found, suite: str, records: Sequence[TaskRecord]) -> Grid:
    """Return the table of one suite: the first figure of each task, models as columns, the mean over the tasks last."""
    minor: list[int] = []
    rows: list[tuple[Value, ...]] = [
        _row(record, metric, taken, lead=True)
        for record, taken, metrics in _asked(found, records)
        for metric in metrics
        if metric == record.metric
    ]
    tasks = [record.task for record in records]
    means = [overall(column, tasks) for column in found.columns]
    if any(means):
        trails = [[c.taken[t].key for t in tasks if t in c.taken] for c in found.columns]
        cells = [mean_cells(mean, keys) for mean, keys in zip(means, trails, strict=True)]
        many = f"mean of {len(tasks)}"
        rows.append((Cell(OVERALL, strong=True), many, *(first for first, _ in cells), "", ""))
        if any(above != "–" for _, above in cells):
            minor.append(len(rows))
            rows.append(("above chance", many, *(above for _, above in cells), "0.0000", ""))
    return Grid(
        key=f"scores-{slug(suite)}",
        caption=f"Scores: {suite or 'tasks of no suite'}",
        head=("task", "metric", *found.labels, "chance", "items"),
        rows=tuple(rows),
        numbers=range(2, 4 + len(found.columns)),
        minor=minor,
    )


def other_table(found: Found, suite: str, records: Sequence[TaskRecord]) -> Iterable[Grid]:
    """Yield the table of what else was made of the same answers, folded; nothing where there is no more."""
    rows = [
        _row(record, metric, taken, lead=False)
        for record, taken, metrics in _asked(found, records)
        for metric in metrics
        if metric != record.metric
    ]
    if rows:
        yield Grid(
            key=f"figures-{slug(suite)}",
            caption=f"Other figures of the same answers: {suite or 'tasks of no suite'}",
            head=("task", "metric", *found.labels, "chance", "items"),
            rows=tuple(rows),
            numbers=range(2, 4 + len(found.columns)),
            folded=True,
        )


def _asked(
    found: Found, records: Sequence[TaskRecord]
) -> Iterable[tuple[TaskRecord, list[Taken | None], list[str]]]:
    """Yield every task with what each model made of it and the figures that there are, the first one first."""
    for record in records:
        taken = [column.taken.get(record.task) for column in found.columns]
        yield record, taken, _metrics(taken, record.metric)


def _metrics(taken: Sequence[Taken | None], first: str) -> list[str]:
    names = dict.fromkeys(s.metric for one in taken if one for s in one.scores if not s.group)
    return [first, *(name for name in names if name != first)] if first in names else list(names)


def _row(record: TaskRecord, metric: str, taken: Sequence[Taken | None], *, lead: bool) -> tuple[Value, ...]:
    scores = [one.score(metric) for one in taken if one]
    known = [score for score in scores if score]
    chance = next((f"{s.chance:.4f}" for s in known if s.chance is not None), "")
    sizes = list(dict.fromkeys(f"{s.samples:,}" for s in known))
    best = _best(known) if lead and len({score.value for score in known}) > 1 else None
    cells = [
        cell(
            one, metric, strong=best is not None and (s := one.score(metric)) is not None and s.value == best
        )
        if one
        else "–"
        for one in taken
    ]
    name = Cell(record.task, strong=lead)
    return (name, metric, *cells, chance, " / ".join(sizes))


def _best(scores: Sequence[Score]) -> float:
    values = [score.value for score in scores]
    return max(values) if scores[0].higher_is_better else min(values)


def notes(found: Found, records: Sequence[TaskRecord]) -> Iterable[Words]:
    """Yield what must be said before figures are compared: other items, draws, cut prompts, unclustered errors."""
    for record in records:
        told = {c.label: c.taken[record.task] for c in found.columns if record.task in c.taken}
        digests = {one.record.digest for one in told.values()}
        if len(digests) > 1:
            yield Words(
                "The models were not asked the same items in the same words.", record.task, soft=False
            )
        said_of: dict[str, list[str]] = {}
        for label, one in told.items():
            if (score := one.score()) and score.note:
                said_of.setdefault(score.note, []).append(label)
        for note, labels in said_of.items():
            yield Words(f"{note} ({', '.join(labels)}).", record.task)


def parts_tables(found: Found, suite: str, record: TaskRecord) -> Iterable[Grid]:
    """Yield the table of a task's parts (categories, subjects, sources), and one of what else was counted by part."""
    taken = [column.taken.get(record.task) for column in found.columns]
    asked = list(dict.fromkeys((s.group, s.metric) for one in taken if one for s in one.scores if s.group))
    first = [(group, metric) for group, metric in asked if metric == record.metric]
    others = [(group, metric) for group, metric in asked if metric != record.metric]
    if first:
        yield _parts(
            found, f"parts-{slug(suite)}-{slug(record.task)}", f"{record.task} by part", first, taken
        )
    if others:
        key = f"counts-{slug(suite)}-{slug(record.task)}"
        yield _parts(found, key, f"{record.task}: what else was counted by part", others, taken)


def _parts(
    found: Found, key: str, caption: str, asked: Sequence[tuple[str, str]], taken: Sequence[Taken | None]
) -> Grid:
    rows: list[tuple[Value, ...]] = []
    for group, metric in asked[:MOST]:
        scores = [one.score(metric, group) if one else None for one in taken]
        sizes = dict.fromkeys(f"{score.samples:,}" for score in scores if score)
        rows.append((group, metric, *(cell(one, metric, group) for one in taken), " / ".join(sizes)))
    more = f", the first {MOST} of {len(asked):,}" if len(asked) > MOST else ""
    return Grid(
        key=key,
        caption=f"{caption}{more}",
        head=("part", "metric", *found.labels, "items"),
        rows=tuple(rows),
        numbers=range(2, 3 + len(taken)),
        folded=len(rows) > 15,
    )


def paper_tables(
    found: Found, suite: str, records: Sequence[TaskRecord], known: Publications
) -> Iterable[Block]:
    """Yield the paper's tables of a suite with our models, the published files and the printed values side by side."""
    figures = known.of(suite)
    if not figures:
        return
    for title, words, *roles in PAIRS:
        pair = [role for role in ROLES if role in roles]
        grid = _pair(found, suite, records, known, pair)
        if grid is not None:
            caption = f"{title} of arXiv 2409.19854: {words}"
            yield Grid(f"{slug(title.lower().replace(' ', '-'))}-{slug(suite)}", caption, *grid)
            if lines := tuple(_printed_pairs(figures, pair)):
                yield Lines(f"What the printed values of {title} say of each other", lines)
    lone = [one for one in figures if one.where == "Table II"]
    if lone:
        yield _table_two(found, suite, records, lone)
    used = dict.fromkeys(one.source for one in figures)
    for name in used:
        source = known.sources[name]
        told = " ".join(filter(None, (source.note, source.notes.get(suite, ""))))
        yield Words(f"{source.title}, {source.link}. {told}", source.label)
    models = ", ".join(f"{ROLES[role]}: {name}" for role, name in known.models.items())
    yield Words(f"The models of the published figures are {models}; ours are others.")
    if not any(column.role for column in found.columns):
        yield Words(
            "Which of the models here stands for which of the paper's is not known: say it with --role."
        )


def _printed_pairs(figures: Sequence[Printed], roles: Sequence[Role]) -> Iterable[str]:
    """Yield a sentence for every task of which the paper prints both models: all that its numbers can tell."""
    known = {(one.task, one.role): one for one in figures if one.source == "paper"}
    for task in dict.fromkeys(task for task, _ in known):
        first, second = (known.get((task, role)) for role in roles)
        if first and second and first.samples and second.samples:
            sides = [Published(one.value, one.samples or 0, one.stderr) for one in (second, first)]
            names = ROLES[roles[1]], ROLES[roles[0]]
            yield unpaired(task, sides[0], sides[1], names=names, metric=first.metric).sentence


def _pair(
    found: Found, suite: str, records: Sequence[TaskRecord], known: Publications, roles: Sequence[Role]
) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...], range] | None:
    figures = {
        (o.source, o.role, o.task): o for o in known.of(suite) if not o.group and o.where != "Table II"
    }
    if not figures:
        return None
    sources = [name for name in known.sources if any(name == source for source, _, _ in figures)]
    tasks = list(dict.fromkeys([*(task for _, _, task in figures), *(record.task for record in records)]))
    tasks = [*(task for task in tasks if task != OVERALL), OVERALL]
    ours = {role: next((c for c in found.columns if c.role == role), None) for role in roles}
    head = ["task"]
    for role in roles:
        column = ours[role]
        head += [f"{role}: {column.label}"] if column else []
        head += [f"{role}, {known.sources[name].label}" for name in sources]
    rows = []
    for task in tasks:
        row: list[Value] = [Cell(task, strong=True)]
        for role in roles:
            if column := ours[role]:
                row.append(_ours(column, task, tasks))
            row += [_published(figures.get((name, role, task))) for name in sources]
        rows.append(tuple(row))
    return tuple(head), tuple(rows), range(1, len(head))


def _ours(column: Column, task: str, all_tasks: Sequence[str]) -> Cell | str:
    if task != OVERALL:
        return cell(column.taken.get(task))
    tasks = [name for name in all_tasks if name != OVERALL]
    return mean_cells(overall(column, tasks), [column.taken[t].key for t in tasks if t in column.taken])[0]


def _published(one: Printed | None) -> Cell | str:
    if one is None:
        return "–"
    return Cell(plain(one.value), "" if one.stderr is None else f"± {one.stderr:.3f}")


def _table_two(found: Found, suite: str, records: Sequence[TaskRecord], figures: Sequence[Printed]) -> Grid:
    rows: list[tuple[Value, ...]] = []
    for one in figures:
        column = next((c for c in found.columns if c.role == one.role), None)
        ours: Value = "–"
        if column:
            ours = cell(next((column.taken[r.task] for r in records if r.task in column.taken), None))
        rows.append((ROLES[one.role], column.label if column else "", ours, f"{one.value:.2f}"))
    return Grid(
        f"table-ii-{slug(suite)}", "Table II of arXiv 2409.19854: the overall value",
        ("model", "here", "ours", "as printed"), tuple(rows), (2, 3),
    )  # fmt: skip
