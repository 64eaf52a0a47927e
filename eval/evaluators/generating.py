"""Batches of prompts that a model of transformers writes on from, one token of every row at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm
from transformers import DynamicCache

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.evaluators.bos import Bos, special_tokens
from eval.evaluators.loading import takes
from eval.evaluators.padding import left_padded, pads
from eval.evaluators.picking import TOP_K, Picker
from eval.evaluators.writing import KeepWritten, Prompt, Written


@dataclass(slots=True)
class Row:
    """One prompt on its way: the tokens it reads and those it has written."""

    place: int
    prompt: Prompt
    read: list[int]
    room: int  # tokens that may be written
    truncated: bool
    written: list[int] = field(default_factory=list)
    done: Written | None = None


class Writer:
    """Writes with one model; ``max_length`` is how many tokens, read and written, a prompt may come to."""

    def __init__(self, loaded: Loaded, max_length: int, bos: Bos) -> None:
        self.loaded, self.max_length = loaded, max_length
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        self.special = special_tokens(bos, getattr(self.model.config, "model_type", ""))
        self.ends = _ends(loaded)
        config = getattr(self.model, "generation_config", None)
        top_k, top_p = getattr(config, "top_k", None), getattr(config, "top_p", None)
        self.defaults = (TOP_K if top_k is None else int(top_k), 1.0 if top_p is None else float(top_p))

    @torch.inference_mode()
    def write(self, prompts: Sequence[Prompt], batch_tokens: int, keep: KeepWritten) -> list[Written]:
        """Return what is written to every prompt, in their order; ``keep`` is given each as it is done."""
        rows = [self._row(place, prompt) for place, prompt in enumerate(prompts)]
        with tqdm(total=len(rows), desc="writing", unit="prompt", disable=None) as bar:
            waiting = list(_batches(rows, batch_tokens, mixed=pads(self.model)))[::-1]
            while waiting:
                batch = waiting.pop()
                try:
                    for row in self._batch(batch):
                        keep(row.place, row.done)  # type: ignore[arg-type]
                        bar.update()
                except torch.cuda.OutOfMemoryError:
                    rest = [row for row in batch if row.done is None]
                    if len(rest) < 2:
                        raise
                    torch.cuda.empty_cache()
                    for row in rest:
                        row.written.clear()
                    waiting += [rest[len(rest) // 2 :], rest[: len(rest) // 2]]
        return [row.done for row in rows if row.done is not None]

    def _row(self, place: int, prompt: Prompt) -> Row:
        tokens = self._tokens(prompt)
        most = max(1, self.max_length - min(prompt.max_tokens, self.max_length // 2))
        kept = tokens[-most:]
        return Row(
            place=place,
            prompt=prompt,
            read=kept,
            room=min(prompt.max_tokens, self.max_length - len(kept)),
            truncated=len(kept) < len(tokens),
        )

    def _tokens(self, prompt: Prompt) -> list[int]:
        """Return what the model reads; nothing at all becomes its beginning or end token."""
        text, options = prompt.text, {} if self.special is None else {"add_special_tokens": self.special}
        if prompt.messages is not None:
            text, options = self._templated(prompt.messages), {"add_special_tokens": False}
        begin = self.tokenizer.bos_token
        if not options and begin and (text or "").startswith(begin):
            options = {"add_special_tokens": False}  # one beginning, not two
        tokens: list[int] = self.tokenizer(text or "", **options)["input_ids"]
        if tokens:
            return tokens
        alone = self.tokenizer.bos_token_id
        return [int(next(iter(self.ends), 0) if alone is None else alone)]

    def _templated(self, messages: Sequence[Mapping[str, str]]) -> str:
        from jinja2 import TemplateError

        if not self.tokenizer.chat_template:
            raise UserError(
                self.loaded.name, "its tokenizer has no chat template", todo="give the prompt as text"
            )
        try:
            text: str = self.tokenizer.apply_chat_template(
                [dict(message) for message in messages], tokenize=False, add_generation_prompt=True
            )
        except TemplateError as error:
            raise UserError(self.loaded.name, f"its chat template refuses the messages: {error}") from error
        return text

    def _batch(self, rows: list[Row]) -> Iterator[Row]:
        """Yield the rows of one batch as they are done; those that are leave it."""
        for row in rows:
            if row.room < 1:
                row.done = self._finished(row, "", "length")
                yield row
        rows = [row for row in rows if row.done is None]
        if not rows:
            return
        device = self.model.device
        step, cache = 0, DynamicCache(config=self.model.config)
        picker = Picker([r.prompt for r in rows], [r.read for r in rows], self.defaults, device)
        ids, mask = left_padded([row.read for row in rows], device)
        logits = self._forward(ids, mask, cache)
        while True:
            picked = picker.pick(logits, step)
            for row, token in zip(rows, picked.tolist(), strict=True):
                self._take(row, token)
            yield from (row for row in rows if row.done is not None)
            left = [place for place, row in enumerate(rows) if row.done is None]
            if not left:
                return
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            if len(left) < len(rows):
                rows = [rows[place] for place in left]
                picker.narrow(left)
                chosen = torch.tensor(left, device=device)
                cache.batch_select_indices(chosen)
                picked, mask = picked[chosen], mask[chosen]
            step += 1
            logits = self._forward(picked[:, None], mask, cache)

    def _forward(self, ids: Tensor, mask: Tensor, cache: Any) -> Tensor:
        """Return the scores of the token after the last one of ``ids``; ``mask`` is over all tokens so far."""
        options: dict[str, Any] = {"attention_mask": mask}
        if takes(self.model, "position_ids"):
            places = (mask.cumsum(dim=1) - 1).clamp(min=0)
            options["position_ids"] = places[:, -ids.shape[1] :]
        if takes(self.model, "logits_to_keep"):
            options["logits_to_keep"] = 1
        out = self.model(input_ids=ids, past_key_values=cache, use_cache=True, **options)
        logits: Tensor = out.logits[:, -1]
        return logits

    def _take(self, row: Row, token: int) -> None:
        """Add one token to a row, and finish it where the token ends it."""
        if token in self.ends:
            row.done = self._finished(row, self._text(row.written), "stop")
            return
        row.written.append(token)
        if (row.prompt.until or row.prompt.ends) and (found := self._ended(row) or self._stopped(row)):
            row.done = self._finished(row, found[0], "stop", found[1])
        elif len(row.written) >= row.room:
            row.done = self._finished(row, self._text(row.written), "length")

    def _ended(self, row: Row) -> tuple[str, str] | None:
        """Return the text before the one of the row's ends that its last token ends with, and that end."""
        for end in row.prompt.ends:
            marker = end.strip()
            if marker and self._text(row.written[-len(end) :]).endswith(marker):
                return self._text(row.written).removesuffix(marker), marker
        return None

    def _stopped(self, row: Row) -> tuple[str, str] | None:
        """Return the text before the first of the row's stop texts, and that stop text, where one was written.

        The last tokens are looked at first: a sign may be up to four of them, each a byte.
        """
        stops = [stop for stop in row.prompt.until if stop]
        window = 4 * max(map(len, stops), default=0) + 8
        tail = self._text(row.written[-window:])
        if not any(stop in tail for stop in stops):
            return None
        text = self._text(row.written)
        found = [(text.find(stop), -len(stop), stop) for stop in stops if stop in text]
        if not found:
            return None
        place, _, stop = min(found)
        return text[:place], stop

    def _text(self, tokens: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    @staticmethod
    def _finished(row: Row, text: str, finish: Any, stopped_by: str = "") -> Written:
        return Written(
            text=text,
            tokens=len(row.written),
            finish=finish,
            stopped_by=stopped_by,
            context_tokens=len(row.read),
            truncated=row.truncated,
        )


def _ends(loaded: Loaded) -> frozenset[int]:
    """Return the tokens that end a text: those of the generation config, else the config, and the tokenizer's."""
    configs = (getattr(loaded.model, "generation_config", None), loaded.model.config)
    said: Any = next(
        (found for config in configs if (found := getattr(config, "eos_token_id", None)) is not None), []
    )
    ends = set(said) if isinstance(said, list | tuple) else {said}
    if loaded.tokenizer.eos_token_id is not None:
        ends.add(loaded.tokenizer.eos_token_id)
    return frozenset(map(int, ends))


def _batches(rows: Sequence[Row], batch_tokens: int, *, mixed: bool) -> Iterator[list[Row]]:
    """Yield batches that come to ``batch_tokens`` tokens at most, longest first; a longer row goes alone.

    Where rows of unlike length must not stand together (not ``mixed``), they do not.
    """
    batch: list[Row] = []
    width = room = 0
    for row in sorted(rows, key=lambda row: (-len(row.read), -row.room, row.place)):
        fits = (len(batch) + 1) * (max(width, len(row.read)) + max(room, row.room)) <= batch_tokens
        if batch and not (fits and (mixed or len(row.read) == width)):
            yield batch
            batch, width, room = [], 0, 0
        batch.append(row)
        width, room = max(width, len(row.read)), max(room, row.room)
    if batch:
        yield batch
