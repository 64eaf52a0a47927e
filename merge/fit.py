"""Checks that three checkpoints fit together before a byte is written: tensors, architecture, vocabulary."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datacards.errors import UserError
from merge.files import Tensor
from merge.numbers import FLOATS

# What decides what the numbers in the tensors mean. Two models that differ here have equal shapes by accident.
MEANING = (
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "tie_word_embeddings",
)
LAYER = re.compile(r"\b(?:layers?|h|blocks?)\.(\d{1,6})\.")
SAME = "three models of one architecture and one vocabulary are needed"


def check_tensors(models: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Raise UserError naming the tensors that one model has and another lacks, or that differ in shape.

    ``models`` maps base, domain and instruct to their tensors. Whole-number tensors (saved buffers) are no
    weights and are not merged: they are taken from the base, so only their shape and format must agree.
    """
    base = models["base"]
    for role, tensors in models.items():
        for these, those, lacking in ((base, tensors, role), (tensors, base, "base")):
            if missing := sorted(set(these) - set(those)):
                has = role if lacking == "base" else "base"
                raise UserError(
                    f"the {lacking} model",
                    f"lacks {_some(missing)}, which the {has} model has",
                    SAME,
                    _tied_hint(missing),
                )
        for name, tensor in sorted(tensors.items()):
            if tensor.shape != base[name].shape:
                shapes = f"{list(tensor.shape)}, in the base model {list(base[name].shape)}"
                raise UserError(f"the {role} model", f"{name} has the shape {shapes}", SAME)
            floats = tensor.dtype in FLOATS, base[name].dtype in FLOATS
            if floats[0] != floats[1] or (not floats[0] and tensor.dtype != base[name].dtype):
                raise UserError(
                    f"the {role} model",
                    f"{name} is {tensor.dtype}, in the base model {base[name].dtype}",
                    SAME,
                )


def _tied_hint(missing: list[str]) -> str:
    if any("lm_head" in name or "embed" in name for name in missing):
        return "one of them ties its output to its input embedding: save both in the same way"
    return "name models that descend from one base"


def check_configs(folders: Mapping[str, Path]) -> None:
    """Raise UserError naming the first setting in which a model's architecture differs from the base's."""
    configs = {role: _json(folder / "config.json") for role, folder in folders.items()}
    for role, config in configs.items():
        for key in MEANING:
            if config.get(key) != configs["base"].get(key):
                values = f"{config.get(key)!r}, in the base model {configs['base'].get(key)!r}"
                raise UserError(f"the {role} model", f"config.json has {key} = {values}", SAME)


def check_vocabularies(folders: Mapping[str, Path]) -> None:
    """Raise UserError naming tokens that do not stand for the same row in every model.

    A row of the embedding is a token: where two vocabularies differ, the sum would mix unrelated words.
    """
    words = {role: vocabulary(folder) for role, folder in folders.items()}
    for role, found in words.items():
        differing = sorted(
            set(found.items()) ^ set(words["base"].items()), key=lambda item: (item[1], item[0])
        )
        if differing:
            named = list(dict.fromkeys(f"{token!r}" for token, _ in differing))
            raise UserError(
                f"the {role} model", f"its vocabulary differs from the base model's in {_some(named)}", SAME
            )


def vocabulary(folder: Path) -> dict[str, int]:
    """Return token -> row from ``tokenizer.json``, added tokens included; raise UserError where it has none."""
    data = _json(folder / "tokenizer.json")
    model = data.get("model")
    listed = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(listed, list):  # Unigram: a list of [token, score]
        tokens = {str(entry[0]): row for row, entry in enumerate(listed)}
    elif isinstance(listed, dict):  # BPE, WordPiece, WordLevel
        tokens = {str(token): int(row) for token, row in listed.items()}
    else:
        raise UserError(
            f"tokenizer.json of '{folder.name}'", "holds no vocabulary", todo="save the tokenizer again"
        )
    return tokens | {str(added["content"]): int(added["id"]) for added in data.get("added_tokens", ())}


def read_config(folder: Path) -> dict[str, Any]:
    """Return what ``config.json`` says."""
    return _json(folder / "config.json")


def layers(config: Mapping[str, Any], names: Iterable[str]) -> int:
    """Return how many layers a model has: as its config says, else as the names of its tensors show."""
    said = config.get("num_hidden_layers")
    if isinstance(said, int) and said > 0:
        return said
    found = [int(match[1]) for name in names if (match := LAYER.search(name))]
    return max(found, default=-1) + 1


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(
            path.name, f"is missing in '{path.parent.name}'", todo="save the model with it"
        ) from error
    except ValueError as error:
        raise UserError(path.name, f"of '{path.parent.name}' is damaged: {error}") from error
    if not isinstance(data, dict):
        raise UserError(path.name, f"of '{path.parent.name}' is no JSON object")
    return data


def _some(names: list[str], most: int = 5) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
