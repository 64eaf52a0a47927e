"""The tensors of a model folder: read one at a time, and written one at a time into files that are laid out first."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import torch
from safetensors import safe_open
from torch import Tensor

from datacards.checkpoints import INDEX, SINGLE

Format = Literal["fp32", "bf16"]
Shape = tuple[int, ...]
SHARD = 5_000_000_000  # bytes of tensors in one file at most, unless a single one is larger
ONCE = 1 << 24  # numbers that are rounded and written at once
DTYPES: dict[Format, tuple[torch.dtype, str, str]] = {  # in torch, in a safetensors header, in a config
    "fp32": (torch.float32, "F32", "float32"),
    "bf16": (torch.bfloat16, "BF16", "bfloat16"),
}


class Base:
    """The stored tensors of a model folder, read one at a time."""

    def __init__(self, folder: Path) -> None:
        if (folder / SINGLE).is_file() or not (folder / INDEX).is_file():
            files = [folder / SINGLE]
        else:
            places = json.loads((folder / INDEX).read_bytes())["weight_map"].values()
            files = [folder / name for name in sorted(set(places))]
        self._open: dict[Path, Any] = {path: safe_open(path, "pt") for path in files}
        self._at = {name: path for path, file in self._open.items() for name in file.keys()}  # noqa: SIM118
        self.names = tuple(sorted(self._at))

    def shape(self, name: str) -> Shape:
        """Return the shape of one tensor."""
        return tuple(self._open[self._at[name]].get_slice(name).get_shape())

    def read(self, name: str) -> Tensor:
        """Return one tensor in float32, which holds every number of a narrower format."""
        return self._open[self._at[name]].get_tensor(name).float()


class Sink:
    """The files of a checkpoint, laid out first and then filled in any order.

    The format (header length, JSON header, one buffer without gaps) is https://huggingface.co/docs/safetensors.
    """

    def __init__(
        self,
        folder: Path,
        shapes: Mapping[str, Shape],
        format_: Format,
        said: Mapping[str, str],
        shard: int = SHARD,
    ) -> None:
        self.dtype, self._header_name, _ = DTYPES[format_]
        self._places: dict[str, tuple[Path, int]] = {}
        self._left = dict(shapes)
        folder.mkdir(exist_ok=True)
        shards: list[list[str]] = [[]]
        filled = 0
        for name in sorted(shapes):
            size = self._bytes(shapes[name])
            if shards[-1] and filled + size > shard:
                shards.append([])
                filled = 0
            shards[-1].append(name)
            filled += size
        n = len(shards)
        for i, names in enumerate(shards, 1):
            path = folder / (SINGLE if n == 1 else f"model-{i:05d}-of-{n:05d}.safetensors")
            self._lay_out(path, {name: shapes[name] for name in names}, said)
        if n > 1:
            index = {
                "metadata": {"total_size": sum(map(self._bytes, shapes.values()))},
                "weight_map": {name: self._places[name][0].name for name in sorted(shapes)},
            }
            (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")

    def _bytes(self, shape: Shape) -> int:
        return math.prod(shape) * self.dtype.itemsize

    def _lay_out(self, path: Path, shapes: Mapping[str, Shape], said: Mapping[str, str]) -> None:
        header: dict[str, Any] = {"__metadata__": {"format": "pt", **said}}
        reached = 0
        for name, shape in shapes.items():
            end = reached + self._bytes(shape)
            header[name] = {
                "dtype": self._header_name,
                "shape": list(shape),
                "data_offsets": [reached, end],
            }
            reached = end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with path.open("wb") as stream:
            stream.write(len(text).to_bytes(8, "little") + text)
            stream.truncate(8 + len(text) + reached)
        for name in shapes:
            self._places[name] = (path, 8 + len(text) + header[name]["data_offsets"][0])

    def write(self, name: str, value: Tensor) -> None:
        """Fill one tensor, each number rounded once to the nearest; a wrong shape or a second time is a ValueError."""
        if self._left.pop(name, None) != tuple(value.shape):
            raise ValueError(f"{name} of the shape {tuple(value.shape)} has no place, or was written already")
        path, offset = self._places[name]
        with path.open("r+b") as stream:
            stream.seek(offset)
            flat = value.detach().reshape(-1)
            for first in range(0, len(flat), ONCE):
                part = flat[first : first + ONCE]
                stream.write(part.cpu().to(self.dtype).contiguous().view(torch.uint8).numpy().data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not kind and self._left:
            raise ValueError(f"never written: {', '.join(sorted(self._left)[:5])}")
