"""A small store of four evaluated models, base, domain, instruct and merged, scored by the real code on made-up likelihoods."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Ref
from datacards.draft import Draft
from datacards.evaluated import SAMPLES, SCORES, TASKS, Score, TaskRecord, write_records
from datacards.merged import MERGED, SIMILARITY, Merged, Pair, Similarity, to_lines
from datacards.objective import Loaded
from datacards.store import Store
from eval.base import Evaluator, Keep
from eval.items import Answer, Asked, Item, Result, sha256_of
from eval.samples import COMMON, PASSAGE
from eval.scoring import score
from eval.tasks.base import Task
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit
from eval.tasks.examples import COLUMNS

VERSION = "2026.11.21"
SKILL = {"base": 0.2, "domain": 0.5, "instruct": 0.6, "inst": 0.9}
#: What a hostile test set or model writes.
HOSTILE = '<script>alert(1)</script> | $x_1$ \\input{/etc/passwd} % # & ^ ~ `a` [b](javascript:1) ![c](http://x/y)\n\n{"利益": "増加\u202eした"} -- '


class Drawn(Evaluator):
    """Finds the right choice with probability ``skill``, the same at every call."""

    skill: float
    name: str = ""

    def ask(
        self, *, model: Path | Loaded, asked: Mapping[str, Sequence[Asked]], keep: Keep
    ) -> dict[str, list[Result]]:
        del model, keep
        return {task: [self._answer(item) for item in items] for task, items in asked.items()}

    def _answer(self, item: Asked) -> Result:
        dice = random.Random(f"{item.id} {self.name}")  # noqa: S311  a draw, no secret
        assert isinstance(item, Item)
        likelihoods = [dice.uniform(-9, -5) for _ in item.choices]
        if item.gold is not None and dice.random() < self.skill:
            likelihoods[item.gold] = -1.0
        return Answer(item, tuple(likelihoods), (1,) * len(likelihoods), 40)


class Worded(Chabsa):
    """chABSA in the words of another prompt."""

    prompt: str = "0.1"


def evaluate(store: Store, model: Ref, name: str, tasks: Sequence[Task]) -> Ref:
    """Write the evaluation version ``MODEL-NAME`` and return it."""
    evaluator = Drawn(skill=SKILL[model.name], name=model.name)
    with _version(store, model, name) as draft:
        scores, records = score(evaluator, store.path(model), tasks, None, out=draft.path)
        _records(draft, scores, records)
    return store.resolve(f"{model.name}-{name}@{VERSION}")


@contextmanager
def _version(store: Store, model: Ref, name: str) -> Iterator[Draft]:
    with store.write(
        name=f"{model.name}-{name}", version=VERSION, kind="evaluation", recipe={}, made_from=[model]
    ) as draft:
        yield draft


def _records(draft: Draft, scores: Sequence[Score], records: Sequence[TaskRecord]) -> None:
    write_records(draft.path / SCORES, scores)
    write_records(draft.path / TASKS, records)
    for one in scores:
        if not one.group:
            draft.metrics[f"{one.task}/{one.metric}"] = one.value


def _written(draft: Draft, task: str, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    common = {"cluster": "", "group": "", "weight": 1.0, "context_sha256": "0" * 64}
    told = [common | {"cluster": row["id"]} | dict(row) for row in rows]
    (draft.path / SAMPLES).mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(told, schema=schema), draft.path / SAMPLES / f"{task}.parquet")


def converse(store: Store, model: Ref, worth: Mapping[str, float]) -> Ref:
    """Write judged dialogues: ten answers a category, worth ``worth`` and a point more in turn."""
    rows = [
        {"id": f"{group}{n}", "group": group, "value": worth[group] + n % 2, "turn": 1}
        for group in worth for n in range(10)
    ]  # fmt: skip
    record = TaskRecord(
        task="pfmt_bench", kind="chat", metric="official", figure="groups", samples=len(rows), of=720,
        digest="d" * 64, suite="pfmt-bench-fin-ja",
    )  # fmt: skip
    told = {"task": record.task, "metric": record.metric}
    parts = [Score(**told, value=v + 0.5, stderr=0.2, samples=10, group=g) for g, v in worth.items()]
    mean = sum(worth.values()) / len(worth) + 0.5
    failed = Score(
        task=record.task, metric="failed_empty", value=0.25, samples=len(rows), higher_is_better=False
    )
    whole = Score(**told, value=mean, samples=len(rows), figure="groups")
    with _version(store, model, "pfmt") as draft:
        _written(draft, record.task, rows, pa.schema(COMMON))
        _records(draft, [whole, *parts, failed], [record])
    return store.resolve(f"{model.name}-pfmt@{VERSION}")


def surprise(store: Store, model: Ref, bits: float) -> Ref:
    """Write the held-out text of two sources as bits per byte: lower is better."""
    rows = [
        {"id": f"p{n}", "group": "edinet" if n % 2 else "boj", "value": (bits + n / 50) * 90, "weight": 90.0}
        for n in range(20)
    ]
    values = [float(str(row["value"])) for row in rows]
    record = TaskRecord(
        task="perplexity", kind="passage", metric="bits_per_byte", figure="ratio", samples=20, of=20,
        digest="e" * 64,
    )  # fmt: skip
    told = {"task": record.task, "metric": record.metric, "figure": "ratio", "higher_is_better": False}
    whole = Score(**told, value=sum(values) / 1800, samples=20)
    parts = [
        Score(**told, value=sum(values[n::2]) / 900, samples=10, group=group)
        for n, group in enumerate(("boj", "edinet"))
    ]
    with _version(store, model, "bits") as draft:
        _written(draft, record.task, rows, PASSAGE)
        _records(draft, [whole, *parts], [record])
    return store.resolve(f"{model.name}-bits@{VERSION}")


def exemplify(store: Store, model: Ref, replies: Mapping[str, str], **options: object) -> Ref:
    """Write an evaluation that holds ``replies`` by their prompts."""
    rows = [
        {"id": sha256_of(prompt)[:16], "group": "knowledge", "value": float(bool(reply)), "turn": 1,
         "prompt": prompt, "reply": reply, "finish": "stop", "reply_tokens": len(reply)}
        for prompt, reply in replies.items()
    ]  # fmt: skip
    record = TaskRecord(
        task="examples", kind="reply", metric="answered", figure="mean", compared=False, samples=len(rows), of=len(rows),
        digest="f" * 64, options=options,
    )  # fmt: skip
    value = sum(bool(reply) for reply in replies.values()) / len(rows)
    with _version(store, model, "examples") as draft:
        _written(draft, "examples", rows, COLUMNS)
        _records(draft, [Score(task="examples", metric="answered", value=value, samples=len(rows))], [record])
    return store.resolve(f"{model.name}-examples@{VERSION}")


def checkpoint(store: Store, name: str, made_from: Sequence[Ref] = (), **files: str) -> Ref:
    """Write a checkpoint without weights."""
    with store.write(
        name=name, version=VERSION, kind="checkpoint", recipe={"name": name}, made_from=made_from
    ) as draft:
        (draft.path / "config.json").write_text(json.dumps({"name": name}))
        for file, text in files.items():
            (draft.path / file).write_text(text)
    return store.resolve(f"{name}@{VERSION}")


def world(store: Store) -> list[Ref]:
    """Fill the store; return the checkpoints base, domain, instruct and merged, each with all its evaluations.

    All have two tasks of the benchmark, dialogues and examples; two have held-out text; the base was asked in two ways.
    """
    models = _models(store)
    asked = [Chabsa(subset=120), CpaAudit(subset=60)]
    for place, model in enumerate(models):
        evaluate(store, model, "fin", asked)
        converse(store, model, {"writing": 1.0 + place, "math": 2.0, "ESGs <b>": 7.0 - place})
        text = HOSTILE if model.name == "inst" else "" if model.name == "base" else "営業利益は増加した。"
        exemplify(store, model, {HOSTILE: text, "営業利益とは何ですか。\n短く答えてください。": text})
    for model in models[:2]:
        surprise(store, model, 3.0 if model.name == "base" else 2.0)
    evaluate(store, models[0], "fin-0.1", [Worded(subset=120)])
    return models


def _shown(folder: Path) -> None:
    """Write that the corpus shows nine items of chABSA, three of them with their answers, and none of cpa_audit."""
    tests = [{"test": test, "status": "looked", "items_unmatchable": 0} for test in ("chabsa", "cpa_audit")]
    pq.write_table(pa.Table.from_pylist(tests), folder / "tests.parquet")
    rows = [
        {"test": "chabsa", "item": item.id, "part": "stem", "answered": place < 3, "policy": "mark"}
        for place, item in enumerate(Chabsa(subset=120).draw(None)[0][:9])
    ]
    (folder / "contamination").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "contamination" / "overlaps-00000.parquet")


def _models(store: Store) -> list[Ref]:
    with store.write(name="fin-ja", version=VERSION, kind="dataset", recipe={}) as draft:
        _shown(draft.path)
    corpus = store.resolve("fin-ja")
    base, instruct = checkpoint(store, "base"), checkpoint(store, "instruct")
    domain = checkpoint(store, "domain", [base, corpus])
    models = {"base": base, "instruct": instruct, "domain": domain}
    rows = [
        Similarity(
            tensor=f"model.layers.{layer}.mlp.up_proj.weight", layer=layer, type="mlp.up_proj.weight", n=4096,
            norms={"domain": 1.0, "instruct": 2.0},
            pairs=(Pair(roles=("domain", "instruct"), cosine=0.01 * layer),),
        )
        for layer in range(4)
    ]  # fmt: skip
    told = Merged(models=models, independence=("The two vectors are nearly independent.",))
    files = {SIMILARITY: to_lines(rows), MERGED: told.model_dump_json()}
    return [base, domain, instruct, checkpoint(store, "inst", [base, instruct, domain], **files)]
