"""Which model it is, exactly, and how it counts tokens: what can be known without starting it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datacards.errors import UserError

if TYPE_CHECKING:
    from rephrase.generators.asking import Asking

Counter = Callable[[Sequence[str]], list[int]]
_TOKENIZER = "tokenizer.json"
_OF_A_MODEL = {
    ".json", ".safetensors", ".model", ".jinja", ".txt", ".bin", ".pt", ".pth", ".gguf", ".tiktoken",
}  # fmt: skip


def identity(options: "Asking") -> str:
    """Return a text that is equal for equal models: name and revision, or the SHA-256 of a folder, and the precision.

    So is the tokenizer, where it is another than the model's own. Of a folder the weights, the settings and the tokenizer
    count, its place does not: 14 GB take about ten seconds. A name without a revision is the branch ``main``, whatever
    commit that is: give the commit where it matters.
    """
    parts = [
        _named(options.model, options.revision), options.dtype, options.quantization, options.kv_cache_dtype,
    ]  # fmt: skip
    return json.dumps([*parts, _named(options.tokenizer, "")] if options.tokenizer else parts)


def _named(model: str, revision: str) -> str:
    folder = Path(model)
    return f"sha256:{_digest(folder)}" if folder.is_dir() else f"{model}@{revision or 'main'}"


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _OF_A_MODEL:
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{path.relative_to(folder).as_posix()}\0{found}\n".encode())
    return whole.hexdigest()


def counter(options: "Asking") -> Counter:
    """Return what counts the tokens of many texts at once, as the model's own tokenizer does, special tokens aside.

    Raises UserError when the tokenizer cannot be had: lengths in characters would cut Japanese short.
    """
    fast = _tokenizer(options)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(one.ids) for one in fast.encode_batch_fast(list(texts), add_special_tokens=False)]

    return count


def following(options: "Asking") -> Callable[[str, Sequence[str]], tuple[int, ...]]:
    """Return what gives the ids of the single tokens that texts are behind the end of a prompt, () when they are more."""
    fast = _tokenizer(options)

    @cache
    def ids(before: str, texts: Sequence[str]) -> tuple[int, ...]:
        head = fast.encode(before, add_special_tokens=False).ids
        found = [fast.encode(before + text, add_special_tokens=False).ids for text in texts]
        if all(len(one) == len(head) + 1 and one[:-1] == head for one in found):
            return tuple(one[-1] for one in found)
        return ()

    return ids


def _tokenizer(options: "Asking") -> Any:
    place = options.tokenizer or options.model
    if (path := Path(place) / _TOKENIZER).is_file():
        from tokenizers import Tokenizer

        fast = Tokenizer.from_file(str(path))
    else:
        fast = _from_hub(place, options.revision if not options.tokenizer else "")
    fast.no_truncation()
    fast.no_padding()
    return fast


def _from_hub(place: str, revision: str) -> Any:
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(
            place, revision=revision or "main", use_fast=True, trust_remote_code=False
        )
        return found.backend_tokenizer
    except (OSError, ValueError, AttributeError, KeyError) as error:
        raise UserError(
            "tokenizer",
            f"none could be loaded from '{place}': {str(error).splitlines()[0]}",
            "a folder with tokenizer.json, or a name on the hub that this machine can reach",
            "set the option tokenizer",
        ) from error
