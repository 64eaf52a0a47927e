"""What the card says of a run: figures and counts, and the record that ``training.json`` holds."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datacards.trained import Processes, Seen, Spike, Training, held_out
from train.base import Trained
from train.watch.spikes import Verdict

if TYPE_CHECKING:
    from train.trainers.loop import Training as Run


def told(run: "Run") -> Trained:
    """Return what a run that has ended says of itself."""
    lines, here = run.lines.kept, run.lines.kept[run.first :]
    before = run.lines.kept[run.first - 1]["tokens"] if run.first else 0
    seen = lines[-1]["tokens"]
    metrics = {
        "loss_first": lines[0]["loss"],
        "loss_final": lines[-1]["loss"],
        "packing_fill": run.order.fill,
        "tokens_per_second": (seen - before) / max(run.seconds, 1e-9) if here else 0.0,
        "peak_memory_gb": run.engine.peak_memory() / 1e9,
    }
    counts = {
        "documents": run.tokens.n_documents,
        "tokens": run.tokens.n_tokens,
        "rows": run.order.n_rows,
        "steps": len(lines),
        "tokens_seen": seen,
    }
    drops = {"empty_text": run.tokens.dropped} if run.tokens.dropped else {}
    record = _record(run)
    for one in record.held_out:
        for when, loss in (("before", one.before), ("after", one.after)):
            if loss is not None:
                metrics[f"held_out_{when}: {one.label}"] = loss
    return Trained(metrics, counts, drops, str(run.engine.device_name), record.model_dump(mode="json"))


def _record(run: "Run") -> Training:
    skipped = tuple(line["step"] for line in run.rows.kept if line.get("skipped"))
    return Training(
        tokenizer=run.tokens.tokenizer,
        seen=_seen(run),
        held_out=held_out(run.losses.kept, _measured_only(run)),
        precision=run.options.precision,
        attention=run.engine.attention,
        loss=run.engine.loss,
        processes=tuple(Processes(**one) for one in run.processes),
        packing_fill=run.order.fill,
        spikes=tuple(spike for verdict in run.found for spike in _spikes(verdict)),
        skipped=skipped,
        notes=_notes(run),
    )


def _seen(run: "Run") -> tuple[Seen, ...]:
    """Return what was read of each group that is trained on."""
    tokens = run.seen()
    chosen = (run.tokens.times > 0) & (run.tokens.lengths > 0)
    wanted = set(np.unique(run.tokens.group[chosen]).tolist())
    documents = Counter(dict(enumerate(np.bincount(run.tokens.group[_read(run)]).tolist())))
    return tuple(
        Seen(
            corpus=group.corpus,
            format=group.format,
            source=group.source,
            documents=documents[number],
            tokens=tokens[number],
        )
        for number, group in enumerate(run.tokens.groups)
        if number in wanted
    )


def _read(run: "Run") -> NDArray[np.bool_]:
    """Return which documents the steps have learned from: a weight below 1, ``max_steps`` or a step left out spares some."""
    skipped = {line["step"] for line in run.rows.kept if line.get("skipped")}
    if not run.engine.is_first:  # nobody hears it from the others
        return np.zeros(len(run.tokens.lengths), np.bool_)
    if run.n_steps == run.order.steps and not skipped:
        return run.order.read()
    found = np.zeros(len(run.tokens.lengths), np.bool_)
    for step in range(run.n_steps):
        if step + 1 not in skipped:
            found[run.order.rows(step).document] = True
    return found


def _measured_only(run: "Run") -> list[str]:
    """Return the labels of versions that are only measured: they stand in front."""
    versions = {file.corpus for file in run.tokens.files if file.validation}
    return [label for label in run.held_out if label.partition(": ")[0] in versions]


def _spikes(verdict: Verdict) -> list[Spike]:
    return [
        Spike(step=verdict.step, figure=one.name, value=one.value, usual=one.usual, deviations=one.deviations)
        for one in verdict.figures
    ]


def _notes(run: "Run") -> tuple[str, ...]:
    """Return sentences on what a reader of the result must know."""
    notes = []
    if run.n_steps < run.order.steps:
        share = run.n_steps / run.order.steps
        notes.append(
            f"max_steps ended the run after {run.n_steps:,} of {run.order.steps:,} steps: {share:.1%} of the rows were read."
        )
    notes += [
        f"Held out as {label}: {one.number:,} of {one.of:,} documents are trained on, too, word for word from another place."
        for label, one in run.repeated.items()
    ]
    if run.unchanged > 0.5:
        notes.append(lost(run.unchanged, run.options.learning_rate))
    return tuple(notes)


def lost(unchanged: float, rate: float) -> str:
    """Return what to know of a rate at which a step leaves that share of the weights as they are in bfloat16."""
    return (
        f"A step of AdamW at the learning rate {rate:g} leaves {unchanged:.0%} of these weights as they are in bfloat16: the "
        "steps are taken on float32 weights, and a copy stored in bfloat16 holds little of what was learned (`vector: bf16` "
        "holds it)."
    )
