"""Launches this machine's processes through accelerate and notes which of them ended first, and how."""

import json
import sys
from pathlib import Path

WORKER = "train.trainers.worker"


def main(work: Path, machine: str, parent: str, options: list[str]) -> int:
    """Run ``accelerate launch OPTIONS`` for the job in ``work`` to its end; return the exit status."""
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    arguments = [*options, "-m", WORKER, str(work), parent]
    try:
        launch_command(launch_command_parser().parse_args(arguments))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        note = {"rank": rank, "exitcode": failure.exitcode}
        (work / f"ended-{machine}.json").write_text(json.dumps(note), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]))
