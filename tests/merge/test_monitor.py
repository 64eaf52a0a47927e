"""A state is scored as the merge that would be written of it, and what cannot be merged or scored is refused first."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.errors import UserError
from datacards.objective import Loaded
from datacards.store import Store
from merge.monitor import MergeMonitor
from merge.objectives.likelihood import Likelihood
from merge.recipe import MergeRecipe
from merge.run import run as merge

TEXTS = ["日本銀行は物価の安定を図る。", "当期の売上高は前期より増えた。", "為替の変動に注意する。"]


@pytest.fixture(scope="module")
def models(family: Any) -> Path:
    """Return a family in bfloat16 and, as a training saves it, a state of the domain model in float32."""
    root: Path = family()
    weights = load_file(root / "domain" / "model.safetensors")
    torch.manual_seed(3)
    state = {name: value.float() + 1e-5 * torch.randn(value.shape) for name, value in weights.items()}
    save_file(state, root / "domain" / "model.safetensors", {"format": "pt"})
    return root


@pytest.fixture
def corpus(store: Store) -> str:
    with store.write(name="held", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "qa").mkdir()
        pq.write_table(pa.table({"text": TEXTS}), draft.path / "qa" / "train-00000.parquet")
    return "held@2026.11.21"


def asked(models: Path, corpus: str, /, **more: Any) -> MergeMonitor:
    objective = {"plugin": "likelihood", "options": {"format": "qa"}}
    fields = {"instruct": str(models / "instruct"), "objective": objective, "corpus": corpus}
    return MergeMonitor.model_validate({**fields, **more})


RULE = {"match": "lm_head.*", "merger": "ties", "options": {"density": 0.4}}
METHODS: list[dict[str, Any]] = [{"dtype": "float32"}, {"rules": [RULE], "compute": "stored"}]


@pytest.mark.parametrize("method", METHODS, ids=["plain", "rules"])
def test_the_scores_are_those_of_the_merge_by_file_and_of_the_state(
    models: Path, corpus: str, store: Store, tmp_path: Path, method: dict[str, Any]
) -> None:
    monitor = asked(models, corpus, **method)
    ready = monitor.prepare(store, models / "base")
    (tmp_path / "room").mkdir()
    found = monitor.measure(models / "base", models / "domain", tmp_path / "room", ready.folders)
    named = {role: str(models / role) for role in ("base", "domain", "instruct")}
    fields = {key: value for key, value in method.items() if key != "compute"}
    recipe = MergeRecipe.model_validate({"name": "m", "version": "2026.11.21", **named, **fields})
    by_file = store.path(merge(recipe, store).ref)
    kind = "auto" if "compute" in method else torch.float32
    assert found["merged"] == score(by_file, store.path(store.resolve(corpus)), kind)
    kind = torch.bfloat16 if "compute" in method else torch.float32
    assert found["unmerged"] == score(models / "domain", store.path(store.resolve(corpus)), kind)
    assert found["merged"] != found["unmerged"]
    assert ready.options["corpus"] == corpus
    assert ready.options["instruct"].startswith("local:instruct@")
    assert [ref.name for ref in ready.refs] == ["local:instruct", "held"]


def score(folder: Path, corpus: Path, kind: Any) -> float:
    """Return the score of a model folder as an evaluation would load it."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=kind)
    loaded = Loaded(model=model, tokenizer=AutoTokenizer.from_pretrained(folder), name="m")
    return Likelihood(format="qa").score(loaded, corpus)


def test_a_float32_state_over_a_bfloat16_base_is_merged_exactly(models: Path, corpus: str) -> None:
    """Against float64: base + (state - base) + (instruct - base), rounded once to bfloat16."""
    monitor, room = asked(models, corpus, compute="stored"), models.parent / f"{models.name}-room"
    room.mkdir()
    planned = monitor._plan(
        monitor._recipe(), models / "base", models / "domain", {"instruct": models / "instruct"}, room
    )
    state = monitor._merged(planned).model.state_dict()
    base, domain, instruct = (
        {name: value.double() for name, value in load_file(models / role / "model.safetensors").items()}
        for role in ("base", "domain", "instruct")
    )
    assert all(
        torch.equal(state[name], (base[name] + (domain[name] - base[name]) + (instruct[name] - base[name])).bfloat16())
        for name in base
    )  # fmt: skip


def test_what_could_never_be_scored_is_refused_before_training(
    family: Any, models: Path, corpus: str, store: Store, tmp_path: Path
) -> None:
    def refused(**more: Any) -> str:
        with pytest.raises(UserError) as error:
            asked(models, corpus, **more).prepare(store, models / "base")
        return error.value.message

    assert "holds no *.safetensors file" in refused(instruct=str(tmp_path))
    assert "no version 'nowhere'" in refused(instruct="nowhere")
    assert "no version 'gone'" in refused(corpus="gone")
    assert "no corpus was given" in refused(corpus="")
    assert "no document in markdown" in refused(objective={"plugin": "likelihood"})
    assert "no plug-in named 'guess'" in refused(objective={"plugin": "guess"})
    assert "no plug-in named 'mix'" in refused(merger="mix")
    assert "unknown key 'weight'" in refused(options={"weight": 1})
    assert "weights name 'other'" in refused(options={"weights": {"other": 1.0}})
    assert "tokenizer names 'other'" in refused(tokenizer="other")
    assert "models has the role 'base'" in refused(models={"base": "x"})
    other = family(hidden=32)
    assert "has hidden_size = 32, in the base model 64" in refused(instruct=str(other / "instruct"))
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "model.safetensors").symlink_to(models / "instruct" / "model.safetensors")
    assert "config.json" in refused(instruct=str(strange))
    shutil.copyfile(models / "instruct" / "config.json", strange / "config.json")
    assert "tokenizer" in refused(instruct=str(strange))


def test_tokens_of_the_instruct_model_go_with_the_merge(
    family: Any, corpus: str, store: Store, tmp_path: Path
) -> None:
    root = family(added=["<|user|>"])
    monitor = asked(root, corpus)
    ready = monitor.prepare(store, root / "base")
    found = monitor.measure(root / "base", root / "domain", tmp_path, ready.folders)
    assert found.keys() == {"merged", "unmerged"}


def test_the_card_says_what_is_no_test_any_more(models: Path, corpus: str, store: Store) -> None:
    tasks = [{"task": "chabsa"}, {"task": "cpa_audit"}]
    monitor = asked(models, corpus, objective={"plugin": "benchmark", "options": {"tasks": tasks}})
    ready = monitor.prepare(store, models / "base")
    assert "(chabsa, cpa_audit)" in ready.note
    assert "scores on chabsa, cpa_audit are no test scores any more" in ready.note
    assert ready.options["objective"]["options"]["tasks"][0]["task"] == "chabsa"
