"""A circuit breaker: when a server is left alone, for how long, and since when it has given nothing."""

import random

#: Failures in a row after which a server is left alone.
FAILURES = 8
#: Seconds before the first look at a server that was left alone; doubled with every look, up to the second figure.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
_LONGEST_WAIT = 20.0  # of a prompt, in seconds


class Breaker:
    """The state of one server; times are seconds of one monotonic clock."""

    __slots__ = ("_looks", "failures", "open", "since")

    def __init__(self) -> None:
        self.open = False
        self.failures = 0
        self.since = 0.0  # the first failure after the last success
        self._looks = 0

    def failed(self, now: float, *, at_once: bool = False) -> bool:
        """Count a failure; return whether it opened the breaker. ``at_once`` waits for no others."""
        if not self.failures:
            self.since = now
        self.failures += 1
        if self.open or not (at_once or self.failures >= FAILURES):
            return False
        self.open = True
        return True

    def succeeded(self) -> None:
        """Close: the server has done what it is there for."""
        self.open = False
        self.failures = self._looks = 0

    def pause(self) -> float:
        """Return the seconds until the next look: twice the last ones, drawn between the half and the whole."""
        whole = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._looks, 16))
        self._looks += 1
        return whole * random.uniform(0.5, 1.0)  # noqa: S311  spreads load, guards nothing


def back_off(tries: float) -> float:
    """Return how many seconds a prompt waits before it is asked again: full jitter below 0.25 s doubled by every try.

    See Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
    """
    return random.uniform(0.0, min(_LONGEST_WAIT, 0.25 * 2.0 ** min(tries, 16.0)))  # noqa: S311
