"""Why a request got no response, in one word that cards count."""

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)

from datacards.errors import UserError
from spiders.bounds import PRIVATE, TOO_LONG
from spiders.pace import LEFT
from spiders.signals import REFUSED
from spiders.takedowns import TAKEN

_REASONS = (
    (DownloadTimeoutError, "timeout"),
    (CannotResolveHostError, "unreachable"),
    (DownloadConnectionRefusedError, "unreachable"),
    (DownloadCancelledError, "too_large"),
    (ResponseDataLossError, "cut_off"),
)
_IGNORED = (  # how the messages of IgnoreRequest begin: Scrapy has one exception for all of them
    ("Forbidden by robots.txt", "robots_disallowed"),
    ("robots.txt of", "robots_unreachable"),
    ("Ignored response", "too_large"),  # a small response that inflates to more than DOWNLOAD_MAXSIZE
    (REFUSED, "ai_use_refused"),
    (TOO_LONG, "address_too_long"),
    (TAKEN, "taken_down"),
    (LEFT, "left_alone"),  # the host asks for more time than we wait
)
#: Why an address is not captured although nothing went wrong: the publisher does not want it, or a takedown names it.
UNWANTED = frozenset({"robots_disallowed", "ai_use_refused", "taken_down"})
#: What will fail again the next time: a version is complete without it.
FINAL = frozenset(
    {"redirect_elsewhere", "too_many_redirects", "private_address", "too_large", "address_too_long"}
)


class NothingDueError(UserError):
    """There is nothing to crawl yet, which is no failure."""


def reason_of(error: BaseException | None) -> str:
    """Return the word for an error that ended a request."""
    said = str(error)
    if PRIVATE in said:
        return "private_address"
    if isinstance(error, IgnoreRequest):
        return next((word for start, word in _IGNORED if said.startswith(start)), "ignored")
    return next((word for kind, word in _REASONS if isinstance(error, kind)), "no_response")
