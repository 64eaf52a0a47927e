"""What a recipe would ask of a model: how many items, how many of them are known already, and what a judge would cost."""

from typing import NamedTuple

from datacards.store import Store
from eval.items import Asked, Passage
from eval.recipe import EvalRecipe
from eval.run import find
from eval.tasks.base import Conversation


class Part(NamedTuple):
    """One task: its items, how many of them an earlier run has answered, and the characters that the model would read."""

    task: str
    kind: str
    items: int
    of: int
    kept: int
    characters: int
    told: str


def plan(recipe: EvalRecipe, store: Store, *, model: str = "", corpus: str = "") -> list[Part]:
    """Return what every task of ``recipe`` would ask; inputs are verified, and nothing is asked.

    Raises UserError as the run itself would.
    """
    given = find(recipe, store, model=model, corpus=corpus)
    parts = []
    for task in given.tasks:
        if isinstance(task, Conversation):
            parts.append(Part(task.task, task.kind, *task.effort(model=given.model_path, kept=given.kept)))
            continue
        items, note, of = task.draw(given.corpus_path)
        kept = given.results.find(task.task, items)
        characters = sum(_size(item) for place, item in enumerate(items) if place not in kept)
        parts.append(Part(task.task, task.kind, len(items), of, len(kept), characters, note))
    return parts


def _size(item: Asked) -> int:
    return len(item.text if isinstance(item, Passage) else item.context)
