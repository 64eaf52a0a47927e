"""Objects of a store like S3: listed, read, and put whole or only where there is none, with errors a user can mend."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from datacards.errors import UserError

SCHEMES = ("s3", "gs", "az")
BLOCK = 8 << 20  # bytes of a read
PART = 5 << 20  # bytes of a part, the least that S3 takes
MARK = "sha256"  # under which an object's metadata hold the SHA-256 of its bytes
MOST_PARTS = 9_000  # of one object; S3 takes 10,000
_SECRET = re.compile(r"\?\S*|(?<=//)[^/\s@]*@")  # a signature may stand in a query, a password before a host
_CODE = re.compile(r"<Code>(\w+)</Code>")


class Bucket:
    """The objects below one address. Nothing here is appended to or renamed: an object is there whole, or not.

    Credentials, region and endpoint come from the environment, as the provider's own tools read them (for S3:
    ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ``AWS_ENDPOINT_URL``), or from the machine's role.
    """

    def __init__(self, address: str) -> None:
        self.address = checked(address)
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        plain = endpoint.startswith("http://")  # asked for in words, as for a server in one's own rack
        with self._told():
            self._objects = from_url(
                self.address, client_options={"allow_http": plain, "timeout": timedelta(minutes=2)}
            )

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the keys below ``prefix`` with their sizes in bytes."""
        with self._told():
            batches = obstore.list(self._objects, prefix)
            return {one["path"]: one["size"] for batch in batches for one in batch}

    def folders(self, prefix: str | None = None) -> list[str]:
        """Return the names of the next level below ``prefix`` that have objects below them."""
        with self._told():
            found = obstore.list_with_delimiter(self._objects, prefix)
        return [path.rpartition("/")[2] for path in found["common_prefixes"]]

    def read(self, key: str) -> bytes | None:
        """Return the bytes of a small object, None when there is none."""
        with self._told():
            try:
                return bytes(obstore.get(self._objects, key).bytes())
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None

    def blocks(self, key: str, size: int) -> Iterator[memoryview]:
        """Yield the first ``size`` bytes of an object, 8 MiB at a time; raise UserError when there is none.

        Every block is a request of its own: no line is so slow that it meets the time limit of one, and a block
        that fails is asked for again without those before it.
        """
        for start in range(0, size, BLOCK):
            with self._told():
                block = obstore.get_range(self._objects, key, start=start, end=min(start + BLOCK, size))
            yield memoryview(block)

    def put(self, key: str, path: Path) -> None:
        """Put a file as one object; a large one goes in parts that become an object only when all have arrived."""
        part = max(PART, path.stat().st_size // MOST_PARTS + 1)
        with self._told():
            obstore.put(self._objects, key, path, chunk_size=part, max_concurrency=4)

    def put_marked(self, key: str, source: IO[bytes], size: int, sha256: str) -> str:
        """Put a stream of ``size`` bytes as one object that carries its SHA-256; return the object's tag.

        Mark and bytes arrive in one step: an object with a mark has the bytes that the mark was made of. What
        ``source`` raises ends the put without an object and comes out as an OSError.
        """
        part = max(PART, size // MOST_PARTS + 1)
        with self._told():
            done = obstore.put(
                self._objects, key, source, attributes={MARK: sha256}, chunk_size=part, max_concurrency=4
            )
        return str(done["e_tag"] or "")

    def mark(self, key: str) -> str:
        """Return the SHA-256 that an object carries, '' when it carries none or is not there."""
        with self._told():
            try:
                return str(obstore.get(self._objects, key, options={"head": True}).attributes.get(MARK, ""))
            except FileNotFoundError:
                return ""

    def states(self, prefix: str) -> dict[str, tuple[int, str]]:
        """Return the keys below ``prefix`` with their sizes in bytes and their tags, which change with the bytes."""
        with self._told():
            batches = obstore.list(self._objects, prefix)
            return {one["path"]: (one["size"], one["e_tag"] or "") for batch in batches for one in batch}

    def create(self, key: str, content: bytes) -> bool:
        """Put a small object where there is none, in one step (``If-None-Match: *``); return False when there is one."""
        with self._told():
            try:
                obstore.put(self._objects, key, content, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def delete(self, keys: list[str]) -> None:
        """Delete objects; what is not there is no error."""
        if keys:
            with self._told():
                obstore.delete(self._objects, keys)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the client's errors into one line that names neither a key nor what the server sent back."""
        try:
            yield
        except (BaseError, FileNotFoundError, ValueError) as error:
            raise UserError(
                self.address,
                _line(str(error)),
                todo="check the address and the credentials in the environment, then run the same command again",
            ) from None


def checked(address: str) -> str:
    """Return the address of a store without its last slash.

    Raises UserError when its scheme is none of ``SCHEMES``, it names no bucket, or something that may be a secret
    stands in it; such an address is not repeated in the message.
    """
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise UserError("store", "its address cannot be read", todo="correct it") from error
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UserError(
            "store",
            "its address holds a user, a query or a fragment",
            "scheme://bucket/prefix and nothing else",
            "put credentials into the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3)",
        )
    if parts.scheme not in SCHEMES or not parts.netloc:
        allowed = f"{', '.join(f'{scheme}://bucket/prefix' for scheme in SCHEMES)}, or a folder's path"
        raise UserError("store", f"'{address}' is no address of a store", allowed, "correct it")
    return address.rstrip("/")


def _line(text: str) -> str:
    """Return the first line of an error without what the server sent; its code in words stays."""
    code = _CODE.search(text)
    first = _SECRET.sub("", re.split(r"[\n<]", text, maxsplit=1)[0]).strip().rstrip(":")
    return f"{first} ({code[1]})" if code else first
