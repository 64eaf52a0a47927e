"""Finds a checkpoint by name: a version of the store, a hub model at a commit, or a local folder."""

import json
import re
from collections.abc import Sequence, Set
from hashlib import sha256
from pathlib import Path

from datacards.card import Ref
from datacards.errors import UserError
from datacards.places import CARD, sha256_of
from datacards.store import Store

MARK, TASK_VECTOR = (
    "kanagura",
    "task_vector",
)  # in a safetensors header: the numbers are differences from a base
BASE = "base"  # in the header of a task vector: the digest of the base that it was taken from
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
VECTOR = "vector"  # the folder of a trained checkpoint that holds its difference from the base
COMMIT = re.compile(r"[0-9a-f]{40}")
COMPANIONS = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "spiece.model",
    "sentencepiece.bpe.model", "chat_template.jinja", "chat_template.json", "preprocessor_config.json",
    "processor_config.json", "video_preprocessor_config.json",
)  # fmt: skip


RANKS = re.compile(
    r"[A-Za-z0-9][\w.-]{0,80}\.tiktoken", re.ASCII
)  # the vocabulary of qwen.tiktoken and its like


def companions(folder: Path) -> list[Path]:
    """Return the files of a model folder that go with its weights: config, tokenizer, chat template; never code."""
    ranks = sorted(path.name for path in folder.glob("*.tiktoken") if RANKS.fullmatch(path.name))
    return [folder / name for name in (*COMPANIONS, *ranks) if (folder / name).is_file()]


def resolve_checkpoint(store: Store, text: str) -> tuple[Ref, Path]:
    """Return the Ref and the folder of the checkpoint that ``text`` names.

    ``name[@version]`` is looked up in the store and verified; ``hf:org/model@<commit>`` is fetched from the
    hub (safetensors only, no code, no pickles); anything with a slash or a dot in front is a local folder,
    whose Ref carries the digest of its files. ``name[@version]/vector`` is the task vector that a training kept beside
    its result: its Ref is that of the version. Raises UserError when it is none of these.
    """
    if text.startswith("hf:"):
        return _from_hub(text)
    if text.startswith((".", "/", "~")):
        return _from_folder(Path(text).expanduser())
    name, slash, part = text.partition("/")
    ref = store.verified(name, "checkpoint")
    folder = store.path(ref)
    if not slash:
        return ref, folder
    if part != VECTOR or not (folder / VECTOR / "config.json").is_file():
        held = f"{ref}/{VECTOR}" if (folder / VECTOR).is_dir() else f"{ref} alone, which keeps no vector"
        raise UserError(
            text, "is no part of a checkpoint", held, "correct the name, or train with the option vector"
        )
    return ref, folder / VECTOR


def text_of(ref: Ref, folder: Path) -> str:
    """Return the text by which ``resolve_checkpoint`` finds what it returned again, a folder of this machine aside."""
    return f"{ref}/{VECTOR}" if ":" not in ref.name and folder.name == VECTOR else str(ref)


def digest_of(folder: Path) -> str:
    """Return the digest that the Ref of the checkpoint in ``folder`` carries."""
    if (folder / CARD).is_file():
        return sha256_of(folder / CARD)
    return _from_folder(folder)[0].digest


def check_whole(text: str, folder: Path) -> None:
    """Raise UserError where the checkpoint ``text`` in ``folder`` is a task vector: it loads as a model, and is none."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.glob("*.safetensors"))[:1]:
        try:
            with safe_open(path, "np") as file:
                said = file.metadata() or {}
        except (SafetensorError, OSError):
            return  # whoever loads it says what is wrong
        if said.get(MARK) == TASK_VECTOR:
            raise UserError(
                text,
                "is a task vector",
                "a whole model is needed",
                "name the model, or merge it with its base first",
            )


def _from_folder(folder: Path) -> tuple[Ref, Path]:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        received = "holds no *.safetensors file" if folder.is_dir() else "is no folder"
        raise UserError(str(folder), received, "a Hugging Face model folder is needed", "correct the path")
    indexes = [
        path for path in [folder / INDEX] if path.is_file()
    ]  # it says which weights belong to the model
    _check_index(folder, indexes, {path.name for path in weights})
    files = sorted([*weights, *indexes, *companions(folder)])
    digest = sha256("".join(f"{path.name}:{sha256_of(path)}\n" for path in files).encode()).hexdigest()
    return Ref(name=f"local:{folder.resolve().name}", version=digest[:12], digest=digest), folder


def _check_index(folder: Path, indexes: Sequence[Path], names: Set[str]) -> None:
    """Raise UserError where an index names weights that are no files of the folder itself: no digest would be of them."""
    for path in indexes:
        try:
            listed = json.loads(path.read_bytes())["weight_map"].values()
            foreign = sorted({str(name) for name in listed} - names)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # it names nothing; whoever loads it says what is wrong
        if foreign:
            raise UserError(
                str(folder), f"its {path.name} names {foreign[0]!r}, which is no file in it", todo="restore the checkpoint"
            )  # fmt: skip


def _from_hub(text: str) -> tuple[Ref, Path]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository, _, revision = text.removeprefix("hf:").partition("@")
    if not COMMIT.fullmatch(revision):
        raise UserError(
            text,
            "names no commit (40 hexadecimal digits)",
            "hf:org/model@<commit>",
            "pin the commit so that the run can be repeated",
        )
    allowed = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken"]
    try:
        folder = Path(snapshot_download(repository, revision=revision, allow_patterns=allowed))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise UserError(
            text, f"cannot be fetched: {error}", todo="check the name, the network and the access rights"
        ) from error
    ref, folder = _from_folder(folder)
    return Ref(name=f"hf:{repository}", version=revision, digest=ref.digest), folder
