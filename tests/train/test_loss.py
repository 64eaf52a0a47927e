"""Packed documents do not see each other, and the loss is the model's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM, GPT2Config, GPT2LMHeadModel

from datacards.errors import UserError
from tests.train.flat import batch, pack
from train.trainers.loss import NextToken, check_head, check_isolation, loss_kernel, settle

CPU = torch.device("cpu")


def _model(base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="sdpa").eval()


def _arrays(made: Any) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in (made.input_ids, made.position_ids, made.labels)]


def test_the_scores_of_a_document_are_those_it_has_alone(base: Path) -> None:
    """Each document of a packed row against a row of its own: no leak, by the numbers of the logits."""
    model = _model(base)
    lengths = [9, 7, 12, 3]
    flat = np.random.default_rng(0).integers(5, 250, sum(lengths)).astype(np.uint32)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    plan = pack(offsets, 64)
    rows = plan.rows(np.array([0]))
    ids, positions, _ = _arrays(batch(plan, flat, np.array([0]), 1))
    with torch.no_grad():
        packed = model(input_ids=ids, position_ids=positions, use_cache=False).logits[0]
        at = 0
        for first, n in zip(rows.first.tolist(), rows.length.tolist(), strict=True):
            own = torch.tensor(flat[first : first + n].astype(np.int64))[None]
            alone = model(input_ids=own, use_cache=False).logits[0]
            assert torch.allclose(packed[at : at + n], alone, atol=1e-5)
            at += n


def test_another_first_document_changes_nothing_in_the_second(base: Path) -> None:
    plain = NextToken(_model(base), 64)
    check_isolation(plain, CPU, 250)
    assert settle(plain, plain, "sdpa", "fp32", CPU) == "sdpa"


def test_a_model_that_leaks_is_refused(base: Path) -> None:
    """A model whose positions do not restart sees the first document from the second: the check finds it."""
    plain = NextToken(_model(base), 64)

    def leaky(
        ids: torch.Tensor, positions: torch.Tensor, labels: torch.Tensor, borders: torch.Tensor
    ) -> torch.Tensor:
        running = torch.arange(positions.shape[1]).expand_as(positions)
        loss: torch.Tensor = plain(ids, running, labels)
        return loss

    with pytest.raises(UserError, match="packed documents see each other"):
        check_isolation(leaky, CPU, 250)


@pytest.mark.parametrize(
    "way",
    [
        {"chunk": 1},
        {"chunk": 7},
        {"chunk": 1000},
        {"chunk": 5, "split": True, "kept": 0},
        {"chunk": 5, "split": True},
    ],
)
def test_chunks_change_neither_the_loss_nor_its_gradient(base: Path, way: dict[str, Any]) -> None:
    """Whether gradients are computed with the scores, or the scores are kept or computed again."""
    whole, parted = NextToken(_model(base), 10**6, split=True), NextToken(_model(base), **way)
    flat = np.random.default_rng(1).integers(5, 250, 40).astype(np.uint32)
    arrays = _arrays(batch(pack(np.array([0, 11, 30, 40]), 20), flat, np.array([0, 1]), 2))
    losses = [model(*arrays).sum() for model in (whole, parted)]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-6)
    for loss in losses:
        loss.backward()
    for one, other in zip(whole.parameters(), parted.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5)  # type: ignore[arg-type]


def test_the_loss_is_the_one_transformers_computes(base: Path) -> None:
    model = _model(base)
    flat = np.random.default_rng(2).integers(5, 250, 33).astype(np.uint32)
    ids, positions, labels = _arrays(batch(pack(np.array([0, 33]), 40), flat, np.array([0]), 1))
    with torch.no_grad():
        ours = float(NextToken(model, 8)(ids, positions, labels).sum()) / 32
        theirs = float(model(input_ids=ids, labels=ids, use_cache=False).loss)
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_a_model_that_caps_its_scores_is_refused() -> None:
    """The output layer is called on its own, which would leave such a cap out."""
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=250, hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=32, final_logit_softcapping=0.05, initializer_range=0.5,
    )  # fmt: skip
    model = NextToken(Gemma2ForCausalLM(config).eval(), 64)
    with pytest.raises(UserError, match="Gemma2ForCausalLM: changes its scores after the output layer"):
        check_head(model, CPU, 250, "Gemma2ForCausalLM")


def test_another_architecture_passes_both_checks() -> None:
    config = GPT2Config(vocab_size=250, n_embd=32, n_layer=1, n_head=2, n_positions=64, attn_pdrop=0.0)
    model = NextToken(GPT2LMHeadModel(config).eval(), 7)
    check_head(model, CPU, 250, "GPT2LMHeadModel")
    assert settle(model, model, "sdpa", "fp32", CPU) == "sdpa"


def test_a_document_that_differs_from_itself_alone_is_refused(base: Path) -> None:
    """A kernel may keep documents apart and still compute them wrongly: here each sees one token less of itself."""
    plain = NextToken(_model(base), 64)

    def wrong(*given: torch.Tensor) -> torch.Tensor:
        ids, positions, labels, borders = given
        if len(ids) > 1:
            positions = torch.where(positions == 1, 0, positions)
        loss: torch.Tensor = plain(ids, positions, labels, borders)
        return loss

    with pytest.raises(UserError, match="in a row of its own"):
        check_isolation(wrong, CPU, 250)


def test_the_fused_loss_is_refused_where_it_cannot_run() -> None:
    assert loss_kernel("auto", cuda=False) == "chunked"
    assert loss_kernel("chunked", cuda=False) == "chunked"
    with pytest.raises(UserError, match="loss: liger: needs CUDA and the library liger-kernel"):
        loss_kernel("liger", cuda=False)
