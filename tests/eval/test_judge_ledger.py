"""The file of judgments outlives kills, is written by one process, never changed, and told when it is broken."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from datacards.errors import UserError
from eval.judge.ledger import opened
from tests.eval.judging import asked, asks, endpoint, judged, served

CHILD = """
import json, sys
from pathlib import Path
from eval.judge.endpoint import Endpoint
from eval.judge.run import judge
from tests.eval.judging import asks
judge(asks(int(sys.argv[3])), Endpoint.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
"""


def child(options: str, cache: Path, count: int) -> "subprocess.Popen[bytes]":
    """Judge in a process that may be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, options, str(cache), str(count)],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def test_a_run_that_is_killed_twice_loses_no_judgment_and_pays_none_twice(tmp_path: Path) -> None:
    """Asked twice is only what was under way when a process was killed."""
    cache, count, width, kills = tmp_path / "judgments.db", 60, 4, 2
    with served(latency=0.02) as server:
        options = endpoint(server, concurrency=width).model_dump_json()
        answered = 0
        for _ in range(kills):
            seen = len(server.bodies)
            with child(options, cache, count) as process:
                while process.poll() is None and len(server.bodies) < seen + 15:
                    time.sleep(0.002)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            base = sqlite3.connect(cache)
            kept, orphans = base.execute(
                "SELECT count(came.id), count(*) - count(came.id) FROM sent LEFT JOIN came USING (id)"
            ).fetchone()
            base.close()
            assert kept > answered  # each process got further
            assert orphans <= width * kills
            answered = kept
        found = judged(server, tmp_path, asks(count), concurrency=width)
        again = judged(server, tmp_path, asks(count))
        sent = Counter(asked(server))
    assert [one.score for one in found] == [7.0] * count
    assert all(one.cached for one in again)
    assert len(sent) == count
    assert count <= sum(sent.values()) <= count + width * kills
    assert sum(one.calls for one in again) >= sum(
        sent.values()
    )  # what was under way is remembered, and counts


def test_calls_under_way_at_a_kill_count_towards_the_caps(tmp_path: Path) -> None:
    with served(latency=30.0) as server:
        options = endpoint(server, concurrency=3).model_dump_json()
        with child(options, tmp_path / "judgments.db", 3) as process:
            while len(server.bodies) < 3:
                time.sleep(0.01)
            process.kill()
            process.communicate()
    with served() as server, pytest.raises(UserError, match="max_calls: 5 requests were sent"):
        judged(server, tmp_path, asks(3), max_calls=5, concurrency=1)
    assert len(server.bodies) == 2


def test_another_run_on_the_same_file_is_told_to_wait(tmp_path: Path) -> None:
    with served() as server:
        with (
            opened(tmp_path / "judgments.db"),
            pytest.raises(UserError, match="another run keeps its judgments there"),
        ):
            judged(server, tmp_path, asks(1))
        assert not server.bodies
        assert judged(server, tmp_path, asks(1))[0].score == 7.0


def test_no_row_of_the_file_can_be_changed(tmp_path: Path) -> None:
    with served() as server:
        judged(server, tmp_path, asks(2))
    base = sqlite3.connect(tmp_path / "judgments.db")
    for words in (
        "UPDATE came SET text = ''",
        "DELETE FROM came",
        "UPDATE sent SET key = ''",
        "DELETE FROM sent",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            base.execute(words)
    assert base.execute("SELECT count(*) FROM came").fetchone() == (2,)
    base.close()


def test_a_file_that_is_none_or_broken_or_newer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "judgments.db"
    path.write_bytes(b"no database at all, but long enough to be read as the head of one" * 40)
    with served() as server:
        with pytest.raises(
            UserError, match=r"judgments.db: the judgments in it cannot be used: .*; bring it back"
        ):
            judged(server, tmp_path, asks(1))
        path.unlink()
        base = sqlite3.connect(path)
        base.execute("PRAGMA user_version = 9")
        base.close()
        with pytest.raises(UserError, match=r"written by another release \(version 9\)"):
            judged(server, tmp_path, asks(1))
        path.unlink()
        judged(server, tmp_path, asks(200))
        whole = path.read_bytes()
        path.write_bytes(whole[:8192] + os.urandom(len(whole) - 8192))
        with pytest.raises(UserError, match="cannot be used"):
            judged(server, tmp_path, asks(200))
        assert len(server.bodies) == 200


def test_the_file_tells_no_text_of_a_question_or_an_answer(tmp_path: Path) -> None:
    """Questions and answers of others may not be passed on; keys and judgments suffice."""
    with served() as server:
        judged(server, tmp_path, asks(2))
    base = sqlite3.connect(tmp_path / "judgments.db")
    rows = json.dumps(base.execute("SELECT * FROM sent JOIN came USING (id)").fetchall(), ensure_ascii=False)
    base.close()
    assert "根拠が明快です" in rows
    assert "政策金利" not in rows
