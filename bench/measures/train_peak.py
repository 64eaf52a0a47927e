"""One process that trains some steps with random weights and tells the most memory it took beyond the start.

``python -m bench.measures.train_peak FOLDER`` reads ``job.json`` in the folder: the config of a model, options of the trainer,
numbers of steps and of documents a row. The process that is alone, or of rank 0, prints one JSON object.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from train.data.packing import Batch
from train.trainers.causal_lm import CausalLM
from train.trainers.dry_run import native
from train.trainers.engine import Engine
from train.trainers.worker import _stay_on_gloo as stay_on_gloo


def main(folder: Path) -> None:
    """Make the model folder, warm the libraries up on a smaller one, train, and print peak and start in bytes."""
    stay_on_gloo()
    job = json.loads((folder / "job.json").read_bytes())
    options = CausalLM.model_validate(job["options"])
    small = {
        **job["config"],
        "num_hidden_layers": 1,
        "vocab_size": 256,
        "hidden_size": 64,
        "intermediate_size": 128,
    }
    if not torch.distributed.is_initialized() and "RANK" not in os.environ:
        _train(folder / "small", small, options.model_copy(update={"sequence_length": 32}), 1, 1)
    gc.collect()
    cuda = torch.cuda.is_available()
    start = torch.cuda.memory_allocated() if cuda else _resident("VmRSS")
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew here
    _train(folder / "model", job["config"], options, job["steps"], job["documents"])
    peak = torch.cuda.max_memory_allocated() if cuda else _resident("VmHWM")
    if os.environ.get("RANK", "0") == "0":
        print(
            json.dumps(
                {"start": start, "peak": peak, "device": torch.cuda.get_device_name() if cuda else "cpu"}
            )
        )
    sys.stdout.flush()
    os._exit(0)


def _train(folder: Path, config: dict[str, Any], options: CausalLM, steps: int, documents: int) -> None:
    engine = Engine(options, folder, folder / "work")
    chance = np.random.default_rng(engine.rank)
    shape = options.rows_per_device, options.sequence_length
    for step in range(steps):
        engine.begin(1e-5, seed=step)
        for _ in range(options.turns):
            words = chance.integers(0, config["vocab_size"], shape)
            places = np.broadcast_to(np.arange(shape[1]) % -(-shape[1] // documents), shape).copy()
            labels = np.roll(words, -1, 1)
            begins = np.flatnonzero(places.ravel() == 0)
            borders = np.append(begins, places.size).astype(np.int32)
            engine.turn(Batch(words, places, labels, borders), options.rows_per_step * shape[1])
        engine.finish()


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def write_model(folder: Path, config: dict[str, Any]) -> None:
    """Write a model folder with random weights."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(native(config), dtype=torch.float32).save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
