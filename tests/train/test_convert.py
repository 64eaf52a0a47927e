"""A Qwen-1 checkpoint becomes a native one that computes the same, and goes back to the same bytes."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.store import Store
from tests.train import qwen1
from train.convert.run import convert


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny Qwen-1 checkpoint."""
    return qwen1.write(tmp_path_factory.mktemp("qwen1") / "tiny")


@pytest.fixture(scope="module")
def native(source: Path) -> Path:
    """Return it in the native layout."""
    target = source.parent / "native"
    assert convert(Store(source.parent / "store"), str(source), target)
    return target


def test_back_again_every_file_has_the_same_bytes(source: Path, native: Path, store: Store) -> None:
    target = source.parent / "again"
    record = convert(store, str(native), target, back=True)
    assert record
    assert record["same_bytes"]
    files = {path.name for path in source.iterdir()} - {"modeling_qwen.py"}
    assert {path.name for path in target.iterdir()} == files | {"conversion.json"}
    assert all((source / name).read_bytes() == (target / name).read_bytes() for name in files)


def test_the_converted_folder_loads_with_nothing_left_over(native: Path) -> None:
    model, info = AutoModelForCausalLM.from_pretrained(native, dtype="auto", output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert type(model).__name__ == "Qwen2ForCausalLM"
    assert model.dtype == torch.bfloat16
    assert AutoTokenizer.from_pretrained(native).eos_token == "<|endoftext|>"
    ours = qwen1.tensors()
    whole = load_file(native / "model-00001-of-00003.safetensors")
    assert torch.equal(whole["model.embed_tokens.weight"], ours["transformer.wte.weight"])
    told = json.loads((native / "conversion.json").read_text())
    assert told["certificate"]["max_abs_difference"] < 1e-5
