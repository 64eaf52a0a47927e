"""Who writes answers: the model on this machine, or one behind an OpenAI-compatible endpoint."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from datacards.objective import Loaded
from eval.chat.answering import Wanted, Write
from eval.chat.kept import Raw
from eval.evaluators.loading import Dtype, open_model
from eval.evaluators.writing import Prompt, Written
from eval.evaluators.writing import write as write_prompts

_TEMPLATES = ("chat_template.jinja", "chat_template.json")


def has_template(model: Path | Loaded) -> bool:
    """Say whether a model's tokenizer has a chat template; in a folder the files tell, nothing is loaded."""
    if isinstance(model, Loaded):
        return bool(getattr(model.tokenizer, "chat_template", None))
    if any((model / name).is_file() for name in _TEMPLATES):
        return True
    try:
        said: Any = json.loads((model / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and bool(said.get("chat_template"))


def local_writer(model: Path | Loaded, *, dtype: Dtype, batch_tokens: int) -> Write:
    """Return what writes with ``model``, which is loaded at the first answer that is wanted and then stays."""
    opened: list[Loaded] = []

    def write(wanted: Sequence[Wanted], take: Callable[[int, Raw], None]) -> None:
        if not opened:
            opened.append(open_model(model, dtype=dtype))
        prompts = [
            Prompt(
                text=want.text,
                messages=want.messages,
                max_tokens=want.max_tokens,
                temperature=want.temperature,
                repetition_penalty=want.repetition_penalty,
                until=want.until,
                ends=want.ends,
                seed=want.seed,
            )
            for want in wanted
        ]

        def keep(place: int, written: Written) -> None:
            raw = Raw(
                text=written.text,
                finish=written.finish,
                stopped_by=written.stopped_by,
                tokens=written.tokens,
                context_tokens=written.context_tokens,
                truncated=written.truncated,
            )
            take(place, raw)

        write_prompts(opened[0], prompts, dtype=dtype, batch_tokens=batch_tokens, keep=keep)

    return write
