"""From waiting prompts to replies: who is asked next, and what becomes of prompts whose server failed."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from datacards.endpoints.transport import Answer, Transport
from datacards.errors import UserError
from datacards.render.markup import visible
from rephrase.client.breaker import back_off
from rephrase.client.counters import Counters
from rephrase.client.judge import Failure, Fault, judged, ours
from rephrase.client.probes import works
from rephrase.client.queue import Ask, Batch, Queue
from rephrase.client.server import Server, chosen
from rephrase.client.stream import Stream
from rephrase.client.wire import body
from rephrase.requests import REFUSED, UNDONE, Reply

#: The longest that a prompt waits for others to share its request while a server is free, in seconds.
_GATHER_S = 0.003
#: The share of its room above which a server has more than it writes at once, and how long a list then waits to be full.
_FULL, _HOLD_S = 0.8, 0.1
#: Prompts in a row that no server can answer while it answers nothing else: then it is not the prompts.
_HOPELESS = 32
#: Rounds of the loop in which nothing is put in before what waits is sent: askers need some to come back.
_QUIET = 3
#: What a broken connection counts towards the tries of a prompt: that one crashes a server is rare.
_LOST = 0.25
_KEPT = "see to the servers and run again: finished replies are kept"


class Dispatch:
    """Sends batches to servers and settles what comes back; ``on_end`` is told of the error after which all is over."""

    def __init__(
        self,
        transport: Transport,
        counters: Counters,
        model: str,
        *,
        size: int,
        tries: int,
        patience_s: float,
        on_end: Callable[[UserError], None],
    ) -> None:
        self._transport, self._counters, self._servers = transport, counters, counters.servers
        self._model, self._tries, self._patience_s, self._on_end = model, tries, patience_s, on_end
        self._queue = Queue(size)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathering = self._stirred = False
        self._held: asyncio.TimerHandle | None = None
        self._successes = 0  # prompts and looks
        self._hopeless = 0
        self._chat = False  # the last kind that a server failed at
        for server in self._servers:
            if server.breaker.open:
                self._spawn(self._look_after(server))

    def add(self, ask: Ask) -> None:
        """Let a prompt wait for a server; the reply comes to its future."""
        full = self._queue.add(ask)
        if full and (ask.alone or not self._hungry()):
            self._pump(partial=False)
        self._gather()

    async def close(self) -> None:
        """Stop all work; prompts under way get no reply."""
        if self._held:
            self._held.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stir(self) -> None:
        """Send what waits after something has changed; once for all that changes in one round of the loop."""
        if not self._stirred:
            self._stirred = True
            self._loop.call_soon(self._run, self._stir_now)

    def _stir_now(self) -> None:
        self._stirred = False
        self._pump(partial=False)
        self._gather()

    def _gather(self) -> None:
        """Have lists that are not full sent in time.

        That is once nothing more is being put in, which the loop's next rounds show, or a little later while all
        servers have queues of their own: then nothing is gained by a list that is not full.
        """
        if self._gathering or not self._queue.forming:
            return
        if self._hungry():
            self._gathering = True
            self._loop.call_soon(self._run, self._hop, self._queue.came, 0, time.monotonic() + _GATHER_S)
        elif self._held is None:
            self._held = self._loop.call_later(_HOLD_S, self._run, self._release)

    def _hungry(self) -> bool:
        return any(not server.open and server.load <= _FULL for server in self._servers)

    def _hop(self, came: int, quiet: int, until: float) -> None:
        quiet = quiet + 1 if self._queue.came == came else 0
        if quiet < _QUIET and time.monotonic() < until:
            self._loop.call_soon(self._run, self._hop, self._queue.came, quiet, until)
        else:
            self._gathering = False
            self._pump(partial=True)

    def _release(self) -> None:
        self._held = None
        now = time.monotonic()
        self._pump(partial=any(server.room(1, now) for server in self._servers))

    def _pump(self, *, partial: bool) -> None:
        """Send batches while a server has room for one."""
        now = time.monotonic()
        while batch := self._queue.first(partial=partial):
            server = chosen(self._servers, batch[0].request.group, len(batch), now)
            if server is None:
                break
            self._queue.pop()
            server.in_flight += len(batch)
            server.sent += 1
            self._counters.requests += 1
            self._spawn(self._send(server, batch))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._loop.call_exception_handler(
                {"message": "the client failed", "exception": error, "task": task}
            )
            self._broken(error)

    def _run(self, work: Callable[..., None], *given: object) -> None:
        """Do what the loop was asked to call. Nobody waits for it, so an error in it is told to all who wait for replies."""
        try:
            work(*given)
        except BaseException as error:
            self._broken(error)
            raise

    def _broken(self, error: BaseException) -> None:
        self._on_end(UserError("client", f"{type(error).__name__}: {error}", todo="report this"))

    async def _send(self, server: Server, batch: Batch) -> None:
        asked = [ask.request for ask in batch]
        url = server.chats if batch[0].chat else server.completions
        left = dict(enumerate(batch))
        stream = Stream(asked)

        def take(lines: bytes) -> None:
            for at, reply in stream.feed(lines):
                # The place of a prompt is free as soon as its reply is there, whatever the others of its list do.
                server.in_flight -= 1
                self._replied(server, left.pop(at), reply)
            if len(left) < len(batch):
                self._stir()

        try:
            answer = await self._transport.post(url, body(batch[0].head, asked), take)
        finally:
            server.in_flight -= len(left)  # before anybody waits for a better moment
        if left:
            self._settled(server, list(left.values()), answer, stream.trouble)
            self._stir()
        if server.dead and all(one.dead and not one.in_flight for one in self._servers):
            self._on_end(_none_left(self._servers, "no server takes these requests"))

    def _settled(self, server: Server, left: Batch, answer: Answer, trouble: str) -> None:
        """Settle the prompts that no event has answered by what came of their request."""
        if answer.fate == "streamed":
            said = visible(trouble, 300) or "a stream without a reply to this prompt"
            self._failed(server, left, Failure(Fault.FAILED, said), answer)
            return
        found = judged(answer, [ask.request for ask in left])
        if isinstance(found, Failure):
            self._failed(server, left, found, answer)
            return
        undone = []
        for ask, reply in zip(left, found, strict=True):
            if reply is None:
                undone.append(ask)
            else:
                self._replied(server, ask, reply)
        if undone:
            self._failed(
                server, undone, Failure(Fault.FAILED, "an answer without a reply to this prompt"), answer
            )

    def _replied(self, server: Server, ask: Ask, reply: Reply) -> None:
        server.proven, server.dead = True, ""
        if reply.finish_reason in UNDONE and not self._spent(ask):
            self._unanswered(
                server, [ask], Failure(Fault.FAILED, f"a reply that ended with {reply.finish_reason}")
            )
            return
        server.breaker.succeeded()
        self._successes += 1
        self._hopeless = 0
        server.answered += 1
        self._counters.prompts += 1
        self._counters.prompt_tokens += reply.prompt_tokens
        self._counters.completion_tokens += reply.completion_tokens
        _settle(ask, reply)

    def _failed(self, server: Server, batch: Batch, failure: Failure, answer: Answer) -> None:
        server.said = failure.said
        fault = failure.fault
        if fault is Fault.REFUSED and (server.proven or ours(answer)):
            server.proven = True
            server.breaker.succeeded()
            self._refused(batch, failure.said)
            return
        server.failures += 1
        if fault in (Fault.REFUSED, Fault.FOREIGN) and not server.proven:
            server.dead = failure.said
            self._again(batch, 0.0)
            return
        self._unanswered(server, batch, failure)

    def _refused(self, batch: Batch, said: str) -> None:
        """Ask both halves of a list with a bad prompt again, down to the bad one."""
        if len(batch) == 1:
            self._counters.refused += 1
            _settle(batch[0], Reply(said, REFUSED))
            return
        self._counters.retries += len(batch)
        for half in (batch[len(batch) // 2 :], batch[: len(batch) // 2]):
            self._queue.add_batch(half)

    def _unanswered(self, server: Server, batch: Batch, failure: Failure) -> None:
        """Count a failure of the server, and of the prompts where others succeeded meanwhile; ask them again later."""
        now = time.monotonic()
        self._chat = batch[0].chat
        if failure.wait:
            server.resumes_at = max(server.resumes_at, now + failure.wait)
            self._loop.call_later(failure.wait, self._run, self._stir)
            self._loop.call_later(self._patience_s + 0.1, self._run, self._count_the_hours)
        if server.breaker.failed(now):
            self._spawn(self._look_after(server))
        left = []
        for ask in batch:
            if failure.fault is not Fault.BUSY and self._successes > ask.seen:
                ask.seen = self._successes
                ask.tries += _LOST if failure.fault is Fault.LOST else 1.0
                ask.alone = ask.tries > 1
            if self._spent(ask):
                self._give_up(ask, failure.said)
            else:
                left.append(ask)
        if left:
            self._again(left, back_off(max(ask.tries for ask in left)))

    def _spent(self, ask: Ask) -> bool:
        return ask.tries >= self._tries

    def _give_up(self, ask: Ask, said: str) -> None:
        self._counters.refused += 1
        self._hopeless += 1
        _settle(ask, Reply(f"asked {ask.tries:g} times: {said}", REFUSED))
        if self._hopeless >= _HOPELESS:
            self._on_end(_none_left(self._servers, f"{_HOPELESS} prompts in a row could not be answered"))

    def _again(self, batch: Batch, wait: float) -> None:
        self._counters.retries += len(batch)

        def put_back() -> None:
            for ask in batch:
                if not ask.future.done():
                    self.add(ask)

        self._loop.call_later(wait, self._run, put_back)

    async def _look_after(self, server: Server) -> None:
        """Look at a server that is left alone until it works again, or until patience with all of them ends."""
        while server.breaker.open:
            await asyncio.sleep(max(server.breaker.pause(), server.resumes_at - time.monotonic()))
            if said := await works(self._transport, server, self._model, chat=self._chat):
                server.said = said
                self._count_the_hours()
            else:
                server.proven = True
                server.breaker.succeeded()
                self._successes += 1
                self._stir()

    def _count_the_hours(self) -> None:
        """End when nobody has answered for too long."""
        now = time.monotonic()
        if all(one.dead or one.left_alone(now) > self._patience_s for one in self._servers):
            self._on_end(_none_left(self._servers, f"no server has answered for {self._patience_s:g} s"))


def _settle(ask: Ask, reply: Reply) -> None:
    if not ask.future.done():
        ask.future.set_result(reply)


def _none_left(servers: tuple[Server, ...], received: str) -> UserError:
    """Return the error that tells what each server said last."""
    said = ", ".join(f"{server.address} said last: {server.dead or server.said}" for server in servers)
    where = servers[0].address if len(servers) == 1 else "servers"
    return UserError(where, f"{received}; {said}", "an OpenAI-compatible endpoint is needed", _KEPT)
