"""The part of a trained checkpoint's page that says what it has seen, what held-out text says of it, and how it ran."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from datacards.card import Card
from datacards.render.markdown import Markdown, code, share, table, text
from datacards.render.merging import percent
from datacards.trained import (
    LOSS,
    MONITOR,
    TRAINING,
    VALIDATION,
    HeldOut,
    Spike,
    Training,
    read_figures,
    read_training,
)

CURVES = "plots/training.svg"
SHOWN = 40  # rows of a table; the others stand in training.json
_TOLD = 12  # steps that a sentence names
_STEADY = 0.005  # a change of perplexity below half a percent is told as none
HELD_OUT = ("source", "tokens", "loss before", "after", "perplexity before", "after", "change")
_ROLES = {"corpus": "trained on", "replay": "trained on against forgetting", "validate": "only measured"}


def is_trained(card: Card) -> bool:
    """Tell whether a version is a checkpoint with a loss curve."""
    return card.kind == "checkpoint" and any(file.path == LOSS for file in card.files)


def training_part(card: Card, path: Path) -> list[str]:
    """Return the parts of the page of a trained checkpoint whose files lie in ``path``, none for any other version."""
    if not is_trained(card):
        return []
    drawn = [f"![{_alt(path)}]({CURVES})"] if any(file.path == CURVES for file in card.files) else []
    told = read_training(path)
    if told is None:
        return ["## Training", *drawn] if drawn else []
    return [
        "## Training",
        *_inputs(told),
        *drawn,
        *_held_out(told.held_out),
        *_monitor(told),
        *_seen(told),
        *_ran(told),
    ]


def _alt(path: Path) -> str:
    """Return what the picture is to who cannot see it: its panels, and where the loss began and ended."""
    losses = [
        value
        for line in read_figures(path / LOSS)
        if isinstance(value := line.get("loss"), int | float) and math.isfinite(value)
    ]
    also = [
        word
        for name, word in ((VALIDATION, "held-out losses"), (MONITOR, "monitored scores"))
        if read_figures(path / name)
    ]
    panels = ", ".join(["loss, learning rate and norms", *also])
    ends = f": the loss goes from {losses[0]:.4g} to {losses[-1]:.4g}" if losses else ""
    return f"{panels} over {len(losses):,} step{'s'[: len(losses) != 1]}{ends}"


def _inputs(told: Training) -> Iterable[str]:
    rows: list[Sequence[object]] = []
    if told.base:
        rows.append(("the base", told.base, code(told.base.digest[:16])))
    if told.tokenizer:
        rows.append(("its tokenizer", "", code(told.tokenizer[:16])))
    rows += [(_ROLES[one.role], one.ref, code(one.ref.digest[:16])) for one in told.inputs]
    if rows:
        yield table(["what", "version", "digest"], rows)


def _held_out(found: Sequence[HeldOut]) -> Iterable[str]:
    if not found:
        return
    yield "### Held-out text"
    ordered = sorted(found, key=lambda one: (one.measured_only, -one.tokens, one.label))
    yield table(HELD_OUT, [(_label(one), one.tokens, *losses(one)) for one in ordered[:SHOWN]])
    if len(ordered) > SHOWN:
        yield f"{len(ordered):,} in all; `{TRAINING}` has the others."
    yield "Losses are nats per token of documents that training has not read; the perplexity is their exponential."
    if told := forgetting(ordered):
        yield Markdown(f"**{told[0]}**{text(told[1])}")


def _label(one: HeldOut) -> str:
    return f"{one.label} (only measured)" if one.measured_only else one.label


def losses(one: HeldOut) -> tuple[str, ...]:
    """Return the cells of a row of ``HELD_OUT`` behind its tokens."""
    ends = (one.before, one.after)
    shown = [f"{value:.4f}" if value is not None else "" for value in ends]
    sizes = [f"{math.exp(min(value, 700.0)):.5g}" if value is not None else "" for value in ends]
    return (*shown, *sizes, f"{100 * one.change:+.2f} %" if one.change is not None else "")


def forgetting(found: Sequence[HeldOut]) -> tuple[str, str] | None:
    """Return a sentence on text of versions that were only measured, and one on the worst of several; None without any."""
    known = [(one, change) for one in found if one.measured_only and (change := one.change) is not None]
    if not known:
        return None
    n = sum(one.tokens for one, _ in known)
    logs = sum((one.tokens or 1) * math.log1p(change) for one, change in known)
    change = math.expm1(logs / sum(one.tokens or 1 for one, _ in known))
    if abs(change) < _STEADY:
        verdict = "is as it was: nothing of it was forgotten"
    elif change > 1:
        verdict = f"is {1 + change:.3g} times what it was: that much was forgotten"
    elif change > 0:
        verdict = f"has risen by {percent(change)}: that much was forgotten"
    else:
        verdict = f"has fallen by {percent(-change)}: nothing of it was forgotten"
    worst, most = max(known, key=lambda pair: pair[1])
    more = f" The most for {worst.label}: {100 * most:+.2f} %." if len(known) > 1 else ""
    return f"The perplexity on text that was not trained on ({n:,} tokens) {verdict}.", more


def _monitor(told: Training) -> Iterable[str]:
    if told.monitor:
        yield "### Monitored scores"
        yield table(
            ["score", "at the last saved step"],
            [(name, f"{value:.6g}") for name, value in told.monitor.items()],
        )


def _seen(told: Training) -> Iterable[str]:
    total = sum(one.tokens for one in told.seen)
    if not total:
        return
    yield "### Tokens seen"
    corpora = [("corpus", told.by("corpus"))] if len(told.by("corpus")) > 1 else []
    for key, rows in (*corpora, ("source", told.by("source")), ("format", told.by("format"))):
        shown = [
            (name or "not told", documents, tokens, share(tokens, total))
            for name, documents, tokens in rows[:SHOWN]
        ]
        if rest := rows[SHOWN:]:
            sums = sum(row[1] for row in rest), sum(row[2] for row in rest)
            shown.append((f"{len(rest):,} others", *sums, share(sums[1], total)))
        yield table([key, "documents", "tokens", "of all"], shown)
    yield "Tokens count as often as they were read, the end of every document among them; documents once."


def _ran(told: Training) -> Iterable[str]:
    yield "### How it ran"
    skipped = ", ".join(f"{step:,}" for step in told.skipped[:_TOLD])
    more = f" and {len(told.skipped) - _TOLD:,} more" if len(told.skipped) > _TOLD else ""
    rows = [
        ("precision", told.precision),
        ("attention kernel", code(told.attention) if told.attention else ""),
        ("loss kernel", code(told.loss) if told.loss else ""),
        ("processes", "; ".join(_processes(told))),
        ("places of the rows that hold a token", percent(told.packing_fill) if told.packing_fill else ""),
        ("steps left out", f"{skipped}{more}"),
    ]
    if known := [row for row in rows if row[1]]:
        yield table(["what", "value"], known)
    if told.spikes:
        yield _spiked(told.spikes)
        yield table(
            ["step", "figure", "value", "usual", "deviations"],
            [
                (one.step, one.figure, f"{one.value:.4g}", f"{one.usual:.4g}", f"{one.deviations:.0f}")
                for one in sorted(told.spikes, key=lambda one: -one.deviations)[:_TOLD]
            ],
        )
    if told.notes:
        yield "\n".join(f"- {text(note)}" for note in told.notes)


def _processes(told: Training) -> Iterable[str]:
    for one in told.processes:
        begun = f" from step {one.step:,} on" if len(told.processes) > 1 else ""
        yield f"{one.number:,}{f' on {one.device}' if one.device else ''}{begun}"


def _spiked(spikes: Sequence[Spike]) -> Markdown:
    steps = len({one.step for one in spikes})
    told = f"{steps:,} steps were" if steps > 1 else "One step was"
    return Markdown(
        f"{told} out of line; `train step` shows the documents of a step. The figures farthest out:"
    )
