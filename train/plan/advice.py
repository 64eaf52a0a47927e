"""Says in sentences whether a run fits, what to do when it does not, and what of the recipe one should know."""

from collections.abc import Mapping, Sequence
from typing import Any

from train.plan.amount import Amount
from train.plan.precision import unchanged_after, unchanged_by
from train.plan.record import Holds
from train.plan.steps import Steps
from train.recipe import TrainRecipe
from train.trainers.causal_lm import CausalLM

LOST = 0.9  # share of weights a step leaves as they are in bfloat16, from which on a warning is given


def gb(size: float) -> str:
    """Return bytes as GB (10^9 bytes) in words."""
    return f"{size / 1e9:,.1f} GB" if size < 1e10 else f"{size / 1e9:,.0f} GB"


def named(stage: int) -> str:
    """Return what a stage is called."""
    return f"ZeRO-{stage}" if stage else "One process"


def advice(asked: Holds, held: Sequence[Holds], card: float, options: CausalLM, *, plain: int) -> str:
    """Return one sentence or two: what is needed, what a card has, and what fits.

    ``plain`` are the bytes that scores would take if all tokens went through the output layer at once.
    """
    on = f"on each of {asked.cards} cards" if asked.cards > 1 else "on one card"
    told = f"{named(asked.stage)} needs {gb(asked.total)} {on}, a card has {gb(card)}"
    if asked.fits:
        room = card - asked.total
        unchunked = f" Without loss_chunk it would need {gb(plain)} more and not fit." if plain > room else ""
        return f"{told}: it fits, {gb(room)} are left.{unchunked}"
    if asked.needs is not None and asked.stage:
        told += f": needs {asked.needs:.1f} cards"
    others = [one for one in held if one.fits and one.stage != asked.stage]
    if others:
        ways = " and ".join(f"{named(one.stage)} fits ({gb(one.total)})" for one in others)
        return f"{told}; {ways}."
    return f"{told}; {_otherwise(held[-1], options)}."


def _otherwise(most: Holds, options: CausalLM) -> str:
    """Return what else can be done when no stage fits on the cards there are."""
    ways = []
    if not options.gradient_checkpointing:
        ways.append("set gradient_checkpointing: true")
    if options.rows_per_device > 1:
        ways.append(f"lower rows_per_device ({options.rows_per_device})")
    if most.needs is not None:
        ways.append(f"take {int(most.needs) + 1} cards with ZeRO-3")
    if options.lora is None:
        ways.append("train adapters alone (lora)")
    return "no stage fits: " + ", or ".join(ways or ["take a smaller model"])


def notes(
    recipe: TrainRecipe, options: CausalLM, steps: Steps, amount: Amount, cards: int
) -> tuple[str, ...]:
    """Return facts of the recipe that bear on what is learned, none of which is a mistake."""
    found = [
        f"Warm-up: {options.warmup_steps:,} steps." if options.warmup_steps else "Warm-up: none.",
        f"Replay of general text: {recipe.replay.share:.0%} of all tokens."
        if recipe.replay
        else "Replay of general text: none (arXiv 2403.08763 finds that 1 to 5 % already keeps a model from forgetting).",
    ]
    if recipe.validation is None:
        found.append("Held-out loss: none is measured (validation is not set).")
    if options.deepspeed and options.processes != cards:
        found.append(f"The recipe asks for {options.processes} processes, the plan is for {cards} cards.")
    if long := int(((amount.lengths > options.sequence_length) & (amount.times > 0)).sum()):
        found.append(
            f"{long:,} documents are longer than a row of {options.sequence_length:,} tokens and are cut."
        )
    return tuple(found)


def warnings(options: CausalLM, steps: Steps, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what will go wrong, or be lost, though the run works."""
    found = []
    lost = unchanged_by(options.learning_rate)
    if lost >= LOST and options.vector is None and steps.steps:
        run = unchanged_after(steps.walk)
        found.append(
            f"A step of {options.learning_rate:g} is less than bfloat16 weights can hold: it leaves {lost:.1%} of them as they are"
            f" (of a normal distribution with deviation 0.02), and all {steps.steps:,} steps together some {run:.0%}, if they go"
            f" as a random walk ({steps.walk:.1e}). Training steps on float32 weights and loses nothing; a result in bfloat16"
            " does. Say vector: bf16 to keep what was learned beside it at the same size."
        )
    if options.warmup_steps >= steps.steps:
        found.append(
            f"warmup_steps = {options.warmup_steps:,}, but the run has {steps.steps:,} steps: it will be refused."
        )
    known = config.get("max_position_embeddings")
    if isinstance(known, int) and options.sequence_length > known:
        found.append(
            f"sequence_length = {options.sequence_length:,}, but the base knows {known:,} positions: it will be refused."
        )
    return tuple(found)
