"""What a training measures reaches a viewer, from the first process alone."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from datacards.errors import UserError
from train.watch.trackers import Trackers, check_trackers, run_folder


def _events(folder: Path) -> list[Event]:
    """Return what lies in the event files of a folder, oldest file first: length, checksum, record, checksum."""
    found = []
    for path in sorted(folder.rglob("events.*"), key=lambda path: path.stat().st_mtime_ns):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            found.append(Event.FromString(data[at + 12 : at + 12 + length]))
            at += 16 + length
    return found


def test_values_arrive_by_name_and_step_and_a_resumed_run_takes_back_what_it_trains_again(
    tmp_path: Path,
) -> None:
    folder = run_folder(tmp_path, "cpt@2026.11.22")
    assert folder.relative_to(tmp_path).as_posix() == ".runs/cpt@2026.11.22"
    trackers = Trackers(("tensorboard",), folder)
    trackers.log({"loss": 2.5, "held_out/日本銀行": 3.125, "mfu": None}, 1)
    trackers.close()
    events = _events(folder)
    values = {(event.step, one.tag): one.simple_value for event in events for one in event.summary.value}
    assert values == {(1, "loss"): 2.5, (1, "held_out/日本銀行"): 3.125}
    again = Trackers(("tensorboard",), folder / "resumed", begun=7)
    again.close()
    assert any(event.step == 8 and event.session_log.status == 1 for event in _events(folder / "resumed"))


def test_no_other_process_writes_and_no_name_opens_nothing(tmp_path: Path) -> None:
    for trackers in (Trackers(("tensorboard",), tmp_path, first=False), Trackers((), tmp_path)):
        trackers.log({"loss": 1.0}, 1)
        trackers.close()
    assert list(tmp_path.iterdir()) == []


def test_an_absent_library_and_an_unknown_tracker_are_told_before_training() -> None:
    """Blocked in a process of its own, as if it had not been installed."""
    code = (
        "import sys\n"
        "sys.modules['tensorboardX'] = sys.modules['tensorboard'] = None\n"
        "from train.watch.trackers import check_trackers\n"
        "check_trackers(())\n"
        "check_trackers(('tensorboard',))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "trackers: tensorboard needs the library tensorboardX, which is not installed" in done.stderr
    assert "pip install -e '.[watch]'" in done.stderr
    with pytest.raises(UserError, match=r"'wandb'; known: tensorboard"):
        check_trackers(("wandb",))
