"""The row of every token is read from whatever files a tokenizer has, and what makes no sense is refused."""

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from datacards.errors import UserError
from merge.vocabulary import read_vocabulary
from tests.merge.written import ranks

TEXTS = ["日本銀行は金融政策を決める。", "売上高は前期より増えた。", "物価の安定が大切である。"] * 4


def _rows(folder: Path) -> dict[str, int]:
    found = read_vocabulary(folder)
    assert found is not None
    return found.rows


def test_a_trained_tokenizer_is_read_as_its_own_library_reads_it(tmp_path: Path) -> None:
    for kind, trainer in (
        (models.BPE(), trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>"])),
        (models.Unigram(), trainers.UnigramTrainer(vocab_size=60, special_tokens=["<s>"])),
        (models.WordPiece(), trainers.WordPieceTrainer(vocab_size=300, special_tokens=["<s>"])),
    ):
        trained = Tokenizer(kind)
        trained.train_from_iterator(TEXTS, trainer)
        trained.add_tokens(["金蔵", "<|im_end|>"])
        trained.save(str(tmp_path / "tokenizer.json"))
        assert _rows(tmp_path) == trained.get_vocab(with_added_tokens=True)


def test_files_of_a_slow_tokenizer_are_read(tmp_path: Path) -> None:
    trained = Tokenizer(models.BPE())
    trained.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=200))
    trained.model.save(str(tmp_path))
    n = trained.get_vocab_size()
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<|a|>": n}))
    listed = {str(n): {"content": "<|a|>"}, str(n + 1): {"content": "<|b|>"}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": listed}))
    assert _rows(tmp_path) == trained.get_vocab() | {"<|a|>": n, "<|b|>": n + 1}


def test_lines_are_tokens_in_their_order(tmp_path: Path) -> None:
    tokens = ["[PAD]", "[UNK]", "日本", "##銀行", "\u2028", "\x85", "a b"]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    assert _rows(tmp_path) == {token: row for row, token in enumerate(tokens)}


def test_pieces_of_a_sentencepiece_model_are_rows(tmp_path: Path) -> None:
    written = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=written, vocab_size=38, minloglevel=2, num_threads=1
    )
    (tmp_path / "tokenizer.model").write_bytes(written.getvalue())
    (tmp_path / "added_tokens.json").write_text('{"<|im_start|>": 38}')
    rows = _rows(tmp_path)
    assert (rows["<unk>"], rows["<s>"], rows["</s>"], rows["<|im_start|>"], len(rows)) == (0, 1, 2, 38, 39)
    found = read_vocabulary(tmp_path)
    assert found is not None and "numbered like the pieces" in found.assumed
    (tmp_path / "tokenizer.model").write_bytes(b"no model at all")
    with pytest.raises(UserError, match="is no sentencepiece model"):
        read_vocabulary(tmp_path)


def test_ranks_of_tiktoken_are_the_tokens_of_a_byte_level_tokenizer(tmp_path: Path) -> None:
    words = ["日", " 本", "a", "\n", "½¬­"]
    ranks(tmp_path, [word.encode() for word in words], "Other")
    written = [
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(w) for w in words
    ]
    assert list(_rows(tmp_path)) == [pieces[0][0] for pieces in written]
    ranks(tmp_path, [bytes([byte]) for byte in range(256)], "Other")
    assert set(_rows(tmp_path)) == set(pre_tokenizers.ByteLevel.alphabet())


