"""A search finds better numbers than the recipe's own, records every trial, and goes on where it was killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from click.testing import CliRunner
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from datacards.errors import UserError
from datacards.store import Store
from merge.cli import main
from merge.evolve.recipe import EvolveRecipe, read
from merge.evolve.run import run
from merge.evolve.trials import Ledger, Seconds, Trial
from merge.recipe import MergeRecipe
from merge.run import run as merge_run

HEAD = {"name": "head", "match": "lm_head.*", "option": "weights.instruct", "lower": 0.0, "upper": 2.0}
REST = {"name": "rest", "option": "weights.instruct", "lower": 0.0, "upper": 2.0}
PLUGIN = '''
import os, signal
from pathlib import Path

from datacards.errors import UserError
from datacards.objective import Objective


class Spread(Objective):
    """Minus how far the spread of the output layer's weights is from a goal; it can fail, refuse and die."""

    goal: float
    fails: tuple[int, ...] = ()
    refuses: tuple[int, ...] = ()
    dies: int = -1
    died: str = ""

    def score(self, loaded, corpus):
        number = int(loaded.name.removeprefix("trial "))
        if number == self.dies and not Path(self.died).exists():
            Path(self.died).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if number in self.fails:
            return float("nan")
        if number in self.refuses:
            raise UserError("spread", f"trial {number} cannot be scored")
        return -abs(loaded.model.lm_head.weight.double().std().item() - self.goal)
