"""What vLLM needs on a CPU, for trials and tests with small models."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

# float32, since bf16 kernels ask for processor permissions that not every machine gives; no compilation, a small cache.
FLAGS = (
    "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "32", "--gpu-memory-utilization", "0.1",
)  # fmt: skip
ENGINE: dict[str, Any] = {
    "dtype": "float32", "enforce_eager": True, "max_num_seqs": 32, "gpu_memory_utilization": 0.1,
}  # fmt: skip
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1", "TORCH_COMPILE_DISABLE": "1", "DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
}  # fmt: skip


def installed(package: str) -> bool:
    """Whether a distribution of this name is installed."""
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def on_cpu() -> bool:
    """Whether the vLLM that is installed is the build for CPUs."""
    return installed("vllm-cpu")
