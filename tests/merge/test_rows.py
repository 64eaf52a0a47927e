"""A row of an embedding is a token: rows are found by the token itself, whatever the order and the padding."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

from datacards.errors import UserError
from merge.mergers.task_arithmetic import TaskArithmetic
from merge.plan import Plan, Target
from merge.rows import Words, find_rows
from merge.streaming.engine import merge
from merge.streaming.sinks import Memory
from merge.vocabulary import QWEN
from tests.merge.written import EMBEDDING, HEAD, HIDDEN, LAYER, WORDS, model, planned, ranks, tokenizer


def _target(made: Plan, name: str = EMBEDDING) -> Target:
    return next(target for target in made.targets if target.name == name)


def _maps(made: Plan, name: str = EMBEDDING) -> dict[str, list[int] | None]:
    target = _target(made, name)
    inputs = {"base": target.base, **target.models}
    return {role: None if at.rows is None else at.rows.tolist() for role, at in inputs.items()}


def _merged(made: Plan, name: str = EMBEDDING) -> Any:
    sink = Memory(made, "F32")
    merge(made, {target.name: TaskArithmetic() for target in made.targets}, sink, dtype="F32", threads=1)
    return sink.arrays[name].reshape(_target(made, name).shape)


def _stored(root: Path, role: str, name: str = EMBEDDING) -> Any:
    return load_file(root / role / "model.safetensors")[name].astype(np.float64)


def test_rows_follow_the_donor_whatever_the_order(tmp_path: Path) -> None:
    turned = WORDS[3:] + WORDS[:3]
    model(tmp_path / "base")
    model(tmp_path / "domain")
    model(tmp_path / "instruct", turned)
    made = planned(tmp_path)
    order = [WORDS.index(token) for token in turned]
    assert _maps(made) == {"base": order, "domain": order, "instruct": None}
    assert _maps(made, HEAD) == _maps(made)
    assert _maps(made, LAYER) == {"base": None, "domain": None, "instruct": None}
    base, domain = (_stored(tmp_path, role)[order] for role in ("base", "domain"))
    exact = base + (domain - base) + (_stored(tmp_path, "instruct") - base)
    assert np.array_equal(_merged(made), exact.astype(np.float32))
    assert made.notes == [
        f"8 tokens of the {role} model stood at other rows than in the instruct model: matched by token."
        for role in ("base", "domain")
    ]


def test_tokens_that_one_model_added_are_its_own(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain")
    model(tmp_path / "instruct", [*WORDS, "<|im_start|>", "<|im_end|>"])
    made = planned(tmp_path)
    n = list(range(len(WORDS)))
    assert _maps(made) == {"base": [*n, -1, -1], "domain": [*n, -1, -1], "instruct": None}
    assert _target(made).shape == (len(WORDS) + 2, HIDDEN)
    assert np.array_equal(_merged(made)[-2:], _stored(tmp_path, "instruct")[-2:].astype(np.float32))
    assert made.notes == [
        "2 tokens that the base lacks got the rows of the instruct model: '<|im_start|>', '<|im_end|>'."
    ]


def test_tokens_that_the_donor_lacks_are_dropped_and_told(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain", [*WORDS, "金蔵"])
    model(tmp_path / "instruct")
    made = planned(tmp_path)
    assert _target(made).shape == (len(WORDS), HIDDEN)
    assert _maps(made)["domain"] == list(range(len(WORDS)))
    assert "1 token of the domain model, which the tokenizer of the instruct model lacks" in made.notes[0]
    assert "'金蔵'" in made.notes[0]
    assert _target(planned(tmp_path, tokenizer="domain")).shape == (len(WORDS) + 1, HIDDEN)


def test_a_token_that_a_model_lacks_is_left_alone_by_it(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain", WORDS[:-1])
    model(tmp_path / "instruct")
    made = planned(tmp_path)
    assert _maps(made)["domain"] == [*range(len(WORDS) - 1), -1]
    assert np.allclose(_merged(made)[-1], _stored(tmp_path, "instruct")[-1], atol=1e-6)
    assert made.notes == ["The domain model lacks 1 token of the base and changes nothing there: '増えた'."]


def test_a_new_token_of_two_models_is_ambiguous(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain", [*WORDS, "<|im_end|>", "金蔵"])
    model(tmp_path / "instruct", [*WORDS, "<|im_start|>", "<|im_end|>"])
    message = r"1 token that the base lacks, in several models \(domain, instruct\): '<\|im_end\|>'.*new_tokens: domain"
    with pytest.raises(UserError, match=message):
        planned(tmp_path)
    made = planned(tmp_path, new_tokens="domain")
    n = list(range(len(WORDS)))
    assert _maps(made) == {"base": [*n, -1, -1], "domain": [*n, -1, 8], "instruct": [*n, 8, -1]}
    expected = [_stored(tmp_path, "instruct")[8], _stored(tmp_path, "domain")[8]]
    assert np.array_equal(_merged(made)[-2:], np.float32(expected))


def test_padding_is_matched_by_place(tmp_path: Path) -> None:
    """The 151,851 tokens of Qwen have 151,936 or 152,064 rows, as it suited the machines it was trained on."""
    model(tmp_path / "base", rows=12)
    model(tmp_path / "domain", [*WORDS, "金蔵"], rows=12)
    model(tmp_path / "instruct", [*WORDS[::-1], "<|end|>"], rows=16)
    made = planned(tmp_path)
    order = list(range(len(WORDS)))[::-1]
    assert _maps(made) == {
        "base": [*order, -1, 9, 10, 11, -1, -1, -1, -1],
        "domain": [*order, -1, 9, 10, 11, -1, -1, -1, -1],
        "instruct": None,
    }
    assert np.array_equal(_merged(made)[12:], np.float32(_stored(tmp_path, "instruct")[12:]))
    assert "4 rows that no token names are those of the instruct model alone." in made.notes


@pytest.mark.parametrize("donor", ["base", "domain", "instruct"])
def test_the_same_tokenizer_over_differing_padding_needs_no_reading(tmp_path: Path, donor: str) -> None:
    sizes = {"base": 12, "domain": 10, "instruct": 16}
    for role, rows in sizes.items():
        model(tmp_path / role, rows=rows)
    made = planned(tmp_path, tokenizer=donor)
    n = sizes[donor]
    there = {role: n if role == donor else min(rows, 12) for role, rows in sizes.items()}
    there["base"] = 12
    expected = {role: [row if row < there[role] else -1 for row in range(n)] for role in sizes}
    maps = _maps(made)
    assert {role: maps[role] or list(range(n)) for role in sizes} == expected
    assert maps[donor] is None
    assert _merged(made).shape == (n, HIDDEN)


def test_a_tokenizer_of_an_unknown_format_is_enough_where_all_have_it(tmp_path: Path) -> None:
    for role in ("base", "domain", "instruct"):
        (model(tmp_path / role, None) / "tekken.json").write_bytes(b"\x00 whatever")
    made = planned(tmp_path)
    assert _maps(made) == {"base": None, "domain": None, "instruct": None}
    assert made.notes == [
        "The result lacks files of the tokenizer of the instruct model (tekken.json): copy them from there."
    ]
    (tmp_path / "domain" / "tekken.json").write_bytes(b"\x00 something else")
    with pytest.raises(UserError, match="tokenizer differs from the others and is of no known format"):
        planned(tmp_path)


def test_a_qwen_without_tokenizer_json_is_merged_by_its_ranks(tmp_path: Path) -> None:
    single = [bytes([byte]) for byte in range(256)]
    names = sorted(pre_tokenizers.ByteLevel.alphabet())
    for role in ("base", "domain"):
        ranks(model(tmp_path / role, None, rows=480), single)
    model(tmp_path / "instruct", [*names, *QWEN, "<|chat|>"])
    made = planned(tmp_path)
    maps = _maps(made)
    assert maps["base"] == maps["domain"] and maps["base"] is not None
    assert (len(maps["base"]), maps["base"][-1], maps["base"][-2]) == (465, -1, 463)
    assert maps["base"][names.index("a")] == ord("a")
    assert "The base model: its special tokens were taken to follow the 256 ranks" in made.notes[0]


def test_all_that_fits_no_embedding_is_refused(tmp_path: Path) -> None:
    for role in ("base", "domain", "instruct"):
        model(tmp_path / role, rows=8)
    tokenizer(tmp_path / "domain", [*WORDS, "金蔵"])
    with pytest.raises(
        UserError, match=r"the domain model: its embedding has 8 rows, and 1 tokens? stand.*'金蔵'"
    ):
        planned(tmp_path)
    model(tmp_path / "domain")
    model(tmp_path / "instruct", rows=9, config={"vocab_size": 8})
    with pytest.raises(
        UserError, match=r"the instruct model: config\.json has vocab_size = 8, its embedding 9 rows"
    ):
        planned(tmp_path)


def test_another_tokenizer_is_refused_with_examples(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain")
    model(tmp_path / "instruct", [*WORDS[:3], "bank", "of", "Japan", "rate", "price"])
    with pytest.raises(
        UserError, match=r"the instruct model: its tokenizer has fewer than half.*'(bank|銀行)'"
    ):
        planned(tmp_path)
    with pytest.raises(UserError, match=r"the instruct model: its tokenizer has fewer than half.*'bank'"):
        planned(tmp_path, tokenizer="base")


def test_a_model_without_a_tokenizer_is_refused_and_a_vector_is_not(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain", None)
    model(tmp_path / "instruct", [*WORDS[::-1], "<|end|>"])
    with pytest.raises(
        UserError, match=r"the domain model: has no tokenizer in 'domain'; tokenizer\.json, vocab"
    ):
        planned(tmp_path)
    model(tmp_path / "domain", None, vector=True)
    maps = _maps(planned(tmp_path))
    assert maps["domain"] == maps["base"] == [*reversed(range(len(WORDS))), -1]
    model(tmp_path / "domain", None, rows=9, vector=True)
    with pytest.raises(UserError, match="has 9 rows and no tokenizer"):
        planned(tmp_path)
    with pytest.raises(UserError, match="the domain model: has no tokenizer"):
        planned(tmp_path, tokenizer="domain")


def test_where_no_model_has_a_tokenizer_rows_are_places(tmp_path: Path) -> None:
    for role in ("base", "domain", "instruct"):
        model(tmp_path / role, None)
    assert planned(tmp_path).notes == ["No model has a tokenizer: rows were matched by place."]


def test_a_vector_cannot_bring_tokens(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain", [*WORDS, "金蔵"], vector=True)
    with pytest.raises(
        UserError, match=r"the domain model: is a task vector with tokens \('金蔵'\) that the base lacks"
    ):
        planned(tmp_path, tokenizer="domain")
    model(tmp_path / "instruct", [*WORDS, "金蔵"])
    assert _maps(planned(tmp_path))["domain"] == [*range(len(WORDS)), -1]


def test_a_tensor_that_may_hold_tokens_under_another_name_is_refused(tmp_path: Path) -> None:
    for role, words in {"base": WORDS, "instruct": WORDS[::-1]}.items():
        model(tmp_path / role, words, more={"model.bonus": np.ones(len(WORDS), np.float32)})
    with pytest.raises(UserError, match=r"not known whether the rows of model\.bonus are tokens"):
        planned(tmp_path)
    for role, words in {"base": WORDS, "instruct": WORDS[::-1]}.items():
        model(tmp_path / role, words, more={"lm_head.bias": np.ones(len(WORDS), np.float32)})
    assert _maps(planned(tmp_path), "lm_head.bias")["base"] == [*range(len(WORDS))][::-1]
    for role, words in {"base": WORDS, "instruct": WORDS[::-1]}.items():
        tensors = {"words.table": np.ones((len(WORDS), HIDDEN), np.float32)}
        model(tmp_path / role, words, more=tensors, without=[EMBEDDING, HEAD])
    with pytest.raises(UserError, match="no tensor has the name of an embedding"):
        planned(tmp_path)


def test_a_real_family_with_an_added_token_speaks_it(family: Any, tmp_path: Path) -> None:
    root = family(added=["<|im_start|>"])
    made = planned(root)
    assert "got the rows of the instruct model: '<|im_start|>'" in made.notes[0]
    row = AutoTokenizer.from_pretrained(root / "instruct").convert_tokens_to_ids("<|im_start|>")
    at = _target(made).base.rows
    assert at is not None and at[row] == -1


VOCABULARIES = st.lists(st.sampled_from([*"abcdefgh"]), unique=True, min_size=1)
ROLES = ("base", "domain", "instruct")


@given(
    st.fixed_dictionaries(dict.fromkeys(ROLES, VOCABULARIES)),
    st.fixed_dictionaries(dict.fromkeys(ROLES, st.integers(0, 3))),
    st.sampled_from(ROLES),
)
@settings(max_examples=120, deadline=None)
def test_every_row_is_that_of_its_token(
    tmp_path_factory: Any, listed: dict[str, list[str]], padding: dict[str, int], donor: str
) -> None:
    """What a plain look-up by token says, for vocabularies of any order and padding."""
    root = tmp_path_factory.mktemp("rows")
    base = listed["base"]
    for role, words in listed.items():
        (root / role).mkdir()
        tokenizer(root / role, words)
    asked = {role: Words(root / role, len(words) + padding[role]) for role, words in listed.items()}
    if any(2 * len(set(base) & set(words)) < len(base) for words in listed.values()):
        with pytest.raises(UserError, match="fewer than half"):
            find_rows(asked, tokenizer=donor, new_tokens="domain")
        return
    found = find_rows(asked, tokenizer=donor, new_tokens="domain")
    assert found.n == asked[donor].rows
    for row in range(found.n or 0):
        token = listed[donor][row] if row < len(listed[donor]) else None
        at = {role: row if (rows := found.rows[role]) is None else int(rows[row]) for role in listed}
        if token is None:
            assert at[donor] == row and all(place in (-1, row) for place in at.values())
            assert all(place < 0 or row >= len(listed[role]) for role, place in at.items())
        elif token in base:
            assert at == {
                role: words.index(token) if token in words else -1 for role, words in listed.items()
            }
        else:
            owner = "domain" if token in listed["domain"] else "instruct"
            assert at == {role: listed[role].index(token) if role == owner else -1 for role in listed}


def test_the_same_tokenizer_over_too_few_rows_is_refused(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "instruct")
    model(tmp_path / "domain", rows=len(WORDS) - 2)
    with pytest.raises(
        UserError, match=r"the domain model: its embedding has 6 rows, and 2 tokens.*'売上高', '増えた'"
    ):
        planned(tmp_path)


def test_new_tokens_cannot_come_from_a_vector(tmp_path: Path) -> None:
    model(tmp_path / "base")
    model(tmp_path / "domain", vector=True)
    model(tmp_path / "instruct")
    with pytest.raises(
        UserError, match=r"new_tokens names 'domain'; tokens that the base lacks can come from: instruct"
    ):
        planned(tmp_path, new_tokens="domain")
