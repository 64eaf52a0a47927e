"""What judging will cost, told before the first request."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from eval.judge.asks import Ask
from eval.judge.endpoint import Endpoint
from eval.judge.ledger import Ledger, opened
from eval.judge.reading import TEN, Scale
from eval.judge.replies import Outcome
from eval.judge.settling import History, histories
from eval.judge.sizes import Range, characters, sizes

#: Characters of one judgment where none is known yet: measured on GPT-4o (280) and GPT-4o-mini (440), with a margin.
_REPLY = Range(200, 360, 700)
#: Calls per judgment where none are known: some replies hold no score and are asked for again.
_CALLS = Range(1.0, 1.0, 1.1)
_ENOUGH = 20  # replies from which those to come are told


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is still to be asked of ``judgments``, of which ``cached`` are there: calls, tokens and cost as ranges.

    ``cost`` is in ``currency``; ``worst`` is the cost if every reply were as long as is allowed and every attempt were
    needed. ``basis`` says what the tokens were told by.
    """

    judgments: int
    cached: int
    calls: Range
    tokens_in: Range
    tokens_out: Range
    cost: Range
    worst: float
    currency: str
    basis: str

    def __str__(self) -> str:
        """Return one line for people."""
        if self.cached == self.judgments:
            return f"{self.judgments:,} judgments, all there: nothing to ask"
        digits = 2 if self.cost.likely >= 1 else 4
        low, likely, high = (f"{one:.{digits}f}" for one in self.cost)
        cost = f"{likely} {self.currency} ({low} to {high})"
        return (
            f"{self.judgments:,} judgments, {self.cached:,} there; about {self.calls.likely:,.0f} requests, "
            f"{_short(self.tokens_in)} tokens in, {_short(self.tokens_out)} out ({self.basis}), "
            + (cost if self.worst else "no price given")
        )


def estimate(
    asks: Sequence[Ask], endpoint: Endpoint, cache: Path | None = None, *, scale: Scale = TEN
) -> Estimate:
    """Return what it takes to judge ``asks``, less what ``cache`` holds.

    Tokens in are counted by ``endpoint.tokenizer``, else they are characters times the ratio that earlier judgments of
    this judge in ``cache`` had, else times ``endpoint.tokens_per_character``. Tokens out are those of earlier judgments,
    else 280 to 440 characters as measured on two judges. Raises UserError as ``judge`` does.
    """
    if cache is None or not cache.is_file():
        return estimated(histories(asks, endpoint, scale, None), endpoint, None)
    with opened(cache, only_read=True) as ledger:
        return estimated(histories(asks, endpoint, scale, ledger), endpoint, ledger)


def estimated(known: dict[str, History], endpoint: Endpoint, ledger: Ledger | None) -> Estimate:
    """Return the same for asks whose calls are known."""
    missing = [one.ask for one in known.values() if one.attempt is not None]
    ratio, out, calls = _measured(endpoint, ledger)
    if ratio and not endpoint.tokenizer:
        into = [ratio.times(characters(ask)) for ask in missing]
    else:
        into = sizes(missing, endpoint)
    total = sum(into, Range(0, 0, 0))
    tokens_in = Range(*(one * two for one, two in zip(total, calls, strict=True)))
    count = calls.times(len(missing))
    each = out or Range(*(n * r for n, r in zip(_REPLY, endpoint.tokens_per_character, strict=True)))
    tokens_out = Range(*(min(n, endpoint.max_tokens) * c for n, c in zip(each, count, strict=True)))
    attempts = len(endpoint.temperatures)
    basis = (
        "by the tokenizer"
        if endpoint.tokenizer
        else "at the ratio of earlier judgments"
        if ratio
        else "at assumed ratios"
    )
    return Estimate(
        judgments=len(known),
        cached=len(known) - len(missing),
        calls=count,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=Range(*(endpoint.cost(i, o) for i, o in zip(tokens_in, tokens_out, strict=True))),
        worst=endpoint.cost(ceil(total.high) * attempts, len(missing) * attempts * endpoint.max_tokens),
        currency=endpoint.currency,
        basis=basis,
    )


def _measured(endpoint: Endpoint, ledger: Ledger | None) -> tuple[Range | None, Range | None, Range]:
    """Return tokens in per character, tokens out per call, and calls per judgment, as earlier judgments had them.

    Ranges are the mean with 5 % to both sides in, and with two standard errors and 5 % out.
    """
    calls = ledger.answered(endpoint.model) if ledger else []
    done = [
        (c.sent, c.came) for c in calls if c.came and c.came.outcome is Outcome.ANSWERED and c.came.tokens_in
    ]
    if len(done) < _ENOUGH:
        return None, None, _CALLS
    ratio = sum(came.tokens_in for _, came in done) / sum(sent.characters for sent, _ in done)
    out = np.array([came.tokens_out for _, came in done], dtype=float)
    mean, error = float(out.mean()), float(out.std(ddof=1) / len(out) ** 0.5)
    spread = 2 * error + 0.05 * mean
    first = sum(sent.attempt == 0 for sent, _ in done) or 1
    per = len(done) / first
    return (
        Range(0.95 * ratio, ratio, 1.05 * ratio),
        Range(max(mean - spread, 0.0), mean, mean + spread),
        Range(1.0, per, max(1.1, 1.2 * per - 0.2)),
    )


def _short(one: Range) -> str:
    return f"{one.likely:,.0f} ({one.low:,.0f} to {one.high:,.0f})"
