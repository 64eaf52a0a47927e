"""Makes three checkpoints of one family in the shape of Qwen2, of any size, a block of numbers at a time."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

ROLES = ("base", "domain", "instruct")
MOVED = {"domain": 1e-4, "instruct": 6e-4}  # how far the descendants are from the base, by standard deviation
SHARDS = 3
BLOCK = 1 << 18  # numbers made at once
POOL = (
    1 << 22
)  # normal numbers that all are taken from, from a random place on: drawing each would take minutes
# From which size in weights on: hidden size, that of the feed-forward part, heads and heads of keys.
SIDES = (
    (1_500_000_000, (3584, 18944, 28, 4)),  # those of Qwen2.5-7B
    (400_000_000, (1536, 8960, 12, 2)),  # 1.5B
    (40_000_000, (896, 4864, 14, 2)),  # 0.5B
    (8_000_000, (256, 1024, 4, 2)),  # no model's; smaller layers would be too many of them
    (0, (64, 256, 4, 2)),
)

Shapes = dict[str, tuple[int, ...]]


def config(weights: int) -> dict[str, Any]:
    """Return the config.json of a model of about ``weights`` weights: layers for seven eighths, words for the rest."""
    hidden, inner, heads, pairs = next(sides for least, sides in SIDES if weights >= least)
    key = hidden // heads * pairs
    layer = 2 * hidden * hidden + 2 * hidden * key + 3 * hidden * inner + 3 * hidden + 2 * key
    layers = max(1, round(weights * 7 / 8 / layer))
    words = max(320, (weights - layers * layer) // (2 * hidden) // 64 * 64)
    return {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "dtype": "bfloat16",
        "hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": pairs, "vocab_size": words,
        "max_position_embeddings": 4096, "tie_word_embeddings": False, "hidden_act": "silu",
        "rms_norm_eps": 1e-6, "bos_token_id": 256, "eos_token_id": 256, "use_cache": True,
    }  # fmt: skip


def shapes(of: dict[str, Any]) -> Shapes:
    """Return the tensors of a model by name, as transformers names and shapes those of its Qwen2."""
    hidden, inner, words = of["hidden_size"], of["intermediate_size"], of["vocab_size"]
    key = hidden // of["num_attention_heads"] * of["num_key_value_heads"]
    found: Shapes = {"model.embed_tokens.weight": (words, hidden)}
    for layer in range(of["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        for part, rows in (("q", hidden), ("k", key), ("v", key)):
            found[f"{at}.self_attn.{part}_proj.weight"] = (rows, hidden)
            found[f"{at}.self_attn.{part}_proj.bias"] = (rows,)
        found[f"{at}.self_attn.o_proj.weight"] = (hidden, hidden)
        found[f"{at}.mlp.gate_proj.weight"] = (inner, hidden)
        found[f"{at}.mlp.up_proj.weight"] = (inner, hidden)
        found[f"{at}.mlp.down_proj.weight"] = (hidden, inner)
        found[f"{at}.input_layernorm.weight"] = (hidden,)
        found[f"{at}.post_attention_layernorm.weight"] = (hidden,)
    return found | {"model.norm.weight": (hidden,), "lm_head.weight": (words, hidden)}


def make(folder: Path, gib: float) -> int:
    """Write base, domain and instruct below ``folder``, each of about ``gib`` * 2^30 bytes; return the weights of one.

    Every weight is a bfloat16 number; those of the descendants are the base's and a normal number, rounded once.
    """
    made = config(int(gib * (1 << 29)))
    tensors = shapes(made)
    for role in ROLES:
        (folder / role).mkdir(parents=True)
        (folder / role / "config.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
        _write_tokenizer(folder / role)
    shards = _cut(tensors)
    index: dict[str, str] = {}
    pool = np.random.default_rng(0).standard_normal(POOL, dtype=np.float32)
    for number, names in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        index |= dict.fromkeys(names, name)
        with ExitStack() as stack:
            files = {role: stack.enter_context((folder / role / name).open("wb")) for role in ROLES}
            _fill(files, {one: tensors[one] for one in names}, pool, number)
    total = sum(map(math.prod, tensors.values()))
    for role in ROLES:
        text = json.dumps({"metadata": {"total_size": 2 * total}, "weight_map": index}, indent=1)
        (folder / role / "model.safetensors.index.json").write_text(text, encoding="utf-8")
    return total


def _cut(tensors: Shapes) -> list[list[str]]:
    """Return the names of each shard: one after the other, of about equal size."""
    total = sum(map(math.prod, tensors.values()))
    shards: list[list[str]] = [[] for _ in range(SHARDS)]
    reached = 0
    for name, shape in tensors.items():
        shards[min(SHARDS - 1, reached * SHARDS // total)].append(name)
        reached += math.prod(shape)
    return [shard for shard in shards if shard]


def _fill(files: Mapping[str, BinaryIO], tensors: Shapes, pool: NDArray[np.float32], seed: int) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    reached = 0
    for name, shape in tensors.items():
        end = reached + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [reached, end]}
        reached = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    for stream in files.values():
        stream.write(len(text).to_bytes(8, "little") + text)
    with ThreadPoolExecutor(2) as workers:  # the arithmetic of one block beside the writing of another
        for begun in _batches(_blocks(tensors, seed), 4):
            for block in list(workers.map(lambda one: _made(pool, *one), begun)):
                for role, numbers in block.items():
                    files[role].write(numbers.data)


def _batches(blocks: Iterator[tuple[int, bool, int]], n: int) -> Iterator[list[tuple[int, bool, int]]]:
    batch: list[tuple[int, bool, int]] = []
    for block in blocks:
        batch.append(block)
        if len(batch) == n:
            yield batch
            batch = []
    yield batch


def _blocks(tensors: Shapes, seed: int) -> Iterator[tuple[int, bool, int]]:
    """Yield the size of each block, whether it belongs to a norm, and its seed."""
    number = 0
    for name, shape in tensors.items():
        n = math.prod(shape)
        for first in range(0, n, BLOCK):
            number += 1
            yield min(BLOCK, n - first), "norm" in name, (seed << 32) + number


def _made(pool: NDArray[np.float32], n: int, norm: bool, seed: int) -> dict[str, NDArray[np.uint16]]:
    places: Sequence[int] = np.random.default_rng(seed).integers(0, POOL - n, 3).tolist()
    taken = [pool[place : place + n] for place in places]
    base = rounded(taken[0] * np.float32(0.02) + np.float32(norm))
    start = widened(base)
    made = {"base": base}
    for (role, scale), noise in zip(MOVED.items(), taken[1:], strict=True):
        made[role] = rounded(start + noise * np.float32(scale))
    return made


def rounded(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return finite float32 numbers as the bits of bfloat16, rounded to the nearest, ties to even."""
    bits = numbers.view(np.uint32)
    return ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)


def widened(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the bits of bfloat16 numbers as float32, which holds all of them."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _write_tokenizer(folder: Path) -> None:
    """Write a real tokenizer of the 256 bytes and one special token."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said), encoding="utf-8")
