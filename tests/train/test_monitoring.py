"""What looks at a training's saved states never changes it, misses no state, and goes on after any end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.numpy import save_file
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards import plugins
from datacards.card import Ref
from datacards.errors import UserError
from datacards.monitor import GROUP, Monitor, Point, read_points
from datacards.store import Store
from train.base import Shard, TrainData
from train.recipe import MonitorAsked, TrainRecipe
from train.run import run
from train.trainers.causal_lm import CausalLM
from train.watch.looking import Job, waiting, whole
from train.watch.monitoring import Monitoring, alone, environment, offer, prepare

Ask = Callable[..., TrainRecipe]
PLUGIN = '''
import os, signal, time
from pathlib import Path

from datacards.errors import UserError
from datacards.monitor import Monitor, Ready


class Size(Monitor):
    """The bytes of a state's weights; it can be slow, refuse, fail and die, once or always."""

    seen: str
    slow: tuple[int, ...] = ()
    refuses: tuple[int, ...] = ()
    fails: tuple[int, ...] = ()
    dies_once: tuple[int, ...] = ()
    dies: tuple[int, ...] = ()

    def prepare(self, store, base):
        return Ready(options=self.model_dump(mode="json"), note="It was watched.")

    def measure(self, base, saved, work, folders):
        step = 0 if saved == base else int(saved.name) if saved.name.isdecimal() else -1
        before = Path(self.seen).read_text().split() if Path(self.seen).exists() else []
        Path(self.seen + ".pid").write_text(str(os.getpid()))
        with open(self.seen, "a") as stream:
            stream.write(f"{step}\\n")
        if step in self.dies or (step in self.dies_once and str(step) not in before):
            os.kill(os.getpid(), signal.SIGKILL)
        if step in self.refuses:
            raise UserError(str(saved), "has no size")
        if step in self.fails:
            raise MemoryError
        if step in self.slow and str(step) not in before:
            time.sleep(60)
        assert (saved / "config.json").is_file()
        return {"size": float(sum(path.stat().st_size for path in saved.glob("model*.safetensors")))}
