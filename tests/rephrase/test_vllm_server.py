"""The stage through a real vLLM server on the CPU, with a tiny model that is taught its replies on the spot."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus import shards
from corpus.document import Document
from datacards.card import Ref
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from rephrase.cli import CPU_ENVIRONMENT, server_command
from rephrase.log import Log, Reply
from rephrase.prompts import fill
from rephrase.recipe import RephraseRecipe
from rephrase.run import run

CHARACTERS = 300
GOOD = {
    "qa": "Q: {title}とはどのようなおそれですか。\nA: 文書にあるとおりです。\n\n",
    "multiple_choice": "Q: 文書が説明する用語は何ですか。\nA: {title}\nX: 株式\nX: 配当\nX: 国債\n\n",
}
UNGROUNDED = "Q: {title}は何件ありましたか。\nA: 98765件です。\n\n"


def lessons(documents: list[Document]) -> list[tuple[str, str]]:
    """Return (prompt, reply) pairs: good replies about terms, and one with a number that no passage holds."""
    taught = []
    for number, document in enumerate(d for d in documents if d.meta["kind"] == "term"):
        for style, reply in GOOD.items():
            said = UNGROUNDED if (style, number) == ("qa", 0) else reply
            taught.append((fill(style, "v1", document.text), said.format(title=document.title)))
    return taught


def teach(folder: Path, taught: list[tuple[str, str]]) -> None:
    """Make a two-layer Mistral and train it until it gives the replies."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    bpe.train_from_iterator((prompt + reply for prompt, reply in taught), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>")
    model = MistralForCausalLM(
        MistralConfig(
            vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=32, max_position_embeddings=1024, sliding_window=None,
        )
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(400):
        prompt, reply = taught[step % len(taught)]
        before, after = tokenizer(prompt)["input_ids"], tokenizer(reply)["input_ids"]
        labels = torch.tensor([[-100] * len(before) + after])
        loss = model(input_ids=torch.tensor([before + after]), labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def recipe_file(folder: Path, port: int, model: Path) -> Path:
    """Write the recipe that both the server and the stage are started from."""
    path = folder / "asked.yaml"
    path.write_text(
        f"""
name: asked
version: 2026.11.21
generator: vllm_server
options:
  model: {model}
  base_url: http://127.0.0.1:{port}/v1
  characters: {CHARACTERS}
  max_tokens: 120
  temperature: 0.0
  concurrency: 4
  serve: [--max-model-len, "1024"]
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def served(tmp_path: Path, documents: list[Document]) -> Iterator[Path]:
    """Serve the taught model with the command of ``kanagura rephrase serve``; yield the recipe's path."""
    pytest.importorskip("vllm", reason="no vLLM here: install requirements/serve-cpu.lock")
    model, port = tmp_path / "model", free_port()
    teach(model, lessons(documents))
    path = recipe_file(tmp_path, port, model)
    words = server_command(read_recipe(path, RephraseRecipe))
    log = (tmp_path / "server.log").open("wb")
    environment = {**os.environ, **CPU_ENVIRONMENT, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (
        log,
        subprocess.Popen(words, stdout=log, stderr=log, env=environment, start_new_session=True) as server,
    ):
        try:
            wait_until_ready(port, server, tmp_path / "server.log")
            yield path
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def wait_until_ready(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait up to five minutes for the server's health page; fail with the end of its log."""
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as page:
                if page.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the vLLM server did not start: " + log.read_text(errors="replace")[-3000:])


def requests_served(port: str) -> float:
    """Return how many completions the server has finished, from its own metrics."""
    with urllib.request.urlopen(f"http://{port}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:request_success_total"))


@pytest.mark.serve
def test_a_served_model_writes_questions_that_are_checked_and_never_asked_twice(
    served: Path, store: Store, corpus: Ref
) -> None:
    """One server, one story: asked, parsed, validated, counted; then a run that was killed asks only the rest."""
    recipe = read_recipe(served, RephraseRecipe)
    address = str(recipe.options["base_url"]).split("/")[2]
    folder = store.path(run(recipe, store, str(corpus)))
    card = store.card(store.resolve("asked"))
    asked = requests_served(address)
    assert asked == 20  # ten documents of one passage each, in two styles

    accepted = [d for style in GOOD for d in shards.read_documents(folder, style)]
    assert len(accepted) + sum(card.drops.values()) == asked
    assert any(d.meta["question"].endswith("とはどのようなおそれですか。") for d in accepted)
    choices = [json.loads(d.meta["choices"]) for d in accepted if d.format == "multiple_choice"]
    assert ["国債", "株式", "配当"] in [
        sorted(c for c in four if c in ("株式", "配当", "国債")) for four in choices
    ]
    assert card.drops["number_not_in_source"] >= 1
    aside = [row for path in shards.shard(folder, "dropped", "train") for row in shards.read(path)]
    assert any("98765" in row["text"] for row in aside)

    # A run that died after a few replies: its log is in the draft, cut off in the middle of a line.
    replies = (folder / "replies.jsonl").read_bytes().splitlines(keepends=True)
    again = recipe.model_copy(update={"name": "again"})
    with (
        pytest.raises(RuntimeError),
        store.write(
            name="again",
            version=again.version,
            kind="dataset",
            recipe=again.model_dump(mode="json"),
            made_from=[corpus],
        ) as draft,
    ):
        (draft.work / "replies.jsonl").write_bytes(b"".join(replies[:15]) + replies[15][:20])
        raise RuntimeError
    run(again, store, str(corpus))
    assert requests_served(address) - asked == 5
    assert store.card(store.resolve("again")).content_digest == card.content_digest


def test_a_server_that_is_not_there_is_one_clear_message(tmp_path: Path, store: Store, corpus: Ref) -> None:
    recipe = read_recipe(recipe_file(tmp_path, free_port(), tmp_path), RephraseRecipe)
    recipe = recipe.model_copy(update={"options": {**recipe.options, "retries": 0}})
    with pytest.raises(UserError, match=r"the server did not answer: .* finished replies are kept"):
        run(recipe, store, str(corpus))


def test_a_cut_off_line_of_the_log_is_forgotten(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.add("a", Reply("一", "stop"))
    log.close()
    with (tmp_path / "log").open("ab") as stream:
        stream.write(b'{"prompt": "b", "te')
    log = Log(tmp_path / "log")
    log.add("c", Reply("三", "stop"))
    log.close()
    again = Log(tmp_path / "log")
    again.close()
    assert set(again.replies) == {"a", "c"}


def test_serve_is_refused_for_a_generator_without_a_server() -> None:
    recipe = RephraseRecipe(name="asked", version="2026.11.21")
    with pytest.raises(UserError, match="its generator is 'facts'; serve is for vllm_server"):
        server_command(recipe)


def test_the_server_command_names_model_and_address() -> None:
    options = {"model": "./m", "base_url": "http://127.0.0.1:8011/v1", "serve": ["--max-model-len", "512"]}
    words = server_command(
        RephraseRecipe(name="asked", version="2026.11.21", generator="vllm_server", options=options)
    )
    assert words[0] == sys.executable
    assert words[words.index("--model") + 1] == "./m"
    assert words[words.index("--port") + 1] == "8011"
    assert words[-2:] == ["--max-model-len", "512"]
