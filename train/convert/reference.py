"""Qwen-1 in plain torch, written from its published description: what a converted model is measured against.

arXiv 2309.16609, section 2.3: pre-normalization with RMSNorm, untied embeddings, rotary positions over the whole head,
bias in the q, k, v layer alone, SwiGLU with an inner width of 8/3; and, beyond the length of training only, dynamic NTK
scaling and log-n attention. Everything is computed in float32, for one text at a time.
"""

import math
from collections.abc import Callable
from typing import Any

from train.convert.config import Qwen1

Read = Callable[[str], Any]  # the name of a Qwen-1 tensor -> its numbers in float32


def norm(x: Any, weight: Any, epsilon: float) -> Any:
    """Return ``x`` divided by its root mean square and scaled (arXiv 1910.07467)."""
    import torch

    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + epsilon) * weight


def rotate(x: Any, base: float) -> Any:
    """Turn pairs of channels of ``x`` (heads, tokens, channels) by their token's place (arXiv 2104.09864).

    The channel i goes with the channel i + half, as in GPT-NeoX.
    """
    import torch

    tokens, half = x.shape[1], x.shape[2] // 2
    speed = base ** (-torch.arange(half, dtype=torch.float32) / half)
    angle = torch.arange(tokens, dtype=torch.float32)[:, None] * speed
    cos, sin, (left, right) = angle.cos(), angle.sin(), x.split(half, dim=2)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=2)


def base_for(config: Qwen1, tokens: int) -> float:
    """Return the base of the rotary angles for a text of that length: larger beyond ``seq_length`` (dynamic NTK)."""
    if not config.use_dynamic_ntk or tokens <= config.seq_length:
        return config.rotary_emb_base
    wider = 2 ** math.ceil(math.log2(tokens / config.seq_length) + 1) - 1
    return config.rotary_emb_base * wider ** (config.kv_channels / (config.kv_channels - 2))


def attention(x: Any, qkv: Any, bias: Any, out: Any, config: Qwen1) -> Any:
    """Return what every token of ``x`` (tokens, width) takes from itself and those before it."""
    import torch

    tokens, heads, channels = x.shape[0], config.num_attention_heads, config.kv_channels
    fused = (x @ qkv.T + bias).view(tokens, 3, heads, channels).permute(1, 2, 0, 3)
    base = base_for(config, tokens)
    q, k, v = rotate(fused[0], base), rotate(fused[1], base), fused[2]
    if config.use_logn_attn and tokens > config.seq_length:
        place = torch.arange(1, tokens + 1, dtype=torch.float32)
        q = q * (place.log() / math.log(config.seq_length)).clamp(min=1)[:, None]
    scores = q @ k.transpose(1, 2) / math.sqrt(channels)
    later = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
    mixed = scores.masked_fill(later, -torch.inf).softmax(-1) @ v
    return mixed.transpose(0, 1).reshape(tokens, heads * channels) @ out.T


def layer(i: int, read: Read, texts: list[Any], config: Qwen1) -> list[Any]:
    """Return the texts, each (tokens, width), after layer ``i``."""
    from torch.nn.functional import silu

    name, epsilon = f"transformer.h.{i}", config.layer_norm_epsilon
    first, second = read(f"{name}.ln_1.weight"), read(f"{name}.ln_2.weight")
    qkv, bias = read(f"{name}.attn.c_attn.weight"), read(f"{name}.attn.c_attn.bias")
    out = read(f"{name}.attn.c_proj.weight")
    texts = [x + attention(norm(x, first, epsilon), qkv, bias, out, config) for x in texts]
    del qkv, out
    w1, w2, down = (read(f"{name}.mlp.{part}.weight") for part in ("w1", "w2", "c_proj"))
    inner = [norm(x, second, epsilon) for x in texts]
    return [x + ((y @ w1.T) * silu(y @ w2.T)) @ down.T for x, y in zip(texts, inner, strict=True)]
