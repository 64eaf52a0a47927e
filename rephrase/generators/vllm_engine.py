"""Questions written by a vLLM engine in this process: no server, no network, one machine."""

import itertools
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from datacards.errors import UserError
from rephrase.generators import architectures
from rephrase.generators.asking import Asking
from rephrase.generators.cpu import ENGINE, ENVIRONMENT, on_cpu
from rephrase.requests import REFUSED, Engine, Message, Reply, Request

_OWN = frozenset(
    {
        "model", "revision", "tokenizer", "dtype", "quantization", "kv_cache_dtype", "trust_remote_code", "hf_token",
    }
)  # fmt: skip


class VllmEngine(Asking):
    """Loads the model with vLLM (0.32, ``AsyncLLM``) and asks it; ``engine_args`` are fields of vLLM's EngineArgs.

    ``in_flight`` requests are in the engine at once: more than its ``max_num_seqs``, so that it never waits.
    """

    places: ClassVar[frozenset[str]] = frozenset({"in_flight"})

    engine_args: dict[str, Any] = Field(default_factory=dict)
    in_flight: int = Field(default=2048, ge=1)

    def engine(self) -> "InProcess":
        """Return the engine, not loaded yet."""
        architectures.check(self.model, self.revision)
        if wrong := _OWN & self.engine_args.keys():
            raise UserError(
                "engine_args",
                f"'{min(wrong)}' is given there",
                "the model and its precision are options of their own, which decide what is asked again; no code and no "
                "token comes from a recipe",
                "set the option, or leave it out",
            )
        args: dict[str, Any] = {
            "model": self.model,
            "revision": self.revision or None,
            "tokenizer": self.tokenizer or None,
            "dtype": self.dtype,
            "quantization": self.quantization or None,
            "kv_cache_dtype": self.kv_cache_dtype,
            "trust_remote_code": False,
            **(ENGINE if on_cpu() else {}),
            **self.engine_args,
        }
        return InProcess(args, self.in_flight)


class InProcess(Engine):
    """A vLLM engine in this process; it is loaded by ``start``."""

    def __init__(self, args: Mapping[str, Any], in_flight: int) -> None:
        self.capacity, self._args = in_flight, dict(args)
        self._numbers = itertools.count()

    async def start(self) -> None:
        """Load the model. Raises UserError when vLLM is not installed or does not take the model."""
        for name, value in (ENVIRONMENT if on_cpu() else {}).items():
            os.environ.setdefault(name, value)
        try:
            from vllm import SamplingParams
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise UserError(
                "vllm_engine",
                "vLLM is not installed",
                todo="install requirements/serve-cpu.lock, or .[serve]",
            ) from error
        self._params = SamplingParams
        try:
            self._llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**self._args))
        except (ValueError, TypeError, OSError, RuntimeError) as error:
            raise UserError(
                str(self._args["model"]),
                f"vLLM does not load it: {error}",
                todo="correct the model or engine_args",
            ) from error
        self._tokenizer: Any = self._llm.get_tokenizer()

    async def reply(self, request: Request) -> Reply:
        """Answer one request; what the engine refuses (too long, say) is a Reply whose reason is ``refused``."""
        prompt = request.prompt if isinstance(request.prompt, str) else self._rendered(request.prompt)
        params = self._sampling(request)
        done = None
        try:
            async for output in self._llm.generate(prompt, params, f"kanagura-{next(self._numbers)}"):
                done = output
        except ValueError as error:
            return Reply(str(error), REFUSED)
        if done is None:
            return Reply("the engine gave nothing", REFUSED)
        said = done.outputs[0]
        return Reply(
            said.text,
            said.finish_reason or "",
            len(done.prompt_token_ids or ()),
            len(said.token_ids),
            self._scores(request, said.logprobs),
        )

    def _rendered(self, messages: tuple[Message, ...]) -> Any:
        turns = [message._asdict() for message in messages]
        ids = self._tokenizer.apply_chat_template(
            turns, tokenize=True, add_generation_prompt=True, return_dict=False
        )
        return {"prompt_token_ids": list(ids)}

    def _sampling(self, request: Request) -> Any:
        from vllm.sampling_params import (
            RepetitionDetectionParams,
            RequestOutputKind,
            StructuredOutputsParams,
        )

        asked = request.sampling
        more: dict[str, Any] = {}
        if asked.structured:
            more["structured_outputs"] = StructuredOutputsParams(
                **asked.structured, disable_any_whitespace=True
            )
        if asked.repetition:
            more["repetition_detection"] = RepetitionDetectionParams(**asked.repetition)
        if ids := self._scored(request):
            more["logprob_token_ids"] = ids
        return self._params(
            max_tokens=asked.max_tokens,
            temperature=asked.temperature,
            top_p=asked.top_p,
            stop=list(asked.stop),
            seed=asked.seed,
            output_kind=RequestOutputKind.FINAL_ONLY,
            **more,
        )

    def _scored(self, request: Request) -> list[int]:
        if request.sampling.logprob_token_ids:
            return list(request.sampling.logprob_token_ids)
        found = (self._tokenizer.encode(text, add_special_tokens=False) for text in request.sampling.scored)
        return [ids[0] for ids in found if len(ids) == 1]

    def _scores(self, request: Request, logprobs: Any) -> dict[str, float]:
        if not (request.sampling.scored and logprobs):
            return {}
        first = logprobs[0]
        ids = self._scored(request)
        return {
            text: float(first[one].logprob)
            for text, one in zip(request.sampling.scored, ids, strict=False)
            if one in first
        }

    async def close(self) -> None:
        """Unload the model."""
        if hasattr(self, "_llm"):
            self._llm.shutdown()
