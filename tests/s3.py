"""An S3 server on loopback (moto's), which tells of every request and lets a test step in before or after one."""

import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

KEY_ID, SECRET = "AKIASAMPLEKEYID00001", "sample/secret+of-the-tests/0000000000001"
Answer = tuple[str, bytes]


@dataclass(frozen=True)
class Request:
    """One request: ``key`` is the object's, '' where the request is about the bucket."""

    method: str
    key: str
    query: str


@dataclass
class Server:
    """The server; ``before`` and ``after`` are called with every request, and what they return is the answer instead."""

    port: int
    requests: list[Request] = field(default_factory=list)
    before: Callable[[Request, dict[str, Any]], Answer | None] = lambda _request, _environ: None
    after: Callable[[Request, dict[str, Any]], Answer | None] = lambda _request, _environ: None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, cache: Path) -> dict[str, str]:
        """Return what a process needs to know of the server, its copies lying in ``cache``."""
        return {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "KANAGURA_CACHE": str(cache),
        }

    def calm(self) -> None:
        """Forget the requests and what a test wanted to do with them."""
        self.requests.clear()
        self.before = self.after = lambda _request, _environ: None

    def kill(
        self,
        process: subprocess.Popen[Any],
        chosen: Callable[[Request], bool],
        number: int = 1,
        *,
        after: bool = False,
    ) -> None:
        """Kill a process at its ``number``-th request of the chosen ones, before or after it is carried out."""
        seen: list[Request] = []

        def count(request: Request, _environ: dict[str, Any]) -> Answer | None:
            if chosen(request):
                seen.append(request)
                if len(seen) == number:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    return "503 Service Unavailable", b""  # nobody is there to hear it
            return None

        if after:
            self.after = count
        else:
            self.before = count

    def shelf(self) -> "Shelf":
        """Make a bucket that no other test has."""
        made = Shelf(self, f"shelf-{next(self.numbers)}")
        made.ask("PUT", data=b"")
        self.requests.clear()
        return made

    def puts(self, *, key: str = "") -> list[str]:
        """Return the keys that were put, in order, parts of large objects included."""
        return [one.key for one in self.requests if one.method == "PUT" and one.key.endswith(key)]

    def gets(self) -> list[str]:
        return [one.key for one in self.requests if one.method == "GET" and one.key]


@dataclass(frozen=True)
class Shelf:
    """A bucket of its own for one test, seen without our own client."""

    server: Server
    bucket: str

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/corpora"

    def ask(self, method: str, path: str = "", data: bytes | None = None) -> bytes:
        url = f"{self.server.endpoint}/{self.bucket}{quote(path, safe='/?=&')}"
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20261121/us-east-1/s3/aws4_request",
            "Content-Type": "application/octet-stream",
        }
        asked = urllib.request.Request(url, method=method, data=data, headers=headers)  # noqa: S310  loopback
        with urllib.request.urlopen(asked) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content

    def held(self) -> list[str]:
        """Return what lies in the store, without its marker."""
        told = ElementTree.fromstring(self.ask("GET", "?list-type=2&prefix=corpora/"))  # noqa: S314  ours
        names = [one.text or "" for one in told.iter() if one.tag.endswith("}Key")]
        return sorted(key for one in names if (key := one.removeprefix("corpora/")) != "kanagura.txt")

    def key(self, beginning: str) -> str:
        (found,) = [key for key in self.held() if key.startswith(beginning)]
        return found

    def get(self, key: str) -> bytes:
        return self.ask("GET", f"/corpora/{key}")

    def put(self, key: str, content: bytes) -> None:
        self.ask("PUT", f"/corpora/{key}", content)

    def delete(self, key: str) -> None:
        self.ask("DELETE", f"/corpora/{key}")


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serve() -> Iterator[Server]:
    """Serve until the block ends."""
    application = DomainDispatcherApplication(create_backend_app)
    server = Server(0)

    def stepped_in(environ: dict[str, Any], start: Any) -> Any:
        _, _, key = environ["PATH_INFO"].encode("latin-1").decode().lstrip("/").partition("/")
        request = Request(environ["REQUEST_METHOD"], key, environ.get("QUERY_STRING", ""))
        server.requests.append(request)
        held: list[Any] = []
        answer = server.before(request, environ)
        if answer is None:
            said = list(application(environ, lambda *begun: held.extend(begun)))
            answer = server.after(request, environ)
            if answer is None:
                start(*held)
                return said
        start(answer[0], [("Content-Length", str(len(answer[1])))])
        return [answer[1]]

    httpd = make_server("127.0.0.1", 0, stepped_in, threaded=True, request_handler=_Quiet)
    server.port = httpd.port
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
