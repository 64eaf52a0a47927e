"""The files of a conversion that both directions share: shards, the index, digests, the ids of the probe texts."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datacards.checkpoints import companions
from datacards.errors import UserError
from datacards.places import sha256_of
from train.convert.layout import Made
from train.convert.probes import PROBES
from train.convert.weights import INDEX, Checkpoint, bytes_of, write
from train.progress import progress

RECORD, ORIGINAL, HEADERS = "conversion.json", "qwen1", "headers.json"


@dataclass(frozen=True, slots=True)
class Shard:
    """A file to write."""

    file: str
    header: str
    made: Sequence[Made]


def fill(stage: Path, shards: Sequence[Shard], source: Checkpoint) -> None:
    """Write the files that a stopped run did not finish; tell a disk that is too small before the first byte."""
    sizes = {shard.file: bytes_of(shard.header) for shard in shards}
    done = {
        file
        for file, size in sizes.items()
        if (stage / file).is_file() and (stage / file).stat().st_size == size
    }
    for part in stage.glob("*.part"):
        part.unlink()
    needed, free = (
        sum(size for file, size in sizes.items() if file not in done),
        shutil.disk_usage(stage).free,
    )
    if needed > free:
        raise UserError(
            f"'{stage.parent}'",
            f"has {free / 1e9:.1f} GB free",
            f"{needed / 1e9:.1f} GB are needed",
            "free some space",
        )
    tensors = sum(len(shard.made) for shard in shards)
    with progress(
        tensors, "tensors", done=sum(len(shard.made) for shard in shards if shard.file in done)
    ) as bar:
        for shard in shards:
            if shard.file not in done:
                write(stage / shard.file, shard.header, shard.made, source, bar.update)


def index(folder: Path) -> list[Path]:
    """Return the index of a checkpoint of several files, or nothing."""
    return [folder / INDEX] if (folder / INDEX).is_file() else []


def index_of(shards: Sequence[Shard]) -> dict[str, Any]:
    """Return the index of these files."""
    where = {one.name: shard.file for shard in shards for one in shard.made}
    total = sum(bytes_of(shard.header) - 8 - len(shard.header.encode()) for shard in shards)
    return {"metadata": {"total_size": total}, "weight_map": dict(sorted(where.items()))}


def probe_ids(folder: Path) -> list[list[int]]:
    """Return the ids of the probe texts; an empty text has nothing to compare."""
    from transformers import Qwen2Tokenizer  # AutoTokenizer takes four times as long to load

    found = Qwen2Tokenizer.from_pretrained(folder)(list(PROBES), add_special_tokens=False)["input_ids"]
    return [ids for ids in found if ids]


def digests(folder: Path, weights: Sequence[str]) -> dict[str, str]:
    """Return the SHA-256 of the files ``weights`` and of those that go with them, by name."""
    names = sorted({*weights, *(path.name for path in [*companions(folder), *index(folder)])})
    with progress(len(names), "files hashed") as bar:
        found = {}
        for name in names:
            found[name] = sha256_of(folder / name)
            bar.update()
    return found


def save(path: Path, said: dict[str, Any]) -> None:
    """Write a JSON file that people read."""
    path.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
