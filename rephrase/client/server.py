"""One server: its addresses, what it has to do, and how it is doing; and which of several takes the next batch."""

import zlib
from collections.abc import Iterable, Sequence

from yarl import URL

from datacards.errors import UserError
from datacards.render.markup import visible
from rephrase.client.breaker import Breaker

#: How much more of its room may be taken than of the least loaded one's before a server loses its groups to others.
_SLACK = 0.25


class Server:
    """State of one server, read by whoever shows progress: ``in_flight`` prompts of ``limit``, ``open``, ``said``."""

    def __init__(self, address: str, limit: int) -> None:
        base = base_url(address)
        self.address = str(base)
        self.completions, self.chats, self.models = (
            base / "completions",
            base / "chat/completions",
            base / "models",
        )
        self.limit = limit
        self.in_flight = 0
        self.sent = 0  # requests
        self.answered = 0  # prompts
        self.failures = 0  # requests
        self.breaker = Breaker()
        self.resumes_at = 0.0  # it asked not to be asked before (Retry-After)
        self.proven = False  # it has answered as an OpenAI interface does
        self.dead = ""  # why nothing more is sent to it in this run
        self.said = "nothing yet"  # its last answer that was none

    @property
    def open(self) -> bool:
        """Whether it is left alone at present."""
        return self.breaker.open or bool(self.dead)

    @property
    def load(self) -> float:
        """The share of its room that is taken."""
        return self.in_flight / self.limit

    def left_alone(self, now: float) -> float:
        """Return for how many seconds nothing has come from it, if nothing more is sent to it at present, else 0."""
        silent = self.breaker.failures and (self.breaker.open or now < self.resumes_at)
        return now - self.breaker.since if silent else 0.0

    def room(self, prompts: int, now: float) -> bool:
        """Return whether it takes so many prompts now."""
        return not self.open and now >= self.resumes_at and self.in_flight + prompts <= self.limit


def base_url(address: str) -> URL:
    """Return the address of an interface, without a slash at its end. Raises UserError for what is none.

    A name and a password in it are refused without being shown: addresses are printed and kept, keys are not.
    """
    try:
        url = URL(address.strip())
        fine = (
            url.scheme in ("http", "https") and bool(url.host) and not url.query_string and not url.fragment
        )
        secret = bool(url.user or url.password)
    except ValueError:
        fine, secret = False, "@" in address
    if secret:
        raise UserError(
            "servers",
            "an address with a name or a password in it",
            "a key is read from OPENAI_API_KEY",
            "leave it out",
        )
    if not fine:
        raise UserError(
            visible(address, 200),
            "it is no address of a server",
            "for example http://127.0.0.1:8000/v1",
            "correct servers",
        )
    return URL(str(url).rstrip("/"))


def servers(addresses: Sequence[str], limit: int) -> tuple[Server, ...]:
    """Return the servers at ``addresses``. Raises UserError when there is none, or one twice."""
    made = tuple(Server(address, limit) for address in addresses)
    if not made:
        raise UserError("servers", "no address of a server", todo="give one at least")
    if len({server.address for server in made}) < len(made):
        raise UserError("servers", "an address is there twice", todo="name every server once")
    return made


def chosen(among: Iterable[Server], group: str, prompts: int, now: float) -> Server | None:
    """Return the server that takes a batch of so many prompts now: the least loaded, or None when all are full.

    Batches of one ``group`` share the start of their prompts. They go to one server, which keeps that start in its
    prefix cache, unless it has much more to do than the least loaded; then to the group's next one. The order is drawn
    from the names (rendezvous hashing), so that it needs no memory and a lost server moves its own groups only.
    """
    able = [server for server in among if server.room(prompts, now)]
    if len(able) < 2:
        return able[0] if able else None
    least = min(able, key=lambda server: (server.load, server.sent))
    if not group:
        return least
    near = (server for server in able if server.load <= least.load + _SLACK)
    return max(near, key=lambda server: zlib.crc32(f"{group}|{server.address}".encode(errors="replace")))