'''


@pytest.fixture(scope="module", autouse=True)
def outsider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install a third party's distribution that offers the monitor ``size``."""
    folder = tmp_path_factory.mktemp("outsider")
    info = folder / "outsider-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nsize = outsider_monitors:Size\n")
    (folder / "outsider_monitors.py").write_text(PLUGIN)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("outsider_monitors", None)


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """Return a folder with a working folder in it and, beside it, a base."""
    (tmp_path / "draft" / ".work").mkdir(parents=True)
    model(tmp_path / "base")
    return tmp_path / "draft"


def model(folder: Path, files: int = 1) -> Path:
    """Write a folder that looks like a model, with weights in one or several files and an optimizer's beside."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "mistral"}', encoding="utf-8")
    names = ["model.safetensors"] if files == 1 else [f"model-0000{n}.safetensors" for n in range(files)]
    for name in [*names, "exp_avg.safetensors"]:
        save_file({}, folder / name)
    if files > 1:
        index = {"metadata": {}, "weight_map": {str(n): name for n, name in enumerate(names)}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def watching(draft: Path, **options: Any) -> Monitoring:
    """Return the monitoring of a training in a draft by the monitor ``size``."""
    given = {"seen": str(draft.parent / "seen"), **options}
    wanted = prepare(MonitorAsked(plugin="size", options=given), Store(draft.parent), draft.parent / "base")
    return Monitoring(wanted, draft.parent / "base", draft / ".work", draft)


def seen(draft: Path) -> list[int]:
    """Return the steps that were looked at, in order."""
    return [int(word) for word in (draft.parent / "seen").read_text(encoding="utf-8").split()]


@pytest.mark.slow
def test_the_merge_is_scored_at_every_saved_state_beside_the_training(
    ask: Ask, corpus: Ref, store: Store, base: Path, tmp_path: Path
) -> None:
    instruct = tmp_path / "instruct"
    tuned: Any = AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in tuned.parameters():
            value.add_(5e-3 * torch.randn(value.shape))
    tuned.bfloat16().save_pretrained(instruct)
    AutoTokenizer.from_pretrained(base).save_pretrained(instruct)
    options: dict[str, Any] = {"max_steps": 6, "save_every": 2}
    objective = {"plugin": "likelihood", "options": {"format": "qa", "limit": 4}}
    watched = {"options": {"instruct": str(instruct), "objective": objective, "corpus": str(corpus)}}
    made = run(ask(monitor=watched, options=options), [str(corpus)], store)
    folder, card = store.path(made.ref), store.card(made.ref)
    points = read_points(folder / "monitor.jsonl")
    assert [(point.step, point.error) for point in points] == [(0, ""), (2, ""), (4, ""), (6, "")]
    assert [point.scores["unmerged"] for point in points] == sorted(p.scores["unmerged"] for p in points)
    known: Monitor = plugins.make(GROUP, "merge", watched["options"])
    ready = known.prepare(store, base)
    (tmp_path / "room").mkdir()
    assert points[-1].scores == known.measure(base, folder, tmp_path / "room", ready.folders)
    assert [ref.name for ref in card.made_from] == ["local:tiny", "tiny", "local:instruct"]
    assert str(instruct) not in (folder / "card.json").read_text(encoding="utf-8")
    assert "are no test scores any more" in card.description
    assert store.verify(made.ref) == []
    assert run(ask(monitor=watched, options=options), [str(corpus)], store).existed


def test_no_state_is_lost_whatever_becomes_of_the_process(
    draft: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It ends once at the base and at each try at step 2, is refused step 4, and runs out of memory at step 6."""
    with watching(draft, dies_once=[0], dies=[2], refuses=[4], fails=[6]) as monitoring:
        for number, step in enumerate((2, 4, 6, 8), 1):
            offer(model(draft / ".work" / "steps" / str(step)), draft / ".work", step, number)
        points = monitoring.finish_with(model(draft.parent / "final"), 9)
    size = {"size": float((draft.parent / "final" / "model.safetensors").stat().st_size)}
    assert points == [
        Point(step=0, scores=size),
        Point(step=2, error="the process that looked at it ended with status -9"),
        Point(step=4, error="the state: has no size"),
        Point(step=6, error="MemoryError"),
        Point(step=8, scores=size),
        Point(step=9, scores=size),
    ]
    assert read_points(draft / "monitor.jsonl") == points
    assert seen(draft) == [0, 0, 2, 2, 4, 6, 8, 9]
    assert "monitor, step 2: the process that looked at it ended" in capfd.readouterr().err
    assert waiting(draft / ".work") == []
    assert sorted(path.name for path in draft.iterdir()) == [".work", "monitor.jsonl"]


KILLED = """
import sys, time
from pathlib import Path
from datacards.store import Store
from train.base import Shard, TrainData
from train.recipe import MonitorAsked
from train.watch.monitoring import Monitoring, offer, prepare
draft = Path(sys.argv[1])
base, work = draft.parent / "base", draft / ".work"
options = {"seen": str(draft.parent / "seen"), "slow": [4]}
wanted = prepare(MonitorAsked(plugin="size", options=options), Store(draft.parent), base)
with Monitoring(wanted, base, work, draft):
    for number, step in enumerate((2, 4, 6), 1):
        offer(work / "steps" / str(step), work, step, number)
    time.sleep(60)
"""


def test_a_killed_run_goes_on_where_it_was_looked_at(draft: Path) -> None:
    """The process beside it ends too; what has its line is not looked at again, though its state is offered again."""
    work = draft / ".work"
    for step in (2, 4, 6):
        model(work / "steps" / str(step))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", KILLED, str(draft)], env=environment) as killed:
        wait_for(lambda: (draft.parent / "seen").is_file() and seen(draft) == [0, 2, 4])
        beside = int((draft.parent / "seen.pid").read_text(encoding="utf-8"))
        killed.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_running(beside))
    before = (draft / "monitor.jsonl").read_bytes()
    assert waiting(work) == [4, 6]
    with watching(draft, slow=[4]) as monitoring:
        for number, step in enumerate((2, 4, 6), 1):
            offer(work / "steps" / str(step), work, step, number)
        points = monitoring.finish_with(model(draft.parent / "final"), 8)
    assert [point.step for point in points] == [0, 2, 4, 6, 8]
    assert seen(draft) == [0, 2, 4, 4, 6, 8]
    assert (draft / "monitor.jsonl").read_bytes().startswith(before)


def is_running(process: int) -> bool:
    """Return whether a process is there and not just one that nobody has asked for its status yet."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def wait_for(fact: Callable[[], bool]) -> None:
    """Return when a fact holds; fail after a minute."""
    end = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def wanted_every_second(draft: Path) -> Path:
    """Return a working folder that wants every second state, and whose step 20 has been looked at."""
    options = {"every": 2}
    Job("size", options, {}, str(draft.parent / "base"), str(draft), os.getpid()).write(draft / ".work")
    (draft / "monitor.jsonl").write_text(Point(step=20, scores={"size": 1.0}).line(), encoding="utf-8")
    return draft / ".work"


def test_a_state_is_kept_by_links_to_its_weights_alone(wanted_every_second: Path) -> None:
    saved, work = model(wanted_every_second / "steps" / "40", files=3), wanted_every_second
    for step, number in ((10, 1), (20, 2), (30, 3), (40, 4), (40, 4)):
        offer(saved, work, step, number)
    assert waiting(work) == [40]
    kept = work / "monitor" / "40"
    names = [f"model-0000{n}.safetensors" for n in range(3)]
    assert sorted(path.name for path in kept.iterdir()) == [*names, "model.safetensors.index.json"]
    assert all(path.samefile(saved / path.name) for path in kept.iterdir())


def test_a_state_that_cannot_be_kept_is_told_not_raised(wanted_every_second: Path) -> None:
    offer(wanted_every_second / "steps" / "gone", wanted_every_second, 60, 6)
    said = (wanted_every_second / "monitor" / "60" / "left_out").read_text(encoding="utf-8")
    assert said == "was not kept: No such file or directory"


def test_saved_adapters_are_looked_at_as_the_model_they_make(
    base: Path, corpus: Ref, store: Store, draft: Path
) -> None:
    """W + B A alpha / rank, as the training's own result has it."""
    work, options = draft / ".work", {"rank": 2, "alpha": 8.0, "targets": ("q_proj",)}
    Job("size", {}, {}, str(base), str(draft), os.getpid()).write(work)
    trainer = CausalLM.model_validate(
        {
            "sequence_length": 64,
            "rows_per_step": 4,
            "rows_per_device": 4,
            "max_steps": 3,
            "save_every": 2,
            "epochs": 2,
        }
        | {"lora": options, "precision": "fp32", "learning_rate": 1e-2}
    )
    path = store.path(corpus) / "qa" / "train-00000.parquet"
    data = TrainData((Shard(path, "0" * 64, str(corpus), "qa"),))
    trainer.train(base=base, data=data, out=draft, work=work, seed=0)
    assert waiting(work) == [2]
    found = whole(work / "monitor" / "2", base, work / "whole")
    before, after, end = (load_file(one / "model.safetensors") for one in (base, found, draft))
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if "q_proj" in name}
    adapters = load_file(work / "monitor" / "2" / "adapter_model.safetensors")
    for name in moved:
        a, b = (adapters[name.replace("weight", f"lora_{one}.default.weight")].double() for one in "AB")
        assert torch.allclose(after[name].double(), before[name].double() + 4 * b @ a, atol=1e-7)
        assert not torch.equal(after[name], end[name])
    assert (found / "tokenizer.json").is_file()
    plain = draft.parent / "plain"
    (plain / ".work").mkdir(parents=True)
    trainer.train(base=base, data=data, out=plain, work=plain / ".work", seed=0)
    for name in ("model.safetensors", "loss.jsonl"):  # as without anybody looking
        assert (plain / name).read_bytes() == (draft / name).read_bytes()


def test_finished_checkpoints_are_looked_at_alone(draft: Path, store: Store) -> None:
    base, recipe = draft.parent / "base", draft.parent / "recipe.yaml"
    monitor = {"plugin": "size", "options": {"seen": str(draft.parent / "seen")}}
    fields = {"name": "m", "version": "2026.11.21", "base": str(base), "monitor": monitor}
    recipe.write_text(json.dumps(fields), encoding="utf-8")
    words = [str(recipe), str(model(draft.parent / "done")), "--store", str(store.root)]
    done = CliRunner().invoke(alone, words)
    told = json.loads(done.output)
    assert told["scores"] == {"size": float((base / "model.safetensors").stat().st_size)}
    assert told["checkpoint"].startswith("local:done@")
    recipe.write_text(json.dumps(fields | {"monitor": None}), encoding="utf-8")
    assert "asks for no monitor" in CliRunner().invoke(alone, words).output


def test_nothing_is_kept_where_nothing_looks(draft: Path) -> None:
    offer(model(draft / ".work" / "steps" / "2"), draft / ".work", 2)
    assert waiting(draft / ".work") == []


def test_the_process_sees_the_device_that_was_asked_for_alone(
    draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def visible(device: str) -> str:
        monitor: Monitor = plugins.make(GROUP, "size", {"seen": "", "device": device})
        return environment(monitor)["CUDA_VISIBLE_DEVICES"]

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert (visible("cpu"), visible("cuda:3")) == ("", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-b1")
    assert (visible("cpu"), visible("cuda:1")) == ("", "GPU-b1")
    with pytest.raises(UserError, match="device: cuda:2; visible are 2 devices"):
        visible("cuda:2")
