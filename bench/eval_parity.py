"""Likelihoods, choices and figures against a recorded run of the original harness, item by item.

``python -m bench.eval_parity MODEL_DIR EXPECTED.json.gz [--data FOLDER] [--evaluator NAME] [--bos RULE]``

EXPECTED holds ``{TASK: {n, first_n_of_full_set, metrics, items: [{ctx_sha256, ll, n_ctx, n_cont, gold, cont_sha8}]}}`` per
task as the original names it (``cma_basics-1.0-0.1.2``). Items are found by the hash of their prompt, as the order of
files differs between file systems. Tasks whose data is not on this machine are skipped with the reason; ``--data`` names
a folder that has it (``kanagura eval data``). The last line is JSON; the status is 1 where anything differs.
"""

import argparse
import gzip
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

from transformers import AutoConfig, AutoTokenizer

from datacards import plugins
from datacards.errors import UserError
from datacards.objective import Loaded
from eval.base import Evaluator
from eval.data.fetch import open_source
from eval.evaluators.bos import Bos
from eval.evaluators.encoding import Encoder
from eval.items import Answer, Item
from eval.metrics import accuracy, official_f1, reciprocal_rank
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit
from eval.tasks.exams import CmaBasics, Exam, Fp2, Published, SecuritySales1, read
from eval.tasks.prompts import VERSIONS

EVALUATORS = "kanagura.evaluators"
CLOSE = 1e-4  # nats: what counts as equal
SUITE: dict[str, type[Chabsa | Exam]] = {
    "chabsa": Chabsa, "cma_basics": CmaBasics, "cpa_audit": CpaAudit, "fp2": Fp2,
    "security_sales_1": SecuritySales1,
}  # fmt: skip
Key = tuple[str, tuple[str, ...], int]


