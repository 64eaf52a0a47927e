"""Where in a model a tensor lies, told from its name."""

import re

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|block)\.([0-9]{1,6})\.")
_BEFORE = re.compile(
    r"embed|wte|wpe"
)  # what lies before the first layer; all else without a layer lies behind the last


def layer_of(tensor: str) -> int | None:
    """Return the number of the layer that a tensor belongs to; None for embeddings, heads and final norms."""
    found = _LAYER.search(tensor)
    return int(found[1]) if found else None


def type_of(tensor: str) -> str:
    """Return what a tensor is in its layer, such as ``self_attn.q_proj.weight``; the whole name outside of layers."""
    found = _LAYER.search(tensor)
    return tensor[found.end() :] if found else tensor


def depth_of(tensor: str, layers: int) -> float:
    """Return how deep in a model of ``layers`` layers a tensor lies: 0 at the embedding, 1 at the head."""
    layer = layer_of(tensor)
    if layer is None:
        return 0.0 if _BEFORE.search(tensor) else 1.0
    return min(1.0, layer / max(1, layers - 1))
