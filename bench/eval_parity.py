"""Likelihoods, choices and figures against a recorded run of the original harness, item by item.

``python -m bench.eval_parity MODEL_DIR EXPECTED.json.gz [--data FOLDER] [--evaluator NAME] [--bos RULE]``

EXPECTED holds ``{TASK: {n, first_n_of_full_set, metrics, items: [{ctx_sha256, ll, n_ctx, n_cont, gold, cont_sha8}]}}`` per
task as the original names it (``cma_basics-1.0-0.1.2``). Items are found by the hash of their prompt, as the order of
files differs between file systems. Tasks whose data is not on this machine are skipped with the reason; ``--data`` names
a folder that has it (``kanagura eval data``). Figures are held against those recorded only where all the items that they
are made of are recorded too. The last line is JSON; the status is 1 where anything differs.
"""

import argparse
import gzip
import hashlib
import json
import math
import sys
import zlib
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
from eval.tasks.exams import Asking, CmaBasics, Exam, Fp2, Published, SecuritySales1, read
from eval.tasks.prompts import VERSIONS

EVALUATORS = "kanagura.evaluators"
GOLDEN = Path(__file__).resolve().parents[2] / "shared" / "eval-golden"
MODEL, EXPECTED = GOLDEN / "tiny-llama-tuned", GOLDEN / "per_item_tiny-llama-tuned.json.gz"
CLOSE = 1e-4  # nats: what counts as equal
SUITE: dict[str, type[Chabsa | Exam]] = {
    "chabsa": Chabsa, "cma_basics": CmaBasics, "cpa_audit": CpaAudit, "fp2": Fp2,
    "security_sales_1": SecuritySales1,
}  # fmt: skip
Key = tuple[str, tuple[str, ...], int]


def main(argv: Sequence[str]) -> int:
    """Compare and print; return 1 where something differs, else 0."""
    parser = argparse.ArgumentParser(prog="bench.eval_parity", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("expected", type=Path, nargs="?", default=EXPECTED)
    parser.add_argument("--data", type=Path, help="a folder with NAME/data.json of what may not be shipped")
    parser.add_argument("--evaluator", default="", help="a plug-in; by default ours where it is installed")
    parser.add_argument(
        "--bos",
        default="",
        help="a rule of the evaluator's, by default the one whose token counts were recorded",
    )
    parser.add_argument("--batch-size", type=int, default=16, help="of the evaluator lm_eval")
    given = parser.parse_args(argv)
    if given.model == MODEL and not MODEL.is_dir():
        print(
            json.dumps(
                {"skipped": "no golden run beside this checkout; name a model and what was recorded of it"}
            )
        )
        return 0
    if not given.model.is_dir():
        raise UserError(str(given.model), "is no folder", "a checkpoint")
    expected = recording(given.expected)
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
              f"{one['flips']} other choices, {one['counts']} other token counts, figures {told_figures(one['figures'])}")  # fmt: skip
    for name, reason in skipped.items():
        print(f"{name}: skipped, {reason}")
    last = {
        "max_abs_diff": max((one["difference"] for one in told), default=None),
        "same_choices": bool(told) and not any(one["flips"] for one in told),
        "other_choices": sum(one["flips"] for one in told),
        "near_ties": sum(one["ties"] for one in told),
        "other_token_counts": sum(one["counts"] for one in told),
        "max_metric_diff": max((one["figures"] for one in told if one["figures"] is not None), default=None),
        "items": sum(one["items"] for one in told),
        "tasks": [one["task"] for one in told],
        "skipped": skipped,
        "evaluator": {"name": type(evaluator).__name__, **evaluator.settings()},
    }
    print(json.dumps(last, ensure_ascii=False))
    same = last["same_choices"] and last["max_abs_diff"] <= CLOSE and not last["other_token_counts"]
    return 0 if same and (last["max_metric_diff"] or 0.0) <= CLOSE else 1


def told_figures(difference: float | None) -> str:
    """Return how far figures are apart, None where none were recorded for just these items."""
    return "not compared" if difference is None else f"differ by {difference:.2e}"


def recording(path: Path) -> dict[str, Any]:
    """Return what a recorded run holds, compressed or not; UserError where it cannot be read."""
    try:
        held = path.read_bytes()
        told = json.loads(gzip.decompress(held) if held[:2] == b"\x1f\x8b" else held)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(str(path), f"cannot be read: {error}", "JSON, as gzip or plain") from error
    if not isinstance(told, dict):
        raise UserError(str(path), "holds no tasks", "{TASK: {n, metrics, items}}")
    return told


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
    sources: dict[str, Sequence[Asking] | UserError] = {}
    for name, recorded in expected.items():
        try:
            rows = _rows(name, recorded)
            pairs = _paired(_items(name, data, sources), rows)
        except UserError as error:
            skipped[name] = error.format_message()
            continue
        if len(pairs) < len(rows):
            skipped[name] = f"{len(rows) - len(pairs)} of its items are not among ours"
        elif pairs:
            found[name] = pairs
        else:
            skipped[name] = "holds no item"
    return found, skipped


def _rows(name: str, recorded: Any) -> list[dict[str, Any]]:
    """Return the items that were recorded for a task; UserError where one lacks what is compared."""
    try:
        rows: list[dict[str, Any]] = recorded["items"]
        for row in rows:
            sizes = {len(row[key]) for key in ("ll", "n_cont", "cont_sha8")}
            known = all(map(math.isfinite, [*row["ll"], row["n_ctx"], row["gold"], *row["n_cont"]]))
            if len(sizes) > 1 or not row["ll"] or not known:
                raise UserError(name, f"item {row.get('i', '?')} is damaged", "a number for each choice")
            (row["ctx_sha256"], *row["cont_sha8"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(name, f"is not recorded as it should be: {error!r}") from error
    return rows


def _items(name: str, data: Path | None, sources: dict[str, Sequence[Asking] | UserError]) -> list[Item]:
    """Return our items for a task as the original names it: ``NAME`` or ``NAME-1.0-VERSION``.

    ``sources`` holds what was found of the data of tasks, so that each is looked for once.
    """
    task, _, ending = name.partition("-")
    version = ending.removeprefix("1.0-") or "default"
    if task not in SUITE or version not in VERSIONS:
        raise UserError(name, "is no task of the benchmark", f"{', '.join(SUITE)}, each with -1.0-VERSION")
    made = SUITE[task].model_validate({"prompt": version})
    if not isinstance(made, Published):
        return made.items(None)
    if task not in sources:
        try:
            sources[task] = read(open_source(task, data))
        except UserError as error:
            sources[task] = error
    questions = sources[task]
    if isinstance(questions, UserError):
        raise questions
    return made.asked(questions)


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
                for told, value in (recorded.get("metrics") or {}).items()
                if (recorded.get("first_n_of_full_set") or recorded.get("n") or len(rows)) == len(rows)
                and (metric := told.removesuffix(",none")) in figures
                and isinstance(value, int | float)
            ),
            default=None,
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
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(error.format_message())
