"""What the hub answered, told in one line that names no token and says what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

from datacards.errors import UserError

_ADDRESS = re.compile(r"\w+://\S+")  # a signed address would let others write


def mended(error: HfHubHTTPError) -> bool:
    """Return whether a refusal means that another publisher was faster, so that one has to look again."""
    return isinstance(error, RevisionNotFoundError) or _status(error) in (409, 412)


@contextmanager
def told_plainly(address: str, token: str) -> Iterator[None]:
    """Turn what the hub's client raises into a UserError; ``token`` never comes to stand in it."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, RuntimeError, ValueError) as error:
        answer = _answer(error)
        if answer is None:
            line = (str(error).strip().splitlines() or [""])[0]
            said = f"{type(error).__name__}: {line}" if line else type(error).__name__
            todo = (
                "check the network and HF_ENDPOINT (a hub that knows no xet needs HF_HUB_DISABLE_XET=1), then run the "
                "same command again: it goes on where it stopped"
            )
        else:
            said = f"the hub answered {_status(answer)} {answer.response.reason_phrase}".rstrip()
            said += f": {answer.server_message.splitlines()[0]}" if answer.server_message else ""
            todo = _todo(_status(answer))
        plain = "".join(filter(str.isprintable, _ADDRESS.sub("...", said.replace(token, "***"))))
        raise UserError(address, plain[:400], todo=todo) from None


def _todo(status: int) -> str:
    if status in (401, 403):
        return "use a token that may write to this repository: set HF_TOKEN, or run: hf auth login"
    if status == 404:
        return "check the name of the repository and whether the token may see it"
    return "run the same command again: it goes on where it stopped"


def _answer(error: BaseException | None) -> HfHubHTTPError | None:
    """Return the hub's refusal behind an error; uploads wrap it."""
    while error is not None and not isinstance(error, HfHubHTTPError):
        error = error.__cause__
    return error


def _status(error: HfHubHTTPError) -> int:
    return int(error.response.status_code)
