"""Runs ``scrapy crawl`` as a user does, against real servers on loopback."""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from sample.world import World, serve

ROOT = Path(__file__).resolve().parents[2]
KEY = "sample-key"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens
BASES = ("boj", "boj_archive", "edinet", "edinet_codelist", "jpx", "wikipedia")


@dataclass
class Crawler:
    """Starts crawls into one store; ``logs`` holds everything that was printed."""

    store: Path
    base_urls: dict[str, str]
    logs: list[str] = field(default_factory=list)
    verb: str = "crawl"

    def command(self, *words: str) -> list[str]:
        settings = {
            "KANAGURA_BASE_URLS": json.dumps(self.base_urls),
            "DOWNLOAD_DELAY": "0",
            "KANAGURA_RETRY_WAIT": "0",
            "RETRY_TIMES": "1",
        }
        program = str(Path(sys.executable).with_name("scrapy"))
        given = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
        return [program, self.verb, words[0], *given, *words[1:]]

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "KANAGURA_STORE": str(self.store), "EDINET_API_KEY": KEY, **more}

    def run(
        self, *words: str, limit: int = resource.RLIM_INFINITY, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``scrapy crawl WORDS`` from the root of the checkout; no file may grow over ``limit`` bytes."""
        done = subprocess.run(
            self.command(*words),
            cwd=ROOT,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
        )
        self.logs += [done.stdout, done.stderr]
        return done


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The sample world, served once for all tests of the spiders."""
    with serve() as served:
        yield served


@pytest.fixture
def crawler(tmp_path: Path, world: World) -> Crawler:
    """Crawls the sample world into an empty store."""
    return Crawler(tmp_path / "store", {**dict.fromkeys(BASES, NOWHERE), **world.base_urls})


Answer = tuple[int, Mapping[str, str], bytes]  # status, headers, body


class Exchange(NamedTuple):
    """One request as the server saw it: path with query, headers with lower-case names, moments in seconds."""

    path: str
    headers: Mapping[str, str]
    began: float
    ended: float


@dataclass
class Site:
    """A tiny site: ``pages`` maps a path (with its query) to status, headers and body.

    A page may also be a function of the request; one that returns None has written its own answer.
    """

    pages: dict[str, Answer | Callable[[BaseHTTPRequestHandler], Answer | None]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)  # paths, in the order of their arrival
    agents: set[str] = field(default_factory=set)
    seen: list[Exchange] = field(default_factory=list)  # answered requests
    base: str = ""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve ``site`` on loopback until the block ends."""

    class Conversation(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            began = time.monotonic()
            site.requests.append(self.path)
            site.agents.add(self.headers.get("User-Agent", ""))
            try:
                self._answer()
            except ConnectionError:  # the crawl has heard enough
                self.close_connection = True
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.seen.append(Exchange(self.path, headers, began, time.monotonic()))

        def _answer(self) -> None:
            page = site.pages.get(self.path, (404, {}, b""))
            answer = page(self) if callable(page) else page
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_CONNECT(self) -> None:
            site.requests.append(f"CONNECT {self.path}")
            self.send_error(502)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Conversation)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    site.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    """An empty site to be filled by the test."""
    with serving(Site()) as served:
        yield served


@pytest.fixture
def other_site() -> Iterator[Site]:
    """A second empty site: another host, where one is needed."""
    with serving(Site()) as served:
        yield served


@pytest.fixture
def crawl_site(tmp_path: Path, site: Site) -> Callable[..., Crawler]:
    """Return a crawler whose base addresses all are the test's own site."""

    def make() -> Crawler:
        return Crawler(tmp_path / "store", dict.fromkeys(BASES, site.base))

    return make
