"""The engine over any number of OpenAI-compatible servers."""

import asyncio
import os
from collections.abc import Sequence

from datacards.endpoints.transport import Transport, checked_key
from datacards.errors import UserError
from rephrase.client.counters import Counters
from rephrase.client.dispatch import Dispatch
from rephrase.client.probes import first_look
from rephrase.client.queue import Ask
from rephrase.client.server import servers
from rephrase.client.wire import UnsayableError, head
from rephrase.requests import REFUSED, Engine, Reply, Request, Sampling

_HEADS = 256  # Samplings whose fields are kept written


class Servers(Engine):
    """Asks the servers at ``addresses`` (base URLs that end with /v1) for ``model``, the name that they serve.

    ``in_flight`` prompts are sent to each at once: a quarter more than vLLM's ``max_num_seqs`` keeps it full.
    ``prompts_per_request`` of them share one ``/v1/completions`` request where their Sampling is equal (its seed is a
    part of it); a chat goes alone. ``timeout_s`` is for one request. A server that fails again and again is left
    alone and looked at now and then; when all have been for ``patience_s``, UserError. ``tries`` is how often a
    prompt is asked that servers fail at while they answer others; then its Reply is ``refused``, with their words.
    ``ready_s`` is how long ``start`` waits for the first server. ``vllm`` false sends no field that only vLLM knows.
    The key is read from OPENAI_API_KEY unless given; it goes to these addresses and nowhere else.

    vLLM answers the prompts of a list one by one (two events each): the place of one is free again while the others
    are still written, and its tokens are counted. Other servers answer whole lists, and then the tokens of a prompt
    are its share by length.

    ``counters`` are live; ``max_model_len`` is known once started: the tokens of prompt and reply that every server
    takes, None where they do not tell.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        model: str,
        *,
        key: str | None = None,
        timeout_s: float = 600.0,
        in_flight: int = 1280,
        prompts_per_request: int = 8,
        patience_s: float = 600.0,
        ready_s: float = 0.0,
        tries: int = 6,
        vllm: bool = True,
    ) -> None:
        self.model = model
        self.counters = Counters(servers(addresses, in_flight))
        self.max_model_len: int | None = None
        # Places become free one by one and are taken by whole lists: a list is a small part of them.
        self._size = max(1, min(prompts_per_request, in_flight // 4))
        # A few more than fit wait here, so that whole lists are at hand when a server has room.
        self.capacity = len(self.counters.servers) * (in_flight + 2 * self._size)
        self._key = checked_key(os.environ.get("OPENAI_API_KEY", "") if key is None else key)
        self._connections = len(self.counters.servers) * in_flight
        self._timeout_s, self._patience_s, self._ready_s, self._tries = timeout_s, patience_s, ready_s, tries
        self._vllm = vllm
        self._room = asyncio.Semaphore(self.capacity)
        self._asks: set[Ask] = set()
        self._heads: dict[tuple[int, bool], tuple[Sampling, str]] = {}
        self._transport: Transport | None = None
        self._dispatch: Dispatch | None = None
        self._error: UserError | None = None

    async def start(self) -> None:
        """Look at all servers. Raises UserError when one is another thing than asked for, or when none is there.

        A server that is away is looked at again later, as long as another one is there.
        """
        self._transport = Transport(self._key, self._timeout_s, self._connections)
        try:
            self.max_model_len = await first_look(
                self._transport, self.counters.servers, self.model, self._ready_s
            )
        except BaseException:
            await self.close()
            raise
        self._dispatch = Dispatch(
            self._transport,
            self.counters,
            self.model,
            size=self._size,
            tries=self._tries,
            patience_s=self._patience_s,
            on_end=self._end,
        )

    async def reply(self, request: Request) -> Reply:
        """Answer one request, as Engine says; waits for its turn while ``capacity`` others are under way."""
        async with self._room:
            if self._error:
                raise _copy(self._error)
            if self._dispatch is None:
                raise RuntimeError("the engine is not started")
            try:
                start = self._head(request.sampling, chat=not isinstance(request.prompt, str))
            except UnsayableError as error:
                self.counters.refused += 1
                return Reply(str(error), REFUSED)
            ask = Ask(request, start, asyncio.get_running_loop().create_future())
            self._asks.add(ask)
            try:
                self._dispatch.add(ask)
                return await ask.future
            finally:
                self._asks.discard(ask)

    async def close(self) -> None:
        """Give up what is under way and close all connections."""
        if self._dispatch:
            await self._dispatch.close()
            self._dispatch = None
        for ask in self._asks:
            ask.future.cancel()
        if self._transport:
            await self._transport.close()
            self._transport = None

    def _head(self, sampling: Sampling, *, chat: bool) -> str:
        """Return the start of a body; recipes use few Samplings, and each is written once."""
        place = (id(sampling), chat)  # the entry holds the object, so that its id stays its own
        if known := self._heads.get(place):
            return known[1]
        if len(self._heads) >= _HEADS:
            self._heads.clear()
        made = head(self.model, sampling, chat=chat, vllm=self._vllm, stream=self._size > 1 and not chat)
        self._heads[place] = (sampling, made)
        return made

    def _end(self, error: UserError) -> None:
        """Let all who wait know that nobody will answer."""
        self._error = self._error or error
        for ask in self._asks:
            if not ask.future.done():
                ask.future.set_exception(_copy(self._error))


def _copy(error: UserError) -> UserError:
    """Return the same error once more: one that is raised in many places would gather all their frames."""
    return UserError(error.where, error.received, error.allowed, error.todo)
