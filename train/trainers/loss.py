"""The loss of a batch, a part of its tokens at a time, and the proof that packed documents do not meet."""

import math
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from datacards.errors import UserError
from train.data.packing import IGNORE
from train.trainers.attention import Unfit, candidates, laid_out
from train.trainers.head import NEAR, fits, losses_of

#: Scores, 256 MiB of them: fewer than these are kept for the backward pass, for they cost more time than memory.
KEPT = 2**26
CLOSE = {"fp32": 1e-4, "bf16": 1e-2}  # relative: how near two ways of computing one loss must come


class NextToken(nn.Module):
    """A causal language model that returns the summed cross entropy of the next tokens of each row, in nats.

    ``chunk`` is the number of tokens that go through the output layer at once, ``kernel`` a name of ``loss_kernel``,
    ``split`` says that the output layer is put together only when it is called, as under ZeRO-3, ``kept`` the number of
    scores from which on they are computed again in the backward pass then, and ``near`` bounds those at once on a CPU.
    """

    def __init__(
        self,
        model: Any,
        chunk: int,
        kernel: str = "chunked",
        *,
        split: bool = False,
        kept: int = KEPT,
        near: int | None = NEAR,
    ) -> None:
        super().__init__()
        self.split, self.kept, self.near = split, kept, near
        self.model = model
        self.chunk = chunk
        self.kernel = kernel

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        labels: Tensor,
        borders: Tensor | None = None,
        own: bool = False,
    ) -> Tensor:
        """Return, of shape (rows,), the sums over all labels that are not IGNORE; the first three are of shape (rows, tokens).

        ``borders`` are the int32 places at which pieces begin when the rows are laid end to end, and the end of the last;
        without it they are where ``position_ids`` are 0.

        The labels are shifted already. No attention mask is given on purpose: with one, even all ones,
        transformers no longer looks at the positions and packed documents see each other. The output layer
        runs over ``chunk`` tokens at a time, so that never more than that many times the vocabulary is held. With ``own``
        the model computes its scores itself, all at once: for the proof that it computes nothing else.
        """
        given: dict[str, Any] = {"input_ids": input_ids, "position_ids": position_ids, "use_cache": False}
        given |= laid_out(self.model.config._attn_implementation, borders, position_ids)
        wanted = labels.flatten()
        if own:
            scores = self.model(**given).logits.flatten(0, 1)
            return cross_entropy(scores.float(), wanted, reduction="none").view(labels.shape).sum(1)
        hidden = self.model.get_decoder()(**given).last_hidden_state.flatten(0, 1)
        return self._losses(hidden, wanted).view(labels.shape).sum(1)

    def _losses(self, hidden: Tensor, wanted: Tensor) -> Tensor:
        head = self.model.get_output_embeddings()
        if self.kernel == "liger":
            return _liger(hidden, head.weight, wanted, head.bias)
        if fits(head) and not self.split:
            return losses_of(head, hidden, wanted, self.chunk, self.near)
        if len(wanted) <= self.chunk:
            return _chunked(head, hidden, wanted)
        losses, again = [], len(wanted) * int(self.model.config.vocab_size) > self.kept
        for first in range(0, len(wanted), self.chunk):
            part = hidden[first : first + self.chunk], wanted[first : first + self.chunk]
            if not again:
                losses.append(_chunked(head, *part))
                continue
            # Nothing in an output layer is random: no state of generators need be kept for its second run.
            losses.append(checkpoint(_chunked, head, *part, use_reentrant=False, preserve_rng_state=False))
        return torch.cat(losses)


def _chunked(head: Any, hidden: Tensor, wanted: Tensor) -> Tensor:
    return cross_entropy(head(hidden).float(), wanted, ignore_index=IGNORE, reduction="none")


def _liger(hidden: Tensor, weight: Tensor, wanted: Tensor, bias: Tensor | None) -> Tensor:
    library: Any = import_module("liger_kernel.transformers")  # optional, and absent where types are checked
    fused = library.LigerFusedLinearCrossEntropyLoss(ignore_index=IGNORE, reduction="none")
    losses: Tensor = fused(weight, hidden, wanted, bias)
    return losses


def loss_kernel(asked: str, *, cuda: bool, zero_stage: int = 0) -> str:
    """Return the kernel that ``asked`` (auto, chunked or liger) stands for on this machine.

    ``liger`` (Liger-Kernel, arXiv 2410.10989) must give the losses and gradients of torch's own cross entropy on
    random numbers before it is taken. Raises UserError where it is asked for and not to be had.
    """
    if asked == "chunked":
        return asked
    reason = _no_liger(cuda, zero_stage)
    if reason is None:
        return "liger"
    if asked == "auto":
        return "chunked"
    raise UserError(f"loss: {asked}", reason, todo="leave loss out, or name chunked")


