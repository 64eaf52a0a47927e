"""Prompts that wait for a server, and how they become batches."""

import asyncio
from collections import deque

from rephrase.requests import Reply, Request


class Ask:
    """A request under way: who waits for its reply, and how often a server has failed at it."""

    __slots__ = ("alone", "future", "head", "request", "seen", "tries")

    def __init__(self, request: Request, head: str, future: "asyncio.Future[Reply]") -> None:
        self.request, self.head, self.future = request, head, future
        self.tries = 0.0  # times that a server failed at it
        self.seen = -1  # how much had succeeded elsewhere when it last failed
        self.alone = False  # asked by itself, to see whether it is the one that a server fails at

    @property
    def chat(self) -> bool:
        """Whether it is a chat, which no request holds two of."""
        return not isinstance(self.request.prompt, str)


#: Prompts of one HTTP request: their heads are equal.
Batch = list[Ask]


class Queue:
    """Prompts in waiting. Those with one head become batches only when a server has room: by then more have come."""

    def __init__(self, size: int) -> None:
        self.size = size  # prompts of a batch at most
        self.came = 0  # prompts ever put in
        self._ready: deque[Batch] = deque()
        self._forming: dict[str, Batch] = {}

    @property
    def forming(self) -> bool:
        """Whether prompts wait for others to share their request."""
        return bool(self._forming)

    def add(self, ask: Ask) -> bool:
        """Put a prompt in; return whether that made a batch full."""
        self.came += 1
        if ask.alone:
            self._ready.append([ask])
            return True
        waiting = self._forming.setdefault(ask.head, [])
        waiting.append(ask)
        return ask.chat or len(waiting) >= self.size

    def add_batch(self, batch: Batch) -> None:
        """Put in, as it is and in front, what was a part of a batch already."""
        self.came += len(batch)
        self._ready.appendleft(batch)

    def first(self, *, partial: bool) -> Batch | None:
        """Return the batch that is to go next, which stays in; with ``partial`` one that could still grow, too."""
        while self._ready or self._cut(partial=partial):
            batch = self._ready[0]
            if not any(ask.future.done() for ask in batch):
                return batch
            self._ready.popleft()  # some were given up by those who asked
            if left := [ask for ask in batch if not ask.future.done()]:
                self._ready.appendleft(left)
        return None

    def pop(self) -> None:
        """Take out what ``first`` returned."""
        self._ready.popleft()

    def _cut(self, *, partial: bool) -> bool:
        """Make batches of what is forming; return whether there is one now.

        Neighbors in a batch share their start and are of similar length, so that they take similarly long.
        """
        for head, waiting in list(self._forming.items()):
            size = 1 if waiting[0].chat else self.size
            fit = len(waiting) if partial else len(waiting) // size * size
            if not fit:
                continue
            taken, rest = waiting[:fit], waiting[fit:]
            taken.sort(key=lambda ask: (ask.request.group, len(ask.request.prompt)))
            self._ready.extend(taken[at : at + size] for at in range(0, fit, size))
            if rest:
                self._forming[head] = rest
            else:
                del self._forming[head]
        return bool(self._ready)
