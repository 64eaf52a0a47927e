"""The config of a Qwen-1 checkpoint, and the native Qwen2 config that says the same."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from datacards.errors import UserError

Size = Annotated[int, Field(gt=0, le=1 << 24)]
GENERATION = ("max_length", "max_new_tokens", "pad_token_id", "repetition_penalty", "do_sample")
SAMPLING = ("temperature", "top_k", "top_p")
# Keys of published configs that say how to run and not what to compute.
SILENT = {
    "architectures", "auto_map", "bf16", "fp16", "fp32", "torch_dtype", "dtype", "transformers_version", "use_cache",
    "use_flash_attn", "use_cache_quantization", "use_cache_kernel", "softmax_in_fp32", "onnx_safe", "tokenizer_class",
    "max_position_embeddings", "tokenizer_type", "_name_or_path", "vocab_size", "return_dict", "quantize_embedding",
}  # fmt: skip


class Qwen1(BaseModel):
    """What the modelling of Qwen-1 reads from ``config.json``; other values than these cannot be said in Qwen2."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    model_type: Literal["qwen"]
    vocab_size: Size
    hidden_size: Size
    num_hidden_layers: Annotated[int, Field(gt=0, le=4096)]
    num_attention_heads: Size
    kv_channels: Size
    intermediate_size: Annotated[Size, Field(multiple_of=2)]
    seq_length: Size
    layer_norm_epsilon: PositiveFloat = 1e-6
    rotary_emb_base: PositiveFloat = 10_000.0
    initializer_range: PositiveFloat = 0.02
    attn_dropout_prob: Annotated[float, Field(ge=0, lt=1)] = 0.0
    emb_dropout_prob: Annotated[float, Field(ge=0, lt=1)] = 0.0
    use_dynamic_ntk: bool = False
    use_logn_attn: bool = False
    tie_word_embeddings: bool = False
    rotary_pct: Annotated[float, Field(ge=1, le=1)] = 1.0
    no_bias: Literal[True] = True
    scale_attn_weights: Literal[True] = True
    apply_residual_connection_post_layernorm: Literal[False] = False
    rope_scaling: None = None
    quantization_config: None = None


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; raise UserError when it is missing or damaged."""
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(
            path.name, f"is missing in '{path.parent.name}'", todo="restore the checkpoint"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            path.name, f"is damaged: {str(error)[:200]}", todo="restore the checkpoint"
        ) from error
    if not isinstance(said, dict):
        raise UserError(path.name, "holds no object", todo="restore the checkpoint")
    return said


def read_config(path: Path) -> Qwen1:
    """Return a Qwen-1 config; raise UserError for what is missing, wrong, or cannot be said in the native layout."""
    try:
        config = Qwen1.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        shown = "" if first["type"] == "missing" else f" = {str(first['input'])[:60]!a}"
        raise UserError(
            "config.json",
            f"{key}{shown}: {first['msg']}",
            "a Qwen-1 checkpoint that the Qwen2 classes can represent",
            "convert it only if its model type is qwen; other models need no conversion",
        ) from error
    if config.kv_channels * config.num_attention_heads != config.hidden_size:
        raise UserError(
            "config.json",
            f"{config.num_attention_heads} heads of {config.kv_channels} channels in a width of {config.hidden_size}",
            "heads x kv_channels must be hidden_size",
        )
    if config.kv_channels % 2:
        raise UserError(
            "config.json", f"kv_channels = {config.kv_channels}", "rotary needs an even number of channels"
        )
    return config


def native(config: Qwen1, dtype: str, end: int) -> dict[str, Any]:
    """Return the ``config.json`` of the native layout.

    ``dtype`` is the name of the weights' number format, ``end`` the id of ``<|endoftext|>``.
    """
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size // 2,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_attention_heads,
        "hidden_act": "silu",
        "max_position_embeddings": config.seq_length,
        "rms_norm_eps": config.layer_norm_epsilon,
        "rope_parameters": {"rope_theta": config.rotary_emb_base, "rope_type": "default"},
        "tie_word_embeddings": config.tie_word_embeddings,
        "attention_dropout": config.attn_dropout_prob,
        "initializer_range": config.initializer_range,
        "use_sliding_window": False,
        "use_cache": True,
        "bos_token_id": None,
        "eos_token_id": end,
        "dtype": dtype,
        # Without it transformers takes any tokenizer of more than 100,000 tokens for an early one of Mistral, and warns.
        "transformers_version": version("transformers"),
    }


def notes(config: Qwen1) -> list[str]:
    """Return in what the converted model differs from the original, in sentences."""
    told = []
    if config.use_dynamic_ntk or config.use_logn_attn:
        way = " and ".join(
            name
            for name, used in (
                ("dynamic NTK scaling", config.use_dynamic_ntk),
                ("log-n attention", config.use_logn_attn),
            )
            if used
        )
        told.append(
            f"up to seq_length = {config.seq_length:,} tokens both models compute the same; beyond it Qwen-1 uses {way},"
            " which the native classes do not have"
        )
    if config.emb_dropout_prob:
        told.append(
            f"emb_dropout_prob = {config.emb_dropout_prob} acts in training alone and has no native form"
        )
    unknown = sorted(set(config.model_extra or {}) - SILENT)
    if unknown:
        told.append(f"keys of config.json that are not known here: {', '.join(map(ascii, unknown))[:500]}")
    return told


def generation(folder: Path, end: int, turn: int) -> tuple[dict[str, Any], bool]:
    """Return the native ``generation_config.json``, and whether the checkpoint was made for chats (ChatML).

    ``end`` is the id of ``<|endoftext|>`` and ``turn`` that of ``<|im_end|>``: the code of Qwen-1 stops a chat at either.
    Numbers for sampling without ``do_sample`` are left out: transformers refuses to save them.
    """
    path = folder / "generation_config.json"
    said = read_json(path) if path.is_file() else {}
    chat = said.get("chat_format") == "chatml"
    keys = GENERATION + (SAMPLING if said.get("do_sample") is True else ())
    kept = {key: said[key] for key in keys if key in said}
    return kept | {"eos_token_id": [turn, end] if chat else end}, chat
