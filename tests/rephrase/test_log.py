"""The generation log: what was answered once stays answered, whatever ends the process."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacards.errors import UserError
from rephrase.log import Log
from rephrase.requests import Reply


def key(number: int) -> str:
    """Return the key of a request."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def reply(number: int) -> Reply:
    """Return its reply, with characters that end lines elsewhere."""
    return Reply(f"答え\u2028{number}\x85\n二行目", "stop", 10, number, {"A": -0.5})


def test_replies_are_read_back_whole_over_frames_and_segments(tmp_path: Path) -> None:
    log = Log(tmp_path, frame=7, segment=20)
    for number in range(100):
        log.add(key(number), reply(number))
    log.close()
    again = Log(tmp_path, frame=7, segment=20)
    assert len(again) == 100
    assert [again.get(key(number)) for number in range(100)] == [reply(number) for number in range(100)]
    assert again.get(key(100)) is None
    assert key(3) in again
    assert key(100) not in again
    assert set(again) == {key(number)[:32] for number in range(100)}
    again.close()


def test_a_reply_is_kept_once(tmp_path: Path) -> None:
    log = Log(tmp_path, frame=2)
    for text in ("一", "二"):
        for number in range(5):
            log.add(key(number), Reply(text, "stop"))
    log.close()
    again = Log(tmp_path)
    assert len(again) == 5
    assert again.get(key(4)) == Reply("一", "stop")
    again.close()


@pytest.mark.parametrize("reason", ["refused", "abort", "error"])
def test_what_was_not_answered_is_not_kept(tmp_path: Path, reason: str) -> None:
    """Nor is it taken over from a version, which tells of it."""
    table = pa.Table.from_pylist([{"key": key(1), **Reply("zu lang", reason)._asdict(), "logprobs": ""}])
    pq.write_table(table, tmp_path / "train-00000.parquet")
    log = Log(tmp_path / "replies")
    log.add(key(0), Reply("zu lang", reason))
    assert log.take_over([tmp_path / "train-00000.parquet"]) == 0
    assert len(log) == 0
    log.close()


@pytest.mark.parametrize("cut", [1, 3, 25, 60])
def test_a_torn_tail_costs_its_frame_and_nothing_else(tmp_path: Path, cut: int) -> None:
    log = Log(tmp_path, frame=4)
    for number in range(12):
        log.add(key(number), reply(number))
    log.close()
    path = tmp_path / "000000.log"
    os.truncate(path, path.stat().st_size - cut)
    again = Log(tmp_path, frame=4)
    assert len(again) == 8
    for number in range(8, 12):
        again.add(key(number), reply(number))
    again.close()
    last = Log(tmp_path, frame=4)
    assert [last.get(key(number)) for number in range(12)] == [reply(number) for number in range(12)]
    last.close()


def test_damage_before_whole_frames_is_no_torn_tail(tmp_path: Path) -> None:
    log = Log(tmp_path, frame=4)
    for number in range(12):
        log.add(key(number), reply(number))
    log.close()
    path = tmp_path / "000000.log"
    whole = bytearray(path.read_bytes())
    whole[30] ^= 1
    path.write_bytes(whole)
    with pytest.raises(UserError, match=r"000000\.log is damaged at byte 0"):
        Log(tmp_path)
    assert path.read_bytes() == whole


def full_log(folder: Path) -> None:
    """Write three full segments and the beginning of a fourth."""
    log = Log(folder, frame=5, segment=10)
    for number in range(33):
        log.add(key(number), reply(number))
    log.close()


def test_a_segment_that_was_moved_away_costs_what_it_held(tmp_path: Path) -> None:
    full_log(tmp_path)
    (tmp_path / "000001.log").rename(tmp_path / "aside")
    (tmp_path / "000001.npy").unlink()
    again = Log(tmp_path, frame=5, segment=10)
    known = {number for number in range(33) if again.get(key(number)) == reply(number)}
    assert known == {*range(10), *range(20, 33)}
    for number in range(10, 60):
        again.add(key(number), reply(number))
    again.close()
    last = Log(tmp_path, frame=5, segment=10)
    assert [last.get(key(number)) for number in range(60)] == [reply(number) for number in range(60)]
    last.close()


@pytest.mark.parametrize("left", [0, 5, 100, 200])
def test_keys_that_were_cut_off_are_sorted_again(tmp_path: Path, left: int) -> None:
    full_log(tmp_path)
    os.truncate(tmp_path / "000001.npy", left)
    again = Log(tmp_path, frame=5, segment=10)
    assert [again.get(key(number)) for number in range(33)] == [reply(number) for number in range(33)]
    again.close()


def test_a_full_disk_leaves_a_log_that_opens_and_goes_on(tmp_path: Path) -> None:
    """The child may write files of 10,000 bytes at most, as on a full disk; then it may write again."""
    code = """
        import resource, sys, hashlib
        from pathlib import Path
        from rephrase.log import Log
        from rephrase.requests import Reply
        log = Log(Path(sys.argv[1]), frame=16)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        failed = number = 0
        while failed < 2:
            key = hashlib.sha256(str(number).encode()).hexdigest()
            try:
                log.add(key, Reply(key * 2, "stop"))
            except OSError:
                failed += 1
            number += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        log.close()
        print(number)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    log = Log(tmp_path)
    assert int(done.stdout) > 32
    assert all(log.get(key(number)) == Reply(key(number) * 2, "stop") for number in range(int(done.stdout)))
    assert len(log) == len(list(log)) == int(done.stdout)
    log.close()


def test_a_look_does_not_read_a_whole_segment(tmp_path: Path) -> None:
    """A hundred segments are nothing to a look: here two of 60,000 keys may take 30 microseconds; copies of them take 60."""
    log = Log(tmp_path, segment=60_000)
    for number in range(2 * 60_160):
        log.add(f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 2, Reply("", "stop"))
    log.close()
    log = Log(tmp_path)
    begun = time.process_time()
    found = [log.get("f0" * 16) for _ in range(1000)]
    assert found == [None] * 1000
    assert (time.process_time() - begun) / 1000 < 30e-6
    log.close()


def test_a_killed_writer_loses_at_most_a_frame(tmp_path: Path) -> None:
    """The child says each key once it was added; of those at most one frame may be missing after SIGKILL."""
    code = """
        import sys, hashlib
        from pathlib import Path
        from rephrase.log import Log
        from rephrase.requests import Reply
        log = Log(Path(sys.argv[1]), frame=64, segment=1000)
        number = 0
        while True:
            log.add(hashlib.sha256(str(number).encode()).hexdigest(), Reply("x" * 200, "stop"))
            print(number, flush=True)
            number += 1
    """
    words = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        for line in child.stdout:
            if int(line) >= 3210:
                os.kill(child.pid, signal.SIGKILL)
                break
        said = [int(line) for line in child.stdout.read().split()]
    last = said[-1] if said else 3210
    log = Log(tmp_path)
    assert last + 1 - 64 <= len(log) <= last + 2
    assert all(key(number) in log for number in range(len(log)))
    log.close()


def test_what_waits_is_written_after_a_second(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.add(key(1), reply(1))
    log.tick()
    assert (tmp_path / "000000.log").stat().st_size == 0
    time.sleep(1.05)
    log.tick()
    assert (tmp_path / "000000.log").stat().st_size > 0
    log.close()


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """Sealed segments are mapped files: ten times the replies take no ten times the memory."""
    peaks = []
    for number in (2_000, 20_000):
        tracemalloc.start()
        log = Log(tmp_path / str(number), segment=1_000)
        for one in range(number):
            log.add(key(one), Reply("x" * 100, "stop"))
        log.close()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
