"""Tells what came of reading the stored judgments of pfmt-bench-fin-ja again: a line per file, and figures of all."""

from collections.abc import Mapping, Sequence

from eval.published.pfmt import Reread

HEADINGS = ("judge", "model", "rows", "differ", "overall", "± s.e.", "printed", "failures as 0", "left out", "wrong language")  # fmt: skip


def lines(found: Sequence[Reread]) -> list[tuple[str, ...]]:
    """Return one row of texts per stored file, under ``HEADINGS``; ``differ`` counts scores and prompts."""
    return [
        (
            one.judge,
            one.model,
            f"{one.rows:,}",
            f"{one.scores_differ + (one.prompts_differ or 0):,}",
            f"{one.overall.value:.4f}",
            "" if one.overall.clustered is None else f"{one.overall.clustered:.4f}",
            "" if one.pictured is None else f"{one.pictured:.2f}",
            f"{one.bounds.low:.4f}",
            f"{one.bounds.high:.4f}",
            _stopped(one),
        )
        for one in found
    ]


def figures(found: Sequence[Reread]) -> Mapping[str, float | int | None]:
    """Return the figures of all files: judgments read, scores and prompts that differ, printed values that are met.

    ``stopped_for_language`` answers scored 0 for their opening, ``regained`` of them pass when all of them is looked at.
    ``gates_agree`` is the share of answers on which the gate by the given detector and the stored one agree, None without.
    """
    printed = [one.as_pictured for one in found if one.as_pictured is not None]
    gates = [one.gates for one in found if one.gates]
    total = sum(map(sum, gates))
    return {
        "judgments": sum(one.rows for one in found),
        "scores_differ": sum(one.scores_differ for one in found),
        "prompts_differ": sum(one.prompts_differ or 0 for one in found),
        "printed": len(printed),
        "printed_met": sum(printed),
        "stopped_for_language": sum(one.failures.get("language", 0) for one in found),
        "regained": sum(one.regained or 0 for one in found),
        "gates_agree": sum(gate[0] + gate[3] for gate in gates) / total if total else None,
    }


def _stopped(one: Reread) -> str:
    stopped = one.failures.get("language", 0)
    return f"{stopped}" if one.regained is None else f"{stopped}, {one.regained} of them pass as a whole"
