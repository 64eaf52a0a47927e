"""What a crawl says of one address as WARC 1.1 records: gzip members that any reader of the format understands.

Follows ISO 28500:2017; the layout is described in ``corpus.captures``.
"""

import json
import uuid
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from corpus.captures import Entry, Held
from corpus.document import Capture

LEVEL = 3  # of gzip: half the time of level 6, for 3 % more bytes of Japanese HTML
_LENGTHS = ("content-length", "content-encoding", "transfer-encoding")
_KINDS = {"new": "response", "unchanged": "revisit", "carried": "metadata"}
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/"
Headers = Iterable[tuple[str, str]]


class Visit(NamedTuple):
    """What became of one address: a ``capture``, and how it is known.

    ``new``: it was fetched. ``not_modified``: the server said so (304, with ``headers``) and the body is that of an
    earlier version.
    """

    capture: Capture
    how: Literal["new", "not_modified"] = "new"
    headers: tuple[tuple[str, str], ...] = ()


class Carried(NamedTuple):
    """An address whose publisher was not asked: what an earlier version holds of it never changes.

    ``meta`` is what is known of it now; it is added to what was known then.
    """

    url: str
    source: str
    license: str
    meta: Mapping[str, str]


def held_by(row: Mapping[str, Any]) -> Held:
    """Return where the body of an earlier version's row lies."""
    return Held(
        version=row["body_version"],
        warc=row["body_warc"],
        offset=row["body_offset"],
        record=_identifier("response", row["url"], instant(row["fetched_at"]), row["sha256"]),
        fetched_at=row["fetched_at"].isoformat(),
        status=row["status"],
        sha256=row["sha256"],
        n_bytes=row["n_bytes"],
        etag=row["etag"],
        last_modified=row["last_modified"],
    )


def validators(headers: Headers) -> dict[str, str]:
    """Return the ``etag`` and the ``last_modified`` in the headers of a response (RFC 9110, section 8.8)."""
    given = {name.lower(): value for name, value in headers}
    return {name: given.get(name.replace("_", "-"), "") for name in ("etag", "last_modified")}


def entry_of(visit: Visit, held: Held | None, sha256: str) -> Entry:
    """Return what the records of a visit will say; ``held`` is where its body lies already."""
    capture = visit.capture
    moment = capture.fetched_at if visit.how == "new" else datetime.now(UTC)
    state = "unchanged" if held else "new"
    said: dict[str, Any] = {
        "source": capture.source,
        "license": capture.license,
        "media_type": capture.media_type,
        "signals": dict(capture.signals),
        "meta": dict(capture.meta),
    }
    if held:
        # A server may give the same bytes a new tag, and a 304 none at all.
        told = validators(visit.headers if visit.how == "not_modified" else capture.headers)
        said["body"] = {**held._asdict(), **{name: value for name, value in told.items() if value}}
        held = Held(**said["body"])
    return Entry(capture.url, state, moment, 0, said, None if held else capture, held)


def carried(item: Carried, row: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[Entry, bytes]:
    """Return what the record of an address that was not asked says, and the record.

    ``row`` is the earlier version's index row, ``said`` what its metadata record says: both stand, and what is known
    now is added.
    """
    held = held_by(row)
    now_said = {
        **said,
        "source": item.source,
        "license": item.license,
        "meta": {**said["meta"], **item.meta},
        "body": held._asdict(),
        "seen_at": row["seen_at"].isoformat(),
    }
    entry = Entry(item.url, "carried", row["seen_at"], 0, now_said, held=held)
    return entry, _about(entry, instant(datetime.now(UTC)), {"WARC-Refers-To": held.record}, held.sha256)


def members(visit: Visit, entry: Entry, sha256: str) -> list[bytes]:
    """Return the records of a visit, each a gzip member."""
    capture, held, when = visit.capture, entry.held, instant(entry.seen_at)
    kind = _KINDS[entry.state]
    identifier = _identifier(kind, capture.url, when, sha256)
    more = {
        "WARC-Record-ID": identifier,
        "WARC-Target-URI": capture.url,
        "WARC-Payload-Digest": f"sha256:{sha256}",
    }
    block = _http(capture.status, capture.headers)
    if held is None:
        block += capture.body
    else:
        if visit.how == "not_modified":
            block = _http(304, visit.headers)
        profile = "server-not-modified" if visit.how == "not_modified" else "identical-payload-digest"
        more |= {
            "WARC-Profile": _PROFILE + profile,
            "WARC-Refers-To": held.record,
            "WARC-Refers-To-Target-URI": capture.url,
            "WARC-Refers-To-Date": instant(datetime.fromisoformat(held.fetched_at)),
        }
    about = _about(entry, when, {"WARC-Concurrent-To": identifier}, sha256)
    return [member(kind, when, "application/http; msgtype=response", block, more), about]


def _about(entry: Entry, when: str, link: Mapping[str, str], sha256: str) -> bytes:
    """Return the metadata record beside an entry's first record, or, of a carried one, the only record."""
    more = {"WARC-Record-ID": _identifier("metadata", entry.url, when, sha256), "WARC-Target-URI": entry.url}
    body = json.dumps(entry.said, ensure_ascii=False, sort_keys=True).encode()
    return member("metadata", when, "application/json", body, {**more, **link})


def _http(status: int, headers: Headers) -> bytes:
    """Return a status line and headers as bytes.

    The body is kept as decoded, so the lengths and codings of the transfer would lie about it. They are kept
    under the X-Crawl- names that other archives use for the same purpose.
    """
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"{'X-Crawl-' if name.lower() in _LENGTHS else ''}{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def member(kind: str, when: str, content_type: str, block: bytes, more: Mapping[str, str]) -> bytes:
    """Return one WARC record as one gzip member; ``when`` is its WARC-Date, ``more`` the headers of its kind.

    Among these must be ``WARC-Record-ID``.
    """
    headers = {
        "WARC-Type": kind,
        "WARC-Date": when,
        **more,
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    }
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    pack = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(
        (pack.compress(head.encode()), pack.compress(block), pack.compress(b"\r\n\r\n"), pack.flush())
    )


def _identifier(kind: str, url: str, when: str, sha256: str) -> str:
    """Return a record ID that follows from the record, so that equal captures give equal segments."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url} {when} {sha256}')}>"


def instant(moment: datetime) -> str:
    """Return a moment as WARC-Date says it: UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
