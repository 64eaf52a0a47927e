"""Models that vLLM 0.32 cannot serve any more, told before anything is loaded."""

import json
from pathlib import Path

from datacards.errors import UserError

PINNED = "0.32.0"
#: Architecture -> the last vLLM that had it (vllm/model_executor/models/registry.py of 0.32.0), of language models only.
LAST_SUPPORTED = {
    "AquilaForCausalLM": "0.24.0", "AquilaModel": "0.24.0", "ArcticForCausalLM": "0.28.0", "BaiChuanForCausalLM": "0.23.0",
    "BaichuanForCausalLM": "0.23.0", "BambaForCausalLM": "0.23.0", "Grok1ForCausalLM": "0.24.0",
    "Grok1ModelForCausalLM": "0.24.0", "InternLMForCausalLM": "0.23.0", "JAISLMHeadModel": "0.22.0",
    "MiniMaxForCausalLM": "0.23.0", "OuroForCausalLM": "0.26.0", "PersimmonForCausalLM": "0.25.0",
    "Phi3SmallForCausalLM": "0.9.2", "Plamo2ForCausalLM": "0.26.0", "QWenLMHeadModel": "0.23.0",
    "StableLMEpochForCausalLM": "0.28.0", "TeleChatForCausalLM": "0.25.0", "XverseForCausalLM": "0.23.0",
}  # fmt: skip
#: What helps besides an old server.
_OTHERWISE = {
    "QWenLMHeadModel": "convert the weights to Qwen2ForCausalLM (split c_attn into q, k and v; w2 is gate, w1 is up), "
    "or choose another model",
    "StableLMEpochForCausalLM": "take the revision whose config.json says StableLmForCausalLM",
}


def check(model: str, revision: str = "") -> None:
    """Raise UserError for a model that the pinned vLLM does not serve, saying what does; unknown models pass.

    ``model`` is a folder, or a name on the hub whose ``config.json`` has been downloaded already.
    """
    path = Path(model) / "config.json"
    if not path.is_file():
        path = _cached(model, revision) or path
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return  # the server says what is wrong with it
    for name in config.get("architectures") or ():
        if last := LAST_SUPPORTED.get(name):
            raise UserError(
                model,
                f"its architecture is {name}, which vLLM {PINNED} does not serve",
                f"vLLM served it until {last}",
                f"serve it with vllm=={last} in an environment of its own and name that server in the recipe"
                + (f"; or {_OTHERWISE[name]}" if name in _OTHERWISE else ""),
            )


def _cached(model: str, revision: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, "config.json", revision=revision or "main")
    except HFValidationError:
        return None  # no name of the hub
    return Path(found) if isinstance(found, str) else None
