"""What looks at a training's saved states never changes it, misses no state, and goes on after any end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.card import Ref
from datacards.monitor import read_points
from datacards.objective import Loaded
from datacards.store import Store
from merge.objectives.likelihood import Likelihood
from merge.recipe import MergeRecipe
from merge.run import run as merge
from train.recipe import TrainRecipe
from train.run import run

Ask = Callable[..., TrainRecipe]
OBJECTIVE = {"plugin": "likelihood", "options": {"format": "qa", "limit": 4}}


@pytest.fixture(scope="session")
def instruct(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model that learned something else from the same base, kept in bfloat16."""
    folder = tmp_path_factory.mktemp("models") / "instruct"
    model = AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in model.parameters():
            value += 5e-3 * torch.randn(value.shape)
    model.bfloat16().save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def test_every_saved_state_is_scored_as_a_merge_by_file_and_the_training_is_as_without(
    ask: Ask, corpus: Ref, store: Store, instruct: Path, base: Path
) -> None:
    options: dict[str, Any] = {"max_steps": 6, "save_every": 2}
    watched = {"options": {"instruct": str(instruct), "objective": OBJECTIVE, "corpus": str(corpus)}}
    made = run(ask(monitor=watched, options=options), [str(corpus)], store)
    plain = run(ask(name="plain", options=options), [str(corpus)], store)
    folder, card = store.path(made.ref), store.card(made.ref)
    for name in ("model.safetensors", "loss.jsonl"):
        assert (folder / name).read_bytes() == (store.path(plain.ref) / name).read_bytes()
    points = read_points(folder / "monitor.jsonl")
    assert [point.step for point in points] == [0, 2, 4, 6]
    assert not any(point.error for point in points)
    fields = {"base": str(base), "domain": str(made.ref), "instruct": str(instruct)}
    by_file = merge(MergeRecipe.model_validate({"name": "m", "version": "2026.11.22", **fields}), store)
    assert points[-1].scores == {
        "merged": _score(store.path(by_file.ref), store.path(corpus)),
        "unmerged": _score(folder, store.path(corpus)),
    }
    assert [ref.name for ref in card.made_from] == ["local:tiny", "tiny", "local:instruct"]
    assert str(instruct) not in (folder / "card.json").read_text(encoding="utf-8")
    assert "are no test scores any more" in card.description


def _score(folder: Path, corpus: Path) -> float:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    loaded = Loaded(model=model, tokenizer=AutoTokenizer.from_pretrained(folder), name="m")
    return Likelihood(format="qa", limit=4).score(loaded, corpus)