def _no_liger(cuda: bool, zero_stage: int) -> str | None:
    if not cuda or find_spec("liger_kernel") is None:
        return "needs CUDA and the library liger-kernel"
    if zero_stage == 3:
        return "reads the weights of the output layer past ZeRO-3, which has them split"
    torch.manual_seed(0)
    numbers = torch.randn(96, 64, device="cuda"), torch.randn(160, 64, device="cuda")
    wanted = torch.arange(96, device="cuda").where(torch.arange(96, device="cuda") % 5 > 0, IGNORE)
    weights = torch.linspace(1, 2, 96, device="cuda")  # as unequal as rows may be
    found = []
    for kernel in (_plain, _liger):
        hidden, head = (part.detach().clone().requires_grad_() for part in numbers)
        losses = kernel(hidden, head, wanted, None)
        torch.autograd.backward((losses * weights).sum())
        found.append((losses.detach(), hidden.grad, head.grad))
    for ours, theirs in zip(*found, strict=True):
        if ours is None or theirs is None or not torch.allclose(ours, theirs, rtol=1e-2, atol=1e-2):
            return "does not give the losses and gradients of torch's cross entropy here"
    return None


def _plain(hidden: Tensor, weight: Tensor, wanted: Tensor, bias: Tensor | None) -> Tensor:
    scores = nn.functional.linear(hidden, weight, bias)
    return cross_entropy(scores, wanted, ignore_index=IGNORE, reduction="none")


def settle(forward: Any, plain: NextToken, asked: str, precision: str, device: torch.device) -> str:
    """Give the model the best attention kernel for ``asked`` that keeps documents apart, and return its name.

    ``forward`` is ``plain`` as it trains, perhaps wrapped. Every process must call this. Raises UserError, with the
    reason of the last kernel tried, where none does.
    """
    refused = UserError(f"attention: {asked}", "no kernel computes this model")
    for name in candidates(asked, precision, cuda=device.type == "cuda", config=plain.model.config):
        if plain.model.config._attn_implementation != name:
            plain.model.set_attn_implementation(name)
        try:
            check_isolation(forward, device, int(plain.model.config.vocab_size), precision)
        except (
            Unfit,
            TypeError,
            RuntimeError,
        ) as error:  # a model that knows no such argument, a card without the code
            refused = UserError(f"attention: {name}", str(error), todo="name another kernel")
        except UserError as error:
            refused = error
        else:
            return name
    raise refused


class _Rows:
    """Two rows of three documents and one; the second document of the first row is the one that is watched."""

    def __init__(self, device: torch.device, vocabulary: int) -> None:
        self.words = torch.arange(96, device=device).remainder(vocabulary).view(2, 48).contiguous()
        first = torch.cat([torch.arange(n) for n in (7, 30, 11)])
        self.positions = torch.stack((first, torch.arange(48))).to(device)
        self.borders = torch.tensor([0, 7, 37, 48, 96], dtype=torch.int32, device=device)
        self.labels = torch.full_like(self.words, IGNORE)
        self.labels[0, 7:36] = self.words[0, 8:37]

    def others(self) -> Tensor:
        """Return the words with all documents changed but the one watched."""
        words = self.words.flip(1)
        words[0, 7:37] = self.words[0, 7:37]
        return words

    def alone(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the one watched in a row of its own."""
        words, positions, labels = (
            p[:1, 7:37].contiguous() for p in (self.words, self.positions, self.labels)
        )
        return words, positions, labels, self.borders.new_tensor([0, 30])


def check_isolation(forward: Any, device: torch.device, vocabulary: int, precision: str = "fp32") -> None:
    """Raise UserError unless a packed document is untouched by what the documents before, behind and below it say.

    ``forward`` is the wrapped model, on the very attention code that will train. The loss of the document must be the
    same to the bit, and nearly that of the document in a row of its own.
    """
    rows = _Rows(device, vocabulary)
    with torch.no_grad():
        packed, other, alone = (
            float(forward(*given).sum())
            for given in (
                (rows.words, rows.positions, rows.labels, rows.borders),
                (rows.others(), rows.positions, rows.labels, rows.borders),
                rows.alone(),
            )
        )
    if not math.isfinite(packed):
        raise UserError("base", f"its loss is {packed} before any training", todo="check its weights")
    if packed != other:
        raise UserError(
            "train",
            f"packed documents see each other (the loss of one changes by {abs(packed - other):.3g})",
            "this model's attention does not respect position_ids",
            "use an architecture that transformers packs",
        )
    if abs(packed - alone) > CLOSE[precision] * abs(alone):
        raise UserError(
            "train",
            f"a packed document has the loss {packed:.6g}, in a row of its own {alone:.6g}",
            "both must be equal",
            "use an architecture that transformers packs",
        )


def check_head(forward: Any, device: torch.device, vocabulary: int, name: str = "the model") -> None:
    """Raise UserError unless the loss here is the loss of the model's own forward pass.

    Some architectures scale or cap their scores after the output layer, which this module would miss. ``forward`` is
    the wrapped model; under ZeRO-3 every process must call this.
    """
    words = torch.arange(24, device=device).remainder(vocabulary)[None]
    labels = torch.cat((words[:, 1:], torch.full_like(words[:, :1], IGNORE)), 1)
    positions = torch.arange(24, device=device)[None]
    with torch.no_grad():
        ours, theirs = (float(forward(words, positions, labels, own=own).sum()) for own in (False, True))
    if abs(ours - theirs) > CLOSE["bf16"] * abs(theirs):
        raise UserError(
            name,
            f"changes its scores after the output layer (loss {theirs:.4f}, without that {ours:.4f})",
            "the scores must be the plain output of the last layer",
        )
