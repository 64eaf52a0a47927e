"""Everything that goes into a merge is decided, and everything that is wrong or ambiguous named, beforehand."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file as save_torch
from transformers import AutoModelForCausalLM

from datacards.checkpoints import companions
from datacards.errors import UserError
from merge.mergers.task_arithmetic import TaskArithmetic
from merge.plan import Plan, Target, plan, read_models
from merge.streaming.engine import merge
from merge.streaming.sinks import Memory
from tests.merge.written import CONFIG, EMBEDDING, HEAD, HIDDEN, LAYER, WORDS, model, planned

MASK = "transformer.h.0.attn.bias"
FREQUENCIES = "model.layers.0.self_attn.rotary_emb.inv_freq"


def _merged(made: Plan) -> dict[str, Any]:
    """The result of plain task arithmetic in float32."""
    sink = Memory(made, "F32")
    merge(made, {target.name: TaskArithmetic() for target in made.targets}, sink, dtype="F32", threads=1)
    return {target.name: sink.arrays[target.name].reshape(target.shape) for target in made.targets}


def _target(made: Plan, name: str) -> Target:
    return next(target for target in made.targets if target.name == name)


def _edit(path: Path, **changes: Any) -> None:
    data = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(data), encoding="utf-8")


def _three(root: Path, **more: Any) -> Path:
    for role in ("base", "domain", "instruct"):
        model(root / role, **more)
    return root


def test_models_of_one_vocabulary_are_merged_as_they_lie(family: Any) -> None:
    root = family()
    models = read_models({role: root / role for role in ("domain", "base", "instruct")})
    made = plan(models, tokenizer="instruct")
    assert list(models) == ["base", "domain", "instruct"]
    assert (made.layers, made.notes, made.config) == (2, [], {})
    assert {target.name for target in made.targets} == set(models["base"].tensors)
    assert all(list(target.models) == ["domain", "instruct"] for target in made.targets)
    assert all(at.rows is None for t in made.targets for at in (t.base, *t.models.values()))


def test_the_tensors_come_in_the_order_in_which_the_base_stores_them(family: Any) -> None:
    root = family(shard="20KB")
    made = plan(read_models({role: root / role for role in ("base", "domain")}), tokenizer="base")
    places = [(str(target.base.at.path), target.base.at.offset) for target in made.targets]
    assert places == sorted(places)
    assert len({path for path, _ in places}) > 1


def test_a_missing_tensor_is_named_with_who_has_it(tmp_path: Path) -> None:
    model(_three(tmp_path) / "domain", without=[LAYER, "model.norm.weight"])
    with pytest.raises(
        UserError, match=rf"the domain model: lacks {LAYER}, model\.norm\.weight, which the base model has"
    ):
        planned(tmp_path)
    model(tmp_path / "domain", more={"model.extra.weight": np.ones(3, np.float32)})
    with pytest.raises(
        UserError, match=r"the base model: lacks model\.extra\.weight, which the domain model has"
    ):
        planned(tmp_path)


def test_another_prefix_is_told_from_another_model(tmp_path: Path) -> None:
    numbers = load_file(_three(tmp_path) / "base" / "model.safetensors")
    bare = {name.removeprefix("model."): numbers[name] for name in numbers if name != HEAD}
    model(tmp_path / "domain", more=bare, without=[name for name in numbers if name.startswith("model.")])
    with pytest.raises(
        UserError,
        match=r"base model has model\.embed_tokens\.weight: load and save all models with one class",
    ):
        planned(tmp_path)


def test_a_differing_shape_is_named(tmp_path: Path) -> None:
    model(_three(tmp_path) / "instruct", more={LAYER: np.ones((7, HIDDEN), np.float32)})
    with pytest.raises(UserError, match=rf"the instruct model: {LAYER} has the shape \[7, 4\].*\[6, 4\]"):
        planned(tmp_path)


def test_number_formats_and_shards_may_differ(tmp_path: Path) -> None:
    _three(tmp_path)
    halves = {
        name: torch.from_numpy(t).bfloat16()
        for name, t in load_file(tmp_path / "domain/model.safetensors").items()
    }
    save_torch(halves, tmp_path / "domain" / "model.safetensors")
    model(tmp_path / "instruct", dtype="float16")
    merged = _merged(planned(tmp_path))
    base, instruct = (
        load_file(tmp_path / role / "model.safetensors")[LAYER] for role in ("base", "instruct")
    )
    exact = base.astype(float) + (halves[LAYER].double().numpy() - base) + (instruct.astype(float) - base)
    assert np.array_equal(merged[LAYER], exact.astype(np.float32))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (_three(tmp_path) / "domain" / name).unlink()
    with pytest.raises(UserError, match=rf"the domain model: {re.escape(name)} is missing in 'domain'"):
        planned(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no JSON object"),
        ("{", "is damaged"),
        ("[" * 100_000, "is damaged"),
        ('{"num_attention_heads": {"a": 1}}', "num_attention_heads"),
        ('{"tie_word_embeddings": "yes"}', "tie_word_embeddings = 'yes'"),
        ('{"model_type": ["\\u001b[31m"]}', r"model_type = \['\\x1b\[31m'\]"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (_three(tmp_path) / "domain" / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        planned(tmp_path)


def test_another_architecture_of_equal_shapes_is_refused(tmp_path: Path) -> None:
    model(_three(tmp_path) / "domain", config={"num_attention_heads": 4})
    with pytest.raises(
        UserError, match=r"the domain model: config\.json has num_attention_heads = 4, in the base"
    ):
        planned(tmp_path)


def test_a_setting_that_is_left_out_is_its_default(tmp_path: Path) -> None:
    model(_three(tmp_path) / "domain", config={"head_dim": 2, "num_key_value_heads": 2, "hidden_act": "silu"})
    assert planned(tmp_path).notes == []
    model(tmp_path / "domain", config={"num_key_value_heads": 1})
    with pytest.raises(UserError, match="num_key_value_heads = 1, in the base model 2"):
        planned(tmp_path)


def test_another_base_of_the_positions_is_told(tmp_path: Path) -> None:
    _three(tmp_path, config={"rope_theta": 10_000.0})
    _edit(tmp_path / "instruct" / "config.json", rope_theta=None, rope_parameters={"rope_theta": 1_000_000.0})
    assert "The base model was trained with rope_theta 10000.0" in planned(tmp_path).notes[0]


def test_a_config_within_a_config_counts(tmp_path: Path) -> None:
    inner = {key: value for key, value in CONFIG.items() if key != "model_type"} | {"vocab_size": len(WORDS)}
    outer = dict.fromkeys([*CONFIG, "vocab_size"]) | {"model_type": "llava", "text_config": inner}
    _three(tmp_path, config=outer)
    assert planned(tmp_path).layers == 2
    _edit(tmp_path / "domain" / "config.json", text_config=inner | {"num_attention_heads": 4})
    with pytest.raises(UserError, match=r"text_config\.num_attention_heads = 4"):
        planned(tmp_path)


def test_layers_are_counted_where_no_config_says_how_many(tmp_path: Path) -> None:
    assert planned(_three(tmp_path, config={"num_hidden_layers": None})).layers == 2


# Tied heads


def test_the_head_of_a_tied_model_is_its_embedding(tmp_path: Path) -> None:
    model(_three(tmp_path) / "base", without=[HEAD], config={"tie_word_embeddings": True})
    _edit(tmp_path / "instruct" / "config.json", tie_word_embeddings=False)
    made = planned(tmp_path)
    base = _target(made, HEAD).base.at
    assert (base.name, made.config) == (EMBEDDING, {"tie_word_embeddings": False})
    assert "lm_head.weight is tied to the embedding in the base model" in made.notes[0]
    merged = _merged(made)
    tensors = {
        role: load_file(tmp_path / role / "model.safetensors") for role in ("base", "domain", "instruct")
    }
    own = tensors["base"][EMBEDDING].astype(float)
    exact = own + (tensors["domain"][HEAD] - own) + (tensors["instruct"][HEAD] - own)
    assert np.array_equal(merged[HEAD], exact.astype(np.float32))


def test_a_tied_donor_is_untied_within_its_config_too(tmp_path: Path) -> None:
    inner = {"tie_word_embeddings": True, "vocab_size": len(WORDS)}
    _three(
        tmp_path, config={"tie_word_embeddings": None, "text_config": {**inner, "tie_word_embeddings": False}}
    )
    model(tmp_path / "instruct", without=[HEAD], config={"tie_word_embeddings": None, "text_config": inner})
    assert planned(tmp_path).config == {
        "tie_word_embeddings": False,
        "text_config": {**inner, "tie_word_embeddings": False},
    }


def test_models_that_are_all_tied_stay_tied(tmp_path: Path) -> None:
    _three(tmp_path, without=[HEAD], config={"tie_word_embeddings": True})
    assert HEAD not in {target.name for target in planned(tmp_path).targets}
    copy = load_file(tmp_path / "domain" / "model.safetensors")[EMBEDDING]
    model(tmp_path / "domain", more={HEAD: copy}, config={"tie_word_embeddings": True})
    made = planned(tmp_path)
    assert HEAD not in {target.name for target in made.targets}
    assert made.notes == [
        "lm_head.weight equals the embedding in every model, so the result does not store it."
    ]


def test_a_real_tied_family_loads_once_it_is_merged(family: Any, tmp_path: Path) -> None:
    root = family(tie=True)
    made = plan(read_models({role: root / role for role in ("base", "instruct")}), tokenizer="base")
    assert HEAD not in {target.name for target in made.targets}
    assert AutoModelForCausalLM.from_pretrained(root / "base").lm_head.weight.shape[0] == 300


def test_a_tied_model_that_stores_another_head_is_refused(tmp_path: Path) -> None:
    model(_three(tmp_path) / "domain", config={"tie_word_embeddings": True})
    with pytest.raises(
        UserError, match=r"the domain model: stores lm_head\.weight, which differs from its embedding"
    ):
        planned(tmp_path)


def test_a_missing_head_that_no_config_explains_is_refused(tmp_path: Path) -> None:
    model(_three(tmp_path) / "domain", without=[HEAD])
    with pytest.raises(UserError, match=r"the domain model: lacks lm_head\.weight, which the base model has"):
        planned(tmp_path)
    model(tmp_path / "domain", without=[HEAD], config={"tie_word_embeddings": None})
    with pytest.raises(UserError, match=r'does not say whether it is tied.*add "tie_word_embeddings": true'):
        planned(tmp_path)


# Buffers and whole numbers


def test_a_buffer_is_taken_from_whoever_has_it(tmp_path: Path) -> None:
    mask = np.tril(np.ones((1, 1, 5, 5), bool))
    model(_three(tmp_path) / "domain", more={MASK: mask, FREQUENCIES: np.linspace(0, 1, 4, dtype=np.float32)})
    model(tmp_path / "instruct", more={MASK: mask.astype(np.uint8)})
    made = planned(tmp_path)
    assert _target(made, MASK).kept and _target(made, MASK).models == {}
    assert _target(made, FREQUENCIES).base.at.path.parent.name == "domain"
    merged = _merged(made)
    assert np.array_equal(merged[MASK].reshape(5, 5), np.tril(np.ones((5, 5))))
    assert merged[FREQUENCIES].dtype == np.float32


def test_buffers_that_differ_are_refused(tmp_path: Path) -> None:
    model(_three(tmp_path) / "domain", more={FREQUENCIES: np.ones(4, np.float32)})
    model(tmp_path / "instruct", more={FREQUENCIES: np.ones(5, np.float32)})
    with pytest.raises(
        UserError, match=rf"the instruct model: {FREQUENCIES} differs from that of the domain model"
    ):
        planned(tmp_path)


def test_a_buffer_rounded_to_another_format_is_the_same_buffer(tmp_path: Path) -> None:
    exact = np.linspace(0, 1, 7, dtype=np.float32)
    model(_three(tmp_path) / "base", more={FREQUENCIES: exact.astype(np.float16)})
    model(tmp_path / "domain", more={FREQUENCIES: exact})
    assert _target(planned(tmp_path), FREQUENCIES).base.at.dtype == "F32"


def test_a_mask_of_truth_values_is_that_of_ones_and_zeros(tmp_path: Path) -> None:
    mask, name = np.tri(4, dtype=np.float32).reshape(1, 1, 4, 4), "transformer.h.0.attn.bias"
    _three(tmp_path, more={name: mask})
    model(tmp_path / "domain", more={name: mask.astype(bool)})
    assert np.array_equal(_merged(planned(tmp_path))[name].reshape(4, 4), np.tri(4))


def test_a_bias_named_like_a_mask_is_merged(tmp_path: Path) -> None:
    _three(tmp_path, more={MASK: np.ones(HIDDEN, np.float32)})
    assert not _target(planned(tmp_path), MASK).kept


def test_whole_numbers_are_kept_where_they_are_equal_and_refused_elsewhere(tmp_path: Path) -> None:
    steps = np.arange(3, dtype=np.int64)
    _three(tmp_path, more={"model.steps": steps})
    assert _target(planned(tmp_path), "model.steps").kept
    model(tmp_path / "domain", more={"model.steps": steps + 1})
    with pytest.raises(UserError, match=r"the domain model: model\.steps differs.*not quantized"):
        planned(tmp_path)
    model(tmp_path / "domain", more={"model.steps": steps.astype(np.float32)})
    with pytest.raises(UserError, match=r"the base model: model\.steps is I64, in the domain model F32"):
        planned(tmp_path)


# Task vectors


def test_what_a_vector_lacks_counts_as_nothing(tmp_path: Path) -> None:
    model(_three(tmp_path) / "change", None, vector=True, without=[LAYER, HEAD])
    (tmp_path / "change" / "config.json").unlink()
    made = planned(tmp_path)
    merged = _merged(made)
    tensors = {folder.name: load_file(folder / "model.safetensors") for folder in tmp_path.iterdir()}
    assert _target(made, EMBEDDING).models["change"].vector
    assert "change" not in _target(made, LAYER).models
    for name in (EMBEDDING, LAYER, HEAD):
        own = tensors["base"][name].astype(float)
        exact = own + tensors["change"].get(name, 0) + (tensors["domain"][name] - own)
        exact += tensors["instruct"][name] - own
        assert np.allclose(merged[name], exact, atol=1e-6), name


def test_a_vector_of_a_tied_base_moves_the_head_with_the_embedding(tmp_path: Path) -> None:
    model(_three(tmp_path) / "base", without=[HEAD], config={"tie_word_embeddings": True})
    model(tmp_path / "change", None, vector=True, without=[HEAD])
    (tmp_path / "change" / "config.json").unlink()
    at = _target(planned(tmp_path), HEAD).models["change"].at
    assert (at.name, at.path.parent.name) == (EMBEDDING, "change")


def test_a_vector_is_no_base_and_half_a_vector_nothing(tmp_path: Path) -> None:
    model(_three(tmp_path) / "base", vector=True)
    with pytest.raises(UserError, match="the base model: is a task vector"):
        planned(tmp_path)
    model(tmp_path / "base")
    index = {
        "a": "1.safetensors",
        **dict.fromkeys(load_file(tmp_path / "base/model.safetensors"), "2.safetensors"),
    }
    folder = model(tmp_path / "domain", vector=True)
    (folder / "model.safetensors").rename(folder / "2.safetensors")
    save_torch({"a": torch.ones(2)}, folder / "1.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    with pytest.raises(UserError, match="the domain model: some of its files hold a task vector"):
        planned(tmp_path)


@pytest.mark.parametrize("metadata", ['"words"', '{"kanagura": 1}', '{"a": []}'])
def test_metadata_that_is_no_list_of_words_is_refused(tmp_path: Path, metadata: str) -> None:
    header = f'{{"__metadata__": {metadata}, "a": {{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}}}'.encode()
    path = model(tmp_path / "base") / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(UserError, match="__metadata__"):
        planned(tmp_path)


# Roles and code


def test_roles_that_are_not_merged_are_refused(tmp_path: Path) -> None:
    _three(tmp_path)
    with pytest.raises(UserError, match=r"tokenizer names 'chat'.*base, domain, instruct"):
        planned(tmp_path, tokenizer="chat")
    with pytest.raises(UserError, match=r"new_tokens names 'base'.*domain, instruct"):
        planned(tmp_path, new_tokens="base")
    with pytest.raises(UserError, match="no base is named"):
        read_models({"domain": tmp_path / "domain"})


def test_code_of_the_model_is_named_and_never_copied(tmp_path: Path) -> None:
    named = {
        "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel",
        "AutoConfig": "../../x\n.Evil",
        "AutoX": 3,
    }
    folder = _three(tmp_path, config={"auto_map": named, "model_type": "qwen"}) / "instruct"
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"auto_map": {"AutoTokenizer": ["org/model--tokenization_qwen.QWenTokenizer", None]}})
    )
    (folder / "modeling_qwen.py").write_text("raise SystemExit")
    for name in ("qwen.tiktoken", "preprocessor_config.json"):
        (folder / name).write_text("")
    note = planned(tmp_path).notes[-1]
    assert "(modeling_qwen.py, tokenization_qwen.py)" in note
    assert "x" not in {path.stem for path in companions(folder)}
    kept = {path.name for path in companions(folder)}
    assert kept >= {"qwen.tiktoken", "tokenizer.json", "preprocessor_config.json"}
    assert not [path for path in companions(folder) if path.suffix == ".py"]


def test_a_hostile_name_stays_one_line_of_signs(tmp_path: Path) -> None:
    model(_three(tmp_path) / "domain", more={"a\n\x1b[31mb" + "c" * 500: np.ones(2, np.float32)})
    with pytest.raises(UserError) as refused:
        planned(tmp_path)
    assert refused.value.message.isprintable() and len(refused.value.message) < 300
