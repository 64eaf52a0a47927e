"""Proves that a converted model computes what the original does: both read the same texts, layer by layer, in float32."""

import math
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from datacards.errors import UserError
from train.convert import reference
from train.convert.config import Qwen1
from train.convert.weights import Checkpoint
from train.progress import progress

Read = Callable[..., Any]  # the name of a tensor, and which rows -> its numbers in float32

# Of the largest logit. Two orders of summing float32 numbers stay some hundred times below, a swapped matrix far above.
TOLERANCE = 1e-4
ROWS = 8192  # rows of the output layer at a time: a whole one in float32 takes gigabytes


class UnequalError(UserError):
    """Both models do not compute the same."""


class Certificate(BaseModel):
    """How far apart the logits of both models are over all tokens of the probe texts and the whole vocabulary.

    ``max_abs_difference`` must not be above ``tolerance`` x ``max_abs_logit``. ``max_abs_difference_hidden`` is the same
    for the hidden states after any layer.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    texts: int
    tokens: int
    layers: int
    max_abs_difference: float
    max_abs_logit: float
    max_abs_difference_hidden: float
    tolerance: float = TOLERANCE
    precision: str = "float32"


def certify(
    config: Qwen1, old: Checkpoint, new: Checkpoint, texts: list[list[int]], form: str | None = None
) -> Certificate:
    """Compare the Qwen-1 model ``old`` with the native one ``new`` on token ids, each text at most ``seq_length`` long.

    At most one layer of either is in memory. Where the number format was changed, ``form`` is that of the result, and the
    weights of both are rounded to it first: what is compared is the layout.
    Raises UserError where the logits differ by more than the tolerance, or are not finite.
    """
    import torch

    texts = [ids[: config.seq_length] for ids in texts]
    was_of, now_of = _reader(old, form), _reader(new, form)
    step = _native(new, now_of)
    with torch.no_grad(), progress(config.num_hidden_layers, "layers proven") as bar:
        was = [_rows(was_of, "transformer.wte.weight", ids) for ids in texts]
        now = [_rows(now_of, "model.embed_tokens.weight", ids) for ids in texts]
        far = [_apart(was, now)]
        for i in range(config.num_hidden_layers):
            was, now = reference.layer(i, was_of, was, config), step(i, now)
            far.append(_apart(was, now))
            bar.update()
        difference, largest = _logits(config, was_of, now_of, torch.cat(was), torch.cat(now))
    if not difference <= TOLERANCE * largest:
        raise UnequalError(
            "certificate",
            f"the logits differ by {difference:.3g}, the largest logit is {largest:.3g}",
            f"at most {TOLERANCE:g} of the largest logit",
            "the result was not kept; the checkpoint is not what its config says",
        )
    return Certificate(
        texts=len(texts), tokens=sum(map(len, texts)), layers=config.num_hidden_layers,
        max_abs_difference=difference, max_abs_logit=largest, max_abs_difference_hidden=max(far),
    )  # fmt: skip


def _reader(checkpoint: Checkpoint, form: str | None) -> Read:
    import torch

    rounded = getattr(torch, form or "float32")

    def read(name: str, first: int = 0, last: int | None = None) -> Any:
        return checkpoint.read(name, first, last).to(rounded).float()

    return read


def _apart(was: list[Any], now: list[Any]) -> float:
    return max(float((x - y).abs().max()) for x, y in zip(was, now, strict=True))


def _rows(read: Read, name: str, ids: list[int]) -> Any:
    import torch

    return torch.cat([read(name, i, i + 1) for i in ids])


def _native(new: Checkpoint, read: Read) -> Callable[[int, list[Any]], list[Any]]:
    """Return a function that sends texts through one layer of transformers' Qwen2."""
    import torch
    from transformers import Qwen2Config
    from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer, Qwen2RotaryEmbedding

    config = Qwen2Config.from_pretrained(new.folder)
    config._attn_implementation = "sdpa"
    rotary = Qwen2RotaryEmbedding(config)

    def step(i: int, texts: list[Any]) -> list[Any]:
        with torch.device("meta"):
            layer = Qwen2DecoderLayer(config, i)
        prefix = f"model.layers.{i}."
        state = {name: read(prefix + name) for name in layer.state_dict()}
        layer.load_state_dict(state, assign=True)
        layer.eval()
        done = []
        for x in texts:
            places = torch.arange(x.shape[0])[None]
            done.append(layer(x[None], position_embeddings=rotary(x[None], places), attention_mask=None)[0])
        return done

    return step


def _logits(config: Qwen1, was_of: Read, now_of: Read, was: Any, now: Any) -> tuple[float, float]:
    """Return the largest difference of the logits and the largest logit, some rows of the output layer at a time."""
    import torch
    from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

    was = reference.norm(was, was_of("transformer.ln_f.weight"), config.layer_norm_epsilon)
    last = Qwen2RMSNorm(config.hidden_size, eps=config.layer_norm_epsilon)
    last.weight = torch.nn.Parameter(now_of("model.norm.weight"))
    now = last(now)
    tied = ("transformer.wte.weight", "model.embed_tokens.weight")
    names = tied if config.tie_word_embeddings else ("lm_head.weight",) * 2
    difference = largest = 0.0
    for first in range(0, config.vocab_size, ROWS):
        a = was @ was_of(names[0], first, first + ROWS).T
        b = torch.nn.functional.linear(now, now_of(names[1], first, first + ROWS))
        difference, largest = max(difference, _worst(a - b)), max(largest, _worst(a))
    return difference, largest


def _worst(numbers: Any) -> float:
    worst = float(numbers.abs().max())
    if not math.isfinite(worst):
        raise UnequalError("certificate", "the logits are not finite", todo="the checkpoint is damaged")
    return worst