def main(argv: Sequence[str]) -> int:
    """Compare and print; return 1 where something differs, else 0."""
    parser = argparse.ArgumentParser(prog="bench.eval_parity", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("expected", type=Path)
    parser.add_argument("--data", type=Path, help="a folder with NAME/data.json of what may not be shipped")
    parser.add_argument("--evaluator", default="", help="a plug-in; by default ours where it is installed")
    parser.add_argument(
        "--bos",
        default="",
        help="a rule of the evaluator's, by default the one whose token counts were recorded",
    )
    parser.add_argument("--batch-size", type=int, default=16, help="of the evaluator lm_eval")
    given = parser.parse_args(argv)
    with gzip.open(given.expected, "rt", encoding="utf-8") as stream:
        expected: dict[str, Any] = json.load(stream)
    wanted, skipped = _wanted(expected, given.data)
    evaluator = _evaluator(given.evaluator, given.bos or recorded_rule(given.model, wanted), given.batch_size)
    answers: Mapping[str, Any] = {}
    if wanted:
        answers = evaluator.ask(
            model=given.model,
            asked={name: [item for item, _ in pairs] for name, pairs in wanted.items()},
            keep=lambda _name, _results: None,
        )
    told = [
        _compared(name, answers[name], [row for _, row in pairs], expected[name])
        for name, pairs in wanted.items()
    ]
    for one in told:
        print(f"{one['task']}: {one['items']} items, difference {one['difference']:.2e}, "
              f"{one['flips']} other choices, {one['counts']} other token counts, figures differ by {one['figures']:.2e}")  # fmt: skip
    for name, reason in skipped.items():
        print(f"{name}: skipped, {reason}")
    last = {
        "max_abs_diff": max((one["difference"] for one in told), default=None),
        "same_choices": bool(told) and not any(one["flips"] for one in told),
        "other_choices": sum(one["flips"] for one in told),
        "near_ties": sum(one["ties"] for one in told),
        "other_token_counts": sum(one["counts"] for one in told),
        "max_metric_diff": max((one["figures"] for one in told), default=None),
        "items": sum(one["items"] for one in told),
        "tasks": [one["task"] for one in told],
        "skipped": skipped,
        "evaluator": {"name": type(evaluator).__name__, **evaluator.settings()},
    }
    print(json.dumps(last, ensure_ascii=False))
    same = last["same_choices"] and last["max_abs_diff"] <= CLOSE and not last["other_token_counts"]
    return 0 if same and last["max_metric_diff"] <= CLOSE else 1


def recorded_rule(model: Path, wanted: Mapping[str, Sequence[tuple[Item, dict[str, Any]]]]) -> Bos:
    """Return the first rule for the beginning of a sequence that gives the recorded token counts, else ``original``.

    The first, the middle and the last item of every task are looked at.
    """
    sample = [pairs[place] for pairs in wanted.values() for place in {0, len(pairs) // 2, len(pairs) - 1}]
    config, tokenizer = AutoConfig.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    loaded = Loaded(model=SimpleNamespace(config=config), tokenizer=tokenizer, name=model.name)
    for rule in get_args(Bos):
        pairs = Encoder(loaded, rule).pairs([item for item, _ in sample])
        counts = [(len(pair.context), [len(choice) for choice in pair.choices]) for pair in pairs]
        if counts == [(row["n_ctx"], row["n_cont"]) for _, row in sample]:
            found: Bos = rule
            return found
    return "original"


def _evaluator(name: str, bos: str, batch_size: int) -> Evaluator:
    name = name or ("transformers" if "transformers" in plugins.names(EVALUATORS) else "lm_eval")
    options: dict[str, Any] = {"dtype": "float32"} | ({"bos": bos} if bos else {})
    if name == "lm_eval":
        options["batch_size"] = batch_size
    made: Evaluator = plugins.make(EVALUATORS, name, options)
    return made


def _wanted(
    expected: Mapping[str, Any], data: Path | None
) -> tuple[dict[str, list[tuple[Item, dict[str, Any]]]], dict[str, str]]:
    """Return, per task, our items beside what was recorded for them; and the tasks that cannot be compared, with why."""
    found, skipped = {}, {}
    for name, recorded in expected.items():
        try:
            pairs = _paired(_items(name, data), recorded["items"])
        except UserError as error:
            skipped[name] = error.format_message()
            continue
        if len(pairs) < len(recorded["items"]):
            skipped[name] = f"{len(recorded['items']) - len(pairs)} of its items are not among ours"
        elif pairs:
            found[name] = pairs
        else:
            skipped[name] = "holds no item"
    return found, skipped


def _items(name: str, data: Path | None) -> list[Item]:
    """Return our items for a task as the original names it: ``NAME`` or ``NAME-1.0-VERSION``."""
    task, _, ending = name.partition("-")
    version = ending.removeprefix("1.0-") or "default"
    if task not in SUITE or version not in VERSIONS:
        raise UserError(name, "is no task of the benchmark", f"{', '.join(SUITE)}, each with -1.0-VERSION")
    made = SUITE[task].model_validate({"prompt": version})
    if isinstance(made, Published):
        return made.asked(read(open_source(task, data)))
    return made.items(None)


def _paired(items: Sequence[Item], recorded: Sequence[dict[str, Any]]) -> list[tuple[Item, dict[str, Any]]]:
    held: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        gold = -100 if item.gold is None else item.gold
        held[_sha(item.context), tuple(_sha(c)[:8] for c in item.continuations), gold].append(item)
    pairs = []
    for row in recorded:
        same = held[row["ctx_sha256"], tuple(row["cont_sha8"]), row["gold"]]
        if same:
            pairs.append((same.pop(), row))
    return pairs


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _compared(
    name: str, answers: Sequence[Answer], rows: Sequence[dict[str, Any]], recorded: dict[str, Any]
) -> dict[str, Any]:
    pairs = list(zip(answers, rows, strict=True))
    flips = [
        (answer, row)
        for answer, row in pairs
        if answer.prediction != max(range(len(row["ll"])), key=row["ll"].__getitem__)
    ]
    figures = _figures(answers)
    return {
        "task": name,
        "items": len(rows),
        "difference": max(
            abs(a - b) for answer, row in pairs for a, b in zip(answer.loglikelihoods, row["ll"], strict=True)
        ),
        "flips": len(flips),
        "ties": sum(max(row["ll"]) - row["ll"][answer.prediction] < CLOSE for answer, row in flips),
        "counts": sum(
            (answer.context_tokens, list(answer.choice_tokens)) != (row["n_ctx"], row["n_cont"])
            for answer, row in pairs
        ),
        "figures": max(
            (
                abs(figures[metric] - value)
                for told, value in recorded["metrics"].items()
                if (metric := told.removesuffix(",none")) in figures and isinstance(value, float)
            ),
            default=0.0,
        ),
    }


def _figures(answers: Sequence[Answer]) -> dict[str, float]:
    """Return every figure of the original, made of our likelihoods; f1 by its own arithmetic, whatever the items."""
    found: dict[str, float] = {}
    for ending, per_character in (("", False), ("_norm", True)):
        found[f"f1{ending}"] = official_f1(answers, per_character=per_character)
        value, error = accuracy(answers, per_character=per_character)
        found |= {f"acc{ending}": value} | ({f"acc{ending}_stderr": error} if error is not None else {})
        for cut in (None, 2, 3, 4):
            name = f"map{'' if cut is None else f'_{cut}'}{ending}"
            value, error = reciprocal_rank(answers, cut=cut, per_character=per_character)
            found |= {name: value} | ({f"{name}_stderr": error} if error is not None else {})
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
