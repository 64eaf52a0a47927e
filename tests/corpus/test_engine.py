"""Facts about where jobs run: what they raise arrives, who stops waits for nothing, and nothing outlives its parent."""

import errno
import math
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from corpus.engine import Engine, Local
from datacards.errors import UserError


def refused(_: int) -> None:
    raise UserError("boj_speeches@2026.11.21", "does not verify", "every byte", "restore it")


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "train-00000.parquet")


def killed(_: int) -> None:
    os._exit(9)


def raised(engine: Engine, job: Callable[[int], None], kind: type[Exception]) -> Exception:
    with pytest.raises(kind) as caught:
        list(engine.map(job, [1, 2, 3]))
    return caught.value


def test_results_come_in_order_and_one_engine_serves_many_maps() -> None:
    with closing(Local(2)) as engine:
        for count in (0, 1, 50):
            assert list(engine.map(math.isqrt, range(count))) == [math.isqrt(n) for n in range(count)]


def test_what_a_job_raises_arrives_whole() -> None:
    with closing(Local(2)) as engine:
        assert str(raised(engine, refused, UserError)).startswith("boj_speeches@2026.11.21: does not verify")
        error = raised(engine, full, OSError)
        assert isinstance(error, OSError)
        assert (error.errno, error.filename) == (errno.ENOSPC, "train-00000.parquet")
        assert "a worker process was killed" in str(raised(engine, killed, UserError))
        assert list(engine.map(abs, [-1, -2])) == [1, 2]


def test_who_stops_before_the_last_result_waits_for_no_job() -> None:
    with closing(Local(2)) as engine:
        results = engine.map(time.sleep, [0.0, 100.0, 100.0, 100.0])
        next(results)
        started = time.monotonic()
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "program",
    [
        "from corpus.engine import Local; results = Local(2).map(time.sleep, [0.0, 100.0, 100.0])",
        """from corpus.sandbox import sandboxed
    results = sandboxed(time.sleep, [0.0, 100.0], workers=2, seconds=200, megabytes=500)""",
    ],
)
def test_no_worker_outlives_a_killed_parent(program: str, root: Path) -> None:
    lines = ["import time", "if __name__ == '__main__':"]
    lines += [
        f"    {one}" for one in (program, "next(results)", "print('running', flush=True)", "list(results)")
    ]
    words = [sys.executable, "-c", "\n".join(lines)]
    with subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"running\n"
        assert len(session(parent.pid)) > 1
        parent.kill()
    until = time.monotonic() + 20
    while session(parent.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert session(parent.pid) == []


def session(number: int) -> list[int]:
    """Return the living processes of a session (proc(5): the state and the session behind the name)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = path.read_text("utf-8").rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it ended meanwhile
        if int(session) == number and state != "Z":
            found.append(int(path.parent.name))
    return found


def test_a_cluster_that_does_not_answer_is_named_at_once(root: Path) -> None:
    pytest.importorskip("ray")
    words = [sys.executable, "-c", "from corpus.engine import Ray; Ray()"]
    done = subprocess.run(
        words, cwd=root, env=os.environ | {"RAY_ADDRESS": "127.0.0.9:9"}, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert "UserError: --engine: no Ray cluster answers at 127.0.0.9:9" in done.stderr


CALLER = """
import ray
from contextlib import closing
from corpus.engine import Ray
from datacards.errors import UserError
from tests.corpus.test_engine import full, killed, refused
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=80 << 20)
with closing(Ray()) as engine:
    for job in (refused, full, killed):
        try:
            list(engine.map(job, [1, 2, 3]))
        except (UserError, OSError) as error:
            print(type(error).__name__, error)
print("still there:", ray.is_initialized())
"""


@pytest.mark.slow
def test_a_cluster_of_the_caller_tells_what_jobs_raise_and_stays(root: Path) -> None:
    pytest.importorskip("ray")
    env = os.environ | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "PYTHONPATH": str(root),
    }
    words = [sys.executable, "-c", CALLER]
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, timeout=200, check=False)
    told = [line for line in done.stdout.splitlines() if line.startswith(("UserError", "OSError", "still"))]
    assert [line[:41] for line in told] == [
        "UserError boj_speeches@2026.11.21: does n",
        "OSError [Errno 28] No space left on devic",
        "UserError corpus: a worker of the Ray clu",
        "still there: True",
    ], done.stderr
