"""What an answer means: replies, a list that holds a bad prompt, a server that is busy, or one that is none of ours."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from datacards.endpoints.answers import BrokenError, ForeignError, parsed, told
from datacards.endpoints.transport import Answer
from datacards.errors import UserError
from datacards.render.markup import visible
from rephrase.client.answers import replies
from rephrase.requests import Reply, Request

_MOST = 300  # characters of a server's words in a message


class Fault(Enum):
    """Why there are no replies."""

    REFUSED = "the server will not take a prompt of the list"
    BUSY = "it has too much to do, or cannot be reached: no fault of the prompts"
    LOST = "the connection broke, for which the prompts can hardly be blamed"
    FAILED = "it failed at these prompts, which may be their fault"
    FOREIGN = "it is no server for these requests, or none at all"


class Failure(NamedTuple):
    """A fault, the server's words (or what happened), and for how many seconds it wants to be left alone."""

    fault: Fault
    said: str
    wait: float = 0.0


def judged(answer: Answer, asked: Sequence[Request]) -> list[Reply | None] | Failure:
    """Return the replies to ``asked``, None for a prompt without one, or why there are none at all."""
    if not answer.status:
        fault = {"away": Fault.BUSY, "lost": Fault.LOST}.get(answer.fate, Fault.FAILED)
        return Failure(fault, answer.trouble)
    if answer.status == 200:
        try:
            return replies(answer.body, asked)
        except BrokenError as error:
            return Failure(Fault.FAILED, f"a broken answer: {visible(error, _MOST)}")
        except ForeignError as error:
            said = f"the answer is none of the OpenAI interface: {visible(error, _MOST)}"
            return Failure(Fault.FOREIGN, said)
    fault = _fault(answer.status)
    said = visible(told(answer.body), 1000) if fault is Fault.REFUSED else ""
    return Failure(fault, said or words(answer), answer.wait)


def _fault(status: int) -> Fault:
    if status in (400, 413, 422):
        return Fault.REFUSED
    if status in (425, 429, 503):
        return Fault.BUSY
    if status == 408 or (status >= 500 and status != 501):
        return Fault.FAILED
    return Fault.FOREIGN


def words(answer: Answer) -> str:
    """Return the status of an answer with what the server says, on one line."""
    if not answer.status:
        return answer.trouble
    said = told(answer.body)
    if 300 <= answer.status < 400:
        said = f"a redirect to {answer.place}, which is not followed"
    return visible(f"{answer.status} {said}".strip(), _MOST)


def ours(answer: Answer) -> bool:
    """Return whether an error came from a program that speaks JSON, and not from a proxy or a page in between."""
    return answer.body.lstrip()[:1] == b"{"


def served(address: str, answer: Answer, model: str) -> int | None:
    """Return the longest context of ``model`` in tokens, where ``/v1/models`` tells it, by what that page answered.

    A server that knows no such page (405, 501) is believed. Raises UserError when it serves other models or is no
    such server; the answer must not be one of a server that is away or busy.
    """
    if answer.status in (405, 501):
        return None
    allowed, todo = "an address that ends with /v1 is needed", "correct servers"
    if answer.status in (401, 403):
        raise UserError(
            address,
            f"it lets nobody in: {words(answer)}",
            "a key is read from OPENAI_API_KEY",
            "set the right one",
        )
    if answer.status != 200:
        raise UserError(address, f"it answered {words(answer)}", allowed, todo)
    try:
        rows = parsed(answer.body).get("data")
    except (BrokenError, ForeignError) as error:
        raise UserError(
            address, f"the answer is none of the OpenAI interface: {visible(error, _MOST)}", allowed, todo
        ) from None
    if not isinstance(rows, list):
        raise UserError(
            address, "the answer is none of the OpenAI interface: it lists no models", allowed, todo
        )
    known = {row["id"]: row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)}
    if model not in known:
        names = visible(", ".join(f"'{name}'" for name in known) or "no model", _MOST)
        raise UserError(
            address,
            f"it serves {names}",
            f"'{model}' is asked for",
            "correct the model's name, or serve that model",
        )
    longest = known[model].get("max_model_len")
    return longest if type(longest) is int and longest > 0 else None
