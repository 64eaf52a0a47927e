"""Finds the file of a source: in a folder of the user's, in the cache, or at its pinned address."""

import os
import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from datacards.errors import UserError, from_os_error
from eval.data.sources import Source, source

FOLDER = "KANAGURA_EVAL_DATA"  # names a folder of sources that the user keeps
LOOPBACK = ("127.0.0.1", "::1", "localhost")
TIMEOUT = 60  # seconds without a byte


def open_source(name: str, folder: Path | None = None) -> Path:
    """Return the file of the source called ``name``, whose bytes are those that are meant.

    It is looked for in ``folder``, in the folder that ``KANAGURA_EVAL_DATA`` names, and in the cache: as
    ``NAME/FILE``, or where its repository has it. Only where it lies in none of them is it fetched, into the cache.
    Raises UserError for an unknown name, for a file with other bytes, and where it can neither be found nor fetched,
    saying what to do on a machine without a network.
    """
    one = source(name)
    if found := find(one, folder):
        return found
    return fetch(one)


def find(one: Source, folder: Path | None = None) -> Path | None:
    """Return the file of ``one`` where it lies on this machine, else None; UserError when it has other bytes."""
    for place in _folders(folder):
        for path in (place / one.place, place / one.path):
            if path.is_file():
                check(one, path)
                return path
    return None


def fetch(one: Source) -> Path:
    """Download ``one`` into the cache and return its path; nothing half or wrong is ever left under its name."""
    try:
        return _cached(one, lambda part: _download(one, part))
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise UserError(
            one.name, f"cannot be fetched: {getattr(error, 'reason', error) or error}", **_offline(one)
        ) from error
    except OSError as error:
        raise from_os_error(error, one.name) from error


def add(one: Source, file: Path) -> Path:
    """Copy ``file``, which the user got elsewhere, into the cache as the file of ``one`` and return its path."""
    if not file.is_file():
        raise UserError(str(file), "is no file")
    try:
        check(one, file)
        return _cached(one, lambda part: part.write(file.read_bytes()))
    except OSError as error:
        raise from_os_error(error, one.name) from error


def check(one: Source, path: Path) -> None:
    """Raise UserError unless ``path`` holds the bytes that are meant."""
    size = path.stat().st_size
    digest = "" if size != one.size else sha256(path.read_bytes()).hexdigest()
    if digest != one.sha256:
        told = f"{size:,} bytes" if not digest else f"SHA-256 {digest}"
        raise UserError(
            one.name,
            f"{path.name} has {told}: not the file that published figures were made with",
            f"{one.size:,} bytes, SHA-256 {one.sha256}",
            f"get it from {one.address}",
        )


def cache() -> Path:
    """Return the folder that fetched files are kept in: ``kanagura/eval`` below ``XDG_CACHE_HOME``, else ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "kanagura" / "eval"


def _cached(one: Source, fill: Callable[[IO[bytes]], object]) -> Path:
    """Put what ``fill`` writes into the cache as the file of ``one``, once it has the bytes that are meant."""
    path = cache() / one.place
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        loose = Path(part.name)
        try:
            fill(part)
            part.flush()
            check(one, loose)
            loose.replace(path)
        finally:
            loose.unlink(missing_ok=True)
    return path


def _folders(folder: Path | None) -> Sequence[Path]:
    named = os.environ.get(FOLDER)
    return [*([folder] if folder else []), *([Path(named).expanduser()] if named else []), cache()]


def _offline(one: Source) -> dict[str, str]:
    return {
        "allowed": f"it is not shipped, as {one.why}",
        "todo": f"where there is a network, get {one.address} ; then: kanagura eval data add {one.name} FILE "
        f"(or name the folder that holds {one.place} in {FOLDER}), or leave the task out",
    }


def _download(one: Source, into: IO[bytes]) -> None:
    _trusted(one, one.address)
    opener = build_opener(SameTrust(one))
    asked = Request(one.address, headers={"User-Agent": "kanagura"})  # noqa: S310  the scheme is checked
    with opener.open(asked, timeout=TIMEOUT) as answer:
        # One byte more than there should be tells a longer file, which is not read to its end.
        into.write(answer.read(one.size + 1))


def _trusted(one: Source, address: str) -> None:
    """Raise UserError unless ``address`` is of https, or of this machine where the source itself is."""
    parts, here = urlsplit(address), urlsplit(one.host).hostname in LOOPBACK
    if parts.scheme != "https" and not (here and parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise UserError(one.name, f"leads to {address}", "https only", todo=_offline(one)["todo"])


class SameTrust(HTTPRedirectHandler):
    """Follows no redirection to an address that would not be asked in the first place."""

    def __init__(self, one: Source) -> None:
        self._one = one

    def redirect_request(  # noqa: PLR0917  the signature of urllib
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Request | None:
        """Return the request for the new address; raise UserError where that is not one to ask."""
        _trusted(self._one, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
