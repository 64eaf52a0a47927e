"""Writes a trained model and its difference from the base, a tensor at a time, in the number format asked for."""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from torch import Tensor

from datacards.checkpoints import BASE, MARK, TASK_VECTOR, VECTOR, companions, digest_of
from datacards.errors import UserError
from datacards.places import CARD
from train.trainers.causal_lm import CausalLM
from train.trainers.lora import A, merged, save_adapter
from train.trainers.stored import DTYPES, Base, Format, Shape, Sink

ADAPTER = "adapter"  # the folder of a trained checkpoint that holds its adapters as peft reads them


def check(options: CausalLM, base: Path, shapes: Mapping[str, Shape]) -> None:
    """Raise UserError, before any training, where the result could not be written as ``options`` ask.

    ``shapes`` are those of what is trained, by name. A vector, and adapters that are added in, need the base's weights under
    the names that the model gives them.
    """
    stored = Base(base)
    if options.lora:
        layers = {name.removesuffix(A) for name in shapes if name.endswith(A)}
        needed: Mapping[str, Shape | None] = {f"{layer}.weight": None for layer in layers}
    else:
        needed = shapes if options.vector else {}
    for name, shape in needed.items():
        if name not in stored.names or shape not in (None, stored.shape(name)):
            raise UserError(
                "lora" if options.lora else "vector",
                f"the base does not store {name} as it is trained",
                "weights under the names, and in the shapes, that the model gives them",
                "save the base once with transformers"
                if options.lora
                else "leave vector out, and take the difference with merge (output: vector)",
            )


def same_names(base: Path, shapes: Mapping[str, Shape]) -> bool:
    """Return whether the base stores its weights by the names that they have in the model."""
    return set(shapes) <= set(Base(base).names)


def write_result(
    options: CausalLM,
    masters: Iterable[tuple[str, Tensor]],
    shapes: Mapping[str, Shape],
    base: Path,
    out: Path,
) -> None:
    """Write to ``out`` what ``options`` ask for, from what was trained in float32: a model folder, adapters, a vector.

    ``masters`` and ``shapes`` are by the names of the model; one tensor is held at a time, of adapters all.
    """
    if options.lora:
        adapters = {name: value.cpu() for name, value in masters}
        save_adapter(adapters, options.lora, out / ADAPTER, _public(base))
        stored = Base(base)
        shapes = {name: stored.shape(name) for name in stored.names}
        masters = merged(stored, adapters, options.lora)
    export(masters, shapes, base, out, weights=options.weights, vector=options.vector)


def export(
    masters: Iterable[tuple[str, Tensor]],
    shapes: Mapping[str, Shape],
    base: Path,
    out: Path,
    *,
    weights: Format,
    vector: Format | None,
) -> None:
    """Write the float32 ``masters`` to ``out`` as a model folder, and where asked their difference from ``base``.

    ``masters`` are named as the base stores them; one is held at a time. Each number is rounded once to the nearest. The
    difference is taken in float32 before it is rounded and lies in ``out/vector`` as a merge takes it
    (arXiv 2212.04089): marked as a task vector, with the digest of its base.
    """
    begun = Base(base)
    with ExitStack() as stack:
        whole = stack.enter_context(Sink(out, shapes, weights, {}))
        change = None
        if vector:
            said = {MARK: TASK_VECTOR, BASE: digest_of(base)}
            change = stack.enter_context(Sink(out / VECTOR, shapes, vector, said))
        for name, value in masters:
            whole.write(name, value)
            if change:
                change.write(name, value - begun.read(name).to(value.device))
    copy_companions(base, out, weights)
    if vector:
        copy_companions(base, out / VECTOR, vector)


def _public(base: Path) -> str:
    """Return what others know the base by: a version, a repository of the hub, or the name of a folder."""
    if (base / CARD).is_file():
        return f"{base.parent.name}@{base.name}"
    if base.parent.name == "snapshots":
        return base.parent.parent.name.removeprefix("models--").replace("--", "/")
    return base.resolve().name


def copy_companions(base: Path, out: Path, format_: Format) -> None:
    """Copy config, tokenizer and chat template of ``base``; the config says the new number format."""
    for path in companions(base):
        shutil.copyfile(path, out / path.name)
    config = json.loads((base / "config.json").read_bytes())
    config.pop("torch_dtype", None)  # the old name of the key
    config["dtype"] = DTYPES[format_][2]
    text = json.dumps(config, ensure_ascii=False, indent=2) + "\n"
    (out / "config.json").write_text(text, encoding="utf-8")
