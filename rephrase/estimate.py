"""What a run will cost, told beforehand: a few hundred units are asked for, and their replies are kept for the run."""

from contextlib import closing, suppress
from dataclasses import dataclass

from corpus.document import Span
from datacards import plugins
from datacards.errors import UserError
from datacards.store import Store
from rephrase.base import Exchange, Generator, Question, Reject
from rephrase.documents import Documents, Drawn
from rephrase.recipe import RephraseRecipe
from rephrase.run import drafted

CHARACTERS = 450  # of a passage, about: how much text makes so many units
_MOST = 0.9  # of the replies: after them less and less is under way


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the calibration measured, and what follows for all documents.

    ``seconds`` are of the whole run at the measured speed, ``gpu_hours`` those times the GPUs. Tokens are those that
    come out; ``accepted`` are documents, too many where passages are alike: what is asked twice is found among all of
    them, not among a few. ``share`` of all that will be asked about was asked about.
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

    What passages say for all is told by their characters. The speed is that of the calibration: where fewer requests
    are under way in it than in the run, the run is faster. The replies stay in the draft of the version: the run pays
    only for the rest. Raises UserError for a generator that asks nobody, and when most replies were there already, so
    that no speed could be measured.
    """
    generator: Generator = plugins.make("kanagura.generators", recipe.generator, recipe.options)
    source = store.verified(corpus, "dataset")
    documents = Documents(store.path(source))
    samples, cap = getattr(generator, "samples", 1), getattr(generator, "chunks", None)
    wanted = units * CHARACTERS / (documents.characters * len(recipe.styles) * samples or 1)
    drawn, seen = Drawn(documents, min(1.0, wanted)), _Seen()
    with suppress(_Calibrated), drafted(recipe, generator, store, [source]) as draft:
        with closing(
            generator.generate(drawn, styles=recipe.styles, seed=recipe.seed, work=draft.work)
        ) as found:
            for item in found:
                seen.add(item)
        raise _Calibrated
    if not seen.requests:
        raise UserError(
            recipe.name, "nothing was asked", "a generator with a model behind it", "estimate is for those"
        )
    if len(seen.fresh) < seen.requests / 2:
        raise UserError(
            recipe.name,
            "most replies were there already",
            todo="the run will not ask for them again: start it",
        )
    share = 1.0 if drawn.whole else min(1.0, seen.characters / documents.characters)
    share = max(share, min(1.0, seen.passages / cap)) if cap else share
    speed, tokens = seen.speed(), round(seen.tokens / share)
    seconds = tokens / speed if speed else 0.0
    return Estimate(
        units=seen.units,
        share=share,
        tokens_per_second=speed,
        all_units=round(seen.units / share),
        all_tokens=tokens,
        all_accepted=round(seen.accepted / share),
        seconds=seconds,
        gpu_hours=seconds * gpus / 3600,
    )


class _Seen:
    """What a calibration yields, counted."""

    def __init__(self) -> None:
        self.units = self.accepted = self.requests = self.tokens = 0
        self.passages = self.characters = 0
        self.fresh: list[tuple[float, float, int]] = []  # when it came and was sent, and its tokens
        self._unit: object = None
        self._span: Span | None = None

    def add(self, item: Question | Reject | Exchange) -> None:
        unit = item.unit
        if unit and (unit.span, unit.style, unit.sample) != self._unit:
            self._unit = (unit.span, unit.style, unit.sample)
            self.units += 1
        if unit and unit.span != self._span:  # those of one passage come one after another
            self._span = unit.span
            self.characters += unit.span.end - unit.span.start
            self.passages += not (isinstance(item, Reject) and item.drop.reason == "other_language")
        if not isinstance(item, Exchange):
            self.accepted += not isinstance(item, Reject)
            return
        self.requests += 1
        self.tokens += item.reply.completion_tokens
        if not item.kept:
            self.fresh.append((item.came, item.sent, item.reply.completion_tokens))

    def speed(self) -> float:
        """Return the tokens per second from the first request on until most replies were there."""
        came = sorted(self.fresh)
        most = came[: max(1, int(len(came) * _MOST))]
        seconds = most[-1][0] - min(sent for _, sent, _ in came)
        return sum(tokens for *_, tokens in most) / max(seconds, 1e-6)
