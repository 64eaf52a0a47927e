"""Merges with mergekit what a JSON file asks for, with the random numbers that our methods draw where it says so.

``python -m bench.peers.mergekit_methods JOBS SEED`` runs every job of the file, a list of objects with ``config`` (as in
mergekit's YAML), ``out`` (a folder) and ``draws``. With ``draws`` the coin of a random method is not torch's global
generator but ``Part.uniform`` of the model's role (the name of its folder) and of the tensor: the same elements are
kept on both sides, so that what follows the drawing can be compared number by number.
"""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.merge_methods.generalized_task_arithmetic import GeneralizedTaskArithmeticMerge
from mergekit.options import MergeOptions

from merge.base import Part


class Coin:
    """Stands in for ``torch.bernoulli`` while one tensor after another is merged."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tensor = ""
        self.roles: Iterator[str] = iter(())

    def merge_group(self, method: Any, group: Any, /, **parameters: Any) -> Any:
        """Note which tensor of which models is merged, then let mergekit merge it."""
        self.tensor = group.metadata.name
        self.roles = iter([Path(str(entry.id.model.path)).name for entry in group.non_base])
        return MERGE_GROUP(method, group, **parameters)

    def __call__(self, likely: Any) -> Any:
        """Return 1 where our number for this element is below its probability, else 0."""
        part = Part(self.tensor, tuple(likely.shape), 0, np.empty(likely.shape), {}, seed=self.seed)
        drawn = torch.from_numpy(part.uniform(next(self.roles)))
        return (drawn < likely).to(likely.dtype)


MERGE_GROUP = GeneralizedTaskArithmeticMerge.merge_group


def run(job: dict[str, Any], seed: int) -> None:
    """Write the merged model of one job."""
    options = MergeOptions(quiet=True, copy_tokenizer=False, write_model_card=False, random_seed=seed)
    config = MergeConfiguration.model_validate(job["config"])
    if not job["draws"]:
        run_merge(config, job["out"], options)
        return
    coin = Coin(seed)

    def merge_group(method: Any, group: Any, /, **parameters: Any) -> Any:
        return coin.merge_group(method, group, **parameters)

    with (
        patch.object(GeneralizedTaskArithmeticMerge, "merge_group", merge_group),
        patch.object(torch, "bernoulli", coin),
    ):
        run_merge(config, job["out"], options)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    for asked in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        run(asked, int(sys.argv[2]))
