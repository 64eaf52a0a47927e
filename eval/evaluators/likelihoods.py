"""Likelihoods under a model of transformers: what rows share is computed once, and scores only where they are read."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from datacards.objective import Loaded
from eval.evaluators.encoding import Pair
from eval.evaluators.loading import takes, text_config
from eval.evaluators.padding import rounding
from eval.evaluators.trees import Row, alike, batches, rows_of

logger = logging.getLogger(__name__)

SCORES = 64 * 2**20  # scores (places read, times the vocabulary) that are in memory at once
TRIED = 3  # items that the fast ways are held against the plain one with
Found = tuple[Row, list[float]]  # a row with the log-probability of each of its reads


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
        windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
        #: Longer rows share nothing: what they see of their beginning depends on their layout.
        self.window = min((size for size in windows if size), default=longest)
        turning = getattr(config, "rope_parameters", None) or {}
        turns = turning.get("rope_type") in ("dynamic", "longrope")
        #: Longer rows go alone: the longest row of a batch sets the angles of all.
        self.alone = int(turning.get("original_max_position_embeddings") or longest) if turns else longest
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

    def rows(self, owner: int, pair: Pair) -> list[Row]:
        """Return the rows of one item, in the ways that hold for this model."""
        rows = rows_of(owner, pair, self.longest, branches=self.branches)
        if len(rows) == 1 and rows[0].starts and len(rows[0].tokens) > min(self.window, self.alone):
            return rows_of(owner, pair, self.longest, branches=False)
        return rows

    @torch.inference_mode()
    def read(self, rows: Sequence[Row], batch_tokens: int) -> Iterator[list[Found]]:
        """Yield every row with the natural logarithms of the probabilities to read, a batch at a time, in any order."""
        for row in rows:
            if len(row.tokens) > self.alone:
                yield [(row, self._batch([row], 0, None)[0])]
        rest = [row for row in rows if len(row.tokens) <= self.alone]
        shares = self.beginnings and all(len(row.tokens) <= self.window for row in rest)
        for beginning, group in alike(rest) if shares else [([], rest)]:
            cache = self._cache(beginning) if beginning else None
            most = max(1, SCORES // self.vocabulary)
            waiting = list(batches(group, len(beginning), batch_tokens, most))[::-1]
            while waiting:
                batch = waiting.pop()
                try:
                    numbers = self._batch(batch, len(beginning), cache)
                except torch.cuda.OutOfMemoryError:
                    if len(batch) == 1:
                        raise
                    torch.cuda.empty_cache()
                    waiting += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
                    continue
                yield list(zip(batch, numbers, strict=True))

    @torch.inference_mode()
    def settle(self, pairs: Sequence[Pair]) -> None:
        """Leave out the ways that read the shortest of ``pairs`` otherwise than the plain way does."""
        tried = sorted(pairs, key=lambda pair: len(pair.context))[:TRIED]
        plain = [self._plain(row) for pair in tried for row in rows_of(0, pair, self.longest, branches=False)]
        wanted = sorted(number for row in plain for number in row)
        ways = ("branches", "beginnings", "trims")
        has = [way for way in ways if getattr(self, way)]
        for left_out in ([], *([way] for way in has), has[:2], has):
            for way in has:
                setattr(self, way, way not in left_out)
            if wanted and self._agrees(tried, wanted):
                break
        if left_out:
            told = ", ".join(left_out)
            logger.warning("%s: read without %s, which change its numbers", self.loaded.name, told)

    def _agrees(self, pairs: Sequence[Pair], wanted: Sequence[float]) -> bool:
        rows = [row for pair in pairs for row in self.rows(0, pair)]
        size = min(row.free for row in rows) if self.beginnings else 0
        numbers: list[float] = []
        if size and len({tuple(row.tokens[:size]) for row in rows}) == 1:
            for one in self._batch(rows, size, self._cache(rows[0].tokens[:size])):
                numbers += one
        else:
            for row in rows if self.beginnings else ():
                numbers += self._batch(
                    [row], row.free, self._cache(row.tokens[: row.free]) if row.free else None
                )[0]
            if not self.beginnings:
                numbers = [number for one in self._batch(rows, 0, None) for number in one]
        near = rounding(self.model.dtype)
        pairs_of = zip(sorted(numbers), wanted, strict=True)
        return all(abs(a - b) <= near * max(1.0, abs(b) / 10) for a, b in pairs_of)

    def _plain(self, row: Row) -> list[float]:
        ids = torch.tensor([row.tokens], device=self.model.device)
        logs = self.model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(dim=-1)
        return [float(logs[read.place, read.token]) for read in row.reads]

    def _cache(self, beginning: list[int]) -> Any:
        cache = DynamicCache(config=self.model.config)
        options = {"logits_to_keep": 1} if takes(self.model, "logits_to_keep") else {}
        ids = torch.tensor([beginning], device=self.model.device)
        self.model(input_ids=ids, past_key_values=cache, use_cache=True, **options)
        return cache

    def _batch(self, rows: Sequence[Row], size: int, cache: Any) -> list[list[float]]:
        """Return what is read from each of ``rows``, whose first ``size`` tokens are in ``cache``."""
        ids, depths, begins = _laid_out(rows, size)
        options: dict[str, Any] = {"use_cache": False}
        if cache is not None:
            options = {"use_cache": True, "past_key_values": self._widened(cache, len(rows))}
        if self.places:
            options["position_ids"] = torch.from_numpy(depths).to(self.model.device)
        if any(row.starts for row in rows):
            options["attention_mask"] = self._mask(rows, begins, size)
        at = {
            (n, place): None for n, row in enumerate(rows) for place in sorted({r.place for r in row.reads})
        }
        index = {key: n for n, key in enumerate(at)}
        lines = torch.tensor([n for n, _ in index], device=self.model.device)
        columns = torch.tensor([place - size for _, place in index], device=self.model.device)
        tokens = torch.from_numpy(ids).to(self.model.device)
        logits = self._logits(tokens, lines, columns, options)
        wanted = [(index[n, read.place], read.token) for n, row in enumerate(rows) for read in row.reads]
        picked, token = torch.tensor(wanted, device=self.model.device).T
        values = iter((logits[picked, token] - logits.logsumexp(dim=-1)[picked]).tolist())
        return [[next(values) for _ in row.reads] for row in rows]

    def _logits(self, ids: Tensor, lines: Tensor, columns: Tensor, options: dict[str, Any]) -> Tensor:
        """Return the scores (places read, vocabulary) in float32."""
        if not self.trims:
            return self.model(input_ids=ids, **options).logits[lines, columns].float()  # type: ignore[no-any-return]
        with self._reading(lines, columns):
            logits: Tensor = self.model(input_ids=ids, **options).logits
        return logits[0].float()

    @contextmanager
    def _reading(self, lines: Tensor, columns: Tensor) -> Iterator[None]:
        """Let the output layer see the places that are read alone: over whole prompts it may be most of the work.

        What a model does to its scores afterwards (scaling, capping) it does as ever.
        """

        def choose(module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
            del module
            return (inputs[0][lines, columns][None],)

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

    def _mask(self, rows: Sequence[Row], begins: np.ndarray, size: int) -> Tensor:
        """Return what is added to the attention (rows, 1, tokens, tokens with the beginning): 0 where one is seen."""
        device, width = self.model.device, begins.shape[1]
        trunks = torch.tensor([row.trunk - size for row in rows], device=device)[:, None, None]
        place = torch.arange(width, device=device)
        begin = torch.from_numpy(begins).to(device)[:, :, None]
        seen = (place[None, None] <= place[None, :, None]) & (
            (place[None, None] < trunks) | (place[None, None] >= begin)
        )
        seen = torch.cat([seen.new_ones(len(rows), width, size), seen], dim=2)
        lowest = torch.finfo(self.model.dtype).min
        return torch.zeros(seen.shape, dtype=self.model.dtype, device=device).masked_fill(~seen, lowest)[
            :, None
        ]


def _laid_out(rows: Sequence[Row], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tokens, positions and the beginning of the branch (0 in the trunk), each (rows, width), padded on the right."""
    width = max(len(row.tokens) for row in rows) - size
    ids, depths, begins = (np.zeros((len(rows), width), dtype=np.int64) for _ in range(3))
    for n, row in enumerate(rows):
        end = len(row.tokens) - size
        ids[n, :end] = row.tokens[size:]
        depths[n, :end] = np.arange(size, size + end)
        for start, after in pairwise((*row.starts, len(row.tokens))):
            depths[n, start - size : after - size] = np.arange(row.trunk, row.trunk + after - start)
            begins[n, start - size : after - size] = start - size
    return ids, depths, begins
