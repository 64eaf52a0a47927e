"""What is sent: the body of a request, with the field names of vLLM 0.32's ``/v1/completions`` and ``/v1/chat/completions``."""

import json
from collections.abc import Sequence
from typing import Any

from rephrase.requests import Message, Request, Sampling

#: How many log-probabilities are asked for where tokens are known by text: vLLM's ``max_logprobs``, OpenAI's most for a chat.
MOST_LOGPROBS = 20
#: OpenAI's most for a completion.
PLAIN_LOGPROBS = 5


class UnsayableError(ValueError):
    """A constraint for which the server has no field; the message says which."""


def head(model: str, sampling: Sampling, *, chat: bool, vllm: bool = True, stream: bool = False) -> str:
    """Return the JSON object of a request up to the value of ``messages`` or ``prompt``, which comes last.

    Requests with equal heads may share a body. Fields that only vLLM knows are sent only when they are set, and never
    to a plain OpenAI server (``vllm`` false): there a JSON schema becomes the ``response_format`` of a chat, repetition
    detection is left out (it only saves tokens), and any other constraint raises UnsayableError. ``stream`` asks vLLM for
    two events to a prompt, the first token and all others, with the tokens of that prompt.
    """
    fields: dict[str, Any] = {
        "model": model,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        fields["seed"] = sampling.seed
    fields |= _structure(sampling, chat=chat, vllm=vllm) if sampling.structured else {}
    if sampling.scored or sampling.logprob_token_ids:
        fields |= _scores(sampling, chat=chat, vllm=vllm)
    if vllm and sampling.repetition:
        fields["repetition_detection"] = dict(sampling.repetition)
    if vllm and stream:
        counted = {"include_usage": True, "continuous_usage_stats": True}
        fields |= {"stream": True, "stream_options": counted, "stream_interval": sampling.max_tokens}
    return json.dumps(fields, ensure_ascii=False)[:-1] + (', "messages": ' if chat else ', "prompt": ')


def _structure(sampling: Sampling, *, chat: bool, vllm: bool) -> dict[str, Any]:
    if vllm:
        return {"structured_outputs": dict(sampling.structured)}
    if chat and set(sampling.structured) == {"json"}:
        schema = sampling.structured["json"]
        if isinstance(schema, str):
            schema = json.loads(schema)
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": schema, "strict": True},
            }
        }
    names = ", ".join(sorted(sampling.structured))
    raise UnsayableError(f"a server that is no vLLM has no field for {names} here")


def _scores(sampling: Sampling, *, chat: bool, vllm: bool) -> dict[str, Any]:
    if vllm and sampling.logprob_token_ids:
        # By id: two tokens may have one text. vLLM wants ``logprobs`` to be set besides, and then returns these alone.
        chosen = {
            "logprob_token_ids": list(sampling.logprob_token_ids),
            "return_tokens_as_token_ids": True,
        }
        return chosen | ({"logprobs": True} if chat else {"logprobs": 1})
    if chat:
        return {"logprobs": True, "top_logprobs": MOST_LOGPROBS}
    return {"logprobs": MOST_LOGPROBS if vllm else PLAIN_LOGPROBS}


def body(start: str, asked: Sequence[Request]) -> bytes:
    """Return the whole body: ``start`` is the ``head`` that all of ``asked`` share; a chat is asked alone."""
    prompts = [_prompt(request.prompt) for request in asked]
    said = prompts[0] if len(prompts) == 1 else prompts
    try:
        return (start + json.dumps(said, ensure_ascii=False) + "}").encode()
    except UnicodeEncodeError:  # half of a surrogate pair: the server shall judge it, by itself
        return (start.encode(errors="replace")) + json.dumps(said).encode() + b"}"


def _prompt(prompt: str | tuple[Message, ...]) -> Any:
    return prompt if isinstance(prompt, str) else [{"role": role, "content": text} for role, text in prompt]
