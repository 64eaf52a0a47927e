"""What a client has done so far, for whoever shows progress or writes a report."""

import time
from dataclasses import dataclass, field

from rephrase.client.server import Server


@dataclass(slots=True)
class Counters:
    """Live numbers of one client; they only grow. ``servers`` tell their own ``in_flight``, ``open`` and ``said``.

    ``prompts`` were answered, ``refused`` not taken by any server, ``retries`` prompts had to be asked again.
    """

    servers: tuple[Server, ...]
    requests: int = 0  # over HTTP
    prompts: int = 0
    refused: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the client was started."""
        return time.monotonic() - self.started

    @property
    def in_flight(self) -> int:
        """Prompts that servers have now."""
        return sum(server.in_flight for server in self.servers)
