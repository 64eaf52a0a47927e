"""On what a run runs is said beside the recipe, in accelerate's own files too, and never against it."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file

from datacards.card import Ref
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from train.inputs import Inputs
from train.join import join
from train.recipe import TrainRecipe
from train.run import asked_of
from train.trainers.causal_lm import CausalLM
from train.trainers.launch import died, failed_by
from train.trainers.machines import Led, code
from train.where import Where, read_where, where

Ask = Callable[..., TrainRecipe]
FILES = ("one-machine.yaml", "two-machines.yaml", "cpu.yaml")


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_files_are_accelerates_own(root: Path, name: str) -> None:
    path = root / "train" / "accelerate" / name
    theirs, ours = load_config_from_file(str(path)), read_where(path)
    assert (ours.processes, ours.machines, ours.rank) == (
        theirs.num_processes,
        theirs.num_machines,
        theirs.machine_rank,
    )
    assert ours.stage == theirs.deepspeed_config.get("zero_stage", 0)


def test_the_shipped_recipes_fit_the_shipped_files(root: Path) -> None:
    at = [read_where(root / "train" / "accelerate" / name) for name in FILES]
    paper, laptop, lora = (
        CausalLM.model_validate(read_recipe(root / "train" / "recipes" / name, TrainRecipe).options)
        for name in ("nekomata-14b.yaml", "laptop.yaml", "lora.yaml")
    )
    assert [paper.at(at[0]).turns, paper.at(at[1]).turns] == [1, 1]
    assert laptop.at(at[2]).processes == 2
    assert lora.lora
    assert lora.on(4).turns == 3


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"distributed_type": "DEEPSPEED", "deepspeed_config": {"zero_stage": 2}}, "ZeRO stage 2; the recipe says ZeRO stage 3"),
        ({"distributed_type": "MULTI_GPU"}, "no DeepSpeed; the recipe says ZeRO stage 3"),
        ({"mixed_precision": "no"}, "mixed_precision: no; the recipe says bf16"),
        ({"distributed_type": "FSDP"}, "distributed_type: Input should be"),
        ({"num_processes": 3}, "3; rows_per_step = 24 in shares of rows_per_device = 6: 1, 2, 4"),
        ({"num_machines": 2, "main_process_ip": "10.0.0.1", "num_processes": 1}, "1 on 2 machines"),
        ({"num_machines": 2}, "HOST:PORT"),
        ({"machine_rank": 1}, "0 to 0: --machines is 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(tmp_path: Path, said: dict[str, Any], told: str) -> None:
    path = tmp_path / "accelerate.yaml"
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    options = CausalLM.model_validate({"deepspeed": {"zero_stage": 3, "num_processes": 4}})
    with pytest.raises(UserError, match=told):
        options.at(where(file=path))


def test_the_command_line_comes_before_the_file(root: Path) -> None:
    path = root / "train" / "accelerate" / "two-machines.yaml"
    found = where(file=path, rank=1, main="10.0.0.7:1234", processes=2)
    assert found == Where(2, 2, 1, "10.0.0.7:1234", stage=3)
    assert found.address == ("10.0.0.7", 1234)


def test_another_number_of_processes_is_no_other_request(ask: Ask) -> None:
    options = CausalLM.model_validate(ask(options={"rows_per_device": 1}).options)
    assert options.on(4).turns == 1
    assert asked_of(ask(), options.on(4)) == asked_of(ask(), options)
    assert options.model_dump() == options.on(2).model_dump()


def test_a_note_that_found_no_room_tells_of_a_full_disk(tmp_path: Path) -> None:
    """One that is whole says more than an empty one."""
    assert failed_by(tmp_path) is None
    (tmp_path / "failure-0.json").touch()
    (tmp_path / "ended-0.json").touch()
    assert "the disk is full" in str(failed_by(tmp_path))
    assert "a process ended with status 1" in str(died(tmp_path / "ended-0.json", 1))
    told = {"where": "step 3", "received": "the loss is nan", "allowed": "", "todo": ""}
    (tmp_path / "failure-1.json").write_text(json.dumps(told))
    assert "the loss is nan" in str(failed_by(tmp_path))


def test_the_first_that_died_is_named(tmp_path: Path) -> None:
    note = tmp_path / "ended-0.json"
    note.write_text(json.dumps({"rank": 3, "exitcode": -9}), encoding="utf-8")
    assert "process 3 was ended by SIGKILL, and the others with it" in str(died(note, 1))
    assert "perhaps the machine ran out of memory" in str(died(note, 1))
    note.write_text(json.dumps({"rank": 2, "exitcode": 7}), encoding="utf-8")
    assert "process 2 ended with status 7" in str(died(note, 1))
    assert "a process ended with status 1" in str(died(tmp_path / "none.json", 1))


def _joined(recipe: TrainRecipe, inputs: Inputs, store: Store, at: Where) -> str:
    """Join from a second machine while machine 0 waits, and return what was told of it on both."""
    draft = store.root / ".drafts" / f"{recipe.name}@{recipe.version}"
    told = []
    with pytest.raises(UserError) as error, Led((draft / ".work").resolve(), at) as others:
        second = Where(machines=2, rank=1, main=at.main, patience=20)

        def run() -> None:
            try:
                join(recipe, inputs, store, second)
            except UserError as mine:
                told.append(str(mine))

        thread = threading.Thread(target=run)
        thread.start()
        others.meet()
    thread.join()
    assert len(told) == 1
    assert told[0].partition(";")[0].split(": ", 1)[1] in str(error.value)
    return told[0]


def test_a_machine_that_was_asked_something_else_does_not_join(ask: Ask, corpus: Ref, store: Store) -> None:
    """Both machines say why; nothing is trained."""
    asked = ask(options={"deepspeed": {"zero_stage": 2, "num_processes": 2}})
    at = Where(machines=2, main="127.0.0.1:29500", patience=20)
    options = CausalLM.model_validate(asked.options)
    with store.write(
        name=asked.name, version=asked.version, kind="checkpoint", recipe=asked_of(asked, options),
        made_from=[Ref(name="local:tiny", version="0" * 12), corpus],
    ) as draft:  # fmt: skip
        other = asked.model_copy(update={"seed": 7})
        assert "seed differs from what machine 0 was asked" in _joined(
            other, Inputs([str(corpus)]), store, at
        )
        (draft.path / "README.md").touch()
    assert code()["torch"]


def test_machines_agree_on_what_is_replayed_and_measured(ask: Ask, corpus: Ref, store: Store) -> None:
    """The second machine finds the same request with three roles in it, and refuses other roles."""
    asked = ask(
        replay={"share": 0.1}, validation={}, options={"deepspeed": {"zero_stage": 2, "num_processes": 2}}
    )
    general, tests = (_copy(store, corpus, name) for name in ("general", "tests"))
    here = Inputs([str(corpus)], [str(general)], [str(tests)])
    at = Where(machines=2, main="127.0.0.1:29500", patience=20)
    recipe = asked_of(asked, CausalLM.model_validate(asked.options))
    with store.write(
        name=asked.name, version=asked.version, kind="checkpoint", recipe=recipe | here.found(store).noted(watched=False),
        made_from=[Ref(name="local:tiny", version="0" * 12), *here.found(store).refs],
    ) as draft:  # fmt: skip
        swapped = Inputs([str(corpus)], [str(tests)], [str(general)])
        assert "inputs differs from what machine 0 was asked" in _joined(asked, swapped, store, at)
        alike = asked.model_copy(update={"seed": 7})
        assert "seed differs from what machine 0 was asked" in _joined(alike, here, store, at)
        (draft.path / "README.md").touch()


def _copy(store: Store, corpus: Ref, name: str) -> Ref:
    with store.write(name=name, version=corpus.version, kind="dataset", recipe={}) as draft:
        for path in store.path(corpus).glob("qa/*.parquet"):
            (draft.path / "qa").mkdir(exist_ok=True)
            shutil.copyfile(path, draft.path / "qa" / path.name)
    return store.resolve(f"{name}@{corpus.version}")


def test_a_machine_that_hears_nothing_says_what_to_do(ask: Ask, corpus: Ref, store: Store) -> None:
    second = Where(processes=2, machines=2, rank=1, main="127.0.0.1:29500", patience=0.5)
    with pytest.raises(UserError, match=r"machine 0: is not heard of .*without --machine-rank"):
        join(ask(options={"rows_per_device": 1}), [str(corpus)], store, second)
