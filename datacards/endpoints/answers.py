"""The JSON of an answer: one object, the message of an error, text that a file can hold, a count of tokens."""

import json
from typing import Any

_MOST_TOKENS = 1 << 40  # a count beyond it is none


class BrokenError(ValueError):
    """An answer that was cut off or garbled on the way: the same question may be asked again."""


class ForeignError(ValueError):
    """An answer that is whole and none of the OpenAI interface."""


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises BrokenError when it is cut off, ForeignError when it is something else."""
    if body.lstrip()[:1] != b"{":
        raise ForeignError(
            f"it starts with {body[:40].decode(errors='replace')!r}" if body else "it is empty"
        )
    try:
        said = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise BrokenError(f"it is no whole JSON: {error}") from None
    assert isinstance(said, dict)  # noqa: S101  it starts with a brace
    return said


def told(body: bytes) -> str:
    """Return the message of an error as vLLM, OpenAI, FastAPI or a proxy words it; the raw text of anything else."""
    try:
        said: Any = json.loads(body.decode())
    except (ValueError, RecursionError):
        return body[:1000].decode(errors="replace").strip()
    for name in ("error", "message", "detail"):
        if isinstance(said, dict) and said.get(name):
            said = said[name]
    return whole(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))


def whole(text: str) -> str:
    """Return ``text`` with U+FFFD for halves of surrogate pairs, which JSON may carry and no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def count(value: Any) -> int:
    """Return a number of tokens, 0 for what is none."""
    return value if type(value) is int and 0 <= value < _MOST_TOKENS else 0
