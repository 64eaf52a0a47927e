"""``python -m bench.eval_speed [MODEL_DIR] [--tasks ...] [--items N] [--device cpu|cuda]``: items a second against the
Hugging Face back end of lm-evaluation-harness.

Both sides load the same model, get the same items in their tasks' own order, and run in a process each, in turns. Without
MODEL_DIR a model of 8 million weights with a vocabulary of 16,000 is made on the spot, untrained, so that the model and not
Python is measured. ``ratio`` is our items a second over theirs, each side at its best round, model loading left out and
tokenization in. ``identical`` says that every choice is the same and no likelihood differs by more than 1e-4 (float32; 16-bit
formats are told, not judged). Peak memory is the process's, on a GPU that of the allocator too.

How both grow: time with the tokens that are read; ours reads what items and choices share once, so that it grows with the
distinct tokens (an item that adds a target to the sentence before it adds a few), theirs with the tokens of every choice
that is longer than one token. Memory: theirs with batch x longest prompt x vocabulary, ours with batch_tokens and the places
that are scored.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eval.evaluators.bos import special_tokens
from eval.items import Answer, Item

SIDES = ("ours", "theirs")


def make_model(folder: Path, layers: int = 4, width: int = 256) -> Path:
    """Save an untrained Llama with a byte-level tokenizer trained on the prompts of the tasks."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=16_000,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [
        item.context + item.continuations[0] for task in ("chabsa", "cpa_audit") for item in items(task, 1500)
    ]
    raw.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16_000,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def items(task: str, number: int) -> list[Item]:
    """Return the first ``number`` items of a task that needs no corpus."""
    from datacards.plugins import make
    from eval.tasks import GROUP

    found = make(GROUP, task, {"task": task}).items(None)
    return [item for item in found if isinstance(item, Item)][:number]


def ours(
    model: Path, asked: dict[str, list[Item]], options: argparse.Namespace
) -> Iterator[dict[str, list[list[float]]]]:
    """Yield the likelihoods of every round."""
    from eval.evaluators.asking import Asking
    from eval.evaluators.loading import open_model

    loaded = open_model(model, dtype=options.dtype, device=options.device)
    while True:
        total = sum(map(len, asked.values()))
        with Asking(loaded, "original", None, options.batch_tokens, total) as asking:
            found = {name: asking.ask(members, lambda _: None) for name, members in asked.items()}
        yield {
            name: [list(one.loglikelihoods) for one in results if isinstance(one, Answer)]
            for name, results in found.items()
        }


def theirs(
    model: Path, asked: dict[str, list[Item]], options: argparse.Namespace
) -> Iterator[dict[str, list[list[float]]]]:
    """Yield the likelihoods of every round."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoConfig

    rule = special_tokens("original", AutoConfig.from_pretrained(model).model_type)
    lm = HFLM(
        pretrained=str(model.resolve()),
        device=options.device,
        dtype=options.dtype,
        batch_size=options.batch_size,
        add_bos_token=rule,
        softmax_dtype="float32",
    )
    while True:
        found = {}
        for name, members in asked.items():
            requests = [
                Instance("loglikelihood", {}, (i.context, c), 0) for i in members for c in i.continuations
            ]
            values = iter(lm.loglikelihood(requests, disable_tqdm=True))
            found[name] = [[float(next(values)[0]) for _ in item.continuations] for item in members]
        yield found


def side(name: str, options: argparse.Namespace) -> None:
    """Run one side: a line in starts a round, a line out is its figures."""
    asked = {task: items(task, options.items) for task in options.tasks}
    rounds = (ours if name == "ours" else theirs)(options.model, asked, options)
    for _ in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        found = next(rounds)
        told: dict[str, Any] = {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "found": found,
        }
        told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if options.device == "cuda":
            import torch

            told["gpu_mb"] = torch.cuda.max_memory_allocated() // 2**20
        print("ROUND " + json.dumps(told), flush=True)


class Side:
    """One side in a process of its own."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        words = [
            sys.executable, "-m", "bench.eval_speed", str(options.model), "--side", name, "--tasks", *options.tasks,
            "--items", str(options.items), "--device", options.device, "--dtype", options.dtype,
            "--batch-tokens", str(options.batch_tokens), "--batch-size", str(options.batch_size),
        ]  # fmt: skip
        # One thread for the tokenizers of both: what is measured is the work, not how many cores it is spread over.
        env = {**os.environ, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "true"}
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )
        self.rounds: list[dict[str, Any]] = []

    def round(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("ROUND "):
                self.rounds.append(json.loads(line[6:]))
                return
        raise SystemExit(f"a side of the benchmark ended with {self.process.wait()}")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run both sides in turns; the first round, which loads the model, is not counted."""
    sides = {name: Side(name, options) for name in SIDES}
    for number in range(options.rounds + 1):
        for name in SIDES if number % 2 else SIDES[::-1]:
            sides[name].round()
    for one in sides.values():
        one.close()
    figures: dict[str, Any] = {"model": options.model.name, "device": options.device, "dtype": options.dtype}
    total = sum(len(found) for found in sides["ours"].rounds[0]["found"].values())
    for name, one in sides.items():
        clock = "seconds" if options.device == "cuda" else "cpu"
        best = min(one.rounds[1:], key=lambda told: told[clock])
        figures[f"{name}_items_per_second"] = round(total / best["seconds"], 2)
        figures[f"{name}_seconds"] = [round(told["seconds"], 2) for told in one.rounds[1:]]
        figures[f"{name}_cpu_seconds"] = [round(told["cpu"], 2) for told in one.rounds[1:]]
        figures[f"{name}_peak_mb"] = best["peak_mb"]
        if "gpu_mb" in best:
            figures[f"{name}_gpu_mb"] = best["gpu_mb"]
    for clock in ("seconds", "cpu"):
        least = {name: min(told[clock] for told in one.rounds[1:]) for name, one in sides.items()}
        figures["ratio" if clock == "seconds" else "ratio_cpu"] = round(least["theirs"] / least["ours"], 2)
    largest, same = difference(sides["ours"].rounds[-1]["found"], sides["theirs"].rounds[-1]["found"])
    figures |= {"items": total, "tasks": list(options.tasks), "max_abs_diff": largest, "same_choices": same}
    figures["identical"] = same == 1.0 and largest <= 1e-4
    return figures


def difference(a: dict[str, list[list[float]]], b: dict[str, list[list[float]]]) -> tuple[float, float]:
    """Return the largest difference of a likelihood, and the share of items with the same choice."""
    pairs = [pair for task in a for pair in zip(a[task], b[task], strict=True)]
    largest = max(abs(x - y) for one, other in pairs for x, y in zip(one, other, strict=True))
    return largest, sum(_best(one) == _best(other) for one, other in pairs) / len(pairs)


def _best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def main() -> None:
    """Print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description="Items a second against lm-evaluation-harness on the same model."
    )
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--tasks", nargs="+", default=["chabsa", "cpa_audit"])
    parser.add_argument("--items", type=int, default=120, help="the first so many items of every task")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16", "auto"])
    parser.add_argument("--batch-tokens", type=int, default=4096, help="ours")
    parser.add_argument("--batch-size", type=int, default=16, help="theirs")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        side(options.side, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None:
            options.model = make_model(Path(folder) / "llama-8m")
        figures = compare(options)
    for key, value in figures.items():
        print(f"{key:<28}{value}")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
