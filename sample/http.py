"""The two records every host of the sample world speaks: a request and the response to it."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

#: One modification time for every static page, so that two servings are byte for byte the same.
LAST_MODIFIED = "Fri, 20 Nov 2026 03:00:00 GMT"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked of one host.

    host is the sample world's short name of the host ("boj", "edinet", ...), path starts with "/" and is
    percent-decoded, query holds the last value of every key, header names are lower case, now is the moment
    of the request in Japan (aware).
    """

    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Response:
    """What a host answers; Content-Length, Date and, unless given, Last-Modified are added by the server."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes = b""


#: A host: one function from a request to a response, without state of its own.
Respond = Callable[[Request], Response]


def page(body: bytes, content_type: str) -> Response:
    """A page found: status 200, the given body and media type."""
    return Response(200, {"Content-Type": content_type}, body)


def text(body: str, content_type: str = "text/plain; charset=utf-8", status: int = 200) -> Response:
    """A text response in UTF-8."""
    return Response(status, {"Content-Type": content_type}, body.encode("utf-8"))


def redirect(location: str, status: int = 301) -> Response:
    """A permanent redirect to a path of the same host or to an absolute address."""
    return Response(status, {"Location": location, "Content-Type": "text/html"}, b"")


def ranged(request: Request, whole: Response) -> Response:
    """The part of a found page that was asked for, else all of it (RFC 9110, sections 13.1.5, 14.2 and 15.5.17)."""
    tag = f'"{hashlib.sha1(whole.body, usedforsecurity=False).hexdigest()[:16]}"'
    headers = {**whole.headers, "ETag": tag, "Accept-Ranges": "bytes"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", tag) not in (tag, LAST_MODIFIED):
        return Response(whole.status, headers, whole.body)
    size, start = len(whole.body), int(asked[1])
    end = min(size, int(asked[2]) + 1) if asked[2] else size
    if start >= end:
        return Response(416, {**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Response(206, headers, whole.body[start:end])


def not_found() -> Response:
    """Status 404 with a small body, as a site without a rule for the path answers."""
    return text("<html><head><title>404 Not Found</title></head><body>404</body></html>", "text/html", 404)
