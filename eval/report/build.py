"""Puts a report together from what was found: parts in the order in which they are read."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from datacards.evaluated import TaskRecord
from datacards.lineage import Node
from datacards.render.evaluation import bounds
from datacards.render.similarity_part import pair_of
from datacards.render.similarity_plot import figure
from eval.report import figures
from eval.report.blocks import Block, Document, Grid, Part, Picture, Trail, Words
from eval.report.exposure import exposure_blocks
from eval.report.found import Found, Taken
from eval.report.matter import Matter
from eval.report.pairs import paired_blocks, refused_blocks
from eval.report.printed import Publications
from eval.report.prompts import prompt_blocks
from eval.report.slugs import slug
from eval.report.tables import notes, other_table, paper_tables, parts_tables, score_table

TITLES = {
    "fin-harness": "Japanese financial benchmark",
    "pfmt-bench-fin-ja": "Japanese financial conversations (pfmt-bench-fin-ja)",
    "general": "General Japanese: what was forgotten",
    "": "Other tasks",
}
_HOW = (
    "Each value with its standard error and, in brackets, its 95 % interval; where items share a text, those of a task's first figure allow for it. "
    "Chance is what guessing scores. The first figure of a task is the one to compare models by; the best is set bold, "
    "which says nothing of whether the difference is more than chance."
)


def document(matter: Matter) -> Document:
    """Return the report; equal versions give an equal one."""
    found = matter.found
    parts = [
        Part(TITLES.get(suite, suite), tuple(_suite(matter, suite, records)))
        for suite, records in found.tasks.items()
    ]
    parts += [part for part in (_similarity(found, matter.known), _examples(matter)) if part.blocks]
    items = sum(one.record.samples for one in found.trails)
    versions = [str(evaluation.ref) for evaluation in found.findings.evaluations]
    return Document(
        title=f"Evaluation of {', '.join(found.labels)}",
        lead="Every number here is computed from the files of evaluation versions, none was entered by hand except those "
        "that others published, which are marked as such. Click a number to see where it comes from.",
        keys=(
            ("models" if len(found.columns) > 1 else "model", f"{len(found.columns):,}"),
            ("tasks", f"{len({one.record.task for one in found.trails}):,}"),
            ("answers", f"{items:,}"),
            ("evaluation versions", f"{len(versions):,}"),
        ),
        parts=tuple(parts),
        trails=tuple(_trail(found, one) for one in found.trails),
        foot=f"Made by Kanagura from {', '.join(versions)}.",
    )


def _suite(matter: Matter, suite: str, records: Sequence[TaskRecord]) -> Iterable[Block]:
    found, pairs = matter.found, matter.pairs
    yield score_table(found, suite, records)
    yield Words(_HOW)
    names = {record.task for record in records}
    yield from (Words(told, "Damaged", soft=False) for task, told in found.differing if task in names)
    yield from notes(found, records)
    if drawn := _dots(found, suite, records):
        yield drawn
    yield from other_table(found, suite, records)
    yield from paired_blocks(found, pairs, pairs.of(suite), suite)
    yield from refused_blocks(pairs, names)
    yield from exposure_blocks(found, matter.seen, suite, records)
    for record in records:
        tables = list(parts_tables(found, suite, record))
        yield from tables
        if tables:  # the task has parts that mean something to a reader
            yield from paired_blocks(found, pairs, pairs.parts(record.task), suite, record.task)
        if record.kind == "chat" and (drawn := _radar(found, suite, record)):
            yield drawn
    yield from prompt_blocks(found, suite, records)
    yield from paper_tables(found, suite, records, matter.known)


def _dots(found: Found, suite: str, records: Sequence[TaskRecord]) -> Picture | None:
    rows = []
    for record in records:
        taken = [column.taken.get(record.task) for column in found.columns]
        chance = next(
            (s.chance for one in taken if one and (s := one.score()) and s.chance is not None), None
        )
        rows.append((f"{record.task} {record.metric}", [_span(one) for one in taken], chance))
    shares = [row for row in rows if all(span is None or -1 <= span[0] <= 1 for span in row[1])]
    if not shares:
        return None
    return Picture(
        f"scores-{slug(suite)}-dots", "Values with their 95 % intervals; gray lines: what guessing scores.",
        f"values of {suite or 'the tasks'} with their intervals; the table above has the numbers",
        figures.spans(shares, found.labels),
    )  # fmt: skip


def _span(taken: Taken | None, metric: str = "", group: str = "") -> figures.Span:
    score = taken.score(metric, group) if taken else None
    if score is None:
        return None
    low, high = bounds(score) or (score.value, score.value)
    return score.value, low, high


def _radar(found: Found, suite: str, record: TaskRecord) -> Picture | None:
    taken = [column.taken.get(record.task) for column in found.columns]
    groups = list(
        dict.fromkeys(
            s.group for one in taken if one for s in one.scores if s.group and s.metric == record.metric
        )
    )
    if len(groups) < 3:
        return None
    series = [
        (column.label, [_span(one, record.metric, group) for group in groups])
        for column, one in zip(found.columns, taken, strict=True)
    ]
    return Picture(
        f"radar-{slug(suite)}-{slug(record.task)}",
        f"{record.task} by category, as figure 3 of arXiv 2409.19854; the bands are 95 % intervals.",
        f"radar of {record.task} by category; the table above has the numbers",
        figures.radar(groups, series),
    )


def _similarity(found: Found, known: Publications) -> Part:
    """Return figure 4 of the paper for every merged model among the columns."""
    blocks: list[Block] = []
    columns = {str(column.model): column.label for column in found.columns}
    for name, rows in found.findings.similarities.items():
        if name not in columns:
            continue
        merged = found.findings.merges.get(name)
        roles = pair_of(rows, merged)
        if roles and (drawn := figure(rows, roles)):
            caption = f"Cosine of the task vectors of {columns[name]}, as figure 4 of arXiv 2409.19854."
            blocks.append(
                Picture(f"similarity-{slug(name)}", caption, f"similarity of {name} per layer", drawn)
            )
        blocks += [Words(told, soft=False) for told in (merged.independence[:1] if merged else ())]
        if merged and (alike := [pair for pair in merged.pairs if pair.spread]):
            cells = [
                (" and ".join(p.roles), f"{p.tensors:,}", f"{s.mean:+.4f}", f"{s.std:.4f}", f"{s.max:+.4f}", f"{s.min:+.4f}")
                for p in alike if (s := p.spread)
            ]  # fmt: skip
            printed = {one.metric: f"{one.value:+.4f}" for one in known.of("similarity")}
            cells.append(("as printed (arXiv 2409.19854)", "", "", "", printed["max"], printed["min"]))
            head = ("task vectors", "tensors", "mean", "standard deviation", "max", "min")
            blocks.append(
                Grid(
                    f"similarity-{slug(name)}", f"Cosines of {columns[name]}", head, tuple(cells), range(1, 6)
                )
            )
    return Part("Task vectors", tuple(blocks))


def _examples(matter: Matter) -> Part:
    if not matter.examples:
        return Part("Examples", ())
    shown = len(matter.examples)
    more = f" The first {shown} of {matter.prompts:,}." if matter.prompts > shown else ""
    told = Words(f"What every model wrote to the same prompts, always its likeliest next token.{more}")
    kept = {one.record.task: one.record for one in matter.found.trails if one.is_example}
    table = replace(
        score_table(matter.found, "answered", list(kept.values())),
        caption="Prompts to which anything was written",
    )
    kept_back = sorted(
        f"The prompts of {name} are under '{record.options.get('license', 'unknown')}' and may not be passed on, nor may a "
        "report that shows them."
        for name, record in kept.items()
        if record.options.get("questions") and not record.options.get("redistribution")
    )
    rights = (Words(one, soft=False) for one in kept_back)
    return Part("Examples", (told, *rights, table, *matter.examples))


def _trail(found: Found, one: Taken) -> Trail:
    nodes = {str(node.ref): node for node in found.findings.nodes}
    record = one.record
    facts = [
        ("evaluation", _named(nodes, str(one.evaluation), one.evaluation.digest)),
        ("made of", f"{one.samples} sha256:{one.samples_sha256}" if one.samples else "scores.json alone"),
        ("items", f"{record.samples:,} of {record.of:,}"),
        ("task digest", record.digest),
        ("options", ", ".join(f"{k}={v}" for k, v in sorted(record.options.items()) if v not in (None, ""))),
        ("source", record.source),
        ("model", _named(nodes, str(one.model), one.model.digest)),
        *(("made from", told) for told in _below(nodes, str(one.model))),
        *(("corpus", f"{ref} {ref.digest}") for ref in one.corpora),
        ("all of it", one.command),
    ]
    title = f"{record.task}, {one.model}"
    return Trail(one.key, title, tuple((name, value) for name, value in facts if value))


def _named(nodes: dict[str, Node], name: str, digest: str) -> str:
    state = nodes[name].state if name in nodes else "absent"
    return f"{name} {digest}" + ("" if state in ("ok", "outside") else f" ({state})")


def _below(nodes: dict[str, Node], name: str) -> Iterable[str]:
    """Yield what a model was made from at once, each with its digest."""
    for below in nodes[name].inputs if name in nodes else ():
        yield f"{below.ref} {below.ref.digest}"
