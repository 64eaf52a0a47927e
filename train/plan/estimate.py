"""Puts a plan together: from a recipe, a config and an amount of text to steps, memory, hours and advice."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from train.plan.advice import advice, notes, warnings
from train.plan.amount import Amount
from train.plan.flops import Work, peak_flops
from train.plan.memory import STAGES, Memory, Size, cards_needed, single, zero
from train.plan.precision import unchanged_after, unchanged_by
from train.plan.record import Amounts, Disk, Estimate, Holds, Hours, Thing, Way, Weights
from train.plan.steps import Steps, packed, padded
from train.recipe import TrainRecipe
from train.trainers.causal_lm import CausalLM

#: Published shares of what a card can do, for models of this kind: (card, share, where from).
SPEEDS = (
    ("A100", 0.45, "what a well-made run should reach"),
    ("A100", 0.576, "llm-foundry: 13B, 4096 tokens, recomputing, 8 cards"),
    ("H100", 0.398, "llm-foundry: 13B, 2048 tokens, 8 cards"),
)


def size_of(
    config: Mapping[str, Any], options: CausalLM, *, whole: bool, cuda: bool = True
) -> tuple[Size, Any]:
    """Return what memory depends on, and the numbers of weights; ``whole``: one process without DeepSpeed."""
    from train.trainers import dry_run

    found = dry_run.parameters(config)
    rows, length = options.rows_per_device, options.sequence_length
    peaks = dry_run.peaks(config, rows=rows, length=length, options=options, whole=whole, cuda=cuda)
    trained = dry_run.adapters(config, options.lora) if options.lora else found.total
    masks = _masks(options, found.layers)
    size = Size(found.total, trained, found.largest, peaks.turn, peaks.last, masks)
    return size, found


def _masks(options: CausalLM, layers: int) -> int:
    """Return the bytes of masks: kernels that do not take borders get a square of every row, each layer in its own format."""
    if options.attention not in ("sdpa", "eager"):
        return 0
    square = options.rows_per_device * options.sequence_length**2
    wide = 2 if options.precision == "bf16" else 4
    return square + square * wide * (1 if options.gradient_checkpointing else layers)


def memory(config: Mapping[str, Any], options: CausalLM, *, cuda: bool) -> Memory:
    """Return what each process of a run with these options holds."""
    size, _ = size_of(config, options, whole=options.deepspeed is None, cuda=cuda)
    if options.deepspeed is None:
        return single(size, options, cuda=cuda)
    return zero(size, options, options.deepspeed.zero_stage, options.processes, cuda=cuda)


def estimate(
    recipe: TrainRecipe,
    options: CausalLM,
    config: Mapping[str, Any],
    amount: Amount,
    *,
    card: float,
    cards: int,
    price: float | None = None,
) -> Estimate:
    """Return the plan of a run on ``cards`` cards of ``card`` bytes each.

    ``price`` is for one card and hour. Nothing is loaded.
    """
    sharded, found = size_of(config, options, whole=False)
    one, _ = size_of(config, options, whole=True)
    plain = options.model_copy(update={"loss_chunk": 1 << 62})
    unchunked, _ = size_of(config, plain, whole=options.deepspeed is None)
    here = one if options.deepspeed is None else sharded
    makers = {stage: partial(_on, one if stage == 0 else sharded, options, stage) for stage in STAGES}
    held = tuple(_holds(makers[stage], 1 if stage == 0 else cards, card) for stage in STAGES)
    asked = held[options.deepspeed.zero_stage if options.deepspeed else 0]
    steps, apart = packed(amount, options), padded(amount, options)
    work = Work(found.total - found.looked_up - found.idle, found.attended)
    ways = _way(steps, work), _way(apart, work)
    running = 1 if options.deepspeed is None else cards
    return Estimate(
        recipe=f"{recipe.name}@{recipe.version}",
        base=recipe.base,
        weights=Weights(
            total=found.total,
            trained=here.trained,
            looked_up=found.looked_up,
            largest_module=found.largest,
        ),
        amounts=Amounts(
            documents=amount.documents, tokens=amount.tokens, how=amount.how, stderr=amount.stderr
        ),
        epochs=options.epochs,
        packed=ways[0],
        padded=ways[1],
        card_bytes=int(card),
        asked=asked,
        memory=held,
        plain_scores=max(0, unchunked.turn - here.turn),
        hours=_hours(*ways, options, running, price),
        disk=_disk(amount, found.total, here.trained, options),
        unchanged_step=unchanged_by(options.learning_rate),
        unchanged_run=unchanged_after(steps.walk),
        advice=advice(asked, held, card, options, plain=max(0, unchunked.turn - here.turn)),
        notes=notes(recipe, options, steps, amount, cards),
        warnings=warnings(options, steps, config),
    )


def _on(size: Size, options: CausalLM, stage: Any, cards: float) -> Memory:
    if stage == 0:
        return single(size, options.model_copy(update={"deepspeed": None}), cuda=True)
    return zero(size, options, stage, cards, cuda=True)


def _holds(make: "partial[Memory]", cards: int, card: float) -> Holds:
    found = make(cards)
    return Holds(
        stage=found.stage,
        cards=cards,
        states=found.states,
        backward=found.during("backward"),
        step=found.during("step"),
        total=found.total,
        fits=found.total <= card,
        needs=cards_needed(make, card) if found.stage else (1.0 if found.total <= card else None),
        things=tuple(Thing(name=one.name, bytes=one.bytes, when=one.when) for one in found.items),
    )


def _way(steps: Steps, work: Work) -> Way:
    """Return the record of a way; places without a token are computed like those with one, but attend to nothing."""
    return Way(
        rows=steps.rows,
        fill=steps.fill,
        steps=steps.steps,
        rate_sum=steps.rate_sum,
        walk=steps.walk,
        flops=6.0 * work.used * steps.computed + 12.0 * work.attended * steps.squares * steps.epochs,
    )


def _hours(
    packed_: Way, padded_: Way, options: CausalLM, cards: int, price: float | None
) -> tuple[Hours, ...]:
    made = []
    for name, share, source in SPEEDS:
        peak = peak_flops(name, options.precision)
        if peak is None:
            continue
        rate = cards * peak * share * 3600
        hours = packed_.flops / rate
        made.append(
            Hours(
                card=name,
                mfu=share,
                source=source,
                hours=hours,
                hours_padded=padded_.flops / rate,
                price=hours * cards * price if price is not None else None,
            )
        )
    return tuple(made)


def _disk(amount: Amount, total: int, trained: int, options: CausalLM) -> Disk:
    """Return the bytes on the disk: every saved state is float32 weights and two moments, one more while it is written."""
    wide = {"fp32": 4, "bf16": 2}
    return Disk(
        tokens=4 * amount.tokens,
        states=12 * trained * (options.keep + 1),
        result=wide[options.weights] * total,
        vector=wide[options.vector] * total if options.vector else 0,
    )
