"""Texts of labeled parts, read back strictly: what the formats write, and what models reply."""

from collections.abc import Sequence
from itertools import pairwise


def values(text: str, labels: Sequence[str]) -> list[str]:
    """Return what stands behind each label; the first begins the text, each further one a line, in this order.

    A value runs until the line that the next label begins, so it may have several lines. Raises ValueError,
    which says what was wanted where, unless every label is there and every value has text without white space
    around it.
    """
    if not text.startswith(labels[0]):
        raise ValueError(f"the text must begin with {labels[0]!r}, not {text[:20]!r}")
    found, at = [], len(labels[0])
    for before, label in pairwise(labels):
        end = text.find(f"\n{label}", at)
        if end < 0:
            raise ValueError(f"no line after {before!r} begins with {label!r}")
        found.append(text[at:end])
        at = end + 1 + len(label)
    found.append(text[at:])
    for label, value in zip(labels, found, strict=True):
        if not value or value != value.strip():
            raise ValueError(
                f"behind {label!r} must be text without white space around it, not {value[:20]!r}"
            )
    return found
