"""A checkpoint is named exactly, and whatever bears on its text is in its digest."""

from pathlib import Path

import pytest

from datacards.checkpoints import resolve_checkpoint
from datacards.errors import UserError
from datacards.store import Store


def model(folder: Path) -> Path:
    """Write what stands for a model folder: a digest asks for bytes only."""
    folder.mkdir()
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (folder / name).write_text(name)
    return folder


def test_the_digest_of_a_folder_covers_weights_and_tokenizer(store: Store, tmp_path: Path) -> None:
    folder = model(tmp_path / "mine")
    first, path = resolve_checkpoint(store, str(folder))
    assert (first.name, path) == ("local:mine", folder)
    for name in ("tokenizer.json", "model.safetensors", "model.safetensors.index.json"):
        (folder / name).write_text("other")
        again, _ = resolve_checkpoint(store, str(folder))
        assert again.digest != first.digest
        first = again


@pytest.mark.parametrize("revision", ["", "@main", "@abc123"])
def test_a_hub_model_needs_a_commit_since_a_branch_moves(store: Store, revision: str) -> None:
    with pytest.raises(UserError, match=r"names no commit \(40 hexadecimal digits\); hf:org/model@<commit>"):
        resolve_checkpoint(store, f"hf:org/model{revision}")


def test_what_is_no_model_folder_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none: is no folder; a Hugging Face model folder is needed"):
        resolve_checkpoint(store, str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"holds no \*\.safetensors file"):
        resolve_checkpoint(store, str(tmp_path))


def test_a_version_of_another_kind_is_refused(store: Store) -> None:
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe={}):
        pass
    with pytest.raises(UserError, match=r"words@2026\.11\.21: is a version of kind 'dataset'"):
        resolve_checkpoint(store, "words")
