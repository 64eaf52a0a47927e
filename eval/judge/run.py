"""Judges answers: what is kept is not asked again, the rest is asked for side by side, and every reply is kept at once."""

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import click
from tqdm import tqdm
from yarl import URL

from datacards.endpoints.transport import SECRET, Transport, checked_key
from datacards.errors import UserError
from eval.judge.asks import Ask, Judgment
from eval.judge.endpoint import Endpoint
from eval.judge.estimate import estimated
from eval.judge.ledger import Call, Ledger, Sent, opened
from eval.judge.reading import TEN, Scale
from eval.judge.replies import Came, Outcome, read
from eval.judge.settling import History, histories
from eval.judge.sizes import characters, sizes
from eval.judge.spending import Spending

_REPLIES = (Outcome.ANSWERED, Outcome.REFUSED)
_KEPT = "run again: what was judged is kept"


def tell(line: str) -> None:
    """Print a line beside the results."""
    click.echo(line, err=True)


def judge(
    asks: Sequence[Ask],
    endpoint: Endpoint,
    cache: Path,
    *,
    scale: Scale = TEN,
    say: Callable[[str], None] = tell,
) -> list[Judgment]:
    """Return the judgment of every ask, in their order; ``cache`` is the file that keeps replies, made where there is none.

    ``say`` is given the estimate before the first request. A reply without a score within ``scale`` is asked for again at
    the next of the endpoint's temperatures. Raises UserError when a cap is reached, or would be by what is read alone, when
    the endpoint takes no request (key, address, model), when too many cannot be asked, and when another run writes to
    ``cache``; what was judged until then is kept, and the same call goes on.
    """
    with opened(cache) as ledger:
        known = histories(asks, endpoint, scale, ledger)
        told = estimated(known, endpoint, ledger)
        say(f"judge {endpoint.model}: {told}")
        # Replies of one token each: what is assumed of their length must not forbid what may fit.
        least = endpoint.cost(told.tokens_in.low, told.calls.low)
        if endpoint.max_cost is not None and least > endpoint.max_cost:
            raise UserError(
                "max_cost",
                f"judging takes {least:.2f} {endpoint.currency} at the least",
                f"max_cost is {endpoint.max_cost:.2f}",
                "raise it, or ask for fewer judgments",
            )
        missing = [one for one in known.values() if one.attempt is not None]
        errors: dict[str, Came] = {}
        if missing:
            key = checked_key(os.environ.get(endpoint.api_key_env, ""), endpoint.api_key_env)
            errors = asyncio.run(_Run(endpoint, ledger, known.values(), key).all(missing))
        found = {key: one.judgment(errors.get(key)) for key, one in known.items()}
    return [found[ask.key(endpoint)] for ask in asks]


