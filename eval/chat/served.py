"""Answers from a model behind an OpenAI-compatible endpoint, side by side and within its budget."""

import asyncio
import json
import os
import random
from collections import deque
from collections.abc import Callable, Sequence
from math import ceil

from tqdm import tqdm
from yarl import URL

from datacards.endpoints.transport import Transport, checked_key
from datacards.errors import UserError
from eval.chat.answering import Wanted, Write
from eval.chat.kept import Raw
from eval.judge.endpoint import Endpoint
from eval.judge.ledger import Call, Sent
from eval.judge.replies import Came, Outcome, read
from eval.judge.spending import Spending

_KEPT = "run again: what was answered is kept"
Take = Callable[[int, Raw], None]


def served_writer(endpoint: Endpoint) -> Write:
    """Return what has the model behind ``endpoint`` write, ``concurrency`` answers at once.

    A refusal, and a filter's, is an empty answer, as published. Writing ends with a UserError where the endpoint takes
    no request, an answer cannot be had after ``tries``, or a cap of the endpoint is reached; caps are on this process.
    """
    spending: list[Spending] = []

    def write(wanted: Sequence[Wanted], take: Take) -> None:
        if not spending:
            spending.append(Spending(endpoint, []))
        key = checked_key(os.environ.get(endpoint.api_key_env, ""), endpoint.api_key_env)
        asyncio.run(_Writing(endpoint, spending[0], key, take).all(wanted))

    return write


class _Writing:
    """The requests for one turn of many dialogues."""

    def __init__(self, endpoint: Endpoint, spending: Spending, key: str, take: Take) -> None:
        self._endpoint, self._spending, self._key, self._take = endpoint, spending, key, take
        self._error: UserError | None = None

    async def all(self, wanted: Sequence[Wanted]) -> None:
        """Have every answer written; raise UserError where one cannot be had."""
        endpoint = self._endpoint
        queue = deque(enumerate(wanted))
        transport = Transport(
            self._key, endpoint.timeout_s, endpoint.concurrency, most_bytes=endpoint.most_bytes
        )
        with tqdm(total=len(wanted), desc="answers", unit="answer", disable=None, leave=False) as bar:

            async def work() -> None:
                while queue and not self._error:
                    place, want = queue.popleft()
                    came = await self._answer(place, want, transport)
                    if came is not None:
                        self._take(place, _raw(came))
                    bar.update()

            try:
                await asyncio.gather(*(work() for _ in range(min(endpoint.concurrency, len(wanted)))))
            finally:
                await transport.close()
        if self._error:
            raise self._error

    async def _answer(self, place: int, want: Wanted, transport: Transport) -> Came | None:
        """Ask until there is an answer or a refusal; None where the writing has come to its end."""
        endpoint = self._endpoint
        sent = _sent(place, want, endpoint)
        for failures in range(1, endpoint.tries + 1):
            if self._error:
                return None
            if error := await self._spending.take(sent):
                self._error = self._error or error
                return None
            came = read(await transport.post(URL(f"{endpoint.url}/chat/completions"), _body(want, endpoint)))
            await self._spending.settle(Call(sent, came))
            if came.outcome in (Outcome.ANSWERED, Outcome.REFUSED):
                return came
            if came.outcome in (Outcome.BARRED, Outcome.BAD) or came.wait > endpoint.patience_s:
                self._ended(came)
                return None
            most = min(endpoint.longest_wait_s, endpoint.first_wait_s * 2.0 ** min(failures - 1, 16))
            await asyncio.sleep(max(came.wait, random.uniform(0.0, most)))  # noqa: S311  spreads load
        self._ended(came)
        return None

    def _ended(self, came: Came) -> None:
        text = came.text.replace(self._key, "***") if self._key else came.text
        self._error = self._error or UserError(
            self._endpoint.url, f"answered {text}", todo=f"see to the endpoint and {_KEPT}"
        )


def _body(want: Wanted, endpoint: Endpoint) -> bytes:
    fields = {
        "model": endpoint.model,
        endpoint.max_tokens_field: want.max_tokens,
        "temperature": want.temperature,
        **({"seed": want.seed} if endpoint.seed is not None else {}),
        **endpoint.extra,
        "messages": list(want.messages or ({"role": "user", "content": want.text or ""},)),
    }
    return json.dumps(fields).encode()


def _sent(place: int, want: Wanted, endpoint: Endpoint) -> Sent:
    """Return what a request may come to at most, for the caps."""
    size = sum(len(message["content"]) for message in want.messages or ())
    most_in = ceil(size * endpoint.tokens_per_character[2]) + 16 * len(want.messages or ())
    return Sent(place, "", 0, endpoint.model, size, most_in, want.max_tokens)


def _raw(came: Came) -> Raw:
    refused = came.outcome is Outcome.REFUSED
    return Raw(
        text="" if refused else came.text,
        finish="length" if came.finish == "length" else "stop",
        tokens=came.tokens_out,
        context_tokens=came.tokens_in,
    )
