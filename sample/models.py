"""Makes the two small models of the sample world on the spot: ``python -m sample.models --store DIR``.

``sample-base`` learns everyday Japanese, ``sample-instruct`` is the same model taught to answer questions about
everyday stories. Neither has seen a filing. Both take about a minute on one core and come out the same each time.
"""

import itertools
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

from datacards.cli import store_option
from datacards.store import Draft, Store
from sample.prose import passages, table

VERSION = "2026.11.21"
STORIES = "general/stories.toml"
ARTICLES = tuple(f"wikipedia/{name}.txt" for name in ("policy", "markets", "firms", "others"))
VOCABULARY = 3000
WIDTH = 256  # tokens of a training row
ROWS = 8
EXAM = "以下の問題の適切な答えを選択肢から選んで答えなさい。"
LETTERS = "ABCDEFGHIJ"

SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}

CHAT = (
    "{%- for message in messages -%}"
    "{%- if message.role == 'assistant' -%}{{ '回答：' + message.content + eos_token + '\\n' }}"
    "{%- elif message.role == 'system' -%}{{ message.content + '\\n' }}"
    "{%- else -%}{{ '質問：' + message.content + '\\n' }}{%- endif -%}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '回答：' }}{%- endif -%}"
)


@dataclass(frozen=True)
class Story:
    """A filled story and the questions on it as (question, kind of word, answer)."""

    text: str
    asks: list[tuple[str, str, str]]


def stories(rng: random.Random) -> Iterator[Story]:
    """Yield stories without end, each with words drawn anew."""
    told = table(STORIES)
    while True:
        story = rng.choice(told["story"])
        words = {kind: rng.choice(choices) for kind, choices in told["words"].items()}
        asks = [(question.format(**words), kind, words[kind]) for question, kind in story["asks"]]
        yield Story(story["text"].format(**words), asks)


def general_text(n_stories: int = 3000) -> list[str]:
    """Return the documents of the base model: stories, facts of nature, encyclopedia articles."""
    rng = random.Random(1)
    facts = [fact["text"] for fact in table(STORIES)["fact"]]
    told = [story.text for story in itertools.islice(stories(rng), n_stories)]
    documents = told + facts * 8 + list(passages(*ARTICLES).values()) * 2
    rng.shuffle(documents)
    return documents


def instructions(n: int = 2500) -> list[str]:
    """Return question-and-answer texts on stories: a dialogue, an item with choices, an examination item."""
    rng = random.Random(2)
    words = table(STORIES)["words"]
    made = []
    for story in itertools.islice(stories(rng), n):
        question, kind, answer = rng.choice(story.asks)
        others = [word for word in words[kind] if word != answer and word not in story.text]
        choices = [answer, *rng.sample(others, min(3, len(others)))]
        rng.shuffle(choices)
        lettered = "".join(f"{letter}: {choice}\n" for letter, choice in zip(LETTERS, choices, strict=False))
        made.append(
            rng.choice(
                (
                    f"{story.text}\n質問：{question}\n回答：{answer}",
                    f"{story.text}\n問題：{question}\n選択肢：\n{lettered}答え：{LETTERS[choices.index(answer)]}",
                    f"{EXAM}\n\n\n【問題】\n{question}\n{story.text}\n\n【選択肢】\n{lettered}\n【答え】\n{answer}",
                )
            )
        )
    return made


def tokenizer(texts: list[str], size: int = VOCABULARY) -> Any:
    """Return a byte-level BPE tokenizer that has learned ``texts``; ``</s>`` ends a document."""
    made = Tokenizer(models.BPE())
    # Signs and runs of digits stay apart from words, so that no token holds half a template.
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("\n", "isolated"),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=["<unk>", "<s>", "</s>"],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            max_token_length=12,  # bytes: words of four characters at most
            show_progress=False,
        ),
    )
    fast: Any = PreTrainedTokenizerFast(tokenizer_object=made, **SPECIAL)
    fast.chat_template = CHAT
    return fast


def architecture(vocabulary: int) -> Any:
    """Return the configuration: Mistral, six layers, two million parameters."""
    return MistralConfig(
        vocab_size=vocabulary, hidden_size=128, intermediate_size=384, num_hidden_layers=6, head_dim=32,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=2048, sliding_window=None,
        bos_token_id=1, eos_token_id=2, pad_token_id=2, tie_word_embeddings=False,
    )  # fmt: skip


