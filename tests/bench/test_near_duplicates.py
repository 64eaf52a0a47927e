"""How the benchmark of the near-duplicate stage measures and judges."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.near_duplicates import compare
from bench.peers.made import make
from bench.peers.removals import Pair, Truth, judge, read_truth
from bench.peers.supervise import CommandFailedError, supervised

BUSY = "import time\nwhile time.process_time() < {}: pass\n"


def test_the_time_of_a_process_that_nobody_waits_for_counts(tmp_path: Path) -> None:
    worker = BUSY.format(0.6)
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {worker!r}], start_new_session=True)\n"
    cost = supervised([sys.executable, "-c", code], tmp_path / "log")
    assert 0.6 <= cost.cpu < 3


def test_memory_that_two_processes_share_counts_once(tmp_path: Path) -> None:
    held = "held = b'x' * 200_000_000\nimport os, time\nif not os.fork(): time.sleep(1); os._exit(0)\ntime.sleep(1)\n"
    cost = supervised([sys.executable, "-c", held], tmp_path / "log")
    assert 190 < cost.peak < 300


def test_a_command_that_fails_says_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="status 3: too few shards"):
        supervised(
            [sys.executable, "-c", "import sys; print('too few shards', file=sys.stderr); sys.exit(3)"],
            tmp_path / "log",
        )


def corpus(folder: Path, texts: list[str], base: list[int]) -> Path:
    (folder / "docs").mkdir(parents=True)
    ids = list(range(len(texts)))
    pq.write_table(pa.table({"doc_id": ids, "text": texts}), folder / "docs" / "part-0000.parquet")
    pq.write_table(pa.table({"doc_id": ids, "base_id": base}), folder / "truth.parquet")
    return folder


def test_similarity_is_that_of_the_sets_of_five_characters(tmp_path: Path) -> None:
    texts = [
        "短期金利は据え置かれた。",
        "短期金利は据え置かれる。",
        "短期金利は据え置かれた。",
        "地価は上がった。",
    ]
    truth = read_truth(corpus(tmp_path, texts, [0, 0, 1, 3]))
    # Of eight 5-grams each, six are shared: 6 / 10.
    assert truth == Truth(4, [Pair(0, 1, 0.6), Pair(0, 2, 1.0), Pair(1, 2, 0.6)], 1)


def test_a_removal_is_right_for_the_sake_of_an_earlier_or_a_staying_document() -> None:
    truth = Truth(4, [Pair(0, 1, 0.9), Pair(1, 2, 0.85), Pair(0, 2, 0.7)], 2)
    assert judge(truth, [0, 3]).recall == 1  # 2 goes for 1, which itself goes
    assert judge(truth, [2, 3]).precision == 0.5  # 0 goes for nobody: 1 stays no more
    assert judge(truth, [0, 1, 2]).precision == 0  # 3 resembles nobody
    assert judge(truth, [1, 3]).precision == 1  # 0 goes for 1, which stays


def test_what_went_is_told_by_similarity() -> None:
    truth = Truth(6, [Pair(0, 1, 0.82), Pair(2, 3, 0.72), Pair(4, 5, 1.0)], 2)
    by_bin = judge(truth, [0, 2, 4, 5]).by_bin
    assert (by_bin["0.80-0.85"], by_bin["0.70-0.75"], by_bin["1"]) == (1, 1, 0)


@pytest.mark.slow
def test_our_stage_removes_what_ought_to_go_of_a_made_corpus(tmp_path: Path) -> None:
    make(tmp_path / "made", 300)
    figures = json.loads(json.dumps(compare(tmp_path / "made", [], 1)))
    assert figures["documents"] == 300
    assert figures["precision"] == 1
    assert figures["recall"] > 0.9
    assert figures["cpu_s"] > 0 < figures["peak_mb"]
