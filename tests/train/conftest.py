"""A real two-layer model and a real little corpus version, made on the spot."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
)

from datacards.card import Ref, Rights
from datacards.store import Store
from train.recipe import TrainRecipe

SENTENCES = (
    "日本銀行は金融政策を決める。", "売上高は前期より増えた。", "物価の安定が大切である。",
    "営業利益は十億円となった。", "為替の変動に注意する。",
)  # fmt: skip


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a Mistral model of two layers with random weights and its tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        SENTENCES * 3,
        trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet),
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(fast), hidden_size=64, intermediate_size=128, num_hidden_layers=2, head_dim=32,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def corpus(store: Store) -> Ref:
    """Return a dataset version with two formats, written as the corpus stage writes its own."""
    texts = {
        "markdown": ["".join(SENTENCES[i % 5] for i in range(n, n + n % 9 + 1)) for n in range(60)],
        "qa": [f"質問：{s}\n回答：{s}" for s in SENTENCES],
    }
    with store.write(
        name="tiny", version="2026.11.21", kind="dataset", recipe={"made": "for a test"}
    ) as draft:
        for format_, rows in texts.items():
            for split in ("train", "test"):
                path = draft.path / format_ / f"{split}-00000.parquet"
                path.parent.mkdir(exist_ok=True)
                ids = [f"{format_}-{split}-{i}" for i in range(len(rows))]
                pq.write_table(pa.table({"id": ids, "text": rows}), path)
        draft.rights.append(
            Rights(license="CC-BY-SA-4.0", attribution="出典", redistribution=True, records=65)
        )
    return store.resolve("tiny@2026.11.21")


@pytest.fixture
def ask(base: Path) -> Callable[..., TrainRecipe]:
    """Return a maker of recipes for the tiny model: fields and options may be given."""

    def make(*, options: dict[str, Any] | None = None, **fields: Any) -> TrainRecipe:
        usual = {
            "sequence_length": 64, "rows_per_step": 4, "rows_per_device": 2, "epochs": 2, "learning_rate": 3e-3,
            "precision": "fp32",
        }  # fmt: skip
        given = {"name": "trained", "version": "2026.11.21", "base": str(base), **fields}
        return TrainRecipe.model_validate({**given, "options": {**usual, **(options or {})}})

    return make


def loss_alone(base: Path, texts: Iterable[str], width: int) -> tuple[float, int]:
    """Return the mean nats per token, and their number, as transformers computes them of every document alone."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    words = AutoTokenizer.from_pretrained(base)
    total, n = 0.0, 0
    for text in texts:
        ids = torch.tensor([[*words(text, add_special_tokens=False)["input_ids"], words.eos_token_id]])
        for part in torch.split(ids, width, dim=1):
            if part.shape[1] > 1:
                with torch.no_grad():
                    total += float(model(input_ids=part, labels=part).loss) * (part.shape[1] - 1)
                n += part.shape[1] - 1
    return total / n, n