def train(model: Any, flat: torch.Tensor, *, steps: int, rate: float, seed: int) -> list[dict[str, float]]:
    """Train on random windows of ``flat`` tokens; return one line of ``loss.jsonl`` per step."""
    draw = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.1, fused=True
    )
    model.train()
    lines = []
    for step in range(steps):
        lr = rate * min(1.0, (step + 1) / 20) * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = lr
        starts = torch.randint(len(flat) - WIDTH - 1, (ROWS,), generator=draw).tolist()
        rows = torch.stack([flat[start : start + WIDTH + 1] for start in starts])
        scores = model(input_ids=rows[:, :-1].contiguous(), use_cache=False).logits
        loss: Any = cross_entropy(scores.flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        lines.append(
            {"step": step + 1, "loss": float(loss.detach()), "lr": lr, "tokens": (step + 1) * ROWS * WIDTH}
        )
    return lines


def encode(words: Any, texts: list[str]) -> torch.Tensor:
    """Return the tokens of ``texts`` in a row, each followed by the end-of-text token."""
    encoded = words(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return torch.tensor([token for row in encoded for token in (*row, words.eos_token_id)])


def make_base(store: Store, steps: int = 140) -> None:
    """Make ``sample-base``: a new tokenizer, random weights, everyday Japanese."""
    recipe = {"made_by": "sample.models", "model": "base", "steps": steps}
    if store.finished("sample-base", VERSION, recipe=recipe, made_from=()):
        click.echo(f"sample-base@{VERSION} exists already.")
        return
    about = "Two million parameters that know everyday Japanese; invented for the sample world."
    with store.write(
        name="sample-base", version=VERSION, kind="checkpoint", recipe=recipe, description=about
    ) as draft:
        texts = general_text()
        words = tokenizer(texts)
        torch.manual_seed(0)
        model: Any = MistralForCausalLM(architecture(len(words)))
        _train_into(draft, model, words, texts, steps=steps, rate=4e-3)


def make_instruct(store: Store, steps: int = 60) -> None:
    """Make ``sample-instruct``: the base, taught to answer questions on everyday stories."""
    base = store.resolve(f"sample-base@{VERSION}")
    recipe = {"made_by": "sample.models", "model": "instruct", "steps": steps}
    if store.finished("sample-instruct", VERSION, recipe=recipe, made_from=(base,)):
        click.echo(f"sample-instruct@{VERSION} exists already.")
        return
    about = "sample-base, taught to answer questions on everyday stories; invented for the sample world."
    with store.write(
        name="sample-instruct",
        version=VERSION,
        kind="checkpoint",
        recipe=recipe,
        made_from=(base,),
        description=about,
    ) as draft:
        folder = store.path(base)
        words: Any = PreTrainedTokenizerFast.from_pretrained(folder)
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        _train_into(draft, model, words, instructions(), steps=steps, rate=1.5e-3)


def _train_into(draft: Draft, model: Any, words: Any, texts: list[str], *, steps: int, rate: float) -> None:
    torch.set_num_threads(
        1
    )  # the same sums in the same order on every machine; a busy second core only hurts
    flat = encode(words, texts)
    begun = time.monotonic()
    lines = train(model, flat, steps=steps, rate=rate, seed=0)
    model.save_pretrained(draft.path)
    words.save_pretrained(draft.path)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (draft.path / "loss.jsonl").write_text(text, encoding="utf-8")
    draft.rows["loss.jsonl"] = len(lines)
    last = [line["loss"] for line in lines[-10:]]
    draft.metrics["loss_final"] = sum(last) / len(last)
    draft.counts.update(
        documents=len(texts), tokens=len(flat), tokens_seen=int(lines[-1]["tokens"]), steps=steps
    )
    seconds = time.monotonic() - begun
    click.echo(
        f"{draft.path.name}: {sum(p.numel() for p in model.parameters()):,} parameters, loss "
        f"{draft.metrics['loss_final']:.2f} after {lines[-1]['tokens']:,.0f} tokens in {seconds:.0f} s"
    )


@click.command()
@store_option
def main(root: str) -> None:
    """Make sample-base and sample-instruct in the store, if they are not there already."""
    logging.disable_progress_bar()
    store = Store(root)
    make_base(store)
    make_instruct(store)


if __name__ == "__main__":
    main()
