"""Rewrites the vocabulary of Qwen-1 (``qwen.tiktoken``) as a native fast tokenizer, and proves that both agree."""

import base64
import json
import unicodedata
from pathlib import Path
from typing import Any

from datacards.errors import UserError
from train.convert.probes import PROBES
from train.progress import progress

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|extra_{i}|>" for i in range(205)))
# How Qwen cuts a text before it merges bytes: words with one sign before them, single digits, runs of signs, of space.
CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
CHATML = (
    "{%- if messages[0]['role'] != 'system' -%}"
    "{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}"
    "{%- endif -%}"
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
BATCH = 4096  # texts at once
ASK = "restore the file from the checkpoint"


def read_ranks(folder: Path) -> dict[bytes, int]:
    """Return the tokens of the one ``*.tiktoken`` file (base64 and rank per line), which must be numbered without gaps.

    Raises UserError where there is none or several, a line is damaged, or a single byte has no token.
    """
    paths = sorted(folder.glob("*.tiktoken"))
    if len(paths) != 1:
        raise UserError(
            f"'{folder.name}'",
            f"holds {len(paths)} *.tiktoken files",
            "one is needed: Qwen-1's vocabulary",
            ASK,
        )
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(paths[0].read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            written, rank = line.split()
            ranks[base64.b64decode(written, validate=True)] = int(rank)
        except ValueError as error:
            raise UserError(paths[0].name, f"line {number:,} is no token and rank", todo=ASK) from error
    if sorted(ranks.values()) != list(range(len(ranks))):
        raise UserError(paths[0].name, "its ranks are not numbered 0, 1, 2, ... without gaps", todo=ASK)
    if missing := [byte for byte in range(256) if bytes([byte]) not in ranks]:
        raise UserError(paths[0].name, f"has no token for the byte {missing[0]}", "every byte needs one", ASK)
    return ranks


def merges(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Return every pair of tokens that make a third, in the order in which tiktoken would merge them.

    tiktoken merges the neighbors whose union has the lowest rank, whichever way that token is cut: so all its cuts are
    merges, not only the one it was learned by.
    """
    found = []
    for token, rank in ranks.items():
        for cut in range(1, len(token)):
            left, right = ranks.get(token[:cut]), ranks.get(token[cut:])
            if left is not None and right is not None:
                found.append((rank, left, right))
    tokens = {rank: token for token, rank in ranks.items()}
    return [(tokens[left], tokens[right]) for _, left, right in sorted(found)]


def write_tokenizer(ranks: dict[bytes, int], out: Path, *, chat: bool, longest: int) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` of these tokens and Qwen's special ones to ``out``.

    ``chat`` adds Qwen's ChatML template; ``longest`` is the number of positions the model knows.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = bytes_to_unicode()

    def text(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    made = Tokenizer(
        models.BPE(
            vocab={text(token): rank for token, rank in ranks.items()},
            merges=[(text(left), text(right)) for left, right in merges(ranks)],
            fuse_unk=False,
        )
    )
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CUT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    made.save(str(out / "tokenizer.json"))
    config: dict[str, Any] = {
        "tokenizer_class": "Qwen2Tokenizer",
        "eos_token": SPECIAL[0],
        "pad_token": SPECIAL[0],
        "unk_token": None,
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": longest,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if chat:
        (out / "chat_template.jinja").write_text(CHATML, encoding="utf-8")


def prove_tokenizer(ranks: dict[bytes, int], out: Path) -> dict[str, Any]:
    """Compare the tokenizer in ``out`` with tiktoken on ``ranks``: the probe texts, and every token that is a text.

    Returns what was compared, or why it was not: tiktoken is optional. Raises UserError where they differ.
    """
    from transformers import Qwen2Tokenizer  # AutoTokenizer takes four times as long to load

    native = Qwen2Tokenizer.from_pretrained(out)
    special = {token: len(ranks) + i for i, token in enumerate(SPECIAL)}
    if wrong := [token for token, i in special.items() if native.convert_tokens_to_ids(token) != i]:
        raise UserError("tokenizer", f"{wrong[0]} has another id", f"{special[wrong[0]]} is right")
    try:
        import tiktoken
    except ModuleNotFoundError:
        return {"compared": False, "reason": "tiktoken is not installed"}
    peer = tiktoken.Encoding("qwen", pat_str=CUT, mergeable_ranks=ranks, special_tokens=special)
    texts = [*PROBES, *(word for token in ranks if (word := token.decode(errors="ignore")).encode() == token)]
    n = 0
    with progress(len(texts), "texts compared") as bar:
        for first in range(0, len(texts), BATCH):
            part = texts[first : first + BATCH]
            got = native(part, add_special_tokens=False)["input_ids"]
            for text, ours in zip(part, got, strict=True):
                right = peer.encode(unicodedata.normalize("NFC", text), allowed_special="all")
                if right != ours:
                    told = f"{text[:60]!a} becomes {ours[:8]}, by tiktoken {right[:8]}"
                    raise UserError("tokenizer", told, "the ids must be equal", "the result was not kept")
                n += len(ours)
            bar.update(len(part))
    return {"compared": True, "with": f"tiktoken {tiktoken.__version__}", "texts": len(texts), "tokens": n}
