"""Reads the tensors of a checkpoint from its mapped safetensors files, and writes new files tensor by tensor.

The format (8 bytes of header length, a JSON header, one buffer without gaps) is described at
https://huggingface.co/docs/safetensors.
"""

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from datacards.errors import UserError, from_os_error
from train.convert.config import read_json
from train.convert.layout import Made, Part

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
FILE = re.compile(r"[A-Za-z0-9][\w.-]{0,120}\.safetensors", re.ASCII)
SIZES = {"F32": 4, "F16": 2, "BF16": 2}
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}  # the name in a config -> in a header
BLOCK = 1 << 24  # numbers that are copied at once
ASK = "restore the checkpoint or name another one"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor lies and what it is; ``dtype`` as the header names it."""

    file: str
    dtype: str
    shape: tuple[int, ...]


class Checkpoint:
    """The tensors of a model folder, checked against the index and the sizes of the files, read one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.headers: dict[str, str] = {}  # file -> its header as it is written
        self.tensors: dict[str, Stored] = {}
        self._open: dict[str, Any] = {}
        listed = _listed(folder)
        for file in sorted(set(listed.values())) if listed else [SINGLE]:
            self.headers[file] = text = _header(folder / file)
            for name, entry in entries(text):
                if entry["dtype"] not in SIZES:
                    raise UserError(
                        file,
                        f"{name[:80]!a} has the number format {str(entry['dtype'])[:20]!a}",
                        f"known: {', '.join(SIZES)}",
                        "quantized checkpoints cannot be converted: take the original",
                    )
                if name in self.tensors:
                    raise UserError(file, f"{name[:80]!a} stands in two files", todo=ASK)
                self.tensors[name] = Stored(file, entry["dtype"], tuple(entry["shape"]))
        for name in sorted(set(listed) ^ set(self.tensors) if listed else ()):
            raise UserError(INDEX, f"does not agree with the files on {name[:80]!a}", todo=ASK)

    def check(self, expected: Mapping[str, tuple[int, ...]]) -> None:
        """Raise UserError unless exactly the expected tensors are there, each in its shape."""
        where = f"'{self.folder.name}'"
        if missing := sorted(set(expected) - set(self.tensors)):
            raise UserError(
                where, f"{len(missing)} tensors are missing, the first is {missing[0]!a}", todo=ASK
            )
        if foreign := sorted(set(self.tensors) - set(expected)):
            raise UserError(
                where,
                f"holds tensors that its config does not ask for, the first is {foreign[0][:80]!a}",
                "nothing is left out silently",
                "name the original checkpoint, or save it without what is no weight",
            )
        for name, shape in expected.items():
            if self.tensors[name].shape != shape:
                raise UserError(where, f"{name} is {self.tensors[name].shape}", f"its config says {shape}")

    @cached_property
    def dtype(self) -> str:
        """The number format of most of the weights, as a config names it."""
        formats = [stored.dtype for stored in self.tensors.values()]
        most = max(sorted(set(formats)), key=formats.count)
        return next(name for name, form in DTYPES.items() if form == most)

    def read(self, name: str, first: int = 0, last: int | None = None) -> Any:
        """Return rows of a tensor as torch holds them."""
        from safetensors import safe_open

        file = self.tensors[name].file
        if file not in self._open:
            self._open[file] = safe_open(self.folder / file, "pt")
        part = self._open[file].get_slice(name)
        return part[first : self.tensors[name].shape[0] if last is None else last]


def entries(header: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the tensors of a header in the order in which they lie in the file."""
    said = {name: entry for name, entry in json.loads(header).items() if name != "__metadata__"}
    return sorted(said.items(), key=lambda item: item[1]["data_offsets"])


def _listed(folder: Path) -> dict[str, str]:
    if not (folder / INDEX).is_file():
        return {}
    listed = read_json(folder / INDEX).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise UserError(INDEX, "has no weight_map", todo=ASK)
    for file in listed.values():
        if not isinstance(file, str) or not FILE.fullmatch(file):
            raise UserError(INDEX, f"names a file outside the checkpoint: {str(file)[:80]!a}", todo=ASK)
    return listed


def _header(path: Path) -> str:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np"):  # the format's own reader checks the header against the file
            pass
        with path.open("rb") as stream:
            return stream.read(int.from_bytes(stream.read(8), "little")).decode()
    except FileNotFoundError as error:
        raise UserError(path.name, f"is missing in '{path.parent.name}'", todo=ASK) from error
    except (SafetensorError, UnicodeDecodeError) as error:
        raise UserError(path.name, f"is damaged: {str(error)[:200]}", todo=ASK) from error
    except OSError as error:
        raise from_os_error(error, path.name) from error


def header_of(made: Sequence[Made], dtypes: Sequence[str], said: Mapping[str, str]) -> str:
    """Return the header of a file with these tensors in this order."""
    header: dict[str, Any] = {"__metadata__": dict(said)}
    reached = 0
    for one, dtype in zip(made, dtypes, strict=True):
        n = SIZES[dtype] * math.prod(one.shape)
        header[one.name] = {
            "dtype": dtype,
            "shape": list(one.shape),
            "data_offsets": [reached, reached + n],
        }
        reached += n
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    return text + " " * (-len(text.encode()) % 8)


def bytes_of(header: str) -> int:
    """Return how many bytes a file with this header has."""
    return (
        8 + len(header.encode()) + max((entry["data_offsets"][1] for _, entry in entries(header)), default=0)
    )


def _blocks(made: Made) -> Iterator[tuple[Part, int, int]]:
    """Yield the rows that a tensor is made of, at most ``BLOCK`` numbers at once."""
    step = max(1, BLOCK // math.prod(made.shape[1:]))
    for part in made.parts:
        for first in range(part.first, part.last, step):
            yield part, first, min(first + step, part.last)


def write(
    path: Path, header: str, made: Sequence[Made], source: Checkpoint, told: Callable[[int], object]
) -> None:
    """Write a file of tensors made of those in ``source``, some rows at a time, whole or not at all.

    ``told`` is called with 1 after each tensor. Raises UserError where the disk is full.
    """
    import torch

    part, named = path.with_name(f"{path.name}.part"), dict(entries(header))
    as_torch = {form: getattr(torch, name) for name, form in DTYPES.items()}
    try:
        with part.open("wb") as stream:
            text = header.encode()
            stream.write(len(text).to_bytes(8, "little") + text)
            for one in made:
                form = as_torch[named[one.name]["dtype"]]
                for rows, first, last in _blocks(one):
                    numbers = source.read(rows.name, first, last).to(form).contiguous()
                    stream.write(numbers.view(torch.uint8).numpy().data)
                told(1)
            stream.flush()
            os.fsync(stream.fileno())
        part.rename(path)
    except OSError as error:
        raise from_os_error(error, path.name) from error
