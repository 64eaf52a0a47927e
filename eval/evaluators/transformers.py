"""Scores of a model of transformers: likelihoods of choices, replies and passages, with nothing computed twice."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from datacards.objective import Loaded
from eval.base import Evaluator, Keep
from eval.evaluators.bos import Bos
from eval.evaluators.loading import Dtype
from eval.items import Asked, Result

BATCH_TOKENS = (4096, 32768)  # on a CPU, on an accelerator


class Transformers(Evaluator):
    """Zero-shot likelihoods and greedy replies, on the CPU or an accelerator.

    The numbers are those of lm-evaluation-harness's Hugging Face backend (its tokens, its cut of what does not fit),
    whatever ``batch_tokens``: in float32, which holds 16-bit weights exactly; computed in 16 bits they are rounded otherwise in
    another batch, and close choices may change. ``bos: original`` is the rule of every published figure of the Japanese financial
    benchmark. Log-softmax is taken in float32 whatever the ``dtype`` of the weights. Passages are read in windows of
    ``max_length`` tokens, each after the last token of the one before; the first token of all is scored where a special
    token comes before it, and not at all otherwise. ``runs_on: auto`` takes an accelerator where there is
    one.
    """

    batch_tokens: PositiveInt | None = None
    dtype: Dtype = "float32"
    runs_on: Literal["auto", "cpu", "cuda"] = "auto"
    bos: Bos = "original"
    max_length: Annotated[int, Field(ge=2)] | None = None

    def ask(
        self, *, model: Path | Loaded, asked: Mapping[str, Sequence[Asked]], keep: Keep
    ) -> dict[str, list[Result]]:
        """Return the results of ``model``, a folder or a model in memory; see the base class."""
        from eval.evaluators.asking import Asking
        from eval.evaluators.loading import open_model

        loaded = open_model(model, dtype=self.dtype, device="" if self.runs_on == "auto" else self.runs_on)
        total = sum(map(len, asked.values()))
        size = self.batch_tokens or BATCH_TOKENS[loaded.model.device.type == "cuda"]
        with Asking(loaded, self.bos, self.max_length, size, total) as asking:
            return {name: asking.ask(items, partial(keep, name)) for name, items in asked.items()}

    def settings(self) -> dict[str, Any]:
        """Return the options that bear on numbers."""
        return self.model_dump(mode="json", exclude={"batch_tokens", "runs_on"})

    def device(self) -> str:
        """Return the accelerator's name, or ``cpu``."""
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() and self.runs_on != "cpu" else "cpu"
