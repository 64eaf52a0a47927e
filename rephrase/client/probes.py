"""Looks at servers: all of them before the first prompt, and those that were left alone before the next one."""

import asyncio
import time
from collections.abc import Sequence

from datacards.endpoints.transport import Answer, Transport
from datacards.errors import UserError
from rephrase.client.judge import Failure, Fault, judged, ours, served, words
from rephrase.client.server import Server
from rephrase.client.wire import body, head
from rephrase.requests import Message, Request, Sampling

_BETWEEN_S = 2.0  # while the first server is waited for
_TODO = "start one (kanagura rephrase serve RECIPE) and run again: finished replies are kept"


async def first_look(
    transport: Transport, servers: Sequence[Server], model: str, ready_s: float
) -> int | None:
    """Wait up to ``ready_s`` for a server; return the longest context that all take, in tokens, None when untold.

    Servers that are away are marked open. Raises UserError when all are, or when one is another thing than asked for.
    """
    until = time.monotonic() + ready_s
    while True:
        found = await asyncio.gather(*(look(transport, server, model) for server in servers))
        away = [isinstance(one, str) for one in found]
        if not all(away):
            break
        if time.monotonic() + _BETWEEN_S > until:
            said = "; ".join(f"{server.address}: {one}" for server, one in zip(servers, found, strict=True))
            raise UserError(
                servers[0].address if len(servers) == 1 else "servers",
                f"the server did not answer: {found[0]}"
                if len(servers) == 1
                else f"no server answered: {said}",
                "an OpenAI-compatible endpoint is needed",
                _TODO,
            )
        await asyncio.sleep(_BETWEEN_S)
    for server, one in zip(servers, found, strict=True):
        if isinstance(one, str):
            server.said = one
            server.breaker.failed(time.monotonic(), at_once=True)
    lengths = [one for one in found if isinstance(one, int)]
    return min(lengths, default=None)


async def look(transport: Transport, server: Server, model: str) -> int | str | None:
    """Return the longest context of ``model`` there, None when untold, or as text why the server is away for now.

    Raises UserError when it is no server of that model.
    """
    answer = await transport.get(server.models)
    if (
        not answer.status
        or answer.status in (408, 425, 429)
        or (answer.status >= 500 and answer.status != 501)
    ):
        return words(answer)
    return served(server.address, answer, model)


async def works(transport: Transport, server: Server, model: str, *, chat: bool) -> str:
    """Return "" when the server serves the model and writes one token, else what it said instead."""
    try:
        seen = await look(transport, server, model)
    except UserError as error:
        return error.received
    if isinstance(seen, str):
        return seen
    request = Request(model, (Message("user", "1"),) if chat else "1", Sampling(max_tokens=1))
    start = head(model, request.sampling, chat=chat)
    answer = await transport.post(server.chats if chat else server.completions, body(start, [request]))
    return why_not(answer, request)


def why_not(answer: Answer, request: Request) -> str:
    """Return "" when an answer shows a server at work; its objection to this one prompt does."""
    found = judged(answer, [request])
    if not isinstance(found, Failure) or (found.fault is Fault.REFUSED and ours(answer)):
        return ""
    return found.said
