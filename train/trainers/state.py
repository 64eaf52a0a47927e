"""Saves a run between two steps and finds it again: a model folder, and what each process's optimizer holds."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors import safe_open
from safetensors.torch import save_file

FOLDER = "steps"
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class Trains(Protocol):
    """What saving needs of an engine."""

    optimizer: torch.optim.AdamW
    rank: int
    is_first: bool

    def wait(self) -> None:
        """Return when every process has come here."""

    def owned(self) -> list[torch.Tensor]:
        """Return the tensors the optimizer steps on."""

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights as they compute."""

    def save_model(self, folder: Path, state: dict[str, torch.Tensor]) -> None:
        """Write a model folder."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A run as it was after ``step`` steps; ``weights`` is a model folder."""

    step: int
    weights: Path

    def restore(self, optimizer: torch.optim.AdamW, owned: list[torch.Tensor], rank: int) -> None:
        """Put what this process's optimizer held back into it: float32 weights, both moments, step counts."""
        with safe_open(self.weights / _file(rank), "pt") as file, torch.no_grad():
            for i, parameter in enumerate(owned):
                parameter.copy_(file.get_tensor(f"{i}.weight").view_as(parameter))
                state = {name: file.get_tensor(f"{i}.{name}") for name in MOMENTS}
                for name in ("exp_avg", "exp_avg_sq"):
                    state[name] = state[name].view_as(parameter).to(parameter.device)
                if optimizer.defaults["fused"]:
                    state["step"] = state["step"].to(parameter.device)
                optimizer.state[parameter] = state


def latest(work: Path) -> Saved | None:
    """Return the newest whole state in ``work``, None where there is none."""
    found = [int(path.name) for path in (work / FOLDER).glob("[0-9]*") if (path / "whole.json").is_file()]
    return Saved(max(found), work / FOLDER / str(max(found))) if found else None


def save(engine: Trains, work: Path, step: int) -> None:
    """Write the state after ``step`` steps; it counts only when all of it is on the disk.

    Nothing is pickled: weights, float32 weights and moments are safetensors. The state before is removed only
    after this one is whole.
    """
    final = work / FOLDER / str(step)
    draft = work / FOLDER / f".{step}"
    if engine.is_first:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
    engine.wait()
    engine.save_model(draft, engine.weights())
    held = {}
    for i, parameter in enumerate(engine.owned()):
        state = engine.optimizer.state[parameter]
        held[f"{i}.weight"] = parameter.detach().cpu().contiguous()
        held |= {f"{i}.{name}": torch.as_tensor(state[name]).detach().cpu().contiguous() for name in MOMENTS}
    save_file(held, draft / _file(engine.rank))
    engine.wait()
    if engine.is_first:
        (draft / "whole.json").write_text(json.dumps({"step": step}), encoding="utf-8")
        for path in [*draft.iterdir(), draft]:
            _sync(path)
        draft.rename(final)
        _sync(final.parent)
        for old in (work / FOLDER).iterdir():
            if old != final:
                shutil.rmtree(old)
    engine.wait()


def _file(rank: int) -> str:
    return f"optimizer-{rank:05d}.safetensors"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