'''


@pytest.fixture(scope="module")
def outsider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install a third party's distribution that offers the objective ``spread``."""
    folder = tmp_path_factory.mktemp("outsider")
    info = folder / "outsider-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kanagura.objectives]\nspread = outsider_objectives:Spread\n")
    (folder / "outsider_objectives.py").write_text(PLUGIN)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("outsider_objectives", None)


@pytest.fixture(scope="module")
def models(family: Any) -> Path:
    """Return a family whose models are kept in bfloat16."""
    made: Path = family()
    return made


def asked(models: Path, *, search: Any = (HEAD,), options: Any = None, **more: Any) -> EvolveRecipe:
    """Return a recipe whose goal is met where the head takes about 1.4 times what instruct learned."""
    named = {role: str(models / role) for role in ("base", "domain", "instruct")}
    merge = {**named, "dtype": "bfloat16", **more.pop("merge", {})}
    objective = {"plugin": "spread", "options": {"goal": spread(models), **(options or {})}}
    fields = {"name": "evolved", "version": "2026.11.26", "merge": merge, "search": list(search)}
    return EvolveRecipe.model_validate({**fields, "objective": objective, "trials": 24, "sigma": 0.3, **more})


def spread(models: Path, weight: float = 1.4) -> float:
    base, domain, instruct = (
        load_file(models / role / "model.safetensors")["lm_head.weight"].double()
        for role in ("base", "domain", "instruct")
    )
    return float((base + (domain - base) + weight * (instruct - base)).std())


def trials(store: Store, ref: Any) -> list[Trial]:
    lines = (store.path(ref) / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    return [Trial.model_validate_json(line) for line in lines]


def scored(found: list[Trial]) -> list[Any]:
    """Return what two searches must agree in: all but the time."""
    return [(trial.number, trial.values, trial.score, trial.failure) for trial in found]


def test_the_best_trial_becomes_a_version_with_all_trials(models: Path, outsider: Path, store: Store) -> None:
    """Trial 0 is the plain recipe, and one number is enough for CMA-ES."""
    made = run(asked(models), store)
    card, folder, found = store.card(made.ref), store.path(made.ref), trials(store, made.ref)
    assert store.verify(made.ref) == []
    assert len(found) == card.counts["trials"] == 24
    assert found[0].values == {"head": 1.0}
    assert card.metrics["score_start"] == found[0].score
    best = max(found, key=lambda trial: trial.score or -9.0)
    assert card.metrics["score_best"] == best.score
    assert card.metrics["best/head"] == best.values["head"] == pytest.approx(1.4, abs=0.05)
    assert abs(best.score or 9.0) < abs(found[0].score or 0.0) / 5
    table = pq.read_table(folder / "trials.parquet")
    assert table.column("value.head").to_pylist() == [trial.values["head"] for trial in found]
    assert table.column("score").to_pylist() == [trial.score for trial in found]
    assert "<svg" in (folder / "evolution.svg").read_text(encoding="utf-8")
    assert "chosen by CMA-ES with the objective `spread`" in card.description
    assert card.recipe["merge"]["merger"] == "task_arithmetic"
    assert [ref.name for ref in card.made_from] == ["local:base", "local:domain", "local:instruct"]
    assert str(models) not in (folder / "card.json").read_text(encoding="utf-8")
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "in 24 trials" in page and "![The score of every trial" in page
    assert "no test scores any more" in page
    assert run(asked(models), store).existed


def test_the_recipe_of_the_best_gives_its_weights_by_a_plain_merge(
    models: Path, outsider: Path, store: Store, tmp_path: Path
) -> None:
    made = run(asked(models, search=(HEAD, REST), trials=9), store)
    folder = store.path(made.ref)
    plain = yaml.safe_load((folder / "best.yaml").read_text(encoding="utf-8"))
    plain |= {role: str(models / role) for role in ("base", "domain", "instruct")}
    again = merge_run(MergeRecipe.model_validate(plain), store)
    name = "model.safetensors"
    assert (store.path(again.ref) / name).read_bytes() == (folder / name).read_bytes()
    assert plain["rules"][0]["match"] == "lm_head.*"


KILLED = """
import sys
from pathlib import Path
from datacards.store import Store
from merge.evolve.recipe import EvolveRecipe
from merge.evolve.run import run
run(EvolveRecipe.model_validate_json(sys.stdin.read()), Store(Path(sys.argv[1])))
"""


@pytest.mark.slow
def test_a_killed_search_goes_on_and_ends_as_if_it_had_not_been(
    models: Path, outsider: Path, store: Store, tmp_path: Path
) -> None:
    """kill -9 while a candidate is scored, and a line of the record that was written in half."""
    died = tmp_path / "died"
    recipe = asked(models, search=(HEAD, REST), trials=12, options={"dies": 8, "died": str(died)})
    path = os.pathsep.join([str(outsider), *sys.path])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(store.root)], input=recipe.model_dump_json(), text=True,
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert store.refs() == []
    (record,) = store.root.rglob("trials.jsonl")
    before = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [trial["number"] for trial in before] == list(range(8))
    with record.open("a", encoding="utf-8") as stream:
        stream.write('{"number":8,"val')
    resumed = trials(store, run(recipe, store).ref)
    assert [trial.model_dump(mode="json") for trial in resumed[:8]] == before
    other = Store(tmp_path / "other")
    whole = run(recipe, other)
    assert scored(resumed) == scored(trials(other, whole.ref))
    weights = [(each.path(whole.ref) / "model.safetensors").read_bytes() for each in (store, other)]
    assert weights[0] == weights[1]


def test_a_record_of_another_search_is_not_gone_on_with(tmp_path: Path) -> None:
    seconds = Seconds(merge=0.1, load=0.1, score=0.1)
    ledger = Ledger(tmp_path / "trials.jsonl")
    ledger.add(Trial(number=0, values={"x": 0.5}, score=1.0, seconds=seconds))
    again = Ledger(ledger.path)
    assert again.replayed(0, {"x": 0.5 + 1e-12}) == ledger.trials[0]
    assert again.replayed(1, {"x": 0.7}) is None
    with pytest.raises(UserError, match="trial 0 was made by another search"):
        again.replayed(0, {"x": 0.6})
    with ledger.path.open("a", encoding="utf-8") as stream:
        stream.write("{}\n")
    with pytest.raises(UserError, match="line 2 is no trial; delete the unfinished draft"):
        Ledger(ledger.path)


def test_what_cannot_be_scored_is_recorded_and_counts_as_worst(
    models: Path, outsider: Path, store: Store
) -> None:
    made = run(asked(models, trials=12, options={"fails": [0, 3], "refuses": [5]}), store)
    found = trials(store, made.ref)
    assert [trial.number for trial in found if trial.score is None] == [0, 3, 5]
    assert found[3].failure == "the score is nan"
    assert "trial 5 cannot be scored" in found[5].failure
    card = store.card(made.ref)
    assert card.counts["trials without a score"] == 3
    assert "score_start" not in card.metrics
    assert card.metrics["score_best"] == max(trial.score for trial in found if trial.score is not None)


def test_an_objective_that_cannot_score_the_recipe_itself_is_an_error(
    models: Path, outsider: Path, store: Store
) -> None:
    with pytest.raises(UserError, match="trial 0 cannot be scored"):
        run(asked(models, options={"refuses": [0]}), store)
    with pytest.raises(UserError, match="none of 3 candidates could be scored: the score is nan"):
        run(asked(models, trials=3, options={"fails": [0, 1, 2]}), store)
    assert store.refs() == []


def test_time_that_is_over_ends_the_search(models: Path, outsider: Path, store: Store) -> None:
    made = run(asked(models, minutes=1e-6), store)
    assert [trial.number for trial in trials(store, made.ref)] == [0]


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_candidate_in_memory_is_the_merge_into_files_bit_for_bit(
    family: Any, store: Store, tmp_path: Path, dtype: str, tie: bool
) -> None:
    """The second candidate too, which is written over the first; heads tied and not."""
    from merge.evolve.candidate import Candidates
    from merge.evolve.loading import Resident
    from merge.numbers import DTYPES
    from merge.plan import plan, read_models
    from merge.run import copy_companions, find

    root = family(tie=tie)
    named = {role: str(root / role) for role in ("base", "domain", "instruct")}
    recipes = [
        MergeRecipe.model_validate(
            {
                "name": "m",
                "version": f"2026.11.2{n}",
                **named,
                "dtype": dtype,
                "options": {"weights": weights},
            }
        )
        for n, weights in enumerate(({}, {"domain": 0.3, "instruct": 1.7}))
    ]
    read_in = read_models(find(recipes[0], store).folders)
    planned = plan(read_in, tokenizer="instruct")
    copy_companions(read_in["instruct"], planned, tmp_path, dtype)
    candidates, resident = Candidates(planned, recipes[0]), Resident(tmp_path, DTYPES[dtype], "stored")
    for recipe in recipes:
        changed = candidates.merge(recipe)
        loaded = resident.load(candidates.arrays, candidates.shapes, changed, "m")
        wanted = AutoModelForCausalLM.from_pretrained(store.path(merge_run(recipe, store).ref), dtype="auto")
        state = loaded.model.state_dict()
        assert str(loaded.model.dtype) == f"torch.{dtype}"
        assert state.keys() == wanted.state_dict().keys()
        assert all(torch.equal(value, state[name]) for name, value in wanted.state_dict().items())
        assert candidates.merge(recipe) == []  # nothing differs from the one before


def test_the_command_searches_and_says_what_it_found(
    models: Path, outsider: Path, store: Store, tmp_path: Path
) -> None:
    """A merge recipe that is named by path lies beside the evolution's; the command names the models."""
    plain = {
        "name": "plain",
        "version": "2026.11.26",
        "base": "nowhere",
        "instruct": str(models / "instruct"),
    }
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    fields = asked(models, trials=4).model_dump(mode="json") | {"merge": "plain.yaml"}
    (tmp_path / "evolve.yaml").write_text(yaml.safe_dump(fields), encoding="utf-8")
    words = ["evolve", str(tmp_path / "evolve.yaml"), "--store", str(store.root)]
    words += ["--base", str(models / "base"), "--domain", str(models / "domain")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "evolved@2026.11.26" in done.output
    assert "after 4 trials" in done.output
    assert "nothing to do" in CliRunner().invoke(main, words).output


@pytest.mark.parametrize(
    "path", sorted(Path("merge/evolve/recipes").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_recipes_of_the_house_are_valid(root: Path, path: Path) -> None:
    recipe = read(root / path)
    assert recipe.description
    assert recipe.over({"base": "a", "domain": "b", "instruct": "c"}).plain().merger
