"""Tokens a second, utilization and memory of models in the shape of 1B and 7B on one CUDA device.

With the savings: documents apart by ``auto``'s attention, ``auto``'s loss, activations computed again in the backward pass.
Without them: the masked square, the loss over all tokens at once, all activations kept. Weights are random and in bfloat16,
so that 7B fits one card; forward and backward pass count, the optimizer's step does not. Not run without such a device.
"""

import statistics
import time
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table
from transformers import LlamaConfig, LlamaForCausalLM

from bench.throughput.data import LONGEST, MEAN, SPREAD
from train.data.packing import IGNORE
from train.trainers.attention import attention
from train.trainers.loss import NextToken, loss_kernel, settle

SHAPES = {
    "1B": (2048, 8192, 16, 32, 8),
    "7B": (4096, 14336, 32, 32, 8),
}  # width, inner, layers, heads, of keys
VOCABULARY, ROWS, LENGTH, STEPS = 32_000, 6, LONGEST, 5
# Dense bfloat16 operations a second by the makers' data sheets.
PEAKS = {"A100": 312e12, "H100": 989e12, "H200": 989e12}


def measure() -> tuple[Table, dict[str, Any]]:
    """Return the table and its figures; raises ClickException without a CUDA device."""
    if not torch.cuda.is_available():
        raise click.ClickException("--gpu needs a CUDA device")
    card = torch.cuda.get_device_name()
    peak = next((value for name, value in PEAKS.items() if name in card), None)
    shown = Table("model", "savings", "tokens/s", "MFU", "peak GiB", "kernels", box=None, header_style="bold")
    told: dict[str, Any] = {}
    for shape in SHAPES:
        for saving in (True, False):
            name = f"{shape}, {'with' if saving else 'without'}"
            try:
                run = _run(shape, saving=saving)
            except torch.OutOfMemoryError:
                run = {"kernels": "does not fit"}
            torch.cuda.empty_cache()
            used = run["flops"] / peak if peak and "flops" in run else None
            told[name] = {**run, "mfu": used}
            figures = (f"{run.get('tokens_per_second', 0):,.0f}", f"{used:.1%}" if used else "-")
            shown.add_row(*name.split(", "), *figures, f"{run.get('peak_gib', 0):.1f}", run["kernels"])
    return shown, {"device": card, "rows": ROWS, "length": LENGTH, "runs": told}


def _run(shape: str, *, saving: bool) -> dict[str, Any]:
    width, inner, layers, heads, keys = SHAPES[shape]
    kernel = attention("auto" if saving else "sdpa", "bf16", cuda=True)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=keys, max_position_embeddings=LENGTH,
        attn_implementation=kernel, dtype="bfloat16",
    )  # fmt: skip
    device = torch.device("cuda")
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with device:
        model = LlamaForCausalLM(config).train()
    torch.set_default_dtype(torch.float32)
    if saving:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    loss = loss_kernel("auto" if saving else "chunked", cuda=True)
    plain = NextToken(model, 2048 if saving else ROWS * LENGTH, loss)
    kernel = settle(plain, plain, "auto" if saving else "sdpa", "bf16", device)
    borders = _borders(np.random.default_rng(0))
    batch = _batch(borders, device)
    torch.cuda.reset_peak_memory_stats()
    seconds = [_step(plain, batch) for _ in range(STEPS + 2)][2:]
    weights = (
        sum(parameter.numel() for parameter in model.parameters()) - VOCABULARY * width
    )  # looked up only
    lengths = np.diff(borders).astype(np.float64)
    # 6 operations a weight and token, and attention within documents (arXiv 2204.02311, appendix B).
    work = 6 * weights * lengths.sum() + 12 * layers * width * (lengths**2).sum()
    each = statistics.median(seconds)
    return {
        "tokens_per_second": round(lengths.sum() / each), "flops": work / each,
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2), "kernels": f"{kernel}, {loss}",
    }  # fmt: skip


def _borders(random: np.random.Generator) -> NDArray[np.int64]:
    """Return where documents begin in rows that are full, of such lengths as the corpora have."""
    lengths = np.exp(random.normal(np.log(MEAN) - SPREAD**2 / 2, SPREAD, ROWS * LENGTH)).astype(int)
    begins = np.cumsum(np.clip(lengths, 2, LENGTH))
    rows = np.arange(ROWS + 1) * LENGTH
    return np.unique(np.concatenate((rows, begins[begins < ROWS * LENGTH])))


def _batch(borders: NDArray[np.int64], device: torch.device) -> tuple[torch.Tensor, ...]:
    ids = torch.randint(0, VOCABULARY, (ROWS, LENGTH), device=device)
    positions = np.arange(ROWS * LENGTH) - np.repeat(borders[:-1], np.diff(borders))
    labels = ids.flatten().roll(-1)
    labels[torch.from_numpy(borders[1:] - 1).to(device)] = IGNORE
    given = torch.from_numpy(positions.reshape(ROWS, LENGTH)).to(device)
    return ids, given, labels.view(ROWS, LENGTH), torch.from_numpy(borders.astype(np.int32)).to(device)


def _step(plain: NextToken, batch: tuple[torch.Tensor, ...]) -> float:
    torch.cuda.synchronize()
    begun = time.perf_counter()
    plain.zero_grad(set_to_none=True)
    torch.autograd.backward(plain(*batch).sum() / batch[0].numel())
    torch.cuda.synchronize()
    return time.perf_counter() - begun
