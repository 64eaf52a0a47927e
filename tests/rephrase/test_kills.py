"""A run that is killed again and again ends with the keys of one that is not, and pays for little twice."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from corpus import shards
from datacards.card import Ref
from datacards.store import Store
from tests.forked import forks
from tests.rephrase.conftest import filing
from tests.rephrase.test_asking import Server, asking, free_port, model, rows

__all__ = ["model"]  # the fixture
KILLS = 20


@pytest.fixture
def many(store: Store) -> Ref:
    """Return a corpus version of 120 filings."""
    documents = [filing(f"第{number}灯台電機", 1000 + 37 * number) for number in range(120)]
    with store.write(name="many", version="2026.11.21", kind="dataset", recipe={"name": "many"}) as draft:
        found = [shards.document_row(one) for one in documents]
        shards.write(draft.path / "markdown" / "train-00000.parquet", found, shards.DOCUMENT)
        facts = [row for one in documents for row in shards.fact_rows(one)]
        shards.write(draft.path / "facts" / "train-00000.parquet", facts, shards.FACT)
    return store.resolve("many@2026.11.21")


def test_twenty_kills_change_no_key(tmp_path: Path, model: Path, store: Store, many: Ref) -> None:
    """SIGKILL to the command at random moments; the server goes on. Then it runs to its end."""
    server = Server(free_port(), latency=0.2)
    try:
        for name in ("whole", "killed"):
            recipe = asking(model, server, name=name, in_flight=16, prompts_per_request=4)
            path = tmp_path / f"{name}.yaml"
            path.write_text(json.dumps(recipe.model_dump(mode="json")), encoding="utf-8")  # YAML, too
            before = server.prompts()
            kills = _killed(store, path, KILLS) if name == "killed" else 0
            _finished(store, path)
            paid = server.prompts() - before
            found = {row["key"] for row in rows(store.path(store.resolve(name)), "replies")}
            if name == "whole":
                whole, cost = found, paid
    finally:
        server.stop()
    assert kills == KILLS
    assert found == whole
    for table in ("qa", "multiple_choice", "verdicts", "dropped", "replies"):
        assert _rows(store, "killed", table) == _rows(store, "whole", table)
    # At most a frame of the log and what was under way is asked for again, each time.
    assert paid <= cost + KILLS * (256 + 16 * 4)


def _rows(store: Store, name: str, table: str) -> list[dict[str, Any]]:
    """Return rows without their tokens: a server counts them by the request, which prompts shared it is chance."""
    found = rows(store.path(store.resolve(name)), table)
    return [{key: value for key, value in row.items() if not key.endswith("_tokens")} for row in found]


def _command(store: Store, recipe: Path) -> list[str]:
    return [sys.executable, "-m", "rephrase", str(recipe), "--corpus", "many", "--store", str(store.root)]


def _killed(store: Store, recipe: Path, times: int) -> int:
    """Start the command ``times`` times and kill its group after a moment that chance draws; return how often it lived."""
    chance, kills = random.Random(6), 0  # noqa: S311
    with forks("rephrase.cli", "rephrase.run", "rephrase.generators.vllm_server") as forker:
        for _ in range(times):
            run = forker.start("from rephrase.cli import main; main()", *_command(store, recipe)[3:])
            # From the first step of the command to some way into the replies; a frame is written every second.
            time.sleep(chance.uniform(0, 1.3))
            kills += run.alive()
            run.kill()
    return kills


def _finished(store: Store, recipe: Path) -> None:
    done = subprocess.run(_command(store, recipe), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
