"""The loss of a batch, a part of its tokens at a time, and the proof that packed documents do not meet."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from datacards.errors import UserError
from train.data.packing import IGNORE


class NextToken(nn.Module):
    """A causal language model that returns the summed cross entropy of the next tokens of each row, in nats."""

    def __init__(self, model: Any, chunk: int) -> None:
        super().__init__()
        self.model = model
        self.chunk = chunk

    def forward(
        self, input_ids: Tensor, position_ids: Tensor, labels: Tensor, borders: Tensor | None = None
    ) -> Tensor:
        """Return, of shape (rows,), the sums over all labels that are not IGNORE; the first three are of shape (rows, tokens).

        ``borders`` are the int32 places at which pieces begin when the rows are laid end to end, and the end of the last;
        without it they are where ``position_ids`` are 0.

        The labels are shifted already. No attention mask is given on purpose: with one, even all ones,
        transformers no longer looks at the positions and packed documents see each other. The output layer
        runs over ``chunk`` tokens at a time, and where that is not all, again in the backward pass, so that never
        more than that many times the vocabulary is held.
        """
        decoder = self.model.get_decoder()
        hidden = decoder(input_ids=input_ids, position_ids=position_ids, use_cache=False).last_hidden_state
        hidden, wanted = hidden.flatten(0, 1), labels.flatten()
        if len(wanted) <= self.chunk:
            return self._part(hidden, wanted).view(labels.shape).sum(1)
        parts = []
        for first in range(0, len(wanted), self.chunk):
            part = hidden[first : first + self.chunk], wanted[first : first + self.chunk]
            parts.append(checkpoint(self._part, *part, use_reentrant=False))
        return torch.cat(parts).view(labels.shape).sum(1)

    def _part(self, hidden: Tensor, labels: Tensor) -> Tensor:
        scores = self.model.get_output_embeddings()(hidden)
        return cross_entropy(scores.float(), labels, ignore_index=IGNORE, reduction="none")


def check_isolation(forward: Any, device: torch.device, vocabulary: int) -> None:
    """Raise UserError unless the second document of a row is untouched by what the first one says.

    ``forward`` is the wrapped model; two rows that differ only in their first document must give the same loss
    on the second, on the very attention code that will train.
    """
    words = torch.arange(24, device=device).remainder(vocabulary)
    rows = torch.stack((words, words)).contiguous()
    rows[1, :12] = rows[1, :12].flip(0)
    positions = torch.arange(12, device=device).repeat(2).expand(2, -1).contiguous()
    labels = torch.full_like(rows, IGNORE)
    labels[:, 12:-1] = rows[:, 13:]
    with torch.no_grad():
        alone, other = (
            float(forward(rows[i : i + 1], positions[i : i + 1], labels[i : i + 1])) for i in (0, 1)
        )
    if not math.isfinite(alone):
        raise UserError("base", f"its loss is {alone} before any training", todo="check its weights")
    if alone != other:
        raise UserError(
            "train",
            f"packed documents see each other (the loss of one changes by {abs(alone - other):.3g})",
            "this model's attention does not respect position_ids",
            "use an architecture that transformers packs",
        )


def check_head(model: NextToken, device: torch.device, vocabulary: int) -> None:
    """Raise UserError unless the loss here is the loss of the model's own forward pass.

    Some architectures scale or cap their scores after the output layer, which this module would miss.
    """
    words = torch.arange(24, device=device).remainder(vocabulary)[None]
    labels = torch.cat((words[:, 1:], torch.full_like(words[:, :1], IGNORE)), 1)
    positions = torch.arange(24, device=device)[None]
    with torch.no_grad():
        ours = float(model(words, positions, labels))
        scores = model.model(input_ids=words, use_cache=False).logits.float().flatten(0, 1)
        theirs = float(cross_entropy(scores, labels.flatten(), ignore_index=IGNORE, reduction="sum"))
    if abs(ours - theirs) > 1e-2 * abs(theirs):
        raise UserError(
            type(model.model).__name__,
            f"changes its scores after the output layer (loss {theirs:.4f}, without that {ours:.4f})",
            "the scores must be the plain output of the last layer",
        )
