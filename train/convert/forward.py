"""Rewrites a Qwen-1 checkpoint to the native layout, each file to a file of the same name."""

import shutil
from pathlib import Path
from typing import Any

from datacards.checkpoints import companions
from datacards.errors import UserError
from train.convert.certificate import certify
from train.convert.config import generation, native, notes, read_config
from train.convert.files import HEADERS, ORIGINAL, Shard, digests, fill, index, index_of, probe_ids, save
from train.convert.layout import pairs, to_native
from train.convert.tokenizer import SPECIAL, prove_tokenizer, read_ranks, write_tokenizer
from train.convert.weights import DTYPES, INDEX, Checkpoint, entries, header_of


def to_native_layout(folder: Path, stage: Path, dtype: str) -> dict[str, Any]:
    """Write the native form of the Qwen-1 checkpoint in ``folder`` to ``stage``, prove it, and return what is told of it."""
    config = read_config(folder / "config.json")
    old, by_name = Checkpoint(folder), {pair.name: pair for pair in pairs(config)}
    old.check({name: pair.shape for name, pair in by_name.items()})
    form = old.dtype if dtype == "keep" else dtype
    ranks = read_ranks(folder)
    if (ids := len(ranks) + len(SPECIAL)) > config.vocab_size:
        raise UserError(
            "tokenizer",
            f"has {ids:,} ids",
            f"the model has rows for {config.vocab_size:,}",
            "they do not belong together",
        )
    said, chat = generation(folder, len(ranks), len(ranks) + SPECIAL.index("<|im_end|>"))
    write_tokenizer(ranks, stage, chat=chat, longest=config.seq_length)
    proof = prove_tokenizer(ranks, stage)
    save(stage / "config.json", native(config, form, len(ranks)))
    save(stage / "generation_config.json", said)
    (stage / ORIGINAL).mkdir(exist_ok=True)
    for path in [*companions(folder), *index(folder)]:
        shutil.copyfile(path, stage / ORIGINAL / path.name)
    save(stage / ORIGINAL / HEADERS, old.headers)
    shards = []
    for file, header in old.headers.items():
        made = [
            (one, old.tensors[name].dtype) for name, _ in entries(header) for one in to_native(by_name[name])
        ]
        dtypes = [stored if dtype == "keep" else DTYPES[dtype] for _, stored in made]
        tensors = [one for one, _ in made]
        shards.append(Shard(file, header_of(tensors, dtypes, {"format": "pt"}), tensors))
    fill(stage, shards, old)
    if len(shards) > 1:
        save(stage / INDEX, index_of(shards))
    new = Checkpoint(stage)
    certificate = certify(config, old, new, probe_ids(stage), None if dtype == "keep" else form)
    return {
        "layout": "qwen2", "certificate": certificate.model_dump(), "tokenizer": proof, "notes": notes(config),
        "read": digests(folder, [*old.headers]), "written": digests(stage, [*new.headers]),
    }  # fmt: skip
