"""Launches this machine's processes through accelerate and notes which of them ended first, and how."""

import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

WORKER = "train.trainers.worker"


def main(work: Path, machine: str, parent: int, options: list[str]) -> int:
    """Run ``accelerate launch OPTIONS`` for the job in ``work`` to its end; return the exit status."""
    end_with(parent, signal.SIGTERM)  # on which the launcher ends its workers
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.agent.server import api as agent
    from torch.distributed.elastic.multiprocessing import api as workers
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    # It warns of every signal that ends a worker, though the one who asked for it tells what there is to tell.
    for module in (agent, workers):
        logging.getLogger(module.__name__).setLevel(logging.ERROR)
    arguments = [*options, "-m", WORKER, str(work), str(os.getpid())]
    try:
        launch_command(launch_command_parser().parse_args(arguments))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        note = {"rank": rank, "exitcode": failure.exitcode}
        (work / f"ended-{machine}.json").write_text(json.dumps(note), encoding="utf-8")
        return 1
    except workers.SignalException:  # as the one that started this one asked; the workers have ended by now
        return 1
    return 0


def end_with(parent: int, number: signal.Signals) -> None:
    """Send this process a signal when the one that started it is gone: nobody guards what it would write then."""

    def watch() -> None:
        while os.getppid() == parent:  # a dead process may keep its number for long, but has no children
            time.sleep(0.5)
        os.kill(os.getpid(), number)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
