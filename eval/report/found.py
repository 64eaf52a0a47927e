"""What a report tells of: the models as columns, each with every task it was asked, and where each number lies."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from datacards.card import Ref
from datacards.errors import UserError
from datacards.evaluated import SAMPLES, Score, TaskRecord
from datacards.lineage import lineage as tree_of
from datacards.lineage import walk
from datacards.render.findings import Findings
from datacards.render.findings import gather as findings_of
from datacards.store import Store
from eval.compare.outcome import Outcome, of_group, read
from eval.compare.reading import tasks_of
from eval.compare.single import interval
from eval.report.printed import ROLES, Role

PROMPT = "prompt"  # the option of a task that says in which words it asks


@dataclass(frozen=True, slots=True)
class Taken:
    """One task of one evaluation version: its scores, the one to compare by first, and where they come from."""

    key: str  # the anchor of its lineage on the page, t1, t2, ...
    evaluation: Ref
    model: Ref
    record: TaskRecord
    scores: tuple[Score, ...]
    samples: str  # the path of the samples file in the version, '' where there is none
    samples_sha256: str
    corpora: tuple[Ref, ...]
    command: str
    outcome: Outcome | None = None  # item by item, None where no samples are kept

    @property
    def prompt(self) -> str:
        """Return the prompt that was used, '' where the task has only one."""
        return str(self.record.options.get(PROMPT, ""))

    @property
    def is_example(self) -> bool:
        """Say whether it is there to be read, not to compare models by."""
        return not self.record.compared

    def score(self, metric: str = "", group: str = "") -> Score | None:
        """Return the figure ``metric`` of a part of the items, by default the one to compare models by, of all."""
        wanted = metric or self.record.metric
        return next((s for s in self.scores if (s.metric, s.group) == (wanted, group)), None)


@dataclass(frozen=True, slots=True)
class Column:
    """One model with all it was asked; ``taken`` holds a task once, ``others`` what was asked in other words."""

    model: Ref
    label: str
    role: Role | None = None
    taken: Mapping[str, Taken] = field(default_factory=dict)
    others: Mapping[str, tuple[Taken, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """All that a report is made of; ``baseline`` is the place of the column that the others are compared with."""

    columns: tuple[Column, ...]
    baseline: int
    findings: Findings
    trails: tuple[Taken, ...]
    differing: tuple[tuple[str, str], ...] = ()  # task, what a version's scores say that its samples do not

    @property
    def labels(self) -> list[str]:
        """Return the names of the models."""
        return [column.label for column in self.columns]

    @property
    def tasks(self) -> dict[str, list[TaskRecord]]:
        """Return the tasks of every suite, in the order of the first column that has them; examples are none."""
        known: dict[str, dict[str, TaskRecord]] = defaultdict(dict)
        for column in self.columns:
            for name, taken in column.taken.items():
                if taken.is_example:
                    continue
                known[taken.record.suite].setdefault(name, taken.record)
        order = sorted(known, key=lambda suite: not suite)  # tasks of no suite come last
        return {suite: list(known[suite].values()) for suite in order}


def gather(
    store: Store, refs: Sequence[Ref], *, baseline: str = "", roles: Mapping[Role, str] | None = None
) -> Found:
    """Return what lies in the evaluation versions ``refs`` and below them.

    A checkpoint among ``refs`` stands for all its evaluations. ``baseline`` names a model or one of its evaluations;
    without it the base of a merge is taken, else the first model. ``roles`` says which model stands for which of the
    paper's, where the merges below do not. Raises UserError for a version that is neither, for an
    evaluation that is withdrawn, changed or without a task, and for a name that is not among the models.
    """
    chosen = [store.verified(str(ref), "evaluation") for ref in _evaluations(store, refs)]
    findings = findings_of(store, chosen)
    models = {str(e.ref): e.model for e in findings.evaluations}
    taken: dict[str, list[Taken]] = {}
    number = 0
    for ref in chosen:
        own = _taken(store, ref, models[str(ref)], number)
        number += len(own)
        taken.setdefault(str(models[str(ref)]), []).extend(own)
    given = {_model(models, text): role for role, text in (roles or {}).items()}
    known = given | {k: r for k, r in _roles(findings).items() if r not in given.values() and k not in given}
    labels = _labels([models[str(ref)] for ref in chosen])
    columns = tuple(_column(own, labels[name], known.get(name)) for name, own in taken.items())
    place = next((place for place, column in enumerate(columns) if column.role == "base"), 0)
    if baseline:
        place = list(taken).index(_model(models, baseline))
    trails = tuple(one for own in taken.values() for one in own)
    return Found(columns, place, findings, trails, tuple(_differing(trails)))


def _evaluations(store: Store, refs: Sequence[Ref]) -> list[Ref]:
    found: dict[str, Ref] = {}
    for ref in refs:
        card = store.card(ref)
        if card.kind == "evaluation":
            found[str(ref)] = ref
        elif card.kind == "checkpoint":
            found |= _of_checkpoint(store, ref)
        else:
            raise UserError(
                str(ref), f"is a version of kind '{card.kind}'", "evaluations and checkpoints", "name these"
            )
    return list(found.values())


def _of_checkpoint(store: Store, ref: Ref) -> dict[str, Ref]:
    """Return the newest evaluation of each name that was made of the checkpoint."""
    withdrawn = store.withdrawn()
    newest = {
        one.name: one
        for one in store.refs()
        if str(one) not in withdrawn
        and (card := store.card(one)).kind == "evaluation"
        and any(str(made) == str(ref) for made in card.made_from)
    }
    if not newest:
        raise UserError(str(ref), "was not evaluated", todo=f"kanagura eval RECIPE --model {ref}")
    return {str(one): one for one in newest.values()}


def _taken(store: Store, ref: Ref, model: Ref, number: int) -> list[Taken]:
    folder, card = store.path(ref), store.card(ref)
    records, scores = tasks_of(folder)
    if not records:
        raise UserError(str(ref), "has no task", "an evaluation with scores", "leave it out")
    files = {file.path: file.sha256 for file in card.files}
    corpora = tuple(n.ref for n in walk(tree_of(store, ref)) if n.card and n.card.kind == "dataset")
    found = []
    kept = read(folder) if all(f"{SAMPLES}/{record.task}.parquet" in files for record in records) else {}
    for record in records:
        path = f"{SAMPLES}/{record.task}.parquet"
        number += 1
        outcome = kept.get(record.task)
        found.append(
            Taken(
                key=f"t{number}",
                evaluation=ref,
                model=model,
                record=record,
                scores=tuple(_sure(one, record, outcome) for one in scores if one.task == record.task),
                samples=path if path in files else "",
                samples_sha256=files.get(path, ""),
                corpora=corpora,
                command=f"kanagura cards lineage {ref}:{record.task}",
                outcome=outcome,
            )
        )
    return found


def _sure(score: Score, record: TaskRecord, outcome: Outcome | None) -> Score:
    """Return the first figure of a task, or of a part of it, with its interval over texts where none is told."""
    if outcome is None or score.metric != record.metric or score.low is not None:
        return score
    part = of_group(outcome, score.group) if score.group else outcome
    if score.group and not (part.n and math.isclose(part.value, score.value, abs_tol=1e-9)):
        return score  # a part that is made in a way of its own
    told = interval(part)
    chance = part.chance if score.chance is None else score.chance
    new = {"clustered": told.stderr, "low": told.low, "high": told.high, "chance": chance}
    return score.model_copy(update=new)


def _differing(taken: Iterable[Taken]) -> Iterable[tuple[str, str]]:
    """Yield the task and a sentence for every first figure that the version's own samples do not give."""
    for one in taken:
        score = one.score()
        if score and one.outcome and not math.isclose(score.value, one.outcome.value, abs_tol=1e-9):
            told = (
                f"{one.evaluation} says {score.metric} {score.value:.6f} on {score.task}, "
                f"its samples give {one.outcome.value:.6f}."
            )
            yield one.record.task, told


