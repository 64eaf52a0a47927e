"""What the answer to one request means: a reply of the judge, a refusal, or a failure on the way."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from datacards.endpoints.answers import BrokenError, ForeignError, count, parsed, told, whole
from datacards.endpoints.transport import Answer
from datacards.render.markup import visible

_MOST = 300  # characters of a server's words
#: Codes and words by which services say that a filter, not the model, has answered.
_FILTERS = ("content_filter", "content_policy", "content management policy", "moderation", "flagged")
#: Codes by which services say that nothing will be answered until somebody pays.
_UNPAID = ("insufficient_quota", "billing", "credit_balance", "insufficient_credits")


class Outcome(StrEnum):
    """What became of a request."""

    ANSWERED = "answered"  # the judge has replied
    REFUSED = "refused"  # the judge, or a filter before or after it, will not
    BUSY = "busy"  # not taken: too much to do, or no connection; nobody charges for that
    LOST = "lost"  # no whole answer came: it may have been charged for
    BAD = "bad"  # the request is not taken as it is: asking again is no use
    BARRED = "barred"  # no request will be taken: key, address, model or payment are wrong


@dataclass(frozen=True, slots=True)
class Came:
    """The outcome of one request; ``text`` is the reply or what the server said, ``wait`` its Retry-After in seconds."""

    outcome: Outcome
    text: str = ""
    finish: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    judge: str = ""
    status: int = 0
    wait: float = 0.0


def read(answer: Answer) -> Came:
    """Return what ``answer`` means. It never raises: whatever a server sends is one of the outcomes."""
    if not answer.status:
        outcome = Outcome.BUSY if answer.fate == "away" else Outcome.LOST
        return Came(outcome, visible(answer.trouble, _MOST))
    if answer.status == 200:
        try:
            return _reply(parsed(answer.body))
        except (BrokenError, ForeignError) as error:
            return Came(Outcome.LOST, visible(f"an answer that cannot be read: {error}", _MOST), status=200)
    words = told(answer.body)
    if 300 <= answer.status < 400:
        words = f"a redirect to {answer.place}, which is not followed"
    said = visible(f"{answer.status} {words}".strip(), _MOST)
    return Came(_failed(answer), said, status=answer.status, wait=answer.wait)


def _failed(answer: Answer) -> Outcome:
    status, marks = answer.status, _marks(answer.body)
    if status in (400, 403, 422) and any(word in marks for word in _FILTERS):
        return Outcome.REFUSED
    if status == 429 and any(word in marks for word in _UNPAID):
        return Outcome.BARRED
    if status in (425, 429, 503, 529):
        return Outcome.BUSY
    if status in (408, 409) or (status >= 500 and status != 501):
        return Outcome.LOST
    return Outcome.BAD if status in (400, 413, 422) else Outcome.BARRED


def _marks(body: bytes) -> str:
    """Return what an error says of its kind, in lower case."""
    return body[:20_000].decode(errors="replace").lower()


def _reply(said: dict[str, Any]) -> Came:
    """Return the reply in a chat completion. Raises ForeignError where there is none."""
    choices = said.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ForeignError(told(json.dumps(said).encode()) or "it holds no choice")
    usage = said.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    finish, model = choice.get("finish_reason"), said.get("model")
    refusal = message.get("refusal")
    refused = finish == "content_filter" or (isinstance(refusal, str) and bool(refusal))
    text = _text(message.get("content"))
    return Came(
        Outcome.REFUSED if refused else Outcome.ANSWERED,
        text or (whole(refusal) if isinstance(refusal, str) else ""),
        finish if isinstance(finish, str) else "",
        count(usage.get("prompt_tokens")),
        count(usage.get("completion_tokens")),
        visible(model, 200) if isinstance(model, str) else "",
        200,
    )


def _text(content: Any) -> str:
    """Return the text of a message: a string, or the texts of its parts; nothing where there is none."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    return whole(content) if isinstance(content, str) else ""
