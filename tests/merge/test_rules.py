"""Every tensor has its own method and numbers: by glob, by layer."""

from typing import Any

import pytest

from datacards.errors import UserError
from merge.mergers.task_arithmetic import TaskArithmetic
from merge.mergers.ties import Ties
from merge.recipe import MergeRecipe
from merge.rules import at_depth, mergers, resolved

TENSORS = [
    "model.embed_tokens.weight",
    *(
        f"model.layers.{layer}.{kind}.weight"
        for layer in range(5)
        for kind in ("mlp.up_proj", "self_attn.q_proj")
    ),
    "model.norm.weight",
    "lm_head.weight",
]


def _recipe(**more: Any) -> MergeRecipe:
    named = {"name": "merged", "version": "2026.11.21", "base": "b", "domain": "d", "instruct": "i"}
    return MergeRecipe.model_validate({**named, **more})


def test_the_first_rule_that_matches_holds() -> None:
    rules = [
        {"match": "lm_head.*", "merger": "ties", "options": {"density": 0.2}},
        {"match": "*.mlp.*", "options": {"weights": {"domain": 0.5}}},
        {"match": "*up_proj*.weight*", "options": {"weights": {"domain": 9}}},
    ]
    with pytest.raises(UserError, match=r"no tensor follows the rule '\*up_proj"):
        mergers(_recipe(rules=rules), TENSORS, 5)
    found = mergers(_recipe(rules=rules[:2]), TENSORS, 5)
    assert isinstance(found["lm_head.weight"], Ties)
    assert found["lm_head.weight"].density == 0.2
    up, query = found["model.layers.3.mlp.up_proj.weight"], found["model.layers.3.self_attn.q_proj.weight"]
    assert isinstance(up, TaskArithmetic)
    assert isinstance(query, TaskArithmetic)
    assert (up.weight("domain"), query.weight("domain")) == (0.5, 1.0)


def test_a_rule_of_the_same_method_lays_its_options_over_the_recipe() -> None:
    options = {"weights": {"instruct": 0.7}, "scale": 2}
    found = mergers(
        _recipe(options=options, rules=[{"match": "lm_head*", "options": {"scale": 3}}]), TENSORS, 5
    )
    head, other = found["lm_head.weight"], found["model.norm.weight"]
    assert isinstance(head, TaskArithmetic)
    assert isinstance(other, TaskArithmetic)
    assert (head.scale, other.scale) == (3, 2)
    assert head.weights == other.weights == {"instruct": 0.7}


def test_a_gradient_runs_from_the_embedding_to_the_head() -> None:
    found = mergers(_recipe(options={"weights": {"domain": {"gradient": [0, 1, 0.5]}}}), TENSORS, 5)
    weights = [found[name].weight("domain") for name in TENSORS if "q_proj" not in name]  # type: ignore[attr-defined]
    assert weights == pytest.approx([0, 0, 0.5, 1, 0.75, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("stops", [[1], 1, ["a", "b"], [True, 2], {}])
def test_what_is_no_gradient_is_refused(stops: Any) -> None:
    with pytest.raises(UserError, match=r"gradient: .*two or more numbers"):
        at_depth({"density": {"gradient": stops}}, 0.5)


def test_a_weight_of_a_model_that_is_not_merged_is_refused() -> None:
    with pytest.raises(UserError, match="weights name 'domian'; merged are: domain, instruct"):
        mergers(_recipe(options={"weights": {"domian": 0.5}}), TENSORS, 5)


def test_the_card_holds_every_option_written_out_and_gradients_as_they_were_given() -> None:
    ramp = {"gradient": [0.1, 0.9]}
    told = resolved(_recipe(options={"scale": ramp}, rules=[{"match": "lm_head*", "merger": "ties"}]))
    assert told["options"]["scale"] == ramp
    assert told["options"]["normalize"] is False
    assert told["rules"][0]["match"] == "lm_head*"
    assert told["rules"][0]["options"]["density"] == 0.5


def test_equal_numbers_are_one_object() -> None:
    assert len(set(map(id, mergers(_recipe(), TENSORS, 5).values()))) == 1


@pytest.mark.parametrize("role", ["base", "Domain", "a b", "../x", "", "gradient", "rounding"])
def test_a_role_is_a_plain_word(role: str) -> None:
    with pytest.raises(ValueError, match="a role is a word"):
        _recipe(models={role: "x"})
