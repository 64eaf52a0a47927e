"""The name that git gives to the bytes of a file."""

import hashlib


def blob_sha1(content: bytes) -> str:
    """Return the SHA-1 of a blob as hexadecimal text (git-hash-object: a header with the length, then the bytes)."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
