"""The course of a run through a real server process: planned, asked, judged, counted, resumed."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus import shards
from datacards.card import Ref
from datacards.store import Store
from rephrase.recipe import RephraseRecipe
from rephrase.run import run


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """The model server of these tests in a process of its own."""

    def __init__(self, port: int, latency: float = 0.0) -> None:
        self.port = port
        words = [sys.executable, "-m", "tests.rephrase.model_server", str(port), "--latency", str(latency)]
        self.process = subprocess.Popen(words)
        for _ in range(200):
            try:
                self.prompts()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def prompts(self) -> int:
        """Return how many prompts it has answered."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=5) as page:
            return int(json.load(page)["prompts"])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(free_port())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tokenizer and no weights: the server has no model either."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    folder = tmp_path_factory.mktemp("model")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(["売上高は1,234百万円でした。", "経常利益と純資産額"], trainer)
    bpe.save(str(folder / "tokenizer.json"))
    return folder


def asking(model: Path, *servers: Server, name: str = "asked", **options: object) -> RephraseRecipe:
    """Return a recipe that asks the servers."""
    return RephraseRecipe(
        name=name, version="2026.11.21", generator="vllm_server",
        options={
            "model": str(model), "served_name": "tiny", "servers": [one.address for one in servers], "chunk_tokens": 200,
            "chunk_limit": 400, "contamination": None, "in_flight": 8, **options,
        },
    )  # fmt: skip


def test_what_was_planned_is_accepted_or_left_out_with_a_reason(
    server: Server, model: Path, store: Store, corpus: Ref
) -> None:
    ref = run(asking(model, server), store, str(corpus))
    folder, card = store.path(ref), store.card(ref)
    verdicts = [row for path in shards.shard(folder, "verdicts", "train") for row in shards.read(path)]
    replies = [row for path in shards.shard(folder, "replies", "train") for row in shards.read(path)]
    print(Counter((r["style"], r["outcome"], r["detail"]) for r in verdicts))
    for d in shards.read_documents(folder, "qa"):
        print(d.text, d.meta)
    for d in shards.read_documents(folder, "multiple_choice"):
        print(d.text, d.meta)
    print((folder / "README.md").read_text()[:6000])
    assert 0
