"""Attention kernels that keep packed documents apart, and which of them a machine and a model have.

``varlen`` is this project's: every document is computed by itself and no square mask is built, so that work grows with
the squares of the documents' lengths and not with that of the row. On CUDA it is torch's own kernel for laid-out
documents; elsewhere, documents of about one length are computed together by ``scaled_dot_product_attention``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from datacards.errors import UserError

VARLEN = "varlen"
LAYERS = {"full_attention", "sliding_attention"}  # what ``varlen`` computes
HALF = (torch.bfloat16, torch.float16)


class Unfit(Exception):  # noqa: N818
    """A kernel cannot compute what the model asks of it; the message says what."""


def candidates(asked: str, precision: str, *, cuda: bool, config: Any = None) -> tuple[str, ...]:
    """Return the kernels that may be tried for ``asked``, the best first, by the names that transformers knows them under.

    ``config`` is the model's, where it is known. ``auto`` stands for all that machine and model have; another name for
    itself alone. Raises UserError where that one is not to be had.
    """
    found = {name: _reason(name, precision, cuda, config) for name in ("varlen", "sdpa", "eager")}
    if asked == "auto":
        return tuple(name for name, reason in found.items() if reason is None)
    reason = found[asked] if asked in found else _reason(asked, precision, cuda, config)
    if reason:
        raise UserError(f"attention: {asked}", reason, todo="leave attention out, or name another kernel")
    return (asked,)


def attention(asked: str, precision: str, *, cuda: bool, base: Path | None = None) -> str:
    """Return the best kernel for ``asked`` and make it known to transformers; raises UserError as ``candidates`` does.

    ``base`` is the model folder, whose configuration can rule kernels out before anything large is loaded.
    """
    from transformers import AttentionInterface, AttentionMaskInterface, AutoConfig

    AttentionInterface.register(VARLEN, varlen)
    AttentionMaskInterface.register(VARLEN, no_mask)
    try:
        config = (
            AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False) if base else None
        )
    except (OSError, ValueError, KeyError):
        config = None  # loading the model will say what is wrong with it
    return candidates(asked, precision, cuda=cuda, config=config)[0]


def _reason(name: str, precision: str, cuda: bool, config: Any) -> str | None:
    """Return why ``name`` is not to be had, None where it is."""
    kind = _class_of(config)
    strange = sorted({*(getattr(config, "layer_types", None) or ())} - LAYERS)
    checks = (
        ("flash_attention_2", not (cuda and precision == "bf16" and find_spec("flash_attn")),
         "needs CUDA, precision bf16 and the library flash-attn"),
        ("flex_attention", not cuda, "has no backward pass without CUDA"),
        ("sdpa", not getattr(kind, "_supports_sdpa", True), "transformers does not offer it for this model"),
        (VARLEN, not getattr(kind, "_supports_attention_backend", True), "the model has an attention of its own"),
        (VARLEN, bool(strange), f"the model has layers of the kind {', '.join(strange)}"),
        (VARLEN, bool(getattr(config, "attention_chunk_size", None)), "the model cuts its attention into chunks"),
    )  # fmt: skip
    capped = name != "eager" and getattr(config, "attn_logit_softcapping", None)
    found = [reason for kernel, holds, reason in checks if kernel == name and holds]
    return (
        "the model caps its attention scores, which only eager computes"
        if capped
        else next(iter(found), None)
    )


def _class_of(config: Any) -> Any:
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    return MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)


def laid_out(kernel: str, borders: Tensor | None, position_ids: Tensor) -> dict[str, Any]:
    """Return what ``kernel`` needs of a batch, as arguments of the model's forward pass, which hands them down.

    ``borders`` are as ``NextToken.forward`` has them.
    """
    if kernel not in (VARLEN, "flash_attention_2"):
        return {}
    if borders is None:
        begins = (position_ids.flatten() == 0).nonzero().flatten()
        borders = torch.cat((begins, begins.new_tensor([position_ids.numel()])))
    pieces = Pieces(borders.cpu().numpy(), position_ids.device)
    if kernel == VARLEN:
        return {"pieces": pieces}
    ends, longest = pieces.borders, pieces.longest
    return {
        "cu_seq_lens_q": ends,
        "cu_seq_lens_k": ends,
        "max_length_q": longest,
        "max_length_k": longest,
    }


class Pieces:
    """Where the documents of a batch lie when its rows are laid end to end, worked out once for all layers."""

    def __init__(self, borders: NDArray[np.integer[Any]], device: torch.device) -> None:
        self._borders = borders.astype(np.int64)
        self.device = device
        self.longest = int(np.diff(self._borders).max())

    @cached_property
    def borders(self) -> Tensor:
        """The places where documents begin, and the end of the last, as CUDA kernels want them."""
        return torch.from_numpy(self._borders.astype(np.int32)).to(self.device)

    @cached_property
    def buckets(self) -> "Buckets":
        """The documents by length."""
        return Buckets.of(self._borders, self.device)


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Documents sorted into blocks of one length, the shorter ones filled up behind their end.

    ``places`` says of each place of the blocks which token of the batch lies there, ``back`` of each token where it lies
    in the blocks; ``filled`` are the places that hold no token of their own, and ``shapes`` (documents, length) of the
    blocks.
    """

    places: Tensor
    back: Tensor
    filled: Tensor
    shapes: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, borders: NDArray[np.int64], device: torch.device) -> "Buckets":
        """Return the buckets of the documents between ``borders``."""
        begins, lengths = borders[:-1], np.diff(borders)
        wide = _rounded(lengths)
        order = np.argsort(wide, kind="stable")
        sizes, counts = np.unique(wide, return_counts=True)
        places, own = [], []
        for chosen, size in zip(np.split(order, np.cumsum(counts)[:-1]), sizes, strict=True):
            at, last = np.arange(size), lengths[chosen, None] - 1
            places.append((begins[chosen, None] + np.minimum(at, last)).ravel())
            own.append((at <= last).ravel())
        where, real = np.concatenate(places), np.concatenate(own)
        back = np.empty(borders[-1], np.int64)
        back[where[real]] = np.flatnonzero(real)
        shapes = tuple(zip(counts.tolist(), sizes.tolist(), strict=True))
        there, again, void = (torch.from_numpy(a).to(device) for a in (where, back, np.flatnonzero(~real)))
        return cls(there, again, void, shapes)


