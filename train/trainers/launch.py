"""Runs a job in several processes that accelerate launches; the caller alone holds the draft."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from datacards.errors import UserError
from train.base import Trained
from train.trainers.causal_lm import CausalLM, DeepSpeed
from train.trainers.loop import Job

WORKER = "train.trainers.worker"


def deepspeed_config(options: CausalLM, zero: DeepSpeed, *, cuda: bool) -> dict[str, Any]:
    """Return DeepSpeed's JSON for these options; see https://www.deepspeed.ai/docs/config-json."""
    return {
        "train_batch_size": options.rows_per_step,
        "train_micro_batch_size_per_gpu": options.rows_per_device,
        "gradient_accumulation_steps": options.turns,
        "gradient_clipping": options.max_grad_norm or 0.0,
        "bf16": {"enabled": options.precision == "bf16"},
        "zero_optimization": {
            "stage": zero.zero_stage,
            "overlap_comm": cuda,  # streams are a matter of GPUs
            "stage3_gather_16bit_weights_on_model_save": True,
        },
        # AdamW is torch's own: DeepSpeed's would have to be compiled first, and differs in the last bits.
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
    }


def launch(job: Job, zero: DeepSpeed) -> Trained:
    """Run ``job`` in as many processes as its options say and return what the first of them reports.

    Raises UserError with the worker's own message where it gave one.
    """
    work = job.work
    result = work / "result.json"
    for path in (result, *work.glob("failure-*.json")):
        path.unlink(missing_ok=True)
    asked = {
        "trainer": job.trainer.model_dump(mode="json"),
        "base": str(job.base),
        "out": str(job.out),
        "seed": job.seed,
        "parent": os.getpid(),
    }
    (work / "job.json").write_text(json.dumps(asked), encoding="utf-8")
    (work / "deepspeed.json").write_text(json.dumps(_config(job.trainer, zero)), encoding="utf-8")
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--use_deepspeed",
        "--deepspeed_config_file", str(work / "deepspeed.json"), "--num_machines", "1",
        "--num_processes", str(job.trainer.processes), "--main_process_port", "0", "--dynamo_backend", "no",
        "--mixed_precision", "bf16" if job.trainer.precision == "bf16" else "no",
        "--log_dir", str(work / "logs"),
        "-m", WORKER, str(work),
    ]  # fmt: skip
    with subprocess.Popen(command, env=_environment()) as process:
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            raise
    for failure in sorted(work.glob("failure-*.json")):
        raise UserError(**json.loads(failure.read_bytes()))
    if status or not result.is_file():
        raise UserError("train", f"the processes ended with status {status}", todo="see their output above")
    return Trained(**json.loads(result.read_bytes()))


def report(job: Job, trained: Trained) -> None:
    """Leave what the first process has to say where ``launch`` looks for it."""
    (job.work / "result.json").write_text(json.dumps(asdict(trained)), encoding="utf-8")


def _config(options: CausalLM, zero: DeepSpeed) -> dict[str, Any]:
    import torch

    return deepspeed_config(options, zero, cuda=torch.cuda.is_available())


def _environment() -> dict[str, str]:
    import torch

    # Workers import this project from wherever the caller did, installed or not.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    environment.setdefault("OMP_NUM_THREADS", "1")
    environment.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # of the libraries about each other
    if not torch.cuda.is_available():
        environment["DS_ACCELERATOR"] = "cpu"
    return environment
