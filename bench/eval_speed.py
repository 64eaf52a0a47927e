"""``python -m bench.eval_speed [MODEL_DIR] [--weights 1.3e9] [--device cuda] [--dtype bfloat16] [--batch-tokens ...]
[--batch-size ...]``: items a second against the Hugging Face back end of lm-evaluation-harness.

Both sides load the same model, get the same items in their tasks' own order, and run in a process each, in turns. Without
MODEL_DIR a Llama of ``--weights`` weights is made on the spot, untrained, by default of 7.5 million, so that the model and not
Python is measured. A side may be given several batch sizes: it is measured with each, judged by its best, and how many
choices change from one to another is told (``choices_moved``): with 16-bit weights the batch bears on rounding. ``auto`` has
the peer look for the largest batch that fits, up to 64 rows, before every task, which is in its time as in any run of it.
Loading the model is in no time, tokenization is in all.
``ratio`` is our items a second over theirs. ``identical`` says that every choice is the same and no likelihood differs by more
than 1e-4 (float32; 16-bit formats are told, not judged). Peak memory is the process's, on a GPU that of the allocator too.

How both grow: time with the tokens that are read; ours reads what items and choices share once, so that it grows with the
distinct tokens (an item that adds a target to the sentence before it adds a few), theirs with the tokens of every choice
that is longer than one token. Memory: theirs with batch x longest prompt x vocabulary, ours with batch_tokens and the places
that are scored.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

from bench.peers.eval_side import Found, items

SIDES = {"ours": "batch_tokens", "theirs": "batch_size"}
BEGIN, END = "<s>", "</s>"


def make_model(folder: Path, weights: float, vocabulary: int, device: str, dtype: str) -> Path:
    """Save an untrained Llama of about ``weights`` weights, and a byte-level tokenizer trained on the prompts of the tasks."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=16_000,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [
        item.context + item.continuations[0] for task in ("chabsa", "cpa_audit") for item in items(task, 1500)
    ]
    raw.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token=BEGIN, eos_token=END, pad_token=END
    ).save_pretrained(folder)
    torch.manual_seed(0)
    layers, width = shape(weights, vocabulary)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(4, width // 128),
        num_key_value_heads=max(4, width // 128),
        max_position_embeddings=4096,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    with torch.device(device):
        model = LlamaForCausalLM(config)
    if dtype != "auto":
        model.to(getattr(torch, dtype))
    model.save_pretrained(folder)
    return folder


def shape(weights: float, vocabulary: int) -> tuple[int, int]:
    """Return how many layers of what width come nearest to ``weights``, in the proportions of published models."""
    known = [(4, 256), (6, 384), (8, 512), (16, 1024), (24, 2048), (32, 2560), (32, 4096), (40, 5120)]
    return min(known, key=lambda one: abs(one[0] * 13 * one[1] ** 2 + vocabulary * one[1] - weights))


class Side:
    """One side in a process of its own."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        words = [
            sys.executable, "-m", "bench.peers.eval_side", name, str(options.model), options.device, options.dtype,
            str(options.items), *options.tasks,
        ]  # fmt: skip
        # One thread for the tokenizers of both: what is measured is the work, not how many cores it is spread over.
        env = {**os.environ, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "true"}
        self.name, self.sizes = name, getattr(options, SIDES[name])
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115  lives as long as the process
        self.process: Any = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True, env=env
        )
        self.rounds: dict[str, list[dict[str, Any]]] = {str(size): [] for size in self.sizes}

    def round(self) -> None:
        """Run all items once with every batch size."""
        for size, told in self.rounds.items():
            self.process.stdin.write(f"{size}\n")
            self.process.stdin.flush()
            line = next((one for one in self.process.stdout if one.startswith("ROUND ")), None)
            if line is None:
                self.said.seek(0)
                raise SystemExit(f"{self.name} ended with {self.process.wait()}:\n{self.said.read()[-4000:]}")
            told.append(json.loads(line[6:]))

    def close(self) -> None:
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()

    def least(self, clock: str) -> tuple[float, str]:
        """Return the shortest time, and the batch size that took it; the first round, which loads, does not count."""
        return min((told[clock], size) for size, all_ in self.rounds.items() for told in all_[1:])

    def figures(self, total: int, clock: str) -> dict[str, Any]:
        """Return what is told of the side, by the batch size that was best for it."""
        best = self.least(clock)[1]
        told = self.rounds[best][1:]
        found = {
            "batch": f"{SIDES[self.name]} {best}",
            "items_per_second": round(total / min(one["seconds"] for one in told), 2),
            "seconds": {size: [round(one["seconds"], 2) for one in all_[1:]] for size, all_ in self.rounds.items()},
            "cpu_seconds": {size: [round(one["cpu"], 2) for one in all_[1:]] for size, all_ in self.rounds.items()},
            "peak_mb": max(one["peak_mb"] for one in told),
        }  # fmt: skip
        if "gpu_mb" in told[0]:
            found["gpu_mb"] = {size: all_[-1]["gpu_mb"] for size, all_ in self.rounds.items()}
        if len(self.rounds) > 1:
            pairs = [
                difference(*pair) for pair in combinations([self.found(size) for size in self.rounds], 2)
            ]
            found["choices_moved"] = max(moved for _, moved in pairs)
            found["moved_by"] = max(largest for largest, _ in pairs)
        return {f"{self.name}_{key}": value for key, value in found.items()}

    def found(self, size: str) -> Found:
        """Return the likelihoods of the last round with a batch size."""
        likelihoods: Found = self.rounds[size][-1]["found"]
        return likelihoods


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run both sides in turns and return the figures."""
    sides = {name: Side(name, options) for name in SIDES}
    for number in range(options.rounds + 1):
        for name in list(sides) if number % 2 else list(sides)[::-1]:
            sides[name].round()
    for one in sides.values():
        one.close()
    clock = "seconds" if options.device == "cuda" else "cpu"
    found = [one.found(one.least(clock)[1]) for one in sides.values()]
    total = sum(map(len, found[0].values()))
    figures: dict[str, Any] = {"model": options.model.name, "device": options.device, "dtype": options.dtype}
    if options.device == "cuda":
        figures["gpu"] = sides["ours"].rounds[str(options.batch_tokens[0])][0]["gpu"]
    for one in sides.values():
        figures |= one.figures(total, clock)
    for name, kind in (("ratio", "seconds"), ("ratio_cpu", "cpu")):
        figures[name] = round(sides["theirs"].least(kind)[0] / sides["ours"].least(kind)[0], 2)
    largest, moved = difference(*found)
    figures |= {"items": total, "tasks": list(options.tasks), "max_abs_diff": largest}
    figures |= {"choices_differ": moved, "same_choices": 1 - moved / total}
    figures["identical"] = moved == 0 and largest <= 1e-4
    return figures


def difference(a: Found, b: Found) -> tuple[float, int]:
    """Return the largest difference of a likelihood, and how many items have another choice."""
    pairs = [pair for task in a for pair in zip(a[task], b[task], strict=True)]
    largest = max(abs(x - y) for one, other in pairs for x, y in zip(one, other, strict=True))
    return largest, sum(one.index(max(one)) != other.index(max(other)) for one, other in pairs)


def main() -> None:
    """Print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description="Items a second against lm-evaluation-harness on the same model."
    )
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--weights", type=float, default=7.5e6, help="of the model that is made")
    parser.add_argument(
        "--vocabulary", type=int, default=16_000, help="of the model that is made, 16000 at least"
    )
    parser.add_argument("--tasks", nargs="+", default=["chabsa", "cpa_audit"])
    parser.add_argument("--items", type=int, default=120, help="the first so many items of every task")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16", "auto"])
    parser.add_argument("--batch-tokens", nargs="+", type=int, default=[4096], help="ours")
    parser.add_argument("--batch-size", nargs="+", default=["16"], help="theirs, in rows, or auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None:
            name = f"llama-{options.weights / 1e6:.0f}m"
            options.model = make_model(
                Path(folder) / name, options.weights, options.vocabulary, options.device, options.dtype
            )
        figures = compare(options)
    for key, value in figures.items():
        print(f"{key:<28}{value}")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
