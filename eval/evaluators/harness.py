"""Our items as tasks of lm-evaluation-harness, and its Hugging Face backend with token counts kept."""

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.task import Task as HarnessTask
from lm_eval.config.task import TaskConfig
from lm_eval.filters import build_filter_ensemble
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from torch import Tensor

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.items import Answer, Item


class ItemsTask(HarnessTask):
    """A task of the harness that asks for the likelihoods of our items and computes nothing itself."""

    VERSION = 1
    OUTPUT_TYPE = "multiple_choice"

    def __init__(self, name: str, items: Sequence[Item]) -> None:
        # As the harness's own ConfigurableTask, without the base class's __init__: that one downloads a dataset and
        # takes every task for one that generates.
        self._items = list(items)
        self._config = TaskConfig(task=name, num_fewshot=0, output_type=self.OUTPUT_TYPE)
        self._filters = [build_filter_ensemble("none", [("take_first", None)])]
        self._training_docs = self._fewshot_docs = self._instances = self.fewshot_rnd = None

    def has_training_docs(self) -> bool:
        """Have none."""
        return False

    has_validation_docs = has_training_docs

    def has_test_docs(self) -> bool:
        """Have our items as test documents."""
        return True

    def test_docs(self) -> list[dict[str, Any]]:
        """Return one document per item: its place among the items."""
        return [{"place": place} for place in range(len(self._items))]

    def doc_to_text(self, doc: dict[str, Any]) -> str:
        """Return the whole prompt."""
        return self._items[doc["place"]].context

    def doc_to_target(self, doc: dict[str, Any]) -> str:
        """Return nothing: the right choice is known to us alone."""
        del doc
        return ""

    def construct_requests(self, doc: dict[str, Any], ctx: str, **kwargs: Any) -> list[Instance]:
        """Return one request per choice."""
        return [
            Instance(
                request_type="loglikelihood",
                doc=doc,
                arguments=(ctx, continuation),
                idx=idx,
                metadata=kwargs["metadata"],
            )
            for idx, continuation in enumerate(self._items[doc["place"]].continuations)
        ]

    def process_results(self, doc: dict[str, Any], results: Sequence[tuple[float, bool]]) -> dict[str, float]:
        """Return no figure."""
        del doc, results
        return {}

    def aggregation(self) -> dict[str, Any]:
        """Return no figure."""
        return {}

    higher_is_better = aggregation


class CountingLM(HFLM):
    """The Hugging Face backend of the harness, with (context, continuation) token counts kept in order.

    The output layer runs over the positions that are scored only: over a whole prompt it is most of the memory of a
    model with a large vocabulary, and of the time of a small one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.token_counts: list[tuple[int, int]] = []
        self._longest = 0
        self._trims = "logits_to_keep" in signature(self.model.forward).parameters

    def _loglikelihood_tokens(self, requests: Any, *args: Any, **kwargs: Any) -> list[tuple[float, bool]]:
        self.token_counts += [(len(context), len(continuation)) for _, context, continuation in requests]
        self._longest = max(choice for _, choice in self.token_counts)
        return super()._loglikelihood_tokens(requests, *args, **kwargs)

    def _model_call(self, inps: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if not self._trims:
            return super()._model_call(inps, *args, **kwargs)
        # The harness pads with zeros on the right and counts scored positions from the end of what it gets back. A
        # prompt that ends in token 0 looks shorter than it is, which keeps more than is needed, never less.
        size = inps.shape[1]
        ends = (inps != 0).mul(torch.arange(1, size + 1, device=inps.device)).amax(dim=1)
        keep = min(size, size - int(ends.min()) + self._longest)
        with torch.no_grad():
            logits: Tensor = self.model(inps, use_cache=False, logits_to_keep=keep).logits
        return logits


def likelihoods(
    model: Path | Loaded,
    items: Mapping[str, Sequence[Item]],
    *,
    batch_size: int,
    dtype: str,
    add_bos_token: bool | None,
    max_length: int | None,
) -> dict[str, list[Answer]]:
    """Return the answers of a model folder, or a model in memory, to the items of every task, in their order.

    A model in memory computes in the format that it has: ``dtype`` is for one that is loaded.
    """
    lm = _load(model, batch_size=batch_size, dtype=dtype, add_bos_token=add_bos_token, max_length=max_length)
    found = simple_evaluate(
        model=lm,
        tasks=[ItemsTask(name, members) for name, members in items.items()],
        task_manager=TaskManager(include_defaults=False),
        bootstrap_iters=0,
        random_seed=0,
        numpy_random_seed=0,
        torch_random_seed=0,
        fewshot_random_seed=0,
    )
    counts = iter(lm.token_counts)
    answers: dict[str, list[Answer]] = {}
    for name, members in items.items():
        samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
        answers[name] = [
            _answer(item, sample["filtered_resps"], [next(counts) for _ in item.continuations], lm.max_length)
            for item, sample in zip(members, samples, strict=True)
        ]
    return answers


def _answer(
    item: Item, results: Sequence[tuple[float, bool]], counts: Sequence[tuple[int, int]], max_length: int
) -> Answer:
    return Answer(
        item=item,
        loglikelihoods=tuple(float(value) for value, _ in results),
        choice_tokens=tuple(choice for _, choice in counts),
        context_tokens=counts[0][0],
        truncated=any(context + choice > max_length + 1 for context, choice in counts),
    )


def _load(model: Path | Loaded, **options: Any) -> CountingLM:
    if isinstance(model, Loaded):
        del options["dtype"]
        return CountingLM(
            pretrained=model.model, tokenizer=model.tokenizer, softmax_dtype="float32", **options
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        # The absolute path keeps the harness from taking a relative one for the name of a hub model.
        return CountingLM(
            pretrained=str(model.resolve()),
            device=device,
            softmax_dtype="float32",
            trust_remote_code=False,
            use_safetensors=True,
            **options,
        )
    except (OSError, ValueError) as error:
        raise UserError(
            model.name, f"cannot be loaded: {error}", todo="check the files of the checkpoint"
        ) from error
