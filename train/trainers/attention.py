"""Attention kernels that keep packed documents apart, and which of them a machine has."""

from datacards.errors import UserError


def attention(asked: str, precision: str, *, cuda: bool) -> str:
    """Return the name that transformers knows the kernel under that ``asked`` stands for on this machine."""
    if asked in ("auto", "sdpa"):
        return "sdpa"
    raise UserError("attention", f"'{asked}' for {precision}, {cuda}")
