"""The next token of every row of a batch, picked as transformers does for a row that is alone."""

import hashlib
import json
from collections.abc import Sequence

import torch
from torch import Tensor

from eval.evaluators.writing import Prompt

GREEDY = 1e-4  # temperatures below take the likeliest token
TOP_K = 50  # what transformers samples from where neither prompt nor model says


class Picker:
    """Picks tokens for the rows of one batch, each by the rules of its prompt.

    ``tokens`` are the tokens that every row has read. Scores are float32, as in transformers: first the penalty of
    repetitions, then temperature, top-k, top-p. A draw takes one number of the row's own seeded stream and the first
    token whose cumulated probability, added up in float64, exceeds it.
    """

    def __init__(
        self,
        prompts: Sequence[Prompt],
        tokens: Sequence[Sequence[int]],
        defaults: tuple[int, float],
        device: str,
    ) -> None:
        self.device = device
        self.penalty = self._column([prompt.repetition_penalty for prompt in prompts])
        self.temperature = self._column([prompt.temperature for prompt in prompts])
        self.top_k = [defaults[0] if prompt.top_k is None else prompt.top_k for prompt in prompts]
        self.top_p = self._column(
            [defaults[1] if prompt.top_p is None else prompt.top_p for prompt in prompts]
        )
        self.sampled = torch.tensor([prompt.temperature >= GREEDY for prompt in prompts])
        self.draws = [_draws(prompt) if prompt.temperature >= GREEDY else None for prompt in prompts]
        self.read = tokens
        self.seen: Tensor | None = None

    def _column(self, numbers: Sequence[float]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.float32, device=self.device)[:, None]

    def pick(self, logits: Tensor, step: int) -> Tensor:
        """Return the token of every row for ``logits`` (rows, vocabulary) at ``step``, counted from 0."""
        scores = self._penalized(logits.float())
        picked = scores.argmax(dim=-1)
        if places := self.sampled.nonzero().flatten().tolist():
            picked[places] = self._draw(scores[places], places, step)
        if self.seen is not None:
            self.seen.scatter_(1, picked[:, None], True)
        return picked

    def narrow(self, places: Sequence[int]) -> None:
        """Go on with the rows at ``places`` alone."""
        rows = torch.tensor(places, device=self.device)
        self.penalty, self.temperature, self.top_p = (
            column[rows] for column in (self.penalty, self.temperature, self.top_p)
        )
        self.sampled = self.sampled[rows.cpu()]
        self.top_k = [self.top_k[place] for place in places]
        self.draws = [self.draws[place] for place in places]
        if self.seen is not None:
            self.seen = self.seen[rows]

    def _penalized(self, scores: Tensor) -> Tensor:
        if bool((self.penalty == 1.0).all()):
            return scores
        if self.seen is None:
            self.seen = torch.zeros_like(scores, dtype=torch.bool)
            for row, tokens in enumerate(self.read):
                self.seen[row, torch.tensor(tokens, device=self.device)] = True
        punished = torch.where(scores < 0, scores * self.penalty, scores / self.penalty)
        return torch.where(self.seen, punished, scores)

    def _draw(self, scores: Tensor, places: Sequence[int], step: int) -> Tensor:
        scores = scores / self.temperature[places]
        for row, place in enumerate(places):
            if 0 < (k := self.top_k[place]) < scores.shape[1]:
                least = scores[row].topk(k).values[-1]
                scores[row] = scores[row].masked_fill(scores[row] < least, -torch.inf)
        if bool((self.top_p[places] < 1).any()):
            scores = self._nucleus(scores, self.top_p[places])
        cumulated = scores.softmax(dim=-1).double().cumsum(dim=-1)
        drawn = [self.draws[place][step] for place in places]  # type: ignore[index]
        heights = torch.tensor(drawn, dtype=torch.float64, device=self.device)[:, None] * cumulated[:, -1:]
        return torch.searchsorted(cumulated, heights, right=True)[:, 0].clamp(max=scores.shape[1] - 1)

    @staticmethod
    def _nucleus(scores: Tensor, top_p: Tensor) -> Tensor:
        """Take out the least likely tokens that together have at most 1 - ``top_p``, never the likeliest."""
        ordered, order = scores.sort(dim=-1)
        out = ordered.softmax(dim=-1).cumsum(dim=-1) <= 1 - top_p
        out[:, -1] = False
        return scores.masked_fill(out.scatter(1, order, out), -torch.inf)


def _draws(prompt: Prompt) -> list[float]:
    """Return one number in [0, 1) for every token that may be written."""
    seed = prompt.seed
    if seed is None:
        told = json.dumps([prompt.text, [dict(turn) for turn in prompt.messages or ()]], ensure_ascii=False)
        seed = int.from_bytes(hashlib.sha256(told.encode()).digest()[:8]) >> 1
    stream = torch.Generator().manual_seed(seed)
    found: list[float] = torch.rand(prompt.max_tokens, generator=stream, dtype=torch.float64).tolist()
    return found
