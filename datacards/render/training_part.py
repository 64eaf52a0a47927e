"""The part of the report about training: what held-out text says of it, and what was forgotten."""

from collections.abc import Iterable

from datacards.render.markup import Markup, table, tag
from datacards.render.training import HELD_OUT, SHOWN, forgetting, losses
from datacards.trained import Training


def held_out_part(name: str, told: Training) -> Iterable[Markup]:
    """Yield what is told of the trained checkpoint ``name``, nothing where no text was held out."""
    if not told.held_out:
        return
    ordered = sorted(told.held_out, key=lambda one: (one.measured_only, -one.tokens, one.label))
    yield tag("h3", name)
    yield table(
        HELD_OUT,
        [(one.label, f"{one.tokens:,}", *losses(one)) for one in ordered[:SHOWN]],
        numbers=range(1, len(HELD_OUT)),
        minor=[place for place, one in enumerate(ordered[:SHOWN]) if one.measured_only],
    )
    if said := forgetting(ordered):
        yield tag("p", tag("strong", said[0]), said[1])
    yield tag(
        "p",
        "Losses on documents that training has not read, in nats per token; soft rows are of versions that were only "
        "measured.",
        class_="soft",
    )
