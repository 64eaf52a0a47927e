"""What the loss costs over a large vocabulary: by chunks of tokens, with and without their gradient at once, and as torch has it."""

import json
import os
import subprocess
import sys
from typing import Any

from rich.table import Table

VOCABULARY, TOKENS, WIDTH = 152_000, 2_048, 256
WAYS = {
    "chunks, gradients at once": (512, False),  # how the trainer does it
    "chunks, scores twice": (512, True),  # and under ZeRO-3
    "torch, all at once": (TOKENS, True),
}

# The peak counts from where the model and its gradients are there: what the loss itself adds.
_MEASURE = """
import json, sys, time
from pathlib import Path
from types import SimpleNamespace
import torch
from torch import nn
from train.trainers.loss import NextToken

vocabulary, tokens, width, chunk, split = map(int, sys.argv[1:])
torch.manual_seed(0)
plain = NextToken(nn.Module(), chunk, split=bool(split), kept=0)
plain.model.config = SimpleNamespace(vocab_size=vocabulary)
plain.model.get_output_embeddings = lambda head=nn.Linear(width, vocabulary, bias=False): head
head = plain.model.get_output_embeddings()
head.weight.grad = torch.zeros_like(head.weight)
hidden = torch.randn(tokens, width, requires_grad=True)
wanted = torch.randint(0, vocabulary, (tokens,))
def peak(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
Path("/proc/self/clear_refs").write_text("5")
before, wall, cpu = peak("VmRSS"), time.perf_counter(), time.process_time()
loss = plain._losses(hidden, wanted).sum()
loss.backward()
found = {"added_mib": peak("VmHWM") - before, "seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
print(json.dumps({**found, "loss": loss.item() / tokens}))
"""


def measure(threads: int) -> tuple[Table, dict[str, Any]]:
    """Return the table and the figures by the way of computing."""
    shown = Table("way", "added MiB", "seconds", "CPU s", "nats/token", box=None, header_style="bold")
    told = {}
    for name, (chunk, split) in WAYS.items():
        words = [sys.executable, "-c", _MEASURE, *map(str, (VOCABULARY, TOKENS, WIDTH, chunk, int(split)))]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        run = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, env=environment).stdout)
        figures = (f"{run['seconds']:.2f}", f"{run['cpu']:.2f}", f"{run['loss']:.6f}")
        shown.add_row(name, f"{run['added_mib']:,.0f}", *figures)
        told[name] = {key: round(value, 3) for key, value in run.items()}
    return shown, {"vocabulary": VOCABULARY, "tokens": TOKENS, "width": WIDTH, "loss": told}
