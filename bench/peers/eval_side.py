"""One side of ``bench.eval_speed``: our evaluator or the harness's, in a process of its own.

``python -m bench.peers.eval_side ours|theirs MODEL DEVICE DTYPE ITEMS TASK...``: every line that comes in is a batch size and
starts a round; the line that goes out is its time, its memory and its likelihoods.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from datacards.plugins import make
from eval.evaluators.bos import special_tokens
from eval.items import Answer, Item
from eval.tasks import GROUP
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit

Found = dict[str, list[list[float]]]  # the likelihoods of every item of every task
Asked = dict[str, list[Item]]


def items(task: str, number: int) -> list[Item]:
    """Return the first ``number`` items of a task that needs no corpus."""
    known: dict[str, Any] = {"chabsa": Chabsa, "cpa_audit": CpaAudit}  # also where nothing is installed
    asking = known[task]() if task in known else make(GROUP, task, {"task": task})
    return [item for item in asking.items(None) if isinstance(item, Item)][:number]


def ours(model: Path, device: str, dtype: Any) -> Callable[[Asked, str], Found]:
    """Return what asks our evaluator, with a number of tokens to a batch."""
    from eval.evaluators.asking import Asking
    from eval.evaluators.loading import open_model

    loaded = open_model(model, dtype=dtype, device=device)

    def ask(asked: Asked, size: str) -> Found:
        total = sum(map(len, asked.values()))
        with Asking(loaded, "original", None, int(size), total) as asking:
            found = {name: asking.ask(members, lambda _: None) for name, members in asked.items()}
        return {
            name: [list(one.loglikelihoods) for one in results if isinstance(one, Answer)]
            for name, results in found.items()
        }

    return ask


def theirs(model: Path, device: str, dtype: str) -> Callable[[Asked, str], Found]:
    """Return what asks the harness, with a number of rows to a batch or ``auto``."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoConfig

    rule = special_tokens("original", AutoConfig.from_pretrained(model).model_type)
    lm: Any = HFLM(
        pretrained=str(model.resolve()),
        device=device,
        dtype=dtype,
        batch_size="auto",
        add_bos_token=rule,
        softmax_dtype="float32",
    )

    def ask(asked: Asked, size: str) -> Found:
        lm.batch_size_per_gpu = size if size == "auto" else int(size)
        found = {}
        for name, members in asked.items():
            requests = [
                Instance("loglikelihood", {}, (i.context, c), 0) for i in members for c in i.continuations
            ]
            values = iter(lm.loglikelihood(requests, disable_tqdm=True))
            found[name] = [[float(next(values)[0]) for _ in item.continuations] for item in members]
        return found

    return ask


def main(words: Sequence[str]) -> None:
    """Run rounds until no more lines come in."""
    side, model, device, dtype, number, *tasks = words
    asked = {task: items(task, int(number)) for task in tasks}
    ask = (ours if side == "ours" else theirs)(Path(model), device, dtype)
    for line in sys.stdin:
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        start, cpu = time.perf_counter(), time.process_time()
        found = ask(asked, line.strip())
        told: dict[str, Any] = {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "found": found,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        if device == "cuda":
            told |= {
                "gpu_mb": torch.cuda.max_memory_allocated() // 2**20,
                "gpu": torch.cuda.get_device_name(),
            }
            gc.collect()
            torch.cuda.empty_cache()  # the other side is next
        print("ROUND " + json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
