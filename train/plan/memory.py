"""What a training run holds in memory on each card, item by item, for one process and for the stages of ZeRO.

What does not change from step to step follows arXiv 1910.02054, section 3: with AdamW a weight takes its compute format, a
gradient in the same, and 12 bytes for the float32 weight and both moments. What comes and goes within a step is read off
DeepSpeed 0.19 (runtime/zero/stage_1_and_2.py, stage3.py, config.py) and off a dry run of the model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from train.trainers.causal_lm import CausalLM

Stage = Literal[0, 1, 2, 3]
STAGES: tuple[Stage, ...] = (0, 1, 2, 3)
GB = 1e9

# Defaults of DeepSpeed's zero_optimization, in numbers, not bytes; the trainer leaves them as they are.
REDUCE_BUCKET = 5e8
MAX_LIVE = 1e9
SUB_GROUP = 1e9
#: What CUDA and its libraries take before a tensor is made, and what NCCL takes beside it: an allowance, not a measure.
CONTEXT, NCCL = 0.8e9, 0.7e9
MOST_CARDS = 4096


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that takes memory, in bytes on each card; ``when`` it is there: always, backward or step."""

    name: str
    bytes: int
    when: Literal["always", "backward", "step"] = "always"


@dataclass(frozen=True, slots=True)
class Memory:
    """What one card holds: ``stage`` 0 is one process without DeepSpeed."""

    stage: Stage
    cards: float
    items: tuple[Item, ...]

    def during(self, when: str) -> int:
        """Return the bytes that are held while gradients are computed (``backward``) or weights stepped (``step``)."""
        return sum(item.bytes for item in self.items if item.when in ("always", when))

    @property
    def total(self) -> int:
        """The bytes at the worse of both times."""
        return max(self.during("backward"), self.during("step"))

    @property
    def states(self) -> int:
        """The bytes of weights, gradients, float32 weights and moments: what papers and estimators count."""
        return sum(item.bytes for item in self.items if item.name in STATES)


WEIGHTS, GRADIENTS, MASTERS, MOMENTS = "weights", "gradients", "float32 weights", "moments"
STATES = (WEIGHTS, GRADIENTS, MASTERS, MOMENTS)


@dataclass(frozen=True, slots=True)
class Size:
    """What memory depends on beside options: numbers of weights, and the bytes that a dry run counted.

    ``trained`` are the weights that have gradients and moments: all, or those of adapters. ``turn``, ``saved`` and ``last`` are
    those of ``train.trainers.dry_run.Peaks``; ``masks`` are bytes of attention masks, which its kernel has none of.
    """

    weights: int
    trained: int
    largest: int
    turn: int
    last: int
    masks: int = 0


def single(size: Size, options: CausalLM, *, cuda: bool) -> Memory:
    """Return what one process without DeepSpeed holds: float32 everywhere, autocast for bf16, fused AdamW."""
    gradients = 4 * size.trained
    # Gradients come as activations go: at the top of the backward pass all activations, at its end all gradients.
    # When they add up over several turns, they are there all the time.
    rest = size.turn if options.turns > 1 else max(size.turn - gradients, size.last)
    return Memory(
        0,
        1,
        (
            Item(WEIGHTS, 4 * size.weights),
            Item(GRADIENTS, gradients),
            Item(MOMENTS, 8 * size.trained),
            Item("activations and scores", max(0, rest), "backward"),
            Item("attention masks", size.masks, "backward"),
            # Several processes without DeepSpeed each hold everything, and gradients once more to exchange them.
            *([Item("buckets for gradients", gradients)] if options.processes > 1 else []),
            *_allowances(cuda, several=options.processes > 1),
        ),
    )


def zero(size: Size, options: CausalLM, stage: Stage, cards: float, *, cuda: bool) -> Memory:
    """Return what each of ``cards`` processes holds under a stage of ZeRO; ``cards`` may be a fraction, to look for limits."""
    low = 2 if options.precision == "bf16" else 4
    weights, share = low * size.weights, size.trained / cards
    part = min(SUB_GROUP, share) if stage == 3 else share
    shared = stage == 3 and low == 4  # then the float32 weights are those that compute
    items = [
        Item(WEIGHTS, int(weights / cards) if stage == 3 else weights),
        Item(GRADIENTS, int(low * (share if stage >= 2 else size.trained)), _whole(stage)),
        Item(MASTERS, 0 if shared else int(4 * share)),
        Item(MOMENTS, int(8 * share)),
        Item("activations and scores", size.turn, "backward"),
        Item("attention masks", size.masks, "backward"),
        Item("buckets for gradients", int(low * _bucket(size, stage, cuda=cuda)), "backward"),
        Item("gradients in float32, as they are stepped on", int((4 if low == 2 else 0) * part), "step"),
    ]
    if stage == 1:
        items.append(Item("gradients of this card's share", int(low * share), "step"))
    if stage == 3:
        live = min(size.weights, max(MAX_LIVE, 2 * size.largest))
        items.append(Item("gathered weights", int(low * live), "backward"))
    return Memory(stage, cards, (*items, *_allowances(cuda, several=cards > 1)))


def _whole(stage: Stage) -> Literal["always", "backward"]:
    """Return when gradients are there: in stage 1 those of other cards go before the step."""
    return "backward" if stage == 1 else "always"


def _bucket(size: Size, stage: Stage, *, cuda: bool) -> float:
    """Return the numbers in buckets: allocated whole on a GPU, two in stages 1 and 2; a CPU has only what is written to."""
    if cuda:
        return REDUCE_BUCKET * (1 if stage == 3 else 2)
    return min(REDUCE_BUCKET, size.trained)


def _allowances(cuda: bool, *, several: bool) -> list[Item]:
    if not cuda:
        return []
    found = [Item("CUDA context, an allowance", int(CONTEXT))]
    return [*found, Item("NCCL, an allowance", int(NCCL))] if several else found


def cards_needed(at: Callable[[float], Memory], card: float) -> float | None:
    """Return of how many cards of ``card`` bytes each would be just full; None where no number of cards is enough."""
    if at(MOST_CARDS).total > card:
        return None
    low, high = 1.0, float(MOST_CARDS)
    if at(low).total <= card:
        return 1.0
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle).total > card else (low, middle)
    return high
