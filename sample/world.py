"""The sample world on loopback: one small web server for each public site that Kanagura reads.

with serve() as world:
    world.base_urls["boj"]          # "http://127.0.0.1:43121"

python -m sample.world --port 8790  # prints {"base_urls": {...}} when ready, serves until interrupted
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from sample import boj, edinet, glossary, institutions, wikipedia
from sample.companies import JST
from sample.http import LAST_MODIFIED, Request, Respond, Response

#: Short name of a host -> the function that answers for it, in the order of the ports.
HOSTS: Mapping[str, Respond] = {
    "boj": boj.respond,
    "boj_archive": boj.respond_archive,
    "jpx": glossary.respond,
    "edinet": edinet.respond,
    "edinet_codelist": edinet.respond_codelist,
    "wikipedia": wikipedia.respond,
    **institutions.HOSTS,
}


@dataclass(frozen=True)
class World:
    """A served world: where each host listens, and every request so far as (host, path with query)."""

    base_urls: Mapping[str, str]
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serve(
    ports: Mapping[str, int] | None = None, now: Callable[[], datetime] | None = None
) -> Iterator[World]:
    """Serve every host on 127.0.0.1 until the block ends.

    ports maps a host's short name to its port; a missing or zero port is chosen by the system. now gives the
    moment of a request (aware, in Japan); the real clock unless given.
    """
    ports = ports or {}
    log: list[tuple[str, str]] = []
    with ExitStack() as stack:
        base_urls = {}
        for host, respond in HOSTS.items():
            server = _HostServer(ports.get(host, 0), host, respond, log, now or _japan_now)
            stack.enter_context(_running(server))
            base_urls[host] = f"http://127.0.0.1:{server.server_port}"
        yield World(base_urls, log)


class _HostServer(ThreadingHTTPServer):
    """One site on one port."""

    daemon_threads = True

    def __init__(
        self,
        port: int,
        host: str,
        respond: Respond,
        log: list[tuple[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        self.host = host
        self.respond = respond
        self.log = log
        self.now = now
        super().__init__(("127.0.0.1", port), _Exchange)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent about a client that is gone; show any other error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Exchange(BaseHTTPRequestHandler):
    """One request and its response, over a connection that stays open."""

    server: _HostServer
    protocol_version = "HTTP/1.1"
    server_version = "Apache"
    sys_version = ""
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        self.server.log.append((self.server.host, self.path))
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.server.respond(
            Request(
                host=self.server.host,
                path=unquote(target.path),
                query=dict(parse_qsl(target.query, keep_blank_values=True)),
                headers=headers,
                now=self.server.now(),
            )
        )
        changing = "Cache-Control" in response.headers  # an answer made for this moment has no date of change
        modified = response.headers.get("Last-Modified", "" if changing else LAST_MODIFIED)
        if response.status == 200 and modified and headers.get("if-modified-since") == modified:
            response = Response(304)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status == 200 and modified and "Last-Modified" not in response.headers:
            self.send_header("Last-Modified", LAST_MODIFIED)
        if response.status != 304 and "Content-Length" not in response.headers:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Stay silent: World.requests is the log."""


@contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _japan_now() -> datetime:
    return datetime.now(JST)


def main() -> None:
    """Serve on consecutive ports until interrupted; the one line on stdout says that all hosts listen."""
    parser = argparse.ArgumentParser(description="serve the sample world on loopback")
    parser.add_argument("--port", type=int, default=8790, help="first port; 0 lets the system choose")
    first = parser.parse_args().port
    ports = {host: first + offset for offset, host in enumerate(HOSTS)} if first else None
    try:
        with suppress(KeyboardInterrupt), serve(ports) as world:
            sys.stdout.write(json.dumps({"base_urls": dict(world.base_urls)}) + "\n")
            sys.stdout.flush()
            threading.Event().wait()
    except (OSError, OverflowError) as error:
        raise SystemExit(
            f"ports {first} to {first + len(HOSTS) - 1}: {error}; name others with --port"
        ) from error


if __name__ == "__main__":
    main()
