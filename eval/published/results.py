"""Reads the published result files of the financial benchmark: one model under one prompt version each."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from datacards.errors import UserError

#: Tasks with the number of their items.
TASKS = {"chabsa": 7723, "cma_basics": 38, "cpa_audit": 398, "fp2": 475, "security_sales_1": 57}
HEADLINE = ("f1,none", "acc,none")  # the first of these that a task has is the figure to compare by
ERROR = "_stderr,none"
MAX_FILE = 10_000_000  # bytes of one result file; the real ones have less than 100 kB


@dataclass(frozen=True, slots=True)
class Published:
    """What one file says: the figures of ``model`` under prompt ``version``, per task and metric as they are spelled there."""

    model: str
    version: str
    figures: Mapping[str, Mapping[str, Any]]

    def headline(self, task: str) -> float:
        """Return the figure of ``task`` to compare models by; 0 where there is none, as the leaderboard has it."""
        told = self.figures.get(task, {})
        return next((float(told[name]) for name in HEADLINE if told.get(name)), 0.0)

    @property
    def mean(self) -> float:
        """Return the unweighted mean of the headline figures that are not zero, as the leaderboard has it."""
        found = [value for task in self.figures if (value := self.headline(task))]
        return sum(found) / len(found) if found else 0.0


def read(folder: Path) -> list[Published]:
    """Return what the files ``models/ORGANIZATION/MODEL/result-VERSION.json`` of a checkout say, in order of their names.

    Raises UserError where there are none, and for a file that is no result of the harness.
    """
    paths = sorted((folder / "models").glob("*/*/result-*.json"))
    if not paths:
        raise UserError(
            folder.name,
            "holds no models/*/*/result-*.json",
            "a checkout of github.com/pfnet-research/japanese-lm-fin-harness",
        )
    return [_read(path) for path in tqdm(paths, desc="reading results", unit="file", disable=None)]


def whole(folder: Path) -> set[str]:
    """Return the models for which every run that is laid down (``harness-VERSION.sh``) has its result."""
    runs: dict[str, list[bool]] = {}
    for path in (folder / "models").glob("*/*/harness*.sh"):
        result = path.with_name(path.name.replace("harness", "result")).with_suffix(".json")
        runs.setdefault(_model(path), []).append(result.is_file())
    return {model for model, done in runs.items() if all(done)}


def standard_errors(results: list[Published]) -> tuple[int, float]:
    """Return how many (accuracy, standard error) pairs there are, and how far at most one is from ours.

    Ours is sqrt(p(1-p)/(n-1)), the sample deviation of n outcomes of 0 or 1 over the root of n.
    """
    pairs = list(_pairs(results))
    worst = max((abs(math.sqrt(p * (1 - p) / (n - 1)) - error) for p, error, n in pairs), default=0.0)
    return len(pairs), worst


def _pairs(results: list[Published]) -> Iterator[tuple[float, float, int]]:
    for one in results:
        for task, told in one.figures.items():
            error = told.get(f"acc{ERROR}")
            if isinstance(error, int | float) and task in TASKS:
                yield float(told["acc,none"]), float(error), TASKS[task]


def _read(path: Path) -> Published:
    try:
        if path.stat().st_size > MAX_FILE:
            raise ValueError(f"more than {MAX_FILE:,} bytes")
        told = json.loads(path.read_text(encoding="utf-8"))["results"]
        figures = {name.split("-")[0]: dict(metrics) for name, metrics in told.items()}
        found = Published(_model(path), path.stem.split("-", 1)[1], figures)
        for task in figures:
            found.headline(task)
        standard_errors([found])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{_model(path)}/{path.name}", f"is no result of the harness: {error!r}") from error
    return found


def _model(path: Path) -> str:
    return "/".join(path.parts[-3:-1])
