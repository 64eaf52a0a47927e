"""The course of a run through a real server process: planned, asked, judged, counted, resumed."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus import shards
from datacards.card import Ref
from datacards.store import Store
from rephrase.estimate import estimate
from rephrase.generators.models import identity
from rephrase.generators.vllm_server import VllmServer
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
    return tokenizer(tmp_path_factory.mktemp("model"))


def tokenizer(folder: Path) -> Path:
    """Put a small tokenizer into a folder."""
    folder.mkdir(exist_ok=True)
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

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


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table of a version."""
    return [row for path in shards.shard(folder, name, "train") for row in shards.read(path)]


def test_what_was_planned_is_accepted_or_left_out_with_a_reason(
    server: Server, model: Path, store: Store, corpus: Ref
) -> None:
    ref = run(asking(model, server), store, str(corpus))
    folder, card = store.path(ref), store.card(ref)
    verdicts, replies = rows(folder, "verdicts"), rows(folder, "replies")
    units = Counter((row["document_id"], row["start"], row["style"], row["sample"]) for row in verdicts)
    assert len(units) == 20  # ten documents of one passage, in two styles
    outcomes = Counter((row["style"], row["outcome"]) for row in verdicts)
    accepted = {style: outcomes.pop((style, "accepted")) for style in ("qa", "multiple_choice")}
    assert accepted["qa"] >= 2
    assert accepted["multiple_choice"] >= 2
    assert card.counts["documents_qa"] == accepted["qa"]
    assert card.counts["accepted_multiple_choice"] == accepted["multiple_choice"]
    assert outcomes.total() == sum(card.drops.values()) == len(rows(folder, "dropped"))
    assert {reason for _, reason in outcomes} >= {
        "too_short",
        "other_number",
    }  # 98,765 where another one stands
    asked = {row["key"] for row in replies}
    assert card.counts["requests"] == len(replies)
    assert len(asked) == server.prompts()
    assert all((row["key"] in asked) == (row["outcome"] != "too_short") for row in verdicts)


def test_an_accepted_item_says_what_it_rests_on(
    server: Server, model: Path, store: Store, corpus: Ref
) -> None:
    folder = store.path(run(asking(model, server), store, str(corpus)))
    parents = {row["id"]: row for row in rows(store.path(corpus), "markdown")}
    made = list(shards.read_documents(folder, "multiple_choice"))
    for one in made:
        span = one.made_from[0]
        passage = parents[span.id]["text"][span.start : span.end]
        choices = json.loads(one.meta["choices"])
        assert choices[int(one.meta["answer"])].removesuffix("百万円") in passage
        assert one.meta["round_trip"] == "3/3"
        assert one.meta["prompt"] == "multiple_choice.completions.v1"
        assert one.meta["question"].startswith(parents[span.id]["title"] + "について、")
        assert one.license == parents[span.id]["license"]
    requests = {row["key"]: row for row in rows(folder, "replies")}
    assert all(requests[one.meta["request"]]["document_id"] == one.made_from[0].id for one in made)
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "## Judged" in page
    assert "| qa | other_number |" in page or "| multiple_choice | other_number |" in page
    assert any(one.meta["question"] in page for one in made)


def test_a_further_style_pays_only_for_itself(server: Server, model: Path, store: Store, corpus: Ref) -> None:
    first = run(asking(model, server).model_copy(update={"styles": ("qa",)}), store, str(corpus))
    paid = server.prompts()
    both = asking(model, server, name="both")
    second = run(both, store, str(corpus), [str(first)])
    keys = {row["key"] for row in rows(store.path(first), "replies")}
    new = {row["key"] for row in rows(store.path(second), "replies")}
    assert keys < new
    assert server.prompts() - paid == len(new - keys)
    assert [str(one) for one in store.card(second).made_from] == [str(corpus), str(first)]


def test_validators_run_again_without_a_server(
    server: Server, model: Path, store: Store, corpus: Ref
) -> None:
    recipe = asking(model, server)
    first = run(recipe, store, str(corpus))
    server.stop()
    again = run(recipe.model_copy(update={"name": "again"}), store, str(corpus), [str(first)])
    assert store.card(again).content_digest != ""
    for name in ("qa", "multiple_choice", "verdicts", "replies", "dropped"):
        assert rows(store.path(again), name) == rows(store.path(first), name)


@pytest.mark.parametrize("changes", [{"temperature": 0.1}, {"max_tokens": 50}, {"dtype": "bfloat16"}])
def test_what_decides_a_reply_is_paid_again_when_it_changes(
    server: Server, model: Path, store: Store, corpus: Ref, changes: dict[str, object]
) -> None:
    first = run(asking(model, server, round_trip=False), store, str(corpus))
    paid = server.prompts()
    run(asking(model, server, name="changed", round_trip=False, **changes), store, str(corpus), [str(first)])
    assert server.prompts() - paid == paid


def test_another_tokenizer_is_another_model_wherever_it_lies(model: Path, tmp_path: Path) -> None:
    def named(**options: object) -> str:
        return identity(VllmServer.model_validate({"model": str(model), **options}))

    other, moved = tmp_path / "other", tmp_path / "moved"
    for folder in (other, moved):
        shutil.copytree(model, folder)
    (other / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert named(model=str(moved)) == named()
    assert named(tokenizer=str(moved)) == named(tokenizer=str(model))
    assert (
        len({named(), named(tokenizer=str(model)), named(tokenizer=str(other)), named(model=str(other))}) == 4
    )


def test_more_than_one_server_and_one_that_dies(model: Path, store: Store, corpus: Ref) -> None:
    servers = [Server(free_port(), latency=0.2), Server(free_port(), latency=0.2)]
    stopped = threading.Timer(0.6, servers[0].stop)
    stopped.start()
    try:
        ref = run(asking(model, *servers, in_flight=2, prompts_per_request=1), store, str(corpus))
    finally:
        stopped.cancel()
        for one in servers:
            one.stop()
    alone = Server(free_port())
    try:
        other = run(asking(model, alone, name="alone"), store, str(corpus))
    finally:
        alone.stop()
    assert [row["text"] for row in rows(store.path(ref), "replies")] == [
        row["text"] for row in rows(store.path(other), "replies")
    ]


def test_the_estimate_keeps_its_replies_for_the_run(
    server: Server, model: Path, store: Store, corpus: Ref
) -> None:
    recipe = asking(model, server)
    told = estimate(recipe, store, str(corpus), units=10_000)
    assert told.share == 1.0
    assert told.all_units == told.units == 20
    paid = server.prompts()
    ref = run(recipe, store, str(corpus))
    assert server.prompts() == paid
    assert told.all_accepted == sum(store.card(ref).counts[f"accepted_{style}"] for style in recipe.styles)
    assert told.all_tokens == store.card(ref).counts["completion_tokens"]
