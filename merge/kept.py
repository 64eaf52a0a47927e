"""Tells the saved buffers and whole numbers of a checkpoint, which are kept as they are, from weights."""

import re
from collections.abc import Mapping

from datacards.errors import UserError
from merge.files import Tensor
from merge.fit import some
from merge.numbers import FLOATS, STORED
from merge.ties import equal

# What a model computes from its config and some versions of it save all the same.
BUFFER = re.compile(
    r"(?:^|\.)(?:rotary_emb|rotary_pos_emb)\.(?:inv_freq|original_inv_freq|cos_cached|sin_cached)$"
    r"|(?:^|\.)(?:masked_bias|position_ids|token_type_ids)$"
)
MASK = re.compile(r"\.(?:attn|attention|self_attn|self_attention|crossattention)\.bias$")


def is_buffer(tensor: Tensor) -> bool:
    """Return whether a tensor is no parameter: a table of positions, or a causal mask ``(1, 1, n, n)``."""
    mask = len(tensor.shape) == 4 and tensor.shape[:2] == (1, 1) and tensor.shape[2] == tensor.shape[3]
    return bool(BUFFER.search(tensor.name)) or (mask and bool(MASK.search(tensor.name)))


def kept(name: str, having: Mapping[str, Tensor]) -> Tensor | None:
    """Return the tensor to copy where ``name`` is a buffer or holds whole numbers; None where it is to be merged.

    ``having`` are the tensors of that name by role, the base's first. Of a buffer that is stored in several number
    formats the widest is taken. Raises UserError where the models do not agree.
    """
    buffers = any(is_buffer(tensor) for tensor in having.values())
    whole = [role for role, tensor in having.items() if tensor.dtype not in FLOATS]
    if not buffers and not whole:
        return None
    first = next(iter(having))
    if not buffers and len(whole) < len(having):
        other = next(role for role in having if role not in whole)
        raise UserError(
            f"the {whole[0]} model", f"{some([name])} is {having[whole[0]].dtype}, in the {other} model"
            f" {having[other].dtype}", "whole numbers are no weights", "give all models in one number format",
        )  # fmt: skip
    for role, tensor in having.items():
        if not equal(tensor, having[first]) or (not buffers and tensor.dtype != having[first].dtype):
            raise UserError(
                f"the {role} model", f"{some([name])} differs from that of the {first} model",
                "a buffer is computed from the config and cannot be merged" if buffers
                else f"whole numbers ({tensor.dtype}) cannot be merged",
                "save the models without it" if buffers
                else "merge models whose weights are not quantized",
            )  # fmt: skip
    return max(having.values(), key=lambda tensor: STORED[tensor.dtype].itemsize)
