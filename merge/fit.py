"""Checks that the configs of several models describe one architecture, and words what differs."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datacards.errors import UserError, from_os_error
from merge.layers import layer_of

# What decides what the numbers in the tensors mean. Two models that differ here have equal shapes by accident.
MEANING = (
    "model_type", "hidden_size", "n_embd", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head",
    "num_key_value_heads", "head_dim", "hidden_act", "activation_function",
)  # fmt: skip
INNER = (
    "text_config",
    "llm_config",
    "language_config",
)  # where a model of several parts describes its words' part
SAME = "models of one architecture, which descend from one base, are needed"
OTHERS = "name models that descend from one base"
MOST_BYTES = 64 << 20
CODE = re.compile(r"[A-Za-z_]\w{0,80}\.py", re.ASCII)


def read_config(folder: Path) -> dict[str, Any]:
    """Return what ``config.json`` says; raise UserError where it is missing, damaged or no JSON object."""
    path = folder / "config.json"
    if path.is_file() and (size := path.stat().st_size) > MOST_BYTES:
        raise UserError(
            f"config.json of '{folder.name}'", f"has {size:,} bytes", f"at most {MOST_BYTES:,} are read"
        )
    return read_json(path)


def read_json(path: Path, *, once: bool = False, without: re.Pattern[bytes] | None = None) -> dict[str, Any]:
    """Return the JSON object in ``path``; with ``once`` no key may stand twice in an object.

    What ``without`` matches, a key (its first group) and an array, is not read. Raises UserError.
    """

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise UserError(
                where, f"has {some_tokens([key])} twice", "a word stands once", "save the tokenizer again"
            )
        return found

    where = f"{path.name} of '{path.parent.name}'"
    try:
        data = path.read_bytes()
        if without is not None:
            data = without.sub(rb"\1:[]", data)
        found = json.loads(data, object_pairs_hook=distinct if once else None)
    except FileNotFoundError as error:
        raise UserError(
            path.name, f"is missing in '{path.parent.name}'", todo="save the model with it"
        ) from error
    except OSError as error:
        raise from_os_error(error, where) from error
    except (ValueError, RecursionError) as error:
        raise UserError(where, f"is damaged: {error}", todo="restore it") from error
    if not isinstance(found, dict):
        raise UserError(where, "is no JSON object", todo="restore it")
    return found


def setting(config: Mapping[str, Any], key: str) -> Any:
    """Return a setting of a model, or of the part of it that reads words; None where nothing is said."""
    return next((part[key] for part in parts(config).values() if part.get(key) is not None), None)


def parts(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the config and, by name, the configs within it that describe the part that reads words."""
    return {"": config} | {name: config[name] for name in INNER if isinstance(config.get(name), dict)}


def check_configs(configs: Mapping[str, Mapping[str, Any]], donor: str) -> list[str]:
    """Return sentences on what may differ and does; raise UserError naming the first setting that may not.

    ``configs`` are by role, the base's first; ``donor`` is the role whose config goes with the result. A setting
    that one of two configs leaves out is the default of its architecture, so it differs from nothing.
    """
    base, notes = configs["base"], []
    for role, config in configs.items():
        for part in parts(config).keys() & parts(base).keys():
            here, there = _meaning(parts(config)[part]), _meaning(parts(base)[part])
            for key in MEANING:
                if None not in (here.get(key), there.get(key)) and here[key] != there[key]:
                    name = f"{part}.{key}" if part else key
                    values = f"{short(here[key])}, in the base model {short(there[key])}"
                    raise UserError(f"the {role} model", f"config.json has {name} = {values}", SAME, OTHERS)
        theta, donors = _theta(config), _theta(configs[donor])
        if role != donor and theta is not None and donors is not None and theta != donors:
            notes.append(
                f"The {role} model was trained with rope_theta {short(theta)}; the result has that of the {donor} model,"
                f" {short(donors)}."
            )
    return notes


def _meaning(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with what follows from its other settings where it says nothing itself."""
    said = {key: value for key, value in config.items() if value is not None}
    heads, size = said.get("num_attention_heads"), said.get("hidden_size")
    if isinstance(heads, int) and isinstance(size, int) and heads > 0:
        return {"head_dim": size // heads, "num_key_value_heads": heads} | said
    return said


def _theta(config: Mapping[str, Any]) -> Any:
    rope = setting(config, "rope_parameters")  # since transformers 5; before, a setting of its own
    within = rope.get("rope_theta") if isinstance(rope, dict) else None
    return setting(config, "rope_theta") if within is None else within


def layers(config: Mapping[str, Any], names: Iterable[str]) -> int:
    """Return how many layers a model has: as its config says, else as the names of its tensors show."""
    said = setting(config, "num_hidden_layers")
    found = [layer for name in names if (layer := layer_of(name)) is not None]
    if type(said) is int and 0 < said <= len(found):
        return said
    return max(found, default=-1) + 1


def code_note(folder: Path, config: Mapping[str, Any], role: str) -> list[str]:
    """Return a sentence on the model's own code, which is neither run nor copied, where its configs name some."""
    told = folder / "tokenizer_config.json"
    maps = [config.get("auto_map"), read_json(told).get("auto_map") if told.is_file() else None]
    values = [value for named in maps if isinstance(named, dict) for value in named.values()]
    listed = [one for value in values for one in (value if isinstance(value, list) else [value])]
    classes = [one for one in listed if isinstance(one, str)]
    files = sorted({f"{one.split('--')[-1].split('.')[0]}.py" for one in classes})
    if not files:
        return []
    shown = some([name for name in files if CODE.fullmatch(name)]) or "files"
    load = f"to load the result with trust_remote_code, copy it from where the {role} model was published"
    return [f"The architecture comes with code of its own ({shown}), neither run nor copied here: {load}."]


def some(names: list[str], most: int = 5) -> str:
    """Return the first of ``names`` and how many more there are; no name can hold a line or a control sign."""
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return (
        ", ".join(name if name.isprintable() and len(name) < 200 else short(name) for name in names[:most])
        + rest
    )


def some_tokens(tokens: Iterable[Any], most: int = 5) -> str:
    """Return the first of some tokens in quotes and how many more there are."""
    listed = list(tokens)
    rest = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(short(token) for token in listed[:most]) + rest


def short(value: Any, most: int = 60) -> str:
    """Return a value of unknown size and signs as a short piece of a sentence."""
    text = repr(value[:most] if isinstance(value, str) else value)
    return text if len(text) <= most + 2 else text[:most] + "…"
