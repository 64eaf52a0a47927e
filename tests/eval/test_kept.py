"""What was asked once is found again, whatever killed the run or damaged the file."""

import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from datacards.errors import UserError
from eval.items import Answer, Asked, Item, Passage, Question, Reply, Result, Surprise
from eval.kept import Kept

ITEMS: list[Asked] = [
    *(Item(f"i{n}", f"売上高は{n}百万円", ("増", "減"), ("増", "減"), n % 2) for n in range(4)),
    Question("q", "利益は", ("3億円",)),
    Passage("p", "日本銀行は金融政策を決める。"),
]
RESULTS: list[Result] = [
    *(Answer(item, (-0.1 - n / 3, -2.5e-17), (1, 2), 9, n == 1) for n, item in enumerate(ITEMS[:4]) if isinstance(item, Item)),
    Reply(ITEMS[4], "3億円\ud800です\n", 4, "length", 3, True),  # type: ignore[arg-type]
    Surprise(ITEMS[5], 12.3456789, 7),  # type: ignore[arg-type]
]  # fmt: skip


def test_what_was_kept_is_found_as_it_was(tmp_path: Path) -> None:
    """In any order, by a later process, more than once where an item stands twice; never for another item or task."""
    kept = Kept(tmp_path)
    kept.add("look", RESULTS[:3])
    kept.add("look", RESULTS[3:])
    again = Kept(tmp_path)
    found = again.find("look", [*ITEMS[::-1], ITEMS[0]])
    assert [found[n] for n in range(7)] == [*RESULTS[::-1], RESULTS[0]]
    assert again.find("look", [replace(ITEMS[0], gold=1)]) == again.find("other", ITEMS) == {}  # type: ignore[call-arg]
    assert Kept(None).find("look", ITEMS) == {}


def test_numbers_that_are_none_are_not_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.add("look", [replace(RESULTS[0], loglikelihoods=(float("nan"), 0.0)), RESULTS[1]])  # type: ignore[call-arg]
    assert kept.find("look", ITEMS) == {1: RESULTS[1]}


def test_a_name_never_leaves_the_folder(tmp_path: Path) -> None:
    Kept(tmp_path / "in").add("../../out/x", RESULTS[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert Kept(tmp_path / "in").find("../../out/x", ITEMS) == {0: RESULTS[0]}


def test_damage_costs_the_damaged_results_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(tmp_path)
    kept.add("look", RESULTS)
    (path,) = tmp_path.glob("look/*")
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1].replace(b"-", b"+"), b"\xff\n", *lines[2:]])[:-3])
    assert sorted(kept.find("look", ITEMS)) == [0, 2, 3, 4]
    assert "2 kept results are damaged" in caplog.text
    for size in range(0, len(whole), 7):  # wherever a writer was killed
        path.write_bytes(whole[:size])
        assert len(kept.find("look", ITEMS)) == whole[:size].count(b"\n")


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """kill -9 in the middle of keeping, twice; what was said to be kept is there, and whole."""
    script = (
        "import sys; from pathlib import Path; from eval.kept import Kept; from eval.items import Answer, Item\n"
        "items = [Item(str(n), 'x' * 2000, ('a', 'b'), ('a', 'b'), 0) for n in range(3000)]\n"
        "kept = Kept(Path(sys.argv[1])); known = kept.find('t', items)\n"
        "for n, item in enumerate(items):\n"
        "    if n not in known:\n"
        "        kept.add('t', [Answer(item, (-float(n), -1.0))]); print(n, flush=True)\n"
    )
    items = [Item(str(n), "x" * 2000, ("a", "b"), ("a", "b"), 0) for n in range(3000)]
    said: set[int] = set()
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert child.stdout is not None
        first = child.stdout.readline()
        timer = threading.Timer(0.15, child.send_signal, [signal.SIGKILL])
        timer.start()
        told = [
            int(word)
            for word in (first + child.stdout.read()).splitlines(keepends=True)
            if word.endswith("\n")
        ]
        child.wait()
        child.stdout.close()
        timer.join()
        assert not said & set(told)  # nothing is asked twice
        said |= set(told)
        found = Kept(tmp_path).find("t", items)
        assert said <= set(found) and len(found) - len(said) <= 2
        assert all(found[n].loglikelihoods == (-float(n), -1.0) for n in found)  # type: ignore[union-attr]


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "look").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="look: File exists"):
        Kept(tmp_path).add("look", RESULTS[:1])