class _Run:
    """The requests of one process."""

    def __init__(self, endpoint: Endpoint, ledger: Ledger, known: Iterable[History], key: str) -> None:
        earlier = [call for one in known for call in one.calls]
        self._endpoint, self._ledger, self._key = endpoint, ledger, key
        self._spending = Spending(endpoint, earlier)
        self._waiting: list[Call] = []
        self._disk = asyncio.Lock()
        self._left_alone = 0.0  # until when nothing is sent
        self._replies = sum(call.came is not None and call.came.outcome in _REPLIES for call in earlier)
        self._error: UserError | None = None
        self._errors: dict[str, Came] = {}

    async def all(self, missing: Sequence[History]) -> dict[str, Came]:
        """Ask for all that is missing; return the last outcome of what could not be asked. Raises UserError."""
        endpoint = self._endpoint
        most = sizes([one.ask for one in missing], endpoint)
        queue = deque(zip(missing, (ceil(size.high) for size in most), strict=True))
        allowed = max(1, int(endpoint.max_errors * len(missing)))
        transport = Transport(
            self._key, endpoint.timeout_s, endpoint.concurrency, most_bytes=endpoint.most_bytes
        )
        bar = tqdm(total=len(missing), unit="judgment", desc="judge", disable=None, leave=False)

        async def work() -> None:
            while queue and not self._error:
                one, size = queue.popleft()
                try:
                    error = await self._settle(one, size, transport)
                except UserError as told:  # the disk: what is under way elsewhere may still be kept
                    self._error = self._error or told
                    return
                if error and not self._error:
                    self._errors[one.ask.key(endpoint)] = error
                    if len(self._errors) > allowed:
                        self._error = self._hopeless(error, len(missing))
                bar.update()

        try:
            await asyncio.gather(*(work() for _ in range(min(endpoint.concurrency, len(missing)))))
        finally:
            bar.close()
            await transport.close()
        if self._errors and not self._replies:
            self._error = self._error or self._hopeless(next(iter(self._errors.values())), len(missing))
        if self._error:
            raise self._error
        return self._errors

    async def _settle(self, one: History, size: int, transport: Transport) -> Came | None:
        """Ask until the ask has its judgment; return the last outcome where it cannot be asked."""
        failures, replies = 0, self._replies
        while one.attempt is not None and not self._error:
            await self._pause()
            came = await self._call(one, size, transport)
            if came is None or self._barred(came):
                return None
            if came.outcome is Outcome.BAD:
                return came
            if came.outcome in _REPLIES:
                self._replies += 1
                failures = 0
                continue
            if came.outcome is Outcome.BUSY and self._replies > replies:
                failures = 0  # it serves others meanwhile: nothing is wrong but the pace
            replies = self._replies
            failures += 1
            if failures >= self._endpoint.tries:
                return came
            await self._back_off(failures, came.wait)
        return None

    async def _call(self, one: History, size: int, transport: Transport) -> Came | None:
        """Send one request, which stands on the disk before, and its answer afterwards; None where nothing was sent."""
        endpoint, attempt = self._endpoint, one.attempt or 0
        if self._error:
            return None
        sent = Sent(
            self._ledger.numbered(), one.ask.key(endpoint, attempt), attempt, endpoint.model, characters(one.ask),
            size, endpoint.max_tokens,
        )  # fmt: skip
        if error := await self._spending.take(sent):
            self._error = self._error or error
            return None
        call = Call(sent, None)
        try:
            await self._keep(call)
            answer = await transport.post(
                URL(f"{endpoint.url}/chat/completions"), one.ask.body(endpoint, attempt)
            )
            call = Call(sent, self._redacted(read(answer)))
            await self._keep(call)
        finally:
            await self._spending.settle(call)
        one.add(call)
        return call.came

    async def _keep(self, call: Call) -> None:
        """Have a row on the disk; rows of others that wait meanwhile go with it."""
        self._waiting.append(call)
        async with self._disk:
            if self._waiting:
                rows, self._waiting = self._waiting, []
                await asyncio.to_thread(self._ledger.write, rows)

    def _redacted(self, came: Came) -> Came:
        """Return the outcome without the key, should a server have written it in some way that the bytes do not show."""
        if len(self._key) < SECRET:
            return came
        told = {name: getattr(came, name).replace(self._key, "***") for name in ("text", "finish", "judge")}
        return replace(came, **told)

    async def _pause(self) -> None:
        while (left := self._left_alone - time.monotonic()) > 0 and not self._error:
            await asyncio.sleep(min(left, 1.0))

    async def _back_off(self, failures: int, wait: float) -> None:
        """Wait before the next try: full jitter below a time that doubles, and for all what the server has asked for."""
        endpoint = self._endpoint
        if wait > endpoint.patience_s:
            self._error = self._error or UserError(
                endpoint.url,
                f"asks to be left alone for {wait:.0f} s",
                f"patience_s is {endpoint.patience_s:.0f}",
                f"later {_KEPT}",
            )
            return
        if wait:
            self._left_alone = max(self._left_alone, time.monotonic() + wait)
        await self._pause()  # first, so that those who wait for one moment do not all begin at it
        most = min(endpoint.longest_wait_s, endpoint.first_wait_s * 2.0 ** min(failures - 1, 16))
        await asyncio.sleep(random.uniform(0.0, most))  # noqa: S311  spreads load, guards nothing

    def _barred(self, came: Came) -> bool:
        if came.outcome is Outcome.BARRED and not self._error:
            known = "set" if self._key else "not set"
            self._error = UserError(
                self._endpoint.url, f"answered {came.text}",
                f"the key is read from {self._endpoint.api_key_env}, which is {known}",
                f"correct url, model or key and {_KEPT}",
            )  # fmt: skip
        return came.outcome is Outcome.BARRED

    def _hopeless(self, came: Came, asked: int) -> UserError:
        return UserError(
            self._endpoint.url,
            f"{len(self._errors)} of {asked} answers could not be judged; the last one: {came.text}",
            f"max_errors is {self._endpoint.max_errors:g}",
            f"see to the endpoint, or raise max_errors, and {_KEPT}",
        )
