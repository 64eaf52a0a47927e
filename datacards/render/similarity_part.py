"""The part of the report about merging: the figure, what it means in plain words, and the numbers."""

from collections.abc import Iterable, Sequence

from datacards.merged import MAIN, Merged, Roles, Similarity
from datacards.render.markup import Markup, details, image, table, tag
from datacards.render.merging import far, signed, told_pair
from datacards.render.similarity_plot import figure

_SOFT = (
    "The task vectors are what each model learned beyond the base, tensor by tensor. The nearer their cosine to zero, the "
    "less they should disturb each other when both are added (arXiv 2409.19854, fig. 4); gray is where 95 % of random "
    "directions of as many numbers lie."
)


def similarity_part(name: str, rows: Sequence[Similarity], merged: Merged | None) -> Iterable[Markup]:
    """Yield what is told of the merged checkpoint ``name``; a version of an earlier form has no ``merged``."""
    roles = pair_of(rows, merged)
    yield tag("h3", name)
    if merged:
        for told in merged.independence[:1]:
            yield tag("p", told)
        if more := merged.independence[1:]:
            yield tag("p", " ".join(more), class_="soft")
    if roles and (drawn := figure(rows, roles)):
        yield image(drawn, f"similarity of the task vectors of {name} per layer")
    yield tag("p", _SOFT, class_="soft")
    if merged and (pairs := [pair for pair in far(merged.pairs) if pair.spread]):
        shown = [
            (
                " and ".join(one.roles),
                f"{one.tensors:,}",
                signed(s.mean),
                f"{s.std:.4f}",
                signed(s.max),
                signed(s.min),
            )
            for one in pairs
            if (s := one.spread)
        ]
        head = ["task vectors", "tensors", "mean", "standard deviation", "max", "min"]
        yield table(head, shown[:1], numbers=range(1, 6))
        if shown[1:]:
            yield details(f"{len(shown) - 1:,} further pairs", table(head, shown[1:], numbers=range(1, 6)))
    if roles and (outside := [row for row in rows if row.layer is None]):
        yield table(
            ["outside the layers", "cosine", *(f"norm, {role}" for role in roles)],
            [
                (row.tensor, _cosine(row, roles), *(f"{row.norms[role]:.4g}" for role in roles))
                for row in outside
            ],
            numbers=range(1, 4),
        )


def _cosine(row: Similarity, roles: Roles) -> str:
    value = row.cosine(roles)
    return "undefined" if value is None else signed(value)


def pair_of(rows: Sequence[Similarity], merged: Merged | None) -> Roles | None:
    """Return the pair to tell of: that of the sentences, or the paper's in a version that has none."""
    known = {pair.roles for row in rows for pair in row.pairs}
    told = told_pair(merged)
    return told if told in known else next(iter(sorted(known, key=lambda one: (one != MAIN, one))), None)
