"""Scores through lm-evaluation-harness, used as a library for its back ends."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import PositiveInt

from datacards.objective import Loaded
from eval.base import Evaluator, Keep
from eval.evaluators.bos import Bos
from eval.items import Asked, Result


class LmEval(Evaluator):
    """Zero-shot likelihoods, greedy replies and the likelihood of passages from a back end of the harness.

    The harness supplies tokenization, batching and likelihoods; all figures are computed here from the results, so that
    one run yields every metric. ``backend: hf`` is transformers, ``vllm`` needs vLLM and a model folder. ``bos: original``
    is the rule of every published figure of the Japanese financial benchmark; ``tokenizer`` follows the tokenizer's
    default. Log-softmax is taken in float32 whatever the ``dtype`` of the weights. Passages are read as the harness does:
    after a beginning (or end) token, in windows of which the last has more to read before.
    """

    backend: Literal["hf", "vllm"] = "hf"
    batch_size: PositiveInt = 16
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    bos: Bos = "original"
    max_length: PositiveInt | None = None

    def ask(
        self, *, model: Path | Loaded, asked: Mapping[str, Sequence[Asked]], keep: Keep
    ) -> dict[str, list[Result]]:
        """Return the results of ``model``, a folder or (``hf``) a model in memory; see the base class."""
        from eval.evaluators.harness import open_hf, open_vllm

        if self.backend == "vllm":
            harness = open_vllm(model, bos=self.bos, dtype=self.dtype, max_length=self.max_length)
        else:
            harness = open_hf(
                model,
                bos=self.bos,
                dtype=self.dtype,
                batch_size=self.batch_size,
                max_length=self.max_length,
            )
        results: dict[str, list[Result]] = {}
        for name, items in asked.items():
            placed: dict[int, Result] = {}
            for found in harness.ask(items):
                keep(name, [result for _, result in found])
                placed.update(found)
            results[name] = [placed[place] for place in range(len(items))]
        return results

    def settings(self) -> dict[str, Any]:
        """Return all options but the batch size, which bears on nothing."""
        return self.model_dump(mode="json", exclude={"batch_size"})

    def device(self) -> str:
        """Return the accelerator's name, or ``cpu``."""
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
