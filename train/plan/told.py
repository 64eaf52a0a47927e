"""Writes a plan as text for people."""

from train.plan.advice import gb, named
from train.plan.record import Estimate, Holds, Way


def told(plan: Estimate) -> str:
    """Return the plan as some paragraphs and tables of plain text."""
    lines = [
        f"{plan.recipe} from {plan.base}",
        f"  weights    {plan.weights.total:,}" + _trained(plan),
        f"  documents  {plan.amounts.documents:,}, tokens {plan.amounts.tokens:,}{_error(plan)}; {plan.amounts.how}",
        "",
        f"{'':12}{'packed':>16}{'one a row':>16}",
        *_ways(plan.packed, plan.padded),
        "",
        *_memory(plan),
        "",
        plan.advice,
        "",
        *_hours(plan),
        "",
        f"Disk: token cache {gb(plan.disk.tokens)}, saved states {gb(plan.disk.states)}, result {gb(plan.disk.result)}"
        + (f", vector {gb(plan.disk.vector)}" if plan.disk.vector else "")
        + ".",
        *plan.notes,
        *(f"Warning: {one}" for one in plan.warnings),
    ]
    return "\n".join(lines)


def _trained(plan: Estimate) -> str:
    made = plan.weights
    return f", of which {made.trained:,} are trained" if made.trained != made.total else ""


def _error(plan: Estimate) -> str:
    return f" ± {plan.amounts.stderr:,.0f}" if plan.amounts.stderr else ""


def _ways(packed: Way, padded: Way) -> list[str]:
    rows = [
        ("rows", f"{packed.rows:,}", f"{padded.rows:,}"),
        ("filled", f"{packed.fill:.2%}", f"{padded.fill:.2%}"),
        ("steps", f"{packed.steps:,}", f"{padded.steps:,}"),
        ("sum of rates", f"{packed.rate_sum:.3g}", f"{padded.rate_sum:.3g}"),
        ("random walk", f"{packed.walk:.2g}", f"{padded.walk:.2g}"),
    ]
    lines = [f"{name:12}{one:>16}{other:>16}" for name, one, other in rows]
    return [*lines, "(how far all steps move a weight at most: each the same way, and each its own way)"]


def _memory(plan: Estimate) -> list[str]:
    """Return one line for each stage, and the items of the one that is asked for."""
    head = f"{'memory on each card':24}{'cards':>6}{'states':>12}{'backward':>12}{'step':>12}{'most':>12}"
    lines = [head, *(_stage(one, chosen=one.stage == plan.asked.stage) for one in plan.memory)]
    lines += ["", f"{named(plan.asked.stage)} holds:"]
    for thing in plan.asked.things:
        if thing.bytes:
            when = "" if thing.when == "always" else f"  ({thing.when})"
            lines.append(f"  {gb(thing.bytes):>10}  {thing.name}{when}")
    return lines


def _stage(held: Holds, *, chosen: bool) -> str:
    name = ("* " if chosen else "  ") + named(held.stage)
    sizes = "".join(f"{gb(size):>12}" for size in (held.states, held.backward, held.step, held.total))
    return f"{name:24}{held.cards:>6}{sizes}  {'fits' if held.fits else 'does not fit'}"


def _hours(plan: Estimate) -> list[str]:
    lines = []
    for one in plan.hours:
        price = f", {one.price:,.0f} for all cards" if one.price is not None else ""
        lines.append(
            f"{one.card} at {one.mfu:.1%} of its peak ({one.source}): {one.hours:,.1f} hours packed{price};"
            f" {one.hours_padded:,.0f} with one document a row"
        )
    return lines