def _labels(models: Sequence[Ref]) -> dict[str, str]:
    names = {str(model): model.name for model in models}
    told = list(names.values())
    return {full: name if told.count(name) == 1 else full for full, name in names.items()}


def _model(models: Mapping[str, Ref], text: str) -> str:
    """Return the model that ``text`` names: itself or one of its evaluations, with or without its version."""
    for evaluation, model in models.items():
        if text in (str(model), model.name, evaluation, evaluation.partition("@")[0]):
            return str(model)
    told = ", ".join(dict.fromkeys(map(str, models.values())))
    raise UserError(text, "is not among the models of the report", told, "name one of them")


def _roles(findings: Findings) -> dict[str, Role]:
    """Return which model stands for which of the paper's, by the first merge that is among the models."""
    models = {str(evaluation.model) for evaluation in findings.evaluations}
    for name, merged in findings.merges.items():
        if name in models and {"base", "domain", "instruct"} <= set(merged.models):
            made: dict[str, Role] = {
                str(merged.models[role]): role for role in ROLES if role in merged.models
            }
            return made | {name: "merged"}
    return {}


def _column(own: Sequence[Taken], label: str, role: Role | None) -> Column:
    by_task: dict[str, list[Taken]] = defaultdict(list)
    for one in own:
        by_task[one.record.task].append(one)
    main = {
        task: min(all_, key=lambda one: one.prompt not in ("", "default")) for task, all_ in by_task.items()
    }
    others = {
        task: tuple(one for one in all_ if one is not main[task])
        for task, all_ in by_task.items()
        if len(all_) > 1
    }
    return Column(own[0].model, label, role, main, others)
