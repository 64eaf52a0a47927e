"""Likelihoods under a model of transformers: what rows share is computed once, and scores only where they are read."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from datacards.objective import Loaded
from eval.evaluators.loading import takes, text_config
from eval.evaluators.padding import rounding
from eval.evaluators.trees import Line, Read, Row, alike, batches, common, rows_of

logger = logging.getLogger(__name__)

SCORES = 64 * 2**20  # scores (places read, times the vocabulary) that are in memory at once
TRIED = 2  # items that the fast ways are held against the plain one with
Found = tuple[Read, float]  # with its log-probability


class Scorer:
    """Reads rows with one model.

    There are three ways that save work: choices as branches of one row under a mask of their own (``branches``), the
    beginning that rows share from a cache (``beginnings``), and the output layer at read places alone (``trims``).
    ``settle`` holds them against the plain way - a row by itself, no cache, no mask - on some items of the run, and what
    differs by more than rounding is left out, which the log says.
    """

    def __init__(self, loaded: Loaded, longest: int) -> None:
        self.loaded, self.model, self.longest = loaded, loaded.model, longest
        config = text_config(self.model)
        self.vocabulary = int(self.model.get_input_embeddings().num_embeddings)
        self.most = max(1, SCORES // self.vocabulary)  # places that are read at once
        windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
        #: Longer rows share nothing: what they see of their beginning depends on their layout.
        self.window = min((size for size in windows if size), default=longest)
        turning = getattr(config, "rope_parameters", None) or {}
        turns = turning.get("rope_type") in ("dynamic", "longrope")
        #: Longer rows go alone: the longest row of a batch sets the angles of all.
        self.alone = int(turning.get("original_max_position_embeddings") or longest) if turns else longest
        self.wide = min(self.window, self.alone)
        self.places = takes(self.model, "position_ids")
        sees = getattr(self.model.config, "_attn_implementation", "")
        self.branches = self.places and sees in ("sdpa", "eager")
        self.beginnings = self._attends_alone()
        self.trims = self.model.get_output_embeddings() is not None

    def _attends_alone(self) -> bool:
        """Return whether the model remembers by keys and values alone, which may be taken to other rows."""
        if not takes(self.model, "past_key_values"):
            return False
        layers = DynamicCache(config=self.model.config).layers
        return bool(layers) and all(type(one) in (DynamicLayer, DynamicSlidingWindowLayer) for one in layers)

    @torch.inference_mode()
    def read(self, lines: Iterable[Line], batch_tokens: int) -> Iterator[list[Found]]:
        """Yield what is to be read with its natural logarithm, a batch at a time, in any order."""
        held = list(lines)
        for row in rows_of([line for line in held if len(line.tokens) > self.alone], 0, 0):
            yield self._batch([row], 0, None)
        short = [line for line in held if len(line.tokens) <= self.wide]
        long = [line for line in held if self.wide < len(line.tokens) <= self.alone]
        groups = [
            *alike(short, beginnings=self.beginnings, worth=batch_tokens // 4),
            *alike(long, beginnings=False),
        ]
        for beginning, group in groups:
            cache = self._cache(beginning) if beginning else None
            rows = rows_of(group, len(beginning), self.wide if self.branches else 0)
            waiting = list(batches(rows, len(beginning), batch_tokens, self.most))[::-1]
            while waiting:
                batch = waiting.pop()
                try:
                    found = self._batch(batch, len(beginning), cache)
                except torch.cuda.OutOfMemoryError:
                    if len(batch) == 1:
                        raise
                    torch.cuda.empty_cache()
                    waiting += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
                    continue
                yield found

    @torch.inference_mode()
    def settle(self, lines: Sequence[Line]) -> None:
        """Leave out the ways that read some of ``lines`` otherwise than the plain way does: two of the shortest items.

        Lines that are too long to share anything tell nothing of two of the ways: they are tried where no others are.
        """
        lines = [line for line in lines if len(line.tokens) <= self.wide] or lines
        sizes: dict[int, int] = {}
        for line in lines:
            sizes[line.owner] = max(sizes.get(line.owner, 0), len(line.tokens))
        tried = set(sorted(sizes, key=lambda owner: (sizes[owner], owner))[:TRIED])
        few = sorted((line for line in lines if line.owner in tried), key=lambda line: line.tokens)
        plain = {(line.owner, line.choice): self._plain(line) for line in few}
        has = [way for way in ("branches", "beginnings", "trims") if getattr(self, way)]
        for left_out in ([], *([way] for way in has), has[:2], has):
            for way in has:
                setattr(self, way, way not in left_out)
            if self._agrees(few, plain):
                break
        if left_out:
            told = ", ".join(left_out)
            logger.warning("%s: read without %s, which change its numbers", self.loaded.name, told)

    def _agrees(self, few: Sequence[Line], plain: Mapping[tuple[int, int], float]) -> bool:
        size = (
            min([common(few[0].tokens, few[-1].tokens), *(line.free for line in few)])
            if self.beginnings
            else 0
        )
        cache = self._cache(list(few[0].tokens[:size])) if size else None
        sums = dict.fromkeys(plain, 0.0)
        rows = list(rows_of(few, 0, self.wide if self.branches else 0))
        for read, number in self._batch(rows, size, cache):
            sums[read.owner, read.choice] += number
        near = rounding(self.model.dtype)
        return all(abs(sums[key] - value) <= near * max(1.0, abs(value) / 10) for key, value in plain.items())

    def _plain(self, line: Line) -> float:
        ids = torch.tensor([line.tokens], device=self.model.device)
        logs = self.model(input_ids=ids, use_cache=False).logits[0, line.free :].float().log_softmax(dim=-1)
        return float(
            logs.gather(1, torch.tensor(line.scored, device=self.model.device)[:, None]).double().sum()
        )

    def _cache(self, beginning: list[int]) -> Any:
        cache = DynamicCache(config=self.model.config)
        options = {"logits_to_keep": 1} if takes(self.model, "logits_to_keep") else {}
        ids = torch.tensor([beginning], device=self.model.device)
        self.model(input_ids=ids, past_key_values=cache, use_cache=True, **options)
        return cache

    def _batch(self, rows: Sequence[Row], size: int, cache: Any) -> list[Found]:
        """Return what is read from ``rows``, whose first ``size`` tokens are in ``cache``."""
        ids, depths, ends = _laid_out(rows, size)
        device = self.model.device
        fixed: dict[str, Any] = {
            "input_ids": torch.from_numpy(ids).to(device),
            "use_cache": cache is not None,
        }
        if self.places:
            fixed["position_ids"] = torch.from_numpy(depths).to(device)
        if any(row.forked for row in rows):
            fixed["attention_mask"] = self._mask(torch.from_numpy(ends).to(device), size)

        def forward() -> Tensor:
            own = {} if cache is None else {"past_key_values": self._widened(cache, len(rows))}
            logits: Tensor = self.model(**fixed, **own).logits
            return logits

        reads = [(n, read) for n, row in enumerate(rows) for read in row.reads]
        index: dict[tuple[int, int], int] = {}
        at = torch.tensor(
            [index.setdefault((n, read.place - size), len(index)) for n, read in reads], device=device
        )
        token = torch.tensor([read.token for _, read in reads], device=device)
        lines, columns = torch.tensor(list(index), device=device).T
        values = torch.empty(len(reads), device=device)
        first = 0
        for logits in self._scores(forward, lines, columns):
            mine = (at >= first) & (at < first + len(logits))
            here = at[mine] - first
            values[mine] = logits[here, token[mine]] - logits.logsumexp(dim=-1)[here]
            first += len(logits)
        return [(read, value) for (_, read), value in zip(reads, values.tolist(), strict=True)]

    def _scores(self, forward: Callable[[], Tensor], lines: Tensor, columns: Tensor) -> Iterator[Tensor]:
        """Yield the scores (places read, vocabulary) in float32, no more of them at once than memory is meant to hold.

        What comes after the first portion is made of the states that the output layer was given, if scores are what that
        layer makes of them; where the model scales or caps them afterwards, it is run again.
        """
        if not self.trims:
            yield forward()[lines, columns].float()
            return
        layer, most = self.model.get_output_embeddings(), self.most
        states: list[Tensor] = []
        plain = False
        for first in range(0, len(lines), most):
            part = slice(first, first + most)
            if plain:
                yield layer(states[0][part]).float()
                continue
            with self._reading(lines, columns, part, states):
                logits = forward()[0]
            plain = len(lines) > most and torch.equal(logits, layer(states[0][part]))
            yield logits.float()

    @contextmanager
    def _reading(self, lines: Tensor, columns: Tensor, part: slice, states: list[Tensor]) -> Iterator[None]:
        """Let the output layer see a part of the places that are read: over whole prompts it may be most of the work.

        What a model does to its scores afterwards (scaling, capping) it does as ever. ``states`` becomes what the layer
        would be given for all places.
        """

        def choose(module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
            del module
            states[:] = [inputs[0][lines, columns]]
            return (states[0][part][None],)

        hook = self.model.get_output_embeddings().register_forward_pre_hook(choose)
        try:
            yield
        finally:
            hook.remove()

    def _widened(self, cache: Any, rows: int) -> Any:
        wide = DynamicCache(config=self.model.config)
        for layer, one in zip(wide.layers, cache.layers, strict=True):
            layer.update(one.keys.expand(rows, -1, -1, -1), one.values.expand(rows, -1, -1, -1))
        return wide

    def _mask(self, ends: Tensor, size: int) -> Tensor:
        """Return what is added to the attention (rows, 1, tokens, tokens with the beginning): 0 where one is seen."""
        place = torch.arange(ends.shape[1], device=ends.device)
        seen = (place <= place[:, None]) & (place[:, None] < ends[:, None])
        seen = torch.cat([seen.new_ones(*ends.shape, size), seen], dim=2)
        mask = torch.zeros(seen.shape, dtype=self.model.dtype, device=ends.device)
        return mask.masked_fill_(~seen, torch.finfo(mask.dtype).min)[:, None]


def _laid_out(rows: Sequence[Row], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tokens, positions and ends of branches without the first ``size``, each (rows, width), padded on the right."""
    width = max(len(row.tokens) for row in rows) - size
    ids, depths, ends = (np.zeros((len(rows), width), dtype=np.int64) for _ in range(3))
    ends[:] = width  # what pads is seen by what pads alone
    for n, row in enumerate(rows):
        end = len(row.tokens) - size
        ids[n, :end], depths[n, :end], ends[n, :end] = row.tokens[size:], row.depths[size:], row.ends[size:]
        ends[n, :end] -= size
    return ids, depths, ends
