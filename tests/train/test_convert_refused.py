"""What cannot be converted is refused with a message that says what to do, and nothing is left behind."""

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datacards.errors import UserError
from datacards.store import Store
from tests.train import qwen1
from train.convert.files import Shard, fill
from train.convert.layout import Made, Part
from train.convert.run import convert
from train.convert.weights import Checkpoint, header_of

INDEX = "model.safetensors.index.json"
LAST = "model-00003-of-00003.safetensors"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the folder of a tiny Qwen-1 checkpoint that may be spoilt."""
    return qwen1.write(tmp_path / "tiny")


def refused(source: Path, told: str, **options: Any) -> bool:
    """Return whether a conversion that ends with that message has left no result."""
    target = source.parent / "result"
    with pytest.raises(UserError, match=told):
        convert(Store(source.parent / "store"), str(source), target, **options)
    return not [path for path in source.parent.iterdir() if "result" in path.name]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model_type": "llama"}, "model_type = 'llama'.*other models need no conversion"),
        ({"rotary_pct": 0.5}, "rotary_pct = '0.5'"),
        ({"no_bias": False}, "no_bias = 'False'"),
        ({"scale_attn_weights": False}, "scale_attn_weights"),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "rope_scaling"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"intermediate_size": 97}, "intermediate_size = '97'"),
        ({"kv_channels": 16}, "4 heads of 16 channels in a width of 32; heads x kv_channels must be hidden_size"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"num_hidden_layers": 3}, r"8 tensors are missing, the first is 'transformer\.h\.2\.attn\.c_attn\.bias'"),
        ({"num_hidden_layers": 1}, r"does not ask for, the first is 'transformer\.h\.1\.attn\.c_attn\.bias'"),
        ({"vocab_size": 561}, r"transformer\.wte\.weight is \(560, 32\); its config says \(561, 32\)"),
        ({"layer_norm_epsilon": -1}, "layer_norm_epsilon"),
        ({"seq_length": None}, "seq_length"),
    ],
)  # fmt: skip
def test_a_config_that_says_something_else(source: Path, changed: dict[str, Any], told: str) -> None:
    (source / "config.json").write_text(json.dumps(qwen1.CONFIG | changed))
    assert refused(source, told)


def test_a_vocabulary_larger_than_the_model(source: Path) -> None:
    """330 ranks and 208 special tokens need 538 rows."""
    made = qwen1.tensors()
    for name in ("transformer.wte.weight", "lm_head.weight"):
        made[name] = made[name][:530].contiguous()
    (source / "config.json").write_text(json.dumps(qwen1.CONFIG | {"vocab_size": 530}))
    for path in source.glob("model*"):
        path.unlink()
    qwen1.save(source, made)
    assert refused(source, "has 538 ids; the model has rows for 530")


def test_pickles_are_never_opened(source: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(source / "was_opened"),)

    for path in source.glob("model*"):
        path.unlink()
    (source / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    assert refused(
        source, r"holds pickles \(pytorch_model\.bin\), which may run code.*safetensors are needed"
    )
    assert not (source / "was_opened").exists()


def _index(change: Callable[[dict[str, str]], None]) -> Callable[[Path], None]:
    def spoil(source: Path) -> None:
        said = json.loads((source / INDEX).read_text())
        change(said["weight_map"])
        (source / INDEX).write_text(json.dumps(said))

    return spoil


def _file(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda source: (source / LAST).write_bytes(change((source / LAST).read_bytes())) and None


def _header(old: bytes, new: bytes) -> Callable[[Path], None]:
    assert len(old) == len(new)
    return _file(lambda data: data.replace(old, new))


HEAD = "lm_head.weight"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            _index(lambda m: m.update({HEAD: "../model.safetensors"})),
            r"names '\.\./model\.safetensors', which is no file in it",
        ),
        (_index(lambda m: m.update({HEAD: "/etc/passwd"})), "names '/etc/passwd', which is no file in it"),
        (_index(lambda m: m.update({HEAD: "model.bin"})), r"names 'model\.bin', which is no file in it"),
        (
            _index(lambda m: m.update({HEAD: "other.safetensors"})),
            r"names 'other\.safetensors', which is no file in it",
        ),
        (_index(lambda m: m.pop(HEAD) and None), f"does not agree with the files on '{HEAD}'"),
        (_index(lambda m: m.update({"more": LAST})), "does not agree with the files on 'more'"),
        (_index(lambda m: m.clear()), "has no weight_map"),
        (lambda source: (source / INDEX).write_text("{"), "is damaged"),
        (lambda source: (source / INDEX).write_text("[" * 100_000), "is damaged"),
        (lambda source: (source / LAST).unlink(), rf"names '{LAST}', which is no file in it"),
        (_file(lambda data: data[:-7]), "is damaged"),
        (_file(lambda data: struct.pack("<Q", 1 << 62) + data[8:]), "is damaged"),
        (_header(b'"BF16"', b'"U16" '), "has the number format 'U16'.*take the original"),
        (_header(b"transformer.h", b"transformer\x1b]"), "is damaged"),
        (lambda source: (source / "config.json").unlink(), "config.json: is missing"),
        (lambda source: (source / "config.json").write_text("[]"), "holds no object"),
        (lambda source: (source / "generation_config.json").write_text("{]"), "is damaged"),
        (lambda source: (source / "qwen.tiktoken").unlink(), r"holds 0 \*\.tiktoken files"),
    ],
)
def test_files_that_are_damaged_or_hostile(source: Path, spoil: Callable[[Path], object], told: str) -> None:
    spoil(source)
    assert refused(source, told)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a converted checkpoint, not to be spoilt itself."""
    folder = tmp_path_factory.mktemp("qwen1")
    assert convert(Store(folder / "store"), str(qwen1.write(folder / "tiny")), folder / "native")
    return folder / "native"


