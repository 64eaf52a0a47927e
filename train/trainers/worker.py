"""One of several processes that train together: ``python -m train.trainers.worker WORK PARENT``."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from datacards.errors import UserError, from_os_error
from train.base import Watched
from train.trainers.agent import end_with


def main(work: Path, parent: int) -> int:
    """Run the job that lies in ``work`` for as long as the process ``parent`` lives; return the exit status."""
    end_with(parent, signal.SIGKILL)
    asked = json.loads((work / "job.json").read_bytes())
    _stay_on_gloo()
    from train.trainers.causal_lm import CausalLM
    from train.trainers.launch import report
    from train.trainers.loop import Job, run

    job = Job(
        trainer=CausalLM.model_validate(asked["trainer"]).on(asked["processes"]),
        base=Path(asked["base"]),
        out=Path(asked["out"]),
        work=work,
        seed=asked["seed"],
        watched=_watched(asked["watched"]),
    )
    try:
        trained = run(job)
    except UserError as error:
        # Every process meets the same mistake; ending well spares the user the launcher's own tracebacks.
        _tell(work, error)
        return 0
    except OSError as error:
        # One process alone meets a full disk. The others wait for it, and would tell of nothing but its end.
        _tell(work, from_os_error(error, "train"))
        time.sleep(60)  # the launcher ends all of them when it finds the note
        return 1
    if os.environ.get("RANK", "0") == "0":
        report(job, trained)
    return 0


def _tell(work: Path, error: UserError) -> None:
    told = {
        "where": error.where,
        "received": error.received,
        "allowed": error.allowed,
        "todo": error.todo,
    }
    with suppress(OSError):  # on a full disk the note stays empty, which tells enough
        (work / f"failure-{os.environ.get('RANK', '0')}.json").write_text(json.dumps(told), encoding="utf-8")


def _watched(said: dict[str, Any]) -> Watched:
    tracking = Path(said["tracking"]) if said["tracking"] else None
    return Watched(said["limit"], said["every"], tuple(said["skipped"]), tracking)


def _stay_on_gloo() -> None:
    """Keep DeepSpeed from compiling a shared-memory operator on CPUs, which takes minutes and gains nothing."""
    if os.environ.get("DS_ACCELERATOR") == "cpu":
        import deepspeed.ops

        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


def _leave(status: int) -> NoReturn:
    """End at once: all is written by now, and threads of native libraries can abort a slow goodbye (SIGABRT)."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _leave(main(Path(sys.argv[1]), int(sys.argv[2])))
