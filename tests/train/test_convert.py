"""A Qwen-1 checkpoint becomes a native one that computes the same, and goes back to the same bytes."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers import __version__ as transformers_version

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from tests.train import qwen1
from train.convert.cli import command
from train.convert.run import convert
from train.recipe import TrainRecipe
from train.run import run


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


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return all tensors of a checkpoint."""
    return {k: v for path in sorted(folder.glob("*.safetensors")) for k, v in load_file(path).items()}


@pytest.mark.parametrize("files", [1, 3])
def test_back_again_every_file_has_the_same_bytes(tmp_path: Path, store: Store, files: int) -> None:
    source = qwen1.write(tmp_path / "tiny", files=files)
    assert convert(store, str(source), tmp_path / "native")
    record = convert(store, str(tmp_path / "native"), tmp_path / "again", back=True)
    assert record
    assert record["same_bytes"]
    names = {path.name for path in source.iterdir()} - {"modeling_qwen.py"}
    assert {path.name for path in (tmp_path / "again").iterdir()} == names | {"conversion.json"}
    assert all((source / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


def test_the_converted_folder_loads_with_nothing_left_over(native: Path) -> None:
    model, info = AutoModelForCausalLM.from_pretrained(native, dtype="auto", output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert type(model).__name__ == "Qwen2ForCausalLM"
    assert model.dtype == torch.bfloat16
    assert model.config.intermediate_size == qwen1.INNER
    assert model.config.max_position_embeddings == 256
    assert json.loads((native / "config.json").read_text())["transformers_version"] == transformers_version
    assert model.generation_config.eos_token_id == AutoTokenizer.from_pretrained(native).eos_token_id == 330
    assert not list(native.rglob("*.py"))


def test_every_number_is_where_it_belongs_and_padding_rows_stay(native: Path) -> None:
    was, now = qwen1.tensors(), weights(native)
    fused = torch.cat([now[f"model.layers.1.self_attn.{name}_proj.bias"] for name in "qkv"])
    assert torch.equal(fused, was["transformer.h.1.attn.c_attn.bias"])
    assert torch.equal(now["model.layers.0.mlp.gate_proj.weight"], was["transformer.h.0.mlp.w2.weight"])
    assert torch.equal(now["model.layers.0.mlp.up_proj.weight"], was["transformer.h.0.mlp.w1.weight"])
    assert torch.equal(now["model.embed_tokens.weight"], was["transformer.wte.weight"])
    assert len(now["lm_head.weight"]) == qwen1.WORDS


def test_a_model_whose_output_layer_is_its_embedding_stays_so(tmp_path: Path, store: Store) -> None:
    source = qwen1.write(tmp_path / "tied", files=1, tie_word_embeddings=True)
    made = qwen1.tensors()
    del made["lm_head.weight"]
    qwen1.save(source, made)
    assert convert(store, str(source), tmp_path / "native")
    model, info = AutoModelForCausalLM.from_pretrained(tmp_path / "native", output_loading_info=True)
    assert not info["missing_keys"]
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert torch.equal(model.lm_head.weight.bfloat16(), made["transformer.wte.weight"])


def test_the_record_says_what_was_read_written_and_proven(source: Path, native: Path) -> None:
    told = json.loads((native / "conversion.json").read_text())
    assert told["source"]["name"] == "local:tiny"
    assert set(told["read"]) == {path.name for path in source.iterdir()} - {"modeling_qwen.py"}
    assert set(told["written"]) == {path.name for path in native.glob("*.*")} - {"conversion.json"}
    assert told["certificate"]["layers"] == 2
    assert told["certificate"]["max_abs_difference"] < 1e-5
    assert any("dynamic NTK scaling and log-n attention" in note for note in told["notes"])
    assert str(source.parent) not in json.dumps(told)


def test_a_trained_model_goes_back_with_what_it_learned(
    native: Path, ask: Callable[..., TrainRecipe], corpus: Ref, store: Store, tmp_path: Path
) -> None:
    made = run(ask(base=str(native), options={"max_steps": 1}), [str(corpus)], store)
    with pytest.raises(UserError, match=r"has no qwen1/headers\.json.*--like FOLDER"):
        convert(store, str(made.ref), tmp_path / "back", back=True)
    for dtype, form in (("keep", torch.float32), ("bfloat16", torch.bfloat16)):
        assert convert(store, str(made.ref), tmp_path / dtype, back=True, dtype=dtype, like=native)
        was, now = weights(store.path(made.ref)), weights(tmp_path / dtype)
        fused = torch.cat([was[f"model.layers.0.self_attn.{name}_proj.weight"] for name in "qkv"])
        assert torch.equal(now["transformer.h.0.attn.c_attn.weight"], fused.to(form))
        index = json.loads((tmp_path / dtype / "model.safetensors.index.json").read_text())
        assert index["metadata"]["total_size"] == sum(value.nbytes for value in now.values())
    before = qwen1.tensors()["transformer.h.0.attn.c_attn.weight"].float()
    assert not torch.equal(weights(tmp_path / "keep")["transformer.h.0.attn.c_attn.weight"], before)


def test_another_number_format_is_asked_for_by_name(source: Path, store: Store, tmp_path: Path) -> None:
    record = convert(store, str(source), tmp_path / "wide", dtype="float32")
    assert record
    assert {value.dtype for value in weights(tmp_path / "wide").values()} == {torch.float32}
    assert json.loads((tmp_path / "wide" / "config.json").read_text())["dtype"] == "float32"


KILLED = """
import resource, signal, sys
from pathlib import Path
from datacards.store import Store
from train.convert.run import convert
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system ends the process in the middle of the large file
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))
convert(Store(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
"""


def test_a_killed_conversion_leaves_nothing_half_and_goes_on(tmp_path: Path, store: Store) -> None:
    source = qwen1.write(tmp_path / "tiny", files=1)
    ours = sorted(qwen1.tensors().items(), key=lambda item: item[1].nbytes)
    (source / "model.safetensors").unlink()
    qwen1.save(source, dict(ours[:-2]), dict(ours[-2:]))
    target, stage = tmp_path / "native", tmp_path / ".native.converting"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(store.root), str(source), str(target)],
        check=False, capture_output=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == -signal.SIGXFSZ, done.stderr.decode()
    assert not target.exists()
    first = stage / "model-00001-of-00002.safetensors"
    written = first.stat()
    assert not (stage / "model-00002-of-00002.safetensors").exists()
    assert convert(store, str(source), target)
    assert not stage.exists()
    assert (target / first.name).stat().st_ino == written.st_ino
    assert (target / first.name).stat().st_mtime_ns == written.st_mtime_ns
    assert not list(target.glob("*.part"))
    assert len(weights(target)) == 3 + 2 * 12


def test_two_conversions_into_one_folder_do_not_meet(source: Path, store: Store, tmp_path: Path) -> None:
    stage = tmp_path / ".native.converting"
    stage.mkdir()
    held = os.open(stage, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(UserError, match="another process is converting into it"):
        convert(store, str(source), tmp_path / "native")
    os.close(held)
    (stage / "left.safetensors").write_bytes(b"of another conversion")
    assert convert(store, str(source), tmp_path / "native")
    assert not (tmp_path / "native" / "left.safetensors").exists()


def test_the_command_tells_the_proof_and_a_second_time_does_nothing(source: Path, tmp_path: Path) -> None:
    arguments = [str(source), str(tmp_path / "native"), "--store", str(tmp_path / "store")]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert "the logits differ by at most" in done.output
    assert "nothing to do" in CliRunner().invoke(command, arguments).output
    refused = CliRunner().invoke(command, [*arguments, "--dtype", "float32"])
    assert refused.exit_code == 1
    assert "exists already" in refused.output
