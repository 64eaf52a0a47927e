"""Rewrites a native checkpoint, as converted or trained since, to the Qwen-1 files that it came from."""

import shutil
from pathlib import Path
from typing import Any

from datacards.checkpoints import companions
from datacards.errors import UserError
from train.convert.certificate import certify
from train.convert.config import native, read_config, read_json
from train.convert.files import (
    HEADERS,
    ORIGINAL,
    RECORD,
    Shard,
    digests,
    fill,
    index,
    index_of,
    probe_ids,
    save,
)
from train.convert.layout import pairs, to_qwen1
from train.convert.weights import DTYPES, FILE, INDEX, Checkpoint, entries, header_of


def to_qwen1_layout(folder: Path, stage: Path, dtype: str, original: Path) -> dict[str, Any]:
    """Write the native checkpoint in ``folder`` to ``stage`` in the layout that ``original``, a folder ``qwen1``, tells of.

    The files are those of the original, and so are their bytes where weights and number formats are. Returns what is told
    of it. Raises UserError where the two folders do not belong together.
    """
    if not (original / HEADERS).is_file():
        raise UserError(
            f"'{original.parent.name}'", f"has no {ORIGINAL}/{HEADERS}", "the conversion to the native layout writes it",
            "name the converted folder that the model was trained from: --like FOLDER",
        )  # fmt: skip
    config = read_config(original / "config.json")
    _same_model(read_json(folder / "config.json"), native(config, "", 0))
    new, by_name = Checkpoint(folder), {pair.name: pair for pair in pairs(config)}
    new.check({name: pair.native_shape for pair in by_name.values() for name in pair.native})
    headers = read_json(original / HEADERS)
    shards = _original_shards(headers, by_name, new, dtype)
    for path in [*companions(original), *index(original)]:
        shutil.copyfile(path, stage / path.name)
    if index(original) and [one.header for one in shards] != [*headers.values()]:
        save(stage / INDEX, index_of(shards))  # another number format has another size
    fill(stage, shards, new)
    old = Checkpoint(stage)
    certificate = certify(config, old, new, probe_ids(folder), None if dtype == "keep" else dtype)
    read, written = digests(folder, [*new.headers]), digests(stage, [*old.headers])
    record = original.parent / RECORD
    before = read_json(record) if record.is_file() else {}
    same = before.get("read") == written
    if before.get("written") == read and dtype == "keep" and not same:
        raise UserError(
            "--back", "does not give the bytes that were converted", todo="report this: it is an error here"
        )
    return {
        "layout": "qwen1", "certificate": certificate.model_dump(), "same_bytes": same,
        "notes": [], "read": read, "written": written,
    }  # fmt: skip


def _original_shards(
    headers: dict[str, Any], by_name: dict[str, Any], new: Checkpoint, dtype: str
) -> list[Shard]:
    """Return the files of the original checkpoint, each with its own header where the number formats are as they were."""
    where = f"{ORIGINAL}/{HEADERS}"
    shards, seen = [], []
    for file, text in headers.items():
        try:
            listed = [(name, entry["dtype"], tuple(entry["shape"])) for name, entry in entries(text)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(where, f"is damaged: {str(error)[:200]}", todo="restore the folder") from error
        seen += [name for name, _, _ in listed]
        if not FILE.fullmatch(file):
            raise UserError(
                where, f"names a file outside the folder: {file[:80]!a}", todo="restore the folder"
            )
        if any(name not in by_name or by_name[name].shape != shape for name, _, shape in listed):
            raise UserError(where, "does not agree with its config", todo="restore the folder")
        made = [to_qwen1(by_name[name]) for name, _, _ in listed]
        dtypes = [new.tensors[one.parts[0].name].dtype if dtype == "keep" else DTYPES[dtype] for one in made]
        if dtypes != [stored for _, stored, _ in listed]:
            shards.append(Shard(file, header_of(made, dtypes, {"format": "pt"}), made))
        else:
            shards.append(Shard(file, text, made))
    if sorted(seen) != sorted(by_name):
        raise UserError(where, "does not agree with its config", todo="restore the folder")
    return shards


def _same_model(said: dict[str, Any], expected: dict[str, Any]) -> None:
    keys = ("model_type", "num_attention_heads", "rms_norm_eps", "max_position_embeddings", "hidden_act")
    for key in (*keys, "tie_word_embeddings"):
        if said.get(key) != expected[key]:
            raise UserError(
                "config.json", f"{key} = {str(said.get(key))[:60]!a}", f"the original says {expected[key]}",
                "only what was converted, and its weights trained on, can go back",
            )  # fmt: skip
    theta = (said.get("rope_parameters") or {}).get("rope_theta")
    if theta != expected["rope_parameters"]["rope_theta"]:
        raise UserError(
            "config.json", f"rope_theta = {theta!a}", f"the original says {expected['rope_parameters']}"
        )
