"""Where a number of a search stands in the merge recipe, where it begins, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datacards.errors import UserError
from merge.evolve.recipe import EvolveRecipe, Variable
from merge.evolve.search import Search
from merge.evolve.vary import Dimension, check, dimensions, varied
from merge.files import Tensor
from merge.plan import Input, Plan, Target
from merge.recipe import MergeRecipe

NAMES = [f"model.layers.{n}.{part}.weight" for n in range(3) for part in ("self_attn.q_proj", "mlp.up_proj")]


def recipe(**more: Any) -> MergeRecipe:
    fields = {"name": "m", "version": "2026.11.26", "base": "b@2026.11.26", "domain": "d@2026.11.26"}
    return MergeRecipe.model_validate({**fields, "instruct": "i@2026.11.26", **more})


def variable(option: str = "weights.domain", **more: Any) -> Variable:
    return Variable.model_validate({"name": "x", "option": option, "lower": 0, "upper": 2, **more})


def plan() -> Plan:
    at = [Tensor(name, "F32", (2, 2), Path("model.safetensors"), 0) for name in NAMES]
    return Plan([Target(one.name, one.shape, Input(one), {}) for one in at], 3)


@pytest.mark.parametrize(
    ("more", "option", "wanted"),
    [
        ({}, "weights.domain", 1.0),
        ({"options": {"weights": {"domain": 0.7}}}, "weights.domain", 0.7),
        ({"merger": "ties"}, "density", 0.5),
        ({"merger": "ties", "options": {"density": 0.3}}, "densities.domain", 0.3),
        ({"options": {"weights": {"domain": {"gradient": [0.2, 0.4]}}}}, "weights.domain.gradient.1", 0.4),
    ],
)
def test_a_number_begins_where_the_recipe_has_it(more: Any, option: str, wanted: float) -> None:
    (found,) = dimensions([variable(option)], recipe(**more))
    assert found.start == wanted


def test_a_group_takes_over_what_it_does_not_vary() -> None:
    """The new rule stands behind those of the recipe, and holds the other model's weight as it is."""
    given = recipe(
        options={"weights": {"instruct": 0.8}},
        rules=[{"match": "lm_head.*", "merger": "ties", "options": {}}],
    )
    found = dimensions([variable(match="*.mlp.*", name="mlp"), variable(name="all")], given)
    made = varied(given, found, {"mlp": 0.25, "all": 0.5})
    assert made.options == {"weights": {"instruct": 0.8, "domain": 0.5}}
    assert [rule.match for rule in made.rules] == ["lm_head.*", "*.mlp.*"]
    assert made.rules[0] == given.rules[0]
    assert made.rules[1].options == {"weights": {"instruct": 0.8, "domain": 0.25}}
    assert given.options == {"weights": {"instruct": 0.8}}


def test_a_rule_of_the_recipe_is_varied_where_it_stands() -> None:
    given = recipe(rules=[{"match": "*.mlp.*", "merger": "ties", "options": {"density": 0.4}}])
    found = dimensions([variable("density", match="*.mlp.*", upper=1)], given)
    made = varied(given, found, {"x": 0.9})
    assert found[0].start == 0.4
    assert made.rules[0].options == {"density": 0.9}
    assert made.rules[0].merger == "ties"


def test_a_gradient_has_a_number_for_each_anchor() -> None:
    given = recipe(options={"weights": {"domain": 0.6}})
    found = dimensions([variable(anchors=3)], given)
    assert [one.name for one in found] == ["x.0", "x.1", "x.2"]
    assert {one.start for one in found} == {0.6}
    made = varied(given, found, {"x.0": 0.1, "x.1": 0.2, "x.2": 0.3})
    assert made.options == {"weights": {"domain": {"gradient": [0.1, 0.2, 0.3]}}}
    shorter = varied(made, dimensions([variable(anchors=2, start=1)], made), {"x.0": 1.0, "x.1": 1.5})
    assert shorter.options == {"weights": {"domain": {"gradient": [1.0, 1.5]}}}
    again = dimensions([variable(anchors=3)], made)
    assert [one.start for one in again] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("asked", "more", "told"),
    [
        ({"option": "dencity"}, {}, r"no number at dencity; options of task_arithmetic: weights"),
        ({"option": "normalize"}, {}, "no number at normalize|which is no number"),
        ({"upper": 0.5}, {}, r"the recipe has weights\.domain = 1\.0; from 0 to 0\.5"),
        (
            {},
            {"options": {"weights": {"domain": {"gradient": [0, 1]}}}},
            "is a gradient of 2 anchors; anchors: 2",
        ),
        ({"option": "scale.domain", "start": 1}, {"options": {"scale": 0.5}}, r"scale is the number 0\.5"),
        ({"option": "weights.other", "start": 1}, {}, "weights name 'other'"),
        ({"match": "*.norm.*"}, {}, r"no tensor follows the rule '\*\.norm\.\*'"),
        (
            {},
            {"rules": [{"match": "*", "options": {"weights": {"domain": 1}}}]},
            "no tensor is merged differently",
        ),
        ({"option": "density"}, {"merger": "ties"}, "density = 2.0; Input should be less than or equal to 1"),
    ],
)
def test_what_cannot_be_varied_is_refused_before_the_first_trial(asked: Any, more: Any, told: str) -> None:
    given = recipe(**more)
    with pytest.raises(UserError, match=told):
        check(given, dimensions([variable(**asked)], given), plan())


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ([{"lower": 1, "upper": 1}], "lower must be below upper"),
        ([{"start": 3}], "start must lie from 0 to 2"),
        ([{}, {"match": "*"}], "two variables named 'x'"),
        ([{}, {"name": "y"}], r"varies weights\.domain of all twice"),
        ([{"anchors": 1}], "two anchors at least"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(search: Any, told: str) -> None:
    given = [{"name": "x", "option": "weights.domain", "lower": 0, "upper": 2, **one} for one in search]
    fields = {
        "name": "e",
        "version": "2026.11.26",
        "merge": {"base": "b"},
        "objective": {"plugin": "likelihood"},
    }
    with pytest.raises(ValueError, match=told):
        EvolveRecipe.model_validate({**fields, "search": given})


@pytest.mark.parametrize("n", [1, 2, 5])
def test_candidates_stay_inside_of_their_bounds_and_come_near_the_best(n: int) -> None:
    """From a corner, with every third candidate failing; one variable alone as well."""
    found = [Dimension(f"x{i}", "", ("a",), -1.0, 3.0, 3.0) for i in range(n)]
    search, asked = Search(found, sigma=0.3, seed=1), []
    for number in range(120 * n):
        values = search.ask()
        asked.append(list(values.values()))
        search.tell(None if number % 3 == 2 else -sum((value - 0.5) ** 2 for value in values.values()))
    every = np.array(asked)
    assert every.min() >= -1.0
    assert every.max() <= 3.0
    assert np.abs(every[-1] - 0.5).max() < 0.3


def test_the_seed_decides_what_is_asked() -> None:
    found = [Dimension("x", "", ("a",), 0.0, 1.0, 0.5), Dimension("y", "", ("b",), 0.0, 1.0, 0.5)]

    def run(seed: int) -> list[dict[str, float]]:
        search, asked = Search(found, sigma=0.2, seed=seed), []
        for _ in range(20):
            asked.append(search.ask())
            search.tell(asked[-1]["x"])
        return asked

    assert run(3) == run(3)
    assert run(3) != run(4)
