"""Bytes to a server and back over connections that are kept; trouble on the way is told, never raised."""

import resource
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

import aiohttp
from yarl import URL

from datacards.errors import UserError
from datacards.render.markup import visible

#: The longest answer that is read, in bytes; eight long replies with all their token ids stay far below.
MOST_BYTES = 32 << 20
#: vLLM's server closes connections that were idle for 5 s; leaving them first means never writing into a closed one.
_KEPT_S = 4.0
#: The fewest signs of a key that is hidden where a server repeats it; what is shorter ("EMPTY") is no secret, and a word.
SECRET = 8
_OTHER_FILES = 256  # descriptors for all else that a run has open
_LONGEST_WAIT = 3600.0
_NOTICED = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}


#: What became of a request: answered whole, in events, no connection, one that broke, no answer in time, one without end.
Fate = Literal["whole", "streamed", "away", "lost", "late", "endless"]


class Answer(NamedTuple):
    """What came back; when that is nothing whole, ``status`` is 0 and ``trouble`` says what happened."""

    status: int
    body: bytes = b""
    wait: float = 0.0  # seconds of Retry-After
    place: str = ""  # of a redirect
    fate: Fate = "whole"
    trouble: str = ""


class _EndlessError(ValueError):
    """More bytes than any answer has."""


class Transport:
    """A pool of connections that all servers share. Make it inside a running event loop; ``close`` it there.

    ``key`` is sent as a bearer token and shown nowhere, not even where a server repeats it. A request takes at most
    ``timeout_s`` seconds, an answer ``most_bytes`` bytes.
    """

    def __init__(self, key: str, timeout_s: float, connections: int, *, most_bytes: int = MOST_BYTES) -> None:
        self._key = key.encode()
        self._most_bytes = most_bytes
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "kanagura",
        }
        if key:
            headers["Authorization"] = f"Bearer {key}"
        connector = aiohttp.TCPConnector(
            limit=_descriptors(connections),
            keepalive_timeout=_KEPT_S,
            ttl_dns_cache=60,
            socket_factory=_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, 30.0)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # nothing packed was asked for, and a few bytes may unpack to gigabytes
        )

    async def post(self, url: URL, body: bytes, take: Callable[[bytes], None] | None = None) -> Answer:
        """Send a JSON body. Where the server answers with events, ``take`` gets their lines as they come."""
        return await self._ask("POST", url, body, take)

    async def get(self, url: URL) -> Answer:
        """Fetch an address."""
        return await self._ask("GET", url)

    async def _ask(
        self, method: str, url: URL, body: bytes | None = None, take: Callable[[bytes], None] | None = None
    ) -> Answer:
        fate: Fate = "lost"
        try:
            # No redirect is followed: the key is for the address that was named, and so are the prompts.
            async with self._session.request(method, url, data=body, allow_redirects=False) as response:
                if take and response.status == 200 and response.content_type == "text/event-stream":
                    await self._stream(response, take)
                    return Answer(200, fate="streamed")
                whole = await self._read(response)
                wait = seconds(response.headers.get("Retry-After", ""))
                place = self._plain(response.headers.get("Location", ""))
                return Answer(response.status, self._hidden(whole), wait, place)
        except aiohttp.ConnectionTimeoutError:
            fate, trouble = "away", "no connection in time"
        except TimeoutError:
            fate, trouble = "late", "no answer in time"
        except aiohttp.ClientConnectorError as error:
            fate, trouble = "away", str(error)
        except _EndlessError as error:
            fate, trouble = "endless", str(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            trouble = str(error) or type(error).__name__
        return Answer(0, fate=fate, trouble=self._plain(trouble))

    async def _stream(self, response: aiohttp.ClientResponse, take: Callable[[bytes], None]) -> None:
        """Give whole lines to ``take`` as they come. Raises _EndlessError as ``_read`` does."""
        rest, read = b"", 0
        while piece := await response.content.readany():
            read += len(piece)
            self._check(read)
            lines, feed, rest = (rest + piece).rpartition(b"\n")
            if feed:
                take(self._hidden(lines))
        if rest:
            take(self._hidden(rest))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the body. Raises _EndlessError when it is longer than is read."""
        if (size := response.content_length) is not None:
            self._check(size)
            return await response.read()
        pieces, read = [], 0
        while piece := await response.content.readany():
            read += len(piece)
            self._check(read)
            pieces.append(piece)
        return b"".join(pieces)

    def _check(self, size: int) -> None:
        if size > self._most_bytes:
            raise _EndlessError(f"the answer is longer than {self._most_bytes / (1 << 20):.3g} MiB")

    def _hidden(self, said: bytes) -> bytes:
        """Return what a server said without the key, which some repeat in their messages."""
        return said.replace(self._key, b"***") if len(self._key) >= SECRET and self._key in said else said

    def _plain(self, said: str) -> str:
        return visible(self._hidden(said.encode(errors="replace")).decode(errors="replace"), 300)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def seconds(retry_after: str, now: datetime | None = None) -> float:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3: a number or a date), 0 for none, an hour at most."""
    if retry_after.strip().isascii() and retry_after.strip().isdigit():
        return min(float(retry_after.strip()[:9]), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(retry_after)
        left = (until - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(left, 0.0), _LONGEST_WAIT)


def _socket(address: Sequence[object]) -> socket.socket:
    """Return a socket that notices in about a minute when the machine at the other end is gone without a word."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)  # type: ignore[arg-type]
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _NOTICED.items():
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made


def _descriptors(wanted: int) -> int:
    """Return how many of the wanted connections this process may hold, after asking the system for more if need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted + _OTHER_FILES:
        most = wanted + _OTHER_FILES if hard == resource.RLIM_INFINITY else min(hard, wanted + _OTHER_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return max(8, min(wanted, soft - _OTHER_FILES))


def checked_key(key: str, variable: str = "OPENAI_API_KEY") -> str:
    """Return ``key``, the value of ``variable``, without white space around it.

    Raises UserError, which does not show it, when no header can hold it.
    """
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError(variable, "it holds signs that no key has", todo="set it again, from its source")
    return key
