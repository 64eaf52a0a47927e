"""Counts the arithmetic of a training step, and knows what cards can do at most.

Model FLOPs utilization as PaLM defines it (arXiv 2204.02311, appendix B) and llm-foundry counts it
(scripts/train/benchmarking/README.md): forward and backward pass, nothing that is computed again to save memory.
A weight that multiplies costs 6 operations a token; attention costs 12 x layers x heads x size of a head x length of the
document, the whole square as both count it, though half of it is masked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

BF16, FP32 = "bf16", "fp32"
#: Dense operations a second: (part of the device's name, bf16 on tensor cores, fp32), from the makers' data sheets. torch keeps
#: fp32 as fp32 unless told otherwise, so TF32 is not counted. A longer name stands before one that it holds.
PEAKS: tuple[tuple[str, float | None, float], ...] = (
    ("B200", 2250e12, 80e12),  # NVIDIA DGX B200 data sheet: half of 36 PFLOPS with sparsity, of 8
    ("H200", 989e12, 67e12),  # NVIDIA H200 data sheet (SXM; half of the figures with sparsity)
    ("H100 NVL", 835e12, 60e12),  # NVIDIA H100 data sheet
    ("H100 PCIe", 756e12, 51e12),
    ("H100", 989e12, 67e12),  # SXM
    ("A100", 312e12, 19.5e12),  # NVIDIA A100 data sheet
    ("A800", 312e12, 19.5e12),
    ("A10", 125e12, 31.2e12),  # NVIDIA A10 data sheet
    ("A40", 149.7e12, 37.4e12),
    ("RTX A6000", 154.8e12, 38.7e12),  # NVIDIA Ampere GA102 white paper
    ("L40S", 362e12, 91.6e12),  # NVIDIA L40S data sheet
    ("L40", 181e12, 90.5e12),
    ("L4", 121e12, 30.3e12),
    ("RTX 4090", 165.2e12, 82.6e12),  # NVIDIA Ada white paper, accumulating in fp32
    ("RTX 3090", 71e12, 35.6e12),  # NVIDIA Ampere GA102 white paper, accumulating in fp32
    ("V100", None, 15.7e12),  # has no bf16
    ("T4", None, 8.1e12),
    ("MI300X", 1307.4e12, 163.4e12),  # AMD data sheets
    ("MI250X", 383e12, 95.7e12),
)


@dataclass(frozen=True, slots=True)
class Work:
    """What one token costs in a model: ``used`` weights multiply it; ``attended`` is layers x heads x size of a head."""

    used: int
    attended: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Work":
        """Return the cost of the architecture in a ``config.json``; its class is made once, without weights."""
        from train.trainers.dry_run import parameters

        found = parameters(config)
        return cls(found.total - found.looked_up - found.idle, found.attended)

    def step(self, lengths: ArrayLike) -> float:
        """Return the operations of a step over documents, or pieces of them, of ``lengths`` tokens."""
        n = np.asarray(lengths, np.float64)
        return float(6 * self.used * n.sum() + 12 * self.attended * (n**2).sum())


def peak_flops(device: str, precision: str) -> float | None:
    """Return the operations a second that a device can do at most, by its name as torch tells it; None where it is not known.

    Of a CPU nothing is known: it depends on more than its name.
    """
    for name, bf16, fp32 in PEAKS:
        if f"{name} " in f"{device.replace('-', ' ')} ":
            return bf16 if precision == BF16 else fp32
    return None