@pytest.fixture
def native(converted: Path, tmp_path: Path) -> Path:
    """Return a copy of the converted checkpoint that may be spoilt."""
    return shutil.copytree(converted, tmp_path / "native")


@pytest.mark.parametrize(
    ("name", "edit", "told"),
    [
        ("qwen1/headers.json", ("model-00001-of", "../model-001-of"), "names a file outside the folder"),
        ("qwen1/headers.json", ("transformer.wte", "transformer.wxe"), "does not agree with its config"),
        ("qwen1/headers.json", ('{\\"__metadata__', '[\\"__metadata__'), "is damaged"),
        ("qwen1/config.json", ('"hidden_size": 32', '"hidden_size": 64'), "heads x kv_channels"),
        ("config.json", ('"num_attention_heads": 4', '"num_attention_heads": 2'), "the original says 4"),
        ("config.json", ('"rope_theta": 10000.0', '"rope_theta": 50000.0'), "rope_theta = 50000.0"),
        ("config.json", ('"qwen2"', '"llama"'), "model_type = 'llama'.*only what was converted"),
    ],
)
def test_a_way_back_that_was_tampered_with(
    native: Path, store: Store, name: str, edit: tuple[str, str], told: str
) -> None:
    text = (native / name).read_text()
    assert edit[0] in text
    (native / name).write_text(text.replace(*edit))
    target = native.parent / "back"
    with pytest.raises(UserError, match=told):
        convert(store, str(native), target, back=True)
    assert not target.exists()


def test_weights_that_were_changed_go_back_but_are_not_called_the_same(native: Path, store: Store) -> None:
    file = native / "model-00001-of-00003.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 0x01
    file.write_bytes(data)
    record = convert(store, str(native), native.parent / "back", back=True)
    assert record
    assert not record["same_bytes"]


def test_a_native_model_needs_no_conversion(native: Path, store: Store) -> None:
    target = native.parent / "twice"
    with pytest.raises(UserError, match=r"model_type = 'qwen2'.*other models need no conversion"):
        convert(store, str(native), target)
    assert not target.exists()


def test_a_full_disk_is_told_before_the_first_byte(source: Path, tmp_path: Path) -> None:
    large = Made("lm_head.weight", (1 << 30, 1 << 20), (Part("lm_head.weight", 0, 1 << 30),))
    (stage := tmp_path / "stage").mkdir()
    shard = Shard("model.safetensors", header_of([large], ["F32"], {}), [large])
    with pytest.raises(UserError, match=r"has [\d.]+ GB free; 4503599\.6 GB are needed; free some space"):
        fill(stage, [shard], Checkpoint(source))
    assert not list(stage.iterdir())


def test_a_folder_that_is_there_is_not_written_over(source: Path) -> None:
    with pytest.raises(UserError, match="exists already; a new folder is needed"):
        convert(Store(source.parent / "store"), str(source), source)
    assert (source / "modeling_qwen.py").is_file()
