"""Scores by likelihood through lm-evaluation-harness, used as a library with our own tasks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import PositiveInt

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.base import Evaluator, Keep
from eval.items import Answer, Asked, Item


class LmEval(Evaluator):
    """Zero-shot log-likelihoods of the choices from the harness's Hugging Face backend.

    The harness supplies tokenization, batching by length and likelihoods; all figures are computed here from the
    answers, so that one run yields every metric. ``bos: none`` is the rule of every published figure of the Japanese
    financial benchmark; ``tokenizer`` follows the tokenizer's default. Log-softmax is taken in float32 whatever the
    ``dtype`` of the weights.
    """

    batch_size: PositiveInt = 16
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    bos: Literal["none", "tokenizer"] = "none"
    max_length: PositiveInt | None = None

    def ask(
        self, *, model: Path | Loaded, asked: Mapping[str, Sequence[Asked]], keep: Keep
    ) -> dict[str, list[Answer]]:
        """Return the answers of ``model``, a folder or a model in memory; see the base class."""
        from eval.evaluators.harness import likelihoods

        items: dict[str, list[Item]] = {}
        for name, members in asked.items():
            items[name] = [item for item in members if isinstance(item, Item)]
            if len(items[name]) < len(members):
                raise UserError(
                    name, "asks for more than likelihoods of choices", todo="use another evaluator"
                )
        answers = likelihoods(
            model,
            items,
            batch_size=self.batch_size,
            dtype=self.dtype,
            add_bos_token=False if self.bos == "none" else None,
            max_length=self.max_length,
        )
        for name, given in answers.items():
            keep(name, given)
        return answers

    def settings(self) -> dict[str, Any]:
        """Return all options but the batch size, which bears on nothing."""
        return self.model_dump(mode="json", exclude={"batch_size"})

    def device(self) -> str:
        """Return the accelerator's name, or ``cpu``."""
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
