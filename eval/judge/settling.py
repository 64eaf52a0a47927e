"""From the calls that were made for an ask to its judgment, or to what is to be asked next."""

from collections.abc import Sequence
from typing import Literal

from eval.judge.asks import Ask, Judgment
from eval.judge.endpoint import Endpoint
from eval.judge.ledger import Call, Ledger
from eval.judge.reading import Scale, rating, within
from eval.judge.replies import Came, Outcome


class History:
    """The calls of one ask so far, those of earlier runs first.

    ``attempt`` is the next one to make; None once ``judgment`` says all. Both depend on the calls alone, so a run that
    was killed goes on where it was.
    """

    def __init__(self, ask: Ask, endpoint: Endpoint, scale: Scale) -> None:
        self.ask = ask
        self.calls: list[Call] = []
        self.fresh = 0  # calls of this run
        self._endpoint, self._scale = endpoint, scale
        self._replies: list[Came] = []
        self._refusals = 0
        self._read = -1  # the attempt whose calls were read
        self._found: float | None = None
        self.attempt: int | None = 0

    def recall(self, ledger: Ledger) -> "History":
        """Take in what the ledger holds."""
        while self.attempt is not None and self.attempt > self._read:
            self._read = self.attempt
            for call in ledger.calls(self.ask.key(self._endpoint, self.attempt)):
                self._take(call)
        return self

    def add(self, call: Call) -> None:
        """Take in a call that has come to its end."""
        self.fresh += 1
        self._take(call)

    def _take(self, call: Call) -> None:
        self.calls.append(call)
        came = call.came
        if self.attempt is None or came is None:
            return
        if came.outcome is Outcome.REFUSED:
            self._replies.append(came)
            self._refusals += 1
            if self._refusals >= self._endpoint.refusals:
                self.attempt = None
        elif came.outcome is Outcome.ANSWERED:
            self._replies.append(came)
            self._found = within(self._score(came), self._scale)
            later = self.attempt + 1
            done = self._found is not None or later >= len(self._endpoint.temperatures)
            self.attempt = None if done else later

    def _score(self, came: Came) -> float | None:
        """Return the number in a reply, read behind the last marker where there is one."""
        after = self._endpoint.after
        return rating(came.text.rpartition(after)[2] if after else came.text)

    def judgment(self, error: Came | None = None) -> Judgment:
        """Return what came of the ask; ``error`` is the call after which it could not be asked on."""
        last = self._replies[-1] if self._replies else Came(Outcome.ANSWERED)
        scores = [self._score(came) for came in self._replies if came.outcome is Outcome.ANSWERED]
        return Judgment(
            score=self._found,
            official=next((score for score in scores if score is not None), -1.0),
            failure="" if self._found is not None else "error" if error else self._failure(last),
            text=error.text if error else last.text,
            finish=last.finish,
            attempts=len(self._replies),
            calls=len(self.calls),
            tokens_in=sum(came.tokens_in for came in self._replies),
            tokens_out=sum(came.tokens_out for came in self._replies),
            cached=self.fresh == 0 and not error,
            judge=last.judge,
            key=self.ask.key(self._endpoint),
        )

    def _failure(self, last: Came) -> Literal["filtered", "truncated", "unparsed"]:
        if last.outcome is Outcome.REFUSED:
            return "filtered"
        return "truncated" if last.finish == "length" else "unparsed"


def histories(
    asks: Sequence[Ask], endpoint: Endpoint, scale: Scale, ledger: Ledger | None
) -> dict[str, History]:
    """Return the history of every ask by its key; asks of one key share one."""
    found: dict[str, History] = {}
    for ask in asks:
        key = ask.key(endpoint)
        if key not in found:
            found[key] = History(ask, endpoint, scale)
            if ledger:
                found[key].recall(ledger)
    return found
