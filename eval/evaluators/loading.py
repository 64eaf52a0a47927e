"""Models of transformers made ready to be asked, from a folder or from memory."""

from inspect import signature
from pathlib import Path
from typing import Any, Literal

from datacards.errors import UserError
from datacards.objective import Loaded

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
UNSAID = 2048  # tokens that a model is taken to hold where neither it nor its tokenizer says


def open_model(model: Path | Loaded, *, dtype: Dtype = "float32", device: str = "") -> Loaded:
    """Return ``model`` ready to compute: a folder is loaded, a model in memory stays as it is but for its dropout.

    ``dtype`` is the format that the weights are held and multiplied in, ``device`` where (empty: an accelerator where
    there is one, else the CPU). Only classes of transformers itself are used, never code that comes with a checkpoint.
    Raises UserError when the folder cannot be loaded.
    """
    if isinstance(model, Loaded):
        allow_tiles(model.model.dtype)
        model.model.eval()  # in training it would answer otherwise every time
        return model
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    logging.disable_progress_bar()
    try:
        path = str(model.resolve())  # a relative one might be taken for the name of a hub model
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        weights = AutoModelForCausalLM.from_pretrained(
            path, dtype=dtype, trust_remote_code=False, use_safetensors=True
        )
        weights.to(chosen).eval()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(
            model.name, f"cannot be loaded: {error}", todo="check the files of the checkpoint"
        ) from error
    finally:
        logging.enable_progress_bar()
    allow_tiles(weights.dtype)
    return Loaded(model=weights, tokenizer=tokenizer, name=model.name)


def allow_tiles(dtype: Any) -> None:
    """Ask the kernel for the matrix tiles (AMX) of the CPU, which bfloat16 uses: without leave the process dies."""
    import torch

    if dtype in (torch.bfloat16, torch.float16) and torch.cpu._is_amx_tile_supported():
        torch.cpu._init_amx()


def longest(loaded: Loaded) -> int:
    """Return how many tokens the model takes at once: what its config says, else its tokenizer, else 2,048."""
    config = text_config(loaded.model)
    for name in ("n_positions", "max_position_embeddings", "n_ctx"):
        if value := getattr(config, name, None):
            return int(value)
    said = getattr(loaded.tokenizer, "model_max_length", None)
    return int(said) if said and said < 10**12 else UNSAID


def text_config(model: Any) -> Any:
    """Return the part of a model's config that is about text: the whole, but in models of more than text."""
    return getattr(model.config, "text_config", None) or model.config


def takes(model: Any, name: str) -> bool:
    """Return whether the forward pass of ``model`` has an argument ``name``."""
    return name in signature(model.forward).parameters
