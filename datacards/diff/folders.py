"""Two checkpoints, evaluations or takedowns: which files and metrics differ."""

from datacards.card import Card
from datacards.diff.base import Why
from datacards.diff.record import Change, Row, Spool
from datacards.diff.versions import difference, other_code

FILES, METRICS = "files", "metrics"


def file_rows(a: Card, b: Card, spool: Spool) -> tuple[dict[str, int], dict[str, int], int]:
    """Write the files and metrics that differ; return how many there are before and after, and how many are the same.

    Their reason is what the two cards were asked for, made from and made by, the first of these that differs.
    """
    why = _why(a, b)
    shared = 0
    rows = []
    sides = (
        (FILES, {one.path: f"{one.sha256} ({one.bytes} bytes)" for one in a.files}, {one.path: f"{one.sha256} ({one.bytes} bytes)" for one in b.files}),
        (METRICS, {name: repr(value) for name, value in a.metrics.items()}, {name: repr(value) for name, value in b.metrics.items()}),
    )  # fmt: skip
    for form, old, new in sides:
        for name in sorted({*old, *new}):
            if old.get(name) == new.get(name):
                shared += form == FILES
                continue
            change: Change = (
                "changed" if name in old and name in new else "removed" if name in old else "added"
            )
            values = f"{old.get(name, 'absent')} -> {new.get(name, 'absent')}"
            told = f"{values}; {why.detail}" if form == METRICS else why.detail
            rows.append(
                Row(
                    form,
                    change,
                    why.reason,
                    told,
                    old.get(name, "")[:64],
                    new.get(name, "")[:64],
                    "",
                    name,
                    "",
                    "",
                )
            )
    spool.add(rows)
    before, after = ({form: len(side[at]) for form, *side in sides} for at in (0, 1))
    return before, after, shared


def _why(a: Card, b: Card) -> Why:
    if found := difference(a, b):
        return Why("other_recipe", "; ".join(f"{path}: {told}" for path, told in found.items()))
    inputs = [[(str(one), one.digest) for one in card.made_from] for card in (a, b)]
    if inputs[0] != inputs[1]:
        return Why(
            "other_inputs", " -> ".join(", ".join(name for name, _ in one) or "nothing" for one in inputs)
        )
    return Why("other_code", other_code(a, b)) if other_code(a, b) else Why("unexplained")
