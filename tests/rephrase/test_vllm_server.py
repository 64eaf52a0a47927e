"""The stage through a real vLLM server on the CPU, with a tiny model that is taught its replies on the spot."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpus import shards
from corpus.document import Document, Span
from datacards.card import Ref
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.cli import CPU_ENVIRONMENT, server_command
from rephrase.log import Log, Reply
from rephrase.prompts import draw, load
from rephrase.recipe import RephraseRecipe
from rephrase.run import run

CHARACTERS = 300
GOOD: dict[Style, str] = {
    "qa": " {title}とはどのようなおそれですか。\nA: 文書にあるとおりです。\n\n",
    "multiple_choice": " 文書が説明する用語は何ですか。\nO: {title}\nX: 株式\nX: 配当\nX: 国債\n\n",
}
UNGROUNDED = " {title}は何件ありましたか。\nA: 98765件です。\n\n"


def lessons(documents: list[Document]) -> list[tuple[str, str]]:
    """Return (prompt, reply) pairs: good replies about terms, and one with a number that no passage holds."""
    taught = []
    for number, document in enumerate(d for d in documents if d.meta["kind"] == "term"):
        for style, reply in GOOD.items():
            said = UNGROUNDED if (style, number) == ("qa", 0) else reply
            chunk = Chunk(document, Span(document.id, 0, len(document.text)))
            asked = load(style, "completions").ask(chunk, draw(document.id, 0))
            assert isinstance(asked, str)
            taught.append((asked, said.format(title=document.title)))
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


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[bytes], list[int]]]:
    """Answer completions on loopback with the last given status and body; count the requests."""
    answers, asked = [b""], [200, 0]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked[1] += 1
            self.send_response(asked[0])
            self.send_header("Content-Type", "application/json" if answers[0][:1] == b"{" else "text/html")
            self.send_header("Content-Length", str(len(answers[0])))
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", answers, asked
    server.shutdown()
    thread.join()
    server.server_close()


def asking(address: str, **options: object) -> RephraseRecipe:
    """Return a recipe that asks ``address`` in one style, two passages at a time."""
    return RephraseRecipe(
        name="asked", version="2026.11.21", generator="vllm_server", styles=("qa",),
        options={"model": "m", "base_url": address, "retries": 0, "concurrency": 1, **options},
    )  # fmt: skip


def test_a_page_where_an_endpoint_should_be_is_one_clear_message(
    endpoint: tuple[str, list[bytes], list[int]], store: Store, corpus: Ref
) -> None:
    """A wrong path on a proxy answers 200 with HTML; nothing more is asked once that is seen."""
    address, answers, asked = endpoint
    answers[0] = b"<html>welcome</html>"
    with pytest.raises(UserError, match="the answer is none of the OpenAI interface; an address that ends"):
        run(asking(address), store, str(corpus))
    assert asked[1] <= 3


def test_what_a_server_refuses_is_asked_again_by_the_next_run(
    endpoint: tuple[str, list[bytes], list[int]], store: Store, corpus: Ref
) -> None:
    address, answers, asked = endpoint
    answers[0], asked[0] = b'{"message": "this model takes 10 tokens"}', 400
    with pytest.raises(UserError, match="not one question was kept; left out: 10 finish_reason"):
        run(asking(address), store, str(corpus))
    said = {"text": " 文書が述べるものは何ですか。\nA: おそれです。", "finish_reason": "stop", "index": 0}
    body = {"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": [said]}
    answers[0], asked[0] = json.dumps(body).encode(), 200
    card = store.card(run(asking(address), store, str(corpus)))
    assert card.counts["documents_qa"] == 10
    assert asked[1] == 20


def test_a_reply_with_a_line_separator_is_read_back_whole(tmp_path: Path) -> None:
    """JSON leaves U+2028 and U+0085 as they are; only a line feed ends a line of the log."""
    log = Log(tmp_path / "log")
    log.add("a", Reply("一\u2028二\x85三", "stop"))
    log.close()
    again = Log(tmp_path / "log")
    again.close()
    assert again.replies == {"a": Reply("一\u2028二\x85三", "stop")}


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
