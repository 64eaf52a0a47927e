"""Names as parts of addresses and files."""

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9._@-]{1,60}")


def slug(name: str) -> str:
    """Return a name as lower-case ASCII letters, digits and hyphens, for addresses and files.

    One that is not such a name already ends in a part of its hash, so that no two are one.
    """
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name.lower())
    short = "-".join(filter(None, kept.split("-")))[:48]
    if name and not _PLAIN.fullmatch(name):
        short = f"{short}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".strip("-")
    return short or "tasks"
