"""The certificate: what it is measured against, and that no weight can stand in the wrong place unnoticed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from datacards.errors import UserError
from datacards.store import Store
from tests.train import qwen1
from train.convert import reference
from train.convert.certificate import TOLERANCE, certify
from train.convert.config import Qwen1
from train.convert.files import probe_ids
from train.convert.run import convert
from train.convert.weights import Checkpoint

CONFIG = Qwen1.model_validate(qwen1.CONFIG)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny Qwen-1 checkpoint, its weights in float32 and in one file."""
    folder = qwen1.write(tmp_path_factory.mktemp("qwen1") / "tiny", files=1)
    qwen1.save(folder, {name: value.float() for name, value in qwen1.tensors().items()})
    return folder


@pytest.fixture(scope="module")
def native(source: Path) -> Path:
    """Return it in the native layout."""
    target = source.parent / "native"
    assert convert(Store(source.parent / "store"), str(source), target)
    return target


def logits(texts: list[list[int]], config: Qwen1 = CONFIG) -> list[torch.Tensor]:
    """Return what Qwen-1 says of every token, by the reference."""
    read = {name: value.float() for name, value in qwen1.tensors().items()}.__getitem__
    hidden = [read("transformer.wte.weight")[ids] for ids in texts]
    for i in range(config.num_hidden_layers):
        hidden = reference.layer(i, read, hidden, config)
    last = [reference.norm(x, read("transformer.ln_f.weight"), config.layer_norm_epsilon) for x in hidden]
    return [x @ read("lm_head.weight").T for x in last]


def test_the_whole_native_model_says_what_the_reference_says(native: Path) -> None:
    """Layer by layer is how the certificate is made; this is how the model is used."""
    model = AutoModelForCausalLM.from_pretrained(native, dtype=torch.float32)
    for ids, expected in zip(texts := probe_ids(native)[:4], logits(texts), strict=True):
        with torch.no_grad():
            got = model(input_ids=torch.tensor([ids])).logits[0]
        assert float((got - expected).abs().max()) < 1e-5


def test_beyond_the_length_of_training_the_two_differ_as_is_noted(native: Path) -> None:
    torch.manual_seed(1)
    ids = torch.randint(0, 330, (257,)).tolist()
    model = AutoModelForCausalLM.from_pretrained(native, dtype=torch.float32)
    with torch.no_grad():
        got = model(input_ids=torch.tensor([ids])).logits[0]
    assert float((got[:256] - logits([ids[:256]])[0]).abs().max()) < 1e-5
    assert float((got - logits([ids])[0]).abs().max()) > 0.01
    plain = CONFIG.model_copy(update={"use_dynamic_ntk": False, "use_logn_attn": False})
    assert float((got - logits([ids], plain)[0]).abs().max()) < 1e-5


def test_the_base_of_the_angles_grows_with_the_text() -> None:
    """2^(ceil(log2(n / 256) + 1)) - 1 times as wide, to the power d / (d - 2): 3 up to twice as long, then 7, 15."""
    power = 8 / 6
    bases = [reference.base_for(CONFIG, n) / 10_000 for n in (256, 257, 512, 513, 1025)]
    assert bases == pytest.approx([1, 3**power, 3**power, 7**power, 15**power])


def test_no_token_sees_a_later_one() -> None:
    one, other = [5, 6, 7, 8, 9], [5, 6, 7, 200, 201]
    first, second = logits([one, other])
    assert torch.equal(first[:3], second[:3])
    assert not torch.equal(first[3:], second[3:])


Tensors = dict[str, torch.Tensor]


def _swapped(one: str, other: str) -> Callable[[Tensors], None]:
    def change(made: Tensors) -> None:
        at = "model.layers.1."
        made[at + one], made[at + other] = made[at + other].clone(), made[at + one].clone()

    return change


def _changed(name: str, edit: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Tensors], None]:
    return lambda made: made.update({name: edit(made[name]).contiguous()})


def _interleaved(q: torch.Tensor) -> torch.Tensor:
    """Return the channels of each head paired with their neighbors, as GPT-J turns them."""
    return q.view(qwen1.HEADS, 2, -1, qwen1.WIDE).transpose(1, 2).reshape(q.shape)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_swapped("mlp.gate_proj.weight", "mlp.up_proj.weight"), id="w1 and w2"),
        pytest.param(_swapped("self_attn.q_proj.weight", "self_attn.k_proj.weight"), id="q and k"),
        pytest.param(_swapped("self_attn.k_proj.weight", "self_attn.v_proj.weight"), id="k and v"),
        pytest.param(_swapped("self_attn.q_proj.bias", "self_attn.k_proj.bias"), id="biases of q and k"),
        pytest.param(_swapped("input_layernorm.weight", "post_attention_layernorm.weight"), id="norms"),
        pytest.param(
            _changed("model.layers.0.self_attn.q_proj.weight", _interleaved), id="order of channels"
        ),
        pytest.param(_changed("model.layers.0.self_attn.o_proj.weight", torch.t), id="transposed"),
        pytest.param(_changed("lm_head.weight", lambda w: w.roll(1, 0)), id="rows of the vocabulary"),
        pytest.param(_changed("model.norm.weight", lambda w: w * 1.001), id="a thousandth"),
    ],
)
def test_a_weight_in_the_wrong_place_is_found(
    source: Path, native: Path, tmp_path: Path, change: Callable[[Tensors], None]
) -> None:
    made = load_file(native / "model.safetensors")
    change(made)
    save_file(made, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_bytes((native / "config.json").read_bytes())
    with pytest.raises(UserError, match=r"the logits differ by .* 0\.0001 of the largest logit"):
        certify(CONFIG, Checkpoint(source), Checkpoint(tmp_path), probe_ids(native)[:4])


def test_the_certificate_leaves_room_only_for_the_order_of_sums(source: Path, native: Path) -> None:
    made = certify(CONFIG, Checkpoint(source), Checkpoint(native), probe_ids(native))
    assert made.tokens > 500
    assert made.max_abs_difference < 0.05 * TOLERANCE * made.max_abs_logit


def test_a_checkpoint_that_is_not_finite_is_refused_and_nothing_stays(tmp_path: Path, store: Store) -> None:
    source = qwen1.write(tmp_path / "tiny", files=1)
    made = qwen1.tensors()
    made["transformer.h.0.mlp.w1.weight"][3, 3] = torch.nan
    qwen1.save(source, made)
    with pytest.raises(UserError, match="the logits are not finite"):
        convert(store, str(source), tmp_path / "native")
    assert [path.name for path in tmp_path.iterdir() if "native" in path.name] == []
