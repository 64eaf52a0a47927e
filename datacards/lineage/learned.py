"""What a model has learned from: every dataset version below a checkpoint, and the models of which nothing is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datacards.card import Ref
from datacards.errors import UserError
from datacards.lineage.backward import Node, lineage
from datacards.store import Store
from datacards.trained import TRAINING, read_training


@dataclass(frozen=True, slots=True)
class Learned:
    """What lies below a model, nearest first.

    ``corpora`` are the dataset versions that a training, a merge or a search of it read; ``datasets`` those with all
    dataset versions that they were made from, as far as the store has them. ``unknown`` are the models, and the corpora
    of models, whose content nobody here can tell: models of the hub and of folders, checkpoints that name no input, and
    versions that are gone or changed.
    """

    corpora: tuple[Node, ...]
    datasets: tuple[Node, ...]
    unknown: tuple[Ref, ...]


def learned(store: Store, model: Ref) -> Learned:
    """Return what the checkpoint ``model`` has learned from, through every training and all parents of every merge.

    A version that a training only measured itself on (the role ``validate`` in ``training.json``) is not among it.
    """
    corpora: dict[str, Node] = {}
    datasets: dict[str, Node] = {}
    unknown: dict[str, Ref] = {}
    seen: set[str] = set()
    waiting = [lineage(store, model)]
    for node in waiting:  # it grows while it is read
        name = str(node.ref)
        if name in seen:
            continue
        seen.add(name)
        if node.state != "ok" or node.card is None:
            unknown[name] = node.ref
        elif node.card.kind == "dataset":
            datasets[name] = node
            waiting += [
                one for one in node.inputs if one.state == "ok" and one.card and one.card.kind == "dataset"
            ]
        elif node.card.kind == "checkpoint":
            inputs = list(_read(store, node))
            if not inputs:
                unknown[name] = node.ref
            corpora |= {str(one.ref): one for one in inputs if one.card and one.card.kind == "dataset"}
            waiting += inputs
    return Learned(tuple(corpora.values()), tuple(datasets.values()), tuple(unknown.values()))


def _read(store: Store, node: Node) -> Iterator[Node]:
    """Yield the inputs of a checkpoint but those that it was only measured on."""
    measured = _only_measured(store, node)
    return (below for below in node.inputs if str(below.ref) not in measured)


def _only_measured(store: Store, node: Node) -> set[str]:
    if node.card is None or TRAINING not in {file.path for file in node.card.files}:
        return set()
    try:
        told = read_training(store.path(node.ref, TRAINING).parent)
    except UserError:
        return set()  # a file that cannot be had says nothing: then every input counts
    inputs: Iterable[tuple[str, str]] = [(str(one.ref), one.role) for one in told.inputs] if told else []
    read = {name for name, role in inputs if role != "validate"}
    return {name for name, role in inputs if role == "validate"} - read
