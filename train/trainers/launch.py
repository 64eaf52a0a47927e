"""Runs a job in several processes that accelerate launches; the caller alone holds the draft."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from datacards.errors import UserError, from_os_error
from train.base import HERE, Trained
from train.trainers.causal_lm import CausalLM, DeepSpeed
from train.trainers.loop import Job
from train.trainers.machines import Led, Others, join, outline, same_base
from train.where import Where

AGENT = "train.trainers.agent"
LOOK = 0.2  # seconds between two looks at what was started


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


def leading(options: CausalLM, work: Path, where: Where) -> AbstractContextManager[Others | None]:
    """Return what lets other machines hear of this one while it prepares and trains; nothing on a single machine.

    Raises UserError where this machine cannot run its share of the processes.
    """
    _check_devices(options, where)
    return Led(work, where) if where.machines > 1 else nullcontext()


def launch(job: Job, where: Where = HERE, others: Others | None = None) -> Trained:
    """Run ``job`` in as many processes as its options say and return what the first of them reports.

    With ``others`` this is machine 0 and waits for them first. Raises UserError with the worker's own
    message where it gave one, and else with what became of the process that ended first.
    """
    work, result = job.work, job.work / "result.json"
    for path in (result, *work.glob("failure-*.json"), *work.glob("ended-*.json")):
        path.unlink(missing_ok=True)
    asked = {
        "trainer": job.trainer.model_dump(mode="json"),
        "processes": job.trainer.processes,
        "base": str(job.base),
        "outline": outline(job.base),
        "out": str(job.out),
        "seed": job.seed,
        "watched": asdict(job.watched),
    }
    (work / "job.json").write_text(json.dumps(asked, default=str), encoding="utf-8")
    if others:
        others.meet()
    start(job.trainer, work, where, others)
    if not result.is_file():
        raise UserError("train", "the processes ended without a result", todo="see their output above")
    return Trained(**json.loads(result.read_bytes()))


def follow(options: CausalLM, work: Path, where: Where, asked: Mapping[str, Any]) -> None:
    """On another machine than 0: wait for its job, run this machine's share of the processes, end with it."""
    _check_devices(options, where)

    def run(others: Others) -> None:
        job = json.loads((work / "job.json").read_bytes())
        same_base(Path(job["base"]), job["outline"])
        start(options.on(job["processes"]), work, where, others)

    join(work, where, asked, run)


def start(options: CausalLM, work: Path, where: Where, others: Others | None) -> None:
    """Run this machine's processes to their end, or to that of another machine; raise UserError as ``launch`` does."""
    if options.deepspeed:
        zero = deepspeed_config(options, options.deepspeed, cuda=_cuda())
        (work / "deepspeed.json").write_text(json.dumps(zero), encoding="utf-8")
    with subprocess.Popen(_command(options, work, where), env=_environment()) as process:
        try:
            failed = False
            while process.poll() is None:
                if others:
                    others.check()
                if not failed and any(work.glob("failure-*.json")):
                    failed = True
                    process.terminate()  # the processes of one that cannot go on
                time.sleep(LOOK)
        except BaseException:
            process.terminate()
            raise
    if failure := failed_by(work):
        raise failure
    if process.returncode:
        note = work / f"ended-{where.rank}.json"
        code = int(_read(note).get("exitcode") or process.returncode or 0)
        error = died(note, process.returncode)
        # A process that broke off by itself may have lost one on another machine; one that was killed is the cause.
        raise others.cause(error) if others and code >= 0 else error


def failed_by(work: Path) -> UserError | None:
    """Return what the processes said could not be done, None where they said nothing.

    A note is empty where the disk had no room for it.
    """
    notes = [_read(path) for path in sorted(work.glob("failure-*.json"))]
    for note in filter(None, notes):
        return UserError(**note)
    return from_os_error(OSError(errno.ENOSPC, "no room for a note"), "train") if notes else None


def _read(note: Path) -> dict[str, Any]:
    """Return what a note says; nothing for one that is not there or not whole."""
    try:
        found: dict[str, Any] = json.loads(note.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def died(note: Path, status: int) -> UserError:
    """Return what to tell when processes ended early: which one did so first, and of what."""
    told = _read(note)
    code = int(told.get("exitcode", 0))
    if code >= 0:
        which = f"process {told['rank']}" if told else "a process"
        return UserError("train", f"{which} ended with status {code or status}", todo="see its output above")
    name = signal.Signals(-code).name
    memory = "perhaps the machine ran out of memory: see its log, and: train plan RECIPE; then "
    return UserError(
        "train",
        f"process {told['rank']} was ended by {name}, and the others with it",
        todo=f"{memory if name == 'SIGKILL' else ''}run the same command again: it goes on from the last saved step",
    )


def report(job: Job, trained: Trained) -> None:
    """Leave what the first process has to say where ``launch`` looks for it."""
    (job.work / "result.json").write_text(json.dumps(asdict(trained)), encoding="utf-8")


def _command(options: CausalLM, work: Path, where: Where) -> list[str]:
    """Return the command that launches this machine's processes; a user's own accelerate configuration has no say."""
    host, port = where.address if where.machines > 1 else ("127.0.0.1", 0)
    settings: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "DEEPSPEED" if options.deepspeed else "MULTI_GPU",
        "num_machines": where.machines,
        "num_processes": options.processes,
        "main_process_ip": host,
        "main_process_port": port,
        "same_network": True,
        "machine_rank": 0,
        "mixed_precision": "bf16" if options.precision == "bf16" else "no",
        "use_cpu": False,
        "debug": False,
    }
    if options.deepspeed:
        settings["deepspeed_config"] = {
            "deepspeed_config_file": str(work / "deepspeed.json"),
            "deepspeed_multinode_launcher": "standard",  # every machine launches its own, none reaches for another
        }
        del settings["mixed_precision"]  # DeepSpeed's file says it
    # JSON is YAML; each machine has a file of its own, as both write at once.
    (work / f"accelerate-{where.rank}.yaml").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return [
        sys.executable, "-m", AGENT, str(work), str(where.rank), str(os.getpid()),
        "--config_file", str(work / f"accelerate-{where.rank}.yaml"), "--machine_rank", str(where.rank),
        "--main_process_port", str(port), "--log_dir", str(work / "logs"),
    ]  # fmt: skip


def _check_devices(options: CausalLM, where: Where) -> None:
    import torch

    here = options.processes // where.machines
    if _cuda() and here > torch.cuda.device_count():
        raise UserError(
            "train",
            f"{here} processes on this machine",
            f"it has {torch.cuda.device_count()} GPUs, one for each process",
            "say --processes N",
        )


def _cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def _environment() -> dict[str, str]:
    # Workers import this project from wherever the caller did, installed or not.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    environment.setdefault("OMP_NUM_THREADS", "1")
    environment.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # of the libraries about each other
    if not _cuda():
        environment["DS_ACCELERATOR"] = "cpu"
    return environment
