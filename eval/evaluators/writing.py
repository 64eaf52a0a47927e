"""Texts that a model writes: prompts in, what was written out, batched so that no prompt bears on another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datacards.objective import Loaded
from eval.evaluators.bos import Bos
from eval.evaluators.loading import Dtype

#: Takes the place of a prompt and what was written to it, in any order, as it comes.
KeepWritten = Callable[[int, "Written"], None]
BATCH_TOKENS = 16_384


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model writes on from: a ``text`` as it stands, or chat ``messages`` in the model's own template.

    It stops at an end token of the model, before any of ``until``, or after ``max_tokens``. A ``temperature`` below
    1e-4 is greedy. ``repetition_penalty`` divides (multiplies, below zero) the scores of all tokens that stand in the
    prompt or were written, once, as transformers does. ``top_k`` and ``top_p`` bear on sampling: None is what
    transformers' ``generate`` takes, that is the model's ``generation_config``, else 50 and 1; 0 and 1 leave all tokens
    in. ``seed`` makes a sampled text repeatable; None makes the seed from the prompt.

    ``ends`` are looked for as pfmt-bench-fin-ja does: without blanks around them, only where a token ends with one, and
    only in as many last tokens as it has characters. A token that runs over its end hides it.
    """

    text: str | None = None
    messages: tuple[Mapping[str, str], ...] | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    repetition_penalty: float = 1.0
    until: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    seed: int | None = None
    top_k: int | None = None
    top_p: float | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote to one prompt: ``text`` up to what it stopped at, which ``stopped_by`` tells.

    ``finish`` is ``stop`` at an end token (``stopped_by`` is empty then) or before one of ``until`` or ``ends``, and ``length``
    where ``max_tokens`` or the end of the model's context came first. ``tokens`` were written, without an end token;
    ``context_tokens`` were read, after a prompt that is too long had lost its beginning (``truncated``).
    """

    text: str
    tokens: int
    finish: Literal["stop", "length"]
    stopped_by: str = ""
    context_tokens: int = 0
    truncated: bool = False


def write(
    model: Path | Loaded,
    prompts: Sequence[Prompt],
    *,
    dtype: Dtype = "float32",
    batch_tokens: int = BATCH_TOKENS,
    keep: KeepWritten | None = None,
    bos: Bos = "tokenizer",
    device: str = "",
    max_length: int | None = None,
) -> list[Written]:
    """Return what ``model`` writes to every prompt, in their order.

    ``batch_tokens`` bounds the tokens, read and to be written, that are in memory at once; it bears on speed and
    memory alone: a prompt is read at its own positions, penalized for its own tokens and drawn by its own seed, whoever
    stands beside it. ``keep`` is given each result as it is made. A prompt that does not fit into ``max_length`` (the
    model's own by default) loses its beginning, as far as needed to leave room for ``max_tokens`` or half of the model's
    length, whichever is less; what is written ends where the model's length does. ``bos`` is about ``text`` alone: a chat
    template says itself how a prompt begins. Raises UserError when the model cannot be loaded or lacks a chat template.
    """
    from eval.evaluators.generating import Writer
    from eval.evaluators.loading import longest, open_model

    if not prompts:
        return []
    loaded = open_model(model, dtype=dtype, device=device)
    writer = Writer(loaded, max_length or longest(loaded), bos)
    return writer.write(prompts, batch_tokens, keep or (lambda place, written: None))