def test_special_tokens_of_qwen_follow_the_ranks_and_that_is_said(tmp_path: Path) -> None:
    ranks(tmp_path, [bytes([byte]) for byte in range(256)])
    found = read_vocabulary(tmp_path)
    assert found is not None
    assert (found.rows["<|endoftext|>"], found.rows["<|im_end|>"], found.rows["<|extra_204|>"]) == (
        256,
        258,
        463,
    )
    assert (
        "<|endoftext|>'" not in found.assumed and "QWenTokenizer, <|endoftext|> at row 256" in found.assumed
    )
    listed = {"added_tokens_decoder": {"256": {"content": "<|end|>"}}, "tokenizer_class": "QWenTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(listed))
    found = read_vocabulary(tmp_path)
    assert found is not None and (len(found.rows), found.rows["<|end|>"], found.assumed) == (257, 256, "")


def _json(**model: Any) -> str:
    return json.dumps({"model": model})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tokenizer.json", "{}", "holds no vocabulary"),
        ("tokenizer.json", '{"model": {"vocab": {"a": 0, "a": 1}}}', "has 'a' twice"),
        ("tokenizer.json", _json(vocab={"a": 0, "b": 0}), "has 'a', 'b' at one row, 0"),
        (
            "tokenizer.json",
            _json(vocab=[["a", -1], ["b", -2], ["a", -3]]),
            "token 'a' twice, at row 0 and at row 2",
        ),
        ("tokenizer.json", _json(vocab={"a": "0"}), "token 'a' at row '0'"),
        ("tokenizer.json", _json(vocab={"a": True}), "token 'a' at row True"),
        ("tokenizer.json", _json(vocab={"a": -1}), "token 'a' at row -1"),
        ("tokenizer.json", _json(vocab={"a": 10**30}), "token 'a' at row 1000"),
        ("tokenizer.json", _json(vocab=[1, 2]), "token 1 at row 0"),
        (
            "tokenizer.json",
            '{"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "a", "id": 1}]}',
            "'a' twice",
        ),
        ("tokenizer.json", '{"model": {"vocab": {"a": 0}}, "added_tokens": {"a": 1}}', "no list of tokens"),
        (
            "tokenizer.json",
            '{"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": null}]}',
            "token None",
        ),
        ("tokenizer.json", "[" * 100_000, "is damaged"),
        ("tokenizer.json", _json(vocab={"\ud800\n": -1}), re.escape(r"'\ud800\n' at row -1")),
        ("vocab.json", "{}", "holds no vocabulary"),
        ("vocab.json", '{"ja": {"a": 0}}', "token 'ja' at row"),
        ("vocab.txt", "a\nb\na\n", "token 'a' twice, at row 0 and at row 2"),
        ("qwen.tiktoken", "YQ== 0\nYQ== 1\n", "token 'a' twice"),
        ("qwen.tiktoken", "YQ== 0\nYg== 0\n", "'a', 'b' at one row"),
        ("qwen.tiktoken", "YQ== 0\nYg==\n", "line 2 is no token and rank"),
        ("qwen.tiktoken", "*** 0\n", "line 1 is no token and rank"),
        ("qwen.tiktoken", f"YQ== {'9' * 9000}\n", "line 1 is no token and rank"),
        ("qwen.tiktoken", "\n", "holds no vocabulary"),
    ],
)
def test_a_vocabulary_that_makes_no_sense_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message) as refused:
        read_vocabulary(tmp_path)
    assert refused.value.message.isprintable()


def test_two_vocabularies_of_ranks_are_ambiguous(tmp_path: Path) -> None:
    ranks(tmp_path, [b"a"])
    (tmp_path / "other.tiktoken").write_text("YQ== 0\n")
    with pytest.raises(UserError, match=r"several \*\.tiktoken files"):
        read_vocabulary(tmp_path)


@given(
    st.lists(st.lists(st.text(), min_size=2, max_size=2) | st.text(), max_size=5),
    st.dictionaries(
        st.text(max_size=8) | st.just("merges") | st.just('"merges": ['), st.integers(0, 99), min_size=1
    ),
    st.sampled_from([None, 1]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_merges_that_are_cut_out_change_nothing(
    tmp_path_factory: Any, merges: list[Any], vocab: dict[str, int], indent: int | None, plain: bool
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    vocab = {token: row for row, token in enumerate(vocab)}
    data = {"model": {"vocab": vocab, "merges": merges}, "added_tokens": [{"content": "merges", "id": 99}]}
    if "merges" in vocab:
        data["added_tokens"] = []
    (folder / "tokenizer.json").write_text(
        json.dumps(data, ensure_ascii=plain, indent=indent), "utf-8", "surrogatepass"
    )
    assert _rows(folder) == vocab | ({} if "merges" in vocab else {"merges": 99})
