"""A real family of two-layer models, made on the spot: a base and two models that descend from it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

TEXTS = ["日本銀行は金融政策を決める。", "売上高は前期より増えた。", "物価の安定が大切である。"] * 4
Make = Callable[..., Path]


def _tokenizer(folder: Path, extra: list[str]) -> int:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "</s>", *extra], initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(folder)
    return len(fast)


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return a maker of model families: folders base, domain and instruct below one folder."""

    def make(
        *,
        dtype: torch.dtype = torch.bfloat16,
        hidden: int = 64,
        tie: bool = False,
        shard: str = "5GB",
        added: Sequence[str] = (),
    ) -> Path:
        root = tmp_path_factory.mktemp("family")
        torch.manual_seed(0)
        n = _tokenizer(root / "base", [])
        config = MistralConfig(
            vocab_size=n, hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=2, head_dim=32,
            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128, bos_token_id=0,
            eos_token_id=1, tie_word_embeddings=tie,
        )  # fmt: skip
        model = MistralForCausalLM(config)
        start = {name: value.detach().clone() for name, value in model.named_parameters()}
        for role, step in {"base": 0.0, "domain": 1e-3, "instruct": 6e-3}.items():
            with torch.no_grad():
                for name, value in model.named_parameters():
                    value.copy_(start[name] + step * torch.randn(value.shape))
            model.to(dtype).save_pretrained(root / role, max_shard_size=shard)
            model.float()
            _tokenizer(root / role, [])
        if added:  # the instruct model alone learned tokens of its own
            fast = PreTrainedTokenizerFast.from_pretrained(root / "instruct")
            fast.add_tokens(list(added))
            fast.save_pretrained(root / "instruct")
            model.resize_token_embeddings(len(fast), mean_resizing=False)
            model.to(dtype).save_pretrained(root / "instruct", max_shard_size=shard)
        return root

    return make
