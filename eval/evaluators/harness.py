"""The back ends of lm-evaluation-harness, asked for what our items ask."""

from collections.abc import Iterable, Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from torch import Tensor

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.evaluators.bos import Bos, special_tokens
from eval.items import Answer, Asked, Item, Passage, Question, Reply, Result, Surprise

#: vLLM's build for CPUs, for trials: nothing is compiled, and little of the machine's memory is taken.
ON_CPU = {"enforce_eager": True, "gpu_memory_utilization": 0.1, "max_num_seqs": 32}


class CountingLM(HFLM):
    """The Hugging Face back end of the harness, with (context, continuation) token counts kept in order.

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
        self._longest = max((choice for _, choice in self.token_counts), default=0)
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


class Harness:
    """One model in a back end of the harness; ``lm`` counts tokens as CountingLM does."""

    def __init__(self, lm: Any) -> None:
        self.lm = lm

    def ask(self, items: Sequence[Asked]) -> Iterator[list[tuple[int, Result]]]:
        """Yield the results of ``items`` with their places, kind by kind."""
        kinds = ((Item, self._answers), (Question, self._replies), (Passage, self._surprises))
        for kind, asks in kinds:
            places = [place for place, item in enumerate(items) if isinstance(item, kind)]
            if places:
                found: Iterable[Result] = asks([items[place] for place in places])
                yield list(zip(places, found, strict=True))

    def _answers(self, items: Sequence[Any]) -> Iterator[Answer]:
        requests = [
            Instance("loglikelihood", {}, (item.context, continuation), n)
            for item in items
            for n, continuation in enumerate(item.continuations)
        ]
        self.lm.token_counts.clear()
        values = iter(self.lm.loglikelihood(requests))
        counts = iter(self.lm.token_counts)
        for item in items:
            sizes = [next(counts) for _ in item.continuations]
            yield Answer(
                item=item,
                loglikelihoods=tuple(float(next(values)[0]) for _ in item.continuations),
                choice_tokens=tuple(choice for _, choice in sizes),
                context_tokens=sizes[0][0],
                truncated=any(context + choice > self.lm.max_length + 1 for context, choice in sizes),
            )

    def _replies(self, items: Sequence[Any]) -> Iterator[Reply]:
        """The harness says neither why a reply ended nor how long it was: both are told from its text."""
        requests = [
            Instance(
                "generate_until",
                {},
                (
                    item.context,
                    {"until": list(item.until), "max_gen_toks": item.max_tokens, "do_sample": False},
                ),
                0,
            )
            for item in items
        ]
        for item, text in zip(items, self.lm.generate_until(requests), strict=True):
            size = len(self.lm.tok_encode(item.context))
            tokens = len(self.lm.tok_encode(text, add_special_tokens=False))
            yield Reply(
                item=item,
                text=text,
                tokens=tokens,
                finish="length" if tokens >= item.max_tokens else "stop",
                context_tokens=size,
                truncated=size > self.lm.max_length - item.max_tokens,
            )

    def _surprises(self, items: Sequence[Any]) -> Iterator[Surprise]:
        requests = [Instance("loglikelihood_rolling", {}, (item.text,), 0) for item in items]
        for item, value in zip(items, self.lm.loglikelihood_rolling(requests), strict=True):
            yield Surprise(item, -float(value), len(self.lm.tok_encode(item.text)))


def open_hf(
    model: Path | Loaded, *, bos: Bos, dtype: str, batch_size: int, max_length: int | None
) -> Harness:
    """Return a model folder, or a model in memory, in the harness's Hugging Face back end.

    A model in memory computes in the format that it has: ``dtype`` is for one that is loaded.
    """
    options: dict[str, Any] = {"batch_size": batch_size, "max_length": max_length, "softmax_dtype": "float32"}
    if isinstance(model, Loaded):
        rule = special_tokens(bos, getattr(model.model.config, "model_type", ""))
        return Harness(
            CountingLM(pretrained=model.model, tokenizer=model.tokenizer, add_bos_token=rule, **options)
        )
    try:
        return Harness(
            CountingLM(
                # The absolute path keeps the harness from taking a relative one for the name of a hub model.
                pretrained=str(model.resolve()),
                device="cuda" if torch.cuda.is_available() else "cpu",
                dtype=dtype,
                trust_remote_code=False,
                use_safetensors=True,
                add_bos_token=_rule(model, bos),
                **options,
            )
        )
    except (OSError, ValueError) as error:
        raise UserError(
            model.name, f"cannot be loaded: {error}", todo="check the files of the checkpoint"
        ) from error


def open_vllm(model: Path | Loaded, *, bos: Bos, dtype: str, max_length: int | None) -> Harness:
    """Return a model folder in the harness's vLLM back end."""
    if isinstance(model, Loaded):
        raise UserError(model.name, "is in memory, where vLLM cannot take it from", todo="use backend: hf")
    try:
        from lm_eval.models.vllm_causallms import VLLM

        class Counting(VLLM):
            """The vLLM back end with token counts kept in order."""

            token_counts: list[tuple[int, int]]

            def _loglikelihood_tokens(self, requests: Any, *args: Any, **kwargs: Any) -> Any:
                self.token_counts += [(len(context), len(choice)) for _, context, choice in requests]
                return super()._loglikelihood_tokens(requests, *args, **kwargs)

        lm = Counting(
            pretrained=str(model.resolve()),
            dtype=dtype,
            trust_remote_code=False,
            add_bos_token=_rule(model, bos),
            max_model_len=max_length,
            **({} if torch.cuda.is_available() else ON_CPU),
        )
    except ImportError as error:
        raise UserError("vLLM", f"cannot be used: {error}", todo="install it, or use backend: hf") from error
    except (OSError, ValueError) as error:
        raise UserError(
            model.name, f"cannot be loaded: {error}", todo="check the files of the checkpoint"
        ) from error
    lm.token_counts = []
    return Harness(lm)


def _rule(model: Path, bos: Bos) -> bool | None:
    from transformers import AutoConfig

    return special_tokens(
        bos, AutoConfig.from_pretrained(model.resolve(), trust_remote_code=False).model_type
    )
