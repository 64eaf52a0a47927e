"""living_choice and living_numeric: questions about figures that were published after everything the model has read."""

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from datacards.card import Ref
from datacards.errors import UserError
from datacards.lineage.rows import shards
from datacards.lineage.versions import Version
from datacards.store import Store
from eval.items import Asked as AnyItem
from eval.items import Item, Kind, Passage, Question, Reply, content_id
from eval.living.cutoff import Cutoff, cutoff
from eval.living.numbers import equal, quantities, read
from eval.living.questions import FIGURES, Asked, Reading
from eval.living.told import company, ends, figures, told
from eval.tasks.base import LETTERS, Measured, Task, exam, stratified, weighted

Asks = Literal["amount", "count", "difference", "growth", "ratio"]
Split = Literal["train", "validation", "test"]
CHOICES = {
    "text": "以下の問題の適切な答えを選択肢から選んで答えなさい。",
    "letter": "以下の問題の適切な答えを選択肢から選んでアルファベットで答えなさい。",
}
NUMERIC = "以下の問題に、単位を付けた数値だけで答えなさい。"
TOLD = "told before by a document that the model has read"
OLD_PERIOD = "of a period that ended by the stated cut-off"
TWICE, UNREADABLE = "asked twice", "whose answer is no number with a unit"


class Living(Task):
    """Questions of a dataset version about figures that no model could have read: those younger than its cut-off.

    The cut-off is the last day of anything that the model descends from: of dataset versions the day that they were
    built as of, else the latest publication or capture of their documents. Of a model that the store cannot tell of
    (from the hub, say) ``base_cutoffs`` states it by name, ``after`` for all of them; without either the task refuses.
    A question is asked when the document that tells its answer was published later, and when no document of the
    model's corpora states the same figure, which a later report may repeat. Of a model with a stated cut-off nobody can
    look that up: there the figure's period must have ended later, too; ``new_periods`` asks that of every model.
    ``as_of`` leaves out what was published after that day, so that a test can be asked again as it was then.
    ``asks`` are the kinds of questions, by default all about figures; ``splits`` those of the version that are asked,
    by default all, as no model has trained on what came later; ``minimum`` is the number below which the score
    says that they are few.
    """

    asks: tuple[Asks, ...] = FIGURES  # type: ignore[assignment]
    splits: tuple[Split, ...] = Field(default=("train", "validation", "test"), min_length=1)
    after: date | None = None
    base_cutoffs: dict[str, date] = Field(default_factory=dict)
    as_of: date | None = None
    new_periods: bool = False
    minimum: int = Field(default=30, ge=1)
    needs_corpus: ClassVar[bool] = True
    format: ClassVar[str]
    _cutoff: Cutoff | None = PrivateAttr(default=None)
    _facts: tuple[Path, ...] = PrivateAttr(default=())
    _missing: int = PrivateAttr(default=0)

    def for_model(self, store: Store, model: Ref) -> "Living":
        """Return the task with the cut-off of ``model`` as ``after``; raise UserError where that is not known."""
        found = cutoff(store, model, stated=self.base_cutoffs, after=self.after, where=self.task)
        files, missing = shards(
            store, [Version(n.ref, "ok", n.card) for n in found.learned.datasets], "facts"
        )
        task = self.model_copy(update={"after": found.day})
        task._cutoff, task._facts, task._missing = found, tuple(one.path for one in files), len(missing)
        return task

    def items(self, corpus: Path | None) -> Sequence[AnyItem]:
        """Return the questions that may be asked, in order of id; raise UserError when there is none."""
        found, _ = self._found(corpus)
        return [self._made(one) for one in found.values()]

    def draw(self, corpus: Path | None) -> tuple[list[AnyItem], str, int]:
        """Return the questions, what is to be known of them, above all what was left out, and how many there are.

        Of a draw only the drawn ones are held with their texts.
        """
        found, note = self._found(corpus)
        if self.subset is None or self.subset >= len(found):
            return [self._made(one) for one in found.values()], note, len(found)
        labels = [Passage(name, "", label=one.meta.get("asks", "")) for name, one in found.items()]
        drawn = [self._made(found[one.id]) for one in stratified(labels, self.subset, self.seed)]
        return drawn, f"a draw of {len(drawn)} of {len(found):,} items; {note}", len(found)

    def _found(self, corpus: Path | None) -> tuple[dict[str, Asked], str]:
        """Return the questions that may be asked by the id of their item, in order, and what is to be known of them."""
        if corpus is None:
            raise UserError(
                self.task, "no corpus was given", "it asks about filings", "add: --corpus NAME@VERSION"
            )
        if self.after is None:
            raise UserError(
                self.task, "the cut-off of the model is not known", todo="state it: after: YYYY-MM-DD"
            )
        reading = Reading(self.after, self.as_of, self.asks, self.splits)
        asked = list(reading.questions(corpus, self.format, self.task))
        found: dict[str, Asked] = {}
        for one in self._unread(asked, reading.left):
            if (item := self._item(one)) is None:
                reading.left[UNREADABLE] += 1
            elif found.setdefault(item.id, one) is not one:
                reading.left[TWICE] += 1
        left = [f"{number:,} {reason}" for reason, number in reading.left.items() if number]
        if not found:
            raise UserError(
                self.task, f"no question about a figure published after {self.after} ({self._whose()})",
                f"left out: {', '.join(left) or 'nothing'}",
                "give a version made by kanagura rephrase (facts) from filings published later",
            )  # fmt: skip
        return dict(sorted(found.items())), self._note(len(found), left)

    def _made(self, asked: Asked) -> AnyItem:
        item = self._item(asked)
        assert item is not None  # noqa: S101  those that give none were left out
        return item

    def _unread(self, asked: Sequence[Asked], left: Counter[str]) -> Iterator[Asked]:
        """Yield the questions whose figures the model cannot have read in another document."""
        resting = [figures(one) for one in asked]
        known = told({figure for some in resting for figure in some}, self._facts)
        stated = self._cutoff.stated if self._cutoff else self.after
        bound = self.after if self.new_periods else stated
        for one, some in zip(asked, resting, strict=True):
            last = max(ends(figure.period) for figure in some)
            if all(map(known.has, some)):
                left[TOLD] += 1
            elif bound and last <= bound.isoformat():
                left[OLD_PERIOD] += 1
            else:
                yield one

    def _whose(self) -> str:
        return f"the cut-off of {self._cutoff.told_by}" if self._cutoff else "as stated"

    def _note(self, number: int, left: Sequence[str]) -> str:
        parts = [f"figures published after {self.after} ({self._whose()})"]
        if number < self.minimum:
            parts.append(f"only {number} questions, fewer than {self.minimum}")
        if left:
            parts.append(f"left out: {', '.join(left)}")
        if self._missing:
            parts.append(f"{self._missing} files of facts that the model has read are gone: not looked into")
        return "; ".join(parts)

    @abstractmethod
    def _item(self, asked: Asked) -> AnyItem | None:
        """Return the item of a question, None where its answer is not of the task's kind."""


