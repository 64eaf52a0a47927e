"""Writes tiny model folders by hand, so that a test can make them as wrong as it likes."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from merge.plan import Plan, plan, read_models

WORDS = ["<s>", "</s>", "日本", "銀行", "金利", "物価", "売上高", "増えた"]
HIDDEN = 4
EMBEDDING, HEAD, LAYER = "model.embed_tokens.weight", "lm_head.weight", "model.layers.1.mlp.up_proj.weight"
CONFIG = {
    "model_type": "mistral", "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2,
    "tie_word_embeddings": False,
}  # fmt: skip


def tokenizer(folder: Path, tokens: Sequence[str]) -> None:
    """Write a tokenizer that knows whole words, the first at row 0."""
    vocab = {token: row for row, token in enumerate(tokens) if token}
    text = {
        "version": "1.0",
        "added_tokens": [],
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<s>"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(text), encoding="utf-8")


def ranks(folder: Path, tokens: Sequence[bytes], kind: str = "QWenTokenizer") -> None:
    """Write a vocabulary of tiktoken, the first token at rank 0."""
    lines = (f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(tokens))
    (folder / "qwen.tiktoken").write_text("".join(lines))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))


def model(
    folder: Path,
    tokens: Sequence[str] | None = WORDS,
    *,
    rows: int | None = None,
    more: dict[str, Any] | None = None,
    without: Sequence[str] = (),
    config: dict[str, Any] | None = None,
    vector: bool = False,
    dtype: str = "float32",
) -> Path:
    """Write a model of two layers; the numbers of each tensor depend on the folder's name and its own."""
    folder.mkdir(parents=True, exist_ok=True)
    n = rows or len(tokens or WORDS)
    rng = np.random.default_rng([*folder.name.encode(), n])
    shapes = {EMBEDDING: (n, HIDDEN), HEAD: (n, HIDDEN), LAYER: (6, HIDDEN), "model.norm.weight": (HIDDEN,)}
    shapes["model.layers.0.mlp.up_proj.weight"] = (6, HIDDEN)
    tensors = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()} | (
        more or {}
    )
    kept = {name: np.ascontiguousarray(t) for name, t in tensors.items() if name not in without}
    save_file(kept, folder / "model.safetensors", {"kanagura": "task_vector"} if vector else None)
    settings = {**CONFIG, "vocab_size": n, **(config or {})}
    settings = {key: value for key, value in settings.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    if tokens is not None:
        tokenizer(folder, tokens)
    return folder


def planned(root: Path, **more: Any) -> Plan:
    """Plan the merge of all folders in ``root``, each by its name."""
    models = read_models({folder.name: folder for folder in sorted(root.iterdir())})
    asked: dict[str, Any] = {"tokenizer": "instruct" if "instruct" in models else "base", **more}
    return plan(models, **asked)
