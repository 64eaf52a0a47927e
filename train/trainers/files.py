"""Writes a safetensors file tensor by tensor, hashing on the way, in no more memory than one tensor takes."""

import json
import os
from hashlib import sha256
from math import prod
from pathlib import Path

from torch import Tensor

BYTES = 4  # of a float32


class TensorFile:
    """A safetensors file of float32 tensors (https://huggingface.co/docs/safetensors), to be added in order.

    The header comes first in such a file, so names and shapes must be known before.
    """

    def __init__(self, path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        at = 0
        for name, shape in shapes.items():
            end = at + prod(shape) * BYTES
            header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, end]}
            at = end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self._stream, self._digest = path.open("wb"), sha256()
        self._write(len(text).to_bytes(8, "little") + text)

    def add(self, value: Tensor) -> None:
        """Append the next tensor, which lies on the CPU."""
        self._write(value.detach().contiguous().flatten().numpy().data)

    def _write(self, data: bytes | memoryview) -> None:
        self._digest.update(data)
        self._stream.write(data)

    def close(self) -> str:
        """Bring the file to the disk and return its SHA-256."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        return self._digest.hexdigest()


def parts(shapes: dict[str, tuple[int, ...]], limit: int) -> list[list[str]]:
    """Return the names in order, cut where a file of float32 tensors would grow over ``limit`` bytes."""
    cut: list[list[str]] = []
    size = 0
    for name, shape in shapes.items():
        n = prod(shape) * BYTES
        if not cut or size + n > limit:
            cut.append([])
            size = 0
        cut[-1].append(name)
        size += n
    return cut
