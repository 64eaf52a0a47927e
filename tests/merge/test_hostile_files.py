"""Files that are no checkpoint of good faith: what they name, and where they say that it lies."""

import json
from pathlib import Path
from typing import Any

import pytest

from datacards.errors import UserError
from merge.files import INDEX, SINGLE, lay_out, read_header, read_index
from merge.fit import read_config
from merge.layers import layer_of, type_of


def _file(folder: Path, header: Any, data: bytes = bytes(8)) -> Path:
    text = json.dumps(header).encode()
    path = folder / SINGLE
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def _entry(**more: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **more}


@pytest.mark.parametrize(
    "entry",
    [
        _entry(shape=[2.0]),
        _entry(shape=["2"]),
        _entry(shape=[True, 2]),
        _entry(shape=[float("inf")]),
        _entry(shape=2),
        _entry(data_offsets=[0.0, 8.0]),
        _entry(data_offsets=[0, 8, 8]),
        _entry(dtype=["F32"]),
        [],
        None,
    ],
)
def test_what_is_no_place_is_a_damaged_header(tmp_path: Path, entry: Any) -> None:
    with pytest.raises(UserError, match=r"model\.safetensors: has a damaged header"):
        read_header(_file(tmp_path, {"w": entry}))


@pytest.mark.parametrize("shape", [[-1, -2], [1 << 62, 1 << 62], [3]])
def test_a_shape_that_does_not_fit_its_bytes_is_refused(tmp_path: Path, shape: list[int]) -> None:
    with pytest.raises(UserError, match="w does not lie where the header says"):
        read_header(_file(tmp_path, {"w": _entry(shape=shape)}))


@pytest.mark.parametrize("name", ["w\n", "\x1b[31mw", "\ud800", "\u202ew", "", "w" * 5_000])
def test_a_name_that_cannot_be_shown_is_refused(tmp_path: Path, name: str) -> None:
    """It would stand in messages, on pages and in the header of the result."""
    with pytest.raises(UserError) as refused:
        read_header(_file(tmp_path, {name: _entry()}))
    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    "shard", ["..", ".", "", "/etc/passwd", "../model.safetensors", "a\0b", "x" * 5_000, "w.bin"]
)
def test_an_index_names_files_beside_it_alone(tmp_path: Path, shard: str) -> None:
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"w": shard}}), encoding="utf-8")
    with pytest.raises(UserError):
        read_index(tmp_path)
    assert not list(tmp_path.glob("*.bin"))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / SINGLE).mkdir()
    with pytest.raises(UserError, match=r"model\.safetensors: Is a directory"):
        read_index(tmp_path)


def test_the_number_of_a_layer_is_a_short_one() -> None:
    """Thousands of digits are no number that Python reads."""
    name = f"model.layers.{'9' * 5_000}.w"
    assert (layer_of(name), type_of(name)) == (None, name)
    assert (layer_of("encoder.block.3.w"), type_of("encoder.block.3.w")) == (3, "w")


def test_a_file_of_an_earlier_layout_that_was_longer_is_cut(tmp_path: Path) -> None:
    lay_out(tmp_path, [("w", "F32", (1000,))], 10**9)
    lay_out(tmp_path, [("w", "F32", (10,))], 10**9)
    assert read_index(tmp_path)["w"].shape == (10,)


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    """Which of the two holds is nowhere said."""
    for name in ("model-1.safetensors", "model-2.safetensors"):
        _file(tmp_path, {"w": _entry()}).rename(tmp_path / name)
    weight_map = {"w": "model-1.safetensors"}
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    assert set(read_index(tmp_path)) == {"w"}
    header = {"v": _entry(), "w": _entry(data_offsets=[8, 16])}
    _file(tmp_path, header, bytes(16)).rename(tmp_path / "model-2.safetensors")
    weight_map["v"] = "model-2.safetensors"
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    with pytest.raises(UserError, match="names another shard than that which holds 'w'"):
        read_index(tmp_path)


def test_a_config_that_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(UserError, match=r"config\.json of '.*': Is a directory"):
        read_config(tmp_path)
