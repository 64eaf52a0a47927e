"""What a lineage may be asked about: a version, a score, an address, a capture, a document."""

import re
from typing import Literal, NamedTuple

from datacards.card import NAME
from datacards.errors import UserError
from datacards.lineage.versions import Graph
from datacards.store import Store

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DOCUMENT = re.compile(r"[0-9a-f]{4,32}")
ALLOWED = "a version, VERSION:TASK, a document's id or its beginning, an address, sha256:... of a capture"


class Asked(NamedTuple):
    """What was meant: ``value`` is ``name@version``, an address, 64 digits of a capture, or digits of a document's id.

    ``task`` is set for a score of an evaluation alone.
    """

    kind: Literal["version", "address", "capture", "document"]
    value: str
    task: str = ""


def asked(store: Store, graph: Graph, text: str) -> Asked:
    """Return what ``text`` means in the store; raise UserError saying what may be asked.

    A version that is gone may be asked about as long as a card or a receipt names it.
    """
    if "://" in text and not text.startswith("hf:"):
        return Asked("address", text)
    if text.startswith("sha256:"):
        if not _DIGEST.fullmatch(digest := text.removeprefix("sha256:")):
            raise UserError("lineage", f"{text!r} is no SHA-256", "64 hexadecimal digits", "correct it")
        return Asked("capture", digest)
    if text in graph.versions:
        return Asked("version", text)
    ref, mark, task = text.rpartition(":")
    if mark and NAME.fullmatch(ref.partition("@")[0]) and not ref.startswith("hf:"):
        return _score(graph, str(store.resolve(ref)), task)
    named = NAME.fullmatch(text) and store.refs(text)
    if _DOCUMENT.fullmatch(text) and not named:
        return Asked("document", text)
    try:
        return Asked("version", str(store.resolve(text)))
    except UserError as error:
        raise UserError(error.where, error.received, error.allowed, f"or name {ALLOWED}") from error


def _score(graph: Graph, name: str, task: str) -> Asked:
    card = graph[name].card
    tasks = sorted({metric.partition("/")[0] for metric in card.metrics}) if card else []
    if not card or card.kind != "evaluation" or task not in tasks:
        allowed = f"its tasks: {', '.join(tasks)}" if card and card.kind == "evaluation" else ""
        raise UserError(name, f"has no score of a task '{task}'", allowed, "name an evaluation and its task")
    return Asked("version", name, task)