class LivingChoice(Living):
    """Figures to choose: the right one stands beside others that filings tell, or that a wrong calculation gives.

    ``answer`` says what the model must find likely: the whole ``text`` of a choice, or its ``letter``.
    """

    task: Literal["living_choice"] = "living_choice"
    answer: Literal["text", "letter"] = "text"
    format: ClassVar[str] = "multiple_choice"

    def _item(self, asked: Asked) -> Item | None:
        question, choices, gold = _with_choices(self.task, asked)
        shown = tuple(choices) if self.answer == "text" else tuple(LETTERS[: len(choices)])
        return Item(
            id=content_id({"question": question, "choices": choices, "answer": gold}),
            context=exam(question, "", choices, description=CHOICES[self.answer]),
            continuations=shown,
            choices=shown,
            gold=gold,
            **_place(asked),
        )


def _with_choices(task: str, asked: Asked) -> tuple[str, list[str], int]:
    try:
        choices = [str(choice) for choice in json.loads(asked.meta["choices"])]
        question, gold = asked.meta["question"], int(asked.meta["answer"])
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(
            task, f"document {asked.id} is no question: {error!r}", "question, choices, answer in meta"
        ) from error
    if not 0 <= gold < len(choices) <= len(LETTERS) or not all(choices):
        raise UserError(
            task, f"document {asked.id} has answer {gold} of {len(choices)} choices", "the answer among them, none empty"
        )  # fmt: skip
    return question, choices, gold


class LivingNumeric(Living):
    """Figures to be told: a reply is right when its one number is the answer's, in the answer's unit.

    A finer reply is rounded to the step that the answer shows, or cut off there; ``tolerance`` is the share of the
    answer that a reply may be off besides. Without a number in the unit, or with several, a reply is wrong and counted
    as unread.
    """

    task: Literal["living_numeric"] = "living_numeric"
    tolerance: float = Field(default=0.0, ge=0.0, lt=1.0)
    max_tokens: int = Field(default=48, ge=4)
    format: ClassVar[str] = "qa"
    kind: ClassVar[Kind] = "reply"
    metric: ClassVar[str] = "exact"

    def _item(self, asked: Asked) -> Question | None:
        question, answer = asked.meta.get("question", ""), asked.meta.get("answer", "")
        found = quantities(answer)
        if not question or len(found) != 1 or not found[0].unit:
            return None
        (target,) = found
        return Question(
            id=content_id({"question": question, "answer": answer}),
            context=f"{NUMERIC}\n\n\n【問題】\n{question}\n\n【答え】\n",
            targets=(answer, f"{target.value:f}{target.unit}"),
            max_tokens=self.max_tokens,
            **_place(asked),
        )

    def value(self, result: Any) -> tuple[float, float]:
        """Return 1 for a reply that gives the answer, else 0."""
        return float(self.judged(result) == ""), 1.0

    def judged(self, reply: Reply) -> str:
        """Return why a reply is wrong, "" where it is right."""
        (target,) = quantities(reply.item.targets[0])
        found, failure = read(reply.text, target.unit)
        if found is None:
            return failure
        return "" if equal(found, target, self.tolerance) else "another number"

    def measure(self, results: Sequence[Reply]) -> list[Measured]:
        """Return the share of right replies, and the share of those that give no one number in the unit."""
        judged = [self.judged(result) for result in results]
        return [
            weighted("exact", [(float(why == ""), 1.0) for why in judged]),
            weighted("unread", [(float(why not in ("", "another number")), 1.0) for why in judged]),
        ]


def _place(asked: Asked) -> Mapping[str, Any]:
    """Return the class, part and cluster of an item: its kind, its concept, the company that it is about."""
    meta = asked.meta
    cluster = meta.get("edinet_code") or company(meta.get("subject", "")) or asked.source
    return {"label": meta.get("asks", ""), "group": meta.get("concept", ""), "cluster": cluster}
