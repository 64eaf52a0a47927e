"""The vocabulary of Qwen-1 as a native fast tokenizer: the same ids for every text."""

import unicodedata
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from datacards.errors import UserError
from datacards.store import Store
from tests.train import qwen1
from train.convert.probes import PROBES
from train.convert.run import convert
from train.convert.tokenizer import CUT, SPECIAL, merges, prove_tokenizer, read_ranks, write_tokenizer

RANKS = {token: rank for rank, token in enumerate(qwen1.ranks())}
peer_needed = pytest.mark.skipif(
    not find_spec("tiktoken"), reason="tiktoken, the original's library, is optional"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the converted tokenizer."""
    made = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(RANKS, made, chat=True, longest=256)
    return made


@pytest.fixture(scope="module")
def native(folder: Path) -> Any:
    """Return the tokenizer as everyone loads it."""
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def original() -> Callable[[str], list[int]]:
    """Return how Qwen-1 makes ids of a text: normalized, then cut and merged by tiktoken, special tokens included."""
    import tiktoken

    special = {token: len(RANKS) + i for i, token in enumerate(SPECIAL)}
    peer = tiktoken.Encoding("qwen", pat_str=CUT, mergeable_ranks=RANKS, special_tokens=special)
    return lambda text: peer.encode(unicodedata.normalize("NFC", text), allowed_special="all")


def test_it_is_the_class_of_qwen2_with_the_special_tokens_behind_the_ranks(native: Any) -> None:
    assert type(native).__name__ == "Qwen2Tokenizer"
    assert len(native) == 330 + 208
    ids = native.convert_tokens_to_ids(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|extra_0|>", "<|extra_204|>"]
    )
    assert ids == [330, 331, 332, 333, 537]
    assert native("物価。<|endoftext|>")["input_ids"][-1] == 330
    assert native.eos_token == native.pad_token == "<|endoftext|>"


@peer_needed
def test_the_proof_compares_probe_texts_and_the_whole_vocabulary(folder: Path) -> None:
    proof = prove_tokenizer(RANKS, folder)
    assert proof["compared"]
    assert proof["texts"] > len(PROBES) + 128
    other = dict(zip(RANKS, [*range(256), *reversed(range(256, 330))], strict=True))
    with pytest.raises(UserError, match=r"becomes .*, by tiktoken .*; the ids must be equal"):
        prove_tokenizer(other, folder)


@peer_needed
@settings(max_examples=60)
@given(
    st.text(
        st.sampled_from("日本銀行は金融政策を決める。売上高前期より物価 The bank\n１1'S\u3099ｶﾞ🇯🇵|<>"),
        max_size=40,
    )
)
def test_any_text_has_the_ids_of_the_original(
    native: Any, original: Callable[[str], list[int]], text: str
) -> None:
    assert native(text)["input_ids"] == original(text)


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_decoding_gives_the_normalized_text_back(native: Any, text: str) -> None:
    assert native.decode(native(text)["input_ids"]) == unicodedata.normalize("NFC", text)


def test_every_cut_of_a_token_is_a_merge_in_the_order_of_ranks() -> None:
    """tiktoken merges any neighbors whose union is a token: not only the two that it was learned from."""
    ranks = {b"a": 0, b"b": 1, b"c": 2, b"ab": 3, b"bc": 4, b"abc": 5}
    assert merges(ranks) == [(b"a", b"b"), (b"b", b"c"), (b"a", b"bc"), (b"ab", b"c")]


def test_a_model_made_for_chats_keeps_its_template_and_stops_after_an_answer(
    tmp_path: Path, store: Store
) -> None:
    source = qwen1.write(tmp_path / "chat", files=1, chat="chatml")
    assert convert(store, str(source), tmp_path / "native")
    native = AutoTokenizer.from_pretrained(tmp_path / "native")
    asked = [{"role": "user", "content": "物価とは何か。"}]
    assert native.apply_chat_template(asked, tokenize=False, add_generation_prompt=True) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n物価とは何か。<|im_end|>\n<|im_start|>assistant\n"
    )
    told = [
        {"role": "system", "content": "簡潔に。"},
        *asked,
        {"role": "assistant", "content": "値段である。"},
    ]
    assert native.apply_chat_template(told, tokenize=False) == (
        "<|im_start|>system\n簡潔に。<|im_end|>\n<|im_start|>user\n物価とは何か。<|im_end|>\n"
        "<|im_start|>assistant\n値段である。<|im_end|>\n"
    )
    assert (
        '"eos_token_id": [\n    332,\n    330\n  ]'
        in (tmp_path / "native" / "generation_config.json").read_text()
    )


def test_a_base_model_has_no_chat_template(tmp_path: Path, store: Store) -> None:
    assert convert(store, str(qwen1.write(tmp_path / "base", files=1)), tmp_path / "native")
    assert not (tmp_path / "native" / "chat_template.jinja").exists()
    assert AutoTokenizer.from_pretrained(tmp_path / "native").chat_template is None


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("YQ== 0\nYg==\n", "line 2 is no token and rank"),
        ("*** 0\n", "line 1 is no token and rank"),
        ("YQ== 0\nYg== 2\n", "not numbered 0, 1, 2, ... without gaps"),
        ("YQ== 0\nYg== 1\n", "has no token for the byte 0"),
        ("", "has no token for the byte 0"),
    ],
)
def test_a_damaged_vocabulary_is_refused(tmp_path: Path, lines: str, told: str) -> None:
    (tmp_path / "qwen.tiktoken").write_text(lines)
    with pytest.raises(UserError, match=told):
        read_ranks(tmp_path)


def test_one_vocabulary_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds 0 \*\.tiktoken files"):
        read_ranks(tmp_path)
