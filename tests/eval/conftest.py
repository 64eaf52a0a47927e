"""A tiny model made on the spot, and the golden run where it lies beside the checkout."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacards.store import Store

ROOT = Path(__file__).resolve().parents[2]


def make_tiny_model(folder: Path, *, positions: int = 2048, seed: int = 0) -> Path:
    """Save a Mistral model of two layers with a byte-level tokenizer whose BOS is on by default."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(
        ["当社グループの売上高は増加しました。", "【問題】【選択肢】【答え】"] * 5, trainer
    )
    raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        initializer_range=0.2,
        bos_token_id=0,
        eos_token_id=1,
    )
    MistralForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an untrained model of two layers."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def golden() -> Path:
    """Return the folder of the golden run, or skip."""
    path = ROOT.parent / "shared" / "eval-golden"
    if not path.is_dir():
        pytest.skip("the golden run is not here: no folder shared/eval-golden beside the checkout")
    return path


def write_questions(store: Store, number: int = 12, name: str = "fin-ja-qa") -> None:
    """Write a dataset version that holds ``number`` multiple-choice questions in its split test."""
    rows = []
    for n in range(number):
        choices = [f"{(n + k) * 100:,}百万円" for k in range(1, 5)]
        meta = {
            "question": f"株式会社例{n}の2024年3月期の売上高はいくらですか。",
            "choices": json.dumps(choices, ensure_ascii=False),
            "answer": str(n % 4),
            "fact": f"fact{n}",
            "subject": f"株式会社例{n}",
            "concept": "売上高",
        }
        rows.append({"id": f"doc{n}", "text": "", "meta": json.dumps(meta, ensure_ascii=False)})
    with store.write(name=name, version="2026.11.21", kind="dataset", recipe={}) as draft:
        folder = draft.path / "multiple_choice"
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "test-00000.parquet")
        draft.counts["multiple_choice"] = number


@pytest.fixture
def question_store(store: Store) -> Store:
    """Return a store with the dataset version ``fin-ja-qa@2026.11.21``: twelve held-out questions."""
    write_questions(store)
    return store
