"""How far apart two small models are: in their weights, in the bits of these, and in what they say comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy, kl_div, log_softmax
from transformers import AutoModelForCausalLM

WEIGHTS = "model.safetensors"
Rows = Mapping[str, torch.Tensor]  # by kind of text: (rows, width) tokens


class Said(NamedTuple):
    """What a model says of one kind of text: nats per token, and how far from a reference (KL divergence, nats)."""

    loss: float
    kl: float


@dataclass(frozen=True)
class Bits:
    """Which share of the stored weights differ, and the largest difference in root mean squares of what was added."""

    differ: float
    largest: float


def scores(folder: Path, rows: torch.Tensor) -> torch.Tensor:
    """Return the log-probabilities of every next token of ``rows``: (rows, width - 1, vocabulary)."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    model.eval()
    with torch.no_grad():
        found = [log_softmax(model(input_ids=some[:, :-1]).logits, -1) for some in torch.split(rows, 8)]
    return torch.cat(found)


def said(folder: Path, rows: Rows, reference: Mapping[str, torch.Tensor]) -> dict[str, Said]:
    """Return what the model in ``folder`` says of each kind of text, beside the ``scores`` of a reference."""
    found = {}
    for kind, some in rows.items():
        mine = scores(folder, some).flatten(0, 1)
        kl = kl_div(mine, reference[kind].flatten(0, 1), reduction="batchmean", log_target=True)
        found[kind] = Said(
            float(cross_entropy(mine, some[:, 1:].flatten())), max(0.0, float(kl))
        )  # sums round
    return found


def distance(one: Path, other: Path, base: Path) -> float:
    """Return the distance of two models as a share of that between ``other`` and the base it began from."""
    first, second, start = (load_file(folder / WEIGHTS) for folder in (one, other, base))
    apart = sum(float((first[name].double() - second[name].double()).square().sum()) for name in second)
    moved = sum(float((second[name].double() - start[name].double()).square().sum()) for name in second)
    return float(np.sqrt(apart / moved))


def bits(one: Path, other: Path, base: Path) -> Bits:
    """Return which weights of two models are not the same to the bit."""
    first, second, start = (load_file(folder / WEIGHTS) for folder in (one, other, base))
    n = sum(value.numel() for value in second.values())
    differ = sum(int((first[name] != second[name]).sum()) for name in second)
    largest = max(float((first[name].double() - second[name].double()).abs().max()) for name in second)
    moved = sum(float((second[name].double() - start[name].double()).square().sum()) for name in second)
    return Bits(differ / n, largest / np.sqrt(moved / n))


def windows(words: Any, texts: Sequence[str], width: int, most: int) -> torch.Tensor:
    """Return at most ``most`` rows of ``width`` tokens of texts in a row, each text followed by its end."""
    encoded = words(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    flat = torch.tensor([token for row in encoded for token in (*row, words.eos_token_id)])
    n = min(most, len(flat) // width)
    return flat[: n * width].reshape(n, width)