def _rounded(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the length of the block of each document: of the document alone, and at most an eighth more (or 7) than it."""
    step = np.maximum(8, np.exp2(np.floor(np.log2(lengths)) - 3).astype(np.int64))
    return -(-lengths // step) * step


class _Gather(torch.autograd.Function):
    """Rows of a matrix by their places; the way back is a gathering too, since every row has one place of its own.

    ``void`` are the results that repeat a row (on the way there) or the rows nobody takes (on the way back): their
    gradient is 0. This is much cheaper than adding up by places, and the same in every run.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, there: Tensor, back: Tensor, void: Tensor | None) -> Tensor:
        ctx.back, ctx.void = back, void
        return rows.index_select(0, there)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        found = gradients[0].index_select(0, ctx.back)
        if ctx.void is not None:
            found.index_fill_(0, ctx.void, 0)
        return found, None, None, None


def no_mask(*_: Any, attention_mask: Tensor | None = None, **__: Any) -> None:
    """Build no mask: ``varlen`` knows the documents by their places. Raises Unfit where padding was asked for."""
    if attention_mask is not None and not bool(attention_mask.all()):
        raise Unfit("varlen takes no padding")


def varlen(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    pieces: Pieces | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Compute causal attention within each document; shapes and names are those of transformers' AttentionInterface.

    Without ``pieces`` each row is one document. Raises Unfit for what a model asks beyond that.
    """
    asked = [name for name in ("softcap", "s_aux", "position_bias", "cache") if others.get(name) is not None]
    if (
        asked
        or attention_mask is not None
        or not (others.get("is_causal") or getattr(module, "is_causal", True))
    ):
        raise Unfit(f"attention with {', '.join(asked) or 'a mask of its own'}")
    rows, heads, width, _ = query.shape
    if key.shape[2] != width:
        raise Unfit("attention to more than the row")
    pieces = pieces or Pieces(np.arange(rows + 1) * width, query.device)
    if torch.is_autocast_enabled(query.device.type):
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = (part.to(dtype) for part in (query, key, value))
    flat: list[Any] = [part.transpose(1, 2).flatten(0, 1) for part in (query, key, value)]
    made: Any
    if _torch_has_it(flat[0], flat[2], dropout):
        from torch.nn.attention.varlen import varlen_attn

        window = (-1, 0) if sliding_window is None else (sliding_window - 1, 0)
        ends, longest = pieces.borders, pieces.longest
        grouped = heads != key.shape[1]
        made = varlen_attn(
            flat[0],
            flat[1],
            flat[2],
            ends,
            ends,
            longest,
            longest,
            scale=scaling,
            window_size=window,
            enable_gqa=grouped,
        )
    else:
        made = _by_length(flat, pieces.buckets, scaling, dropout, sliding_window)
    return made.unflatten(0, (rows, width)), None


def _torch_has_it(query: Tensor, value: Tensor, dropout: float) -> bool:
    """Whether torch's kernel for laid-out documents takes these: FlashAttention-2's limits."""
    size = query.shape[-1]
    fits = query.dtype in HALF and size == value.shape[-1] and size <= 256 and size % 8 == 0
    if not (fits and query.is_cuda and dropout == 0):
        return False
    return torch.cuda.get_device_capability(query.device) >= (8, 0)


def _by_length(
    flat: Sequence[Any], buckets: Buckets, scaling: float | None, dropout: float, window: int | None
) -> Tensor:
    """Return the attention of tokens laid end to end, of shape (tokens, heads, size)."""
    gather: Any = _Gather.apply
    sizes = [n * length for n, length in buckets.shapes]
    blocks = [gather(part, buckets.places, buckets.back, None).split(sizes) for part in flat]
    made = []
    for (n, length), *parts in zip(buckets.shapes, *blocks, strict=True):
        query, key, value = (part.unflatten(0, (n, length)).transpose(1, 2) for part in parts)
        mask = _band(length, window, query.device) if window is not None and length > window else None
        part = scaled_dot_product_attention(
            query, key, value, mask, dropout, is_causal=mask is None, scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )  # fmt: skip
        made.append(part.transpose(1, 2).flatten(0, 1))
    return gather(torch.cat(made), buckets.back, buckets.places, buckets.filled)


def _band(length: int, window: int, device: torch.device) -> Tensor:
    """Return what a token sees of a document: itself and the ``window`` - 1 tokens before it."""
    ones = torch.ones(length, length, dtype=torch.bool, device=device)
    return ones.tril().triu(1 - window)
