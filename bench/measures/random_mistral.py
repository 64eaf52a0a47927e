"""A Mistral with random weights and a Japanese-like tokenizer, made on the spot, and prompts for it."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models

VOCABULARY = 32_000
#: The shape of japanese-stablelm-base-gamma-7b, and one that a CPU can serve. No token ends a text: every reply has
#: the length that was asked for, whatever the random weights say.
_LARGE = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32}
_TINY = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4}
_KANA = "".join(map(chr, [*range(0x3041, 0x3094), *range(0x30A1, 0x30F7)]))
_OTHER = "0123456789０１２３４５６７８９、。・「」（）％－\n"


def make(folder: Path, *, tiny: bool) -> None:
    """Write configuration and tokenizer of a model into ``folder``; weights are made up by ``--load-format dummy``."""
    shape: dict[str, Any] = dict(_TINY if tiny else _LARGE)
    shape |= {"num_key_value_heads": 2 if tiny else 8, "head_dim": 32 if tiny else 128}
    config = shape | {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "vocab_size": VOCABULARY,
        "hidden_act": "silu",
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "sliding_window": None,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "torch_dtype": "bfloat16",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    _tokenizer().save(str(folder / "tokenizer.json"))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "model_max_length": 4096}
    (folder / "tokenizer_config.json").write_text(json.dumps(named), "utf-8")


def _tokenizer() -> Tokenizer:
    """Return a tokenizer of one to three signs a token, with bytes for all others, as Mistral's has."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += words(VOCABULARY - len(pieces))
    made = Tokenizer(models.Unigram([(piece, -10.0) for piece in pieces], unk_id=0, byte_fallback=True))
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return made


def words(count: int) -> list[str]:
    """Return ``count`` different strings, always the same.

    First kana, digits, punctuation and the kanji of JIS X 0208's first level, then two or three of these.
    """
    rows = (bytes([row + 0xA0, cell + 0xA0]) for row in range(16, 48) for cell in range(1, 95))
    signs = _KANA + _OTHER + b"".join(rows).decode("euc_jp", errors="ignore")
    found, chance = dict.fromkeys(signs), random.Random(7)
    while len(found) < count:
        found["".join(chance.choices(signs, k=chance.choice((2, 2, 3))))] = None
    return list(found)[:count]


class Prompts:
    """Texts with a common start of ``prefix`` tokens and an own part of ``chunk`` tokens each."""

    def __init__(self, tokenizer: Path, chunk: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._chunk = chunk
        self._words = words(VOCABULARY // 2)

    def make(self, count: int, prefix: int, salt: str) -> list[str]:
        """Return ``count`` prompts, the same for the same arguments; no two salts share a chunk or a prefix."""
        start = self._text(random.Random(f"{salt}|prefix"), prefix) + "\n\n"
        return [start + self._text(random.Random(f"{salt}|{n}"), self._chunk) for n in range(count)]

    def _text(self, chance: random.Random, tokens: int) -> str:
        text = "".join(chance.choices(self._words, k=4 * tokens))
        ends: Sequence[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return text[: ends[tokens - 1][1]]
