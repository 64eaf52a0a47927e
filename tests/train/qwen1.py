"""Writes a tiny Qwen-1 checkpoint: two layers, several files, a padded vocabulary, as their writers lay them out."""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

TEXTS = (
    "日本銀行は金融政策を決める。売上高は前期より増えた。",
    "物価の安定が大切である。The bank raised rates.",
)
WIDE, HEADS, INNER, LAYERS, WORDS = 32, 4, 48, 2, 560
CONFIG: dict[str, Any] = {
    "architectures": ["QWenLMHeadModel"],
    "auto_map": {"AutoConfig": "configuration_qwen.QWenConfig", "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel"},
    "attn_dropout_prob": 0.0, "bf16": True, "emb_dropout_prob": 0.0, "fp16": False, "fp32": False,
    "hidden_size": WIDE, "initializer_range": 0.02, "intermediate_size": 2 * INNER, "kv_channels": WIDE // HEADS,
    "layer_norm_epsilon": 1e-06, "max_position_embeddings": 8192, "model_type": "qwen", "no_bias": True,
    "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "onnx_safe": None, "rotary_emb_base": 10000,
    "rotary_pct": 1.0, "scale_attn_weights": True, "seq_length": 256, "tie_word_embeddings": False,
    "tokenizer_type": "QWenTokenizer", "transformers_version": "4.31.0", "use_cache": True, "use_dynamic_ntk": True,
    "use_flash_attn": False, "use_logn_attn": True, "vocab_size": WORDS,
}  # fmt: skip


def ranks() -> list[bytes]:
    """Return a byte-level vocabulary: all bytes, then unions of two earlier tokens, as BPE learns them."""
    tokens = [bytes([byte]) for byte in range(256)]
    cut = [[bytes([byte]) for byte in text.encode()] for text in TEXTS]
    while len(tokens) < 330:
        pairs = [pair for text in cut for pair in pairwise(text)]
        left, right = max(sorted(set(pairs)), key=pairs.count)
        tokens.append(left + right)
        for at, text in enumerate(cut):
            joined: list[bytes] = []
            for token in text:
                if joined and joined[-1] == left and token == right:
                    joined[-1] = left + right
                else:
                    joined.append(token)
            cut[at] = joined
    return tokens


def tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    """Return random weights, large enough that any swap shows, with biases and norms that are not trivial."""
    torch.manual_seed(seed)

    def some(*shape: int) -> torch.Tensor:
        return (torch.randn(*shape) * (1.0 if len(shape) == 1 else shape[-1] ** -0.5)).bfloat16()

    made = {"transformer.wte.weight": some(WORDS, WIDE), "transformer.ln_f.weight": some(WIDE)}
    for i in range(LAYERS):
        at = f"transformer.h.{i}"
        made |= {
            f"{at}.ln_1.weight": some(WIDE), f"{at}.ln_2.weight": some(WIDE),
            f"{at}.attn.c_attn.weight": some(3 * WIDE, WIDE), f"{at}.attn.c_attn.bias": some(3 * WIDE),
            f"{at}.attn.c_proj.weight": some(WIDE, WIDE), f"{at}.mlp.w1.weight": some(INNER, WIDE),
            f"{at}.mlp.w2.weight": some(INNER, WIDE), f"{at}.mlp.c_proj.weight": some(WIDE, INNER),
        }  # fmt: skip
    return made | {"lm_head.weight": some(WORDS, WIDE)}


def write(folder: Path, *, files: int = 3, chat: str = "raw", **changed: Any) -> Path:
    """Write a checkpoint of ``files`` files; ``changed`` are other values of its config."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | changed, indent=2) + "\n")
    said = {
        "chat_format": chat,
        "eos_token_id": 330,
        "max_new_tokens": 512,
        "stop_words_ids": [[330]],
        "top_p": 0.8,
    }
    (folder / "generation_config.json").write_text(json.dumps(said))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "QWenTokenizer", "model_max_length": 8192}'
    )
    lines = [f"{base64.b64encode(token).decode()} {i}\n" for i, token in enumerate(ranks())]
    (folder / "qwen.tiktoken").write_text("".join(lines))
    (folder / "modeling_qwen.py").write_text("raise SystemExit('code that came with the weights was run')\n")
    made = tensors()
    names = list(made)
    save(folder, *({name: made[name] for name in names[i::files]} for i in range(files)))
    return folder


def save(folder: Path, *parts: dict[str, torch.Tensor]) -> None:
    """Write each part of the weights to a file, and an index when there are several."""
    if len(parts) == 1:
        save_file(parts[0], folder / "model.safetensors", metadata={"format": "pt"})
        return
    where = {}
    for i, part in enumerate(parts, 1):
        file = f"model-{i:05d}-of-{len(parts):05d}.safetensors"
        save_file(part, folder / file, metadata={"format": "pt"})
        where |= dict.fromkeys(part, file)
    total = sum(one.nbytes for part in parts for one in part.values())
    index = {"metadata": {"total_size": total}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
