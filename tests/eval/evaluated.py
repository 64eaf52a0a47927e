"""A small store of four evaluated models, base, domain, instruct and merged, scored by the real code on made-up likelihoods."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from datacards.card import Ref
from datacards.evaluated import SCORES, TASKS, Score, write_records
from datacards.merged import MERGED, SIMILARITY, Merged, Pair, Similarity, to_lines
from datacards.objective import Loaded
from datacards.store import Store
from eval.base import Evaluator, Keep
from eval.items import Answer, Asked, Item, Question, Reply, Result, content_id
from eval.scoring import score
from eval.tasks.base import Task
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit

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
        if isinstance(item, Question):
            text = HOSTILE if self.name == "inst" else "" if self.name == "base" else "営業利益は増加した。"
            return Reply(item, text, tokens=len(text), finish="stop")
        assert isinstance(item, Item)
        likelihoods = [dice.uniform(-9, -5) for _ in item.choices]
        if item.gold is not None and dice.random() < self.skill:
            likelihoods[item.gold] = -1.0
        return Answer(item, tuple(likelihoods), (1,) * len(likelihoods), 40)


class Worded(Chabsa):
    """chABSA in the words of another prompt."""

    prompt: str = "0.1"


class Written(Task):
    """Two questions answered in words."""

    kind: ClassVar[Any] = "reply"
    metric: ClassVar[str] = "answered"

    def items(self, corpus: Path | None) -> list[Question]:
        del corpus
        asked = [HOSTILE, "営業利益とは何ですか。\n短く答えてください。"]
        return [Question(content_id({"q": text}), text, (), group="knowledge") for text in asked]

    def value(self, result: Any) -> tuple[float, float]:
        return float(bool(result.text.strip())), 1.0


def evaluate(store: Store, model: Ref, name: str, tasks: Sequence[Task], parts: Sequence[Score] = ()) -> Ref:
    """Write the evaluation version ``MODEL-NAME`` and return it; ``parts`` are scores of parts of the items."""
    evaluator = Drawn(skill=SKILL[model.name], name=model.name)
    with store.write(
        name=f"{model.name}-{name}", version=VERSION, kind="evaluation", recipe={}, made_from=[model]
    ) as draft:
        scores, records = score(evaluator, store.path(model), tasks, None, out=draft.path)
        write_records(draft.path / SCORES, [*scores, *parts])
        write_records(draft.path / TASKS, records)
        for one in scores:
            draft.metrics[f"{one.task}/{one.metric}"] = one.value
    return store.resolve(f"{model.name}-{name}@{VERSION}")


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
    """Fill the store; return the evaluations of base, domain, instruct and merged on two tasks of the benchmark."""
    with store.write(name="fin-ja", version=VERSION, kind="dataset", recipe={}) as draft:
        (draft.path / "notes.txt").write_text("文書")
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
    merged = checkpoint(
        store,
        "inst",
        [base, instruct, domain],
        **{SIMILARITY: to_lines(rows), MERGED: told.model_dump_json()},
    )
    asked = [Chabsa(subset=120), CpaAudit(subset=60)]
    return [evaluate(store, model, "fin", asked) for model in (base, domain, instruct, merged)]
