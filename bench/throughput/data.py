"""A small model with its tokenizer and documents of the lengths that such corpora have."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

MEAN, SPREAD, LONGEST = (
    46,
    1.35,
    2048,
)  # tokens a document: 370 M in 8.1 M, six padded to the longest are 30 % full
SIZES = {"small": (256, 768, 2), "medium": (512, 1536, 4)}  # width, inner width, layers
WORDS = 8_000
END, FILL = "</s>", "<pad>"


def synthetic(tokens: int, seed: int = 0) -> Iterator[str]:
    """Yield texts of words out of 8,000, a token each, of ``tokens`` tokens in all with the end of each."""
    random = np.random.default_rng(seed)
    left = tokens
    while left > 1:
        length = int(np.exp(random.normal(np.log(MEAN) - SPREAD**2 / 2, SPREAD)))
        length = min(max(length, 2), LONGEST, left)
        yield " ".join(f"w{word}" for word in random.integers(0, WORDS, length - 1))
        left -= length


def texts_of(paths: Sequence[Path], characters: int) -> list[str]:
    """Return texts of the Parquet files, in their order, until they have so many characters."""
    found: list[str] = []
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=200, columns=["text"]):
            for text in batch["text"].to_pylist():
                if characters <= 0:
                    return found
                if text and text.strip():
                    found.append(text)
                    characters -= len(text)
    return found


def write_documents(texts: Sequence[str], path: Path) -> None:
    """Write the texts as a file of a dataset version."""
    ids = [f"document-{number}" for number in range(len(texts))]
    pq.write_table(pa.table({"id": ids, "text": list(texts)}), path)


def write_base(folder: Path, size: str, texts: Sequence[str] | None) -> int:
    """Write a Llama model with random weights; return the number of its weights.

    Its tokenizer knows the words of ``synthetic``, or is trained on ``texts``.
    """
    tokenizer = _trained(texts) if texts else _words()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=FILL)
    fast.save_pretrained(folder)
    width, inner, layers = SIZES[size]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, head_dim=64,
        num_attention_heads=width // 64, num_key_value_heads=width // 128, max_position_embeddings=LONGEST,
        bos_token_id=None, eos_token_id=fast.eos_token_id, pad_token_id=fast.pad_token_id,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def _words() -> Tokenizer:
    vocabulary = {END: 0, FILL: 1, **{f"w{number}": number + 2 for number in range(WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def _trained(texts: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=WORDS, special_tokens=[END, FILL], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts[:2_000], trainer)
    return tokenizer
