"""The merged weights are the exact ones, whatever the threads, the shards and the size of the model."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.errors import UserError
from merge.base import Merger
from merge.files import lay_out, read_index
from merge.mergers.linear import Linear
from merge.mergers.task_arithmetic import TaskArithmetic
from merge.numbers import FLOATS, narrow
from merge.plan import Input, Plan, Target
from merge.similarity.record import similarity
from merge.streaming.engine import merge
from merge.streaming.measured import Measured
from merge.streaming.sinks import Laid, stored_as

ROLES = ("base", "domain", "instruct")
MIB = 1 << 20


def _merge(merger: Merger, family: Path, out: Path, dtype: str = "BF16", **more: Any) -> list[Measured]:
    """Merge the three folders of a family, whatever they are, by their tensors alone."""
    found = {role: read_index(family / role) for role in ROLES}
    planned = Plan(
        [
            Target(
                name,
                at.shape,
                Input(at),
                {role: Input(found[role][name]) for role in ROLES[1:]},
                kept=at.dtype not in FLOATS,
            )
            for name, at in found["base"].items()
        ],
        layers=2,
    )
    out.mkdir(parents=True, exist_ok=True)
    formats = stored_as(planned, dtype)
    tensors = lay_out(
        out, [(t.name, formats[t.name], t.shape) for t in planned.targets], more.pop("shard_bytes", 10**9)
    )
    with Laid({tensor.name: tensor for tensor in tensors}) as sink:
        return merge(planned, {t.name: merger for t in planned.targets}, sink, dtype=dtype, **more)


def _state(folder: Path) -> dict[str, torch.Tensor]:
    """The weights as transformers has them in memory; as they are stored where there is no config."""
    if not (folder / "config.json").is_file():
        return load_file(folder / "model.safetensors")
    state: dict[str, torch.Tensor] = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").state_dict()
    return state


@pytest.mark.parametrize(
    "formats",
    [
        (torch.bfloat16, "BF16", torch.bfloat16),
        (torch.float32, "F32", torch.float32),
        (torch.float32, "BF16", torch.bfloat16),
        (torch.float16, "F16", torch.float16),
    ],
)
@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.7, 1.3)])
def test_every_weight_is_the_float64_result_rounded_once(
    family: Any, tmp_path: Path, formats: tuple[Any, str, Any], weights: tuple[float, float]
) -> None:
    """Against the models as transformers loads them, bit for bit."""
    stored, dtype, torch_dtype = formats
    root = family(dtype=stored)
    _merge(TaskArithmetic(weights=dict(zip(ROLES[1:], weights, strict=True))), root, tmp_path, dtype)
    base, domain, instruct = (_state(root / role) for role in ROLES)
    merged = load_file(tmp_path / "model.safetensors")
    assert set(merged) == set(base)
    for name, value in merged.items():
        b, d, i = (state[name].double().numpy() for state in (base, domain, instruct))
        exact = b + weights[0] * (d - b) + weights[1] * (i - b)
        raw = torch.frombuffer(bytearray(narrow(exact.ravel(), dtype).tobytes()), dtype=torch_dtype)
        assert torch.equal(value.view(-1).view(torch.uint8), raw.view(torch.uint8)), name


def test_the_plain_sum_is_exact_in_fractions(family: Any, tmp_path: Path) -> None:
    """Not only float64: the rational number domain + instruct - base, rounded to the nearest bfloat16."""
    root = family()
    _merge(TaskArithmetic(), root, tmp_path)
    name = "model.layers.1.mlp.up_proj.weight"
    states = [
        load_file(folder / "model.safetensors") for folder in (*(root / role for role in ROLES), tmp_path)
    ]
    values = [state[name].double().flatten().tolist() for state in states]
    grid = np.unique(narrow(np.linspace(-1, 1, 400_001), "BF16"))
    grid = np.sort((grid.astype(np.uint32) << 16).view(np.float32).astype(np.float64))
    for b, d, i, merged in list(zip(*values, strict=True))[:2000]:
        true = Fraction(d) + Fraction(i) - Fraction(b)
        at = int(np.searchsorted(grid, float(true)))
        nearest = min(abs(Fraction(float(g)) - true) for g in grid[max(0, at - 2) : at + 3])
        assert abs(Fraction(merged) - true) <= nearest


def test_a_mean_of_a_model_with_itself_is_that_model(family: Any, tmp_path: Path) -> None:
    root = family()
    _merge(Linear(weights={"domain": 0, "instruct": 3}), root, tmp_path)
    wanted = _state(root / "instruct")
    assert all(torch.equal(value, wanted[name]) for name, value in _state(tmp_path).items())


def test_zero_weights_give_the_base(family: Any, tmp_path: Path) -> None:
    root = family()
    _merge(TaskArithmetic(weights={"domain": 0, "instruct": 0}), root, tmp_path)
    wanted = _state(root / "base")
    assert all(torch.equal(value, wanted[name]) for name, value in _state(tmp_path).items())


def test_bytes_do_not_depend_on_threads(family: Any, tmp_path: Path) -> None:
    root = family(hidden=256)
    for threads in (1, 2, 5):
        _merge(TaskArithmetic(), root, tmp_path / str(threads), threads=threads)
    files = [(tmp_path / str(threads) / "model.safetensors").read_bytes() for threads in (1, 2, 5)]
    assert files[0] == files[1] == files[2]


def test_shards_in_and_out_hold_the_same_weights(family: Any, tmp_path: Path) -> None:
    """Inputs of several files, output of several files with an index that transformers reads."""
    root = family(shard="100KB")
    assert len(list((root / "base").glob("model-*.safetensors"))) > 1
    _merge(TaskArithmetic(), root, tmp_path / "many", shard_bytes=100_000)
    _merge(TaskArithmetic(), root, tmp_path / "one")
    many = list((tmp_path / "many").glob("model-*.safetensors"))
    assert len(many) > 1
    assert max(path.stat().st_size for path in many) < 110_000
    one = load_file(tmp_path / "one" / "model.safetensors")
    index = json.loads((tmp_path / "many" / "model.safetensors.index.json").read_text(encoding="utf-8"))
    for name, file in index["weight_map"].items():
        with safe_open(tmp_path / "many" / file, "pt") as shard:
            assert torch.equal(shard.get_tensor(name), one[name])
    assert index["metadata"]["total_size"] == sum(value.nbytes for value in one.values())


def test_the_merged_model_loads_and_generates(family: Any, tmp_path: Path) -> None:
    root = family()
    _merge(TaskArithmetic(), root, tmp_path)
    (tmp_path / "config.json").write_bytes((root / "instruct" / "config.json").read_bytes())
    model, info = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    words = AutoTokenizer.from_pretrained(root / "instruct")("金融", return_tensors="pt")
    ids = words["input_ids"]
    assert model.generate(ids, max_new_tokens=5, min_new_tokens=5, do_sample=False).shape == (
        1,
        ids.shape[1] + 5,
    )


def test_similarity_is_measured_as_torch_measures_it(family: Any, tmp_path: Path) -> None:
    root = family()
    measured = _merge(TaskArithmetic(), root, tmp_path)
    base, domain, instruct = (_state(root / role) for role in ROLES)
    assert [one.tensor for one in measured] == sorted(base)
    for one in map(similarity, measured):
        d, i = (
            s[one.tensor].double().flatten() - base[one.tensor].double().flatten() for s in (domain, instruct)
        )
        if (
            found := one.cosine(("domain", "instruct"))
        ) is not None:  # the norms of layers have not moved: near 1, bfloat16 is too coarse
            wanted = float(torch.nn.functional.cosine_similarity(d, i, dim=0))
            assert found == pytest.approx(wanted, abs=1e-12)
        assert one.norms["domain"] == pytest.approx(float(d.norm()), rel=1e-12)
        assert one.norms["instruct"] == pytest.approx(float(i.norm()), rel=1e-12)
        assert one.n == d.numel()
    rows = [similarity(one) for one in measured]
    assert sum(one.pairs[0].cosine is not None for one in rows) > 10
    found = {one.tensor: (one.layer, one.type) for one in rows}
    assert found["model.layers.1.self_attn.q_proj.weight"] == (1, "self_attn.q_proj.weight")
    assert found["model.embed_tokens.weight"] == (None, "model.embed_tokens.weight")


def test_a_vector_of_zeros_has_no_cosine(family: Any, tmp_path: Path) -> None:
    root = family()
    (root / "domain" / "model.safetensors").write_bytes((root / "base" / "model.safetensors").read_bytes())
    measured = _merge(TaskArithmetic(), root, tmp_path)
    assert {similarity(one).cosine(("domain", "instruct")) for one in measured} == {None}
    assert all(one.zeros[0] == one.n for one in measured)


def test_whole_numbers_are_kept_as_they_are(tmp_path: Path) -> None:
    for role in ROLES:
        (tmp_path / role).mkdir()
        save_file({"steps": torch.tensor([7, 9]), "w": torch.ones(3)}, tmp_path / role / "model.safetensors")
    _merge(TaskArithmetic(), tmp_path, tmp_path / "out", "F32")
    assert torch.equal(load_file(tmp_path / "out" / "model.safetensors")["steps"], torch.tensor([7, 9]))


def test_a_result_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    for role in ROLES:
        (tmp_path / role).mkdir()
        value = torch.full((5,), 3e38 if role != "base" else -3e38)
        save_file({"w": value}, tmp_path / role / "model.safetensors")
    with pytest.raises(
        UserError, match="w: 5 merged weights are not finite in BF16, though those of all models"
    ):
        _merge(TaskArithmetic(), tmp_path, tmp_path / "out", "BF16")
    save_file({"w": torch.tensor([0, 0, 0, torch.nan, torch.inf])}, tmp_path / "domain" / "model.safetensors")
    with pytest.raises(UserError, match="the domain model: 2 weights of w are not finite"):
        _merge(TaskArithmetic(), tmp_path, tmp_path / "other", "BF16")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[:-10], "its header accounts for"),
        (lambda data: (10**12).to_bytes(8, "little") + data[8:], "has a header of 1000000000000 bytes"),
        (lambda data: data[:8] + b"[" + data[9:], "damaged header"),
        (lambda data: data[:20] + b"\xff" + data[21:], "damaged header"),
        (lambda data: data.replace(b'"BF16"', b'"F8_X"', 1), "number format 'F8_X'"),
        (lambda data: data.replace(b'"data_offsets":[0,', b'"data_offsets":[2,', 1), "does not lie where"),
    ],
)
def test_a_damaged_file_is_refused(family: Any, damage: Any, told: str) -> None:
    path = family() / "base" / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=told) as caught:
        read_index(path.parent)
    assert len(caught.value.message) < 400


MEMORY = """
import re, sys
from pathlib import Path
from datacards.store import Store
from merge.files import lay_out, read_index
from merge.mergers.task_arithmetic import TaskArithmetic
from merge.plan import Input, Plan, Target
from merge.streaming.engine import merge
from merge.streaming.sinks import Laid
root = Path(sys.argv[1])
base, *others = (read_index(root / role) for role in ("base", "domain", "instruct"))
roles = ("domain", "instruct")
targets = [
    Target(name, at.shape, Input(at), {role: Input(other[name]) for role, other in zip(roles, others)})
    for name, at in base.items()
]
laid = lay_out(root / "out", [(t.name, "BF16", t.shape) for t in targets], 10**9)
with Laid({tensor.name: tensor for tensor in laid}) as sink:
    merge(Plan(targets, 2), {t.name: TaskArithmetic() for t in targets}, sink, dtype="BF16", threads=2)
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def test_memory_is_bounded_by_pieces_not_by_the_model(tmp_path: Path) -> None:
    """A model 16 times as large, by 240 MiB in all, takes the same memory."""
    peaks = []
    for n in (1 << 20, 1 << 24):
        root = tmp_path / str(n)
        for role in ROLES:
            (root / role).mkdir(parents=True)
            state = {f"model.layers.{i}.w": torch.full((n,), 0.5, dtype=torch.bfloat16) for i in range(2)}
            save_file(state, root / role / "model.safetensors")
        (root / "out").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(root)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < 16 * MIB
