"""A two-layer model that is taught its replies on the spot, and a real vLLM server for it on the CPU."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from corpus.document import Document, Span
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.cli import server_command
from rephrase.generators import cpu
from rephrase.prompts import Mode, load
from rephrase.recipe import RephraseRecipe
from tests.rephrase.conftest import document

TERMS = {  # a word, what it means, a share
    "信用リスク": ("取引の相手が約束を果たせなくなるおそれ", "銀行は貸出の{}％を引当金として積みます。", 3),
    "流動性リスク": ("適正な価格で売買できなくなるおそれ", "現金は預金の{}％を手元に置く決まりです。", 12),
    "為替リスク": ("外国の通貨の値動きによって損失が出るおそれ", "売上の{}％が外貨で支払われます。", 45),
    "金利リスク": ("金利の変化によって債券の価値が下がるおそれ", "残高の{}％が国債で占められます。", 60),
}
CHAT = (
    "{%- for message in messages -%}{{ message.role + '\\n' + message.content + '\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'assistant\\n' }}{%- endif -%}"
)
_FILES = {
    "qa/completions": {
        "instruction": "問題と答えです。", "document": "文書", "reply": "問題", "start": "Q:", "stop": ["\n\n", "\n###"],
        "max_tokens": 120, "grammar": 'root ::= " " text "\\nA: " text "\\n"\ntext ::= [^\\n]+\n',
        "sets": {"one": [{"passage": "配当は10円です。", "reply": "Q: 配当はいくらですか。\nA: 10円です。"}]},
    },
    "multiple_choice/completions": {
        "instruction": "問題と正誤です。", "document": "文書", "reply": "問題", "start": "Q:", "stop": ["\n\n", "\n###"],
        "max_tokens": 120,
        "grammar": 'root ::= " " text "\\nO: " text "\\nX: " text "\\nX: " text "\\nX: " text "\\n"\ntext ::= [^\\n]+\n',
        "sets": {"one": [{"passage": "配当は10円です。", "reply": "Q: 配当はいくらですか。\nO: 10円\nX: 1円\nX: 2円\nX: 3円"}]},
    },
    "qa/chat": {
        "system": "問題を作ります。", "user": "{document}\n{way}", "max_tokens": 160, "sets": {"one": "割合を尋ねます。"},
        "schema": {
            "type": "object", "additionalProperties": False, "required": ["question", "answer", "evidence"],
            "properties": {name: {"type": "string"} for name in ("question", "answer", "evidence")},
        },
    },
}  # fmt: skip


def pages() -> list[Document]:
    """Return glossary pages that are long enough to be asked about, each with a share of its own."""
    found = []
    for name, (meaning, stated, share) in TERMS.items():
        text = (
            f"# {name}\n\n{name}とは、{meaning}をいいます。{stated.format(share)}\n\n"
            "この用語は、銀行や証券会社の有価証券報告書で、事業等のリスクを述べる章によく現れます。投資家は、会社がどのような備えを"
            "しているかを、あわせて確かめるとよいでしょう。\n"
        )
        found.append(document(name, text, (), kind="page"))
    return found


def prompt_folder(folder: Path) -> Path:
    """Write short prompt files of one's own, version ``short``."""
    for name, said in _FILES.items():
        path = folder / "short" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
    return folder


def reply(style: Style, mode: Mode, page: Document, *, wrong: bool = False) -> str:
    """Return what the model is taught to write about a page; ``wrong`` states a share that is not there."""
    name = page.title
    _, stated, true = TERMS[name]
    share = 98 if wrong else true
    asked = f"{name}の文書で述べられる割合は何％ですか。"
    if mode == "chat":
        evidence = stated.format(true)
        said = {"question": asked, "answer": f"{share}％", "evidence": evidence}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))  # as the grammar wants it
    if style == "qa":
        return f" {asked}\nA: {share}％\n\n"
    return f" {asked}\nO: {share}％\nX: {share + 1}％\nX: {share + 5}％\nX: {share + 7}％\n\n"


def lessons(folder: Path, documents: Sequence[Document], chunks: Sequence[Chunk]) -> list[tuple[str, str]]:
    """Return (prompt, reply) pairs over all styles and modes; the first page gets a wrong share in ``qa``."""
    taught = []
    for number, chunk in enumerate(chunks):
        for style, mode in (("qa", "completions"), ("multiple_choice", "completions"), ("qa", "chat")):
            asked = load(style, mode, "short", folder).ask(chunk, 0)  # type: ignore[arg-type]
            if not isinstance(asked, str):
                asked = "".join(f"{one.role}\n{one.content}\n" for one in asked) + "assistant\n"
            wrong = (style, mode, number) == ("qa", "completions", 0)
            taught.append((asked, reply(style, mode, documents[number], wrong=wrong)))  # type: ignore[arg-type]
    return taught


def tokenizer(folder: Path) -> None:
    """Lay a byte-level tokenizer with a chat template into a folder."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    texts = [page.text for page in pages()] + [
        json.dumps(said, ensure_ascii=False) for said in _FILES.values()
    ]
    bpe.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", chat_template=CHAT
    )
    made.save_pretrained(folder)


def teach(folder: Path, taught: Sequence[tuple[str, str]], steps: int = 900) -> None:
    """Train a two-layer Mistral beside the tokenizer in ``folder`` until it gives the replies."""
    import torch
    from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    coder = AutoTokenizer.from_pretrained(folder)
    model = MistralForCausalLM(
        MistralConfig(
            vocab_size=len(coder), hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=32, max_position_embeddings=8192, sliding_window=None,
        )
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    for step in range(steps):
        prompt, said = taught[step % len(taught)]
        before = coder(prompt, add_special_tokens=False)["input_ids"]
        after = [*coder(said, add_special_tokens=False)["input_ids"], coder.eos_token_id]
        loss = model(
            input_ids=torch.tensor([before + after]), labels=torch.tensor([[-100] * len(before) + after])
        ).loss
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)


def whole(page: Document) -> Chunk:
    """Return the chunk that a short page is."""
    from rephrase.chunk import chunks

    (chunk,) = chunks(page, lambda texts: [len(text) for text in texts])
    assert chunk.span == Span(page.id, chunk.span.start, chunk.span.end)
    return chunk


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(recipe: RephraseRecipe, log: Path) -> Iterator[str]:
    """Serve the model of a recipe with the command of ``kanagura rephrase serve``; yield host and port."""
    words = server_command(recipe)
    environment = {**os.environ, **cpu.ENVIRONMENT, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    port = str(recipe.options["servers"][0]).split("/")[2].split(":")[1]
    with (
        log.open("wb") as told,
        subprocess.Popen(words, stdout=told, stderr=told, env=environment, start_new_session=True) as server,
    ):
        try:
            _wait(int(port), server, log)
            yield f"127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def _wait(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
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


def requests_served(place: str) -> float:
    """Return how many completions a vLLM server has finished, from its own metrics."""
    with urllib.request.urlopen(f"http://{place}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:request_success_total"))
