"""The final report over all stages, from cards and files alone: one HTML page, and a table for the terminal."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from datacards.card import Ref
from datacards.render import plots
from datacards.render.evidence import lineage_part
from datacards.render.findings import Figure, Findings, documents, gather
from datacards.render.markup import Markup, details, image, table, tag
from datacards.render.similarity_part import pair_of, similarity_part
from datacards.render.training_part import held_out_part
from datacards.store import Store

STYLE = Path(__file__).with_name("report.css")
TICKS = "▁▂▃▄▅▆▇█"


def report(store: Store, refs: Sequence[Ref], out: Path) -> None:
    """Write one HTML page about the evaluations ``refs`` to ``out``; it needs no other file and no network.

    Raises UserError when one of them is no evaluation.
    """
    found = gather(store, refs)
    parts = [
        _head(found),
        tag("h2", "Scores"), *_scores(found),
        tag("h2", "Training"), *_losses(found),
        tag("h2", "Merging"), *_similarities(found),
        tag("h2", "Corpus"), *_corpora(found),
        tag("h2", "From the scores to the addresses"), *lineage_part(store, found),
        _foot(found),
    ]  # fmt: skip
    title = f"Kanagura: {', '.join(found.labels)}"
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{tag('title', title)}<style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")


def _head(found: Findings) -> Markup:
    captured = sum(node.card.counts.get("captures", 0) for node in found.of_kind("captures") if node.card)
    rows = sum(
        sum(splits.values())
        for node in found.of_kind("dataset")[-1:]
        if node.card
        for splits in documents(node.card).values()
    )
    keys = {
        "addresses captured": captured,
        "documents in the corpus": rows,
        "optimizer steps": sum(len(loss) for loss in found.losses.values()),
        "models scored": len(found.evaluations),
        "tasks": len(found.headlines),
    }
    shown = (tag("div", tag("strong", f"{n:,}"), tag("span", name)) for name, n in keys.items() if n)
    return tag(
        "header",
        tag("p", "KANAGURA 金蔵", class_="mark"),
        tag("h1", "From the web to the score"),
        tag("p", "What was captured, what it became, what was trained on it, and how that scores. Everything here "
            "is read from the cards and files of the versions; nothing was entered by hand."),
        tag("div", *shown, class_="keys"),
    )  # fmt: skip


def _scores(found: Findings) -> Iterable[Markup]:
    rows, minor = [], []
    for place, (task, metric) in enumerate(found.asked):
        figures = [evaluation.figure(task, metric) for evaluation in found.evaluations]
        some = next(figure for figure in figures if figure)
        lead = (task, metric) in found.headlines
        chance = f"{some.chance:.3f}" if some.chance else ""
        row = [tag("strong", task) if lead else "", metric, *map(_cell, figures), chance, f"{some.samples:,}"]
        rows.append(row)
        minor += [] if lead else [place]
    yield table(
        ["task", "metric", *found.labels, "guessing", "items"],
        rows,
        numbers=range(2, 4 + len(found.evaluations)),
        minor=minor,
    )
    headlines = [(f"{task}\n{metric}", *_dots(found, task, metric)) for task, metric in found.headlines]
    yield image(plots.dots(headlines, found.labels), "scores with their 95 % intervals")
    yield tag(
        "p",
        "Each value with its standard error; the bars are 95 % intervals, 1.96 standard errors to either side where the "
        "evaluation tells none, the dotted lines what guessing gives. The first metric of a task is the one to compare models by. Where the bars of two models "
        "overlap, the figures alone do not say which is better.",
        class_="soft",
    )
    for task, note in dict.fromkeys((f.task, f.note) for e in found.evaluations for f in e.figures if f.note):
        yield tag("p", tag("strong", task), ": ", note, ".", class_="soft")


def _cell(figure: Figure | None) -> Markup:
    if figure is None:
        return Markup("–")
    error = "" if figure.stderr is None else Markup(f" <small>± {figure.stderr:.3f}</small>")
    return Markup(f"{figure.value:.4f}{error}")


def _dots(found: Findings, task: str, metric: str) -> tuple[list[plots.Dot | None], float | None]:
    figures = [evaluation.figure(task, metric) for evaluation in found.evaluations]
    chance = next((figure.chance for figure in figures if figure and figure.chance is not None), None)
    return [plots.Dot(f.value, f.stderr, f.low, f.high) if f else None for f in figures], chance


def _losses(found: Findings) -> Iterable[Markup]:
    if not found.losses:
        yield tag("p", "No checkpoint below these scores kept a loss curve.")
        return
    series, rows = {}, []
    for name, loss in found.losses.items():
        points = [(float(row["step"]), float(row["loss"])) for row in loss]
        width = max(1, len(points) // 40)
        series[name] = plots.smooth(points, width)
        tokens = loss[-1].get("tokens")
        rows.append(
            [name, f"{len(loss):,}", f"{points[0][1]:.4f}", f"{points[-1][1]:.4f}",
             f"{min(y for _, y in points):.4f}", f"{tokens:,}" if tokens is not None else ""]
        )  # fmt: skip
    # A model has one color on the whole page.
    models = [str(evaluation.model) for evaluation in found.evaluations]
    drawn = plots.lines(series, x="optimizer step", y="loss (nats per token)", order=models)
    yield image(drawn, "loss curves")
    yield table(["checkpoint", "steps", "first", "last", "lowest", "tokens"], rows, numbers=range(1, 6))
    if any(len(loss) >= 80 for loss in found.losses.values()):
        yield tag(
            "p",
            "The curves are running means over a fortieth of the steps; the table has the raw values.",
            class_="soft",
        )
    for name, told in found.trainings.items():
        yield from held_out_part(name, told)


def _similarities(found: Findings) -> Iterable[Markup]:
    if not found.similarities:
        yield tag("p", "No merged checkpoint lies below these scores.")
        return
    for name, tensors in found.similarities.items():
        yield from similarity_part(name, tensors, found.merges.get(name))


def _corpora(found: Findings) -> Iterable[Markup]:
    datasets = [(node.ref, node.card) for node in found.of_kind("dataset")[::-1] if node.card]
    if not datasets:
        yield tag("p", "No dataset lies below these scores.")
    for ref, card in datasets:
        yield tag("h3", str(ref))
        if card.description:
            yield tag("p", card.description)
        rows = documents(card)
        if any(sum(splits.values()) for splits in rows.values()):
            yield image(plots.bars(rows), f"documents per format of {ref}")
        if card.drops:
            dropped = sorted(card.drops.items(), key=lambda item: (-item[1], item[0]))
            most = ", ".join(f"{reason} {n:,}" for reason, n in dropped[:4])
            yield details(
                f"{sum(card.drops.values()):,} left out and kept aside, each with its reason: {most}"
                + (", …" if len(dropped) > 4 else ""),
                table(["reason", "number"], [(reason, f"{n:,}") for reason, n in dropped], numbers=(1,)),
            )
        if card.rights:
            rights = [
                (
                    r.license,
                    f"{r.records:,}",
                    "yes" if r.redistribution else tag("strong", "no"),
                    r.attribution,
                )
                for r in card.rights
            ]
            yield table(["license", "records", "may be passed on", "attribution"], rights, numbers=(1,))


def _foot(found: Findings) -> Markup:
    made = [node.card for node in found.of_kind("evaluation") if node.card]
    newest = max(card.created_at for card in made)
    commits = sorted({card.provenance.commit[:12] for card in made if card.provenance.commit})
    at = f" at commit {', '.join(commits)}" if commits else ""
    return tag("footer", f"Scores of {newest:%Y-%m-%d}, made by Kanagura{at}.")


def terminal(store: Store, refs: Sequence[Ref]) -> RenderableType:
    """Return what the page says, as far as a terminal can: scores, losses, similarity, the number of addresses."""
    found = gather(store, refs)
    shown = Table("task", "metric", *found.labels, "items", box=None, header_style="bold")
    for column in shown.columns[2:]:
        column.justify = "right"
    for task, metric in found.asked:
        figures = [evaluation.figure(task, metric) for evaluation in found.evaluations]
        lead = (task, metric) in found.headlines
        cells = [
            "-" if f is None else f"{f.value:.4f}" + ("" if f.stderr is None else f" ±{f.stderr:.3f}")
            for f in figures
        ]
        number = next(f.samples for f in figures if f)
        shown.add_row(task if lead else "", metric, *cells, f"{number:,}", style="" if lead else "dim")
    told: list[RenderableType] = [shown, Text()]
    for name, loss in found.losses.items():
        values = [float(row["loss"]) for row in loss]
        told.append(Text(f"loss {name}  {values[0]:.3f} {spark(values)} {values[-1]:.3f}"))
    for name, tensors in found.similarities.items():
        roles = pair_of(tensors, found.merges.get(name))
        cosines = [value for one in tensors if roles and (value := one.cosine(roles)) is not None]
        if cosines:
            mean = sum(cosines) / len(cosines)
            told.append(Text(f"task vectors {name}  mean cosine {mean:+.3f} over {len(cosines)} tensors"))
    captured = [node.card.counts.get("captures", 0) for node in found.of_kind("captures") if node.card]
    told.append(Text(f"made from {sum(captured):,} addresses in {len(captured)} captures versions"))
    return Group(*told)


def spark(values: Sequence[float], width: int = 32) -> str:
    """Return ``values`` as a line of at most ``width`` block characters, each the mean of its share."""
    count = min(width, len(values))
    cuts = [round(place * len(values) / count) for place in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(cuts)]
    low, high = min(means), max(means)
    scale = (len(TICKS) - 1) / (high - low) if high > low else 0.0
    return "".join(TICKS[round((mean - low) * scale)] for mean in means)
