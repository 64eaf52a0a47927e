"""The stage through a real vLLM on the CPU, over both endpoints and in process, with a tiny model taught on the spot."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from corpus import shards
from datacards.card import Ref
from datacards.store import Store
from rephrase.candidate import Candidate
from rephrase.client.servers import Servers
from rephrase.generators import cpu, models
from rephrase.generators.vllm_server import VllmServer
from rephrase.prompts import Mode
from rephrase.recipe import RephraseRecipe
from rephrase.requests import Message, Request, Sampling
from rephrase.run import run
from rephrase.validate import round_trip
from tests.rephrase import tiny_vllm

pytestmark = pytest.mark.serve
MODES: tuple[Mode, ...] = ("completions", "chat")


class Served(NamedTuple):
    """A vLLM server: where it is, the model and the prompts of its recipe."""

    place: str
    model: Path
    prompts: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Serve the taught model once for all tests of this file."""
    pytest.importorskip("vllm", reason="no vLLM here: install requirements/serve-cpu.lock")
    folder = tmp_path_factory.mktemp("served")
    model, prompts = folder / "model", tiny_vllm.prompt_folder(folder / "prompts")
    pages = tiny_vllm.pages()
    tiny_vllm.tokenizer(model)
    tiny_vllm.teach(model, tiny_vllm.lessons(prompts, pages, [tiny_vllm.whole(page) for page in pages]))
    made = Served(f"127.0.0.1:{tiny_vllm.free_port()}", model, prompts)
    with tiny_vllm.serving(recipe(made, "served"), folder / "server.log"):
        yield made


def recipe(served: Served, name: str, generator: str = "vllm_server", **options: object) -> RephraseRecipe:
    """Return a recipe that asks the taught model, greedily."""
    place: dict[str, object] = (
        {
            "servers": [f"http://{served.place}/v1"],
            "served_name": "tiny",
            "serve": ["--max-model-len", "6000"],
        }
        if generator == "vllm_server"
        else {"engine_args": {"max_model_len": 6000}}
    )
    return RephraseRecipe(
        name=name, version="2026.11.21", generator=generator,
        options={
            "model": str(served.model), "prompts": str(served.prompts), "prompt_version": "short", "temperature": 0.0,
            "contamination": None, "round_trip": False, "in_flight": 8, **place, **options,
        },
    )  # fmt: skip


@pytest.fixture
def pages(store: Store) -> Ref:
    """Return a corpus version of the pages that the model was taught about."""
    with store.write(name="pages", version="2026.11.21", kind="dataset", recipe={"name": "pages"}) as draft:
        found = [shards.document_row(one) for one in tiny_vllm.pages()]
        shards.write(draft.path / "markdown" / "train-00000.parquet", found, shards.DOCUMENT)
    return store.resolve("pages@2026.11.21")


def table(store: Store, ref: Ref, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table of a version."""
    return [row for path in shards.shard(store.path(ref), name, "train") for row in shards.read(path)]


def test_a_served_base_model_is_asked_checked_and_never_asked_twice(
    served: Served, store: Store, pages: Ref
) -> None:
    before = tiny_vllm.requests_served(served.place)
    first = run(recipe(served, "asked"), store, str(pages))
    outcomes = [(row["style"], row["outcome"]) for row in table(store, first, "verdicts")]
    asked = tiny_vllm.requests_served(served.place) - before
    assert outcomes.count(("qa", "accepted")) == 3
    assert outcomes.count(("multiple_choice", "accepted")) >= 3
    assert outcomes[0] == ("qa", "not_recomputed")  # the one that was taught a wrong share
    replies = table(store, first, "replies")
    assert len({row["key"] for row in replies}) == asked
    assert all(row["prompt_tokens"] > 0 and row["completion_tokens"] > 0 for row in replies)
    again = run(recipe(served, "again"), store, str(pages), [str(first)])
    assert tiny_vllm.requests_served(served.place) - before == asked
    assert table(store, again, "verdicts") == table(store, first, "verdicts")


def test_a_chat_is_held_to_its_schema_and_its_evidence(served: Served, store: Store, pages: Ref) -> None:
    asked = recipe(served, "chat", mode="chat").model_copy(update={"styles": ("qa",)})
    ref = run(asked, store, str(pages))
    found = [(row["outcome"], row["detail"]) for row in table(store, ref, "verdicts")]
    assert [reason for reason, _ in found].count("accepted") >= 3, found
    for row in table(store, ref, "replies"):
        said = json.loads(row["text"])
        assert list(said) == ["question", "answer", "evidence"]


def test_the_engine_in_process_gives_the_same_replies(
    served: Served, store: Store, pages: Ref, tmp_path: Path
) -> None:
    """Its keys are those of the server, so one run can go on where the other stopped."""
    path = tmp_path / "recipe.yaml"
    asked = recipe(served, "engine", "vllm_engine")
    path.write_text(json.dumps(asked.model_dump(mode="json")), encoding="utf-8")
    words = [sys.executable, "-m", "rephrase", str(path), "--corpus", "pages", "--store", str(store.root)]
    environment = {**os.environ, **cpu.ENVIRONMENT, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    by_server = run(recipe(served, "server"), store, str(pages))
    names = ("key", "text", "finish_reason", "prompt_tokens", "completion_tokens")
    ours = [[row[name] for name in names[:3]] for row in table(store, store.resolve("engine"), "replies")]
    assert ours == [[row[name] for name in names[:3]] for row in table(store, by_server, "replies")]


def test_letters_are_scored_by_both_endpoints(served: Served) -> None:
    chunk = tiny_vllm.whole(tiny_vllm.pages()[0])
    candidate = Candidate("multiple_choice", "貸出の何％を積みますか。", "3％", chunk, ("4％", "5％", "6％"))

    async def scores() -> list[set[str]]:
        engine = Servers([f"http://{served.place}/v1"], "tiny", in_flight=8)
        await engine.start()
        tokens = models.following(VllmServer(model=str(served.model)))
        asked = [round_trip.Asker("m", mode, tokens=tokens).choice(candidate, 0) for mode in MODES]
        assert len(set(asked[0].sampling.logprob_token_ids)) == 4
        found = [set((await engine.reply(one)).logprobs) for one in asked]
        await engine.close()
        return found

    assert asyncio.run(scores()) == [set("ABCD"), set("ABCD")]


def test_a_prompt_that_is_too_long_is_refused_alone(served: Served) -> None:
    async def ask() -> list[str]:
        engine = Servers([f"http://{served.place}/v1"], "tiny", in_flight=8, prompts_per_request=4)
        await engine.start()
        said = ["配当" * 10, "配当" * 9000, "売上" * 10, "利益" * 10]
        replies = await asyncio.gather(*(engine.reply(Request("m", text, Sampling(8))) for text in said))
        chat = await engine.reply(Request("m", (Message("user", "配当" * 9000),), Sampling(8)))
        await engine.close()
        return [one.finish_reason for one in (*replies, chat)]

    reasons = asyncio.run(ask())
    assert reasons[1] == reasons[4] == "refused"
    assert "refused" not in (reasons[0], reasons[2], reasons[3])
