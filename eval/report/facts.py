"""All figures of a report as plain values for JSON: each with its model, its items and where it comes from."""

from dataclasses import asdict
from typing import Any

from datacards.card import Ref
from datacards.render.evaluation import bounds, error
from eval.report.exposure import seen_facts
from eval.report.found import Found, Taken
from eval.report.matter import Matter
from eval.report.numbers import overall
from eval.report.pairs import trails_of


def facts(matter: Matter) -> dict[str, Any]:
    """Return everything that the report tells in numbers; every figure names the lineage it has in ``lineage``."""
    found, pairs = matter.found, matter.pairs
    return {
        "models": [
            {"label": c.label, "role": c.role, **_ref(c.model), "baseline": place == found.baseline}
            for place, c in enumerate(found.columns)
        ],
        "figures": [one for taken in found.trails for one in _figures(taken)],
        "overall": _overall(found),
        "comparisons": [
            asdict(one) | {"lineage": trails_of(found, one)}
            for one in (*pairs.compared.tasks, *pairs.compared.suites, *pairs.compared.groups)
        ],
        "not_compared": [{"task": task, "why": told} for task, told in pairs.refused],
        "seen_in_training": seen_facts(matter.seen),
        "clean_comparisons": [asdict(one) for one in matter.seen.clean.compared.tasks],
        "examples": [asdict(one) for one in matter.examples],
        "published": matter.known.model_dump(mode="json"),
        "lineage": {one.key: _lineage(one) for one in found.trails},
    }


def _ref(ref: Ref) -> dict[str, str]:
    return {"version": str(ref), "digest": ref.digest}


def _figures(taken: Taken) -> list[dict[str, Any]]:
    told = []
    for score in taken.scores:
        low, high = bounds(score) or (None, None)
        told.append(
            score.model_dump(mode="json")
            | {"model": str(taken.model), "suite": taken.record.suite, "lineage": taken.key}
            | {"error": error(score), "low": low, "high": high}
        )
    return told


def _overall(found: Found) -> list[dict[str, Any]]:
    told = []
    for suite, records in found.tasks.items():
        for column in found.columns:
            if mean := overall(column, [record.task for record in records]):
                lineage = [column.taken[r.task].key for r in records if r.task in column.taken]
                told.append(
                    asdict(mean) | {"suite": suite, "model": str(column.model), "lineage": lineage}
                )  # fmt: skip
    return told


def _lineage(one: Taken) -> dict[str, Any]:
    return {
        "evaluation": _ref(one.evaluation),
        "samples": {"path": one.samples, "sha256": one.samples_sha256},
        "task": one.record.model_dump(mode="json"),
        "model": _ref(one.model),
        "corpora": [_ref(ref) for ref in one.corpora],
        "command": one.command,
    }
