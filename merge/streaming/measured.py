"""What one pass over a tensor tells about its task vectors."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Measured:
    """Sums over one tensor of ``n`` elements, of the ``k`` task vectors named by ``roles``.

    ``base`` is the base's sum of squares; ``dots`` (k, k) are inner products in float64; ``zeros`` (k,) counts the
    elements that a vector leaves at zero; ``agree`` and ``differ`` (k, k) those where two vectors have the same or the
    opposite sign, neither being zero.
    """

    tensor: str
    shape: tuple[int, ...]
    n: int
    roles: tuple[str, ...]
    base: float
    dots: NDArray[Any]
    zeros: NDArray[Any]
    agree: NDArray[Any]
    differ: NDArray[Any]
