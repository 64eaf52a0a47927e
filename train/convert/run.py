"""Converts a Qwen-1 checkpoint to the native Qwen2 layout, or back, into a folder that is there whole or not at all."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datacards.checkpoints import check_whole, resolve_checkpoint
from datacards.drafts import sync
from datacards.errors import UserError, from_os_error
from datacards.places import sha256_of
from datacards.store import Store
from train.convert.backward import to_qwen1_layout
from train.convert.certificate import UnequalError
from train.convert.config import read_json
from train.convert.files import HEADERS, ORIGINAL, RECORD, save
from train.convert.forward import to_native_layout

REQUEST = "request.json"
FORM = 1  # of what is written: a stopped conversion of another form is begun anew


def convert(
    store: Store,
    source: str,
    target: Path,
    *,
    back: bool = False,
    dtype: str = "keep",
    like: Path | None = None,
) -> dict[str, Any] | None:
    """Convert the checkpoint ``source`` into the folder ``target``; return the record, None where it was done before.

    With ``back`` from the native layout to Qwen-1's, as the folder ``qwen1`` in ``like`` tells, which the conversion to the
    native layout has left there; without ``like`` the one in ``source``.
    Raises UserError for what cannot be converted, and where the result would not compute the same.
    """
    target = target.resolve()
    _no_pickles(source)
    ref, folder = resolve_checkpoint(store, source)
    check_whole(source, folder)
    original = (like or folder) / ORIGINAL
    request = {"form": FORM, "source": ref.digest, "back": back, "dtype": dtype}
    if back and (original / HEADERS).is_file():
        request["layout"] = sha256_of(original / HEADERS)
    if _was_done(target, request):
        return None
    try:
        with _stage(target, request) as stage:
            try:
                made = (
                    to_qwen1_layout(folder, stage, dtype, original)
                    if back
                    else to_native_layout(folder, stage, dtype)
                )
            except UserError as error:
                if isinstance(error, UnequalError) or not list(stage.glob("*.safetensors")):
                    shutil.rmtree(stage)  # what a next run would go on with is only what was written whole
                raise
            record = {"request": request, "source": ref.model_dump(), **made, "versions": _versions()}
            _publish(stage, target, record)
    except OSError as error:
        raise from_os_error(error, f"'{target}'") from error
    return record


def _publish(stage: Path, target: Path, record: dict[str, Any]) -> None:
    save(stage / RECORD, record)
    (stage / REQUEST).unlink()
    for path in (*stage.rglob("*"), stage):
        sync(path)
    stage.rename(target)
    sync(target.parent)


def _was_done(target: Path, request: dict[str, Any]) -> bool:
    """Return whether ``target`` is the result of an equal request; raise UserError when it is something else."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    if (target / RECORD).is_file() and read_json(target / RECORD).get("request") == request:
        return True
    raise UserError(
        f"'{target}'", "exists already", "a new folder is needed", "name another one or remove it"
    )


def _no_pickles(source: str) -> None:
    folder = Path(source).expanduser()
    if not source.startswith((".", "/", "~")) or list(folder.glob("*.safetensors")):
        return
    if found := sorted(path.name for end in ("bin", "pt", "pth") for path in folder.glob(f"*.{end}")):
        raise UserError(
            source,
            f"holds pickles ({found[0]}), which may run code when they are read",
            "safetensors are needed",
            "take a revision of the checkpoint that has them",
        )


@contextmanager
def _stage(target: Path, request: dict[str, Any]) -> Iterator[Path]:
    """Hold the folder beside ``target`` in which the result grows; what a stopped run of the same request left stays."""
    stage = target.parent / f".{target.name}.converting"
    stage.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(stage, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"'{target}'", "another process is converting into it", todo="wait until it has finished"
            ) from error
        noted = stage / REQUEST
        if not noted.is_file() or noted.read_text(encoding="utf-8") != json.dumps(request):
            for path in stage.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            noted.write_text(json.dumps(request), encoding="utf-8")
        yield stage
    finally:
        os.close(descriptor)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("transformers", "tokenizers", "torch", "safetensors")}
