"""Reads where the tensors of a checkpoint lie, and lays out and fills the files of a new one.

The format (8 bytes of header length, a JSON header, one buffer without gaps) is described at
https://huggingface.co/docs/safetensors. Since names, types and shapes are known before a merge begins, all
files can be laid out first and then filled in any order.
"""

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError, from_os_error
from merge.numbers import STORED

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
HEADER_LIMIT = 100_000_000  # bytes; the limit of the format's own reader
LONGEST, SHOWN = 512, 60  # signs of a tensor's name, and of what a message shows of it
ASK = "restore the checkpoint or name another one"


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where one tensor lies: ``offset`` is the byte of its first number in ``path``."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    offset: int

    @property
    def n(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """The size in bytes."""
        return self.n * STORED[self.dtype].itemsize


def read_index(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of the checkpoint in ``folder`` by name.

    Raises UserError for a missing shard, a header that is damaged or lies about its buffer, an unknown number
    format, and a tensor that is listed and absent or present and not listed.
    """
    if not (folder / INDEX).is_file():
        return read_header(folder / SINGLE)
    try:
        weight_map = json.loads((folder / INDEX).read_bytes())["weight_map"]
        shards = sorted({str(name) for name in weight_map.values()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(INDEX, f"is damaged: {error!r}", todo=ASK) from error
    tensors: dict[str, Tensor] = {}
    for shard in shards:
        if Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise UserError(INDEX, f"names a file outside the checkpoint: {shard!r}", todo=ASK)
        tensors |= read_header(folder / shard)
    if differing := sorted(set(weight_map) ^ set(tensors)):
        raise UserError(INDEX, f"does not agree with the shards on {_shown(differing[0])}", todo=ASK)
    if elsewhere := [name for name, tensor in tensors.items() if tensor.path.name != weight_map[name]]:
        raise UserError(INDEX, f"names another shard than that which holds {_shown(elsewhere[0])}", todo=ASK)
    return tensors


def read_header(path: Path) -> dict[str, Tensor]:
    """Return the tensors of one safetensors file, checked against the size of the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(HEADER_LIMIT, size - 8):
                raise UserError(path.name, f"has a header of {length} bytes in a file of {size}", todo=ASK)
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        return _tensors(path, header, 8 + length, size)
    except FileNotFoundError as error:
        raise UserError(path.name, f"is missing in '{path.parent.name}'", todo=ASK) from error
    except OSError as error:
        raise from_os_error(error, path.name) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        wrong = f"{type(error).__name__}: {error}"[:200]  # some errors hold the whole header
        raise UserError(path.name, f"has a damaged header: {wrong}", todo=ASK) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Return what the writer of a safetensors file, whose header ``read_header`` accepts, said of it."""
    with path.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    said = header.get("__metadata__")
    if not isinstance(said, dict | None) or not all(
        isinstance(value, str) for value in (said or {}).values()
    ):
        raise UserError(path.name, "has a __metadata__ that is no list of words", todo=ASK)
    return said or {}


def _tensors(path: Path, header: Mapping[str, Any], start: int, size: int) -> dict[str, Tensor]:
    tensors, reached = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        if not (name.isprintable() and 0 < len(name) <= LONGEST):
            raise UserError(
                path.name,
                f"has the tensor {_shown(name)}",
                f"a printable name of at most {LONGEST} signs",
                ASK,
            )
        if entry["dtype"] not in STORED:
            raise UserError(
                path.name,
                f"{name} has the number format {_shown(entry['dtype'])}",
                f"known: {', '.join(STORED)}",
                "save the model in one of these, not quantized",
            )
        (begin, end), shape = entry["data_offsets"], tuple(entry["shape"])
        if not all(type(number) is int for number in (begin, end, *shape)):
            raise TypeError("places and sides are whole numbers")
        tensor = Tensor(name, entry["dtype"], shape, path, start + begin)
        if begin != reached or end - begin != tensor.bytes or min(shape, default=1) < 0:
            raise UserError(path.name, f"{name} does not lie where the header says", todo=ASK)
        reached = end
        tensors[name] = tensor
    if start + reached != size:
        raise UserError(path.name, f"has {size} bytes, its header accounts for {start + reached}", todo=ASK)
    return tensors


def _shown(value: Any) -> str:
    text = ascii(value)  # what a terminal would obey is told by its number
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def lay_out(
    folder: Path,
    asked: Iterable[tuple[str, str, tuple[int, ...]]],
    shard_bytes: int,
    metadata: Mapping[str, str] | None = None,
) -> list[Tensor]:
    """Create the files of a new checkpoint, of full size, and return where each tensor belongs.

    ``asked`` are (name, number format, shape); ``shard_bytes`` is the most bytes of tensors in one file, unless
    a single tensor is larger. What a file of the same name holds behind its header stays, so that a merge which was
    stopped may go on. Raises OSError (``ENOSPC``) at once where the disk cannot hold the result.
    """
    # Wide formats first and then by name, as the format's own writer does, so that each number is aligned.
    ordered = sorted(asked, key=lambda one: (-STORED[one[1]].itemsize, one[0]))
    shards: list[list[Tensor]] = [[]]
    filled = 0
    for name, dtype, shape in ordered:
        tensor = Tensor(name, dtype, shape, folder, 0)
        if shards[-1] and filled + tensor.bytes > shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append(tensor)
        filled += tensor.bytes
    files = [SINGLE]
    if len(shards) > 1:
        files = [f"model-{i:05d}-of-{len(shards):05d}.safetensors" for i in range(1, len(shards) + 1)]
    placed = [
        tensor
        for file, shard in zip(files, shards, strict=True)
        for tensor in _lay_out_one(folder / file, shard, {"format": "pt", **(metadata or {})})
    ]
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": sum(tensor.bytes for tensor in placed)},
            "weight_map": {tensor.name: tensor.path.name for tensor in sorted(placed, key=lambda t: t.name)},
        }
        (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return placed


def _lay_out_one(path: Path, shard: list[Tensor], metadata: Mapping[str, str]) -> list[Tensor]:
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    reached = 0
    for tensor in shard:
        end = reached + tensor.bytes
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [reached, end],
        }
        reached = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    with path.open("r+b" if path.is_file() else "wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.flush()
        os.posix_fallocate(stream.fileno(), 0, start + reached)
        os.ftruncate(stream.fileno(), start + reached)  # of an earlier layout it may be longer
    return [
        Tensor(tensor.name, tensor.dtype, tensor.shape, path, start + header[tensor.name]["data_offsets"][0])
        for tensor in shard
    ]


class Files:
    """Open files of checkpoints, read and written by position from any thread."""

    def __init__(self) -> None:
        self._open: dict[Path, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def open(self, tensors: Iterable[Tensor], *, write: bool = False) -> None:
        """Open every file that ``tensors`` lie in, once."""
        for path in sorted({tensor.path for tensor in tensors} - set(self._open)):
            self._open[path] = os.open(path, os.O_RDWR if write else os.O_RDONLY)

    def read(self, tensor: Tensor, first: int, last: int) -> NDArray[Any]:
        """Return the elements ``first`` to ``last`` of a tensor as they are stored, flat."""
        numbers = np.empty(last - first, STORED[tensor.dtype])
        self.read_into(tensor, first, numbers)
        return numbers

    def read_into(self, tensor: Tensor, first: int, numbers: NDArray[Any]) -> None:
        """Fill ``numbers`` with the elements of a tensor from ``first`` on."""
        view, offset = numbers.view(np.uint8).data, tensor.offset + first * numbers.itemsize
        while view:
            done = os.preadv(self._open[tensor.path], [view], offset)
            if not done:
                raise UserError(tensor.path.name, "became shorter while it was read", todo=ASK)
            view, offset = view[done:], offset + done

    def expect(self, tensor: Tensor, first: int, last: int) -> None:
        """Let the system begin to read the elements ``first`` to ``last``, which will be asked for soon."""
        if hasattr(os, "posix_fadvise"):  # not on every system
            size = STORED[tensor.dtype].itemsize
            place, length = tensor.offset + first * size, (last - first) * size
            os.posix_fadvise(self._open[tensor.path], place, length, os.POSIX_FADV_WILLNEED)

    def write(self, tensor: Tensor, first: int, numbers: NDArray[Any]) -> None:
        """Write ``numbers`` as the elements of a tensor from ``first`` on."""
        view = np.ascontiguousarray(numbers).view(np.uint8).data
        offset = tensor.offset + first * numbers.itemsize
        while view:
            done = os.pwrite(self._open[tensor.path], view, offset)
            view, offset = view[done:], offset + done
