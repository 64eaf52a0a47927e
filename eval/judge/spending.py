"""What calls cost, counted where the judge told it and taken at the most where it did not, and the caps on it."""

import asyncio
from collections.abc import Iterable
from math import inf

from datacards.errors import UserError
from eval.judge.endpoint import Endpoint
from eval.judge.ledger import Call, Sent
from eval.judge.replies import Outcome

_FREE = (Outcome.BUSY, Outcome.BAD, Outcome.BARRED)


def at_most(call: Call, endpoint: Endpoint) -> float:
    """Return what a call has cost: by the tokens that the judge counted, else the most that it may have cost.

    A call that was lost on the way, or whose answer a kill kept from coming, may have been charged for.
    """
    sent, came = call.sent, call.came
    if came is not None:
        if came.outcome in _FREE:
            return 0.0
        if came.outcome is not Outcome.LOST and (came.tokens_in or came.tokens_out):
            return endpoint.cost(came.tokens_in, came.tokens_out)
    return endpoint.cost(sent.most_in, sent.most_out)


class Spending:
    """The calls and the cost of a run, its earlier parts included, never above the caps of the endpoint."""

    def __init__(self, endpoint: Endpoint, earlier: Iterable[Call]) -> None:
        self._endpoint = endpoint
        self.calls = 0
        self.cost = 0.0
        for call in earlier:
            self.calls += 1
            self.cost += at_most(call, endpoint)
        self._open = 0.0  # the most that requests under way may come to
        self._under_way = 0
        self._changed = asyncio.Condition()

    async def take(self, sent: Sent) -> UserError | None:
        """Set aside what a request may cost at most; return what stands against it, after others have come to their end."""
        most_calls = inf if self._endpoint.max_calls is None else self._endpoint.max_calls
        most_cost = inf if self._endpoint.max_cost is None else self._endpoint.max_cost
        wanted = self._endpoint.cost(sent.most_in, sent.most_out)
        async with self._changed:
            while self.calls < most_calls and self.cost + self._open + wanted > most_cost and self._under_way:
                await self._changed.wait()
            if self.calls >= most_calls:
                return _reached("max_calls", f"{self.calls} requests were sent", f"max_calls is {most_calls}")
            if self.cost + self._open + wanted > most_cost:
                unit = self._endpoint.currency
                spent = (
                    f"{self.cost:.4f} {unit} may have been spent and the next request may cost {wanted:.4f}"
                )
                return _reached("max_cost", spent, f"max_cost is {most_cost:.4f}")
            self.calls += 1
            self._open += wanted
            self._under_way += 1
        return None

    async def settle(self, call: Call) -> None:
        """Count what a request has cost."""
        async with self._changed:
            self._open -= self._endpoint.cost(call.sent.most_in, call.sent.most_out)
            self._under_way -= 1
            self.cost += at_most(call, self._endpoint)
            self._changed.notify_all()


def _reached(cap: str, received: str, allowed: str) -> UserError:
    return UserError(cap, received, allowed, "raise it and run again: what was judged is kept")
