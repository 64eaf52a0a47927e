"""Names as parts of addresses and files."""


def slug(name: str) -> str:
    """Return a name as lower-case ASCII letters, digits and hyphens, for addresses and files."""
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name.lower())
    return "-".join(filter(None, kept.split("-")))[:60] or "tasks"
