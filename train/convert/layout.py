"""Which tensor of the Qwen-1 layout holds which tensors of the native Qwen2 layout.

Qwen-1 keeps q, k and v as the rows of one matrix, in this order, and computes ``w1(x) * silu(w2(x))``: so w2 is the
gate and w1 the up projection of Qwen2 (arXiv 2309.16609, section 2.3). Everything else has another name and no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from train.convert.config import Qwen1

QKV = ("q_proj", "k_proj", "v_proj")


@dataclass(frozen=True, slots=True)
class Pair:
    """A Qwen-1 tensor, its shape, and the native tensors that its rows are, in equal parts from top to bottom."""

    name: str
    shape: tuple[int, ...]
    native: tuple[str, ...]

    @property
    def native_shape(self) -> tuple[int, ...]:
        """The shape of each native tensor."""
        return (self.shape[0] // len(self.native), *self.shape[1:])


@dataclass(frozen=True, slots=True)
class Part:
    """The rows ``first`` to ``last`` of a stored tensor."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Made:
    """A tensor to write: ``parts`` of stored ones, one below the other."""

    name: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...]


def pairs(config: Qwen1) -> Iterator[Pair]:
    """Yield every tensor of a model of this config."""
    wide, inner, words = config.hidden_size, config.intermediate_size // 2, config.vocab_size
    yield Pair("transformer.wte.weight", (words, wide), ("model.embed_tokens.weight",))
    for i in range(config.num_hidden_layers):
        old, new = f"transformer.h.{i}", f"model.layers.{i}"
        qkv = [f"{new}.self_attn.{name}" for name in QKV]
        yield Pair(f"{old}.ln_1.weight", (wide,), (f"{new}.input_layernorm.weight",))
        yield Pair(f"{old}.attn.c_attn.weight", (3 * wide, wide), tuple(f"{one}.weight" for one in qkv))
        yield Pair(f"{old}.attn.c_attn.bias", (3 * wide,), tuple(f"{one}.bias" for one in qkv))
        yield Pair(f"{old}.attn.c_proj.weight", (wide, wide), (f"{new}.self_attn.o_proj.weight",))
        yield Pair(f"{old}.ln_2.weight", (wide,), (f"{new}.post_attention_layernorm.weight",))
        yield Pair(f"{old}.mlp.w1.weight", (inner, wide), (f"{new}.mlp.up_proj.weight",))
        yield Pair(f"{old}.mlp.w2.weight", (inner, wide), (f"{new}.mlp.gate_proj.weight",))
        yield Pair(f"{old}.mlp.c_proj.weight", (wide, inner), (f"{new}.mlp.down_proj.weight",))
    yield Pair("transformer.ln_f.weight", (wide,), ("model.norm.weight",))
    if not config.tie_word_embeddings:
        yield Pair("lm_head.weight", (words, wide), ("lm_head.weight",))


def to_native(pair: Pair) -> list[Made]:
    """Return the native tensors of a Qwen-1 tensor."""
    rows = pair.native_shape[0]
    return [
        Made(name, pair.native_shape, (Part(pair.name, i * rows, (i + 1) * rows),))
        for i, name in enumerate(pair.native)
    ]


def to_qwen1(pair: Pair) -> Made:
    """Return the Qwen-1 tensor that native ones make up."""
    return Made(pair.name, pair.shape, tuple(Part(name, 0, pair.native_shape[0]) for name in pair.native))
