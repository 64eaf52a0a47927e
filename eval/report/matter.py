"""All that a report is written from, collected once: what was found, compared, seen in training, and the examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datacards.card import Ref
from datacards.store import Store
from eval.report.blocks import Example
from eval.report.examples import examples
from eval.report.exposure import Seen, seen
from eval.report.found import Found, gather
from eval.report.pairs import Pairs, against_baseline
from eval.report.printed import Publications, Role, published


@dataclass(frozen=True, slots=True)
class Matter:
    """What a report tells; ``prompts`` are all prompts of which ``examples`` shows the first."""

    found: Found
    pairs: Pairs
    seen: Seen
    examples: tuple[Example, ...]
    prompts: int
    known: Publications


def collect(
    store: Store, refs: Sequence[Ref], *, baseline: str = "", roles: Mapping[Role, str] | None = None
) -> Matter:
    """Return the matter of a report on ``refs``; see ``eval.report.found.gather`` for what is meant and refused."""
    found = gather(store, refs, baseline=baseline, roles=roles)
    shown, prompts = examples(store, found)
    return Matter(found, against_baseline(found), seen(store, found), tuple(shown), prompts, published())
