"""What a run will cost, told beforehand: a few hundred units are asked for, and their replies are kept for the run."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from corpus.document import Document
from datacards import plugins
from datacards.errors import UserError
from datacards.store import Store
from rephrase.base import Exchange, Generator, Reject
from rephrase.documents import Documents
from rephrase.recipe import RephraseRecipe
from rephrase.run import drafted

CHARACTERS = 450  # of a passage, about: how many documents make so many units
_WARM, _LATE = 0.2, 0.8  # the part of the calibration in which the servers are busy


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the calibration measured, and what follows for all documents.

    ``seconds`` are of the whole run at the measured speed, ``gpu_hours`` those times the GPUs. Tokens are those that
    come out; ``accepted`` are documents. ``share`` of the corpus was asked about.
    """

    units: int
    share: float
    tokens_per_second: float
    all_units: int
    all_tokens: int
    all_accepted: int
    seconds: float
    gpu_hours: float


class _Calibrated(Exception):  # noqa: N818  no error: it leaves the draft for the run
    pass


def estimate(
    recipe: RephraseRecipe, store: Store, corpus: str, *, units: int = 500, gpus: int = 1
) -> Estimate:
    """Ask about ``units`` units drawn by chance over the whole corpus and project what all of them take on ``gpus`` GPUs.

    The replies stay in the draft of the version: the run pays only for the rest. Raises UserError for a generator
    that asks nobody, and when every reply was there already, so that no speed could be measured.
    """
    generator: Generator = plugins.make("kanagura.generators", recipe.generator, recipe.options)
    source = store.verified(corpus, "dataset")
    documents = Documents(store.path(source))
    share = min(1.0, units * CHARACTERS / (documents.characters * len(recipe.styles) or 1))
    seen: Counter[str] = Counter()
    times: list[tuple[float, int]] = []
    with suppress(_Calibrated), drafted(recipe, generator, store, [source]) as draft:
        found = generator.generate(
            _drawn(documents, share), styles=recipe.styles, seed=recipe.seed, work=draft.work
        )
        unit = None
        for item in found:
            if isinstance(item, Exchange):
                seen["tokens"] += item.reply.completion_tokens
                seen["fresh"] += not item.kept
                seen["requests"] += 1
            else:
                seen["accepted"] += not isinstance(item, Reject)
            asked = item.unit and (item.unit.span, item.unit.style, item.unit.sample)
            if asked != unit:
                unit = asked
                seen["units"] += 1
                times.append((time.monotonic(), seen["tokens"]))
        raise _Calibrated
    if not seen["requests"]:
        raise UserError(
            recipe.name, "nothing was asked", "a generator with a model behind it", "estimate is for those"
        )
    if seen["fresh"] < seen["requests"] / 2:
        raise UserError(
            recipe.name,
            "most replies were there already",
            todo="the run will not ask for them again: start it",
        )
    (begun, before), (ended, after) = (
        times[int(len(times) * _WARM)],
        times[min(int(len(times) * _LATE), len(times) - 1)],
    )
    speed = (after - before) / max(ended - begun, 1e-6)
    tokens = round(seen["tokens"] / share)
    seconds = tokens / speed if speed else 0.0
    return Estimate(
        units=seen["units"],
        share=share,
        tokens_per_second=speed,
        all_units=round(seen["units"] / share),
        all_tokens=tokens,
        all_accepted=round(seen["accepted"] / share),
        seconds=seconds,
        gpu_hours=seconds * gpus / 3600,
    )


def _drawn(documents: Documents, share: float) -> Callable[[], Iterator[Document]]:
    def drawn() -> Iterator[Document]:
        for document in documents():
            if int.from_bytes(hashlib.sha256(document.id.encode()).digest()[:8], "big") < share * 2**64:
                yield document

    return drawn
