"""The tokenizer of a base model: its digest, and texts in, tokens out, the same in every process."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datacards.checkpoints import companions
from datacards.errors import UserError
from datacards.places import sha256_of

WEIGHTLESS = (
    "config.json",
    "generation_config.json",
    "chat_template",
    "preprocessor_config",
    "processor_config",
)
#: What the numbers in a cache mean beside the tokenizer: another way of making them gets another name.
MEANING = "1: no added tokens, names of special tokens in a text are text, end-of-text behind every document"


def digest(base: Path) -> str:
    """Return the SHA-256 of a line ``name:sha256`` for each file of a model folder that is of its tokenizer."""
    files = sorted(path for path in companions(base) if not path.name.startswith(WEIGHTLESS))
    return hashlib.sha256("".join(f"{path.name}:{sha256_of(path)}\n" for path in files).encode()).hexdigest()


def key(base: Path) -> str:
    """Return a name for what this tokenizer makes of texts: its digest, how documents end, and the libraries that read it."""
    libraries = [f"{name} {version(name)}" for name in ("tokenizers", "transformers")]
    return hashlib.sha256("\n".join([digest(base), MEANING, *libraries]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Encoder:
    """What turns texts into tokens: the JSON of a ``tokenizers.Tokenizer``, and the number of its end-of-text token."""

    text: str
    end: int

    @classmethod
    def of(cls, base: Path) -> "Encoder":
        """Return the encoder of a model folder as transformers reads it; raise UserError where it cannot be used."""
        from transformers import AutoTokenizer

        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(
                base, local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                base.name,
                f"its tokenizer cannot be loaded: {str(error).strip().partition(chr(10))[0]}",
                "a native tokenizer; code that comes with a checkpoint is never run",
                "convert a checkpoint of Qwen-1 first: train convert",
            ) from error
        if tokenizer.eos_token_id is None:
            raise UserError(base.name, "its tokenizer has no end-of-text token", todo="set eos_token in it")
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise UserError(
                base.name,
                f"its tokenizer is a {type(tokenizer).__name__}, which has no fast form",
                "a folder with a tokenizer.json",
                "convert it once, and save it with transformers",
            )
        return cls(backend.to_str(), int(tokenizer.eos_token_id))

    def loaded(self) -> "Loaded":
        """Return it ready for work."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self.text)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        # A text that contains the words </s> must not end there, nor forge the mark of a speaker.
        tokenizer.encode_special_tokens = True
        return Loaded(tokenizer, self.end)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tokenizer in this process."""

    tokenizer: Any
    end: int

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text and the end-of-text token behind them; none for a text of nothing but space."""
        full = [bool(text.strip()) for text in texts]
        found = self.tokenizer.encode_batch_fast(
            [text for text, is_full in zip(texts, full, strict=True) if is_full], add_special_tokens=False
        )
        encoded = iter(found)
        return [[*next(encoded).ids, self.end] if is_full else [] for is_full in full]
