"""What a report tells: everything below some evaluations, gathered from cards and files alone."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.lineage import Node, lineage, read_jsonl
from datacards.merged import MERGED, SIMILARITY, Merged, Similarity, read_merged, read_similarity
from datacards.store import Store
from datacards.trained import TRAINING, Training, read_training

FORMATS = ("markdown", "sections", "categories", "listing", "qa", "multiple_choice")


@dataclass(frozen=True, slots=True)
class Figure:
    """One score as written by the evaluator, with what guessing gives.

    ``stderr`` accounts for texts that items share where the evaluation did; ``low`` and ``high`` are its 95 % interval.
    """

    task: str
    metric: str
    value: float
    stderr: float | None
    samples: int
    note: str
    chance: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation version: the model it is about and its scores, the headline of every task first."""

    ref: Ref
    model: Ref
    figures: tuple[Figure, ...]

    def figure(self, task: str, metric: str) -> Figure | None:
        """Return the score of one task and metric, None where it was not taken."""
        return next((f for f in self.figures if (f.task, f.metric) == (task, metric)), None)


@dataclass(frozen=True, slots=True)
class Findings:
    """All that lies below the evaluations; ``nodes`` holds every version once, each behind its inputs."""

    evaluations: tuple[Evaluation, ...]
    nodes: tuple[Node, ...]
    losses: dict[str, list[dict[str, Any]]]
    trainings: dict[str, Training]
    similarities: dict[str, list[Similarity]]
    merges: dict[str, Merged]

    def of_kind(self, kind: str) -> list[Node]:
        """Return the versions of one kind, each behind its inputs."""
        return [node for node in self.nodes if node.card and node.card.kind == kind]

    @property
    def labels(self) -> list[str]:
        """Return the models' names, with their versions where two share a name."""
        names = [evaluation.model.name for evaluation in self.evaluations]
        return [
            name if names.count(name) == 1 else str(evaluation.model)
            for name, evaluation in zip(names, self.evaluations, strict=True)
        ]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Return every (task, metric) that any evaluation has, in the order of the first that has it."""
        return list(dict.fromkeys((f.task, f.metric) for e in self.evaluations for f in e.figures))

    @property
    def headlines(self) -> list[tuple[str, str]]:
        """Return the first metric of every task: the one to compare models by."""
        first: dict[str, str] = {}
        for task, metric in self.asked:
            first.setdefault(task, metric)
        return list(first.items())


def gather(store: Store, refs: Sequence[Ref]) -> Findings:
    """Return what lies below the evaluations ``refs``; raise UserError for a version that is none."""
    trees = [lineage(store, ref) for ref in refs]
    nodes: dict[str, Node] = {}
    for tree in trees:
        _collect(tree, nodes)
    return Findings(
        evaluations=tuple(_evaluation(store, tree) for tree in trees),
        nodes=tuple(nodes.values()),
        losses={
            name: loss for name, path in _files(store, nodes, "loss.jsonl") if (loss := read_jsonl(path))
        },
        trainings={
            name: training
            for name, path in _files(store, nodes, TRAINING)
            if (training := read_training(path.parent))
        },
        similarities={
            name: rows for name, path in _files(store, nodes, SIMILARITY) if (rows := read_similarity(path))
        },
        merges={name: told for name, path in _files(store, nodes, MERGED) if (told := read_merged(path))},
    )


def _collect(node: Node, nodes: dict[str, Node]) -> None:
    if str(node.ref) not in nodes:
        for below in node.inputs:
            _collect(below, nodes)
        nodes[str(node.ref)] = node


def _evaluation(store: Store, tree: Node) -> Evaluation:
    path = store.path(tree.ref, "scores.json")
    if not (tree.card and tree.card.kind == "evaluation" and path.is_file()):
        raise UserError(
            str(tree.ref), "is no evaluation with scores.json", "name versions of kind 'evaluation'"
        )
    models = [node.ref for node in tree.inputs if not (node.card and node.card.kind == "dataset")]
    return Evaluation(
        ref=tree.ref,
        model=models[0] if models else tree.ref,
        figures=tuple(
            Figure(
                task=score["task"],
                metric=score["metric"],
                value=score["value"],
                stderr=score.get("stderr") if score.get("clustered") is None else score["clustered"],
                samples=score["samples"],
                note=score.get("note", ""),
                chance=_chance(store, tree.ref, score),
                low=score.get("low"),
                high=score.get("high"),
            )
            for score in json.loads(path.read_text(encoding="utf-8"))
            if not score.get("group")
        ),
    )


def _chance(store: Store, ref: Ref, score: dict[str, Any]) -> float | None:
    """Return what guessing scores: as told, else for a share of right answers by the choices that the samples show."""
    if score.get("chance") is not None or score["metric"] != "acc":
        return score.get("chance")
    path = store.path(ref, f"samples/{score['task']}.parquet")
    if not path.is_file() or "choices" not in pq.read_schema(path).names:
        return None
    numbers = pc.list_value_length(pq.read_table(path, columns=["choices"])["choices"]).to_pylist()
    return sum(1 / n for n in numbers) / len(numbers) if numbers and all(numbers) else None


def _files(store: Store, nodes: dict[str, Node], name: str) -> Iterator[tuple[str, Path]]:
    for label, node in nodes.items():
        path = store.path(node.ref, name)
        if node.card and node.card.kind == "checkpoint" and path.is_file():
            yield label, path


def documents(card: Card) -> dict[str, dict[str, int]]:
    """Return the rows of a dataset version per format and split, in the order of ``FORMATS``."""
    rows: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for file in card.files:
        folder, _, leaf = file.path.partition("/")
        if folder in FORMATS and leaf.endswith(".parquet"):
            rows[folder][leaf.partition("-")[0]] += file.rows or 0
    return {name: dict(rows[name]) for name in FORMATS if name in rows}
